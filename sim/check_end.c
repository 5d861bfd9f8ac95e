/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* When the target has ended nothing of it may be left. */
#include "sim/check.h"
#include "sim/disk.h"
#include "sim/fabric.h"
#include "sim/heap.h"
#include "sim/run.h"
#include "sim/spy.h"
#include "sim/store.h"
#include "sim/world.h"

void check_all_gone(const char *when)
{
	if (fabric_n_passive(run_fabric()))
		fail_now("%u connections of the target are left %s", fabric_n_passive(run_fabric()),
			 when);
	if (fabric_n_listeners(run_fabric()))
		fail_now("%u listeners of the target are left %s", fabric_n_listeners(run_fabric()),
			 when);
	if (fabric_n_mems(run_fabric()))
		fail_now("%u pieces of memory are still announced %s", fabric_n_mems(run_fabric()),
			 when);
	if (disk_n_open())
		fail_now("%u disks are left open %s", disk_n_open(), when);
	if (store_n_open())
		fail_now("%u state files are left open %s", store_n_open(), when);
	if (disk_n_under_way())
		fail_now("%u requests to disks are left %s", disk_n_under_way(), when);
	spy_check_empty(when);
	heap_check_empty(when);
}
