/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any bytes as the header of an FPDU: what was read is written again as the same bytes, lengths add up. */
#include "fuzz.h"
#include "wire/ddp.h"

/* Everything a header of this shape holds comes back; the control bytes when they are well formed. */
static void rewrite(const uint8_t *p, const struct ddp_hdr *h)
{
	const bool tagged = h->ddp_ctl & DDP_CTL_T;
	const unsigned body = tagged ? DDP_TAGGED_BODY : DDP_UNTAGGED_BODY;
	const enum rdmap_op op = (enum rdmap_op)(h->rdmap_ctl & RDMAP_CTL_OP_MASK);
	const bool last = h->ddp_ctl & DDP_CTL_L;
	uint8_t out[DDP_UNTAGGED_LEN];

	check(tagged == ddp_tagged(p));
	check(tagged || h->to == 0);
	check(!tagged || (h->qn == 0 && h->msn == 0 && h->mo == 0));
	if (h->ulpdu_len < body)
		return;
	if (tagged) {
		ddp_tagged_put(out, op, last, h->ulpdu_len - body, h->stag, h->to);
	} else {
		ddp_untagged_put(out, op, last, h->ulpdu_len - body, h->stag, h->qn);
		ddp_untagged_seq(out, h->msn, h->mo);
	}
	check(memcmp(out, p, 2) == 0 && memcmp(out + 4, p + 4, ddp_hdr_len(p) - 4) == 0);
	check(((out[2] ^ p[2]) & (DDP_CTL_T | DDP_CTL_L)) == 0);
	check(((out[3] ^ p[3]) & RDMAP_CTL_OP_MASK) == 0);
	check((out[2] & DDP_CTL_VERSION_MASK) == DDP_CTL_VERSION);
	check((out[3] & RDMAP_CTL_VERSION_MASK) == RDMAP_CTL_VERSION);
	/* Our own headers pass our own judgement of shape. */
	check(op >= RDMAP_OP_COUNT ||
	      rdmap_op_tagged(op) == (op == RDMAP_WRITE || op == RDMAP_READ_RSP));
}

static void lengths(unsigned ulpdu_len)
{
	uint32_t whole = fpdu_len(ulpdu_len);
	unsigned pad = fpdu_pad(ulpdu_len);

	check(pad < 4 && whole % 4 == 0);
	check(whole == FPDU_LEN_LEN + ulpdu_len + pad + FPDU_CRC_LEN);
	check(pad + FPDU_CRC_LEN <= FPDU_TRAILER_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ddp_hdr h;
	uint8_t *p;

	if (len < DDP_PEEK_LEN || len < ddp_hdr_len(data))
		return 0;
	p = fuzz_copy(data, ddp_hdr_len(data));
	h = ddp_hdr_get(p);
	lengths(h.ulpdu_len);
	rewrite(p, &h);
	free(p);
	return 0;
}
