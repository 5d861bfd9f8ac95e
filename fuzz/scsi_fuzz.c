/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The SCSI core against hostile commands, with every result an action may have, and between commands what
 * happens to units and nexuses. Input: records of a control byte and a fault byte; a command follows with 16
 * CDB bytes, lengths of data-in and data-out (2 bytes each), and data-out behind a length of two bytes.
 *
 * Control: bits 0-1 LUN 0, 1, an unmapped one, the well known one; bit 2 nexus; bit 3 stepped at home
 * although the view says local; bit 4 abort; bit 5 start over with fresh unit attentions; bits 6-7 task
 * attribute, but 3: no command, an event (bit 3 is part of it). Fault: bits 0-3 the result (14: a copy is told to
 * stop), or which event; bits 4-7 at which action (14: room).
 */
#include <errno.h>

#include "fuzz.h"
#include "scsi_fuzz.h"

struct world {
	struct scsi_lu lu[2];
	struct scsi_nexus nexus[2];
	struct scsi_alua alua; /* of the first unit */
	struct scsi_view view[2];
	_Alignas(8) uint8_t buf[SCSI_DATA_LONG_BYTES];
};

/* What the command under way has done so far. */
struct run {
	struct world *w;
	struct scsi_task t;
	uint8_t control, fault;
	unsigned n_acts;
	bool failed;
	bool go;                             /* it is told to go on */
	uint64_t moved[SCSI_ACT_EXTENT + 1]; /* bytes, by kind of action */
	uint64_t next;                       /* where a command in pieces goes on */
};

void (*scsi_fuzz_watch)(const struct scsi_task *t);

static const uint8_t luns[4][8] = { { 0 }, { 0, 1 }, { 0x40, 9 }, { 0xc1, 0x01 } };
static const struct scsi_port port = { .protocol = 4,
				       .designator_type = 2,
				       .name_len = 16,
				       .relative_id = 1 };
static const struct scsi_ports ports = { .n = 2, .id = { 1, 2 } };

static void publish(struct world *w)
{
	for (int i = 0; i < 2; i++)
		scsi_view_build(&w->nexus[i], &w->view[i]);
}

/* A few pieces, then the store fails: some of the units are large. */
static void erase(struct scsi_lu *lu)
{
	static uint8_t buf[SCSI_ERASE_WRITE_BYTES];

	for (unsigned i = 0;; i++) {
		struct scsi_erase_act a = scsi_erase_next(lu);
		uint64_t size = lu->n_blocks << lu->block_shift;

		if (a.type == SCSI_ERASE_END)
			return;
		check(a.off_bytes <= size && a.len_bytes <= size - a.off_bytes);
		if (a.type == SCSI_ERASE_WRITE)
			scsi_erase_fill(lu, buf, a.len_bytes);
		scsi_erase_done(lu, i < 4 ? 0 : -EIO);
	}
}

/* What the units ask for; @r: the only command there is, or NULL. */
static void drain(struct world *w, struct run *r)
{
	struct scsi_task *go = NULL;
	enum scsi_ask ask;
	int last = 1; /* of those that are still to be asked */

	for (int i = 0; i <= last; i++) {
		struct scsi_lu *lu = &w->lu[i & 1];

		while (!(r && r->go) && (ask = scsi_lu_next(lu, &go)) != SCSI_ASK_NOTHING) {
			publish(w);
			if (ask == SCSI_ASK_GATHER)
				scsi_lu_gathered(lu);
			if (ask == SCSI_ASK_HOLD)
				scsi_lu_held(lu);
			if (ask == SCSI_ASK_ERASE)
				erase(lu);
			if (ask == SCSI_ASK_OTHER)
				last = i + 1;
			if (ask != SCSI_ASK_GO)
				continue;
			check(r && go == &r->t);
			r->go = true;
		}
	}
}

static const struct scsi_lu_params params[2] = {
	{ .serial = "1",
	  .naa = { 0x31, 1 },
	  .block_bytes = 512,
	  .size_bytes = 1 << 30,
	  .unmap_grain_bytes = 4096,
	  .atomic_bytes = UINT32_MAX,
	  .write_cache = true,
	  .keeps = true,
	  .ports = &ports },
	{ .serial = "2",
	  .naa = { 0x60, 2 },
	  .block_bytes = 4096,
	  .size_bytes = 1ull << 46,
	  .max_transfer_bytes = 1 << 20,
	  .read_only = true,
	  .removable = true,
	  .descriptor_sense = true },
};

/* The nexuses come through the second group. */
static const struct scsi_tpgs groups = {
	.n = 3,
	.n_ports = 3,
	.tpg = { { .id = 0 }, { .id = 1, .preferred = true }, { .id = 0xffff, .configured = 2 } },
	.port = { { 2, 0 }, { 1, 1 }, { 3, 2 } },
	.n_segments = 3,
	.segment = { { 0, { 2, 0, 3 } }, { 8, { 0, 2, 1 } }, { 100, { 1, 1, 0 } } },
};

static void world_init(struct world *w, bool pr_lost)
{
	const struct scsi_lu_params *p = params;

	const struct scsi_map_entry map[2] = { { &w->lu[0], 0, false }, { &w->lu[1], 1, false } };

	for (int i = 0; i < 2; i++)
		check(scsi_lu_init(&w->lu[i], &p[i]) == 0);
	if (pr_lost)
		scsi_lu_lose_pr(&w->lu[0]);
	scsi_alua_init(&w->alua);
	(void)scsi_alua_configure(&w->alua, &groups);
	(void)scsi_lu_set_alua(&w->lu[0], &w->alua, true);
	for (int i = 0; i < 2; i++) {
		struct scsi_port initiator = port;

		initiator.name[15] = (uint8_t)i;
		check(scsi_nexus_init(&w->nexus[i], &initiator, &port, map, 2) == 0);
	}
	publish(w);
}

static void world_deinit(struct world *w)
{
	for (int i = 0; i < 2; i++)
		scsi_nexus_deinit(&w->nexus[i]);
	for (int i = 0; i < 2; i++)
		scsi_lu_deinit(&w->lu[i]);
	scsi_alua_deinit(&w->alua);
}

/* --- events --- */

/* An operator changes the state of a group, or the configuration is read anew. */
static void access_state(struct world *w, unsigned arg)
{
	static const uint8_t states[8] = {
		0, 1, 2, 3, SCSI_ALUA_OFFLINE, SCSI_ALUA_TRANSITIONING, 0, SCSI_ALUA_LBA_DEPENDENT
	};
	const struct scsi_tpg_want want = { .id = arg & 8 ? 0 : 1, .state = states[arg & 7] };
	struct scsi_tpgs other = groups;

	if ((arg & 7) == 6) {
		other.n = 2;
		other.n_ports = arg & 8 ? 1 : 2;
		other.tpg[1].configured = SCSI_ALUA_NONOPTIMIZED;
		(void)scsi_alua_configure(&w->alua, &other);
		check(!scsi_alua_configure(&w->alua, &other));
		(void)scsi_alua_configure(&w->alua, &groups);
		return;
	}
	(void)scsi_alua_set(&w->alua, &want, 1, SCSI_ALUA_BY_ITSELF, NULL);
	check(!scsi_alua_differs(&w->alua, &want, 1));
}

static void remap(struct world *w, struct scsi_nexus *n, unsigned how)
{
	const struct scsi_map_entry map[2] = { { &w->lu[0], how & 4 ? 5 : 0, how & 1 },
					       { &w->lu[1], 1, how & 2 } };

	check(scsi_nexus_remap(n, map, how & 8 ? 1 : 2) >= 0);
	check(scsi_nexus_remap(n, map, how & 8 ? 1 : 2) == 0); /* the same again is no news */
}

static void task_management(struct world *w, uint8_t control, unsigned fn)
{
	struct scsi_tmf m = { .fn = (enum scsi_tmf_fn)(fn % (SCSI_TMF_TASK_CLEARS + 1)),
			      .nexus = &w->nexus[control >> 2 & 1],
			      .tag = 7 };

	memcpy(m.lun, luns[control & 3], 8);
	scsi_tmf_start(&m);
	if (m.scope == SCSI_TMF_SCOPE_LU)
		scsi_tmf_hit(&m, &w->nexus[0]);
	if (m.scope != SCSI_TMF_SCOPE_NONE)
		scsi_tmf_hit(&m, m.nexus);
	(void)scsi_tmf_finish(&m);
	check(m.response <= SCSI_TMF_INCORRECT_LUN);
}

/* A report tells of something each time, so there is an end to them. */
static void reports(struct scsi_nexus *n)
{
	struct scsi_report rep;
	unsigned count = 0;

	while (scsi_nexus_event(n, &rep)) {
		struct sense s;

		check(count++ < SCSI_LUN_COUNT * SCSI_UA_MAX);
		check(rep.sense_len && rep.sense_len <= SENSE_MAX_BYTES);
		check(sense_decode(rep.sense, rep.sense_len, &s) == 0);
		check(s.key == SENSE_UNIT_ATTENTION && s.asc);
	}
}

/* It is news at most once. */
static void space(struct scsi_lu *lu, unsigned mib)
{
	const struct scsi_space s = { .available_bytes = (uint64_t)mib << 20 };

	(void)scsi_lu_set_space(lu, &s);
	check(!scsi_lu_set_space(lu, &s));
}

/* An operator takes the medium out, or puts it in; where that may not be, it is as it was. */
static void medium(struct scsi_lu *lu, unsigned arg)
{
	bool was = lu->ejected;
	int r = arg & 1 ? scsi_lu_insert(lu, NULL) : scsi_lu_eject(lu);

	check(lu->ejected == (r ? was : !(arg & 1)));
	check(!lu->ejected || lu->removable);
}

static void event(struct world *w, uint8_t control, uint8_t fault)
{
	static const enum scsi_ua uas[] = { SCSI_UA_MODE_CHANGED, SCSI_UA_INQUIRY_CHANGED,
					    SCSI_UA_COMMANDS_CLEARED, SCSI_UA_NEXUS_LOSS };
	struct scsi_nexus *n = &w->nexus[control >> 2 & 1];
	struct scsi_lu *lu = &w->lu[control & 1];
	unsigned arg = fault >> 4;

	switch (fault & 7) {
	case 0:
		remap(w, n, arg);
		break;
	case 1:
		task_management(w, control, arg);
		break;
	case 2:
		scsi_nexus_ua(n, uas[arg & 3]);
		break;
	case 3:
		scsi_lu_ua(lu, uas[arg & 3], arg & 4 ? n : NULL);
		break;
	case 4:
		if (control & 8) {
			space(lu, arg);
			break;
		}
		(void)scsi_lu_set_size(lu, 4096ull << arg);
		check(!scsi_lu_set_size(lu, 4096ull << arg));
		break;
	case 5:
		if (control & 8)
			access_state(w, arg);
		else if (control & 0x10)
			medium(lu, arg);
		else if (control & 0x20)
			(void)scsi_lu_set_fenced(lu, arg & 1);
		else
			(void)scsi_lu_set_present(lu, arg & 1);
		break;
	case 6:
		reports(n);
		break;
	default:
		scsi_nexus_event_lost(n);
	}
	drain(w, NULL);
	publish(w);
}

/* --- commands --- */

/* Those that move the initiator's data come once; those done in pieces go on where the last one ended. */
static void judge_order(struct run *r, const struct scsi_act *a)
{
	bool once = a->type == SCSI_ACT_READ || a->type == SCSI_ACT_WRITE ||
		    a->type == SCSI_ACT_COMPARE || a->type == SCSI_ACT_FETCH ||
		    a->type == SCSI_ACT_COMPARE_AND_WRITE || a->type == SCSI_ACT_OR_WRITE;
	/* the default self-test reads the first block and the last one; WRITE USING TOKEN has ranges */
	bool pieces =
		(a->type == SCSI_ACT_VERIFY && r->t.cdb[0] != SCSI_OP_SEND_DIAGNOSTIC) ||
		a->type == SCSI_ACT_COMPARE_SAME || a->type == SCSI_ACT_WRITE_SAME ||
		(a->type == SCSI_ACT_WRITE_ZEROES && r->t.cdb[0] != SCSI_OP_THIRD_PARTY_COPY_OUT);

	check(!once || !r->moved[a->type]);
	check(!pieces || !r->moved[a->type] || a->off_bytes == r->next);
	r->moved[a->type] += a->len_bytes;
	r->next = a->off_bytes + a->len_bytes;
}

static void judge_range(const struct scsi_lu *lu, uint64_t n_blocks, uint64_t off, uint64_t len)
{
	uint64_t size = n_blocks << lu->block_shift;

	check(len && off <= size && len <= size - off);
	check((off | len) % lu->block_bytes == 0);
}

/* Both sides are units that the nexus has, and it may write the destination. */
static void judge_copy(const struct scsi_task *t, const struct scsi_act *a)
{
	const struct scsi_copying *c = &t->copy;
	bool sees = false;
	bool may = false;

	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++) {
		struct scsi_view_lun v = scsi_nexus_at(t->nexus, i);

		sees |= v.lu == c->from;
		may |= v.lu == c->to && !(v.flags & (SCSI_VIEW_READ_ONLY | SCSI_VIEW_RES_WRITE));
	}
	check(sees && may && a->len_bytes <= SCSI_COPY_BYTES);
	judge_range(c->to, c->to->n_blocks, a->off_bytes, a->len_bytes);
	judge_range(c->from, c->from->n_blocks, c->from_bytes, a->len_bytes);
}

static void judge_act(struct run *r, const struct scsi_act *a)
{
	const struct scsi_task *t = &r->t;

	check(a->type != SCSI_ACT_NONE && a->type <= SCSI_ACT_EXTENT);
	judge_order(r, a);
	if (a->type == SCSI_ACT_FLUSH)
		return;
	if (a->type == SCSI_ACT_FETCH) {
		check(a->len_bytes && a->len_bytes <= scsi_task_data_bytes(t) &&
		      a->len_bytes <= t->out_len);
		return;
	}
	check(t->lu);
	if (a->type == SCSI_ACT_COPY) {
		judge_copy(t, a);
		return;
	}
	judge_range(t->lu, t->n_blocks, a->off_bytes, a->len_bytes);
	if (a->type == SCSI_ACT_READ)
		check(a->len_bytes <= t->in_len);
	if (a->type == SCSI_ACT_WRITE || a->type == SCSI_ACT_COMPARE ||
	    a->type == SCSI_ACT_OR_WRITE)
		check(a->len_bytes <= t->out_len);
	if (a->type == SCSI_ACT_COMPARE_AND_WRITE)
		check(a->len_bytes <= SCSI_CAW_BYTES && 2 * a->len_bytes <= t->out_len);
	check(!a->whole || (a->type == SCSI_ACT_WRITE && a->len_bytes <= SCSI_ATOMIC_BYTES));
	if (a->type == SCSI_ACT_COMPARE_AND_WRITE || a->type == SCSI_ACT_OR_WRITE || a->whole)
		check(hold_find(&t->lu->order.holds, t) && t->lu->order.n_enabled == 1);
	if (a->type == SCSI_ACT_VERIFY || a->type == SCSI_ACT_WRITE_SAME ||
	    a->type == SCSI_ACT_COMPARE_SAME)
		check(a->len_bytes <= SCSI_PIECE_BYTES);
	if (a->type == SCSI_ACT_UNMAP || a->type == SCSI_ACT_WRITE_ZEROES)
		check(a->len_bytes <= SCSI_PIECE_TRIM);
	if (a->type == SCSI_ACT_WRITE || a->type == SCSI_ACT_UNMAP ||
	    a->type == SCSI_ACT_WRITE_ZEROES || a->type == SCSI_ACT_WRITE_SAME ||
	    a->type == SCSI_ACT_COMPARE_AND_WRITE || a->type == SCSI_ACT_OR_WRITE)
		check(!t->lu->read_only && !(t->view_flags & SCSI_VIEW_READ_ONLY));
}

static void give_room(struct run *r)
{
	r->t.data = r->w->buf;
	r->t.data_cap = scsi_task_data_bytes(&r->t);
	check(r->t.data_cap <= sizeof(r->w->buf));
}

static struct scsi_event answer(struct run *r, const struct scsi_act *a, struct cur *out)
{
	static const int results[16] = { 0,       -EIO,     -ENODATA,   -ENOSPC,    -EROFS,  -ENXIO,
					 -ENOMEM, -EAGAIN,  -ECANCELED, -ETIMEDOUT, -EINVAL, -EPIPE,
					 -EILSEQ, -EBADMSG, 0,          -E2BIG };
	struct scsi_event ev = { .type = SCSI_EV_IO_DONE };
	int result = results[r->fault & 15];

	if (a->type == SCSI_ACT_FETCH) {
		ev.type = SCSI_EV_DATA;
		give_room(r);
		memset(r->t.data, 0, a->len_bytes);
		if (cur_left(out))
			cur_copy(out, r->t.data, min_size(a->len_bytes, cur_left(out)));
	}
	if (a->type == SCSI_ACT_EXTENT) {
		/* an extent ends anywhere, also inside a block */
		ev.result = r->fault & 1;
		ev.done_bytes = 1 + (a->len_bytes - 1) / (1 + r->fault % 7);
	}
	if (r->n_acts != r->fault >> 4 || !result ||
	    (result == -EILSEQ && a->type != SCSI_ACT_COMPARE &&
	     a->type != SCSI_ACT_COMPARE_AND_WRITE && a->type != SCSI_ACT_COMPARE_SAME))
		return ev;
	r->failed = true;
	ev.result = result;
	ev.done_bytes = r->fault & 1 ? a->len_bytes / 2 : a->len_bytes - 1;
	return ev;
}

static struct scsi_act step(struct run *r, const struct scsi_event *ev)
{
	struct scsi_nexus *nexus = r->t.nexus;
	struct scsi_act a;

	if (r->t.route == SCSI_ROUTE_LOCAL)
		r->t.nexus = NULL; /* who looks at home's objects from there crashes */
	a = scsi_task_step(&r->t, ev);
	r->t.nexus = nexus;
	check(a.changed != SCSI_CHANGED_LU || a.type == SCSI_ACT_COMPLETE ||
	      a.type == SCSI_ACT_CLEAR);
	if (a.changed)
		publish(r->w);
	drain(r->w, r);
	return a;
}

/* Room may be what fails: it counts as an action that came before the first. */
static struct scsi_event room_answer(struct run *r)
{
	static const int results[4] = { -EPIPE, -EBADMSG, -ECANCELED, -EIO };
	struct scsi_event ev = { .type = SCSI_EV_ROOM };

	if (r->fault >> 4 == 14) {
		ev.result = results[r->fault & 3];
		r->failed = true;
	}
	return ev;
}

/* The first token of a unit can be guessed here, so that the input may have it. */
static struct scsi_event token_answer(struct run *r)
{
	struct scsi_event ev = { .type = SCSI_EV_TOKEN };

	scsi_tokens_age(r->t.lu, 0);
	memset(r->t.lu->tokens.fresh, 0x11, sizeof(r->t.lu->tokens.fresh));
	if ((r->fault & 15) == 4) {
		ev.result = -EAGAIN;
		r->failed = true;
	}
	return ev;
}

/* What is written can be read, and says the same. */
static struct scsi_event save_answer(struct run *r)
{
	static uint8_t saved[SCSI_SAVED_MAX];
	static struct scsi_lu other;
	struct scsi_event ev = { .type = SCSI_EV_SAVED };
	size_t n = scsi_lu_save(r->t.lu, saved);

	check(scsi_lu_init(&other, &params[0]) == 0);
	check(scsi_lu_restore(&other, saved, n) == 0);
	check(!r->t.lu->pr.aptpl || other.pr.n == r->t.lu->pr.n);
	check(other.pr.lost == r->t.lu->pr.lost);
	if ((r->fault & 15) == 2) {
		ev.result = -EIO;
		r->failed = true;
	}
	return ev;
}

static struct scsi_event set_answer(struct run *r)
{
	struct scsi_event ev = { .type = SCSI_EV_STATES };
	struct scsi_tpg_want want[SCSI_TPG_MAX];
	unsigned n = scsi_task_wants(&r->t, want);

	check(n && scsi_task_at(&r->t));
	if ((r->fault & 15) == 3) {
		ev.result = r->fault & 16 ? -EBUSY : -EIO;
		r->failed = true;
		return ev;
	}
	check(scsi_alua_set(&r->w->alua, want, n, SCSI_ALUA_BY_COMMAND, scsi_task_at(&r->t)));
	publish(r->w);
	return ev;
}

/* The actions that are no I/O are carried out here: what comes next is one that is, or COMPLETE. */
static struct scsi_act step_over(struct run *r, const struct scsi_event *first)
{
	struct scsi_event ev = *first;
	struct scsi_act a;
	struct scsi_tmf m;

	for (;;) {
		a = step(r, &ev);
		switch (a.type) {
		case SCSI_ACT_ROOM:
			give_room(r);
			ev = room_answer(r);
			break;
		case SCSI_ACT_WAIT:
			check(r->go); /* nobody else is there */
			r->go = false;
			ev = (struct scsi_event){ .type = SCSI_EV_GO };
			break;
		case SCSI_ACT_COUNT:
			r->t.lu->counters.of[SCSI_COUNT_READ].commands++;
			ev = (struct scsi_event){ .type = SCSI_EV_COUNTED };
			break;
		case SCSI_ACT_TOKEN:
			ev = token_answer(r);
			break;
		case SCSI_ACT_SAVE:
			ev = save_answer(r);
			break;
		case SCSI_ACT_SET_STATES:
			ev = set_answer(r);
			break;
		case SCSI_ACT_CLEAR:
			scsi_task_clear(&m, &r->t);
			check(!scsi_tmf_means(&m, &r->t, r->t.lu));
			(void)scsi_tmf_finish(&m);
			ev = (struct scsi_event){ .type = SCSI_EV_CLEARED };
			break;
		default:
			check(!r->go);
			return a;
		}
	}
}

static void judge_answer(const struct run *r, bool aborted)
{
	const struct scsi_task *t = &r->t;
	struct sense s;

	check(t->aborted == aborted);
	check(t->data_len <= t->in_len && t->data_len <= t->data_cap);
	check(t->in_resid >= -(int64_t)t->in_len && t->out_resid >= -(int64_t)t->out_len);
	check((t->status == SCSI_STATUS_CHECK_CONDITION) == (t->sense_len != 0));
	check(!r->failed || aborted ||
	      (t->status != SCSI_STATUS_GOOD && t->status != SCSI_STATUS_CONDITION_MET));
	if (t->sense_len) {
		check(sense_decode(t->sense, t->sense_len, &s) == 0 && s.key);
		check(!t->data_len);
	}
	if (aborted || t->status != SCSI_STATUS_GOOD)
		return;
	if (t->in_resid <= 0)
		check((int64_t)(t->data_len + r->moved[SCSI_ACT_READ]) ==
		      (int64_t)t->in_len + t->in_resid);
	if (t->out_resid <= 0 && (r->moved[SCSI_ACT_WRITE] || r->moved[SCSI_ACT_COMPARE]))
		check((int64_t)(r->moved[SCSI_ACT_WRITE] ? r->moved[SCSI_ACT_WRITE]
							 : r->moved[SCSI_ACT_COMPARE]) ==
		      (int64_t)t->out_len + t->out_resid);
}

/*
 * COPY OPERATION ABORT while a copy is at work, at the head of its set, so that it need not wait. Not where its
 * own failure would end the copy in another way (QERR).
 */
static void stop_copy(struct run *r)
{
	static const struct scsi_event start = { .type = SCSI_EV_START };
	const struct scsi_task *t = &r->t;
	struct run beside = { .w = r->w, .control = r->control };

	if (!t->copy.note || t->lu->mode.qerr)
		return;
	beside.t = (struct scsi_task){ .cdb = { SCSI_OP_THIRD_PARTY_COPY_OUT, SCSI_COPY_OUT_ABORT },
				       .attr = SCSI_ATTR_HEAD,
				       .nexus = t->nexus };
	memcpy(beside.t.lun, t->lun, sizeof(t->lun));
	put_be32(beside.t.cdb + 2, t->copy.note->list_id);
	(void)scsi_route(&r->w->view[r->control >> 2 & 1], &beside.t);
	check(step_over(&beside, &start).type == SCSI_ACT_COMPLETE);
	judge_answer(&beside, false);
	if (scsi_fuzz_watch)
		scsi_fuzz_watch(&beside.t);
}

static void run(struct run *r, struct cur out)
{
	static const struct scsi_event abort = { .type = SCSI_EV_ABORT };
	struct scsi_event ev = { .type = SCSI_EV_START };
	bool aborts = r->control & 0x10;
	bool aborted = false;
	struct scsi_act a;

	if (aborts && r->fault >> 4 == 15) { /* before it begins */
		check(step(r, &abort).type == SCSI_ACT_COMPLETE);
		judge_answer(r, true);
		return;
	}
	for (a = step_over(r, &ev); a.type != SCSI_ACT_COMPLETE; a = step_over(r, &ev)) {
		check(!aborted); /* nothing is begun after that */
		judge_act(r, &a);
		if (aborts && r->n_acts == r->fault >> 4) {
			check(step(r, &abort).type == SCSI_ACT_NONE);
			aborted = true;
		}
		if (a.type == SCSI_ACT_COPY && r->fault == (r->n_acts << 4 | 14))
			stop_copy(r);
		ev = answer(r, &a, &out);
		/* a piece is a large part of a limit, so no command may take many of them */
		check(r->n_acts++ < 70000);
	}
	judge_answer(r, aborted);
}

static void command(struct world *w, struct cur *in, uint8_t control, uint8_t fault)
{
	struct run r = { .w = w, .control = control, .fault = fault };
	unsigned nexus = control >> 2 & 1;
	size_t n;

	memset(&r.t, 0xa5, sizeof(r.t));
	cur_copy(in, r.t.cdb, sizeof(r.t.cdb));
	memcpy(r.t.lun, luns[control & 3], 8);
	r.t.attr = fault == 0xff ? SCSI_ATTR_ACA : control >> 6;
	r.t.in_len = cur_be16(in);
	r.t.out_len = cur_be16(in);
	r.t.nexus = &w->nexus[nexus];
	r.t.data = NULL;
	r.t.data_cap = 0;
	n = min_size(cur_be16(in), cur_left(in));
	(void)scsi_route(&w->view[nexus], &r.t);
	if (control & 8)
		scsi_route_home(&r.t);
	run(&r, cur_of(cur_take(in, n), n));
	if (scsi_fuzz_watch)
		scsi_fuzz_watch(&r.t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world w;
	struct cur in = cur_of(data, len);

	world_init(&w, false);
	for (unsigned i = 0; i < 64 && cur_left(&in) >= 2; i++) {
		uint8_t control = cur_u8(&in);
		uint8_t fault = cur_u8(&in);

		if (control & 0x20) {
			world_deinit(&w);
			world_init(&w, fault == 0xfe);
		}
		if (control >> 6 == 3)
			event(&w, control, fault);
		else
			command(&w, &in, control, fault);
	}
	world_deinit(&w);
	return 0;
}
