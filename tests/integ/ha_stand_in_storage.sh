#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# drbdadm and ssh, by the name it is called with. HA_DIR has the disk of both nodes, who is primary, and a directory for each
# node; this node is HA_NODE.
set -eu
case ${0##*/} in
drbdadm)
	held=$(cat "$HA_DIR/primary" 2>/dev/null || true)
	case $1 in
	primary)
		[ -z "$held" ] || [ "$held" = "$HA_NODE" ] || { echo "State change failed: Multiple primaries not allowed" >&2 && exit 11; }
		echo "$HA_NODE" >"$HA_DIR/primary" ;;
	secondary)
		flock --nonblock "$HA_DIR/disk" true || { echo "State change failed: Device is held open" >&2 && exit 11; }
		[ "$held" != "$HA_NODE" ] || rm "$HA_DIR/primary" ;;
	esac ;;
ssh)
	while [ "${1#-}" != "$1" ]; do
		shift 2
	done
	HA_NODE=$1 SRPTD_MOVE_CONF=$HA_DIR/$1/move.conf SRPTD_SOCKET=$HA_DIR/$1/ctl
	export HA_NODE SRPTD_MOVE_CONF SRPTD_SOCKET
	shift
	exec "$@" ;;
esac
