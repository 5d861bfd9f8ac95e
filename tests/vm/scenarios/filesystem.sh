# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A file system lives on the disk: made, filled, checked, and found again after a logout.
# timeout: 180
rdma_up
srptd_conf <<-END
	fileio file0 filename /tmp/file0.img,size 192M,thin_provisioned 1
END
srptd_start
modprobe ext4
login initiator_ext=1
disk=${DISKS[0]}
step "mkfs"
mkfs.ext4 -q "$disk"
mkdir -p /mnt/a
mount -t ext4 -o discard "$disk" /mnt/a
step "copy"
cp -a /usr/lib/modules /usr/libexec /mnt/a/
cp -a /usr/bin /mnt/a/bin
(cd /mnt/a && find . -type f -print0 | sort -z | xargs -0 md5sum) >/tmp/sums
step "$(wc -l </tmp/sums) files, $(du -sm /mnt/a | cut -f1) MiB"
rm -rf /mnt/a/modules/*/kernel/drivers
umount /mnt/a
step "fsck"
e2fsck -fn "$disk" >/tmp/fsck.log 2>&1 || die "fsck: $(cat /tmp/fsck.log)"
logout "$HOST"
step "again"
login initiator_ext=1
disk=${DISKS[0]}
mount -t ext4 -o ro "$disk" /mnt/a
(cd /mnt/a && grep -v /kernel/drivers/ /tmp/sums | md5sum -c --quiet) || die "files differ"
umount /mnt/a
logout "$HOST"
srptd_stop
kernel_is_well
