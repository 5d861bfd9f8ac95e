# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Log in, see the disks, write and read them back.
# target: host guest
# timeout: 120
rdma_up
if [ "$VM_TARGET" = guest ]; then
	srptd_conf <<-END
		ram ram0 size 64M
		fileio file0 filename /tmp/file0.img,size 64M,thin_provisioned 1
	END
	srptd_start
fi
step login
login initiator_ext=1
step "disks: ${DISKS[*]}"
lsscsi -g
same ${#DISKS[@]} 2 "disks"
for d in "${DISKS[@]}"; do
	step "dd $d"
	head -c 8M /dev/urandom >/tmp/data
	dd if=/tmp/data of="$d" bs=1M oflag=direct status=none
	dd if="$d" of=/tmp/back bs=1M count=8 iflag=direct status=none
	cmp /tmp/data /tmp/back
	fio_verify "$(basename "$d")" 5 "$d"
done
logout "$HOST"
kernel_is_well
