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
 *
 * This is all of it for one that runs where it arrived; task_home.c has what is added at home.
 */
#include "scsi/task.h"

#include "base/check.h"
#include "scsi/answer.h"
#include "scsi/cmd.h"
#include "scsi/task_home.h"
#include "wire/lun.h"

/* What sends every command home, with what must be there for one to stay. */
#define VIEW_LOCAL_MASK                                                             \
	(SCSI_VIEW_MAPPED | SCSI_VIEW_UA | SCSI_VIEW_NOT_READY | SCSI_VIEW_GATHER | \
	 SCSI_VIEW_RES_ALL | SCSI_VIEW_ACCESS | SCSI_VIEW_FAULT | SCSI_VIEW_HELD |  \
	 SCSI_VIEW_REMOTE)
/* What some commands are sent home by besides: the bits are the same. */
#define CMD_SAME_MASK (SCSI_CMD_RES_READ | SCSI_CMD_RES_WRITE | SCSI_CMD_WRITE)
/* NOLINTNEXTLINE(misc-redundant-expression): that they are equal is what is asserted */
_Static_assert(SCSI_CMD_RES_READ == SCSI_VIEW_RES_READ && SCSI_CMD_RES_WRITE == SCSI_VIEW_RES_WRITE,
	       "views and commands name reservations by the same bits");
/* NOLINTNEXTLINE(misc-redundant-expression): likewise */
_Static_assert(SCSI_CMD_WRITE == SCSI_VIEW_TOKENS, "what writes goes home while there are tokens");

static bool bits_allowed(const uint8_t *cdb, const uint8_t *mask)
{
	return !((get_be64(cdb) & ~get_be64(mask)) | (get_be64(cdb + 8) & ~get_be64(mask + 8)));
}

/* All that is in the way is that blocks of the unit are held: does @t want others? */
static bool passes_holds(const struct scsi_view *v, const struct scsi_view_lun *at,
			 const struct scsi_task *t)
{
	unsigned mask = VIEW_LOCAL_MASK | (t->cmd->flags & CMD_SAME_MASK);
	struct scsi_range r = hold_range(t);

	if ((at->flags & mask) != (SCSI_VIEW_MAPPED | SCSI_VIEW_HELD))
		return false;
	for (unsigned i = 0; i < v->n_holds && t->cmd->flags & SCSI_CMD_RANGE; i++)
		if (v->hold[i].lu == at->lu && scsi_range_overlaps(v->hold[i].range, r))
			return false;
	return true;
}

/* Of a unit that is elsewhere the LUN map is ours: what it holds, and that it has changed. */
static enum scsi_route route_remote(const struct scsi_view_lun *at, const struct scsi_task *t)
{
	bool exempt = t->cmd && t->cmd->flags & SCSI_CMD_UA_EXEMPT;

	if (t->cdb[0] == SCSI_OP_REPORT_LUNS || (at->flags & SCSI_VIEW_UA && !exempt))
		return SCSI_ROUTE_HOME;
	return SCSI_ROUTE_REMOTE;
}

enum scsi_route scsi_route(const struct scsi_view *v, struct scsi_task *t)
{
	const struct scsi_cmd *cmd = scsi_cmd_find(t->cdb);
	const struct scsi_view_lun *at;
	uint16_t lun = 0;

	t->phase = SCSI_PHASE_ROUTED;
	t->route = SCSI_ROUTE_HOME;
	t->cmd = cmd;
	t->lu = NULL;
	t->set = NULL;
	t->act = SCSI_ACT_NONE;
	t->changed = SCSI_CHANGED_NOTHING;
	t->abort = SCSI_ABORT_NO;
	t->ua_told = 0;
	t->aborted = false;
	t->copy.note = NULL;
	t->sense_len = 0;
	if (lun_decode(t->lun, &lun) != LUN_UNIT || lun >= SCSI_LUN_COUNT)
		return SCSI_ROUTE_HOME;
	at = &v->lun[lun];
	t->lu = at->lu; /* so that a TMF finds the task before it starts */
	t->n_blocks = at->n_blocks;
	t->view_flags = at->flags;
	if (!cmd || !(cmd->flags & SCSI_CMD_LOCAL) || t->attr != SCSI_ATTR_SIMPLE ||
	    ((at->flags & (VIEW_LOCAL_MASK | (cmd->flags & CMD_SAME_MASK))) != SCSI_VIEW_MAPPED &&
	     !passes_holds(v, at, t)) ||
	    !bits_allowed(t->cdb, cmd->mask))
		return at->flags & SCSI_VIEW_REMOTE ? route_remote(at, t) : SCSI_ROUTE_HOME;
	t->route = SCSI_ROUTE_LOCAL;
	return SCSI_ROUTE_LOCAL;
}

void scsi_route_home(struct scsi_task *t)
{
	check(t->phase == SCSI_PHASE_ROUTED);
	t->route = SCSI_ROUTE_HOME;
}

uint32_t scsi_task_data_bytes(const struct scsi_task *t)
{
	return t->cmd && t->cmd->flags & SCSI_CMD_DATA_LONG ? SCSI_DATA_LONG_BYTES
							    : SCSI_DATA_MIN_BYTES;
}

bool scsi_task_writes(const struct scsi_task *t)
{
	return t->cmd && t->cmd->flags & SCSI_CMD_WRITE;
}

bool scsi_task_range(const struct scsi_task *t, struct cdb_range *ret)
{
	if (!t->cmd || !(t->cmd->flags & SCSI_CMD_RANGE))
		return false;
	*ret = cdb_range(t->cdb);
	return true;
}

bool scsi_task_is_copy(const struct scsi_task *t)
{
	return t->cmd && t->cmd->flags & SCSI_CMD_COPY;
}

struct scsi_act task_start_cmd(struct scsi_task *t)
{
	const struct scsi_cmd *cmd = t->cmd;

	if (cmd->flags & SCSI_CMD_WRITE && t->view_flags & SCSI_VIEW_READ_ONLY)
		return answer_fail(t, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	return cmd->start(t);
}

void task_nothing_moved(struct scsi_task *t)
{
	t->data_len = 0;
	t->in_resid = answer_resid(0, t->in_len);
	t->out_resid = answer_resid(0, t->out_len);
}

struct scsi_act task_continue(struct scsi_task *t, const struct scsi_event *ev)
{
	if (t->abort)
		return answer_aborted(t);
	if (ev->result < 0)
		return answer_io_failed(t, ev);
	return t->cont(t);
}

static struct scsi_act local_abort(struct scsi_task *t, const struct scsi_event *ev)
{
	check(t->phase == SCSI_PHASE_ROUTED || t->phase == SCSI_PHASE_WAIT);
	answer_note_abort(t, ev);
	if (t->phase == SCSI_PHASE_WAIT)
		return (struct scsi_act){ .type = SCSI_ACT_NONE };
	return answer_aborted(t);
}

struct scsi_act scsi_task_step(struct scsi_task *t, const struct scsi_event *ev)
{
	if (t->route != SCSI_ROUTE_LOCAL)
		return task_home_step(t, ev);
	switch (ev->type) {
	case SCSI_EV_START:
		check(t->phase == SCSI_PHASE_ROUTED);
		task_nothing_moved(t);
		return task_start_cmd(t);
	case SCSI_EV_ABORT:
		return local_abort(t, ev);
	default:
		check(t->phase == SCSI_PHASE_WAIT &&
		      (ev->type == SCSI_EV_IO_DONE || ev->type == SCSI_EV_DATA));
		return task_continue(t, ev);
	}
}
