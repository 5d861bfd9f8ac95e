/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The login policy over any LOGIN_REQ and any port. Input: a byte of switches, two 32-bit limits of the
 * port, then the request as CM private data. The rules are held against the documented order, written
 * down here a second time as a list.
 */
#include "fuzz.h"
#include "srp/login.h"

static const struct srp_port_id port_id = { .ext = { 0, 2, 0xc9, 3, 0, 0xa0, 0xdd, 1 },
					    .guid = { 0, 2, 0xc9, 3, 0, 0xa0, 0xdd, 0 } };

static int expected(const struct srp_login_req *q, const struct login_params *p)
{
	static const struct srp_port_id none;
	unsigned action = q->req_flags & SRP_LOGIN_ACTION_MASK;
	bool ours = srp_port_id_eq(&q->target, &port_id) ||
		    (p->any_target && srp_port_id_eq(&q->target, &none));
	const struct {
		bool broken;
		int reason;
	} rule[] = {
		{ !ours, SRP_REJ_NEXUS },
		{ !p->acl_ok, SRP_REJ_NEXUS },
		{ !p->enabled, SRP_REJ_RESOURCES },
		{ q->req_it_iu_len < 64, SRP_REJ_IT_IU_LEN },
		{ q->req_it_iu_len > p->max_it_iu_len, SRP_REJ_IT_IU_LEN },
		{ (q->req_buf_fmt & 0xfff9) != 0, SRP_REJ_BUF_FMT },
		{ action == SRP_LOGIN_MULTI && !p->multi_channel, SRP_REJ_MULTI_CHANNEL },
		{ action > SRP_LOGIN_MULTI, SRP_REJ_UNSPECIFIED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rule); i++)
		if (rule[i].broken)
			return rule[i].reason;
	return 0;
}

static void granted(const struct srp_login_req *q, const struct login_params *p,
		    const struct login_result *r)
{
	check(r->max_it_iu_len == q->req_it_iu_len && r->max_ti_iu_len == p->max_ti_iu_len);
	check(r->buf_fmt == (SRP_BUF_FMT_DIRECT | SRP_BUF_FMT_INDIRECT));
	check(r->single == ((q->req_flags & SRP_LOGIN_ACTION_MASK) == SRP_LOGIN_SINGLE));
	check(!(r->solnt & ~q->req_flags));
	check((r->rsp_flags & SRP_LOGIN_RESULT_MASK) == 0); /* the caller's to add */
	check(r->immediate == !!(r->rsp_flags & SRP_LOGIN_IMMED_SUPP));
	check(r->immediate == (r->imm_data_offset != 0));
	if (!r->immediate)
		return;
	check(p->immediate && q->req_flags & SRP_LOGIN_IMMED);
	check(r->imm_data_offset == q->imm_data_offset);
	/* room for a descriptor in front and for data behind */
	check(r->imm_data_offset >= 52 && r->imm_data_offset < r->max_it_iu_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cur in = cur_of(data, len);
	uint8_t bits = cur_u8(&in);
	struct login_params p = { .target = port_id,
				  .any_target = bits & 1,
				  .enabled = !(bits & 2),
				  .acl_ok = !(bits & 4),
				  .multi_channel = !(bits & 8),
				  .immediate = !(bits & 16) };
	struct login_result r;
	struct login_result was;
	struct srp_login_req q;
	struct cur iu;
	int reason;

	p.max_it_iu_len = cur_be32(&in);
	p.max_ti_iu_len = cur_be32(&in);
	if (p.max_it_iu_len < SRP_MIN_IT_IU_LEN)
		p.max_it_iu_len = SRP_MIN_IT_IU_LEN;
	iu = fuzz_rest(&in);
	if (srp_login_req_cm_decode(&iu, &q))
		return 0;
	if (bits & 32)
		q.target = port_id;
	memset(&r, 0x5a, sizeof(r));
	was = r;
	reason = login_check(&q, &p, &r);
	check(reason == expected(&q, &p));
	check(login_why(reason)[0]);
	if (reason) /* nothing of it was touched */
		check(memcmp((const void *)&r, (const void *)&was, sizeof(r)) == 0);
	else
		granted(&q, &p, &r);
	return 0;
}
