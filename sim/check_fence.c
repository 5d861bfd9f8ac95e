/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Units that are fenced: only for a disk that holds back what was cancelled, and not after it has given that back. That
 * nothing is served meanwhile is looked at by the disks (spy_io_is_orphan()) and by the model of what they hold.
 */
#include "sim/check.h"
#include "sim/sched.h"
#include "sim/world.h"
#include "target/internal.h"

#define SLACK_NS NSEC_PER_SEC /* for messages between workers */

void check_fence(int disk, bool fenced)
{
	if (!fenced)
		excuse(EXCUSE_DISK, disk); /* until now nobody was served */
	else if (!excused_disks(1) && !excused(EXCUSE_SLOW, -1, 1))
		fail_now("disk %d: its unit is fenced for no reason", disk);
}

void check_fence_kept(uint64_t cancel_ns)
{
	if (sched_now_ns() > cancel_ns + TGT_FENCE_NS + SLACK_NS && !excused(EXCUSE_SLOW, -1, 1))
		fail_now("what was cancelled has not ended in time, and was not given up");
}
