# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The same initiator logs in again: after a logout and, over siw, after its link was dead for a while and in place of a
# login that the target still believes in. (Over rxe both are one device, of which no side can be cut off.)
# timeout: 180
rdma_up
srptd_conf <<-END
	ram ram0 size 32M
END
srptd_start
step "logout and login"
for i in 1 2 3; do
	login initiator_ext=1,ch_count=2
	same "$(n_channels)" 2 "channels"
	logout "$HOST"
	within 10 channels_are 0 || die "channels stay behind"
done

if [ "$VM_RDMA" = siw ]; then
	login initiator_ext=1,ch_count=2
	timeouts "$HOST" reconnect_delay 1 fast_io_fail_tmo off
	# The host's connections end while nothing of it gets through, so that the target does not hear of it.
	cut() {
		ip route add blackhole $ADDR/32
		ss -Ktn dst $ADDR >/dev/null
		same "$(n_channels)" 2 "channels"
		sleep 1
		ip route del blackhole $ADDR/32
	}
	modprobe tcp_diag
	step "the link dies under I/O"
	fio_verify relogin 15 "${DISKS[0]}" &
	fio=$!
	sleep 3
	cut
	wait $fio || die "fio over a dead link"
	within 30 channels_are 2 || die "$(n_channels) channels, expected 2"
	step "the link dies while nothing goes on"
	# With nothing to send again the target believes in its channels until the next login.
	sleep 1
	cut
	within 30 grep -q 'replaced by a new login' $LOG || die "the old channels were not replaced"
	within 30 channels_are 2 || die "$(n_channels) channels, expected 2"
	fio_verify after 3 "${DISKS[0]}"
	logout "$HOST"
	within 10 channels_are 0 || die "channels stay behind"
fi
srptd_stop
kernel_is_well
