/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Task management at other targets: commands that were sent are aborted there one by one, and functions of initiators that
 * mean a whole unit are carried there. One at a time for each login.
 */
#include <errno.h>

#include "base/log.h"
#include "target/remote_i.h"
#include "target/rlogin.h"
#include "target/unit.h"
#include "wire/srp_rsp.h"

static struct cmd *remote_next_victim(const struct rlogin *rl)
{
	struct list *pos;

	list_for_each (pos, &rl->sent) {
		struct cmd *c = remote_cmd_of(pos);

		if (c->remote.cancel)
			return c;
	}
	return NULL;
}

/* Which function of the other target it is; of one command it is not the channel's login that must be asked. */
static int remote_function(const struct cmd *c)
{
	switch (c->tmf.fn) {
	case SCSI_TMF_ABORT_TASK_SET:
		return REMOTE_ABORT_SET;
	case SCSI_TMF_CLEAR_TASK_SET:
		return REMOTE_CLEAR_SET;
	case SCSI_TMF_LUN_RESET:
		return REMOTE_LUN_RESET;
	case SCSI_TMF_CLEAR_ACA:
		return REMOTE_CLEAR_ACA;
	default:
		return -1;
	}
}

void remote_tasks(struct rlogin *rl)
{
	struct cmd *victim;
	enum remote_function f = REMOTE_ABORT;
	int r;

	if (rl->tasking || !rl->up || rl->ending)
		return;
	victim = remote_next_victim(rl);
	rl->tmf = NULL;
	if (!victim && list_empty(&rl->tmfs))
		return;
	if (!victim) {
		rl->tmf = list_entry(rl->tmfs.next, struct cmd, wait);
		f = (enum remote_function)remote_function(rl->tmf);
	}
	r = rl->remote->ops->task(rl->login, f, victim ? victim->remote.cmd : NULL);
	if (r == -ENOTCONN)
		return; /* down() comes */
	if (r) {        /* nobody could tell when its commands end */
		log_warn("%s: device %s: a task management function could not be sent to %s, "
			 "logging in "
			 "anew",
			 rl->ch->name, rl->unit->name, rl->remote->name);
		rl->remote->ops->drop(rl->login);
		return;
	}
	rl->tasking = true;
	rl->victim = victim;
	if (victim)
		victim->remote.cancel = false;
	else
		list_del(&rl->tmf->wait);
}

/* The function of an initiator is done there: what it means of its commands that are here ends, too. */
static void remote_tmf_done(struct cmd *c, int code)
{
	if (code == SRP_RSP_CODE_OK && c->tmf.fn != SCSI_TMF_CLEAR_ACA) {
		c->tmf.fn = SCSI_TMF_ABORT_TASK_SET;
		tmf_here(c);
		return;
	}
	c->rsp_code = code < 0 ? SRP_RSP_CODE_TMF_FAILED : (uint8_t)code;
	cmd_respond(c);
}

void remote_task_done(void *ctx, int code)
{
	struct rlogin *rl = ctx;
	struct cmd *tmf = take(rl->tmf);
	bool stays = rl->victim && code >= 0;

	rl->tasking = false;
	rl->victim = NULL;
	if (stays) { /* who asked for the abort waits for its end */
		log_warn("%s: device %s: %s does not abort a command (code %d), logging in anew",
			 rl->ch->name, rl->unit->name, rl->remote->name, code);
		rl->remote->ops->drop(rl->login);
	}
	if (tmf)
		remote_tmf_done(tmf, code);
	remote_tasks(rl);
}

bool remote_tmf(struct cmd *c, uint16_t lun)
{
	struct tchan *ch = c->ch;
	const struct scsi_view_lun *at;
	struct rlogin *rl;

	if (lun >= SCSI_LUN_COUNT || remote_function(c) < 0)
		return false;
	at = &ch->view->scsi.lun[lun];
	if (!(at->flags & SCSI_VIEW_REMOTE))
		return false;
	rl = remote_get(ch, at->lu->owner);
	if (!rl || !remote_connect(rl)) {
		c->rsp_code = SRP_RSP_CODE_TMF_FAILED;
		cmd_respond(c);
		return true;
	}
	list_push(&rl->tmfs, &c->wait);
	remote_tasks(rl);
	return true;
}

void remote_fail_tmfs(struct rlogin *rl)
{
	struct list *node;

	while ((node = list_pop(&rl->tmfs))) {
		struct cmd *c = list_entry(node, struct cmd, wait);

		c->rsp_code = SRP_RSP_CODE_TMF_FAILED;
		cmd_respond(c);
	}
}
