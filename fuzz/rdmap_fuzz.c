/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Read Request and Terminate, the two RDMAP messages with a body of their own: any bytes. */
#include "fuzz.h"
#include "wire/rdmap.h"

static void read_req(const uint8_t *data, size_t len)
{
	uint8_t back[RDMAP_READ_REQ_LEN];
	struct cur in = cur_of(data, len);
	struct pen out = pen_of(back, sizeof(back));
	struct rdmap_read_req r = { .len = 7 };

	if (rdmap_read_req_decode(&in, &r)) {
		check(len < RDMAP_READ_REQ_LEN && r.len == 7); /* untouched */
		return;
	}
	check(in.pos == RDMAP_READ_REQ_LEN);
	rdmap_read_req_encode(&out, &r);
	check(!out.bad && memcmp(back, data, sizeof(back)) == 0);
}

/* With the headers it is about, if @data holds any behind it. */
static void term_with_headers(const struct rdmap_term *t, const uint8_t *data, size_t len)
{
	uint8_t out[RDMAP_TERM_MAX];
	struct pen pen = pen_of(out, sizeof(out));
	struct rdmap_term with = *t;
	struct rdmap_term again;
	struct cur in;
	size_t want = RDMAP_TERM_LEN;

	if (len >= DDP_UNTAGGED_LEN) {
		with.ddp = data;
		want += ddp_hdr_len(data);
		if (len >= DDP_UNTAGGED_LEN + RDMAP_READ_REQ_LEN && !ddp_tagged(data)) {
			with.read_req = data + DDP_UNTAGGED_LEN;
			want += RDMAP_READ_REQ_LEN;
		}
	}
	rdmap_term_encode(&pen, &with);
	check(!pen.bad && pen.pos == want && want <= RDMAP_TERM_MAX);
	in = cur_of(out, pen.pos);
	check(rdmap_term_decode(&in, &again) == 0 && cur_left(&in) == 0);
	/* What was understood once is not understood in another way: the swap of nibbles is settled. */
	check(again.layer == t->layer && again.type == t->type && again.code == t->code);
}

static void term(const uint8_t *data, size_t len)
{
	struct cur in = cur_of(data, len);
	struct rdmap_term t;

	if (rdmap_term_decode(&in, &t)) {
		check(len < RDMAP_TERM_LEN);
		return;
	}
	check(t.layer < 16 && t.type < 16 && !t.ddp && !t.read_req);
	check(rdmap_term_text(t.layer, t.type, t.code)[0]);
	term_with_headers(&t, data + RDMAP_TERM_LEN, len - RDMAP_TERM_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *p = fuzz_copy(data, len);

	read_req(p, len);
	term(p, len);
	free(p);
	return 0;
}
