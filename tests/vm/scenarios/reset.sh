# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Resets of the logical unit and of the bus (which Linux makes a reconnect) under I/O.
# timeout: 180
rdma_up
srptd_conf <<-END
	ram ram0 size 64M
	fileio file0 filename /tmp/file0.img,size 64M
END
srptd_start
login initiator_ext=1
timeouts "$HOST" reconnect_delay 1
for d in "${DISKS[@]}"; do
	g=/dev/$(ls "/sys/block/$(basename "$d")/device/scsi_generic")
	fio_verify "reset-$(basename "$d")" 20 "$d" &
	fio=$!
	sleep 2
	for i in 1 2 3 4 5; do
		step "LUN reset $i of $d"
		sg_reset -d -N "$g" || die "LUN reset"
		sleep 0.3
	done
	for i in 1 2 3; do
		step "bus reset $i of $d"
		sg_reset -b "$g" || die "bus reset"
		sleep 1
	done
	wait $fio || die "fio after the resets"
done
kernel_said 'SRP reset_device called' || die "no LUN reset was sent"
logout "$HOST"
srptd_stop
kernel_is_well
