/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What must be true of the target's objects between two rounds of its workers: nobody waits for what nobody will
 * bring. Such a mistake is hard to see from outside, where patience and the deadlines of hosts hide it.
 */
#include "scsi/event.h"
#include "sim/check.h"
#include "sim/fabric.h"
#include "sim/proc.h"
#include "sim/rogue.h"
#include "sim/sched.h"
#include "sim/world.h"
#include "target/internal.h"

static void each_chan(struct tgt *t, void (*fn)(struct tchan *ch))
{
	struct list *pos;

	list_for_each (pos, &t->chans) {
		struct tchan *ch = list_entry(pos, struct tchan, home_node);

		if (ch->built && !ch->ended)
			fn(ch);
	}
}

static noreturn void wrong(const struct tchan *ch, const char *what)
{
	fail_now("channel %u of the target (%s): %s", ch->id, chan_state_text(ch->chan.state),
		 what);
}

/* --- at any time --- */

static void judge_deadline(const struct tchan *ch)
{
	const struct chan *c = &ch->chan;

	/* INV-28, INV-29; a worker may be held up. */
	if (c->state != CHAN_LIVE && c->state != CHAN_DISCONNECTED && !c->released &&
	    sched_now_ns() > c->deadline_ns + held_up_ns() && !excused(EXCUSE_SLOW, -1, UINT64_MAX))
		wrong(ch, "its deadline is over, and nothing happens");
	if (c->state == CHAN_CONNECTING && ch->conn && fabric_accept_failed(ch->conn))
		wrong(ch, "its reply could not be sent, and nothing happens");
	/* Who waits for it would wait for ever. What a job finds is told by the job of the next round. */
	if (c->state == CHAN_LIVE && fabric_send_failed(ch->conn) && !ch->broke)
		wrong(ch, "a message could not be posted, and it lives on");
}

/* Who is not let in any more has been put out. */
static void judge_denied(const struct tchan *ch)
{
	const struct hchan *h = ch->conn ? fabric_who(ch->conn) : NULL;

	if (ch->chan.state == CHAN_LIVE && h && !rogue_is(h) && !proc_admits(h->h->index) &&
	    proc_denied_ns(h->h->index) > held_up_ns() &&
	    !excused_any(BIT(EXCUSE_SLOW) | BIT(EXCUSE_MEMORY), -1, 1))
		wrong(ch, "the configuration does not let its host in");
}

static void judge(struct tchan *ch)
{
	const struct chan *c = &ch->chan;

	judge_deadline(ch);
	judge_denied(ch);
	/* INV-32 */
	if (c->state < CHAN_DRAINING && channel_is_owed(ch) && ch->stall.deadline_ns == UINT64_MAX)
		wrong(ch, "the initiator owes something, and no deadline runs for it");
	/* INV-10: a command that ends brings those that wait on, or the job that it deferred does. */
	if (c->state == CHAN_LIVE && c->stalled && list_empty(&ch->cmds) &&
	    list_empty(&ch->job.node))
		wrong(ch, "requests wait for resources, and all are free");
	if (c->state == CHAN_LIVE && !list_empty(&ch->sq_wait) && !c->sq_used)
		wrong(ch, "a command waits for slots of the send queue, and all are free");
}

/* What a function aborts, and waited in a task set, has ended when that was looked for. */
static void judge_aborted(struct tchan *ch)
{
	const struct list *pos;

	list_for_each (pos, &ch->waiting) {
		const struct cmd *c = list_entry(pos, struct cmd, home_wait);

		if (c->is.tmf_counted && c->act.type == SCSI_ACT_WAIT)
			wrong(ch, "a command that is aborted waits for its turn");
	}
}

void check_target(struct tgt *t)
{
	each_chan(t, judge);
	if (t->tmf && !t->tmf_unmarked)
		each_chan(t, judge_aborted);
}

/* --- when what was to close has had the time to --- */

static void judge_condemned(struct tchan *ch)
{
	if (ch->chan.state == CHAN_LIVE && ch->pc.close != PORT_KEEP)
		wrong(ch, "it was to be closed");
}

void check_target_closed(struct tgt *t)
{
	each_chan(t, judge_condemned);
}

/* --- at rest --- */

/* What the target asks for is answered; what is pending is reported to who wants reports. */
static void judge_asks(struct tchan *ch)
{
	const struct hchan *h = ch->conn ? fabric_who(ch->conn) : NULL;
	struct scsi_nexus nexus;
	struct scsi_report rep;

	if (!h || rogue_is(h) || !hchan_live(h) || !fabric_quiet(ch->conn))
		return;
	/* Before the first request the target may say nothing. */
	if (ch->chan.state != CHAN_LIVE || ch->pc.closing || ch->pc.close != PORT_KEEP ||
	    !ch->chan.n_received)
		return;
	if (ch->chan.asked != CHAN_ASK_NONE)
		wrong(ch, "a request of the target is under way for ever");
	if (!(ch->login.solnt & SRP_LOGIN_AESOLNT))
		return;
	if (ch->session->reporter == ch)
		wrong(ch, "an event report is under way for ever");
	nexus = ch->session->nexus; /* looking notes what was seen */
	if (!ch->session->reporter && scsi_nexus_event(&nexus, &rep))
		wrong(ch, "an event was not reported");
}

/* Each receive that the core counts is posted. */
static void judge_receives(struct tchan *ch)
{
	const struct hchan *h = ch->conn ? fabric_who(ch->conn) : NULL;

	if (!h || rogue_is(h) || !hchan_live(h) || !fabric_quiet(ch->conn) ||
	    ch->chan.state != CHAN_LIVE || !list_empty(&ch->cmds))
		return;
	if (fabric_n_receives(ch->conn) != ch->chan.n_recv)
		wrong(ch, "a receive was not posted again");
}

static bool logs_in;

static void look_for_login(struct host *h)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
		logs_in |= h->chan[i] && h->chan[i]->core.state < ICHAN_LIVE;
}

void check_target_at_rest(struct tgt *t)
{
	check_target(t);
	each_chan(t, judge_receives);
	/* What is on its way now may be held up. */
	if (excused_any(EXCUSE_ANY, -1, UINT64_MAX))
		return;
	logs_in = false;
	host_each(look_for_login);
	if (!logs_in) /* that may have told others to close just now */
		check_target_closed(t);
	each_chan(t, judge_asks);
}
