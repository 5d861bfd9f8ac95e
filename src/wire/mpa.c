/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/mpa.h"

#define KEY_LEN    16u
#define FLAGS_KEPT (MPA_M | MPA_C | MPA_R | MPA_S)

#define WORD_HIGH 0x8000u /* A, C */
#define WORD_NEXT 0x4000u /* B, D */

static const char *frame_key(bool reply)
{
	return reply ? "MPA ID Rep Frame" : "MPA ID Req Frame";
}

int mpa_frame_len(const uint8_t *head, size_t len, bool reply, size_t *ret)
{
	size_t priv_len;

	if (len && memcmp(head, frame_key(reply), min_size(len, KEY_LEN)) != 0)
		return MPA_E_KEY;
	if (len < MPA_HEAD_LEN)
		return MPA_E_TRUNCATED;
	priv_len = get_be16(head + 18);
	if (priv_len > MPA_PRIV_MAX)
		return MPA_E_TOO_LONG;
	*ret = MPA_HEAD_LEN + priv_len;
	return 0;
}

static void read_words(struct cur *in, struct mpa_frame *f)
{
	uint16_t first = cur_be16(in);
	uint16_t second = cur_be16(in);

	f->ird = first & MPA_NO_NEGOTIATE;
	f->a = first & WORD_HIGH;
	f->b = first & WORD_NEXT;
	f->ord = second & MPA_NO_NEGOTIATE;
	f->c = second & WORD_HIGH;
	f->d = second & WORD_NEXT;
}

int mpa_frame_decode(struct cur *in, bool reply, struct mpa_frame *ret)
{
	struct mpa_frame f = { .reply = reply };
	struct cur c;
	size_t len;
	int r;

	if (in->bad)
		return MPA_E_TRUNCATED;
	r = mpa_frame_len(in->p + in->pos, cur_left(in), reply, &len);
	if (r)
		return r;
	if (in->p[in->pos + KEY_LEN + 1] > MPA_REV_MAX)
		return MPA_E_REVISION;
	if (cur_left(in) < len)
		return MPA_E_TRUNCATED;
	c = cur_of(in->p + in->pos, len);
	cur_skip(&c, KEY_LEN);
	f.flags = cur_u8(&c) & FLAGS_KEPT;
	f.rev = cur_u8(&c);
	cur_skip(&c, 2); /* PD_Length: what is left */
	f.enhanced = f.flags & MPA_S && f.rev >= 2;
	if (f.enhanced) {
		if (cur_left(&c) < MPA_WORDS_LEN)
			return MPA_E_ENHANCED;
		read_words(&c, &f);
	}
	f.priv_len = cur_left(&c);
	f.priv = cur_take(&c, f.priv_len);
	cur_skip(in, len);
	*ret = f;
	return 0;
}

void mpa_frame_encode(struct pen *out, const struct mpa_frame *f)
{
	size_t words = f->enhanced ? MPA_WORDS_LEN : 0;
	unsigned flags = f->flags & FLAGS_KEPT & ~MPA_S;

	if (f->priv_len > MPA_PRIV_MAX - words) {
		out->bad = true;
		return;
	}
	pen_copy(out, frame_key(f->reply), KEY_LEN);
	pen_u8(out, (uint8_t)(flags | (f->enhanced ? MPA_S : 0)));
	pen_u8(out, f->rev);
	pen_be16(out, (uint16_t)(words + f->priv_len));
	if (f->enhanced) {
		pen_be16(out, (uint16_t)((f->ird & MPA_NO_NEGOTIATE) | (f->a ? WORD_HIGH : 0) |
					 (f->b ? WORD_NEXT : 0)));
		pen_be16(out, (uint16_t)((f->ord & MPA_NO_NEGOTIATE) | (f->c ? WORD_HIGH : 0) |
					 (f->d ? WORD_NEXT : 0)));
	}
	pen_copy(out, f->priv, f->priv_len);
}
