/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Task management functions, SAM-5 7. */
#include "scsi/tmf.h"

#include "base/check.h"
#include "scsi/answer.h"
#include "wire/lun.h"

static void tmf_decide(struct scsi_tmf *m, enum scsi_tmf_response response,
		       enum scsi_tmf_scope scope)
{
	m->response = response;
	m->scope = scope;
}

/* What is pending for the nexus at its LUN, as additional response information (SAM-5 table 53). */
static void query_event(struct scsi_tmf *m, const struct scsi_itl *itl)
{
	const struct scsi_uas *u = &itl->uas;

	tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_NONE);
	if (!u->n)
		return;
	m->response = SCSI_TMF_FUNCTION_SUCCEEDED;
	/* UADE DEPTH: how many there are is known; then sense key, code and qualifier of the first */
	m->info[0] = (uint8_t)((u->n > 1 ? 0x20 : 0x10) | SENSE_UNIT_ATTENTION);
	put_be16(m->info + 1, u->q[0]);
}

/* The function at a unit that is there. */
static void tmf_start_unit(struct scsi_tmf *m, struct scsi_itl *itl)
{
	m->lu = itl->lu;
	m->tas = itl->lu->mode.tas;
	switch (m->fn) {
	case SCSI_TMF_QUERY_TASK:
		m->query = true;
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_TASK);
		return;
	case SCSI_TMF_ABORT_TASK:
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_TASK);
		return;
	case SCSI_TMF_QUERY_TASK_SET:
		m->query = true;
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_NEXUS_LU);
		return;
	case SCSI_TMF_ABORT_TASK_SET:
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_NEXUS_LU);
		return;
	case SCSI_TMF_CLEAR_TASK_SET:
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE,
			   m->lu->mode.tst ? SCSI_TMF_SCOPE_NEXUS_LU : SCSI_TMF_SCOPE_LU);
		return;
	case SCSI_TMF_LUN_RESET:
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_LU);
		return;
	case SCSI_TMF_CLEAR_ACA: /* the condition of another nexus stays, and that is no error */
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_NONE);
		if (scsi_set_of(itl)->aca == m->nexus)
			m->scope = SCSI_TMF_SCOPE_ACA;
		return;
	case SCSI_TMF_QUERY_ASYNC_EVENT:
		query_event(m, itl);
		return;
	default: /* a number the transport passed on */
		tmf_decide(m, SCSI_TMF_NOT_SUPPORTED, SCSI_TMF_SCOPE_NONE);
	}
}

/* Commands at the well known unit complete where they start: nothing is ever left to abort, find or reset. */
static void tmf_start_well_known(struct scsi_tmf *m)
{
	bool known = m->fn <= SCSI_TMF_CLEAR_ACA || m->fn == SCSI_TMF_QUERY_TASK ||
		     m->fn == SCSI_TMF_QUERY_TASK_SET || m->fn == SCSI_TMF_QUERY_ASYNC_EVENT;

	tmf_decide(m, known ? SCSI_TMF_FUNCTION_COMPLETE : SCSI_TMF_NOT_SUPPORTED,
		   SCSI_TMF_SCOPE_NONE);
}

void scsi_tmf_start(struct scsi_tmf *m)
{
	uint16_t lun = 0;

	m->lu = NULL;
	m->except = NULL;
	m->tas = false;
	m->any = false;
	m->query = false;
	memset(m->info, 0, sizeof(m->info));
	if (m->fn == SCSI_TMF_NEXUS_RESET) {
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_NEXUS);
		return;
	}
	switch (lun_decode(m->lun, &lun)) {
	case LUN_UNIT:
		if (lun >= SCSI_LUN_COUNT || !m->nexus->lun[lun].lu)
			break;
		tmf_start_unit(m, &m->nexus->lun[lun]);
		return;
	case LUN_REPORT_LUNS:
		tmf_start_well_known(m);
		return;
	default:
		break;
	}
	tmf_decide(m, SCSI_TMF_INCORRECT_LUN, SCSI_TMF_SCOPE_NONE);
}

void scsi_task_clear(struct scsi_tmf *m, const struct scsi_task *t)
{
	const struct scsi_mode *mode = &t->lu->mode;

	check(t->act == SCSI_ACT_CLEAR);
	*m = (struct scsi_tmf){ .fn = SCSI_TMF_TASK_CLEARS,
				.nexus = t->nexus,
				.lu = t->lu,
				.except = t,
				.tas = mode->tas };
	if (t->has_victims) {
		m->victims = (const void *)t->data;
		m->n_victims = t->n_desc;
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_VICTIMS);
		return;
	}
	tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE,
		   mode->qerr == 3 || mode->tst ? SCSI_TMF_SCOPE_NEXUS_LU : SCSI_TMF_SCOPE_LU);
}

bool scsi_tmf_means(const struct scsi_tmf *m, const struct scsi_task *t, const struct scsi_lu *lu)
{
	if (t == m->except)
		return false;
	switch (m->scope) {
	case SCSI_TMF_SCOPE_TASK:
		return t->nexus == m->nexus && lu == m->lu && t->tag == m->tag;
	case SCSI_TMF_SCOPE_NEXUS_LU:
		return t->nexus == m->nexus && lu == m->lu;
	case SCSI_TMF_SCOPE_LU:
		return lu == m->lu;
	case SCSI_TMF_SCOPE_NEXUS:
		return t->nexus == m->nexus;
	case SCSI_TMF_SCOPE_VICTIMS:
		return lu == m->lu && pr_is_among(t->nexus, m->victims, m->n_victims);
	case SCSI_TMF_SCOPE_ACA:
		return t->nexus == m->nexus && lu == m->lu && t->attr == SCSI_ATTR_ACA;
	default:
		return false;
	}
}

bool scsi_tmf_tells(const struct scsi_tmf *m, const struct scsi_nexus *nexus)
{
	return m->tas && nexus != m->nexus;
}

void scsi_tmf_hit(struct scsi_tmf *m, struct scsi_nexus *nexus)
{
	struct list *pos;

	m->any = true;
	if (!m->lu)
		return;
	list_for_each (pos, &m->lu->nexuses) {
		struct scsi_itl *itl = list_entry(pos, struct scsi_itl, lu_node);

		if (itl->nexus == nexus)
			itl->hit = true;
	}
}

/* Commands of others were taken from them: they must hear of it. True when there was one. */
static bool tell_the_hit(struct scsi_tmf *m)
{
	bool clears = m->fn == SCSI_TMF_CLEAR_TASK_SET || m->fn == SCSI_TMF_TASK_CLEARS;
	struct list *pos;
	bool any = false;

	list_for_each (pos, &m->lu->nexuses) {
		struct scsi_itl *itl = list_entry(pos, struct scsi_itl, lu_node);

		if (itl->hit && itl->nexus != m->nexus && clears && !m->tas) {
			scsi_uas_add(&itl->uas, SCSI_UA_COMMANDS_CLEARED);
			any = true;
		}
		itl->hit = false;
	}
	return any;
}

static void nexus_reset(struct scsi_nexus *n)
{
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++) {
		if (!n->lun[i].lu)
			continue;
		scsi_lu_clear_aca(n->lun[i].lu, n);
		pr_nexus_lost(n->lun[i].lu, n);
		copy_notes_forget(n->lun[i].lu, n);
		medium_allow(n->lun[i].lu, n);
	}
	scsi_nexus_ua(n, SCSI_UA_NEXUS_LOSS);
}

enum scsi_changed scsi_tmf_finish(struct scsi_tmf *m)
{
	bool any = m->lu && tell_the_hit(m);

	if (m->query && m->any)
		m->response = SCSI_TMF_FUNCTION_SUCCEEDED;
	if (m->response != SCSI_TMF_FUNCTION_COMPLETE)
		return SCSI_CHANGED_NOTHING;
	if (m->fn == SCSI_TMF_NEXUS_RESET) {
		nexus_reset(m->nexus);
		return SCSI_CHANGED_NEXUS;
	}
	if (m->fn == SCSI_TMF_LUN_RESET && m->lu) {
		m->lu->stopped = false;
		m->lu->power = SCSI_POWER_ACTIVE;
		medium_allow(m->lu, NULL);
		m->lu->reserved = NULL; /* that of RESERVE; a persistent one stays */
		scsi_lu_clear_aca(m->lu, NULL);
		copy_notes_forget(m->lu, NULL);
		(void)scsi_lu_set_mode(m->lu, &m->lu->mode_saved);
		scsi_lu_ua(m->lu, SCSI_UA_BUS_DEVICE_RESET, NULL);
		return SCSI_CHANGED_LU;
	}
	if (m->scope == SCSI_TMF_SCOPE_ACA)
		scsi_lu_clear_aca(m->lu, m->nexus);
	return any ? SCSI_CHANGED_LU : SCSI_CHANGED_NOTHING;
}
