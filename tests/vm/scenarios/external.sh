# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Buffers of more descriptors than a command holds: the target fetches the table.
# timeout: 120
rdma_up never_register=Y indirect_sg_entries=2048
srptd_conf <<-END
	ram ram0 size 64M
	fileio file0 filename /tmp/file0.img,size 64M
END
srptd_start
for n in 1 12 255; do
	step "$n descriptors in the command, 2048 in all"
	login initiator_ext=1,cmd_sg_entries=$n,allow_ext_sg=1,sg_tablesize=2048,max_sect=16384
	for d in "${DISKS[@]}"; do
		q=/sys/block/$(basename "$d")/queue
		same "$(cat "$q/max_segments")" 2048 "max_segments"
		echo 8192 >"$q/max_sectors_kb"
		fio_verify "ext$n-$(basename "$d")" 3 "$d" --bsrange=4k-4m --iodepth=4
	done
	logout "$HOST"
done
srptd_stop
kernel_is_well
