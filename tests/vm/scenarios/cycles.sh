# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# 1,000 logins and logouts leave nothing behind in srptd.
# timeout: 900
CYCLES=${VM_CYCLES:-1000}
rdma_up
srptd_conf <<-END
	nullio null0 size 64M
END
# A login to this one finds no disk, and so costs an emulated host little; every tenth goes to the other.
cat >>/tmp/srptd.conf <<END
TARGET_DRIVER $SRPTD_DRIVER {
	TARGET empty {
		listen $ADDR:$PORT
		id_ext 0200000000000002
		ioc_guid 0200000000000002
		GROUP all {
			INITIATOR *
		}
		enabled 1
	}
}
END
srptd_start
# Nothing reads the disk, or the kernel would look for partitions on it.
modprobe -r sd_mod sg 2>/dev/null || true
pid=$(pgrep -x srptd)
rss() { awk '/RssAnon/ { print $2 }' "/proc/$pid/status"; }
fds() { ls "/proc/$pid/fd" | wc -l; }
# Not from the log: it leaves lines out where many are alike.
n_logins() { srptctl status --json | grep -o '"logins": *[0-9]*' | awk '{ n += $2 } END { print n }'; }
cycle() {
	local h id=0200000000000002
	[ $(($1 % 10)) != 0 ] || id=$ID_EXT
	# The host forgets a login some time after it let it go, so the next one has another name.
	echo "id_ext=$id,ioc_guid=$id,dest=$ADDR:$PORT,ch_count=1,initiator_ext=$(printf %x "$1")" \
		>/sys/class/infiniband_srp/srp-rdma0-1/add_target || die "login $1"
	for h in /sys/class/srp_remote_ports/port-*/delete; do { echo 1 >"$h"; } 2>/dev/null || true; done
	# The host logs in faster than it lets go. How many channels there are at a time decides how much memory malloc keeps.
	[ $(($1 % 10)) != 0 ] || within 60 channels_are 0 || die "channels stay behind after login $1"
}
for i in $(seq "$CYCLES"); do
	cycle "$i"
	if [ "$i" = $((CYCLES / 2)) ]; then
		rss0=$(rss) fds0=$(fds)
		step "after $i: $rss0 KiB, $fds0 descriptors"
	fi
done
within 60 channels_are 0 || die "channels stay behind"
step "after $CYCLES: $(rss) KiB, $(fds) descriptors"
same "$(n_logins)" "$CYCLES" "logins"
same "$(fds)" "$fds0" "descriptors"
# malloc keeps what the most channels at a time needed, some 100 KiB each; 500 that stay would be 50 MiB.
[ "$(rss)" -le $((rss0 + 1024)) ] || die "memory grew from $rss0 to $(rss) KiB"
srptd_stop
kernel_is_well
