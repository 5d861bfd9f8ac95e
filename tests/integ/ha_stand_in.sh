#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# crm_attribute, crm_node and crm_resource, by the name it is called with, as far as our agent uses them. The cluster is the
# directory HA_CIB: a file for each attribute, nodes that are cut off, what crm_resource was asked for; this node is HA_NODE.
set -eu
type='' node='' name='' value='' default='' what=''
tool=${0##*/}
while [ $# -gt 0 ]; do
	case $1 in
	--type) type=$2 && shift ;;
	--node) node=$2 && shift ;;
	--name)
		if [ "$tool" = crm_attribute ]; then
			name=$2 && shift
		else
			what=name
		fi ;;
	--update) what=update value=$2 && shift ;;
	--default) default=$2 && shift ;;
	--lifetime | --resource) shift ;;
	--promotion=*) name=promotion ;;
	--delete | --query | --quorum | --move | --clear) what=${1#--} ;;
	--quiet | --promoted) ;;
	*) echo "$tool: $1?" >&2 && exit 64 ;;
	esac
	shift
done
cut_off() {
	[ -e "$HA_CIB/cut_off/$HA_NODE" ]
}
case $tool.$what in
crm_node.name) echo "$HA_NODE" ;;
crm_node.quorum) if cut_off; then echo 0; else echo 1; fi ;;
crm_resource.clear) echo clear >>"$HA_CIB/asked" ;;
crm_resource.move)
	[ ! -e "$HA_CIB/refuse" ] || exit 1
	echo "$node" >>"$HA_CIB/asked" ;;
crm_attribute.*)
	! cut_off || exit 102
	[ "$type" = crm_config ] || name=$node.$name
	file=$HA_CIB/attributes/$name
	case $what in
	update) echo "$value" >"$file.$$" && mv "$file.$$" "$file" ;;
	delete) rm -f "$file" ;;
	query)
		if [ -e "$file" ]; then
			cat "$file"
		elif [ -n "$default" ]; then
			echo "$default"
		else
			exit 6
		fi ;;
	esac ;;
esac
