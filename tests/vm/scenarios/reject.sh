# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Logins that must fail: wrong name, nobody allowed, port disabled, nobody listening; each with the reason it should
# have, and the next good login works.
# timeout: 90
rdma_up
srptd_conf <<-END
	ram ram0 size 32M
END
# Beside t0 at the same address: one that is disabled and one that lets nobody in.
cat >>/tmp/srptd.conf <<END
TARGET_DRIVER $SRPTD_DRIVER {
	TARGET off {
		listen $ADDR:$PORT
		id_ext 0200000000000002
		ioc_guid 0200000000000002
		allow_any 1
		LUN 0 ram0
		enabled 0
	}
	TARGET closed {
		listen $ADDR:$PORT
		id_ext 0200000000000003
		ioc_guid 0200000000000003
		GROUP others {
			LUN 0 ram0
			INITIATOR 10.9.9.9
		}
		enabled 1
	}
}
END
srptd_start
# refused WHAT LINE REASON: the login fails, srptd logs the SRP reason (if it hears of it), and over rxe the initiator gets
# it, too; over siw, which passes on no private data of a refusal, it hears that it was refused.
refused() {
	local from
	from=$(stat -c %s $LOG)
	step "$1"
	dmesg -C
	! echo "$2" 2>/dev/null >/sys/class/infiniband_srp/srp-rdma0-1/add_target || die "$1: the login succeeded"
	tail -c "+$((from + 1))" $LOG >/tmp/new
	cat /tmp/new
	same "$(sed -n 's/.*rejected with reason \(0x[0-9a-f]*\).*/\1/p' /tmp/new)" "$3" "$1: reason in the log"
	[ -z "$3" ] || kernel_said "ib_srp: REJ received" || die "$1: the initiator knows nothing of a refusal"
	[ -z "$3" ] || [ "$VM_RDMA" = siw ] || kernel_said "SRP LOGIN REJECTED, reason $3" || die "$1: another reason at the initiator"
	same "$(n_channels)" 0 "channels"
}
line() { echo "id_ext=$1,ioc_guid=$1,dest=$ADDR:$PORT,initiator_ext=1"; }
refused "wrong name" "$(line 0200000000000009)" 0x00010003
refused "port disabled" "$(line 0200000000000002)" 0x00010001
refused "nobody allowed" "$(line 0200000000000003)" 0x00010003
refused "nobody listens" "id_ext=$ID_EXT,ioc_guid=$IOC_GUID,dest=$ADDR:4444,initiator_ext=1" ""
login initiator_ext=1
logout "$HOST"
srptd_stop
kernel_is_well
