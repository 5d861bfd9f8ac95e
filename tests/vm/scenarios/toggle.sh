# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The target's port is disabled and enabled again under I/O: the host waits and goes on.
# timeout: 180
rdma_up
devices() {
	srptd_conf <<-END
		ram ram0 size 32M
	END
}
devices
srptd_start
login initiator_ext=1
timeouts "$HOST" reconnect_delay 1 fast_io_fail_tmo off
fio_verify toggle 25 "${DISKS[0]}" &
fio=$!
for i in 1 2 3 4; do
	sleep 2
	step "disable"
	SRPTD_ENABLED=0 devices
	kill -HUP $SRPTD
	within 10 channels_are 0 || die "channels of a disabled port stay"
	sleep 1
	step "enable"
	SRPTD_ENABLED=1 devices
	kill -HUP $SRPTD
	within 20 eval '[ "$(n_channels)" -gt 0 ]' || die "the host does not come back"
done
wait $fio || die "fio over a port that came and went"
logout "$HOST"
srptd_stop
kernel_is_well
