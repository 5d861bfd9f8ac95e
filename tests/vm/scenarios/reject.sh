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
# refused LINE PATTERN-IN-LOG
refused() {
	local from
	from=$(stat -c %s $LOG)
	step "$3"
	! echo "$1" 2>/dev/null >/sys/class/infiniband_srp/srp-rdma0-1/add_target || die "$3: the login succeeded"
	tail -c "+$((from + 1))" $LOG >/tmp/new
	cat /tmp/new
	[ -z "$2" ] || grep -qE "$2" /tmp/new || die "$3: nothing like '$2' in the log"
	same "$(n_channels)" 0 "channels"
}
line() { echo "id_ext=$1,ioc_guid=$1,dest=$ADDR:$PORT,initiator_ext=1"; }
refused "$(line 0200000000000009)" "no such target|unknown target|reason 0x00010003" "wrong name"
refused "$(line 0200000000000002)" "disabled|not enabled|reason 0x00010001|no such target|0x00010003" "port disabled"
refused "$(line 0200000000000003)" "no group|access|not allowed|reason 0x0001000" "nobody allowed"
refused "id_ext=$ID_EXT,ioc_guid=$IOC_GUID,dest=$ADDR:4444,initiator_ext=1" "" "nobody listens"
login initiator_ext=1
logout "$HOST"
srptd_stop
kernel_is_well
