/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "initiator/ichan_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void world_init(struct world *w, bool immediate)
{
	struct ichan_cfg cfg = {
		.action = SRP_LOGIN_MULTI,
		.immediate = immediate,
		.n_slots = N_SLOTS,
		.n_pieces = ICHAN_PIECES_MAX,
		.channel = 0xabcd,
		.first_gen = UINT32_MAX - 1, /* the generation wraps early */
		.recv_len = 1024,
		.connect_ms = 1,
		.logout_ms = 2,
		.drain_ms = 3,
	};

	memset(w, 0, sizeof(*w));
	ichan_init(&w->c, &cfg, w->slot);
}

void step(struct world *w, struct ichan_event ev)
{
	ev.iu = w->iu;
	ev.iu_max = sizeof(w->iu);
	ichan_step(&w->c, &ev, &w->out);
	ichan_check(&w->c);
}

const struct ichan_action *find(const struct world *w, enum ichan_act_type type)
{
	for (unsigned i = 0; i < w->out.count; i++)
		if (w->out.act[i].type == type)
			return &w->out.act[i];
	return NULL;
}

struct srp_login_rsp good_login(const struct world *w)
{
	return (struct srp_login_rsp){
		.req_lim_delta = 8,
		.max_it_iu_len = w->c.it_iu_len,
		.max_ti_iu_len = 1024,
		.buf_fmt = SRP_BUF_FMT_DIRECT | SRP_BUF_FMT_INDIRECT,
		.rsp_flags = SRP_LOGIN_RESULT_CONTINUE | SRP_LOGIN_IMMED_SUPP,
	};
}

void establish(struct world *w, const struct srp_login_rsp *rsp, size_t cut)
{
	uint8_t b[SRP_LOGIN_RSP_BYTES];
	struct pen pen = pen_of(b, sizeof(b));

	assert_int_equal(srp_login_rsp_encode(rsp, &pen), 0);
	step(w, (struct ichan_event){ .type = ICHAN_EV_ESTABLISHED, .data = b, .len = cut });
}
