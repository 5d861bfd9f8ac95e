/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * MODE SELECT(6) and (10): SPC-5 6.12, 6.13. The whole list is checked before anything changes. The command
 * is alone in its task set, so no WRITE slips in between the flush and what it is for.
 */
#include "scsi/spc_mode.h"

#define SELECT_PF  0x10 /* byte 1 */
#define SELECT_SP  0x01
#define LONGLBA    0x01
#define DESC_SHORT 8u
#define DESC_LONG  16u

/* Reading a parameter list. */
struct select {
	struct scsi_task *t;
	struct cur in;
	struct scsi_mode mode; /* what it asks for */
};

static bool is_10(const struct scsi_task *t)
{
	return t->cdb[0] == SCSI_OP_MODE_SELECT_10;
}

static uint32_t list_len(const struct scsi_task *t)
{
	return is_10(t) ? get_be16(t->cdb + 7) : t->cdb[4];
}

/* The following return true when they have found a fault and answered in @ret. */

static bool bad_at(struct select *s, size_t byte, struct scsi_act *ret)
{
	*ret = answer_bad_param(s->t, (unsigned)byte);
	return true;
}

static bool too_short(struct select *s, struct scsi_act *ret)
{
	*ret = answer_fail(s->t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	return true;
}

/* The block descriptor may only say what is: neither the capacity nor the block size can be set. */
static bool bad_descriptor(struct select *s, size_t len, bool longlba, struct scsi_act *ret)
{
	const struct scsi_task *t = s->t;
	size_t at = s->in.pos;
	uint64_t all = longlba ? UINT64_MAX : UINT32_MAX;
	uint64_t n = longlba ? cur_be64(&s->in) : cur_be32(&s->in);
	uint32_t bytes;

	if (longlba)
		cur_skip(&s->in, 4);
	else
		cur_skip(&s->in, 1);
	bytes = longlba ? cur_be32(&s->in) : cur_be24(&s->in);
	if (s->in.bad)
		return too_short(s, ret);
	check(s->in.pos - at == len);
	if (n && n != all && n != t->n_blocks)
		return bad_at(s, at, ret);
	return bytes != t->lu->block_bytes && bad_at(s, at + len - 3, ret);
}

static bool bad_header(struct select *s, struct scsi_act *ret)
{
	bool ten = is_10(s->t);
	bool longlba = false;
	size_t len;

	/* mode data length, medium type, device-specific parameter: WP and DPOFUA are for MODE SENSE */
	cur_skip(&s->in, ten ? 4 : 3);
	if (ten) {
		longlba = cur_u8(&s->in) & LONGLBA;
		cur_skip(&s->in, 1);
		len = cur_be16(&s->in);
	} else {
		len = cur_u8(&s->in);
	}
	if (s->in.bad)
		return too_short(s, ret);
	if (!len)
		return false;
	if (len != (longlba ? DESC_LONG : DESC_SHORT))
		return bad_at(s, ten ? 6 : 3, ret);
	return bad_descriptor(s, len, longlba, ret);
}

static bool bad_page(struct select *s, struct scsi_act *ret)
{
	const struct scsi_lu *lu = s->t->lu;
	uint8_t now[MODE_BODY_MAX] = { 0 }, mask[MODE_BODY_MAX] = { 0 };
	size_t at = s->in.pos;
	uint8_t code = cur_u8(&s->in);
	bool spf = code & MODE_PAGE_SPF;
	uint8_t subpage = spf ? cur_u8(&s->in) : 0;
	unsigned len = spf ? cur_be16(&s->in) : cur_u8(&s->in);
	const struct mode_page *p = mode_page_find(lu, code & 0x3f, subpage);
	size_t from = s->in.pos;
	const uint8_t *body;
	int bad;

	if (s->in.bad)
		return too_short(s, ret);
	if (!p || (spf && !subpage))
		return bad_at(s, at, ret);
	if (len != p->len)
		return bad_at(s, at + (spf ? 2 : 1), ret);
	body = cur_take(&s->in, len);
	if (!body)
		return too_short(s, ret);
	p->put(now, lu, &lu->mode);
	if (p->mask)
		p->mask(mask, lu);
	for (size_t i = 0; i < len; i++)
		if ((body[i] ^ now[i]) & ~(unsigned)mask[i])
			return bad_at(s, from + i, ret);
	bad = p->change ? p->change(body, &s->mode) : -1;
	return bad >= 0 && bad_at(s, from + (size_t)bad, ret);
}

static bool bad_list(struct select *s, struct scsi_act *ret)
{
	if (bad_header(s, ret))
		return true;
	while (cur_left(&s->in))
		if (bad_page(s, ret))
			return true;
	return false;
}

static struct select select_of(struct scsi_task *t)
{
	return (struct select){ .t = t, .in = cur_of(t->data, list_len(t)), .mode = t->lu->mode };
}

static struct scsi_act select_apply(struct scsi_task *t)
{
	struct select s = select_of(t);
	struct scsi_act a;

	if (bad_list(&s, &a))
		return a;
	t->out_resid = answer_resid(list_len(t), t->out_len);
	if (scsi_lu_set_mode(t->lu, &s.mode)) {
		scsi_lu_ua(t->lu, SCSI_UA_MODE_CHANGED, t->nexus);
		t->changed = SCSI_CHANGED_LU;
	}
	if (!(t->cdb[1] & SELECT_SP))
		return answer_good(t);
	t->lu->mode_saved = s.mode;
	t->lu->mode_is_saved = true;
	return answer_act(t, SCSI_ACT_SAVE, answer_good);
}

static struct scsi_act select_list(struct scsi_task *t)
{
	const struct scsi_mode *was = &t->lu->mode;
	struct select s = select_of(t);
	struct scsi_act a;

	if (bad_list(&s, &a))
		return a;
	/* What the cache holds goes to the medium before it is switched off or writing stops. */
	if (was->wce && (!s.mode.wce || (s.mode.swp && !was->swp)))
		return answer_io(t, SCSI_ACT_FLUSH, 0, 0, select_apply);
	return select_apply(t);
}

struct scsi_act spc_mode_select(struct scsi_task *t)
{
	uint32_t len = list_len(t);

	if (t->cdb[1] & SELECT_SP && !t->lu->keeps)
		return answer_bad_cdb(t, 1, 0);
	if (!len)
		return answer_good(t);
	if (!(t->cdb[1] & SELECT_PF)) /* vendor-specific parameters */
		return answer_bad_cdb(t, 1, 4);
	if (len > SCSI_DATA_MIN_BYTES)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	if (t->out_len < len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, len, select_list);
}
