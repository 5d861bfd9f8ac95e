# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The verbs provider does what every provider must (src/fabric/fabric_test.c).
# rdma: rxe
# extra: siw
# timeout: 300
# Over siw only when asked for (run --rdma siw): its passive side loses a request now and then, when the MPA request
# has arrived before the connection was accepted, and then counts its references wrong.
modprobe ib_uverbs
modprobe rdma_ucm
modprobe ib_srp
rdma_dummy 0
ulimit -l unlimited
t=/build/src/fabric/fabric_fabric_test

if ! $t verbs 192.168.77.1 fd00:77::1 2>&1 | while read -r line; do step "$line"; done >/tmp/seam.log; then
	grep -vE '\[( RUN  |       OK)' /tmp/seam.log | tail -40
	die "the seam's tests"
fi
grep -E 'PASSED|SKIPPED' /tmp/seam.log
kernel_is_well
