/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Units whose store changes: what it is now is noticed in time, hosts are told, and commands go by it.
 *
 * The size of a unit has a version from the moment at which the SCSI core is told of it. All nexuses are owed an
 * attention then. A command is served, or refused because of its blocks, by a version that was in force when it was
 * sent, or later: workers may go by the one before as long as a message takes. What the disk is now, and the
 * unit does not know, must be noticed after a second.
 */
#include "base/check.h"
#include "scsi/lu.h"
#include "scsi/ua.h"
#include "sim/check.h"
#include "sim/disk.h"
#include "sim/hcmd.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/spy.h"
#include "sim/world.h"

#define VERSIONS  16u
#define LOOK_NS   (2 * NSEC_PER_SEC) /* every second, and a look takes its time */
#define LOW_BYTES (1u << 20) /* of each threshold here: disks are small, and it is rounded up */

struct version {
	uint64_t n_blocks;
	uint64_t until_ns; /* when the next one came; UINT64_MAX: it is in force */
};

static struct size {
	uint64_t born;       /* spy_count() when the newest came */
	uint64_t other_ns;   /* since when the disk is another than the unit knows; 0: it is not */
	uint64_t other_tick; /* likewise */
	struct version v[VERSIONS];
	unsigned n; /* versions there were */
	bool low;   /* it was told that its space is low, and not that it is more again */
} sizes[DISKS_MAX];

static void begin_version(struct size *s, uint64_t n_blocks)
{
	if (s->n)
		s->v[s->n % VERSIONS].until_ns = sched_now_ns();
	s->n++;
	s->v[s->n % VERSIONS] = (struct version){ .n_blocks = n_blocks, .until_ns = UINT64_MAX };
	s->born = spy_count();
	s->other_ns = 0;
}

void check_size_found(const struct scsi_lu *lu, int disk)
{
	begin_version(&sizes[disk], lu->n_blocks);
	sizes[disk].low = false;
}

uint64_t check_size_now(int disk)
{
	const struct size *s = &sizes[disk];

	return s->n ? s->v[s->n % VERSIONS].n_blocks : proc_lun_blocks(disk);
}

/* --- the core is told --- */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
bool __real_scsi_lu_set_size(struct scsi_lu *lu, uint64_t size_bytes);
bool __real_scsi_lu_set_space(struct scsi_lu *lu, const struct scsi_space *space);
bool __wrap_scsi_lu_set_size(struct scsi_lu *lu, uint64_t size_bytes);
bool __wrap_scsi_lu_set_space(struct scsi_lu *lu, const struct scsi_space *space);

bool __wrap_scsi_lu_set_size(struct scsi_lu *lu, uint64_t size_bytes)
{
	bool changed = __real_scsi_lu_set_size(lu, size_bytes);
	int disk = check_pr_disk(lu);

	if (!changed || disk < 0)
		return changed;
	trace("disk %u: its unit has %u blocks from now on", disk, lu->n_blocks);
	begin_version(&sizes[disk], lu->n_blocks);
	/* What is under way, or goes by the old size for a while yet, may find nothing behind the end. */
	excuse_until(EXCUSE_DISK, disk, sched_now_ns() + held_up_ns());
	check_told_all(disk, SCSI_UA_CAPACITY_CHANGED);
	return true;
}

bool __wrap_scsi_lu_set_space(struct scsi_lu *lu, const struct scsi_space *space)
{
	int disk = check_pr_disk(lu);
	bool told = __real_scsi_lu_set_space(lu, space);
	bool counts = disk >= 0 && proc_lun_unmaps(disk) && proc_config()->threshold;
	bool low = counts && space->available_bytes <= LOW_BYTES;

	if (disk < 0)
		return told;
	if (told != (low && !sizes[disk].low))
		fail_now("disk %d: %llu bytes are free, and that was %stold", disk,
			 (unsigned long long)space->available_bytes, told ? "" : "not ");
	if (told)
		check_told_all(disk, SCSI_UA_SOFT_THRESHOLD);
	sizes[disk].low =
		low || (sizes[disk].low && space->available_bytes <= LOW_BYTES + LOW_BYTES / 8);
	return told;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* --- commands --- */

/* Could a version by which a command sent at @sent_ns went have at least (@reaches) or less than @end blocks? */
static bool may_have(int disk, uint64_t end, bool reaches, const struct hcmd *cmd)
{
	const struct size *s = &sizes[disk];

	for (unsigned i = 0; i < s->n && i < VERSIONS; i++) {
		const struct version *v = &s->v[(s->n - i) % VERSIONS];

		/* Nor any before that. */
		if (v->until_ns < UINT64_MAX && v->until_ns + held_up_ns() < cmd->sent_ns &&
		    !is_held_up())
			return false;
		if (reaches == (v->n_blocks >= end))
			return true;
	}
	/* It was not there, or more has happened than is known. */
	return !s->n || s->n > VERSIONS;
}

bool check_size_refuses(const struct hcmd *cmd)
{
	return cmd->n && may_have(cmd->disk, cmd->lba + cmd->n, false, cmd);
}

bool check_size_reaches(const struct hcmd *cmd)
{
	return may_have(cmd->disk, cmd->lba + cmd->n, true, cmd);
}

bool check_size_was(const struct hcmd *cmd, uint64_t n_blocks)
{
	const struct size *s = &sizes[cmd->disk];

	for (unsigned i = 0; i < s->n && i < VERSIONS; i++)
		if (s->v[(s->n - i) % VERSIONS].n_blocks == n_blocks)
			return may_have(cmd->disk, n_blocks, true, cmd) &&
			       may_have(cmd->disk, n_blocks + 1, false, cmd);
	return false;
}

/* --- the disk --- */

static void is_older(struct spied *s, void *ctx)
{
	int *disk = ctx;

	if (*disk >= 0 && s->disk == *disk && s->born < sizes[*disk].born)
		*disk = -1;
}

bool check_size_is_settled(int disk)
{
	int left = disk;

	spy_each(is_older, &left);
	return left >= 0;
}

void check_size_look(const struct scsi_lu *lu, int disk)
{
	struct size *s = &sizes[disk];
	uint64_t is = disk_size(disk) / proc_lun_block_bytes(disk);

	/* What happens to a disk that is away is to be noticed when it is back. */
	if (lu->n_blocks == is || disk_misbehaves((unsigned)disk)) {
		s->other_ns = 0;
		return;
	}
	if (!s->other_ns) {
		s->other_ns = sched_now_ns();
		s->other_tick = sched_tick();
		return;
	}
	if (sched_now_ns() - s->other_ns < LOOK_NS + held_up_ns() ||
	    excused_any(BIT(EXCUSE_SLOW) | BIT(EXCUSE_MEMORY) | BIT(EXCUSE_DIED), -1,
			s->other_tick))
		return;
	fail_now("disk %d has %llu blocks, its unit has %llu, and nobody has noticed", disk,
		 (unsigned long long)is, (unsigned long long)lu->n_blocks);
}
