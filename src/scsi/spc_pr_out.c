/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PERSISTENT RESERVE OUT: SPC-5 6.17, what the service actions do in 5.13. Here: their parameter list, and
 * RESERVE, RELEASE, CLEAR, REPLACE LOST RESERVATION.
 */
#include "scsi/spc_pr_out.h"

struct scsi_act pr_out_conflict(const struct pr_out *o)
{
	return answer_status(o->t, SCSI_STATUS_RESERVATION_CONFLICT);
}

struct scsi_act pr_out_good(const struct pr_out *o, bool changed)
{
	struct scsi_task *t = o->t;

	t->out_resid = answer_resid(o->list_len, t->out_len);
	if (changed) {
		pr_sync(o->lu);
		t->changed = SCSI_CHANGED_LU;
		if (pr_out_saves(o))
			return answer_act(t, SCSI_ACT_SAVE, answer_good);
	}
	return answer_good(t);
}

/* Only a registered nexus that knows its key may go on. */
static bool has_key(const struct pr_out *o)
{
	return o->own >= 0 && o->pr->reg[o->own].key == o->key;
}

/* Everybody who is registered but @o's nexus hears that the reservation is no more. */
static void tell_released(const struct pr_out *o, uint8_t type)
{
	if (pr_is_registrants_only(type) || pr_is_all_registrants(type))
		pr_ua_all(o->lu, SCSI_UA_RESERVATIONS_RELEASED, o->own);
}

static struct scsi_act reserve(const struct pr_out *o)
{
	struct scsi_pr *pr = o->pr;

	if (!has_key(o))
		return pr_out_conflict(o);
	if (pr->type && !pr_holds(pr, o->own))
		return pr_out_conflict(o);
	if (o->scope)
		return answer_bad_cdb(o->t, 2, 7);
	if (!pr_type_is_valid(o->type))
		return answer_bad_cdb(o->t, 2, 3);
	if (pr->type)
		return pr->type == o->type ? pr_out_good(o, false) : pr_out_conflict(o);
	pr->type = o->type;
	pr->holder = pr_is_all_registrants(o->type) ? 0 : (uint16_t)o->own;
	return pr_out_good(o, true);
}

static struct scsi_act release(const struct pr_out *o)
{
	struct scsi_pr *pr = o->pr;
	uint8_t type = pr->type;

	if (!has_key(o))
		return pr_out_conflict(o);
	if (!pr_holds(pr, o->own)) /* nothing of its own to release */
		return pr_out_good(o, false);
	if (o->scope || o->type != type)
		return answer_fail(o->t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_RELEASE);
	pr->type = SCSI_PR_NONE;
	pr->holder = 0;
	tell_released(o, type);
	return pr_out_good(o, true);
}

static struct scsi_act clear(const struct pr_out *o)
{
	if (!has_key(o))
		return pr_out_conflict(o);
	pr_ua_all(o->lu, SCSI_UA_RESERVATIONS_PREEMPTED, o->own);
	o->pr->n = 0;
	o->pr->type = SCSI_PR_NONE;
	o->pr->holder = 0;
	o->pr->generation++;
	return pr_out_good(o, true);
}

/* SPC-5 5.13.11.3: one registration and its reservation are all there is then; nobody is known who could hear of it. */
static struct scsi_act replace_lost(const struct pr_out *o)
{
	bool aptpl = o->t->data[PR_FLAGS_AT] & PR_APTPL;
	struct scsi_pr_nexus own = pr_nexus_of(o->t->nexus);

	if (!o->pr->lost)
		return answer_fail(o->t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_RELEASE);
	if (o->key)
		return answer_bad_param(o->t, 0);
	if (!o->sa_key)
		return answer_bad_param(o->t, PR_SA_KEY_AT);
	if (o->scope)
		return answer_bad_cdb(o->t, 2, 7);
	if (!pr_type_is_valid(o->type))
		return answer_bad_cdb(o->t, 2, 3);
	if (aptpl && !o->lu->keeps)
		return answer_bad_param(o->t, PR_FLAGS_AT);
	*o->pr = (struct scsi_pr){ .type = o->type, .aptpl = aptpl };
	pr_add(o->pr, &own, o->sa_key);
	return pr_out_good(o, true);
}

static struct scsi_act dispatch(const struct pr_out *o)
{
	switch ((enum scsi_pr_out)o->service_action) {
	case SCSI_PR_OUT_REGISTER:
	case SCSI_PR_OUT_REGISTER_AND_IGNORE:
		return pr_out_register(o);
	case SCSI_PR_OUT_RESERVE:
		return reserve(o);
	case SCSI_PR_OUT_RELEASE:
		return release(o);
	case SCSI_PR_OUT_CLEAR:
		return clear(o);
	case SCSI_PR_OUT_PREEMPT:
	case SCSI_PR_OUT_PREEMPT_AND_ABORT:
		return has_key(o) ? pr_out_preempt(o) : pr_out_conflict(o);
	case SCSI_PR_OUT_REGISTER_AND_MOVE:
		return has_key(o) ? pr_out_move(o) : pr_out_conflict(o);
	case SCSI_PR_OUT_REPLACE_LOST:
		return replace_lost(o);
	}
	check_unreachable();
}

static uint32_t list_len(const struct scsi_task *t)
{
	return get_be32(t->cdb + 5);
}

static struct scsi_act pr_out_list(struct scsi_task *t)
{
	struct scsi_itl *itl = answer_itl(t);
	struct pr_out o = { .t = t,
			    .list_len = list_len(t),
			    .key = get_be64(t->data),
			    .sa_key = get_be64(t->data + 8),
			    .service_action = t->cdb[1] & 0x1f,
			    .scope = t->cdb[2] >> 4,
			    .type = t->cdb[2] & 0xf };
	bool spec_i_pt = t->data[PR_FLAGS_AT] & PR_SPEC_I_PT;

	if (!itl || itl->lu != t->lu) /* taken away while the list was fetched */
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
	o.lu = itl->lu;
	o.pr = &itl->lu->pr;
	o.own = itl->reg;
	o.was_kept = o.pr->aptpl || (o.pr->lost && o.lu->keeps);
	if (o.lu->reserved)
		return pr_out_conflict(&o);
	/* The list of REGISTER AND MOVE has another layout behind the keys. */
	if (o.service_action != SCSI_PR_OUT_REGISTER_AND_MOVE) {
		if (spec_i_pt && o.service_action != SCSI_PR_OUT_REGISTER)
			return answer_bad_param(t, PR_FLAGS_AT);
		if (!spec_i_pt && o.list_len != PR_LIST_BYTES)
			return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	}
	return dispatch(&o);
}

struct scsi_act spc_pr_out(struct scsi_task *t)
{
	uint32_t len = list_len(t);

	if (len < PR_LIST_BYTES || len > SCSI_DATA_MIN_BYTES)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	if (t->out_len < len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, len, pr_out_list);
}
