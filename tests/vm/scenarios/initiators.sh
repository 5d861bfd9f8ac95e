# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Two initiators on one target: with names of their own and, over siw, from two hosts with the name of all zeroes that
# every soft iWARP device has.
# timeout: 180
rdma_up
DEV1=rdma0 ADDR1=$ADDR
names=("initiator_ext=1 initiator_ext=2")
if [ "$VM_RDMA" = siw ]; then
	rdma_pair 1
	DEV1=rdma1 ADDR1=192.168.78.1
	SRPTD_LISTEN=0.0.0.0:$PORT
	names+=("initiator_ext=0 initiator_ext=0")
fi
srptd_conf <<-END
	ram ram0 size 32M
END
srptd_start
for pair in "${names[@]}"; do
	set -- $pair
	step "$pair"
	login "$1,ch_count=2" rdma0
	host0=$HOST disk0=${DISKS[0]}
	ADDR=$ADDR1 login "$2,ch_count=2" $DEV1
	host1=$HOST disk1=${DISKS[0]}
	same "$(n_channels)" 4 "channels"
	fio_verify one 6 "$disk0" --size=16M &
	fio=$!
	fio_verify two 6 "$disk1" --size=16M --offset=16M
	wait $fio || die "fio of the first initiator"
	same "$(n_channels)" 4 "channels after the I/O"
	# What one wrote the other reads.
	head -c 64k /dev/urandom >/tmp/data
	dd if=/tmp/data of="$disk0" bs=64k oflag=direct status=none
	dd if="$disk1" of=/tmp/back bs=64k count=1 iflag=direct status=none
	cmp /tmp/data /tmp/back
	logout "$host0"
	within 10 channels_are 2 || die "$(n_channels) channels after the first logout"
	dd if="$disk1" of=/tmp/back bs=64k count=1 iflag=direct status=none
	cmp /tmp/data /tmp/back
	logout "$host1"
	within 10 channels_are 0 || die "channels stay behind"
done
srptd_stop
kernel_is_well
