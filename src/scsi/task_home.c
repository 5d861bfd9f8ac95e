/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The life of a command at home: what task.c has, and its place in a task set.
 *
 *   routed --START--> [ACA: refused] --> dormant --GO--+
 *                          |                           v
 *                          +-----------------> checks, handler --> COMPLETE
 *                                              |  ^     |
 *                                       action |  |     | CHECK CONDITION that aborts others (QERR):
 *                                              v  |     | CLEAR; that establishes an ACA: answer,
 *                                             wait       | until the unit is gathered
 *                                              |
 *                                        event | while an ACA condition is in effect: held --GO--> as if
 *                                              v the event came now
 */
#include "scsi/task_home.h"

#include "base/check.h"
#include "scsi/answer.h"
#include "scsi/cmd.h"
#include "scsi/ready.h"
#include "scsi/sbc.h"
#include "scsi/spc.h"
#include "scsi/suspend.h"
#include "wire/lun.h"

static bool naca(const struct scsi_task *t)
{
	unsigned len = cdb_len(t->cdb[0]);

	return len && t->cdb[len - 1] & SCSI_CONTROL_NACA;
}

/* An attribute that is none, or ACA without an ACA condition, which would have let it in. */
static bool bad_attr(const struct scsi_task *t)
{
	return t->attr > SCSI_ATTR_ORDERED && !(t->set && t->place == SCSI_PLACE_FREE);
}

/* --- checks --- */

/* The first CDB bit that is set and must not be. */
static struct scsi_act refuse_bits(struct scsi_task *t, const uint8_t *cdb)
{
	for (unsigned i = 1; i < CDB_MAX_BYTES; i++) {
		unsigned bad = cdb[i] & ~(unsigned)t->cmd->mask[i];

		if (bad)
			return answer_bad_cdb(t, i, 31 - __builtin_clz(bad));
	}
	check_unreachable();
}

static struct scsi_act start_cmd(struct scsi_task *t)
{
	uint8_t cdb[CDB_MAX_BYTES];

	memcpy(cdb, t->cdb, sizeof(cdb));
	if (t->lu) /* where there is no task set there is no ACA: NORMACA is 0 */
		cdb[cdb_len(cdb[0]) - 1] &= (uint8_t)~SCSI_CONTROL_NACA;
	for (unsigned i = 1; i < CDB_MAX_BYTES; i++)
		if (cdb[i] & ~(unsigned)t->cmd->mask[i])
			return refuse_bits(t, cdb);
	if (t->cmd->flags & SCSI_CMD_DATA)
		check(t->data && t->data_cap >= scsi_task_data_bytes(t));
	return task_start_cmd(t);
}

/* No unit, or the well known one: few commands exist there. */
static struct scsi_act start_without_unit(struct scsi_task *t)
{
	const struct scsi_cmd *cmd = t->cmd;

	t->view_flags = 0;
	t->n_blocks = 0;
	if (bad_attr(t))
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_MESSAGE);
	if (answer_is_well_known(t)) {
		if (!cmd || !(cmd->flags & SCSI_CMD_WELL_KNOWN))
			return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	} else if (!cmd || !(cmd->flags & SCSI_CMD_ANY_LUN)) {
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
	}
	return start_cmd(t);
}

/* The unit attention to report, with interlock it stays. */
static uint16_t ua_to_report(struct scsi_task *t, struct scsi_itl *itl)
{
	if (t->lu->mode.ua_intlck == SCSI_UA_INTLCK_CLEAR) {
		return answer_take_ua(t, itl);
	}
	return itl->uas.q[0];
}

/* What a command that the access state of its port does not let in is told; but first that there is news of it. */
static struct scsi_act refuse_access(struct scsi_task *t, struct scsi_itl *itl, unsigned asc)
{
	if (itl->uas.n && !(t->cmd->flags & SCSI_CMD_UA_EXEMPT))
		return answer_fail(t, SENSE_UNIT_ATTENTION, ua_to_report(t, itl));
	return answer_fail(t, SENSE_NOT_READY, asc);
}

static struct scsi_act start_at_unit(struct scsi_task *t, struct scsi_itl *itl)
{
	const struct scsi_cmd *cmd = t->cmd;
	bool ua = itl->uas.n && !(cmd && cmd->flags & SCSI_CMD_UA_EXEMPT);
	struct sense s;
	struct scsi_view_lun at = scsi_nexus_at(t->nexus, (unsigned)(itl - t->nexus->lun));
	unsigned refused = alua_refuses(t, itl);

	t->n_blocks = at.n_blocks;
	t->view_flags = at.flags;
	if (bad_attr(t))
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_MESSAGE);
	/* By precedence (SAM-5 5.3.3): that there was a reset, a conflict, other news, all else. Through a port that has no
	 * access nobody can tell about conflicts. */
	if (ua && itl->uas.q[0] >> 8 == SCSI_UA_POWER_ON >> 8)
		return answer_fail(t, SENSE_UNIT_ATTENTION, ua_to_report(t, itl));
	if (refused)
		return refuse_access(t, itl, refused);
	if (pr_lost_refuses(t))
		return answer_fail(t, SENSE_DATA_PROTECT, ASC_RESERVATIONS_LOST);
	if (pr_conflicts(t, itl))
		return answer_status(t, SCSI_STATUS_RESERVATION_CONFLICT);
	if (ua)
		return answer_fail(t, SENSE_UNIT_ATTENTION, ua_to_report(t, itl));
	/* It came here for news that another command has told meanwhile: the next time it goes where it belongs. */
	if (t->lu->remote && t->cdb[0] != SCSI_OP_REPORT_LUNS)
		return answer_status(t, SCSI_STATUS_BUSY);
	if (!cmd || !scsi_cmd_supported(cmd, t->lu)) {
		/* An opcode that is known without this service action: the field of the latter is at fault. */
		if (scsi_cmd_has_opcode(t->cdb[0], t->lu))
			return answer_bad_cdb(t, 1, 4);
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	}
	if (at.flags & SCSI_VIEW_NOT_READY && scsi_lu_refuses(t->lu, cmd, &s))
		return answer_sense(t, &s);
	if (cmd->flags & SCSI_CMD_MEDIUM && cmd->start != spc_test_unit_ready)
		medium_wake(t->lu);
	return start_cmd(t);
}

/* Its turn has come, and it has what it needs. */
static struct scsi_act start_now(struct scsi_task *t)
{
	struct scsi_itl *itl = answer_itl(t);

	if (itl && itl->lu == t->lu)
		return start_at_unit(t, itl);
	scsi_set_leave(t); /* the unit was taken away while it waited */
	t->lu = NULL;
	return start_without_unit(t);
}

/* It does not do what it asks for, but ends as somebody wants it to. */
static struct scsi_act start_faulty(struct scsi_task *t)
{
	const struct scsi_task_fault *f = &t->fault;
	struct sense s = {
		.key = f->key, .asc = f->asc, .info_valid = f->info_valid, .info = f->info
	};

	if (f->status == SCSI_STATUS_CHECK_CONDITION)
		return answer_sense(t, &s);
	return answer_status(t, (enum scsi_status)f->status);
}

/* Its turn has come. Until then it holds no buffer, else those who wait could keep it from those they wait for. */
static struct scsi_act start_turn(struct scsi_task *t)
{
	if (t->fault.hold) {
		t->fault.hold = false;
		return answer_act(t, SCSI_ACT_HOLD, start_turn);
	}
	if (t->fault.status)
		return start_faulty(t);
	if (t->cmd && t->cmd->flags & SCSI_CMD_DATA && !t->data && !bad_attr(t))
		return answer_act(t, SCSI_ACT_ROOM, start_now);
	return start_now(t);
}

/* --- coming to the set --- */

static enum scsi_place place_of(const struct scsi_set *s, const struct scsi_task *t)
{
	unsigned flags = t->cmd ? t->cmd->flags : 0;

	if (s->aca)
		return SCSI_PLACE_FREE;
	if (t->attr > SCSI_ATTR_ORDERED)
		return SCSI_PLACE_HEAD; /* only to be refused */
	if (flags & SCSI_CMD_BARRIER || t->attr == SCSI_ATTR_ORDERED)
		return SCSI_PLACE_BARRIER;
	if (t->attr == SCSI_ATTR_HEAD || (suspend_is_on(t->lu) && suspend_lets(t)))
		return SCSI_PLACE_HEAD;
	if (flags & SCSI_CMD_ALONE &&
	    !(flags &
	      SCSI_CMD_RANGE)) /* more than is asked for, so that it need not wait for ever */
		return SCSI_PLACE_BARRIER;
	/* restricted reordering: what changes the medium is done in order */
	return flags & (SCSI_CMD_WRITE | SCSI_CMD_COPY) && !t->lu->mode.reorder ? SCSI_PLACE_BARRIER
										: SCSI_PLACE_SIMPLE;
}

/* A new command while an ACA condition is in effect (SAM-5 5.9.3, 5.9.4); GOOD: it may come in. */
static enum scsi_status aca_status(const struct scsi_set *s, const struct scsi_task *t)
{
	if (t->nexus == s->aca)
		return t->attr == SCSI_ATTR_ACA && !s->aca_task ? SCSI_STATUS_GOOD
								: SCSI_STATUS_ACA_ACTIVE;
	if (t->attr == SCSI_ATTR_ACA)
		return SCSI_STATUS_ACA_ACTIVE;
	if (t->cmd && t->cmd->start == spc_pr_out &&
	    t->cmd->service_action == SCSI_PR_OUT_PREEMPT_AND_ABORT)
		return SCSI_STATUS_GOOD;
	if (naca(t))
		return SCSI_STATUS_ACA_ACTIVE;
	return SCSI_STATUS_BUSY;
}

static struct scsi_act home_start(struct scsi_task *t, bool faulty)
{
	struct scsi_itl *itl = answer_itl(t);
	struct scsi_set *s;
	bool at_once;

	task_nothing_moved(t);
	t->cleared = false;
	t->has_victims = false;
	if (!faulty)
		t->fault = (struct scsi_task_fault){ 0 };
	scsi_visit_none(t);
	t->lu = itl ? itl->lu : NULL;
	if (!itl)
		return start_turn(t);
	s = scsi_set_of(itl);
	if (s->aca && aca_status(s, t) != SCSI_STATUS_GOOD)
		return answer_status(t, aca_status(s, t));
	at_once = scsi_set_enter(s, t, place_of(s, t));
	if (s->aca && t->nexus == s->aca)
		s->aca_task = t;
	return at_once ? start_turn(t) : answer_wait(t, SCSI_PHASE_DORMANT);
}

/* --- going on --- */

static bool event_fits(const struct scsi_task *t, const struct scsi_event *ev)
{
	switch (t->act) {
	case SCSI_ACT_FETCH:
		return ev->type == SCSI_EV_DATA;
	case SCSI_ACT_ROOM:
		return ev->type == SCSI_EV_ROOM;
	case SCSI_ACT_CLEAR:
		return ev->type == SCSI_EV_CLEARED;
	case SCSI_ACT_COUNT:
		return ev->type == SCSI_EV_COUNTED;
	case SCSI_ACT_SAVE:
		return ev->type == SCSI_EV_SAVED;
	case SCSI_ACT_TOKEN:
		return ev->type == SCSI_EV_TOKEN;
	case SCSI_ACT_SET_STATES:
		return ev->type == SCSI_EV_STATES;
	case SCSI_ACT_HOLD:
		return ev->type == SCSI_EV_HELD;
	default:
		return ev->type == SCSI_EV_IO_DONE;
	}
}

static struct scsi_act home_event(struct scsi_task *t, const struct scsi_event *ev)
{
	check(t->phase == SCSI_PHASE_WAIT && event_fits(t, ev));
	t->kept = *ev;
	if (t->act == SCSI_ACT_COPY)
		scsi_visit_end(t); /* also when it may not go on now */
	if (scsi_set_frozen(t) && !t->abort) {
		scsi_set_hold(t);
		return answer_wait(t, SCSI_PHASE_HELD);
	}
	return task_continue(t, ev);
}

static struct scsi_act home_go(struct scsi_task *t)
{
	switch ((enum scsi_phase)t->phase) {
	case SCSI_PHASE_DORMANT:
		return start_turn(t);
	case SCSI_PHASE_HELD:
		return task_continue(t, &t->kept);
	case SCSI_PHASE_ANSWER:
		return answer_again(t);
	case SCSI_PHASE_ERASE:
		return sbc_erased(t);
	default:
		check_unreachable();
	}
}

static struct scsi_act home_abort(struct scsi_task *t, const struct scsi_event *ev)
{
	check(t->phase && t->phase != SCSI_PHASE_DONE);
	answer_note_abort(t, ev);
	if (t->phase == SCSI_PHASE_WAIT)
		return (struct scsi_act){ .type = SCSI_ACT_NONE };
	return answer_aborted(t);
}

/* --- the end --- */

/* BUSY and RESERVATION CONFLICT are noted for who wants to know. */
static void note_status(struct scsi_task *t, struct scsi_act *a)
{
	bool busy = t->status == SCSI_STATUS_BUSY;
	struct scsi_itl *itl;

	if (!busy && t->status != SCSI_STATUS_RESERVATION_CONFLICT)
		return;
	itl = answer_itl(t);
	if (!itl || itl->lu != t->lu || t->lu->mode.ua_intlck != SCSI_UA_INTLCK_NOTE)
		return;
	scsi_uas_add(&itl->uas, busy ? SCSI_UA_PREVIOUS_BUSY : SCSI_UA_PREVIOUS_CONFLICT);
	if (a->changed == SCSI_CHANGED_NOTHING)
		a->changed = SCSI_CHANGED_NEXUS;
}

/* Must its CHECK CONDITION abort other commands first (QERR)? */
static bool clears_others(const struct scsi_task *t)
{
	/* As long as the unit is not gathered there may be some that are not in the set. */
	return t->lu->mode.qerr && !t->cleared && (t->set->n > 1 || !scsi_lu_is_gathered(t->lu));
}

static struct scsi_act others_cleared(struct scsi_task *t)
{
	t->cleared = true;
	return answer_again(t);
}

/* @t has ended with CHECK CONDITION @a. What it does to its set comes first. */
static struct scsi_act ended_badly(struct scsi_task *t, struct scsi_act a)
{
	struct scsi_set *s = t->set;

	if (clears_others(t)) {
		t->changed = (uint8_t)a.changed;
		return answer_act(t, SCSI_ACT_CLEAR, others_cleared);
	}
	if (t == s->aca_task) {
		/* the ACA condition ends with it; NACA establishes another for the same nexus */
		if (!naca(t))
			scsi_set_clear_aca(s);
	} else if (naca(t) && t->place != SCSI_PLACE_FREE) {
		if (!scsi_lu_is_gathered(t->lu)) {
			t->changed = (uint8_t)a.changed;
			scsi_set_hold_answer(t);
			return answer_wait(t, SCSI_PHASE_ANSWER);
		}
		scsi_set_aca(s, t->nexus);
	}
	scsi_set_leave(t);
	return a;
}

/* @a is about to change blocks: who was promised them as they are hears of it. */
static void note_change(const struct scsi_task *t, const struct scsi_act *a)
{
	struct scsi_lu *lu = t->lu;

	switch (a->type) {
	case SCSI_ACT_COPY:
		lu = t->copy.to;
		break;
	case SCSI_ACT_WRITE:
	case SCSI_ACT_UNMAP:
	case SCSI_ACT_WRITE_ZEROES:
	case SCSI_ACT_WRITE_SAME:
	case SCSI_ACT_COMPARE_AND_WRITE:
	case SCSI_ACT_OR_WRITE:
		break;
	default:
		return;
	}
	if (lu->tokens.n_valid)
		tokens_written(lu, a->off_bytes, a->len_bytes);
}

struct scsi_act task_home_step(struct scsi_task *t, const struct scsi_event *ev)
{
	struct scsi_act a;

	switch (ev->type) {
	case SCSI_EV_START:
	case SCSI_EV_FAULT:
		check(t->phase == SCSI_PHASE_ROUTED);
		a = home_start(t, ev->type == SCSI_EV_FAULT);
		break;
	case SCSI_EV_ABORT:
		a = home_abort(t, ev);
		break;
	case SCSI_EV_GO:
		a = home_go(t);
		break;
	default:
		a = home_event(t, ev);
	}
	if (a.type != SCSI_ACT_COMPLETE) {
		note_change(t, &a);
		if (a.type == SCSI_ACT_READ && t->fault.wrong)
			a.type = SCSI_ACT_READ_WRONG; /* for who carries it out; t->act is a READ */
		return a;
	}
	if (t->copy.note)
		copy_note_end(t);
	note_status(t, &a);
	if (t->set && t->status == SCSI_STATUS_CHECK_CONDITION)
		return ended_badly(t, a);
	scsi_set_leave(t);
	return a;
}
