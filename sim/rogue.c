/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/rogue.h"

#include <netinet/in.h>

#include "base/check.h"
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/dice.h"
#include "sim/fabric.h"
#include "sim/host.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/worker.h"
#include "sim/world.h"
#include "wire/srp_cmd.h"
#include "wire/srp_cred.h"
#include "wire/srp_logout.h"

#define WORKER_FIRST (8u + HOSTS_MAX)
#define CONNS_MAX    6u /* of one rogue at a time */
#define RECVS        24u
#define RECV_BYTES   1088u
#define SENDS        20u
#define SEND_BYTES   512u
#define LONG_BYTES   80000u /* longer than any receive */
#define MEM_BYTES    16384u
#define PIECE_BYTES  2048u
#define MEM_VA       0x660000000000ull
#define LOGINS_MAX   120u
#define UNITS_MAX    1500u
#define EVICT_NS \
	(20 * NSEC_PER_SEC) /* what a login under another's name does to him may take so long */

struct rogue;

/* What one connection is up to. */
enum plan {
	PLAN_BABBLE,  /* all kinds of units, right ones among them */
	PLAN_OVERRUN, /* more requests than credits */
	PLAN_SILENT,  /* nothing, ever */
	PLAN_DEAF,    /* right commands, but no READ is served */
	PLAN_FROZEN,  /* right commands, but nothing is taken */
	PLAN_MUTE,    /* a right command now and then, and no answer to what the target asks */
	PLAN_COUNT
};

struct rconn {
	struct rogue *r;
	struct fab_conn *fc;
	enum plan plan;
	bool up;
	bool disguised; /* under the name of a host that follows the rules */
	uint64_t tag;
	unsigned n_sent;
	struct fab_mr mr;
	struct worker_timer act;
	uint8_t recv[RECVS][RECV_BYTES];
	uint8_t send[SENDS][SEND_BYTES];
	uint8_t mem[MEM_BYTES];
};

struct rogue {
	unsigned index;
	struct fab *f;
	struct worker *w;
	struct rconn *conn[CONNS_MAX];
	struct worker_timer next;
	unsigned logins_left;
	unsigned units_left;
};

static struct rogue *rogues[ROGUES_MAX];
static const uint8_t long_iu[LONG_BYTES] = { SRP_OP_CMD };

bool rogue_is(const void *who)
{
	for (unsigned i = 0; i < ROGUES_MAX; i++)
		for (unsigned k = 0; rogues[i] && k < CONNS_MAX; k++)
			if (who && rogues[i]->conn[k] == who)
				return true;
	return false;
}

static uint64_t pause_ns(const struct rconn *c)
{
	if (c->plan == PLAN_MUTE)
		return dice_log(100 * NSEC_PER_MSEC, 3 * NSEC_PER_SEC);
	return dice_log(1000, 3 * NSEC_PER_MSEC);
}

/* --- going --- */

static void leave(struct rconn *c)
{
	struct rogue *r = c->r;

	if (c->fc)
		r->f->ops->destroy(c->fc);
	worker_timer_stop(r->w, &c->act);
	for (unsigned i = 0; i < CONNS_MAX; i++)
		if (r->conn[i] == c)
			r->conn[i] = NULL;
	world_free(c);
}

/* --- units --- */

/* A command that is right, but for what happens to it later. */
static size_t put_cmd(struct rconn *c, uint8_t *iu, size_t max)
{
	static const uint8_t ops[] = { SCSI_OP_READ_10, SCSI_OP_WRITE_10, SCSI_OP_INQUIRY,
				       SCSI_OP_TEST_UNIT_READY, SCSI_OP_REPORT_LUNS };
	uint8_t cdb[CDB_MAX_BYTES] = { 0 };
	uint8_t desc[8 * SRP_MEM_DESC_BYTES];
	struct srp_cmd cmd = { .tag = c->tag++, .cdb = cdb, .cdb_len = sizeof(cdb) };
	struct srp_cmd_data data = { 0 };
	struct pen pen = pen_of(iu, max);
	uint8_t op = ops[dice_below(c->disguised ? 1 : ARRAY_SIZE(ops))];
	unsigned n_blocks = 1 + dice_below(16);
	struct srp_data *d = op == SCSI_OP_WRITE_10 ? &data.out : &data.in;

	cmd.task_attr = dice_below(8) ? 0 : (uint8_t)dice_below(8);
	cmd.sol_not = (uint8_t)(dice_below(4) << 1);
	if (op == SCSI_OP_READ_10 || op == SCSI_OP_WRITE_10)
		(void)cdb_put_rw(cdb, op, 0,
				 (struct cdb_range){ .lba = dice_below(32), .n_blocks = n_blocks });
	else
		cdb[0] = op;
	cdb[4] = op == SCSI_OP_INQUIRY ? 96 : cdb[4];
	cdb[9] = op == SCSI_OP_REPORT_LUNS ? 64 : cdb[9];
	if (op != SCSI_OP_TEST_UNIT_READY) {
		unsigned n = 1 + dice_below(8);

		d->fmt = n == 1 ? SRP_FMT_DIRECT : SRP_FMT_INDIRECT;
		d->n_desc = n;
		d->n_table = n;
		d->desc = desc;
		d->len = 512u * n_blocks / n * n;
		if (d->len / n > PIECE_BYTES)
			d->len = n * PIECE_BYTES;
		d->table = (struct srp_mem_desc){ .va = MEM_VA, .key = c->mr.rkey, .len = n * 16 };
		for (unsigned i = 0; i < n; i++)
			srp_mem_desc_put(
				desc + (size_t)i * SRP_MEM_DESC_BYTES,
				&(struct srp_mem_desc){ .va = MEM_VA + (uint64_t)i * PIECE_BYTES,
							.key = c->mr.rkey,
							.len = d->len / n });
	}
	if (srp_cmd_encode(&cmd, &data, 0, &pen))
		return 16;
	return pen.pos;
}

static size_t put_task(struct rconn *c, uint8_t *iu, uint8_t function)
{
	struct srp_tsk_mgmt t = { .tag = c->tag++,
				  .function = function,
				  .task_tag = c->tag - dice_below(8) };
	struct pen pen = pen_of(iu, SRP_TSK_MGMT_BYTES);

	(void)srp_tsk_mgmt_encode(&t, &pen);
	return pen.pos;
}

/* Sixteen bytes of a kind that may be out of place. */
static size_t put_small(uint8_t *iu)
{
	static const uint8_t ops[] = { SRP_OP_CRED_RSP,  SRP_OP_AER_RSP, SRP_OP_I_LOGOUT,
				       SRP_OP_LOGIN_REQ, SRP_OP_RSP,     0x77 };

	memset(iu, 0, 64);
	iu[0] = ops[dice_below(ARRAY_SIZE(ops))];
	return dice_below(8) ? 64 : dice_below(17);
}

/* Damage a right command where it hurts. */
static size_t damage(struct rconn *c, uint8_t *iu, size_t len)
{
	size_t desc = SRP_CMD_BYTES;

	switch (dice_below(13)) {
	case 0: /* cut off */
		return dice_below((uint32_t)len);
	case 1: /* formats that are not, or not here */
		iu[5] = (uint8_t)dice_below(256);
		break;
	case 2: /* more descriptors than there are */
		iu[6] = (uint8_t)dice_below(256);
		iu[7] = (uint8_t)dice_below(256);
		break;
	case 3: /* a table of any length, anywhere */
		put_be32(iu + desc + 12, dice_below(4) ? dice_below(1u << 20) : UINT32_MAX);
		break;
	case 4: /* memory that is not there */
		put_be32(iu + desc + 8, dice_below(UINT32_MAX));
		break;
	case 5:
		put_be64(iu + desc, UINT64_MAX - dice_below(4096));
		break;
	case 6: /* a total that nothing adds up to */
		put_be32(iu + desc + 16, dice_below(2) ? UINT32_MAX : dice_below(100000));
		break;
	case 7: /* a longer CDB than the unit has room for */
		iu[31] = (uint8_t)dice_below(256);
		break;
	case 8: /* a tag twice */
		srp_tag_put(iu + 8, c->tag > 2 ? c->tag - 2 : 0);
		break;
	case 9: /* a table that is not all here, and what is there is no table */
		put_be32(iu + desc + 12, 16u * ((uint32_t)iu[6] + iu[7] + 1 + dice_below(64)));
		break;
	case 10: /* any LUN, any CDB */
		iu[20 + dice_below(8)] = (uint8_t)dice_below(256);
		break;
	case 11:
		if (!c->disguised)
			iu[32 + dice_below(16)] = (uint8_t)dice_below(256);
		break;
	default: /* immediate data that begin or end nowhere */
		iu[5] = SRP_FMT_IMMEDIATE << 4;
		put_be32(iu + desc, dice_below(2) ? UINT32_MAX : dice_below(9000));
		break;
	}
	return len;
}

static void send_iu(struct rconn *c, const uint8_t *iu, size_t len)
{
	struct fab_sge sge = { .addr = drop_const(iu), .len = (uint32_t)len };
	struct fab_wr wr = { .op = FAB_WR_SEND, .flags = FAB_WR_SIGNALED, .n_sge = 1, .sge = &sge };

	(void)c->r->f->ops->post_send(c->fc, &wr, 1);
}

static uint8_t *next_place(struct rconn *c)
{
	return c->send[c->n_sent++ % SENDS];
}

static void babble(struct rconn *c)
{
	uint8_t *iu = next_place(c);
	size_t len;

	switch (dice_below(8)) {
	case 0:
		len = put_small(iu);
		break;
	case 1: /* not under another's name: his tasks are not ours to abort */
		len = c->disguised ? put_cmd(c, iu, SEND_BYTES)
				   : put_task(c, iu, (uint8_t)(1u << dice_below(8)));
		break;
	case 2:
	case 3:
		len = damage(c, iu, put_cmd(c, iu, SEND_BYTES));
		break;
	case 4:
		if (dice_below(20)) {
			len = put_cmd(c, iu, SEND_BYTES);
			break;
		}
		send_iu(c, long_iu, LONG_BYTES);
		return;
	default:
		len = put_cmd(c, iu, SEND_BYTES);
		break;
	}
	send_iu(c, iu, len);
}

static void act(struct worker *w, struct worker_timer *t)
{
	struct rconn *c = container_of(t, struct rconn, act);
	unsigned n = 1 + dice_below(4);

	if (dice_below(40) == 0 || !c->r->units_left) {
		leave(c);
		return;
	}
	c->r->units_left--;
	switch (c->plan) {
	case PLAN_BABBLE:
		while (n--)
			babble(c);
		break;
	case PLAN_OVERRUN:
		for (unsigned i = 0; i < 16; i++) {
			uint8_t *iu = next_place(c);

			send_iu(c, iu, put_cmd(c, iu, SEND_BYTES));
		}
		break;
	case PLAN_SILENT:
		break;
	case PLAN_MUTE: {
		uint8_t *iu = next_place(c);

		/* A reset is something to report. */
		send_iu(c, iu,
			dice_below(4) || c->disguised ? put_cmd(c, iu, SEND_BYTES)
						      : put_task(c, iu, SRP_TMF_LUN_RESET));
		break;
	}
	default:
		while (n--) {
			uint8_t *iu = next_place(c);

			send_iu(c, iu, put_cmd(c, iu, SEND_BYTES));
		}
		break;
	}
	check(worker_timer_start(w, t, sched_now_ns() + pause_ns(c)) == 0);
}

/* --- logging in --- */

static size_t put_login(struct rconn *c, uint8_t *priv, size_t max)
{
	struct srp_login_req req = { .tag = dice_below(1000),
				     .req_it_iu_len = 64 + dice_below(8000),
				     .req_buf_fmt = SRP_BUF_FMT_DIRECT | SRP_BUF_FMT_INDIRECT,
				     .req_flags = (uint8_t)dice_below(2) };
	struct sockaddr_storage to;
	struct pen pen = pen_of(priv, max);

	proc_address(&to, &req.target);
	put_be64(req.initiator.ext, 0x6600000000000000ull | dice_below(4));
	put_be64(req.initiator.guid, c->r->index);
	if (c->disguised)
		proc_host_id(0, &req.initiator);
	switch (dice_below(16)) {
	case 0:
		req.req_it_iu_len = dice_below(2) ? dice_below(64) : UINT32_MAX;
		break;
	case 1:
		req.req_buf_fmt = (uint16_t)dice_below(65536);
		break;
	case 2:
		req.req_flags = (uint8_t)dice_below(256);
		req.imm_data_offset = (uint16_t)dice_below(9000);
		break;
	case 3:
		req.target = (struct srp_port_id){ { 0 }, { 0 } };
		break;
	case 4:
		req.target.guid[7] ^= 0x55;
		break;
	case 5:
		req.initiator.ext[0] = 0x99; /* nobody knows him */
		break;
	default:
		break;
	}
	if (c->plan == PLAN_MUTE) {
		req.req_flags |= SRP_LOGIN_AESOLNT;
		req.initiator.ext[7] = 0x10; /* not to be driven out by the others */
	}
	(void)srp_login_req_cm_encode(&req, &pen);
	return pen.pos;
}

static size_t put_private(struct rconn *c, uint8_t *priv)
{
	size_t len;

	if (dice_below(8))
		return put_login(c, priv, FAB_PRIVATE_DATA_MAX);
	len = dice_below(FAB_PRIVATE_DATA_MAX + 1);
	for (size_t i = 0; i < len; i++)
		priv[i] = (uint8_t)dice_below(256);
	return len;
}

static void on_event(struct fab_conn *fc, const struct fab_event *ev)
{
	struct rconn *c = fc->fab->ops->ctx(fc);

	if (ev->type == FAB_EV_REJECTED)
		cover_reject(ev->priv, ev->priv_len);
	if (ev->type != FAB_EV_ESTABLISHED) {
		/* Some hang on to what is dead. */
		if (ev->type != FAB_EV_DISCONNECTED || dice_below(3))
			leave(c);
		return;
	}
	c->up = true;
	if (dice_below(16) == 0) {
		leave(c);
		return;
	}
	if (c->plan == PLAN_FROZEN)
		fabric_freeze(fc, true);
	if (c->plan == PLAN_DEAF)
		fabric_deaf(fc);
	check(worker_timer_start(c->r->w, &c->act, sched_now_ns() + pause_ns(c)) == 0);
}

static void on_complete(struct fab_conn *fc, const struct fab_wc *wc, unsigned n)
{
	struct rconn *c = fc->fab->ops->ctx(fc);

	for (unsigned i = 0; i < n; i++) {
		/* A receive comes back, mostly. */
		if (wc[i].op == FAB_WC_RECV && wc[i].status == FAB_WC_OK && dice_below(50))
			(void)fc->fab->ops->post_recv(fc, wc[i].wr_id, c->recv[wc[i].wr_id],
						      RECV_BYTES);
	}
}

static const struct fab_handler handler = { .event = on_event, .complete = on_complete };

static void connect_one(struct rogue *r, unsigned place)
{
	const struct fab_ops *ops = r->f->ops;
	struct fab_qp_attr attr = { .sq_depth = SENDS,
				    .rq_depth = RECVS,
				    .max_sge = 1,
				    .max_rd_atomic = 1,
				    .max_dest_rd_atomic = dice_below(4) };
	struct rconn *c = world_alloc(sizeof(*c));
	uint8_t priv[FAB_PRIVATE_DATA_MAX];
	struct sockaddr_storage to;
	struct srp_port_id id;
	size_t len;

	c->r = r;
	c->plan = (enum plan)dice_below(PLAN_COUNT);
	c->disguised = dice_below(10) == 0;
	if (c->disguised) {
		excuse_until(EXCUSE_CLOSE, -1, sched_now_ns() + EVICT_NS);
		check_disguise(host_first());
	}
	worker_timer_init(&c->act, act);
	r->conn[place] = c;
	check(ops->conn_new(&c->fc, r->f, r->w, &handler, c) == 0);
	fabric_set_who(c->fc, c);
	check(ops->qp_create(c->fc, &attr) == 0);
	check(fabric_mr_reg_at(c->fc, c->mem, MEM_VA, MEM_BYTES,
			       FAB_ACCESS_REMOTE_READ | FAB_ACCESS_REMOTE_WRITE, &c->mr) == 0);
	for (unsigned i = dice_below(16) ? 0 : RECVS; i < RECVS; i++)
		(void)ops->post_recv(c->fc, i, c->recv[i], RECV_BYTES);
	if (dice_below(10) == 0)
		fabric_no_rtu(c->fc);
	len = put_private(c, priv);
	proc_address(&to, &id);
	check(ops->connect(c->fc, (const void *)&to, sizeof(struct sockaddr_in), priv, len, 0,
			   attr.max_dest_rd_atomic) == 0);
	trace("rogue %u: logs in, plan %u%s", r->index, c->plan,
	      c->disguised ? ", under another's name" : "");
	if (dice_below(12) == 0)
		leave(c);
}

static void next(struct worker *w, struct worker_timer *t)
{
	struct rogue *r = container_of(t, struct rogue, next);
	bool storm = dice_below(12) == 0;

	for (unsigned i = 0; i < CONNS_MAX && r->logins_left; i++) {
		if (r->conn[i])
			continue;
		r->logins_left--;
		connect_one(r, i);
		if (!storm)
			break;
	}
	if (r->logins_left)
		check(worker_timer_start(
			      w, t, sched_now_ns() + dice_log(50000, 50 * NSEC_PER_MSEC)) == 0);
}

/* --- making one --- */

void rogue_new(unsigned index, struct fab *f)
{
	struct rogue *r = world_alloc(sizeof(*r));

	check(index < ROGUES_MAX && !rogues[index]);
	r->index = index;
	r->f = f;
	/* What they can do is seen soon; and the run shall end. */
	r->logins_left = (unsigned)dice_log(5, LOGINS_MAX);
	r->units_left = UNITS_MAX;
	check(worker_new(&r->w, WORKER_FIRST + index, NULL) == 0);
	worker_timer_init(&r->next, next);
	rogues[index] = r;
	check(worker_timer_start(r->w, &r->next, sched_now_ns()) == 0);
}

void rogue_free(unsigned index)
{
	struct rogue *r = rogues[index];

	if (!r)
		return;
	for (unsigned i = 0; i < CONNS_MAX; i++)
		if (r->conn[i])
			leave(r->conn[i]);
	worker_timer_stop(r->w, &r->next);
	(void)worker_free(r->w);
	rogues[index] = NULL;
	world_free(r);
}
