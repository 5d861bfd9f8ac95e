# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What README.md tells a reader to type, taken from there: its configuration, its login, its logout.
# timeout: 90
# block WORD: the fenced block of the README in which WORD stands.
block() {
	awk -v word="$1" '/^```./ { text = ""; on = 1; next } /^```$/ { if (on && index(text, word)) printf "%s", text; on = 0 }
		on { text = text $0 "\n" }' /project/README.md
}
block "DEVICE disk01" >/tmp/srptd.conf
sed -i "1i control_socket $CTL" /tmp/srptd.conf
modprobe sd_mod
# A file system that can do O_DIRECT, which the configuration asks for.
modprobe loop
modprobe ext4
truncate -s 96M /tmp/srv.img
mkfs.ext4 -q -O ^has_journal /tmp/srv.img
mkdir -p /srv
mount -o loop /tmp/srv.img /srv
truncate -s 64M /srv/disk01.img
if [ "$VM_RDMA" = siw ]; then
	ip netns add target
	ip link add eth0 type veth peer name eth0 netns target
	ip -n target addr add 10.0.0.7/24 dev eth0
	ip -n target link set eth0 up
	ip addr add 10.0.0.2/24 dev eth0
	IN_TARGET="ip netns exec target"
else
	# rxe does not leave the first network namespace: one device for both sides.
	ip link add eth0 mtu 9000 type dummy
	ip addr add 10.0.0.7/24 dev eth0
fi
ip link set eth0 up
srptd_start
[ -n "$(block "type $VM_RDMA")" ] || die "README.md does not say how to log in over $VM_RDMA"
block "type $VM_RDMA" >/tmp/login
block "port/delete" >/tmp/logout
cat /tmp/login
# udev makes devices with these names; here a moment passes until they are there.
sed -i '/^echo/i within 10 test -e /sys/class/infiniband_srp/srp-*-1/add_target' /tmp/login
[ "$VM_RDMA" = siw ] || sed -i '/^echo/i within 10 grep -q "its device has come" $LOG' /tmp/login
. /tmp/login
HOST=$(hosts | sed 's/host//')
find_disks
lsscsi | grep SRPTD || die "no disk"
grep -q "over $([ "$VM_RDMA" = siw ] && echo "verbs and iwarp\|over iwarp" || echo verbs)" $LOG || die "another transport"
dd if=/dev/urandom of="${DISKS[0]}" bs=64k count=16 oflag=direct status=none
cmp -n 1048576 "${DISKS[0]}" /srv/disk01.img || die "the file has other data"
. /tmp/logout
within 20 test -z "$(hosts)" || die "the host stays"
srptd_stop
umount /srv
ip link del eth0
kernel_is_well
