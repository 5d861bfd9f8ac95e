/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is on the wire between hosts and target: receives for all that may come, memory that may be touched. */
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/deeds.h"
#include "sim/fabric.h"
#include "sim/rogue.h"
#include "sim/spy.h"
#include "sim/world.h"
#include "wire/srp_rsp.h"

/* The channel of a host that follows the rules, NULL: of somebody else, or of nobody any more. */
static struct hchan *good(struct fab_conn *c)
{
	struct hchan *h = fabric_who(c);

	return h && !rogue_is(h) ? h : NULL;
}

static void no_receive(struct fab_conn *to)
{
	struct hchan *c = good(to);

	if (!c)
		return;
	if (fabric_passive(to))
		fail_now("%s chan %u: the target had no receive for what it had granted credit for",
			 c->h->name, c->number);
	fail_now("%s chan %u: the target sent more than there was room for", c->h->name, c->number);
}

static void bad_access(struct fab_conn *to, bool write, uint32_t rkey)
{
	struct hchan *c = good(to);

	/* Of the target nothing may be touched; that a rogue tries it is part of the play. */
	if (!c || fabric_passive(to))
		return;
	fail_now("%s chan %u: the target %s memory with key %x, which is not registered: of a "
		 "command that was answered or aborted",
		 c->h->name, c->number, write ? "writes to" : "reads from", rkey);
}

static void unknown_memory(const struct fab_conn *c)
{
	(void)c;
	fail_now("the target posts work with memory that it has not announced to the device");
}

static void taken(struct fab_conn *to, const uint8_t *iu, size_t len)
{
	bool at_target = fabric_passive(to);
	struct cur in = cur_of(iu, len);
	struct srp_rsp rsp;

	if (at_target && len && iu[0] == SRP_OP_CMD && good(to))
		spy_arrived(good(to), iu, len);
	if (at_target && len && iu[0] == SRP_OP_TSK_MGMT)
		deeds_moment(MOMENT_TASK);
	if (at_target && len && iu[0] == SRP_OP_I_LOGOUT)
		deeds_moment(MOMENT_LOGOUT);
	cover_hit(at_target ? COVER_IU_SENT : COVER_IU_GOT, len ? iu[0] : 0);
	if (at_target || srp_rsp_decode(&in, &rsp))
		return;
	if (rsp.flags & SRP_RSP_RSPVALID)
		cover_hit(COVER_RSP_CODE, rsp.rsp_code);
}

/* Its answer may be overtaken by the end of the connection. */
static void rejects(struct fab_conn *from)
{
	struct hchan *c = good(from);

	if (c)
		c->was_rejected = true;
}

void check_wire_init(void)
{
	fabric_watch.rejects = rejects;
	fabric_watch.no_receive = no_receive;
	fabric_watch.bad_access = bad_access;
	fabric_watch.unknown_memory = unknown_memory;
	fabric_watch.taken = taken;
}
