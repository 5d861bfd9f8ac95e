# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Several channels for one login, and I/O on each.
# cpus: 4
# timeout: 120
rdma_up
srptd_conf <<-END
	ram ram0 size 64M
END
srptd_start
for n in 1 2 4; do
	step "$n channels"
	login initiator_ext=1,ch_count=$n
	same "$(n_channels)" $n "channels"
	fio_verify channels$n 4 "${DISKS[0]}" --numjobs=4 --cpus_allowed=0-3 --cpus_allowed_policy=split --iodepth=8 \
		--size=16M --offset_increment=16M
	logout "$HOST"
	within 10 channels_are 0 || die "channels stay behind: $(n_channels)"
done
step "all that this host has"
login initiator_ext=1
same "$(n_channels)" 4 "channels"
logout "$HOST"
srptd_stop
kernel_is_well
