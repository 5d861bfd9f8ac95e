/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The entries of the SRP core, with a look at what goes in and comes out: the simulator is linked so that the
 * target's calls lead here first (-Wl,--wrap).
 */
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/deeds.h"
#include "sim/fabric.h"
#include "sim/proc.h"
#include "sim/rogue.h"
#include "sim/world.h"
#include "srp/chan.h"
#include "srp/port.h"
#include "target/internal.h"
#include "wire/srp_login_rej.h"

#define STATES 8u /* as in cover.c */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void __real_chan_step(struct chan *c, const struct chan_event *ev, struct chan_actions *out);
int __real_port_login(struct port *p, struct port_chan *pc, const struct port_login *login);
void __real_port_admit(struct port_chan *pc);
struct port_chan *__real_port_next_close(struct port *p);
struct port_chan *__real_port_next_admission(struct port *p);
struct port_chan *__real_port_next_limit(struct port *p);

static void moments(enum chan_ev ev, enum chan_state was, enum chan_state is)
{
	if (ev == CHAN_EV_ADMITTED)
		deeds_moment(MOMENT_ACCEPT);
	if (was == is)
		return;
	if (is == CHAN_LIVE)
		deeds_moment(MOMENT_UP);
	else
		deeds_moment(is == CHAN_DISCONNECTING ? MOMENT_CLOSE : MOMENT_DRAIN);
}

void __wrap_chan_step(struct chan *c, const struct chan_event *ev, struct chan_actions *out);
int __wrap_port_login(struct port *p, struct port_chan *pc, const struct port_login *login);
void __wrap_port_admit(struct port_chan *pc);
struct port_chan *__wrap_port_next_close(struct port *p);
struct port_chan *__wrap_port_next_admission(struct port *p);
struct port_chan *__wrap_port_next_limit(struct port *p);

/* Somebody who follows the rules is accused of having broken one. */
static void judge_violation(const struct tchan *ch, const char *text)
{
	const struct hchan *h = ch->conn ? fabric_who(ch->conn) : NULL;

	if (!h || rogue_is(h))
		return;
	/* Who is cut off, or takes nothing, does not answer either. */
	if (strcmp(text, "no answer to a request of the target") == 0 &&
	    excused_any(BIT(EXCUSE_NET) | BIT(EXCUSE_SLOW), -1, h->opened_tick))
		return;
	fail_now("%s chan %u: the target says: %s", h->h->name, h->number, text);
}

void __wrap_chan_step(struct chan *c, const struct chan_event *ev, struct chan_actions *out)
{
	const struct tchan *ch = container_of(c, const struct tchan, chan);
	enum chan_state was = c->state;

	if (!c->released)
		cover_hit(COVER_CHAN, (unsigned)ev->type * STATES + was);
	check_chan_before(ch, ev->type);
	__real_chan_step(c, ev, out);
	chan_check_full(c);
	moments(ev->type, was, c->state);
	if (was != c->state || out->count)
		trace("chan %u %s: %s, %u actions%s%s", ch->id, chan_state_text(was),
		      chan_ev_text(ev->type), out->count, was != c->state ? " -> " : "",
		      was != c->state ? chan_state_text(c->state) : "");
	for (uint32_t i = 0; i < out->count; i++)
		if (out->a[i].type == CHAN_ACT_VIOLATION)
			judge_violation(ch, out->a[i].text);
	check_chan_after(ch, ev->type, was);
}

int __wrap_port_login(struct port *p, struct port_chan *pc, const struct port_login *login)
{
	int r = __real_port_login(p, pc, login);

	if (!r && proc_ends())
		fail_now("a login is taken after SIGTERM");
	cover_hit(COVER_PORT, !r                           ? COVER_PORT_LOGIN
			      : r == SRP_REJ_CHANNEL_LIMIT ? COVER_PORT_CHANNEL_LIMIT
							   : COVER_PORT_RESOURCES);
	port_check(p);
	deeds_moment(MOMENT_LOGIN);
	return r;
}

void __wrap_port_admit(struct port_chan *pc)
{
	__real_port_admit(pc);
	deeds_moment(MOMENT_BUILT);
}

struct port_chan *__wrap_port_next_close(struct port *p)
{
	struct port_chan *pc = __real_port_next_close(p);

	port_check(p);
	if (pc)
		cover_hit(COVER_PORT, pc->close == PORT_CLOSE_EVICTED    ? COVER_PORT_EVICTED
				      : pc->close == PORT_CLOSE_DISABLED ? COVER_PORT_DISABLED
									 : COVER_PORT_SESSION);
	return pc;
}

struct port_chan *__wrap_port_next_admission(struct port *p)
{
	static const enum cover_port result[] = { COVER_PORT_FIRST, COVER_PORT_TERMINATED,
						  COVER_PORT_CONTINUE };
	struct port_chan *pc = __real_port_next_admission(p);

	if (!pc)
		return NULL;
	if (!pc->reject)
		cover_hit(COVER_PORT, result[pc->result]);
	else
		cover_hit(COVER_PORT, pc->reject == SRP_REJ_RESOURCES ? COVER_PORT_LATE_RESOURCES
								      : COVER_PORT_OVERTAKEN);
	return pc;
}

struct port_chan *__wrap_port_next_limit(struct port *p)
{
	struct port_chan *pc = __real_port_next_limit(p);

	if (pc)
		cover_hit(COVER_PORT, COVER_PORT_LIMIT);
	return pc;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
