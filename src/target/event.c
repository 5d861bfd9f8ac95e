/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Event reports (AER_REQ): a session has one under way at a time, over a channel whose login asked for
 * them. It travels to the channel's worker in the channel's view.
 */
#include "base/check.h"
#include "run/worker.h"
#include "target/internal.h"

/* May @ch carry a report? */
static bool event_carrier(const struct tchan *ch)
{
	const struct port_chan *pc = &ch->pc;

	return !ch->ended && ch->login.solnt & SRP_LOGIN_AESOLNT && pc->admission_decided &&
	       !pc->reject && pc->close == PORT_KEEP && !pc->closing;
}

static struct tchan *event_find_carrier(const struct session *s)
{
	struct list *pos;

	list_for_each (pos, &s->port->t->chans) {
		struct tchan *ch = list_entry(pos, struct tchan, home_node);

		if (ch->session == s && event_carrier(ch))
			return ch;
	}
	return NULL;
}

void event_check(struct session *s)
{
	struct tchan *ch;

	if (s->reporter)
		return;
	ch = event_find_carrier(s);
	if (!ch || !scsi_nexus_event(&s->nexus, &ch->report))
		return;
	s->reporter = ch;
	ch->report_seq = ++s->report_seq;
	home_publish(ch);
}

void event_reported(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_home_reported);

	(void)w;
	/* One that closes has handed its report back, and its session may have gone. */
	if (ch->ended || ch->session->reporter != ch)
		return;
	ch->session->reporter = NULL;
	event_check(ch->session);
}

void event_leave(struct tchan *ch)
{
	struct session *s = ch->session;

	if (!s || s->reporter != ch)
		return;
	s->reporter = NULL;
	scsi_nexus_event_lost(&s->nexus);
	event_check(s);
}
