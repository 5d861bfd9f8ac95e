/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Steps of the target's channels: what one that closes must have done, and deadlines. Those are there for peers that
 * are silent and for devices that forget to flush. Where there is nothing of the kind, a channel that goes on by
 * its deadline has waited for what it did not ask for or look at.
 */
#include "sim/check.h"
#include "sim/fabric.h"
#include "sim/rogue.h"
#include "sim/sched.h"
#include "sim/world.h"
#include "target/internal.h"

#define MAY_BE_SILENT (BIT(EXCUSE_NET) | BIT(EXCUSE_SLOW) | BIT(EXCUSE_DIED) | BIT(EXCUSE_MEMORY))

/* A flush is the device's own: whoever the peer is, and whatever it does, it comes. */
static bool may_not_flush(void)
{
	return excused_any(BIT(EXCUSE_NET) | BIT(EXCUSE_SLOW), -1, 1);
}

/* Of somebody who follows the rules and has not gone, an answer can be expected. */
static bool may_not_answer(const struct hchan *h)
{
	if (!h || rogue_is(h) || h->asked_down)
		return true;
	return excused_any(MAY_BE_SILENT | BIT(EXCUSE_CLOSE), -1, h->opened_tick);
}

static void judge_deadline(const struct tchan *ch, enum chan_state was)
{
	const struct hchan *h = ch->conn ? fabric_who(ch->conn) : NULL;
	bool excused = true;

	switch (was) {
	case CHAN_DRAINING:
		excused = may_not_flush();
		break;
	case CHAN_DISCONNECTING:
		excused = may_not_answer(h);
		break;
	case CHAN_CONNECTING: /* a login also waits for the channels that it replaces, and they for their disks */
		excused = may_not_answer(h) || excused_disks(h->opened_tick);
		break;
	default: /* nothing ends by itself there */
		break;
	}
	if (!excused)
		fail_now("channel %u of the target: its deadline ended %s, for no reason", ch->id,
			 chan_state_text(was));
}

/* Its commands have been told to end; of those that wait in a task set the control worker takes care. */
static void judge_closing(const struct tchan *ch)
{
	const struct list *pos;

	list_for_each (pos, &ch->cmds) {
		const struct cmd *c = list_entry(pos, struct cmd, node);

		if (!c->is.abort && !c->is.tmf && !c->is.responding)
			fail_now("channel %u of the target closes, and has not aborted a command",
				 ch->id);
	}
}

/* It has been closed for long, and waits for its last commands. */
static void judge_closed(const struct tchan *ch)
{
	const struct list *pos;

	list_for_each (pos, &ch->waiting) {
		const struct cmd *c = list_entry(pos, struct cmd, home_wait);

		if (c->act.type == SCSI_ACT_WAIT &&
		    !excused_any(BIT(EXCUSE_SLOW), -1, sched_tick()))
			fail_now("channel %u of the target is closed, and a command of it still "
				 "waits for its turn",
				 ch->id);
	}
}

void check_chan_before(const struct tchan *ch, enum chan_ev type)
{
	bool timer = type == CHAN_EV_TIMER;

	/* These are never steps inside the one that closes it. */
	if (ch->chan.state >= CHAN_DISCONNECTING && (timer || type == CHAN_EV_MARKER_DONE))
		judge_closing(ch);
	if (ch->chan.state == CHAN_DISCONNECTED && timer && !ch->chan.released)
		judge_closed(ch);
}

void check_chan_after(const struct tchan *ch, enum chan_ev type, enum chan_state was)
{
	if (type == CHAN_EV_TIMER && was != ch->chan.state)
		judge_deadline(ch, was);
	/* Nobody waits for a peer that may be unplugged. */
	if ((type == CHAN_EV_PORT_DISABLED || type == CHAN_EV_DEVICE_REMOVAL) &&
	    ch->chan.state < CHAN_DRAINING)
		fail_now("channel %u of the target is forced to close, and is %s", ch->id,
			 chan_state_text(ch->chan.state));
}
