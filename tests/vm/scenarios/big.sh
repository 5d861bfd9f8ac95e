# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Commands of 8 MiB.
# timeout: 180
rdma_up
srptd_conf <<-END
	ram ram0 size 32M
	fileio file0 filename /tmp/file0.img,size 32M
END
srptd_start
echo 64 >/proc/sys/vm/nr_hugepages
login initiator_ext=1,max_sect=16384
for d in "${DISKS[@]}"; do
	q=/sys/block/$(basename "$d")/queue
	echo 8192 >"$q/max_sectors_kb"
	before=$(awk '{ print $1 + $5, $3 + $7 }' "/sys/block/$(basename "$d")/stat")
	run_fio "big-$(basename "$d")" --filename="$d" --rw=write --bs=8M --iodepth=3 --size=32M --iomem=mmaphuge \
		--hugepage-size=2M "${VERIFY[@]}" || die "fio"
	after=$(awk '{ print $1 + $5, $3 + $7 }' "/sys/block/$(basename "$d")/stat")
	mean=$(echo "$before $after" | awk '{ print int(($4 - $2) / ($3 - $1)) }')
	step "$d: $mean sectors a command"
	[ "$mean" -gt 14000 ] || die "the commands are not of 8 MiB"
done
logout "$HOST"
srptd_stop
kernel_is_well
