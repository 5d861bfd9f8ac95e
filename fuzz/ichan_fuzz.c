/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The initiator's channel against a target that sends anything. The first byte of the input says how
 * the login response is cut; then come IUs, each behind a length byte. A length of 0 is a submission
 * of ours. Byte 15 of an IU below 8 makes its tag that of a live slot, so that answers hit.
 */
#include <stdlib.h>

#include "base/check.h"
#include "initiator/ichan.h"

#define N_SLOTS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
	struct ichan c;
	struct ichan_slot slot[N_SLOTS];
	struct ichan_actions out;
	uint8_t iu[ICHAN_IU_HEAD_MAX];
	uint64_t tag[8];
	unsigned n_tags;
	unsigned n_out; /* commands submitted and not given back */
};

static void carry_out(struct world *w, bool submitted)
{
	enum ichan_outcome outcome;
	uint16_t slot;

	for (unsigned i = 0; i < w->out.count; i++) {
		const struct ichan_action *a = &w->out.act[i];

		switch (a->type) {
		case ICHAN_ACT_SEND:
			check(a->len <= w->c.it_iu_len);
			w->tag[w->n_tags++ % 8] = srp_tag_get(w->iu + 8);
			w->n_out += submitted;
			break;
		case ICHAN_ACT_ANSWER:
			check(a->slot < N_SLOTS);
			for (uint32_t k = 0; k < a->answer.sense_len; k++) /* all readable */
				w->iu[0] = (uint8_t)(w->iu[0] ^ a->answer.sense[k]);
			break;
		case ICHAN_ACT_FINISH:
			check(w->n_out-- > 0);
			break;
		case ICHAN_ACT_FINISH_MANY:
			while (ichan_take_over(&w->c, &slot, &outcome))
				check(w->n_out-- > 0);
			break;
		default:
			break;
		}
	}
	ichan_check(&w->c);
}

static void step(struct world *w, struct ichan_event ev)
{
	ev.iu = w->iu;
	ev.iu_max = sizeof(w->iu);
	ichan_step(&w->c, &ev, &w->out);
	carry_out(w, ev.type == ICHAN_EV_SUBMIT);
}

static void submit(struct world *w)
{
	static const uint8_t cdb[16];
	struct srp_mem_desc piece = { 0x1000, 1, 512 };
	struct ichan_cmd cmd = {
		.cdb = cdb, .cdb_len = 6, .len = 512, .n_pieces = 1, .piece = &piece
	};

	step(w, (struct ichan_event){ .type = ICHAN_EV_SUBMIT, .cmd = &cmd });
}

static void receive(struct world *w, const uint8_t *iu, size_t n)
{
	uint8_t *copy = malloc(n); /* of exactly this length, for the sanitizer */

	check(copy);
	memcpy(copy, iu, n);
	if (n >= 16 && copy[15] < 8)
		srp_tag_put(copy + 8, w->tag[copy[15]]);
	step(w, (struct ichan_event){ .type = ICHAN_EV_RECV, .data = copy, .len = n });
	free(copy);
}

static void login(struct world *w, size_t cut)
{
	const struct srp_login_rsp rsp = { .req_lim_delta = 6,
					   .max_it_iu_len = 8276,
					   .max_ti_iu_len = 1024,
					   .buf_fmt = SRP_BUF_FMT_DIRECT };
	uint8_t b[SRP_LOGIN_RSP_BYTES];
	struct pen pen = pen_of(b, sizeof(b));

	check(srp_login_rsp_encode(&rsp, &pen) == 0);
	step(w, (struct ichan_event){ .type = ICHAN_EV_START });
	step(w, (struct ichan_event){ .type = ICHAN_EV_RESOLVED });
	step(w, (struct ichan_event){ .type = ICHAN_EV_ESTABLISHED,
				      .data = b,
				      .len = sizeof(b) - (cut < 8 ? cut : 0) });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct ichan_cfg cfg = { .n_slots = N_SLOTS, .n_pieces = 1, .recv_len = 1024 };
	static struct world w;

	if (!len)
		return 0;
	memset(&w, 0, sizeof(w));
	ichan_init(&w.c, &cfg, w.slot);
	login(&w, data[0]);
	for (size_t at = 1; at < len && w.c.state == ICHAN_LIVE;) {
		size_t n = data[at++];

		if (n > len - at)
			n = len - at;
		if (n)
			receive(&w, data + at, n);
		else
			submit(&w);
		at += n;
	}
	step(&w, (struct ichan_event){ .type = ICHAN_EV_DROP });
	if (w.c.state == ICHAN_DRAINING)
		step(&w, (struct ichan_event){ .type = ICHAN_EV_DRAINED });
	check(w.c.state == ICHAN_CLOSED && w.n_out == 0);
	return 0;
}
