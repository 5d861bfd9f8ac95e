# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Buffers with gaps: pieces of a few bytes up to a page, in memory that hangs together nowhere, through the block layer
# and through SG_IO.
# timeout: 120
for how in never_register=N never_register=Y; do
	modprobe -r ib_srp 2>/dev/null || true
	if [ ! -e /tmp/srptd.conf ]; then
		rdma_up $how
		srptd_conf <<-END
			ram ram0 size 16M
			fileio file0 filename /tmp/file0.img,size 16M
		END
		srptd_start
	else
		modprobe ib_srp $how
	fi
	login initiator_ext=1,cmd_sg_entries=255,sg_tablesize=255
	for d in "${DISKS[@]}"; do
		step "$how $d"
		/build/tests/vm/scatter "$d" || die "scattered I/O on $d"
		/build/tests/vm/scatter "/dev/$(ls "/sys/block/$(basename "$d")/device/scsi_generic")" || die "scattered SG_IO on $d"
	done
	logout "$HOST"
done
srptd_stop
kernel_is_well
