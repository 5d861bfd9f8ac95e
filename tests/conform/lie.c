/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A wrong target, made of a right one: answers are altered before a rule sees them. A rule that passes in
 * spite of every lie demands nothing; tests/conform/lies.py looks for such.
 */
#include <string.h>

#include "test.h"

const char *lie_text(enum lie lie)
{
	static const char *const text[LIE_COUNT] = {
		[LIE_NONE] = "none",   [LIE_GOOD] = "good",   [LIE_CHECK] = "check",
		[LIE_SENSE] = "sense", [LIE_DATA] = "data",   [LIE_RESIDUAL] = "residual",
		[LIE_CODE] = "code",   [LIE_LOGIN] = "login", [LIE_ORDER] = "order",
		[LIE_EVENT] = "event",
	};

	return text[lie];
}

static void lie_good(uint8_t *iu, size_t *len)
{
	iu[18] &= (uint8_t)~RSP_SNSVALID;
	iu[19] = GOOD;
	put_be32(iu + 28, 0);
	*len = 36 + get_be32(iu + 32);
}

static void lie_check(uint8_t *iu, size_t *len)
{
	static const uint8_t sense[18] = { 0x70, 0, ILLEGAL_REQUEST, [7] = 10, [12] = 0x55 };
	uint32_t at = 36 + get_be32(iu + 32);

	if (iu[19] != GOOD && iu[19] != CONDITION_MET)
		return;
	iu[18] |= RSP_SNSVALID;
	iu[19] = CHECK_CONDITION;
	put_be32(iu + 28, sizeof(sense));
	memcpy(iu + at, sense, sizeof(sense));
	*len = at + sizeof(sense);
}

static void lie_sense(uint8_t *iu)
{
	uint8_t *s = iu + 36 + get_be32(iu + 32);

	if (get_be32(iu + 28) < 14)
		return;
	if ((s[0] & 0x7e) == 0x70)
		s[12] ^= 0x80;
	else
		s[2] ^= 0x80;
}

static void lie_residual(struct cmd *c, uint8_t *iu)
{
	if (iu[18] & (RSP_DIOVER | RSP_DIUNDER | RSP_DOOVER | RSP_DOUNDER)) {
		iu[18] &= RSP_RSPVALID | RSP_SNSVALID;
		memset(iu + 20, 0, 8);
		/* The untouched rest would give it away before the rule had a look. */
		if (c->in)
			memset(c->in, 0, c->in_len);
	} else if (c->in_len) {
		iu[18] |= RSP_DIOVER;
		put_be32(iu + 24, 1);
	} else {
		iu[18] |= RSP_DOOVER;
		put_be32(iu + 20, 1);
	}
}

static void lie_login(uint8_t *iu)
{
	if (iu[0] == IU_LOGIN_REJ) {
		iu[7] ^= 0x80;
		return;
	}
	put_be32(iu + 4, 1);
	iu[8] ^= 0xff;
	put_be32(iu + 16, 64);
	put_be32(iu + 20, 1);
	put_be16(iu + 24, 0);
	iu[26] ^= 0x83;
}

void lie_to(struct test *t, struct cmd *c, uint8_t *iu, size_t *len)
{
	enum lie lie = t->quiet || !t->rule ? LIE_NONE : t->cfg->lie;

	if (lie == LIE_LOGIN && !c && *len >= 32)
		lie_login(iu);
	if (!c)
		return;
	if (lie == LIE_CODE && c->is_tmf && *len >= 40)
		iu[39] = iu[39] == CODE_DONE ? CODE_FAILED : CODE_DONE;
	if (c->is_tmf)
		return;
	switch (lie) {
	case LIE_GOOD:
		lie_good(iu, len);
		break;
	case LIE_CHECK:
		lie_check(iu, len);
		break;
	case LIE_SENSE:
		lie_sense(iu);
		break;
	case LIE_RESIDUAL:
		lie_residual(c, iu);
		break;
	case LIE_DATA:
		for (uint32_t i = 0; c->in && i < c->in_len; i++)
			c->in[i] ^= c->in[i] == FILL ? 0 : 0xff;
		break;
	default:
		break;
	}
}
