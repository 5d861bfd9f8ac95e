/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "client/rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/prng.h"
#include "fabric/iwarp/fab_iwarp.h"
#include "wire/cdb.h"
#include "wire/srp_cmd.h"
#include "wire/srp_cred.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_login_req.h"
#include "wire/srp_login_rsp.h"
#include "wire/srp_logout.h"
#include "wire/srp_rsp.h"
#include "wire/srp_tsk_mgmt.h"

#define BLOCK 512u

static const struct fab_ops *ops(const struct rig *r)
{
	return r->fab->ops;
}

static void send_iu(struct rig *r, const uint8_t *iu, size_t len)
{
	uint8_t *buf = r->send[r->n_sent++ % 64];
	struct fab_sge sge = { buf, (uint32_t)len };
	struct fab_wr wr = { .op = FAB_WR_SEND, .n_sge = 1, .sge = &sge, .flags = FAB_WR_SIGNALED };

	memcpy(buf, iu, len);
	if (r->fc)
		check(ops(r)->post_send(r->fc, &wr, 1) == 0);
}

static void send_rsp(struct rig *r, struct srp_rsp rsp)
{
	static const uint8_t sense[18] = { 0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24 };
	uint8_t b[128];
	struct pen pen = pen_of(b, sizeof(b));
	struct srp_cred_req cred = { .tag = 99, .req_lim_delta = 0 };

	rsp.req_lim_delta = 1;
	if (r->fault == RIG_CRED_REQ) {
		check(srp_cred_req_encode(&cred, &pen) == 0);
		send_iu(r, b, pen.pos);
		pen = pen_of(b, sizeof(b));
	}
	if (r->fault == RIG_SENSE) {
		rsp.status = 2;
		rsp.flags = SRP_RSP_DIUNDER;
		rsp.data_in_res = 100;
		rsp.sense = sense;
		rsp.sense_len = sizeof(sense);
	}
	check(srp_rsp_encode(&rsp, &pen) == 0);
	send_iu(r, b, pen.pos);
	if (r->fault == RIG_TWICE)
		send_iu(r, b, pen.pos);
}

static uint8_t *disk_at(struct rig *r, const uint8_t *cdb, uint32_t len)
{
	uint64_t at = cdb_range(cdb).lba * BLOCK;

	check(at + len <= RIG_DISK_BYTES);
	return r->disk + at;
}

static void do_read(struct rig *r, const struct srp_cmd *cmd, const struct srp_data *d)
{
	uint8_t *from = disk_at(r, cmd->cdb, d->len);

	for (uint32_t i = 0; i < d->n_desc; i++) {
		struct srp_mem_desc m = srp_data_desc(d, i);
		struct fab_sge sge = { from, m.len };
		struct fab_wr wr = { .op = FAB_WR_WRITE,
				     .n_sge = 1,
				     .sge = &sge,
				     .remote_va = m.va,
				     .rkey = m.key };

		check(ops(r)->post_send(r->fc, &wr, 1) == 0);
		from += m.len;
	}
	send_rsp(r, (struct srp_rsp){ .tag = cmd->tag });
}

static void do_write(struct rig *r, const struct srp_cmd *cmd, const struct srp_data *d)
{
	uint8_t *to = disk_at(r, cmd->cdb, d->len);

	if (d->fmt == SRP_FMT_IMMEDIATE) {
		memcpy(to, d->imm, d->len);
		send_rsp(r, (struct srp_rsp){ .tag = cmd->tag });
		return;
	}
	for (uint32_t i = 0; i < d->n_desc; i++) {
		struct srp_mem_desc m = srp_data_desc(d, i);
		struct fab_sge sge = { to, m.len };
		struct fab_wr wr = {
			.op = FAB_WR_READ, .n_sge = 1, .sge = &sge, .remote_va = m.va, .rkey = m.key
		};
		unsigned k = 0;

		to += m.len;
		if (i + 1 == d->n_desc) { /* the last of the command answers it */
			while (r->cmd[k].busy)
				check(++k < RIG_PENDING);
			r->cmd[k] = (struct rig_cmd){ .busy = true, .tag = cmd->tag };
			wr.wr_id = k + 1;
			wr.flags = FAB_WR_SIGNALED;
		}
		check(ops(r)->post_send(r->fc, &wr, 1) == 0);
	}
}

static void drop(struct rig *r)
{
	if (r->fc)
		ops(r)->destroy(r->fc);
	r->fc = NULL;
	r->up = false;
	memset(r->cmd, 0, sizeof(r->cmd));
}

static void misbehave(struct rig *r)
{
	struct srp_t_logout out = { .reason = SRP_LOGOUT_INACTIVE };
	struct prng prng = prng_of(r->seed++);
	uint8_t b[64];
	struct pen pen = pen_of(b, sizeof(b));

	switch (r->fault) {
	case RIG_CUT:
		ops(r)->disconnect(r->fc);
		break;
	case RIG_LOGOUT:
		check(srp_t_logout_encode(&out, &pen) == 0);
		send_iu(r, b, pen.pos);
		break;
	case RIG_GARBAGE:
		for (size_t i = 0; i < sizeof(b); i++)
			b[i] = (uint8_t)prng_u64(&prng);
		if (prng_below(&prng, 3))
			b[0] = SRP_OP_RSP;
		send_iu(r, b, 1 + prng_below(&prng, sizeof(b)));
		break;
	default:
		break;
	}
}

static void on_cmd(struct rig *r, struct cur in)
{
	struct srp_cmd_data d;
	struct srp_cmd cmd;

	check(srp_cmd_decode(&in, &cmd) == 0);
	check(srp_cmd_data_decode(&cmd, 68, &d) == 0);
	r->n_cmds++;
	switch (r->fault) {
	case RIG_CUT:
	case RIG_LOGOUT:
	case RIG_GARBAGE:
	case RIG_SILENT:
	case RIG_DEAF:
		misbehave(r);
		return;
	default:
		break;
	}
	if (d.in.fmt != SRP_FMT_NONE)
		do_read(r, &cmd, &d.in);
	else if (d.out.fmt != SRP_FMT_NONE)
		do_write(r, &cmd, &d.out);
	else
		send_rsp(r, (struct srp_rsp){ .tag = cmd.tag });
}

static void on_recv(struct rig *r, const uint8_t *iu, uint32_t len)
{
	struct cur in = cur_of(iu, len);
	struct srp_tsk_mgmt t;

	switch (iu[0]) {
	case SRP_OP_CMD:
		on_cmd(r, in);
		break;
	case SRP_OP_TSK_MGMT:
		check(srp_tsk_mgmt_decode(&in, &t) == 0);
		if (r->fault != RIG_DEAF)
			send_rsp(r, (struct srp_rsp){ .tag = t.tag, .flags = SRP_RSP_RSPVALID });
		break;
	case SRP_OP_I_LOGOUT:
		r->n_logouts++;
		break;
	case SRP_OP_CRED_RSP:
		r->n_cred_rsps++;
		break;
	default:
		check_unreachable();
	}
}

static void complete(struct fab_conn *fc, const struct fab_wc *wc, unsigned n)
{
	struct rig *r = fc->fab->ops->ctx(fc);

	for (unsigned i = 0; i < n && r->fc; i++) {
		if (wc[i].status != FAB_WC_OK)
			continue;
		if (wc[i].op == FAB_WC_READ && wc[i].wr_id) {
			struct rig_cmd *c = &r->cmd[wc[i].wr_id - 1];

			c->busy = false;
			send_rsp(r, (struct srp_rsp){ .tag = c->tag });
		} else if (wc[i].op == FAB_WC_RECV) {
			on_recv(r, r->recv[wc[i].wr_id], wc[i].byte_len);
			if (r->fc)
				(void)ops(r)->post_recv(r->fc, wc[i].wr_id, r->recv[wc[i].wr_id],
							RIG_IU_MAX);
		}
	}
}

static void accept_login(struct rig *r, struct fab_conn *fc, const struct fab_event *ev)
{
	const struct fab_qp_attr attr = {
		.sq_depth = 128, .rq_depth = RIG_CREDITS + 4, .max_sge = 1, .max_rd_atomic = 4
	};
	struct cur in = cur_of(ev->priv, ev->priv_len);
	struct srp_login_req req;
	struct srp_login_rsp rsp = { .req_lim_delta = r->fault == RIG_ONE_CREDIT ? 1 : RIG_CREDITS,
				     .max_it_iu_len = RIG_IU_MAX,
				     .max_ti_iu_len = 1024,
				     .buf_fmt = SRP_BUF_FMT_DIRECT | SRP_BUF_FMT_INDIRECT,
				     .rsp_flags = SRP_LOGIN_IMMED_SUPP };
	uint8_t b[SRP_LOGIN_RSP_BYTES];
	struct pen pen = pen_of(b, sizeof(b));

	check(srp_login_req_cm_decode(&in, &req) == 0);
	check(srp_login_rsp_encode(&rsp, &pen) == 0);
	r->fc = fc;
	check(ops(r)->qp_create(fc, &attr) == 0);
	for (unsigned i = 0; i < RIG_CREDITS + 4; i++)
		check(ops(r)->post_recv(fc, i, r->recv[i], RIG_IU_MAX) == 0);
	check(ops(r)->accept(fc, b, pen.pos - (r->fault == RIG_SHORT_LOGIN), 4) == 0);
	r->up = true;
}

static void event(struct fab_conn *fc, const struct fab_event *ev)
{
	struct rig *r = fc->fab->ops->ctx(fc);
	struct srp_login_rej rej = { .reason = SRP_REJ_NEXUS };
	uint8_t b[SRP_LOGIN_REJ_BYTES];
	struct pen pen = pen_of(b, sizeof(b));

	switch (ev->type) {
	case FAB_EV_CONNECT_REQUEST:
		check(srp_login_rej_encode(&rej, &pen) == 0);
		if (r->fault == RIG_REJECT || r->fault == RIG_REJECT_BARE || r->fc) {
			ops(r)->reject(fc, b, r->fault == RIG_REJECT ? pen.pos : 0);
			ops(r)->destroy(fc);
			return;
		}
		accept_login(r, fc, ev);
		break;
	case FAB_EV_DISCONNECTED:
	case FAB_EV_QP_FATAL:
		drop(r);
		break;
	default:
		break;
	}
}

void rig_init(struct rig *r)
{
	static const struct fab_handler handler = { event, complete };
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage bound;

	memset(r, 0, sizeof(*r));
	r->disk = calloc(1, RIG_DISK_BYTES);
	check(r->disk);
	check(worker_new(&r->w, 0, NULL) == 0);
	check(fab_iwarp_new(&r->fab, NULL) == 0);
	check(ops(r)->listen(&r->l, r->fab, r->w, (struct sockaddr *)&at, sizeof(at), &handler,
			     r) == 0);
	ops(r)->listener_addr(r->l, &bound);
	memcpy(&at, &bound, sizeof(at));
	r->port = ntohs(at.sin_port);
}

void rig_deinit(struct rig *r)
{
	drop(r);
	ops(r)->unlisten(r->l);
	for (unsigned i = 0; i < 8; i++)
		check(worker_run_once(r->w, 0) == 0);
	ops(r)->free(r->fab);
	worker_free(r->w);
	free(r->disk);
}

void rig_run(struct rig *r, struct srp_ctx *ctx)
{
	check(worker_run_once(r->w, 0) == 0);
	check(srp_ctx_process(ctx, 1) == 0);
}
