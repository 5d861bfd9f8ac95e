/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What comes from the target: answers to commands, its own requests. Whatever rule runs, each answer has to
 * keep the rules that stand here; a breach is noted and ends the rule as soon as it can.
 */
#include <string.h>

#include "test.h"

#define RSP_BYTES 36u
#define AER_BYTES 36u

static struct cmd *find(struct nexus *n, uint64_t tag)
{
	for (struct cmd *c = n->cmds; c; c = c->next)
		if (c->sent && !c->done && !c->lost && c->tag == tag)
			return c;
	return NULL;
}

static bool all(const uint8_t *p, size_t len, uint8_t byte)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != byte)
			return false;
	return true;
}

/* --- sense data, SPC-5 4.4 --- */

static void decode_specific(struct cmd *c, const uint8_t *p)
{
	c->field_valid = p[0] & 0x80;
	c->field_in_cdb = p[0] & 0x40;
	c->field = get_be16(p + 1);
}

static void decode_fixed(struct cmd *c)
{
	const uint8_t *s = c->sense;

	c->key = s[2] & 0x0f;
	c->info_valid = s[0] & 0x80;
	c->info = c->sense_len >= 7 ? get_be32(s + 3) : 0;
	if (c->sense_len >= 14)
		c->asc = get_be16(s + 12);
	if (c->sense_len >= 18 && c->key == ILLEGAL_REQUEST)
		decode_specific(c, s + 15);
	if (c->sense_len >= 8 && 8u + s[7] > c->sense_len && c->sense_len < sizeof(c->sense))
		violate(c->n->t, "fixed sense data of %u bytes say that they have %u", c->sense_len,
			8u + s[7]);
}

static void decode_descriptors(struct cmd *c)
{
	const uint8_t *s = c->sense;
	unsigned end = c->sense_len < 8u + s[7] ? c->sense_len : 8u + s[7];

	c->key = s[1] & 0x0f;
	c->asc = get_be16(s + 2);
	for (unsigned at = 8; at + 2 <= end && at + 2u + s[at + 1] <= end; at += 2u + s[at + 1]) {
		if (s[at] == 0x00 && s[at + 1] == 0x0a) {
			c->info_valid = s[at + 2] & 0x80;
			c->info = get_be64(s + at + 4);
		}
		if (s[at] == 0x02 && s[at + 1] == 0x06 && c->key == ILLEGAL_REQUEST)
			decode_specific(c, s + at + 4);
	}
}

static void decode_sense(struct cmd *c)
{
	struct test *t = c->n->t;

	if (c->sense_len < 8) {
		violate(t, "sense data of %u bytes", c->sense_len);
		return;
	}
	switch (c->sense[0] & 0x7f) {
	case 0x70:
	case 0x71:
		decode_fixed(c);
		break;
	case 0x72:
	case 0x73:
		decode_descriptors(c);
		break;
	default:
		violate(t, "sense data with response code %02x", c->sense[0]);
	}
}

/* --- RSP, SRP 6.9 --- */

static void check_flags(struct cmd *c)
{
	struct test *t = c->n->t;

	if (c->flags & 0xc0)
		violate(t, "a response has reserved flags set: %02x", c->flags);
	if ((c->flags & RSP_DIOVER && c->flags & RSP_DIUNDER) ||
	    (c->flags & RSP_DOOVER && c->flags & RSP_DOUNDER))
		violate(t, "a response has both residual flags of a direction set: %02x", c->flags);
	if (c->flags & RSP_DIUNDER && c->in_res > c->in_len)
		violate(t, "of %u bytes of data-in %u are said to be missing", c->in_len,
			c->in_res);
	if (c->flags & RSP_DOUNDER && c->out_res > c->out_len)
		violate(t, "of %u bytes of data-out %u are said to be missing", c->out_len,
			c->out_res);
	if (c->status == CHECK_CONDITION && !c->sense_len)
		violate(t, "CHECK CONDITION without sense data");
	if (c->status != CHECK_CONDITION && c->sense_len)
		violate(t, "status %02x with sense data", c->status);
}

/* What the target did not move has to be as it was. */
static void check_memory(struct cmd *c)
{
	uint32_t moved = got_in(c);

	if (c->in && !all(c->in + c->in_len, GUARD_BYTES, FILL))
		violate(c->n->t, "the target wrote behind the end of a data-in buffer of %u bytes",
			c->in_len);
	if (c->in && c->status == GOOD && !all(c->in + moved, c->in_len - moved, FILL))
		violate(c->n->t, "the target wrote more than the %u bytes that it says it moved",
			moved);
	if (c->out && !all(c->out + c->out_len, GUARD_BYTES, FILL))
		violate(c->n->t, "the target wrote behind a data-out buffer");
}

static void on_rsp(struct nexus *n, const uint8_t *iu, size_t len)
{
	uint32_t sense_len = get_be32(iu + 28);
	uint32_t data_len = get_be32(iu + 32);
	struct cmd *c = find(n, get_be64(iu + 8));

	n->credits += (int32_t)get_be32(iu + 4);
	if (!c) {
		n->n_stray++;
		violate(n->t, "an answer to a tag that nothing outstanding has");
		return;
	}
	c->flags = iu[18];
	c->status = iu[19];
	c->out_res = get_be32(iu + 20);
	c->in_res = get_be32(iu + 24);
	if (!(c->flags & RSP_SNSVALID))
		sense_len = 0;
	if (!(c->flags & RSP_RSPVALID))
		data_len = 0;
	if (len != (uint64_t)RSP_BYTES + sense_len + data_len) {
		violate(n->t,
			"a response of %zu bytes with %u of response data and %u of sense data",
			len, data_len, sense_len);
		return;
	}
	c->code = data_len >= 4 ? iu[RSP_BYTES + 3] : 0;
	c->sense_len = (uint8_t)min_size(sense_len, sizeof(c->sense));
	memcpy(c->sense, iu + RSP_BYTES + data_len, c->sense_len);
	c->done = true;
	c->order = n->t->cfg->lie == LIE_ORDER && !n->t->quiet ? 1000000 - ++n->t->order
							       : ++n->t->order;
	if (c->sense_len)
		decode_sense(c);
	if (c->is_tmf && !data_len)
		violate(n->t, "a task management function is answered without a response code");
	check_flags(c);
	check_memory(c);
}

/* --- the target's own requests --- */

static void confirm(struct nexus *n, uint8_t op, const uint8_t *iu)
{
	uint8_t rsp[16] = { op };

	n->credits += (int32_t)get_be32(iu + 4);
	memcpy(rsp + 8, iu + 8, 8);
	if (!n->mute)
		(void)srp_raw_send(n->raw, rsp, sizeof(rsp));
}

static void on_aer(struct nexus *n, const uint8_t *iu, size_t len)
{
	uint32_t sense_len = get_be32(iu + 28);

	if (len != (uint64_t)AER_BYTES + sense_len) {
		violate(n->t, "an AER_REQ of %zu bytes with %u of sense data", len, sense_len);
		return;
	}
	n->n_aer_req++;
	n->aer_lun = get_be64(iu + 20);
	n->aer_sense_len = (uint8_t)min_size(sense_len, sizeof(n->aer_sense));
	memcpy(n->aer_sense, iu + AER_BYTES, n->aer_sense_len);
	confirm(n, IU_AER_RSP, iu);
}

static void on_other(struct nexus *n, const uint8_t *iu, size_t len)
{
	bool lie = n->t->cfg->lie == LIE_EVENT && !n->t->quiet;

	switch (iu[0]) {
	case IU_CRED_REQ:
		n->n_cred_req++;
		confirm(n, IU_CRED_RSP, iu);
		break;
	case IU_AER_REQ:
		if (len < AER_BYTES)
			violate(n->t, "an AER_REQ of %zu bytes", len);
		else
			on_aer(n, iu, len);
		n->aer_lun ^= lie;
		n->aer_sense[2] ^= lie;
		break;
	case IU_T_LOGOUT:
		n->n_logout++;
		n->logout_reason = get_be32(iu + 4) ^ lie;
		break;
	default:
		violate(n->t, "an IU of type %02x, which no target may send", iu[0]);
	}
}

void answer_iu(struct nexus *n, const uint8_t *iu, size_t len)
{
	uint8_t copy[1024];
	struct cmd *c;

	if (len < 16 || len > sizeof(copy)) {
		violate(n->t, "an IU of %zu bytes", len);
		return;
	}
	memcpy(copy, iu, len);
	if (copy[0] != IU_RSP) {
		on_other(n, copy, len);
		return;
	}
	if (len < RSP_BYTES) {
		violate(n->t, "a response of %zu bytes", len);
		return;
	}
	c = find(n, get_be64(iu + 8));
	lie_to(n->t, c, copy, &len);
	on_rsp(n, copy, len);
}

void answers_lost(struct nexus *n)
{
	for (struct cmd *c = n->cmds; c; c = c->next)
		c->lost = c->lost || (c->sent && !c->done);
}
