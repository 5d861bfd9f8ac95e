/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* IUs in words, one line each: what `srp -v` shows. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "client/client_priv.h"
#include "wire/cdb.h"
#include "wire/srp_aer.h"
#include "wire/srp_cred.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_logout.h"

struct line {
	char *buf;
	size_t size;
	size_t at;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->at, l->size - l->at, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->at = min_size(l->at + (size_t)n, l->size - 1);
}

/* A tag of ours is shown as slot and generation: short, and unique long enough. */
static void put_tag(struct line *l, uint64_t tag)
{
	put(l, " tag %u.%" PRIx32, (unsigned)(tag & 0xffff), (uint32_t)(tag >> 16));
}

static void put_data(struct line *l, const char *name, const struct srp_data *d)
{
	static const char *const fmt[] = { "none", "direct", "indirect", "immediate" };

	if (d->fmt == SRP_FMT_NONE)
		return;
	put(l, ", %s %u bytes %s", name, d->len, fmt[d->fmt]);
	if (d->fmt == SRP_FMT_INDIRECT)
		put(l, " in %u pieces", d->n_desc);
	else if (d->fmt == SRP_FMT_DIRECT)
		put(l, " at 0x%" PRIx64, srp_data_desc(d, 0).va);
}

static void put_cmd(struct line *l, struct cur in)
{
	struct srp_cmd_data data;
	struct srp_cmd cmd;
	const char *name;
	size_t at;

	if (srp_cmd_decode(&in, &cmd)) {
		put(l, ", truncated");
		return;
	}
	name = cdb_opcode_text(cmd.cdb);
	put_tag(l, cmd.tag);
	put(l, " lun 0x%016" PRIx64 ", %s (0x%02x)", cmd.lun, name ? name : "CDB", cmd.cdb[0]);
	/* Immediate data do not belong to the bytes that are shown, so read the length by hand. */
	at = (size_t)SRP_CMD_BYTES + cmd.add_cdb_len;
	if (cmd.out_fmt == SRP_FMT_IMMEDIATE && at + SRP_IMMEDIATE_BYTES <= cmd.iu_len)
		put(l, ", out %u bytes immediate", get_be32(cmd.iu + at));
	else if (srp_cmd_data_decode(&cmd, 0, &data))
		put(l, ", descriptors not valid");
	else {
		put_data(l, "out", &data.out);
		put_data(l, "in", &data.in);
	}
}

static void put_rsp(struct line *l, struct cur in)
{
	struct srp_rsp r;

	if (srp_rsp_decode(&in, &r)) {
		put(l, ", truncated");
		return;
	}
	put_tag(l, r.tag);
	put(l, " delta %d, status 0x%02x", r.req_lim_delta, r.status);
	if (r.flags & SRP_RSP_RSPVALID)
		put(l, ", code %u", r.rsp_code);
	if (r.flags & (SRP_RSP_DIUNDER | SRP_RSP_DOUNDER))
		put(l, ", %u bytes not transferred", r.data_in_res | r.data_out_res);
	if (r.flags & (SRP_RSP_DIOVER | SRP_RSP_DOOVER))
		put(l, ", %u bytes without room", r.data_in_res | r.data_out_res);
	if (r.sense_len)
		put(l, ", %u bytes of sense", r.sense_len);
}

static void put_id(struct line *l, const char *name, const struct srp_port_id *id)
{
	put(l, ", %s %016" PRIx64 ":%016" PRIx64, name, get_be64(id->ext), get_be64(id->guid));
}

static void put_login_req(struct line *l, struct cur in)
{
	struct srp_login_req r;

	put(l, "LOGIN_REQ");
	if (srp_login_req_cm_decode(&in, &r)) {
		put(l, ", truncated");
		return;
	}
	put(l, " IUs up to %u, %s channel%s", r.req_it_iu_len,
	    (r.req_flags & SRP_LOGIN_ACTION_MASK) == SRP_LOGIN_SINGLE ? "single" : "multi",
	    r.req_flags & SRP_LOGIN_IMMED ? ", immediate data" : "");
	put_id(l, "initiator", &r.initiator);
	put_id(l, "target", &r.target);
}

static void put_login_rsp(struct line *l, struct cur in)
{
	struct srp_login_rsp r;

	if (srp_login_rsp_decode(&in, &r)) {
		put(l, ", truncated");
		return;
	}
	put(l, " delta %d, IUs up to %u out, %u in, multi-channel result %u%s", r.req_lim_delta,
	    r.max_it_iu_len, r.max_ti_iu_len, r.rsp_flags & SRP_LOGIN_RESULT_MASK,
	    r.rsp_flags & SRP_LOGIN_IMMED_SUPP ? ", immediate data" : "");
}

static void put_tsk_mgmt(struct line *l, struct cur in)
{
	struct srp_tsk_mgmt t;

	if (srp_tsk_mgmt_decode(&in, &t)) {
		put(l, ", truncated");
		return;
	}
	put_tag(l, t.tag);
	put(l, " lun 0x%016" PRIx64 ", %s", t.lun, srp_tmf_text(t.function));
	if (t.function == SRP_TMF_ABORT_TASK) {
		put(l, " of");
		put_tag(l, t.task_tag);
	}
}

static void put_other(struct line *l, uint8_t op, struct cur in)
{
	struct srp_login_rej rej;
	struct srp_cred_req cred;
	struct srp_aer_req aer;
	struct srp_t_logout out;

	switch (op) {
	case SRP_OP_LOGIN_REJ:
		if (srp_login_rej_decode(&in, &rej) == 0)
			put(l, " reason 0x%08x, %s", rej.reason, srp_rej_reason_text(rej.reason));
		break;
	case SRP_OP_CRED_REQ:
		if (srp_cred_req_decode(&in, &cred) == 0)
			put(l, " delta %d", cred.req_lim_delta);
		break;
	case SRP_OP_AER_REQ:
		if (srp_aer_req_decode(&in, &aer) == 0)
			put(l, " delta %d, lun 0x%016" PRIx64 ", %u bytes of sense",
			    aer.req_lim_delta, aer.lun, aer.sense_len);
		break;
	case SRP_OP_T_LOGOUT:
		if (srp_t_logout_decode(&in, &out) == 0)
			put(l, " reason %u, %s", out.reason, srp_logout_reason_text(out.reason));
		break;
	default:
		break;
	}
}

void trace_text(const uint8_t *iu, size_t len, bool login, char *buf, size_t size)
{
	struct line l = { buf, size, 0 };
	struct cur in = cur_of(iu, len);

	buf[0] = '\0';
	if (login) {
		put_login_req(&l, in);
		return;
	}
	if (!len) {
		put(&l, "nothing");
		return;
	}
	put(&l, "%s", srp_op_text(iu[0]));
	switch (iu[0]) {
	case SRP_OP_CMD:
		put_cmd(&l, in);
		break;
	case SRP_OP_RSP:
		put_rsp(&l, in);
		break;
	case SRP_OP_LOGIN_RSP:
		put_login_rsp(&l, in);
		break;
	case SRP_OP_TSK_MGMT:
		put_tsk_mgmt(&l, in);
		break;
	default:
		put_other(&l, iu[0], in);
		break;
	}
}
