/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PERSISTENT RESERVE OUT: PREEMPT and PREEMPT AND ABORT, SPC-5 5.13.11.4 and 5.13.11.5. */
#include "scsi/spc_pr_out.h"

_Static_assert(SCSI_PR_MAX * sizeof(struct scsi_pr_nexus) <= SCSI_DATA_MIN_BYTES,
	       "the parameter buffer has room for all victims");

/* Nexuses that are preempted, in the parameter buffer: the list has been read. */
static struct scsi_pr_nexus *victims_of(const struct pr_out *o)
{
	return (struct scsi_pr_nexus *)(void *)o->t->data;
}

/*
 * Remove the registrations with the key (all, if it is 0), but @keep (an index, or -1). Each nexus hears of it, but the
 * one that asks. Returns how many there were; they are noted as victims.
 */
static unsigned remove_all(const struct pr_out *o, uint64_t key, int keep)
{
	struct scsi_pr_nexus own = pr_nexus_of(o->t->nexus);
	struct scsi_pr *pr = o->pr;
	unsigned n = 0;

	for (int i = pr->n - 1; i >= 0; i--) { /* so that @keep is passed before it moves */
		struct scsi_pr_nexus nexus = pr->reg[i].nexus;

		if (i == keep || (key && pr->reg[i].key != key))
			continue;
		(void)pr_remove(pr, (unsigned)i);
		if (!pr_nexus_eq(&nexus, &own))
			pr_ua(o->lu, &nexus, SCSI_UA_REGISTRATIONS_PREEMPTED);
		victims_of(o)[n++] = nexus;
	}
	return n;
}

/* None of their commands is left. An ACA condition of theirs ends, too (SAM-5 5.9.5), and nothing keeps the medium in
 * for them any more (SPC-5 5.13.11.5). */
static struct scsi_act aborted_victims(struct scsi_task *t)
{
	const struct scsi_pr_nexus *victims = (const void *)t->data;
	struct list *pos;

	list_for_each (pos, &t->lu->nexuses) {
		const struct scsi_nexus *n = list_entry(pos, struct scsi_itl, lu_node)->nexus;

		if (!pr_is_among(n, victims, t->n_desc))
			continue;
		scsi_lu_clear_aca(t->lu, n);
		medium_allow(t->lu, n);
	}
	return answer_good(t);
}

static struct scsi_act abort_victims(struct scsi_task *t)
{
	return answer_act(t, SCSI_ACT_CLEAR, aborted_victims);
}

/* The change has happened: abort what the victims have under way, if that was asked for. */
static struct scsi_act preempted(const struct pr_out *o, unsigned n)
{
	struct scsi_task *t = o->t;

	o->pr->generation++;
	pr_sync(o->lu);
	t->changed = SCSI_CHANGED_LU;
	t->out_resid = answer_resid(o->list_len, t->out_len);
	if (o->service_action == SCSI_PR_OUT_PREEMPT)
		return pr_out_saves(o) ? answer_act(t, SCSI_ACT_SAVE, answer_good) : answer_good(t);
	t->n_desc = n;
	t->has_victims = true;
	return pr_out_saves(o) ? answer_act(t, SCSI_ACT_SAVE, abort_victims) : abort_victims(t);
}

/* The reservation is taken over. */
static struct scsi_act preempt_reservation(const struct pr_out *o)
{
	struct scsi_pr_nexus own = pr_nexus_of(o->t->nexus);
	struct scsi_pr *pr = o->pr;
	uint8_t was = pr->type;
	unsigned n;

	if (o->scope)
		return answer_bad_cdb(o->t, 2, 7);
	if (!pr_type_is_valid(o->type))
		return answer_bad_cdb(o->t, 2, 3);
	n = remove_all(o, o->sa_key, o->own);
	pr->type = o->type;
	pr->holder = pr_is_all_registrants(o->type) ? 0 : (uint16_t)pr_find(pr, &own);
	if (was != o->type)
		pr_ua_all(o->lu, SCSI_UA_RESERVATIONS_RELEASED, pr_find(pr, &own));
	return preempted(o, n);
}

struct scsi_act pr_out_preempt(const struct pr_out *o)
{
	const struct scsi_pr *pr = o->pr;
	bool all = pr_is_all_registrants(pr->type);
	unsigned n;

	if (!o->sa_key && !all)
		return answer_bad_param(o->t, PR_SA_KEY_AT);
	if (pr->type && (all ? !o->sa_key : pr->reg[pr->holder].key == o->sa_key))
		return preempt_reservation(o);
	/* Registrations only, its own among them if that has the key; a reservation of all registrants goes with the
	 * last one. */
	n = remove_all(o, o->sa_key, -1);
	return n ? preempted(o, n) : pr_out_conflict(o);
}
