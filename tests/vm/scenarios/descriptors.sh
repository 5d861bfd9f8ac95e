# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Buffers of 1, 16 and 255 descriptors: the initiator registers nothing, so that every piece is one of its own.
# timeout: 120
rdma_up never_register=Y indirect_sg_entries=255
srptd_conf <<-END
	ram ram0 size 64M
	fileio file0 filename /tmp/file0.img,size 64M
END
srptd_start
for n in 1 16 255; do
	step "$n descriptors"
	login initiator_ext=1,cmd_sg_entries=$n,sg_tablesize=$n,max_sect=2048
	for d in "${DISKS[@]}"; do
		q=/sys/block/$(basename "$d")/queue
		same "$(cat "$q/max_segments")" $n "max_segments"
		echo 1024 >"$q/max_sectors_kb"
		fio_verify "sg$n-$(basename "$d")" 3 "$d" --bsrange=4k-1m --iodepth=8
	done
	logout "$HOST"
done
srptd_stop
kernel_is_well
