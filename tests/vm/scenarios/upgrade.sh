# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A planned change of the program under verified I/O: no error, and how long I/O stood still.
# timeout: 300
rdma_up
srptd_conf <<-END
	fileio file0 filename /tmp/file0.img,size 64M
END
srptd_start
pid=$(pgrep -x srptd)
login initiator_ext=1
timeouts "$HOST" reconnect_delay 1
disk=${DISKS[0]}
ios() { awk '{ print $1 + $5 }' "/sys/block/$(basename "$disk")/stat"; }
ios_beyond() { [ "$(ios)" -gt "$1" ]; }
fio_verify before 4 "$disk"
run_fio upgrade --filename="$disk" --rw=randrw --bs=4k --iodepth=16 "${VERIFY[@]}" --time_based --runtime=40 &
fio=$!
for i in 1 2 3 4; do
	sleep 3
	before=$(ios)
	step "$(srptctl --timeout 30 upgrade)"
	within 30 ios_beyond $((before + 200)) || die "no I/O after upgrade $i"
	same "$(pgrep -x srptd)" "$pid" "process"
done
wait $fio || die "fio over upgrades"
step "longest I/O, which is the stall: $(sed -n 's/^ *clat (\([mu]*sec\)).*max=\([^,]*\),.*/\2 \1/p' /tmp/fio-upgrade.log | paste -sd'/')"
same "$(grep -c 'takes over' $LOG)" 4 "upgrades in the log"
step "a program that does not agree changes nothing"
echo "nonsense 1" >>/tmp/srptd.conf
! srptctl upgrade || die "it was upgraded with a wrong configuration"
dd if="$disk" of=/dev/null bs=64k count=1 iflag=direct status=none
logout "$HOST"
srptd_stop
kernel_is_well
