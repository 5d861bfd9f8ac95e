/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What initiators write into a unit to find it there again: identifying information and the timestamp.
 *
 * SET IDENTIFYING INFORMATION and SET TIMESTAMP are carried out at one step of the SCSI core, which makes a version. Who
 * asks is told a version that was in force since he asked; of a clock, what that says by then. All others are told
 * of the change, once. What is saved outlives the process: the next unit of the disk begins with information that is
 * not older than the last whose GOOD was had, and with no timestamp.
 */
#include "base/check.h"
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/deeds.h"
#include "sim/disk.h"
#include "sim/hcmd.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/spy.h"
#include "sim/store.h"
#include "sim/world.h"

#define VERSIONS 32u
#define SLACK_MS 2ull /* both clocks are read in whole milliseconds */

struct version {
	uint64_t id;    /* spy_count() */
	uint64_t tick;  /* when it came about */
	uint64_t at_ns; /* likewise */
	bool set;       /* a timestamp: by a command */
	uint64_t ms;    /* ... to this */
	uint32_t len;
	uint8_t data[HCMD_IDENT_MAX];
};

static struct kept {
	unsigned n; /* versions there were; 0: what a unit begins with */
	uint64_t answered;
	struct version v[VERSIONS];
} kept[DISKS_MAX][CHECK_IDENT_COUNT];

static const uint16_t attention[CHECK_IDENT_COUNT] = {
	[CHECK_IDENT_DEVICE] = SCSI_UA_IDENTIFIER_CHANGED,
	[CHECK_IDENT_TEXT] = SCSI_UA_IDENTIFIER_CHANGED,
	[CHECK_IDENT_CLOCK] = SCSI_UA_TIMESTAMP_CHANGED,
};

static struct version *newest(struct kept *k)
{
	return &k->v[k->n % VERSIONS];
}

/* Which of them a CDB is about, CHECK_IDENT_COUNT: none. */
static enum check_ident kind_of(const uint8_t *cdb, uint8_t opcode, uint8_t info)
{
	uint8_t action = cdb[1] & 0x1f;

	if (cdb[0] == opcode && action == SCSI_SA_TIMESTAMP)
		return CHECK_IDENT_CLOCK;
	if (cdb[0] == opcode && action == info)
		return cdb[10] >> 1 == HCMD_IDENT_TEXT ? CHECK_IDENT_TEXT : CHECK_IDENT_DEVICE;
	return CHECK_IDENT_COUNT;
}

/* --- it changes --- */

static void change(struct spied *s, int disk, enum check_ident kind, const uint8_t *list)
{
	struct kept *k = &kept[disk][kind];
	struct version v = { .id = spy_count(), .tick = sched_tick(), .at_ns = sched_now_ns() };
	struct hcmd *cmd = spy_hcmd(s);

	if (kind == CHECK_IDENT_CLOCK) {
		v.set = true;
		v.ms = get_be64(list + 2) & 0xffffffffffff; /* bytes 4 to 9 */
	} else {
		v.len = get_be32(s->cdb + 6);
		memcpy(v.data, list, v.len);
	}
	k->n++;
	*newest(k) = v;
	if (cmd)
		cmd->ident = v.id;
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		if (host_at(i) && host_at(i) != s->host)
			check_told_again(host_at(i), disk, attention[kind]);
}

void check_ident_stepped(struct spied *s, const struct scsi_task *t, const struct scsi_act *act)
{
	enum check_ident kind =
		kind_of(t->cdb, SCSI_OP_MAINTENANCE_OUT, SCSI_SA_SET_IDENTIFYING_INFO);
	bool good = act->type == SCSI_ACT_COMPLETE && !t->aborted && t->status == SCSI_STATUS_GOOD;
	/* Information is saved when it was taken, a timestamp is not kept. */
	bool takes = kind == CHECK_IDENT_CLOCK ? good && get_be32(t->cdb + 6)
					       : act->type == SCSI_ACT_SAVE;
	int disk = t->lu ? check_pr_disk(t->lu) : -1;

	if (kind == CHECK_IDENT_COUNT || !takes || disk < 0 || s->applied)
		return;
	s->applied = true;
	change(s, disk, kind, t->data);
}

/* --- it is answered --- */

void check_ident_answered(const struct hchan *c, const struct hcmd *cmd)
{
	enum check_ident kind =
		kind_of(cmd->cdb, SCSI_OP_MAINTENANCE_OUT, SCSI_SA_SET_IDENTIFYING_INFO);
	struct kept *k;

	check(kind != CHECK_IDENT_COUNT);
	k = &kept[cmd->disk][kind];
	for (unsigned i = 0; i < VERSIONS && cmd->ident; i++) {
		const struct version *v = &k->v[i];

		for (unsigned h = 0; h < HOSTS_MAX && v->id == cmd->ident; h++)
			if (host_at(h) && host_at(h) != c->h)
				check_told_for_sure(host_at(h), cmd->disk, attention[kind],
						    v->tick);
	}
	if (cmd->ident > k->answered)
		k->answered = cmd->ident;
	if (kind != CHECK_IDENT_CLOCK)
		deeds_moment(MOMENT_KEPT);
}

/* What a clock that was set says between two times. */
static bool says(const struct version *v, uint64_t ms, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t lo = v->ms + ((from_ns > v->at_ns ? from_ns - v->at_ns : 0)) / NSEC_PER_MSEC;
	uint64_t hi = v->ms + (to_ns - v->at_ns) / NSEC_PER_MSEC;

	return ((ms + SLACK_MS - lo) & 0xffffffffffff) <=
	       ((hi - lo + 2 * SLACK_MS) & 0xffffffffffff);
}

static bool is_told(const struct version *v, enum check_ident kind, const struct hcmd *cmd,
		    uint32_t got)
{
	const uint8_t *d = cmd->buf;

	if (kind == CHECK_IDENT_CLOCK)
		return got < 10 ||
		       (d[2] == (v->set ? 2 : 3) &&
			(!v->set || says(v, (uint64_t)get_be16(d + 4) << 32 | get_be32(d + 6),
					 cmd->sent_ns, sched_now_ns())));
	return got >= 4 && get_be16(d + 2) == v->len &&
	       !memcmp(d + 4, v->data, min_u32(got - 4, v->len));
}

const char *check_ident_told(const struct hcmd *cmd, uint32_t got)
{
	enum check_ident kind = kind_of(cmd->cdb, SCSI_OP_MAINTENANCE_IN, SCSI_SA_IDENTIFYING_INFO);
	const struct kept *k;

	check(kind != CHECK_IDENT_COUNT);
	k = &kept[cmd->disk][kind];
	for (unsigned i = 0; i <= k->n && i < VERSIONS; i++) {
		const struct version *v = &k->v[(k->n - i) % VERSIONS];

		if (is_told(v, kind, cmd, got))
			return NULL;
		if (v->tick < cmd->sent_tick)
			return kind == CHECK_IDENT_CLOCK
				       ? "it tells a time that nobody has set"
				       : "it tells information that nobody has set";
	}
	return NULL;
}

/* --- units that begin --- */

static bool is(const struct version *v, const uint8_t *data, uint32_t len)
{
	return v->len == len && !memcmp(v->data, data, len);
}

static bool may_find(const struct kept *k, const uint8_t *data, uint32_t len)
{
	for (unsigned i = 0; i <= k->n && i < VERSIONS; i++) {
		const struct version *v = &k->v[(k->n - i) % VERSIONS];

		if (is(v, data, len))
			return true;
		if (v->id <= k->answered)
			return false;
	}
	return k->n >= VERSIONS;
}

static void found(int disk, enum check_ident kind, const uint8_t *data, uint32_t len)
{
	struct kept *k = &kept[disk][kind];

	if (!may_find(k, data, len) && !store_is_unsure((unsigned)disk))
		fail_now("disk %d begins with %u bytes of identifying information that are not "
			 "those that were saved",
			 disk, len);
	if (len)
		cover_hit(COVER_KEPT, COVER_KEPT_IDENT);
	k->n++;
	*newest(k) = (struct version){ .id = spy_count(), .tick = sched_tick(), .len = len };
	memcpy(newest(k)->data, data, len);
	k->answered = newest(k)->id;
}

void check_ident_found(const struct scsi_lu *lu, int disk)
{
	struct kept *k = &kept[disk][CHECK_IDENT_CLOCK];

	found(disk, CHECK_IDENT_DEVICE, lu->ident.ident, lu->ident.ident_len);
	found(disk, CHECK_IDENT_TEXT, lu->ident.text, lu->ident.text_len);
	k->n++;
	*newest(k) = (struct version){ .id = spy_count(), .tick = sched_tick() };
}
