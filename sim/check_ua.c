/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Unit attentions: each is told for a reason, once, and before anything else is done at its unit.
 *
 * Of each host and unit the causes are kept that were not told yet. Of some it is sure that they must be
 * told: after the answer to a LUN RESET, say. A command that was sent later and is answered with something else
 * fails the run, unless another command that is under way can have taken the attention. Causes of which it is
 * not known whether they came about, or whether another one covers them, may be told.
 */
#include "scsi/ua.h"
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/deeds.h"
#include "sim/disk.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/world.h"
#include "wire/sense.h"

#define CAUSES_MAX  24u
#define NEVER       UINT64_MAX
#define TAKEN_UP_NS NSEC_PER_MSEC
#define AGAIN_MAX \
	3u /* causes of what happens again and again, which is told no more often than they ask */

struct cause {
	uint16_t asc;
	bool must;     /* it must be told ... */
	bool shadowed; /* it may have been told already: with POWER ON, or with another of its code */
	bool kept;     /* it is in the state file */
	unsigned died;  /* the how manieth process has died with it untold; 0: none */
	uint64_t since; /* it came about after this tick */
	uint64_t by_ns; /* ... to a command that is sent after this */
	uint64_t
		suspect; /* a command was answered without it: one sent before this tick has it. 0: none */
};

struct itl {
	unsigned n;
	struct cause c[CAUSES_MAX];
	bool wild;                 /* too much happened to say anything */
	uint16_t ever[CAUSES_MAX]; /* codes there ever was a cause of */
	unsigned n_ever;
	uint64_t soft; /* the last tick after which it is not known what was told */
	uint64_t
		cut; /* the last tick at which a command ended without an answer, inside the target */
};

static struct itl itls[HOSTS_MAX][HOST_LUNS_MAX];
static unsigned starts_seen[HOSTS_MAX]; /* of the target, when a host logged in last */

/* The nexuses of a host inside the target: it may have ended them without its host having noticed. */
static struct {
	unsigned n;
	uint64_t since; /* the last tick at which one came or went */
} nexuses[HOSTS_MAX];

static struct itl *itl_of(const struct host *h, unsigned lun)
{
	return &itls[h->index][lun];
}

/* --- causes come about --- */

static void note_ever(struct itl *t, uint16_t asc)
{
	for (unsigned i = 0; i < t->n_ever; i++)
		if (t->ever[i] == asc)
			return;
	if (t->n_ever < CAUSES_MAX)
		t->ever[t->n_ever++] = asc;
}

static unsigned count(const struct itl *t, uint16_t asc)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++)
		n += t->c[i].asc == asc;
	return n;
}

static bool has(const struct itl *t, uint16_t asc)
{
	return count(t, asc);
}

/* @by_ns: NEVER: it may be told, but need not. */
static void add(struct itl *t, uint16_t asc, uint64_t by_ns)
{
	note_ever(t, asc);
	if (t->n == CAUSES_MAX) {
		t->wild = true;
		return;
	}
	/* Who is told of a reset need not be told of anything that came before or with it. */
	if (asc == SCSI_UA_POWER_ON)
		for (unsigned i = 0; i < t->n; i++) {
			t->c[i].must = false;
			t->c[i].shadowed = true;
		}
	else if (has(t, SCSI_UA_POWER_ON))
		by_ns = NEVER;
	t->c[t->n] = (struct cause){ .asc = asc, .since = sched_tick(), .by_ns = by_ns };
	t->c[t->n].must = by_ns != NEVER;
	t->c[t->n].shadowed = has(t, SCSI_UA_POWER_ON);
	t->n++;
}

/* Has its host logged in to the process that runs? */
static bool is_back(const struct itl *t)
{
	return starts_seen[(t - &itls[0][0]) / HOST_LUNS_MAX] == proc_n_starts();
}

static void soften(struct itl *t)
{
	t->soft = sched_tick();
	for (unsigned i = 0; i < t->n; i++) {
		t->c[i].must = false;
		/* Until then it is the end of the one that died which is noticed. */
		if (t->c[i].died != proc_n_starts() && is_back(t))
			t->c[i].died = 0;
	}
}

static void each_lun(struct host *h, void (*fn)(struct itl *t))
{
	for (unsigned i = 0; i < HOST_LUNS_MAX; i++)
		fn(itl_of(h, i));
}

static bool is_in(const struct host *h)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
		if (hchan_live(h->chan[i]))
			return true;
	return false;
}

/* It is in, and the target thinks so, too. */
static bool is_known(const struct host *h)
{
	return is_in(h) && nexuses[h->index].n;
}

/* --- logins --- */

void check_host_in(struct host *h)
{
	(void)h;
}

void check_host_out(struct host *h)
{
	/* Its nexus may have ended with the last channel, and all with it. */
	if (!is_in(h))
		each_lun(h, soften);
}

void check_login(struct host *h, bool first)
{
	/* A target that was started since knows nothing of an older nexus. */
	bool fresh = first && starts_seen[h->index] != proc_n_starts();

	starts_seen[h->index] = proc_n_starts();
	for (unsigned i = 0; i < proc_n_luns(); i++) {
		bool sure = fresh && proc_lun_mapped(h->index, (int)i) &&
			    !excused_any(BIT(EXCUSE_REMAP) | BIT(EXCUSE_MEMORY), -1, NEVER);

		add(itl_of(h, i), SCSI_UA_POWER_ON, sure ? sched_now_ns() : NEVER);
		for (unsigned k = 0; !sure && k < itl_of(h, i)->n; k++)
			itl_of(h, i)->c[k].died = 0;
	}
}

static void make_wild(struct itl *t)
{
	t->wild = true;
}

void check_disguise(struct host *h)
{
	each_lun(h, make_wild);
}

/* --- task management --- */

/* It may take commands from others. */
bool check_takes(uint8_t function)
{
	return function == SRP_TMF_LUN_RESET || function == SRP_TMF_CLEAR_TASK_SET;
}

/* ABORT TASK SET of @c takes what its host has under way at @lun, but nothing that @c sends behind it. */
static void takes_own(struct hchan *c, uint16_t lun, bool ended)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++) {
		struct hchan *o = c->h->chan[i];

		for (unsigned k = 0; o && !(ended && o == c) && k < HOST_SLOTS_MAX; k++)
			o->cmd[k].may_be_gone |= o->cmd[k].busy && o->cmd[k].lun == lun;
	}
}

bool check_ua_is_wild(const struct host *h, int disk)
{
	return itl_of(h, (unsigned)disk)->wild;
}

static bool surely_hears(const struct host *h, int disk, uint64_t tick)
{
	/* Whoever has not noticed that the target died is not known to the next one. */
	return is_known(h) && nexuses[h->index].since < tick &&
	       starts_seen[h->index] == proc_n_starts() && proc_lun_mapped(h->index, disk) &&
	       !excused_any(BIT(EXCUSE_REMAP) | BIT(EXCUSE_CLOSE), -1, tick);
}

/* Until then every worker goes by what has just come about: where none is held up, a message or two later. */
static uint64_t taken_up_ns(void)
{
	return sched_now_ns() + (is_held_up() ? held_up_ns() : TAKEN_UP_NS);
}

static int disk_of(uint16_t lun)
{
	return lun < proc_n_luns() ? (int)lun : -1;
}

static struct {
	const struct host *from;
	unsigned lun;
	uint16_t asc;
	uint64_t by_ns;
} news;

static void tell_of_news(struct host *h)
{
	struct itl *t = itl_of(h, news.lun);
	bool sure = is_known(h) && proc_lun_mapped(h->index, (int)news.lun) &&
		    !excused_any(BIT(EXCUSE_REMAP) | BIT(EXCUSE_CLOSE), -1, NEVER);

	if (h != news.from || news.asc != SCSI_UA_COMMANDS_CLEARED)
		add(t, news.asc, sure ? news.by_ns : NEVER);
}

void check_task_begins(struct hchan *c, uint8_t function, uint16_t lun)
{
	cover_hit(COVER_TMF, function);
	if (function == SRP_TMF_ABORT_TASK_SET) {
		takes_own(c, lun, false);
		check_taker_counts(disk_of(lun), true);
	}
	if (!check_takes(function))
		return;
	check_taker_begins(disk_of(lun));
	if (disk_of(lun) < 0)
		return;
	/* From now on it may be told. */
	news.from = c->h;
	news.lun = lun;
	news.asc =
		function == SRP_TMF_LUN_RESET ? SCSI_UA_BUS_DEVICE_RESET : SCSI_UA_COMMANDS_CLEARED;
	news.by_ns = NEVER;
	host_each(tell_of_news);
}

/* A cause of @asc that came about since @tick, up to @last, is sure now. */
static bool confirm(struct itl *t, uint16_t asc, uint64_t tick, uint64_t last)
{
	if (t->soft >= tick)
		return false;
	for (unsigned i = t->n; i-- > 0;) {
		struct cause *k = &t->c[i];

		if (k->asc != asc || k->since < tick || k->since > last)
			continue;
		k->must = !k->shadowed;
		k->by_ns = sched_now_ns();
		return true;
	}
	return false;
}

/*
 * All are told, also those that had nothing to lose. Who was told meanwhile has no cause any more; that of another
 * reset, which is still under way, is not meant: causes of a function came about when it began, at @tick.
 */
static void reset_done(int disk, uint64_t tick)
{
	for (unsigned i = 0; i < HOSTS_MAX; i++) {
		struct host *h = host_at(i);

		if (h && surely_hears(h, disk, tick))
			(void)confirm(itl_of(h, (unsigned)disk), SCSI_UA_BUS_DEVICE_RESET, tick,
				      tick);
	}
}

void check_cleared(const struct host *by, int disk, uint64_t tick)
{
	for (unsigned i = 0; i < HOSTS_MAX && check_taker_was_alone(disk, tick); i++) {
		struct host *h = host_at(i);

		if (h && h != by && itl_of(h, (unsigned)disk)->cut >= tick &&
		    surely_hears(h, disk, tick) &&
		    confirm(itl_of(h, (unsigned)disk), SCSI_UA_COMMANDS_CLEARED, tick, NEVER))
			trace("%s: is to hear that commands of it were cleared", h->name);
	}
}

void check_task_ended(struct hchan *c, uint8_t function, uint16_t lun, uint64_t tick, int code)
{
	trace("%s chan %u: task management %x at lun %u ends, code %d", c->h->name, c->number,
	      function, lun, code);
	if (function == SRP_TMF_ABORT_TASK_SET) {
		takes_own(c, lun, true);
		check_taker_counts(disk_of(lun), false);
		if (code < 0)
			check_taker_lost(disk_of(lun));
	}
	if (!check_takes(function))
		return;
	check_taker_ended(disk_of(lun), code >= 0);
	if (code != 0 || disk_of(lun) < 0)
		return;
	if (function == SRP_TMF_LUN_RESET)
		reset_done(disk_of(lun), tick);
	if (function == SRP_TMF_CLEAR_TASK_SET)
		check_cleared(c->h, disk_of(lun), tick);
}

/* --- reservations --- */

void check_told(struct host *h, int disk, uint16_t asc)
{
	add(itl_of(h, (unsigned)disk), asc, NEVER);
}

void check_told_again(struct host *h, int disk, uint16_t asc)
{
	if (count(itl_of(h, (unsigned)disk), asc) < AGAIN_MAX)
		check_told(h, disk, asc);
}

static void tell_again(struct host *h)
{
	struct itl *t = itl_of(h, news.lun);

	if (count(t, news.asc) < AGAIN_MAX) {
		tell_of_news(h);
		return;
	}
	/* It is told with one that was not told yet, or after that. */
	for (unsigned i = t->n; i-- > 0;) {
		if (t->c[i].asc != news.asc)
			continue;
		t->c[i].must = false;
		t->c[i].shadowed = true;
		t->c[i].since = sched_tick();
		return;
	}
}

void check_told_all(int disk, uint16_t asc)
{
	news.from = NULL;
	news.lun = (unsigned)disk;
	news.asc = asc;
	news.by_ns = taken_up_ns();
	host_each(tell_again);
}

void check_told_for_sure(struct host *h, int disk, uint16_t asc, uint64_t tick)
{
	if (surely_hears(h, disk, tick))
		(void)confirm(itl_of(h, (unsigned)disk), asc, tick, NEVER);
}

void check_cut(const struct host *h, int disk)
{
	/* One of its own may have done that. */
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
		if (h->chan[i] && h->chan[i]->core.tmf.busy)
			return;
	itl_of(h, (unsigned)disk)->cut = sched_tick();
}

/* --- deaths --- */

/* Could a command under way have taken what is owed at @lun? Only one sent before @tick. */
static bool others_may_have(const struct host *h, unsigned lun, uint64_t tick)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
		for (unsigned k = 0; h->chan[i] && k < HOST_SLOTS_MAX; k++) {
			const struct hcmd *o = &h->chan[i]->cmd[k];

			if (o->busy && o->lun == lun && o->sent_tick < tick)
				return true;
		}
	return false;
}

void check_told_outlives(struct host *h, int disk, uint16_t asc, uint64_t tick)
{
	struct itl *t = itl_of(h, (unsigned)disk);

	for (unsigned i = t->n; i-- > 0;) {
		struct cause *k = &t->c[i];

		if (k->asc != asc || k->since < tick || !k->must)
			continue;
		k->kept = true;
		deeds_moment(MOMENT_KEPT);
		return;
	}
}

/* Has a command ended inside the target whose answer is not there yet? */
static bool is_on_its_way(const struct host *h, unsigned lun)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++)
		for (unsigned k = 0; h->chan[i] && k < HOST_SLOTS_MAX; k++) {
			const struct hcmd *o = &h->chan[i]->cmd[k];

			if (o->busy && o->lun == lun && o->over_ns)
				return true;
		}
	return false;
}

static void dies(struct host *h)
{
	for (unsigned lun = 0; lun < HOST_LUNS_MAX; lun++) {
		struct itl *t = itl_of(h, lun);

		/* What one has taken that is on its way back is not told again if something was saved since. */
		if (t->wild || is_on_its_way(h, lun))
			continue;
		for (unsigned i = 0; i < t->n; i++)
			if (t->c[i].must && t->c[i].kept)
				t->c[i].died = proc_n_starts();
	}
}

void check_ua_dies(void)
{
	host_each(dies);
	memset(nexuses, 0, sizeof(nexuses));
}

/* Nobody saves that an attention was heard, so whoever heard of it may hear of it again. */
void check_ua_found(int disk)
{
	for (unsigned i = 0; i < HOSTS_MAX && proc_config()->keeps; i++) {
		struct itl *t = &itls[i][disk];

		for (unsigned k = 0; k < t->n_ever; k++)
			if (t->ever[k] >> 8 == SCSI_UA_MODE_CHANGED >> 8)
				add(t, t->ever[k], NEVER);
	}
}

void check_ua_nexus(struct host *h, bool comes)
{
	nexuses[h->index].n += comes ? 1u : -1u;
	nexuses[h->index].since = sched_tick();
	for (unsigned lun = 0; lun < HOST_LUNS_MAX && !comes; lun++) {
		struct itl *t = itl_of(h, lun);

		for (unsigned i = 0; i < t->n; i++) {
			t->c[i].died = 0;
			t->c[i].kept = false; /* nobody is there any more for the next save */
		}
	}
}

/* Behind POWER ON the new nexus hears what the one before was owed. */
static void owe_again(struct itl *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct cause *k = &t->c[i];

		if (!k->died || k->died == proc_n_starts())
			continue;
		k->died = 0;
		k->must = true;
		k->shadowed = false;
		k->by_ns = sched_now_ns();
		cover_hit(COVER_KEPT, COVER_KEPT_ATTENTION);
	}
}

/* --- mode pages --- */

void check_noted(struct host *h, int disk, uint8_t status)
{
	uint16_t asc = status == SCSI_STATUS_BUSY                   ? SCSI_UA_PREVIOUS_BUSY
		       : status == SCSI_STATUS_RESERVATION_CONFLICT ? SCSI_UA_PREVIOUS_CONFLICT
								    : 0;

	if (asc)
		check_told_again(h, disk, asc);
}

void check_mode_changed(const struct host *by, int disk, bool clears)
{
	/* Whoever fails from now on may take others with him. */
	if (clears)
		excuse_until(EXCUSE_RESET, disk, UINT64_MAX);
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		if (host_at(i) && host_at(i) != by)
			check_told(host_at(i), disk, SCSI_UA_MODE_CHANGED);
}

void check_mode_answered(const struct hchan *c, const struct hcmd *cmd)
{
	for (unsigned i = 0; i < HOSTS_MAX && cmd->mode_tick; i++) {
		struct host *h = host_at(i);

		if (!h || h == c->h)
			continue;
		check_told_for_sure(h, cmd->disk, SCSI_UA_MODE_CHANGED, cmd->mode_tick);
		if (cmd->kept)
			check_told_outlives(h, cmd->disk, SCSI_UA_MODE_CHANGED, cmd->mode_tick);
	}
	check_keep_answered(cmd);
}

void check_error_clears(const struct host *by, int disk)
{
	for (unsigned i = 0; i < HOSTS_MAX; i++) {
		struct host *h = host_at(i);

		if (h && h != by)
			check_told_again(h, disk, SCSI_UA_COMMANDS_CLEARED);
	}
}

/* --- reloads --- */

static const struct proc_config *was;

/* A device could not be opened, or is there again: the maps change without a word of the configuration. */
static void maybe_moved(struct host *h)
{
	for (unsigned i = 0; i < proc_n_luns(); i++) {
		add(itl_of(h, i), SCSI_UA_POWER_ON, NEVER);
		add(itl_of(h, i), SCSI_UA_LUNS_CHANGED, NEVER);
	}
}

static void remap_host(struct host *h)
{
	const struct proc_config *is = proc_config();
	uint64_t by_ns = is_known(h) && !excused(EXCUSE_MEMORY, -1, NEVER) ? taken_up_ns() : NEVER;
	bool moved = false;
	bool gone = is->denied & BIT(h->index) || !is->enabled;

	/* A nexus that outlives its being denied has lost its units in between. */
	if ((was->denied ^ is->denied) & BIT(h->index))
		maybe_moved(h);
	for (unsigned i = 0; i < is->n_disks; i++)
		moved |= (was->hidden[i] || was->closed[i]) != (is->hidden[i] || is->closed[i]);
	for (unsigned i = 0; i < is->n_disks; i++) {
		struct itl *t = itl_of(h, i);
		bool before = !was->hidden[i] && !was->closed[i];
		bool after = !is->hidden[i] && !is->closed[i];

		if (gone) {
			soften(t);
			if (moved)
				add(t, SCSI_UA_LUNS_CHANGED, NEVER);
			if (was->ro[i] != is->ro[i])
				add(t, SCSI_UA_MODE_CHANGED, NEVER);
			if (after && !before)
				add(t, SCSI_UA_POWER_ON, NEVER);
			continue;
		}
		if (before != after)
			soften(t); /* what was owed there went with the old mapping, or is told under the new */
		if (after && !before)
			add(t, SCSI_UA_POWER_ON, by_ns);
		if (moved)
			add(t, SCSI_UA_LUNS_CHANGED, after && before ? by_ns : NEVER);
		if (was->ro[i] != is->ro[i])
			add(t, SCSI_UA_MODE_CHANGED, after && before ? by_ns : NEVER);
	}
}

void check_remapped(const struct proc_config *old)
{
	was = old;
	host_each(remap_host);
}

void check_maybe_remapped(void)
{
	host_each(maybe_moved);
}

/* --- told --- */

static bool was_due(const struct cause *k, uint16_t asc, const struct hcmd *cmd)
{
	return k->asc == asc && k->must && k->by_ns < cmd->sent_ns;
}

/*
 * One telling covers every cause of its code that is older than the command. Where one was due it is of that: what
 * may have caused another need not have come about yet.
 */
static bool told(struct itl *t, uint16_t asc, const struct hcmd *cmd)
{
	bool found = false;
	bool due = false;
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++)
		due |= was_due(&t->c[i], asc, cmd);

	for (unsigned i = 0; i < t->n; i++) {
		struct cause k = t->c[i];

		if (k.asc == asc && (due ? was_due(&k, asc, cmd) : !found)) {
			found = true;
			continue;
		}
		if (k.asc == asc || asc == SCSI_UA_POWER_ON) {
			if (asc == SCSI_UA_POWER_ON && k.since < cmd->sent_tick && k.must &&
			    k.by_ns < cmd->sent_ns)
				continue;
			k.must = false;
			k.shadowed |= k.asc == asc; /* of which it was told is not known */
		}
		t->c[n++] = k;
	}
	t->n = n;
	if (asc == SCSI_UA_POWER_ON)
		owe_again(t);
	return found;
}

/* The initiator knows its units now, wherever it was to be told; of what came about meanwhile it may not. */
static void luns_known(struct host *h, const struct hcmd *cmd)
{
	for (unsigned i = 0; i < HOST_LUNS_MAX; i++) {
		struct itl *t = itl_of(h, i);
		unsigned n = 0;

		for (unsigned k = 0; k < t->n; k++) {
			if (t->c[k].asc == SCSI_UA_LUNS_CHANGED && t->c[k].by_ns < cmd->sent_ns)
				continue;
			if (t->c[k].asc == SCSI_UA_LUNS_CHANGED)
				t->c[k].must = false;
			t->c[n++] = t->c[k];
		}
		t->n = n;
	}
}

static void attention(struct hchan *c, const struct hcmd *cmd, uint16_t asc)
{
	struct itl *t = itl_of(c->h, (unsigned)cmd->disk);
	enum check_lock lock = check_keep_lock(cmd->disk, cmd->sent_tick);

	cover_hit(COVER_UA, asc);
	if (lock != CHECK_UNLOCKED && has(t, asc)) {
		/* Only REQUEST SENSE takes it, and others that were told before may be heard of later. */
		if (lock == CHECK_MAYBE_LOCKED || cmd->op == HOP_SENSE)
			soften(t);
		return;
	}
	if (!told(t, asc, cmd) && !t->wild)
		fail_now("%s chan %u: command %u got unit attention %04x, for no reason or twice",
			 c->h->name, c->number, cmd->nth, asc);
	if (asc == SCSI_UA_LUNS_CHANGED)
		luns_known(c->h, cmd);
}

static bool never_told(const struct hcmd *cmd)
{
	/* One whose attribute is none is refused before that; REQUEST SENSE tells by its data, so not when those could
	 * not be sent. */
	return cmd->op == HOP_INQUIRY || cmd->op == HOP_LUNS || cmd->attr > SRP_TASK_ORDERED ||
	       (cmd->op == HOP_SENSE && cmd->status != SCSI_STATUS_GOOD) ||
	       (cmd->op == HOP_BAD && cmd->cdb[0] == SCSI_OP_INQUIRY);
}

/* Whether that may be is another question (check_host.c): where no unit is nothing is owed. */
static bool was_nowhere(const struct hcmd *cmd)
{
	struct sense s = { 0 };

	return cmd->status == SCSI_STATUS_CHECK_CONDITION &&
	       !sense_decode(cmd->sense, cmd->sense_len, &s) && s.asc == ASC_LUN_NOT_SUPPORTED;
}

/* @cmd was answered, and not with an attention. */
static void no_attention(struct hchan *c, const struct hcmd *cmd)
{
	struct itl *t = itl_of(c->h, (unsigned)cmd->disk);

	for (unsigned i = 0; i < t->n && !t->wild && !was_nowhere(cmd); i++) {
		struct cause *k = &t->c[i];

		/* A conflict is told before all but resets. */
		if (!k->must || cmd->status == SCSI_STATUS_TASK_ABORTED ||
		    (cmd->status == SCSI_STATUS_RESERVATION_CONFLICT &&
		     k->asc >> 8 != SCSI_UA_POWER_ON >> 8))
			continue;
		if (!k->suspect && cmd->sent_ns > k->by_ns && !never_told(cmd))
			k->suspect = sched_tick();
		if (k->suspect && !others_may_have(c->h, (unsigned)cmd->disk, k->suspect))
			fail_now("%s chan %u: command %u was answered although unit attention %04x "
				 "was due before",
				 c->h->name, c->number, cmd->nth, k->asc);
	}
}

/* REQUEST SENSE brings it as data. */
static uint16_t sensed(const struct hcmd *cmd)
{
	struct sense s = { 0 };

	if (cmd->op != HOP_SENSE || cmd->status != SCSI_STATUS_GOOD ||
	    sense_decode(cmd->buf, cmd->len - (uint32_t)cmd->residual, &s))
		return 0;
	return s.key == SENSE_UNIT_ATTENTION ? s.asc : 0;
}

void check_attention(struct hchan *c, const struct hcmd *cmd, uint16_t asc)
{
	if (cmd->disk < 0)
		return;
	if (!asc)
		asc = sensed(cmd);
	if (cmd->op == HOP_SENSE && cmd->status != SCSI_STATUS_GOOD)
		check_not_answered(c, cmd); /* what its data would have told is not known */
	else if (asc)
		attention(c, cmd, asc);
	else
		no_attention(c, cmd);
	if (cmd->op == HOP_LUNS && cmd->status == SCSI_STATUS_GOOD)
		luns_known(c->h, cmd);
}

/* Whatever it would have been answered is not known; it may have been an attention. */
void check_not_answered(struct hchan *c, const struct hcmd *cmd)
{
	if (cmd->disk >= 0)
		soften(itl_of(c->h, (unsigned)cmd->disk));
}

void check_event_report(struct hchan *c, uint64_t lun, const struct ichan_answer *a)
{
	unsigned i = (unsigned)(lun >> 48);
	const struct itl *t = i < HOST_LUNS_MAX ? itl_of(c->h, i) : NULL;
	struct sense s = { 0 };

	trace("%s chan %u: an event report of lun %u, %u bytes of sense", c->h->name, c->number, i,
	      a->sense_len);
	if (!c->h->ways.reports)
		fail_now("%s chan %u: an event report nobody asked for", c->h->name, c->number);
	if (!t || sense_decode(a->sense, a->sense_len, &s) || s.key != SENSE_UNIT_ATTENTION)
		fail_now("%s chan %u: an event report that makes no sense", c->h->name, c->number);
	for (unsigned k = 0; k < t->n_ever; k++)
		if (t->ever[k] == s.asc)
			return;
	if (!t->wild)
		fail_now("%s chan %u: an event report of %04x, for no reason", c->h->name,
			 c->number, s.asc);
}
