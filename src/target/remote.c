/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Units of other targets: each channel logs in there in the name of its initiator, at the first command, and its
 * commands and task management functions are carried there as they are. Here is the login, from its beginning to its
 * end: a channel is left when its logins have ended, so that a later nexus of the initiator begins anew there.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/remote_i.h"
#include "target/rlogin.h"
#include "target/unit.h"

#define PAUSE_MIN_NS (250 * NSEC_PER_MSEC) /* between two logins that failed */
#define PAUSE_MAX_NS (4 * NSEC_PER_SEC)

void remote_poke(struct rlogin *rl)
{
	worker_defer(rl->ch->tw->w, &rl->job);
}

static void remote_job(struct worker *w, struct worker_job *j)
{
	struct rlogin *rl = container_of(j, struct rlogin, job);

	(void)w;
	remote_tasks(rl);
	remote_go(rl);
}

/* --- the login --- */

static void remote_later(struct rlogin *rl)
{
	rl->pause_ns = min_u64(rl->pause_ns ? 2 * rl->pause_ns : PAUSE_MIN_NS, PAUSE_MAX_NS);
	rl->retry_ns = worker_now_ns(rl->ch->tw->w) + rl->pause_ns;
}

static void remote_up(void *ctx)
{
	struct rlogin *rl = ctx;

	rl->up = true;
	rl->up_ns = worker_now_ns(rl->ch->tw->w);
	if (rl->failing)
		log_info("%s: device %s: logged in at %s again", rl->ch->name, rl->unit->name,
			 rl->remote->name);
	rl->failing = false;
	remote_tasks(rl);
	remote_go(rl);
}

static void remote_down(void *ctx, const char *why)
{
	struct rlogin *rl = ctx;
	struct tchan *ch = rl->ch;

	check(!rl->tasking && list_empty(&rl->sent));
	if (!rl->ending && !rl->failing) {
		log_warn("%s: device %s: no login at %s: %s; commands are refused until there is "
			 "one",
			 ch->name, rl->unit->name, rl->remote->name, why);
		rl->failing = true;
	}
	/* One that lasted is tried again at once. */
	if (rl->up && worker_now_ns(ch->tw->w) - rl->up_ns > NSEC_PER_SEC)
		rl->pause_ns = 0;
	else
		remote_later(rl);
	rl->login = NULL;
	rl->up = false;
	remote_fail_tmfs(rl);
	remote_go(rl);
	if (rl->ending)
		channel_left_there(ch);
}

static void remote_ready(void *ctx)
{
	remote_go(ctx);
}

static const struct remote_handler remote_handler = {
	.up = remote_up,
	.down = remote_down,
	.ready = remote_ready,
	.answered = remote_answered,
	.task_done = remote_task_done,
};

bool remote_connect(struct rlogin *rl)
{
	struct tchan *ch = rl->ch;

	if (rl->ending)
		return false;
	if (rl->login)
		return true;
	if (worker_now_ns(ch->tw->w) < rl->retry_ns)
		return false;
	if (!rl->remote->ops->login(rl->remote, ch->tw->w, &ch->initiator, &remote_handler, rl,
				    &rl->login))
		return true;
	rl->login = NULL;
	remote_later(rl);
	return false;
}

static struct rlogin *remote_find(struct tchan *ch, const struct tgt_unit *u)
{
	struct list *pos;

	list_for_each (pos, &ch->remotes) {
		struct rlogin *rl = list_entry(pos, struct rlogin, node);

		if (rl->unit == u)
			return rl;
	}
	return NULL;
}

struct rlogin *remote_get(struct tchan *ch, struct tgt_unit *u)
{
	struct rlogin *rl = remote_find(ch, u);

	if (rl)
		return rl;
	rl = calloc(1, sizeof(*rl));
	if (!rl)
		return NULL;
	rl->ch = ch;
	rl->unit = u;
	rl->remote = u->remote;
	list_init(&rl->order);
	list_init(&rl->sent);
	list_init(&rl->tmfs);
	worker_job_init(&rl->job, remote_job);
	list_push(&ch->remotes, &rl->node);
	return rl;
}

/* --- the end --- */

static void remote_end(struct rlogin *rl)
{
	if (rl->ending)
		return;
	rl->ending = true;
	if (!rl->tasking || rl->tmf)
		rl->victim = NULL;
	if (rl->login)
		rl->remote->ops->logout(rl->login);
	remote_fail_tmfs(rl);
}

void remote_leave(struct tchan *ch)
{
	struct list *pos;

	list_for_each (pos, &ch->remotes)
		remote_end(list_entry(pos, struct rlogin, node));
}

bool remote_is_in(const struct tchan *ch)
{
	const struct list *pos;

	if (list_empty(&ch->remotes))
		return false;
	list_for_each (pos, &ch->remotes) {
		if (container_of(pos, const struct rlogin, node)->login)
			return true;
	}
	return false;
}

static void remote_login_free(struct rlogin *rl)
{
	check(!rl->login && list_empty(&rl->order) && list_empty(&rl->sent) &&
	      list_empty(&rl->tmfs));
	worker_undefer(rl->ch->tw->w, &rl->job);
	list_del(&rl->node);
	free(rl);
}

void remote_free(struct tchan *ch)
{
	struct list *pos;
	struct list *tmp;

	list_for_each_safe (pos, tmp, &ch->remotes)
		remote_login_free(list_entry(pos, struct rlogin, node));
}

bool remote_unit_busy(struct tworker *tw, struct tgt_unit *u)
{
	struct list *pos;
	bool busy = false;

	if (!u->remote)
		return false;
	list_for_each (pos, &tw->chans) {
		struct tchan *ch = list_entry(pos, struct tchan, tw_node);
		struct rlogin *rl = remote_find(ch, u);

		if (!rl)
			continue;
		remote_end(rl);
		remote_go(rl);
		if (rl->login || !list_empty(&rl->order))
			busy = true;
		else
			remote_login_free(rl);
	}
	return busy;
}
