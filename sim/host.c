/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A host as a whole: when it logs in, what it does on its channels, and what it does when it loses them. */
#include "sim/host.h"

#include <netinet/in.h>

#include "base/check.h"
#include "sim/check.h"
#include "sim/dice.h"
#include "sim/fabric.h"
#include "sim/model.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/worker.h"
#include "sim/world.h"

#define WORKER_FIRST 8u /* index of the first host's worker; the target's are below */
#define BURST_MAX    16u
#define SILENT_NS \
	(20 * NSEC_PER_SEC) /* until the target has ended a channel of a host that is gone */
#define BACKOFF_MAX 7u
#define NOTHING_NS  (5 * NSEC_PER_MSEC) /* no channel has room: who looks all the time? */

static struct host *hosts[HOSTS_MAX];
static const char *const names[HOSTS_MAX] = { "h0", "h1", "h2", "h3", "h4", "h5" };

void host_each(void (*fn)(struct host *h))
{
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		if (hosts[i])
			fn(hosts[i]);
}

struct host *host_at(unsigned index)
{
	return hosts[index];
}

struct host *host_first(void)
{
	return hosts[0];
}

static void again(struct host *h, uint64_t ns)
{
	check(worker_timer_start(h->w, &h->next, sched_now_ns() + ns) == 0);
}

static unsigned n_chans(const struct host *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
		n += h->chan[i] != NULL;
	return n;
}

bool host_is_out(const struct host *h)
{
	return !n_chans(h);
}

static unsigned n_busy(const struct host *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
		if (h->chan[i])
			n += hchan_n_busy(h->chan[i]) + (h->chan[i]->core.tmf.busy ? 1 : 0);
	return n;
}

bool host_is_idle(const struct host *h)
{
	return !h->cmds_left && !n_busy(h);
}

/* --- channels come and go --- */

void host_limbo(struct host *h, uint32_t write)
{
	struct hlimbo *l = world_alloc(sizeof(*l));

	list_init(&l->node);
	l->write = write;
	list_push(&h->limbo, &l->node);
}

/* Whatever an earlier login had under way can happen no more. */
static void limbo_ends(struct host *h)
{
	struct list *n;

	while ((n = list_pop(&h->limbo))) {
		struct hlimbo *l = list_entry(n, struct hlimbo, node);

		model_write_end(l->write, MODEL_UNSURE, false);
		world_free(l);
	}
}

void host_target_died(struct host *h)
{
	limbo_ends(h);
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++) {
		struct hchan *c = h->chan[i];

		for (unsigned k = 0; c && k < HOST_SLOTS_MAX; k++) {
			struct hcmd *cmd = &c->cmd[k];

			/* What is on its way to us may still be read; what is on its way to it never will be. */
			if (!cmd->busy || !cmd->write || !model_write_is_open(cmd->write))
				continue;
			/* ... but what a unit remembers goes on. */
			if (cmd->op != HOP_ERASE || !proc_config()->keeps)
				model_write_end(cmd->write, MODEL_UNSURE, false);
		}
	}
}

void host_up(struct host *h, struct hchan *c)
{
	if (c->single) {
		limbo_ends(h);
		h->logins++;
		h->n_refused = 0;
	}
	check_login(h, c->single);
	if (h->ending)
		host_over(h); /* too late: out again */
	again(h, dice_range(0, h->ways.think_ns));
}

static void drop_all(struct host *h)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
		if (hchan_live(h->chan[i]))
			hchan_drop(h->chan[i]);
}

void host_down(struct host *h, struct hchan *c)
{
	trace("%s chan %u: down: %s", h->name, c->number,
	      c->core.why.text ? c->core.why.text : "?");
	check_channel_down(c);
	if (c->was_up)
		h->silent_until_ns = sched_now_ns() + SILENT_NS;
	h->chan[c->n] = NULL;
	/* Who is not let in does not knock ever faster. */
	if (!c->was_up && h->n_refused < BACKOFF_MAX)
		h->n_refused++;
	hchan_free(c);
	/* Linux takes the loss of one for the loss of all; others go on with what they have. */
	if (h->ways.careful && !h->ending)
		drop_all(h);
	check_host_out(h);
	if (h->active)
		again(h, dice_range(h->ways.again_ns / 2, h->ways.again_ns) << h->n_refused);
}

/* --- what it does --- */

static struct hchan *pick_chan(struct host *h)
{
	struct hchan *room[HOST_CHANS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
		if (h->chan[i] && hchan_room(h->chan[i]))
			room[n++] = h->chan[i];
	return n ? room[dice_below(n)] : NULL;
}

static void ask_for(struct hchan *c, uint8_t function, uint16_t lun)
{
	uint16_t victim = 0;

	if (function == SRP_TMF_ABORT_TASK) {
		victim = (uint16_t)dice_below(c->h->ways.n_slots);
		if (!c->cmd[victim].busy)
			return;
		lun = c->cmd[victim].lun;
	}
	if (!hchan_task(c, function, lun, victim))
		return;
	trace("%s chan %u: task management %x at lun %u", c->h->name, c->number, function, lun);
	check_task_begins(c, function, lun);
}

static void manage(struct hchan *c)
{
	static const uint8_t fn[] = { SRP_TMF_ABORT_TASK,     SRP_TMF_ABORT_TASK,
				      SRP_TMF_ABORT_TASK,     SRP_TMF_ABORT_TASK,
				      SRP_TMF_ABORT_TASK_SET, SRP_TMF_CLEAR_TASK_SET,
				      SRP_TMF_LUN_RESET,      SRP_TMF_LUN_RESET,
				      SRP_TMF_CLEAR_ACA,      0x10 };
	uint8_t function = fn[dice_below(ARRAY_SIZE(fn))];
	uint16_t lun = (uint16_t)dice_below(dice_below(16) ? proc_n_luns() : 9);

	if (dice_below(32) == 0)
		lun = 0xc102; /* an address of a kind that nobody has */
	ask_for(c, function, lun);
}

/* It goes: in order, at once, or without anybody being told. */
static void leave(struct host *h, struct hchan *c)
{
	bool cable = dice_below(2);

	switch (dice_below(4)) {
	case 0:
		hchan_logout(c);
		break;
	case 1:
		hchan_drop(c);
		break;
	case 2: /* it is switched off, with all it has */
		for (unsigned i = 0; i < HOST_CHANS_MAX; i++) {
			if (!hchan_live(h->chan[i]))
				continue;
			if (cable)
				fabric_cut(h->chan[i]->fc);
			else
				fabric_vanish(h->chan[i]->fc);
			hchan_drop(h->chan[i]);
		}
		break;
	default:
		for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
			if (hchan_live(h->chan[i]))
				hchan_logout(h->chan[i]);
	}
}

static bool disturb(struct host *h, struct hchan *c)
{
	const struct host_ways *w = &h->ways;

	if (dice_permille(w->tmf_pmille))
		manage(c);
	if (hchan_live(c) && dice_permille(w->freeze_pmille) && !c->frozen) {
		uint64_t ns = dice_log(NSEC_PER_MSEC, 40 * NSEC_PER_SEC);

		trace("%s chan %u: takes nothing for %u ms", h->name, c->number,
		      ns / NSEC_PER_MSEC);
		excuse_until(EXCUSE_NET, -1, sched_now_ns() + ns);
		hchan_freeze(c, ns);
	}
	if (hchan_live(c) && dice_permille(w->cut_pmille)) {
		trace("%s chan %u: is cut off", h->name, c->number);
		excuse(EXCUSE_NET, -1);
		fabric_cut(c->fc);
	}
	if (hchan_live(c) && dice_permille(w->leave_pmille)) {
		leave(h, c);
		return true;
	}
	return false;
}

static void pump(struct host *h)
{
	unsigned n = 1 + dice_below(BURST_MAX);

	while (n-- && h->cmds_left) {
		struct hchan *c = pick_chan(h);
		struct hcmd *cmd;

		if (!c || disturb(h, c) || !hchan_room(c))
			return;
		cmd = hchan_next(c);
		hcmd_make(c, cmd);
		h->cmds_left--;
		hchan_submit(c, cmd);
	}
}

/* The end of a run: a write and a read of it, and out again. */
static void probe(struct host *h)
{
	struct hchan *c = h->chan[0];
	struct hcmd *cmd;

	if (!hchan_room(c) || hchan_n_busy(c) || h->probed)
		return;
	if (h->probe_step == PROBE_STEPS) {
		h->probed = true;
		h->active = false;
		hchan_logout(c);
		return;
	}
	cmd = hchan_next(c);
	hcmd_make_probe(c, cmd, h->probe_step);
	hchan_submit(c, cmd);
}

static void work(struct worker *w, struct worker_job *j)
{
	struct host *h = container_of(j, struct host, job);

	(void)w;
	if (h->probing) {
		probe(h);
		return;
	}
	if (h->cmds_left)
		pump(h);
	if (!h->ending)
		return;
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
		if (hchan_live(h->chan[i]) && !n_busy(h))
			hchan_logout(h->chan[i]);
}

void host_over(struct host *h)
{
	worker_defer(h->w, &h->job);
}

static void next(struct worker *w, struct worker_timer *t)
{
	struct host *h = container_of(t, struct host, next);
	unsigned want = h->probing ? 1 : h->ways.n_chans;

	(void)w;
	if (!h->active)
		return;
	if (!n_chans(h)) {
		check_host_in(h);
		h->chan[0] = hchan_open(h, 0, true);
		return;
	}
	for (unsigned i = 0; i < want && hchan_live(h->chan[0]) && !h->ending; i++) {
		/* One at a time, and not all of them always. */
		if (h->chan[i] || dice_below(3) == 0)
			continue;
		h->chan[i] = hchan_open(h, i, false);
		break;
	}
	host_over(h);
	/* While commands are under way their ends bring the next ones; who has none looks again. */
	if (n_busy(h))
		again(h, dice_range(h->ways.think_ns, 20 * NSEC_PER_MSEC));
	else if (h->cmds_left || h->probing)
		again(h, dice_range(50000, 50000 + h->ways.think_ns) +
				 (pick_chan(h) ? 0 : NOTHING_NS));
}

void host_start(struct host *h)
{
	h->active = true;
	again(h, dice_range(0, h->ways.again_ns));
}

void host_stop(struct host *h)
{
	h->cmds_left = 0;
	h->active = false;
	h->ending = true;
	worker_timer_stop(h->w, &h->next);
	host_over(h);
}

void host_probe(struct host *h)
{
	h->ending = false;
	h->probing = true;
	h->probed = false;
	h->probe_step = 0;
	h->ways.again_ns = min_u64(h->ways.again_ns, NSEC_PER_SEC);
	h->n_refused = 0;
	host_start(h);
}

/* --- what scripts ask for --- */

void host_give(struct host *h, unsigned n)
{
	h->cmds_left += n;
	host_over(h);
}

void host_manage(struct host *h, uint8_t function, uint16_t lun)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++) {
		struct hchan *c = h->chan[i];

		if (!hchan_live(c) || (function == SRP_TMF_ABORT_TASK && !hchan_n_busy(c)))
			continue;
		ask_for(c, function, lun);
		return;
	}
}

void host_logout(struct host *h)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
		if (hchan_live(h->chan[i]))
			hchan_logout(h->chan[i]);
}

void host_vanish(struct host *h)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++) {
		if (!hchan_live(h->chan[i]))
			continue;
		fabric_vanish(h->chan[i]->fc);
		hchan_drop(h->chan[i]);
	}
}

/* --- making one --- */

struct host *host_new(unsigned index, struct fab *f, const struct host_ways *ways)
{
	struct host *h = world_alloc(sizeof(*h));

	check(index < HOSTS_MAX && ways->n_slots <= HOST_SLOTS_MAX && !hosts[index]);
	h->index = index;
	h->name = names[index];
	h->fab = f;
	h->ways = *ways;
	h->cmds_left = ways->n_cmds;
	list_init(&h->limbo);
	check(worker_new(&h->w, WORKER_FIRST + index, NULL) == 0);
	worker_timer_init(&h->next, next);
	worker_job_init(&h->job, work);
	proc_address(&h->target, &h->target_id);
	proc_host_id(index, &h->id);
	hosts[index] = h;
	return h;
}

void host_free(struct host *h)
{
	check(host_is_out(h));
	limbo_ends(h);
	worker_timer_stop(h->w, &h->next);
	worker_undefer(h->w, &h->job);
	if (worker_busy(h->w))
		fail_now("%s: %s at the end", h->name, worker_busy(h->w));
	(void)worker_free(h->w);
	hosts[h->index] = NULL;
	world_free(h);
}
