# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The initiator's RDMA device goes away while it is logged in, under I/O and idle, and comes back. Over rxe it is srptd's, too.
# timeout: 120
rdma_up
srptd_conf <<-END
	ram ram0 size 32M
END
srptd_start
removed=0
# Over rxe: srptd listens on the device that came back.
listens_again() { [ "$(grep -c 'its device has come' $LOG)" = $removed ]; }
for io in yes no yes; do
	login initiator_ext=1
	fio=
	if [ $io = yes ]; then
		run_fio unplug --filename="${DISKS[0]}" --rw=randrw --bs=4k --iodepth=16 --time_based --runtime=60 >/dev/null &
		fio=$!
		sleep 2
	fi
	step "device away, I/O: $io"
	rdma link del rdma0
	within 20 channels_are 0 || die "channels of a lost device stay"
	[ -z "$fio" ] || ! wait "$fio" || die "fio did not notice"
	within 20 test ! -e "/sys/class/scsi_host/host$HOST" || die "the SCSI host stays"
	rdma_attach rdma0 $NETDEV
	removed=$((removed + 1))
	[ "$VM_RDMA" = siw ] || within 20 listens_again || die "srptd does not listen again"
done
login initiator_ext=1
fio_verify back 3 "${DISKS[0]}"
logout "$HOST"
srptd_stop
kernel_is_well
