/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Mode pages that were saved: MODE SELECT with SP is carried out at one step of the SCSI core, which makes a version of
 * what is saved. The next unit of the disk begins with a version that is not older than the last one whose GOOD was
 * had: what was answered outlives the process, and nobody knows of what was not.
 */
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/deeds.h"
#include "sim/disk.h"
#include "sim/proc.h"
#include "sim/spy.h"
#include "sim/store.h"
#include "sim/world.h"

#define VERSIONS 16u
#define PAGE_AT  8u /* of the control mode page, behind the header of MODE SELECT(10) */

/* Of the control mode page. */
struct control {
	uint8_t tst, qerr, ua_intlck, tas, swp, d_sense;
};

static struct saved {
	unsigned n; /* versions there were; 0: what a unit begins with */
	uint64_t answered;
	struct {
		uint64_t id; /* spy_count() */
		struct control c;
	} v[VERSIONS];
} saved[DISKS_MAX];

void check_keep_select(int disk, struct hcmd *cmd, const uint8_t *list)
{
	const uint8_t *page = list + PAGE_AT;
	struct saved *s = &saved[disk];
	unsigned i = ++s->n % VERSIONS;

	s->v[i].id = spy_count();
	s->v[i].c = (struct control){ .tst = page[2] >> 5,
				      .qerr = page[3] >> 1 & 3,
				      .ua_intlck = page[4] >> 4 & 3,
				      .tas = page[5] >> 6 & 1,
				      .swp = page[4] >> 3 & 1,
				      .d_sense = page[2] >> 2 & 1 };
	if (cmd)
		cmd->kept = s->v[i].id;
}

void check_keep_answered(const struct hcmd *cmd)
{
	if (cmd->kept > saved[cmd->disk].answered)
		saved[cmd->disk].answered = cmd->kept;
	if (cmd->kept)
		deeds_moment(MOMENT_KEPT);
}

static bool is(const struct control *c, const struct scsi_mode *m)
{
	return c->tst == m->tst && c->qerr == m->qerr && c->ua_intlck == m->ua_intlck &&
	       c->tas == m->tas && c->swp == m->swp && c->d_sense == m->d_sense;
}

/* The newest that it is, and not one that is too old. */
static int find(const struct saved *s, const struct scsi_mode *m)
{
	for (unsigned i = 0; i <= s->n && i < VERSIONS; i++) {
		unsigned at = (s->n - i) % VERSIONS;

		if (is(&s->v[at].c, m))
			return (int)at;
		if (s->v[at].id <= s->answered)
			return -1;
	}
	return -1;
}

void check_keep_found(const struct scsi_lu *lu, int disk)
{
	struct saved *s = &saved[disk];
	int i = find(s, &lu->mode);

	if (i < 0 && s->n < VERSIONS && !store_is_unsure((unsigned)disk))
		fail_now("disk %d begins with mode pages that are not those that were saved", disk);
	if (s->n)
		cover_hit(COVER_KEPT, COVER_KEPT_MODE);
	*s = (struct saved){ .n = s->n != 0 };
	s->v[s->n].c = (struct control){ .tst = lu->mode.tst,
					 .qerr = lu->mode.qerr,
					 .ua_intlck = lu->mode.ua_intlck,
					 .tas = lu->mode.tas,
					 .swp = lu->mode.swp,
					 .d_sense = lu->mode.d_sense };
	if (lu->mode.tst)
		check_order_apart(lu);
}
