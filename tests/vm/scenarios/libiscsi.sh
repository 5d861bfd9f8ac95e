# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The SCSI tests of libiscsi's iscsi-test-cu through /dev/sg, and some of sg3_utils. None may fail, and only what is
# named here may be skipped. VM_FAMILIES=Read10,Verify16 runs only these.
# timeout: 1500
# rdma: siw
rdma_up cmd_sg_entries=255 indirect_sg_entries=255
mkdir -p /tmp/state
SRPTD_OPTIONS="state_dir /tmp/state"
# Less than the 65536 blocks that one test would move by a single command, which /dev/sg does not take.
srptd_conf <<-END
	fileio file0 filename /tmp/file0.img,size 31M,thin_provisioned 1
	ram ram1 size 16M,read_only 1
	ram ram2 size 16M
	ram ram3 size 16M,removable 1,physical_blocksize 4096
END
srptd_start
# One test moves 2048 blocks by a single command, however small the limit; by default ib_srp allows 1024, and so does /dev/sg.
login initiator_ext=1,max_sect=2048
same ${#DISKS[@]} 4 "disks"
sg_of() { echo "/dev/$(ls "/sys/block/$(basename "$1")/device/scsi_generic")"; }
g=$(sg_of "${DISKS[0]}")
protected=$(sg_of "${DISKS[1]}")
atomic=$(sg_of "${DISKS[2]}")
removable=$(sg_of "${DISKS[3]}")
one=$HOST
login initiator_ext=2
second=$(sg_of "${DISKS[0]}")

# What the tool cannot run on a block device (it says so); tests/conform has these rules. Then what it says of our answer to
# WRITE SAME of zero blocks, which is the one that WSNZ wants; alignment and granularity of WRITE ATOMIC, which there are
# none of; cryptographic erase, where nothing is encrypted.
may_skip='Non-iSCSI multipath|only supported for iSCSI backends|does not support 0-blocks'
may_skip+='|No alignment restrictions|No granularity restrictions|SANITIZE CRYPTO_ERASE is not implemented'

# [also=REGEX] run_family FAMILY[.TEST] DEVICE [SECOND_PATH]: @also may be skipped too.
run_family() {
	local tests log=/tmp/one.log
	step "$1"
	timeout 300 iscsi-test-cu -d -S -f -n -t "SCSI.$1" "${@:2}" >$log 2>&1 || true
	cat $log >>/tmp/iscsi-test-cu.log
	tests=$(sed -n 's/^ *tests  *\([0-9]*\)  *\([0-9]*\)  *\([0-9]*\)  *\([0-9]*\).*/\2 \4/p' $log)
	echo "$1: ${tests:-?} (ran, failed)"
	grep -a SKIPPED $log | sed "s/.*\[SKIPPED\]/$1:/" | grep -avE "$may_skip${also:+|$also}" >>/tmp/skipped || true
	if [ -z "$tests" ]; then
		echo "$1" >>/tmp/bad
	elif [ "${tests#* }" != 0 ]; then
		# Its /dev/sg takes CONDITION MET, with which PRE-FETCH ends, for a failed ioctl.
		if [[ $1 != Prefetch* ]] || grep -aE '^ *\[FAILED\]' $log | grep -qv 'PREFETCH1.* command: SCSI masked error'; then
			cat $log
			echo "$1" >>/tmp/bad
		fi
	fi
}

# SANITIZE with bits set that are reserved: on a block device the tool ends in the middle of this one (a null pointer; the two
# others of its kind it skips). Rule sanitize.unused_bits of tests/conform has it.
no_sanitize=OverwriteReserved

families=${VM_FAMILIES:-$(iscsi-test-cu -l 2>/dev/null | sed -n 's/^SCSI\.\([A-Za-z0-9]*\)$/\1/p')}
for family in ${families//,/ }; do
	case $family in
	ReceiveCopyResults)
		# It wants nothing to be known of the copy 1. ExtendedCopy had one, for which nobody asked: what is told is forgotten.
		sg_raw --request=12 "$g" 84 00 01 00 00 00 00 00 00 00 00 00 00 0c 00 00 || true
		run_family "$family" "$g"
		;;
	MultipathIO)
		# Other families would run twice with a second path. This one expects zeroes in one block more than it writes, and no
		# news of what others have set by the first.
		sg_write_same --num=512 --lba=0 --xferlen=512 --in=/dev/zero "$g"
		sg_turs --number=20 "$second" >/dev/null || true
		run_family "$family" "$g" "$second"
		;;
	CompareAndWrite)
		also='LBPPB < 2' run_family "$family" "$g"
		run_family "$family" "$removable"
		;;
	WriteSame10 | WriteSame16)
		# With several blocks per physical one there are two more tests. InvalidDataoutSize takes more data than there are blocks for
		# an error, where SRP tells of a residual (family residual of tests/conform).
		also='LBPPB < 2' run_family "$family" "$g"
		run_family "$family.UnmapUnaligned" "$removable"
		;;
	WriteAtomic16) # a file does not have it, see design 20
		run_family "$family" "$atomic"
		;;
	PreventAllow | NoMedia | StartStopUnit)
		also='not removable' run_family "$family" "$g"
		run_family "$family" "$removable"
		;;
	ReadOnly)
		also='not write-protected' run_family "$family" "$g"
		run_family "$family" "$protected"
		;;
	Sanitize)
		for name in $(iscsi-test-cu -l 2>/dev/null | sed -n 's/^SCSI\.Sanitize\.//p' | grep -vx "$no_sanitize"); do
			run_family "$family.$name" "$g"
		done
		;;
	*)
		run_family "$family" "$g"
		;;
	esac
done

step sg3_utils
sg_turs "$g"
sg_inq "$g" >/dev/null
for page in di sv bl bdc lbpv ei mpp sp; do
	sg_vpd -p $page "$g" >/dev/null || die "sg_vpd -p $page"
done
sg_readcap -l "$g" >/dev/null
sg_opcodes "$g" >/dev/null
sg_persist -i -k "$g" >/dev/null
sg_persist -o -G -S 0x1234 "$g" >/dev/null
sg_persist -i -k "$g" | grep -q 0x1234 || die "sg_persist: the key is not there"
sg_persist -o -C -K 0x1234 "$g" >/dev/null
sg_write_same --num=8 --lba=0 --xferlen=512 --in=/dev/zero "$g"
sg_unmap --force --lba=0 --num=64 "$g"

[ ! -s /tmp/bad ] || die "failed: $(tr '\n' ' ' </tmp/bad)"
[ ! -s /tmp/skipped ] || die "skipped what it should not: $(sort -u /tmp/skipped)"
logout "$HOST"
logout "$one"
srptd_stop
kernel_is_well
