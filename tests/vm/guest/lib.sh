# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What the scenarios share. A scenario is bash with errexit, nounset and pipefail; it fails with `die` or by any
# command that fails, and passes by reaching its end.

ID_EXT=0200000000000001
IOC_GUID=0200000000000001
PORT=5555
ADDR=192.168.77.1 # srptd's
LOG=/tmp/srptd.log
CTL=/tmp/srptd.sock
: "${VM_RDMA:=siw}" "${VM_TARGET:=guest}"
# Over siw srptd is to speak iWARP itself; what it makes of "srpt" over rxe is verbs.
if [ "$VM_RDMA" = siw ]; then SRPTD_DRIVER=iwarp; else SRPTD_DRIVER=srpt; fi
ulimit -l unlimited

die() {
	echo "FAIL: $*"
	[ ! -f $LOG ] || { echo "--- srptd"; tail -15 $LOG; }
	echo "--- kernel"
	dmesg | tail -12
	exit 1
}

step() {
	local now
	read -r now _ </proc/uptime
	echo "[$now] $*"
}

# within SECONDS COMMAND...: until it succeeds.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

same() { [ "$1" = "$2" ] || die "$3: '$1', expected '$2'"; }

# --- the network and the RDMA devices ---
#
# siw: the initiator's devices are on veth pairs whose other ends are in a network namespace of the target, so that
# the traffic takes the way through TCP/IP that it takes between machines and a link can be cut.

# Small packets cost much in an emulated machine; that they work is shown by the login to the host, over 1500.
MTU=9000
IN_TARGET= # prefix of what runs on the target's side

# rdma_attach DEVICE NETDEV
rdma_attach() {
	case $VM_RDMA in
	siw) modprobe siw ;;
	rxe) modprobe rdma_rxe ;;
	esac
	rdma link add "$1" type "$VM_RDMA" netdev "$2"
	within 10 test -e "/sys/class/infiniband_srp/srp-$1-1/add_target" || die "no add_target for $1"
}

# A dummy interface dN with 192.168.(77+N).1 and fd00:(77+N)::1, device rdmaN: initiator and target share it, because rxe
# does not leave the first network namespace.
rdma_dummy() {
	local n=$1 net=$((77 + $1))
	ip link add "d$n" mtu "$MTU" type dummy
	ip addr add "192.168.$net.1/24" dev "d$n"
	ip addr add "fd00:$net::1/64" dev "d$n" nodad
	ip link set "d$n" up
	rdma_attach "rdma$n" "d$n"
}

# The N-th pair: host end hN with 192.168.(77+N).2, target end tN with .1 and fd00:(77+N)::1, device rdmaN.
rdma_pair() {
	local n=$1 net=$((77 + $1))
	ip link add "h$n" mtu "$MTU" type veth peer name "t$n" mtu "$MTU" netns target
	ip addr add "192.168.$net.2/24" dev "h$n"
	ip addr add "fd00:$net::2/64" dev "h$n" nodad
	ip link set "h$n" up
	ip -n target addr add "192.168.$net.1/24" dev "t$n"
	ip -n target addr add "fd00:$net::1/64" dev "t$n" nodad
	ip -n target link set "t$n" up
	rdma_attach "rdma$n" "h$n"
}

# rdma_up [PARAMETERS of ib_srp]
rdma_up() {
	modprobe ib_uverbs
	modprobe rdma_ucm
	modprobe ib_srp "$@"
	modprobe sd_mod
	modprobe sg
	if [ "$VM_TARGET" = host ]; then
		modprobe virtio_net
		within 10 test -e /sys/class/net/eth0 || die "no eth0"
		ip link set eth0 up
		ip addr add 10.0.2.15/24 dev eth0
		ADDR=10.0.2.2
		PORT=$VM_PORT
		rdma_attach rdma0 eth0
		NETDEV=eth0
	elif [ "$VM_RDMA" = rxe ]; then
		rdma_dummy 0
		NETDEV=d0
	else
		ip netns add target
		ip -n target link set lo up
		IN_TARGET="ip netns exec target"
		rdma_pair 0
		NETDEV=h0
	fi
}

# --- srptd in the guest ---

# srptd_conf DEVICES-AND-LUNS: reads lines of devices on stdin, "KIND NAME WORDS..." and gives each the next LUN.
srptd_conf() {
	local lun=0 kind name words luns= out=/tmp/srptd.conf
	: >$out
	echo "control_socket $CTL" >>$out
	echo "${SRPTD_OPTIONS:-}" >>$out
	while read -r kind name words; do
		[ -n "$kind" ] || continue
		printf 'HANDLER vdisk_%s {\n\tDEVICE %s {\n' "$kind" "$name" >>$out
		printf '%s\n' "$words" | tr ',' '\n' >>$out
		printf '\t}\n}\n' >>$out
		luns+="		LUN $lun $name"$'\n'
		lun=$((lun + 1))
	done
	cat >>$out <<-END
		TARGET_DRIVER $SRPTD_DRIVER {
			TARGET t0 {
				listen ${SRPTD_LISTEN:-$ADDR:$PORT}
				id_ext $ID_EXT
				ioc_guid $IOC_GUID
				allow_any 1
				enabled ${SRPTD_ENABLED:-1}
				${SRPTD_TARGET:-}
		$luns
			}
		}
	END
}

srptd_start() {
	local from=0
	[ ! -f $LOG ] || from=$(stat -c %s $LOG)
	$IN_TARGET /build/srptd -c /tmp/srptd.conf >>$LOG 2>&1 &
	SRPTD=$!
	within 20 srptd_ready "$from" || die "srptd is not ready"
}

srptd_ready() { tail -c "+$(($1 + 1))" $LOG | grep -q ready; }

srptd_stop() {
	kill -TERM "$SRPTD"
	wait "$SRPTD" || die "srptd ended with $?"
}

srptctl() { /build/srptctl --socket $CTL "$@"; }

# n_channels: how many srptd has.
n_channels() { srptctl status --json | sed -n 's/.*"channels_total": *\([0-9]*\).*/\1/p'; }
channels_are() { [ "$(n_channels)" = "$1" ]; }

# --- the initiator ---

login_line() { echo "id_ext=$ID_EXT,ioc_guid=$IOC_GUID,dest=$ADDR:$PORT${1:+,$1}"; }

# login [OPTIONS [DEVICE]]: log in; the SCSI host's number is in HOST, its disks are in DISKS.
login() {
	local before after why end=$((SECONDS + 20))
	before=$(hosts)
	# ib_srp forgets a login some time after its SCSI host has gone.
	until why=$({ echo "$(login_line "${1:-}")" >"/sys/class/infiniband_srp/srp-${2:-rdma0}-1/add_target"; } 2>&1); do
		[[ $why == *"File exists"* && $SECONDS -lt $end ]] || die "login refused: $why"
		sleep 0.2
	done
	after=$(hosts)
	HOST=$(comm -13 <(echo "$before") <(echo "$after") | head -1)
	[ -n "$HOST" ] || die "no SCSI host after the login"
	HOST=${HOST#host}
	find_disks
}

# SCSI hosts of ib_srp, one a line.
hosts() {
	local h
	for h in /sys/class/scsi_host/host*; do
		[ ! -e "$h/ioc_guid" ] || basename "$h"
	done | sort
}

# timeouts HOST NAME VALUE...: of what the host does about a lost connection.
timeouts() {
	local p host=$1
	shift
	while [ $# -gt 0 ]; do
		for p in /sys/class/srp_remote_ports/port-"$host":*; do echo "$2" >"$p/$1"; done
		shift 2
	done
}

find_disks() {
	DISKS=()
	within 20 disks_settled || die "the disks of host $HOST do not appear"
	local d
	for d in /sys/class/scsi_device/"$HOST":*/device/block/*; do
		[ -e "$d" ] && DISKS+=("/dev/$(basename "$d")")
	done
}

# Every disk (type 0) of the host has its block device.
disks_settled() {
	local d n=0
	for d in /sys/class/scsi_device/"$HOST":*; do
		[ -e "$d/device/type" ] || return 1
		[ "$(cat "$d/device/type")" = 0 ] || continue
		compgen -G "$d/device/block/*" >/dev/null || return 1
		n=$((n + 1))
	done
	[ $n -gt 0 ]
}

# logout HOST
logout() {
	local p
	for p in /sys/class/srp_remote_ports/port-"$1":*; do
		echo 1 >"$p/delete"
	done
	within 30 test ! -e "/sys/class/scsi_host/host$1" || die "host $1 does not go"
}

# kernel_said PATTERN. (Not by a pipe: grep -q would leave dmesg with nobody to write to, which pipefail calls a failure.)
kernel_said() {
	dmesg >/tmp/dmesg.now
	grep -q -- "$1" /tmp/dmesg.now
}

# Kernel messages that nobody should see.
kernel_is_well() {
	! dmesg | grep -E 'BUG:|Oops|WARNING:|general protection|Call Trace|hung_task|blocked for more' || die "the kernel complains"
}

# run_fio NAME OPTIONS...: fio with a line of its findings; fails when it found an error.
run_fio() {
	local name=$1 ok=0
	shift
	fio --name="$name" --ioengine=libaio --direct=1 --group_reporting --eta=never --output="/tmp/fio-$name.log" "$@" || ok=$?
	sed -n 's/^ *\(read\|write\): *\(IOPS=[^(]*\).*/\1 \2/p; s/.*\(err= *[0-9]*\).*/\1/p' "/tmp/fio-$name.log" |
		paste -sd' ' | sed "s/^/  fio $name: /"
	[ $ok = 0 ] && grep -q 'err= 0' "/tmp/fio-$name.log" || { cat "/tmp/fio-$name.log"; return 1; }
}

# What is written is read back and compared, while new is written.
VERIFY=(--verify=crc32c --verify_fatal=1 --verify_backlog=256 --verify_async=0 --randrepeat=0)

# fio_verify NAME SECONDS DISK [fio options]
fio_verify() {
	local name=$1 secs=$2 disk=$3
	shift 3
	run_fio "$name" --filename="$disk" --rw=randrw --bs=4k --iodepth=32 "${VERIFY[@]}" --time_based --runtime="$secs" "$@" ||
		die "fio $name on $disk"
}
