# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# srptd and the kernel's own target (LIO's ib_srpt) over the same rxe device, with disks that forget what is written:
# turn by turn, medians, ratios.
# rdma: rxe
# cpus: 2
# timeout: 1500
ROUNDS=${VM_ROUNDS:-5}
LIO_PORT=5556
rdma_up
srptd_conf <<-END
	nullio null0 size 1G
END
srptd_start

# --- LIO ---
mkdir -p /etc/target/pr /var/target/pr
modprobe target_core_mod
modprobe ib_srpt
mount -t configfs config /sys/kernel/config 2>/dev/null || true
T=/sys/kernel/config/target
gid=$(cat /sys/class/infiniband/rdma0/ports/1/gids/0)
guid=$(cat /sys/class/infiniband/rdma0/node_guid)
port=${gid:20}
mkdir -p $T/core/rd_mcp_0/rd0
echo "rd_pages=262144,rd_nullio=1" >$T/core/rd_mcp_0/rd0/control
echo 1 >$T/core/rd_mcp_0/rd0/enable
mkdir -p "$T/srpt/$port/$port/lun/lun_0"
echo $LIO_PORT >$T/srpt/discovery_auth/rdma_cm_port
ln -s $T/core/rd_mcp_0/rd0 "$T/srpt/$port/$port/lun/lun_0/rd0"
mkdir -p "$T/srpt/$port/$port/acls/$ADDR/lun_0"
ln -s "$T/srpt/$port/$port/lun/lun_0" "$T/srpt/$port/$port/acls/$ADDR/lun_0/rd0"
echo 1 >"$T/srpt/$port/$port/enable"

# The same of everything for both: one channel, segments, command size.
options=initiator_ext=1,ch_count=1,cmd_sg_entries=255,max_sect=2048
login $options
srptd_host=$HOST srptd_disk=${DISKS[0]}
ID_EXT=${guid//:/} IOC_GUID=${guid//:/} PORT=$LIO_PORT
login $options
lio_host=$HOST lio_disk=${DISKS[0]}
for d in "$srptd_disk" "$lio_disk"; do
	echo 1024 >"/sys/block/$(basename "$d")/queue/max_sectors_kb"
	echo none >"/sys/block/$(basename "$d")/queue/scheduler"
done
lsscsi

# Time in which a processor did something, in us, and context switches, so far.
counters() { awk '/^cpu / { busy = $2 + $3 + $4 + $7 + $8 } /^ctxt/ { print busy * 10000, $2 }' /proc/stat; }

# measure WHO DISK LINE RW BS QD: a row "LINE WHO IOPS MiB/s us-of-CPU-per-I/O switches-per-I/O"
measure() {
	local before after
	before=$(counters)
	fio --name=b --filename="$2" --rw="$4" --bs="$5" --iodepth="$6" --ioengine=libaio --direct=1 --norandommap --randrepeat=0 \
		--time_based --runtime=4 --eta=never --output-format=terse --terse-version=3 --output=/tmp/fio.out || die "fio on $2"
	after=$(counters)
	echo "$before $after $(tail -1 /tmp/fio.out)" | awk -v who="$1" -v line="$3" -v bs="${5%k}" '{
		split(substr($0, index($0, "3;")), f, ";")
		if (f[5] != 0) exit 1
		ios = (f[6] + f[47]) / bs
		print line, who, f[8] + f[49], (f[7] + f[48]) / 1024, ($3 - $1) / ios, ($4 - $2) / ios
	}' >>/tmp/rows || die "fio's answer on $2"
	tail -1 /tmp/rows
}

# name, kind, block, depth
LINES="randread-4k-QD1 randread 4k 1
randread-4k-QD32 randread 4k 32
randwrite-4k-QD32 randwrite 4k 32
read-128k-QD8 read 128k 8
write-128k-QD8 write 128k 8
read-1M-QD4 read 1024k 4
write-1M-QD4 write 1024k 4"
: >/tmp/rows
for round in $(seq "$ROUNDS"); do
	step "round $round of $ROUNDS"
	while read -r name rw bs qd; do
		if [ $((round % 2)) = 1 ]; then order="srptd lio"; else order="lio srptd"; fi
		for who in $order; do
			disk=${who}_disk
			measure "$who" "${!disk}" "$name" "$rw" "$bs" "$qd"
		done
	done <<<"$LINES"
done
echo
awk -v lines="$(cut -d' ' -f1 <<<"$LINES" | paste -sd' ')" '
	function median(line, who, col,   n, i, j, t, a) {
		n = count[line, who]
		for (i = 1; i <= n; i++) a[i] = v[line, who, i, col]
		for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (a[j] < a[i]) { t = a[i]; a[i] = a[j]; a[j] = t }
		return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
	}
	{ n = ++count[$1, $2]; for (c = 3; c <= 6; c++) v[$1, $2, n, c] = $c }
	END {
		print "| | IOPS srptd / LIO | ratio | MiB/s | ratio | CPU us per I/O | ratio | switches per I/O | ratio |"
		print "|---|---|---|---|---|---|---|---|---|"
		m = split(lines, l, " ")
		for (i = 1; i <= m; i++) {
			printf "| %s", l[i]
			for (c = 3; c <= 6; c++) {
				s = median(l[i], "srptd", c); k = median(l[i], "lio", c)
				f = c == 3 ? "%.0f" : c == 6 ? "%.2f" : "%.1f"
				printf " | " f " / " f " | %.2f", s, k, k ? s / k : 0
			}
			print " |"
		}
	}' /tmp/rows | tee /tmp/table.log
cp /tmp/rows /tmp/rows.log
logout "$lio_host"
logout "$srptd_host"

# The floor under one command in flight: two processes of user space that send each other 4 KiB over the same device, and sleep.
pingpong() {
	ibv_rc_pingpong -d rdma0 -g 1 -n 1000 "$@" >/tmp/ping.server 2>&1 &
	sleep 1
	ibv_rc_pingpong -d rdma0 -g 1 -n 1000 "$@" "$ADDR" >/tmp/ping.client 2>&1 || die "ibv_rc_pingpong: $(tail -1 /tmp/ping.client)"
	wait $!
	awk '/usec\/iter/ { print $(NF - 1) }' /tmp/ping.client
}
echo
echo "ping-pong of two processes, 4 KiB, us there and back: asleep $(pingpong -e), polling $(pingpong)" | tee -a /tmp/table.log
srptd_stop
