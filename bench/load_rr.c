/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Requests to bench/rr. */
#include "load.h"
#include "rr.h"

static uint32_t payload(struct stream *s, const uint8_t *head)
{
	struct rr_head h;

	(void)s;
	memcpy(&h, head, sizeof(h));
	return h.in_len;
}

static void message(struct stream *s, const uint8_t *head)
{
	struct rr_head h;

	memcpy(&h, head, sizeof(h));
	load_answered(s->user, (uint32_t)h.tag);
}

static void request(struct load_conn *c, uint32_t tag, uint64_t off_bytes)
{
	const struct load *l = c->l;
	const struct rr_head h = { .tag = tag,
				   .out_len = l->write ? l->bs : 0,
				   .in_len = l->write ? 0 : l->bs };
	struct stream_msg *m = stream_queue(&c->s);

	(void)off_bytes; /* there is no store */
	m->head_len = sizeof(h);
	m->pay_len = h.out_len;
	memcpy(m->head, &h, sizeof(h));
}

const struct load_proto load_rr = {
	.name = "rr",
	.stream = { .head_len = sizeof(struct rr_head), .payload = payload, .message = message },
	.request = request,
};
