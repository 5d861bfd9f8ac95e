/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Credits are conserved: when nothing is under way, the initiator holds all that its channel may have, and the
 * target (through tgt_report(), as srptctl shows it) thinks so, too.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "sim/check.h"
#include "sim/fabric.h"
#include "sim/world.h"
#include "target/target.h"

static const struct tgt_report *report;

static const struct tgt_chan_info *find(const struct hchan *c)
{
	struct sockaddr_storage from;
	const struct sockaddr_in *in = (const void *)&from;
	char host[INET_ADDRSTRLEN];
	char peer[64];

	if (!fabric_from(c->fc, &from))
		return NULL;
	(void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
	(void)snprintf(peer, sizeof(peer), "%s:%u", host, ntohs(in->sin_port));
	for (unsigned i = 0; i < report->n_chans; i++)
		if (!strcmp(report->chans[i].peer, peer))
			return &report->chans[i];
	return NULL;
}

static void judge(const struct hchan *c)
{
	const struct tgt_chan_info *i = find(c);

	/* One side may not have heard yet that it is over. */
	if (!i && !excused_any(EXCUSE_ANY, -1, c->opened_tick))
		fail_now("%s chan %u: the target does not know it", c->h->name, c->number);
	if (!i || strcmp(i->state, "live") != 0)
		return;
	if (i->in_flight)
		fail_now("%s chan %u: the target has %u commands under way, we have none",
			 c->h->name, c->number, i->in_flight);
	if (i->credits != i->limit || (int64_t)i->credits != c->core.req_lim)
		fail_now("%s chan %u: at rest we hold %lld credits; the target thinks %u of %u",
			 c->h->name, c->number, (long long)c->core.req_lim, i->credits, i->limit);
}

static void judge_host(struct host *h)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++) {
		const struct hchan *c = h->chan[i];

		if (hchan_live(c) && !hchan_n_busy(c) && !c->core.tmf.busy && !c->frozen &&
		    c->core.spent && fabric_quiet(c->fc))
			judge(c);
	}
}

void check_credits(const struct tgt_report *r)
{
	report = r;
	if (!r->error)
		host_each(judge_host);
}
