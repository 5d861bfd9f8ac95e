# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Small writes with their data in the command, and fetched by RDMA READ.
# timeout: 120
for imm in Y N; do
	if [ $imm = Y ]; then rdma_up use_imm_data=Y; else modprobe ib_srp use_imm_data=N; fi
	[ $imm = N ] || { srptd_conf <<-END
		ram ram0 size 64M
		fileio file0 filename /tmp/file0.img,size 64M
	END
	srptd_start; }
	dmesg -C
	login initiator_ext=1
	n=$(dmesg | grep -c 'using immediate data' || true)
	step "immediate data $imm: $n channels use it"
	[ $imm = Y ] && [ "$n" -gt 0 ] || { [ $imm = N ] && [ "$n" = 0 ]; } || die "immediate data $imm, but $n channels use it"
	for d in "${DISKS[@]}"; do
		fio_verify "imm$imm-$(basename "$d")" 4 "$d" --bsrange=512-16k --bs_unaligned=0
	done
	logout "$HOST"
	rmmod ib_srp
done
srptd_stop
kernel_is_well
