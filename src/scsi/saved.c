/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The saved state of a unit: a version, then parts of kind (1 byte), length (2 bytes) and body, each at most once and in
 * this order. A part that is not known is an error: it was written by a newer program, and to forget it at the next
 * save would be worse than not to start.
 */
#include "scsi/saved.h"

#include <errno.h>

#include "base/check.h"
#include "base/cur.h"
#include "scsi/nexus.h"

#define VERSION 1

enum part {
	PART_MODE = 1,
	PART_PR = 2,
	PART_OWED = 3,
	PART_ALUA = 4,
	PART_IDENT = 5,
	PART_ERASE = 6,
	PART_PR_LOST = 7, /* empty */
};

#define MODE_BYTES  8u
#define MODE_MORE   5u /* the threshold, where it is not as configured */
#define TPG_BYTES   5u
#define NEXUS_BYTES (2 + TRANSPORT_ID_BYTES)

_Static_assert(1 + 3 + MODE_BYTES + MODE_MORE + 3 + 8 + SCSI_PR_MAX * (8 + NEXUS_BYTES) + 3 +
			       SCSI_OWED_MAX * (NEXUS_BYTES + 1 + 2 * SCSI_UA_MAX) + 3 + 4 +
			       SCSI_TPG_MAX * TPG_BYTES + 3 + 2 + SCSI_IDENT_BYTES +
			       SCSI_TEXT_BYTES + 3 + 3 + SCSI_ERASE_PATTERN_MAX + 3 <=
		       SCSI_SAVED_MAX,
	       "what is saved must fit");

/* --- writing --- */

static size_t part_begin(struct pen *out, enum part kind)
{
	pen_u8(out, (uint8_t)kind);
	pen_be16(out, 0);
	return out->pos;
}

static void part_end(struct pen *out, uint8_t *buf, size_t from)
{
	check(!out->bad);
	put_be16(buf + from - 2, (uint16_t)(out->pos - from));
}

static void put_nexus(struct pen *out, const struct scsi_pr_nexus *n)
{
	pen_be16(out, n->port);
	transport_id_encode(&n->initiator, out);
}

static void put_mode(struct pen *out, const struct scsi_lu *lu)
{
	const struct scsi_mode *m = &lu->mode_saved;
	const struct scsi_mode *d = &lu->mode_default;
	const uint8_t b[MODE_BYTES] = { m->tst, m->reorder, m->qerr,    m->ua_intlck,
					m->tas, m->swp,     m->d_sense, m->wce };

	pen_copy(out, b, sizeof(b));
	if (m->threshold == d->threshold && m->threshold_sets == d->threshold_sets)
		return; /* so it follows the configuration */
	pen_u8(out, m->threshold);
	pen_be32(out, m->threshold_sets);
}

static void put_pr(struct pen *out, const struct scsi_pr *pr)
{
	pen_be32(out, pr->generation);
	pen_u8(out, pr->type);
	pen_u8(out, 0);
	pen_be16(out, pr->holder);
	for (unsigned i = 0; i < pr->n; i++) {
		pen_be64(out, pr->reg[i].key);
		put_nexus(out, &pr->reg[i].nexus);
	}
}

/* News of modes and reservations; that there was a power loss everybody hears anyway. */
static bool ua_is_kept(uint16_t ua)
{
	return ua >> 8 == SCSI_UA_MODE_CHANGED >> 8;
}

static void put_owed(struct pen *out, const struct scsi_owed *o)
{
	unsigned n = 0;

	for (unsigned i = 0; i < o->uas.n; i++)
		n += ua_is_kept(o->uas.q[i]);
	if (!n)
		return;
	put_nexus(out, &o->nexus);
	pen_u8(out, (uint8_t)n);
	for (unsigned i = 0; i < o->uas.n; i++)
		if (ua_is_kept(o->uas.q[i]))
			pen_be16(out, o->uas.q[i]);
}

/* Of those who are here, then of those who have not come back yet. */
static void put_all_owed(struct pen *out, const struct scsi_lu *lu)
{
	const struct list *pos;
	unsigned n = 0;

	list_for_each (pos, &lu->nexuses) {
		const struct scsi_itl *itl = container_of(pos, const struct scsi_itl, lu_node);
		struct scsi_owed o = { .nexus = pr_nexus_of(itl->nexus), .uas = itl->uas };

		if (n++ < SCSI_OWED_MAX)
			put_owed(out, &o);
	}
	for (unsigned i = 0; i < lu->n_owed && n++ < SCSI_OWED_MAX; i++)
		put_owed(out, &lu->owed[i]);
}

/* The states that its groups have; what they were configured as tells later whether that still counts. */
static void put_alua(struct pen *out, const struct scsi_alua *a)
{
	pen_be32(out, a->generation);
	for (unsigned i = 0; i < a->now.n; i++) {
		const struct scsi_tpg *g = &a->now.tpg[i];

		pen_be16(out, g->id);
		pen_u8(out, g->configured);
		pen_u8(out, g->state);
		pen_u8(out, g->by);
	}
}

#define ERASE_FAILED       0x01
#define ERASE_UNRESTRICTED 0x02
#define ERASE_INVERT       0x04

/* Where it was does not matter: it begins anew. */
static void put_erase(struct pen *out, const struct scsi_erase *e)
{
	pen_u8(out, e->kind);
	pen_u8(out, (uint8_t)((e->failed ? ERASE_FAILED : 0) |
			      (e->unrestricted ? ERASE_UNRESTRICTED : 0) |
			      (e->invert ? ERASE_INVERT : 0)));
	pen_u8(out, e->n_passes);
	pen_copy(out, e->pattern, e->pattern_len);
}

static void put_ident(struct pen *out, const struct scsi_ident *i)
{
	pen_be16(out, i->ident_len);
	pen_copy(out, i->ident, i->ident_len);
	pen_copy(out, i->text, i->text_len);
}

size_t scsi_lu_save(const struct scsi_lu *lu, uint8_t *buf)
{
	struct pen out = pen_of(buf, SCSI_SAVED_MAX);
	size_t at;

	pen_u8(&out, VERSION);
	if (lu->mode_is_saved) {
		at = part_begin(&out, PART_MODE);
		put_mode(&out, lu);
		part_end(&out, buf, at);
	}
	if (lu->pr.aptpl) {
		at = part_begin(&out, PART_PR);
		put_pr(&out, &lu->pr);
		part_end(&out, buf, at);
	}
	at = part_begin(&out, PART_OWED);
	put_all_owed(&out, lu);
	part_end(&out, buf, at);
	if (lu->alua && lu->alua->generation) {
		at = part_begin(&out, PART_ALUA);
		put_alua(&out, lu->alua);
		part_end(&out, buf, at);
	}
	if (lu->ident.ident_len || lu->ident.text_len) {
		at = part_begin(&out, PART_IDENT);
		put_ident(&out, &lu->ident);
		part_end(&out, buf, at);
	}
	if (erase_is_kept(lu)) {
		at = part_begin(&out, PART_ERASE);
		put_erase(&out, &lu->erase);
		if (lu->erase.result) /* it is about to be said that it has failed */
			buf[at + 1] |= ERASE_FAILED;
		part_end(&out, buf, at);
	}
	if (lu->pr.lost)
		part_end(&out, buf, part_begin(&out, PART_PR_LOST));
	return out.pos;
}

/* --- reading; each returns false for what cannot have been written --- */

static bool get_nexus(struct cur *in, struct scsi_pr_nexus *n)
{
	n->port = cur_be16(in);
	return !transport_id_decode(in, &n->initiator) && !in->bad;
}

static bool get_mode(struct cur *in, struct scsi_lu *lu)
{
	const uint8_t *b = cur_take(in, MODE_BYTES);
	struct scsi_mode *m = &lu->mode_saved;

	bool more = cur_left(in);
	uint8_t threshold = more ? cur_u8(in) : lu->mode_default.threshold;
	uint32_t sets = more ? cur_be32(in) : lu->mode_default.threshold_sets;

	if (!b || in->bad || cur_left(in) || threshold > 1 || (threshold && !sets) || b[0] > 1 ||
	    b[1] > 1 || b[2] == 2 || b[2] > 3 || b[3] == 1 || b[3] > 3 ||
	    (b[4] | b[5] | b[6] | b[7]) > 1)
		return false;
	/* a store that has no cache any more cannot use one */
	*m = (struct scsi_mode){ .tst = b[0],
				 .reorder = b[1],
				 .qerr = b[2],
				 .ua_intlck = b[3],
				 .tas = b[4],
				 .swp = b[5],
				 .d_sense = b[6],
				 .wce = b[7] && lu->write_cache,
				 .threshold = threshold,
				 .threshold_sets = sets };
	lu->mode_is_saved = true;
	return true;
}

static bool get_pr(struct cur *in, struct scsi_pr *pr)
{
	pr->generation = cur_be32(in);
	pr->type = cur_u8(in);
	cur_skip(in, 1);
	pr->holder = cur_be16(in);
	pr->aptpl = true;
	while (cur_left(in)) {
		struct scsi_pr_reg *reg = &pr->reg[pr->n];

		if (pr->n == SCSI_PR_MAX)
			return false;
		reg->key = cur_be64(in);
		if (!get_nexus(in, &reg->nexus))
			return false;
		pr->n++;
	}
	return !in->bad;
}

static bool get_owed(struct cur *in, struct scsi_lu *lu)
{
	while (cur_left(in)) {
		struct scsi_owed *o = &lu->owed[lu->n_owed];
		unsigned n;

		if (lu->n_owed == SCSI_OWED_MAX)
			return false;
		*o = (struct scsi_owed){ 0 };
		if (!get_nexus(in, &o->nexus))
			return false;
		n = cur_u8(in);
		if (!n || n > SCSI_UA_MAX)
			return false;
		for (; n; n--) {
			uint16_t ua = cur_be16(in);

			if (in->bad || !ua_is_kept(ua))
				return false;
			scsi_uas_add(&o->uas, (enum scsi_ua)ua);
		}
		lu->n_owed++;
	}
	return !in->bad;
}

static bool get_alua(struct cur *in, struct scsi_alua_kept *k)
{
	k->generation = cur_be32(in);
	while (cur_left(in)) {
		struct scsi_tpg *g = &k->tpg[k->n];

		if (k->n == SCSI_TPG_MAX)
			return false;
		*g = (struct scsi_tpg){ .id = cur_be16(in) };
		g->configured = cur_u8(in);
		g->state = cur_u8(in);
		g->by = cur_u8(in);
		if (in->bad || !scsi_alua_state_name(g->configured) ||
		    !scsi_alua_state_name(g->state) || g->by > SCSI_ALUA_BY_ITSELF)
			return false;
		k->n++;
	}
	return !in->bad && k->generation;
}

static bool get_erase(struct cur *in, struct scsi_lu *lu)
{
	struct scsi_erase *e = &lu->erase;
	uint8_t flags;
	const uint8_t *pattern;

	e->kind = cur_u8(in);
	flags = cur_u8(in);
	e->n_passes = cur_u8(in);
	e->pattern_len = (uint16_t)cur_left(in);
	pattern = cur_take(in, e->pattern_len);
	if (in->bad || (e->kind != SCSI_ERASE_FORMAT && e->kind != SCSI_ERASE_SANITIZE) ||
	    flags > (ERASE_FAILED | ERASE_UNRESTRICTED | ERASE_INVERT) || e->n_passes > 31 ||
	    e->pattern_len > lu->block_bytes || !e->n_passes != !e->pattern_len)
		return false;
	memcpy(e->pattern, pattern, e->pattern_len);
	e->failed = flags & ERASE_FAILED;
	e->unrestricted = flags & ERASE_UNRESTRICTED;
	e->invert = flags & ERASE_INVERT;
	e->due = !e->failed;
	return true;
}

static bool get_ident(struct cur *in, struct scsi_ident *i)
{
	size_t ident_len = cur_be16(in);
	const uint8_t *ident = cur_take(in, ident_len);
	size_t text_len = cur_left(in);
	const uint8_t *text = cur_take(in, text_len);

	if (in->bad || ident_len > SCSI_IDENT_BYTES || text_len > SCSI_TEXT_BYTES)
		return false;
	i->ident_len = (uint16_t)ident_len;
	i->text_len = (uint16_t)text_len;
	memcpy(i->ident, ident, ident_len);
	memcpy(i->text, text, text_len);
	return true;
}

static bool get_part(enum part kind, struct cur *in, struct scsi_lu *lu, struct scsi_pr *pr)
{
	switch (kind) {
	case PART_MODE:
		return get_mode(in, lu);
	case PART_PR:
		return get_pr(in, pr);
	case PART_OWED:
		return get_owed(in, lu);
	case PART_ALUA:
		return get_alua(in, &lu->alua_kept);
	case PART_IDENT:
		return get_ident(in, &lu->ident);
	case PART_ERASE:
		return get_erase(in, lu);
	case PART_PR_LOST:
		pr->lost = true;
		return !cur_left(in);
	}
	return false;
}

static bool get_parts(struct cur *in, struct scsi_lu *lu, struct scsi_pr *pr)
{
	unsigned last = 0;

	if (cur_u8(in) != VERSION)
		return false;
	while (cur_left(in)) {
		unsigned kind = cur_u8(in);
		size_t len = cur_be16(in);
		const uint8_t *body = cur_take(in, len);
		struct cur part = cur_of(body, body ? len : 0);

		if (in->bad || kind <= last)
			return false;
		last = kind;
		if (!get_part((enum part)kind, &part, lu, pr))
			return false;
	}
	return !in->bad;
}

int scsi_lu_restore(struct scsi_lu *lu, const uint8_t *buf, size_t len)
{
	struct cur in = cur_of(buf, len);
	struct scsi_pr pr = { 0 };

	check(list_empty(&lu->nexuses));
	if (!get_parts(&in, lu, &pr) || scsi_lu_restore_pr(lu, &pr)) {
		lu->mode_is_saved = false;
		lu->mode_saved = lu->mode_default;
		lu->n_owed = 0;
		lu->ident = (struct scsi_ident){ 0 };
		lu->alua_kept = (struct scsi_alua_kept){ 0 };
		lu->erase = (struct scsi_erase){ 0 };
		return -EINVAL;
	}
	(void)scsi_lu_set_mode(lu, &lu->mode_saved);
	return 0;
}

void saved_owed_take(struct scsi_itl *itl)
{
	struct scsi_lu *lu = itl->lu;
	struct scsi_pr_nexus own;

	if (!lu->n_owed)
		return;
	own = pr_nexus_of(itl->nexus);
	for (unsigned i = 0; i < lu->n_owed; i++) {
		struct scsi_owed *o = &lu->owed[i];

		if (!pr_nexus_eq(&o->nexus, &own))
			continue;
		for (unsigned k = 0; k < o->uas.n; k++)
			scsi_uas_add(&itl->uas, (enum scsi_ua)o->uas.q[k]);
		*o = lu->owed[--lu->n_owed];
		return;
	}
}
