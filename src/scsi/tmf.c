/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Task management functions, SAM-5 7. */
#include "scsi/tmf.h"

#include "base/check.h"
#include "wire/lun.h"

static void tmf_decide(struct scsi_tmf *m, enum scsi_tmf_response response,
		       enum scsi_tmf_scope scope)
{
	m->response = response;
	m->scope = scope;
}

/* The function at a unit that is there. */
static void tmf_start_unit(struct scsi_tmf *m)
{
	switch (m->fn) {
	case SCSI_TMF_ABORT_TASK:
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_TASK);
		return;
	case SCSI_TMF_ABORT_TASK_SET:
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_NEXUS_LU);
		return;
	case SCSI_TMF_CLEAR_TASK_SET: /* TST is 0: one task set for all nexuses */
	case SCSI_TMF_LUN_RESET:
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_LU);
		return;
	case SCSI_TMF_CLEAR_ACA: /* NACA is refused in every CDB, so no ACA condition can exist */
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_NONE);
		return;
	default: /* a number the transport passed on */
		tmf_decide(m, SCSI_TMF_NOT_SUPPORTED, SCSI_TMF_SCOPE_NONE);
	}
}

void scsi_tmf_start(struct scsi_tmf *m)
{
	uint16_t lun = 0;

	m->lu = NULL;
	if (m->fn == SCSI_TMF_NEXUS_RESET) {
		tmf_decide(m, SCSI_TMF_FUNCTION_COMPLETE, SCSI_TMF_SCOPE_NEXUS);
		return;
	}
	switch (lun_decode(m->lun, &lun)) {
	case LUN_UNIT:
		if (lun >= SCSI_LUN_COUNT || !m->nexus->lun[lun].lu)
			break;
		m->lu = m->nexus->lun[lun].lu;
		tmf_start_unit(m);
		return;
	case LUN_REPORT_LUNS:
		/* commands there complete where they start: nothing is ever left to abort or reset */
		tmf_start_unit(m);
		m->scope = SCSI_TMF_SCOPE_NONE;
		return;
	default:
		break;
	}
	tmf_decide(m, SCSI_TMF_INCORRECT_LUN, SCSI_TMF_SCOPE_NONE);
}

bool scsi_tmf_matches(const struct scsi_tmf *m, const struct scsi_task *t)
{
	switch (m->scope) {
	case SCSI_TMF_SCOPE_TASK:
		return t->nexus == m->nexus && t->lu == m->lu && t->tag == m->tag;
	case SCSI_TMF_SCOPE_NEXUS_LU:
		return t->nexus == m->nexus && t->lu == m->lu;
	case SCSI_TMF_SCOPE_LU:
		return t->lu == m->lu;
	case SCSI_TMF_SCOPE_NEXUS:
		return t->nexus == m->nexus;
	default:
		return false;
	}
}

void scsi_tmf_hit(struct scsi_tmf *m, struct scsi_nexus *nexus)
{
	struct list *pos;

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
	struct list *pos;
	bool any = false;

	list_for_each (pos, &m->lu->nexuses) {
		struct scsi_itl *itl = list_entry(pos, struct scsi_itl, lu_node);

		if (itl->hit && itl->nexus != m->nexus && m->fn == SCSI_TMF_CLEAR_TASK_SET) {
			scsi_uas_add(&itl->uas, SCSI_UA_COMMANDS_CLEARED);
			any = true;
		}
		itl->hit = false;
	}
	return any;
}

enum scsi_changed scsi_tmf_finish(struct scsi_tmf *m)
{
	bool any = m->lu && tell_the_hit(m);

	if (m->response != SCSI_TMF_FUNCTION_COMPLETE)
		return SCSI_CHANGED_NOTHING;
	if (m->fn == SCSI_TMF_NEXUS_RESET) {
		scsi_nexus_ua(m->nexus, SCSI_UA_NEXUS_LOSS);
		return SCSI_CHANGED_NEXUS;
	}
	if (m->fn == SCSI_TMF_LUN_RESET && m->lu) {
		m->lu->stopped = false;
		scsi_lu_ua(m->lu, SCSI_UA_BUS_DEVICE_RESET, NULL);
		return SCSI_CHANGED_LU;
	}
	return any ? SCSI_CHANGED_LU : SCSI_CHANGED_NOTHING;
}
