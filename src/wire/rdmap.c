/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/rdmap.h"

int rdmap_read_req_decode(struct cur *in, struct rdmap_read_req *ret)
{
	struct rdmap_read_req r = { 0 };

	r.sink_stag = cur_be32(in);
	r.sink_to = cur_be64(in);
	r.len = cur_be32(in);
	r.src_stag = cur_be32(in);
	r.src_to = cur_be64(in);
	if (in->bad)
		return RDMAP_E_TRUNCATED;
	*ret = r;
	return 0;
}

void rdmap_read_req_encode(struct pen *out, const struct rdmap_read_req *r)
{
	pen_be32(out, r->sink_stag);
	pen_be64(out, r->sink_to);
	pen_be32(out, r->len);
	pen_be32(out, r->src_stag);
	pen_be64(out, r->src_to);
}

struct term_words {
	uint8_t layer;
	uint8_t type;
	uint8_t code;
	const char *text;
};

static const struct term_words term_table[] = {
	{ 0, 0, 0x00, "RDMAP: local catastrophic error" },
	{ 0, 1, 0x00, "RDMAP: invalid STag" },
	{ 0, 1, 0x01, "RDMAP: outside the memory region" },
	{ 0, 1, 0x02, "RDMAP: access right missing" },
	{ 0, 1, 0x03, "RDMAP: STag not of this stream" },
	{ 0, 1, 0x04, "RDMAP: tagged offset wraps" },
	{ 0, 1, 0x09, "RDMAP: STag cannot be invalidated" },
	{ 0, 1, 0xff, "RDMAP: unspecified protection error" },
	{ 0, 2, 0x05, "RDMAP: wrong version" },
	{ 0, 2, 0x06, "RDMAP: unexpected opcode" },
	{ 0, 2, 0x07, "RDMAP: catastrophic error of the stream" },
	{ 0, 2, 0x08, "RDMAP: catastrophic error of the device" },
	{ 0, 2, 0x09, "RDMAP: STag cannot be invalidated" },
	{ 0, 2, 0xff, "RDMAP: unspecified operation error" },
	{ 1, 0, 0x00, "DDP: local catastrophic error" },
	{ 1, 1, 0x00, "DDP: invalid STag" },
	{ 1, 1, 0x01, "DDP: outside the memory region" },
	{ 1, 1, 0x02, "DDP: STag not of this stream" },
	{ 1, 1, 0x03, "DDP: tagged offset wraps" },
	{ 1, 1, 0x04, "DDP: wrong version in a tagged segment" },
	{ 1, 2, 0x01, "DDP: wrong queue number" },
	{ 1, 2, 0x02, "DDP: no receive buffer" },
	{ 1, 2, 0x03, "DDP: message sequence number out of range" },
	{ 1, 2, 0x04, "DDP: wrong message offset" },
	{ 1, 2, 0x05, "DDP: message longer than its buffer" },
	{ 1, 2, 0x06, "DDP: wrong version in an untagged segment" },
	{ 2, 0, 0x01, "MPA: TCP connection lost" },
	{ 2, 0, 0x02, "MPA: wrong CRC" },
	{ 2, 0, 0x03, "MPA: wrong length" },
	{ 2, 0, 0x04, "MPA: invalid request or reply frame" },
	{ 2, 0, 0x05, "MPA: local catastrophic error" },
	{ 2, 0, 0x06, "MPA: too few inbound reads at the peer" },
	{ 2, 0, 0x07, "MPA: no ready-to-receive frame both sides know" },
};

static const struct term_words *term_find(unsigned layer, unsigned type, unsigned code)
{
	for (size_t i = 0; i < ARRAY_SIZE(term_table); i++) {
		const struct term_words *w = &term_table[i];

		if (w->layer == layer && w->type == type && w->code == code)
			return w;
	}
	return NULL;
}

int rdmap_term_decode(struct cur *in, struct rdmap_term *ret)
{
	struct rdmap_term t = { 0 };
	uint8_t first = cur_u8(in);
	uint8_t code = cur_u8(in);

	cur_skip(in, 2); /* M, D, R, reserved */
	if (in->bad)
		return RDMAP_E_TRUNCATED;
	cur_skip(in, cur_left(in));
	t.layer = first >> 4;
	t.type = first & 15;
	t.code = code;
	if (!term_find(t.layer, t.type, code) && term_find(t.type, t.layer, code)) {
		t.layer = first & 15;
		t.type = first >> 4;
	}
	*ret = t;
	return 0;
}

void rdmap_term_encode(struct pen *out, const struct rdmap_term *t)
{
	unsigned has = (t->ddp ? TERM_HAS_LEN | TERM_HAS_DDP : 0) |
		       (t->ddp && t->read_req ? TERM_HAS_READ : 0);

	pen_u8(out, (uint8_t)(t->layer << 4 | (t->type & 15)));
	pen_u8(out, t->code);
	pen_u8(out, (uint8_t)has);
	pen_u8(out, 0);
	if (!t->ddp)
		return;
	/* The length field of the segment and its header lie side by side already. */
	pen_copy(out, t->ddp, ddp_hdr_len(t->ddp));
	if (t->read_req)
		pen_copy(out, t->read_req, RDMAP_READ_REQ_LEN);
}

const char *rdmap_term_text(unsigned layer, unsigned type, unsigned code)
{
	const struct term_words *w = term_find(layer, type, code);

	if (w)
		return w->text;
	switch (layer) {
	case TERM_RDMAP:
		return "RDMAP: unknown error";
	case TERM_DDP:
		return "DDP: unknown error";
	case TERM_MPA:
		return "MPA: unknown error";
	default:
		return "error of an unknown layer";
	}
}
