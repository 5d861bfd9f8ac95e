/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "srp/login.h"

#include "wire/srp_cmd.h"

static bool target_matches(const struct srp_port_id *asked, const struct login_params *p)
{
	static const struct srp_port_id zero = { 0 };

	return srp_port_id_eq(asked, &p->target) || (p->any_target && srp_port_id_eq(asked, &zero));
}

/* An offset inside the fixed part or past the longest IU leaves no room for data: not offered. */
static bool immediate_usable(const struct srp_login_req *req, const struct login_params *p)
{
	return p->immediate && req->req_flags & SRP_LOGIN_IMMED &&
	       req->imm_data_offset >= SRP_CMD_BYTES + SRP_IMMEDIATE_BYTES &&
	       req->imm_data_offset < req->req_it_iu_len;
}

static int judge(const struct srp_login_req *req, const struct login_params *p)
{
	unsigned action = req->req_flags & SRP_LOGIN_ACTION_MASK;

	if (!target_matches(&req->target, p) || !p->acl_ok)
		return SRP_REJ_NEXUS;
	if (!p->enabled)
		return SRP_REJ_RESOURCES;
	if (req->req_it_iu_len < SRP_MIN_IT_IU_LEN || req->req_it_iu_len > p->max_it_iu_len)
		return SRP_REJ_IT_IU_LEN;
	if (req->req_buf_fmt & ~LOGIN_BUF_FMT)
		return SRP_REJ_BUF_FMT;
	if (action == SRP_LOGIN_MULTI && !p->multi_channel)
		return SRP_REJ_MULTI_CHANNEL;
	if (action != SRP_LOGIN_SINGLE && action != SRP_LOGIN_MULTI)
		return SRP_REJ_UNSPECIFIED; /* reserved: guessing could end working channels */
	return 0;
}

int login_check(const struct srp_login_req *req, const struct login_params *p,
		struct login_result *ret)
{
	int reason = judge(req, p);

	if (reason)
		return reason;
	*ret = (struct login_result){
		.max_it_iu_len = req->req_it_iu_len, /* memory for more would be wasted */
		.max_ti_iu_len = p->max_ti_iu_len,
		.buf_fmt = LOGIN_BUF_FMT,
		.rsp_flags = SRP_LOGIN_SOLNTSUP,
		.single = (req->req_flags & SRP_LOGIN_ACTION_MASK) == SRP_LOGIN_SINGLE,
		.solnt = req->req_flags &
			 (SRP_LOGIN_LOSOLNT | SRP_LOGIN_CRSOLNT | SRP_LOGIN_AESOLNT),
	};
	if (immediate_usable(req, p)) {
		ret->immediate = true;
		ret->imm_data_offset = req->imm_data_offset;
		ret->rsp_flags |= SRP_LOGIN_IMMED_SUPP;
	}
	return 0;
}

const char *login_why(int reason)
{
	switch (reason) {
	case 0:
		return "login accepted";
	case SRP_REJ_UNSPECIFIED:
		return "reserved multi-channel action, or overtaken by a newer login";
	case SRP_REJ_RESOURCES:
		return "target disabled or out of channels";
	case SRP_REJ_IT_IU_LEN:
		return "request length out of range";
	case SRP_REJ_NEXUS:
		return "unknown target identifier, or access denied";
	case SRP_REJ_BUF_FMT:
		return "unsupported descriptor format wanted";
	case SRP_REJ_MULTI_CHANNEL:
		return "several channels per nexus are not offered";
	case SRP_REJ_CHANNEL_LIMIT:
		return "the nexus has all the channels it may have";
	default:
		return "unknown reason";
	}
}
