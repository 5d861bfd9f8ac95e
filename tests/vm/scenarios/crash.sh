# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# srptd is killed under I/O and started again at once, as systemd would: a crash is a reconnect.
# timeout: 420
KILLS=${VM_KILLS:-20}
rdma_up
srptd_conf <<-END
	fileio file0 filename /tmp/file0.img,size 64M
	fileio file1 filename /tmp/file1.img,size 64M
END
srptd_loop() {
	while [ ! -e /tmp/stop ]; do
		$IN_TARGET /build/srptd -c /tmp/srptd.conf >>$LOG 2>&1 &
		echo $! >/tmp/srptd.pid
		wait $! || true
		sleep 0.2
	done
}
srptd_loop &
loop=$!
within 20 grep -q ready $LOG || die "srptd is not ready"
login initiator_ext=1
timeouts "$HOST" reconnect_delay 1
# Round after round: each ends with everything verified.
fio_rounds() {
	local n=0
	until [ -e /tmp/enough ]; do
		n=$((n + 1))
		run_fio "crash-$1-$n" --filename="/dev/$1" --rw=randrw --bs=4k --iodepth=16 "${VERIFY[@]}" --time_based \
			--runtime=20 || return 1
	done
}
for d in "${DISKS[@]}"; do
	fio_rounds "$(basename "$d")" &
	fio[$!]=$d
done
for i in $(seq "$KILLS"); do
	sleep 1.$((RANDOM % 10))
	ready=$(grep -c ready $LOG)
	ios=$(awk '{ print $1 + $5 }' "/sys/block/$(basename "${DISKS[0]}")/stat")
	kill -9 "$(cat /tmp/srptd.pid)"
	within 20 eval "[ \$(grep -c ready $LOG) -gt $ready ]" || die "srptd did not come back"
	within 40 eval "[ \$(awk '{ print \$1 + \$5 }' /sys/block/$(basename "${DISKS[0]}")/stat) -gt $((ios + 200)) ]" ||
		die "no I/O after kill $i"
	step "kill $i"
	for p in "${!fio[@]}"; do kill -0 "$p" 2>/dev/null || die "fio on ${fio[$p]} ended"; done
done
touch /tmp/enough
for p in "${!fio[@]}"; do wait "$p" || die "fio on ${fio[$p]} failed"; done
touch /tmp/stop
logout "$HOST"
kill -TERM "$(cat /tmp/srptd.pid)"
wait $loop
kernel_is_well
