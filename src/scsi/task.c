/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The life of a command:
 *
 *            ABORT
 *   routed --------------------------------+
 *     | START                              v
 *     +------------------> handler ---> COMPLETE (done)
 *                           |    ^         ^
 *                    action |    | DATA,   | DATA, IO_DONE with an error or after ABORT
 *                           v    | IO_DONE |
 *                           wait ----------+
 */
#include "scsi/task.h"

#include "base/check.h"
#include "scsi/answer.h"
#include "scsi/cmd.h"
#include "wire/lun.h"

enum scsi_route scsi_route(const struct scsi_view *v, struct scsi_task *t)
{
	const struct scsi_cmd *cmd = scsi_cmd_find(t->cdb);
	const struct scsi_view_lun *at;
	uint16_t lun = 0;

	t->phase = SCSI_PHASE_ROUTED;
	t->route = SCSI_ROUTE_HOME;
	t->cmd = cmd;
	t->lu = NULL;
	t->act = SCSI_ACT_NONE;
	t->changed = SCSI_CHANGED_NOTHING;
	t->aborted = false;
	t->sense_len = 0;
	if (lun_decode(t->lun, &lun) != LUN_UNIT || lun >= SCSI_LUN_COUNT)
		return SCSI_ROUTE_HOME;
	at = &v->lun[lun];
	t->lu = at->lu; /* so that a TMF finds the task before it starts */
	t->n_blocks = at->n_blocks;
	t->view_flags = at->flags;
	if (!cmd || !(cmd->flags & SCSI_CMD_LOCAL) || t->attr > SCSI_ATTR_HEAD ||
	    (at->flags & ~SCSI_VIEW_READ_ONLY) != SCSI_VIEW_MAPPED)
		return SCSI_ROUTE_HOME;
	t->route = SCSI_ROUTE_LOCAL;
	return SCSI_ROUTE_LOCAL;
}

bool scsi_task_needs_data(const struct scsi_task *t)
{
	return t->cmd && t->cmd->flags & SCSI_CMD_DATA;
}

/* The first bit of the CDB that is set and must not be. */
static struct scsi_act refuse_bits(struct scsi_task *t)
{
	for (unsigned i = 1; i < CDB_MAX_BYTES; i++) {
		unsigned bad = t->cdb[i] & ~(unsigned)t->cmd->mask[i];

		if (bad)
			return answer_bad_cdb(t, i, 31 - __builtin_clz(bad));
	}
	check_unreachable();
}

static bool bits_allowed(const uint8_t *cdb, const uint8_t *mask)
{
	return !((get_be64(cdb) & ~get_be64(mask)) | (get_be64(cdb + 8) & ~get_be64(mask + 8)));
}

/* The unit is there and owes nothing, the command exists: the rest is the same for every route. */
static struct scsi_act start_cmd(struct scsi_task *t)
{
	const struct scsi_cmd *cmd = t->cmd;

	if (!bits_allowed(t->cdb, cmd->mask))
		return refuse_bits(t);
	if (cmd->flags & SCSI_CMD_WRITE && t->view_flags & SCSI_VIEW_READ_ONLY)
		return answer_fail(t, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	if (cmd->flags & SCSI_CMD_DATA)
		check(t->data && t->data_cap >= SCSI_DATA_MIN_BYTES);
	return cmd->start(t);
}

/* No unit, or the well known one: few commands exist there. */
static struct scsi_act start_without_unit(struct scsi_task *t)
{
	const struct scsi_cmd *cmd = t->cmd;

	t->view_flags = 0;
	t->n_blocks = 0;
	if (answer_is_well_known(t)) {
		if (!cmd || !(cmd->flags & SCSI_CMD_WELL_KNOWN))
			return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	} else if (!cmd || !(cmd->flags & SCSI_CMD_ANY_LUN)) {
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
	}
	return start_cmd(t);
}

static struct scsi_act start_home(struct scsi_task *t)
{
	const struct scsi_cmd *cmd = t->cmd;
	struct scsi_itl *itl = answer_itl(t);
	struct scsi_view_lun at;

	t->lu = itl ? itl->lu : NULL;
	if (t->attr > SCSI_ATTR_HEAD) /* VPD page 86h says so: ORDSUP 0, and there is no ACA */
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_MESSAGE);
	if (!itl)
		return start_without_unit(t);
	at = scsi_nexus_at(t->nexus, (unsigned)(itl - t->nexus->lun));
	t->n_blocks = at.n_blocks;
	t->view_flags = at.flags;
	if (itl->uas.n && !(cmd && cmd->flags & SCSI_CMD_UA_EXEMPT))
		return answer_fail(t, SENSE_UNIT_ATTENTION, answer_take_ua(t, itl));
	if (!cmd || !scsi_cmd_supported(cmd, t->lu))
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	if (cmd->flags & SCSI_CMD_MEDIUM && at.flags & SCSI_VIEW_NOT_READY)
		return answer_fail(t, SENSE_NOT_READY,
				   t->lu->gone ? ASC_NOT_READY : ASC_NEEDS_START);
	return start_cmd(t);
}

static struct scsi_act task_start(struct scsi_task *t)
{
	t->data_len = 0;
	t->in_resid = answer_resid(0, t->in_len);
	t->out_resid = answer_resid(0, t->out_len);
	return t->route == SCSI_ROUTE_LOCAL ? start_cmd(t) : start_home(t);
}

static struct scsi_act task_aborted(struct scsi_task *t)
{
	return answer_status(t, SCSI_STATUS_TASK_ABORTED);
}

static struct scsi_act task_abort(struct scsi_task *t)
{
	check(t->phase == SCSI_PHASE_ROUTED || t->phase == SCSI_PHASE_WAIT);
	t->aborted = true;
	if (t->phase == SCSI_PHASE_WAIT)
		return (struct scsi_act){ .type = SCSI_ACT_NONE };
	return task_aborted(t);
}

struct scsi_act scsi_task_step(struct scsi_task *t, const struct scsi_event *ev)
{
	switch (ev->type) {
	case SCSI_EV_START:
		check(t->phase == SCSI_PHASE_ROUTED);
		return task_start(t);
	case SCSI_EV_ABORT:
		return task_abort(t);
	default:
		check(t->phase == SCSI_PHASE_WAIT);
		check((ev->type == SCSI_EV_DATA) == (t->act == SCSI_ACT_FETCH));
		if (t->aborted)
			return task_aborted(t);
		if (ev->result < 0)
			return answer_io_failed(t, ev);
		return t->cont(t);
	}
}
