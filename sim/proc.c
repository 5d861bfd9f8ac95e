/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/proc.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/check.h"
#include "base/cur.h"
#include "daemon/daemon.h"
#include "sim/check.h"
#include "sim/deeds.h"
#include "sim/disk.h"
#include "sim/fabric.h"
#include "sim/hcmd.h"
#include "sim/heap.h"
#include "sim/operator.h"
#include "sim/proc_i.h"
#include "sim/proc_text.h"
#include "sim/sched.h"
#include "sim/spy.h"
#include "sim/store.h"
#include "sim/worker.h"
#include "sim/world.h"
#include "target/unit.h"

/* A process here begins anew; it is never one that another became. */
bool state_restore_group(const struct daemon *d, const struct dgroup *g)
{
	(void)d;
	(void)g;
	return false;
}

#define HOST_ID_EXT   0x5100000000000000ull
#define HOST_GUID     0x5200000000000000ull
#define LOGIN_BURST   64u
#define REMAP_NS      (2 * NSEC_PER_SEC) /* until every worker has seen a reload for certain */
#define UNWIND_ROUNDS 8u

enum state {
	OFF,
	RUNNING,
	STOPPING,  /* SIGTERM came */
	LINGERING, /* everybody is out; the workers are about to end */
	ENDED
};

/* One thing the control worker is asked to do. */
struct call {
	struct worker_msg msg;
	void (*fn)(void);
	bool posted;
};

static struct fab *fab;
static struct proc_opts opts;
static struct proc_config cfg;  /* running, as far as is known */
static struct proc_config next; /* to be loaded */
static enum state state;
static bool told_to_end; /* SIGTERM is on its way */
static struct daemon d;
static struct worker *workers[PROC_WORKERS_MAX];
static uint64_t force_ns;
static uint64_t stop_tick;
static uint64_t stop_ns;                /* when SIGTERM was taken */
static uint64_t admitted_ns[HOSTS_MAX]; /* when each host was let in last */
static unsigned n_stopped;
static unsigned n_starts;
static bool reporting;
static bool report_at_rest;
static struct worker_timer linger;
static struct worker_msg stop_msg[PROC_WORKERS_MAX];
static struct call calls[16]; /* more than there are different ones */

/* --- start --- */

/* Units that are new: what did they find of the ones before? */
static void look_at_units(void)
{
	struct list *pos;

	list_for_each (pos, &d.devices) {
		const struct ddevice *dev = list_entry(pos, struct ddevice, node);
		int disk = dev->name[0] == 'd' ? dev->name[1] - '0' : -1;

		check_pr_found(tgt_unit_lu(dev->unit), disk);
		if (disk >= 0)
			hcmd_copy_unit(disk, tgt_unit_lu(dev->unit));
	}
}

bool proc_has_all_units(void)
{
	unsigned n = 0;
	struct list *pos;

	if (!d.tgt) /* answers still come from a process that was killed */
		return false;
	list_for_each (pos, &d.devices)
		n += list_entry(pos, struct ddevice, node)->name[0] == 'd';
	return n == cfg.n_disks;
}

/* The access states, too; when all that may know of them are there. */
static void look_at_groups(void)
{
	if (!list_empty(&d.groups))
		check_access_found(
			tgt_alua_now(list_entry(d.groups.next, struct dgroup, node)->alua),
			proc_has_all_units());
}

/* Nobody gets in, and who was in is out. */
static void note_down(bool is)
{
	static bool was;

	if (is && !was)
		excuse_begin(EXCUSE_DIED, -1);
	if (!is && was)
		excuse_end(EXCUSE_DIED, -1);
	was = is;
}

/* What was made before a start failed is given back by a few rounds. */
static void unwind(void)
{
	if (d.tgt)
		tgt_close(d.tgt);
	for (unsigned i = 0; i < opts.n_workers * UNWIND_ROUNDS; i++)
		worker_round(workers[i % opts.n_workers]);
}

static void teardown(void)
{
	operator_hook_abandon();
	setup_free(&d);
	d.tgt = tgt_free(d.tgt);
	d.cfg = config_free(d.cfg);
}

int proc_start(void)
{
	struct tgt_opts to = {
		.fab = fab,
		.workers = workers,
		.n_workers = opts.n_workers,
		/* It has channels, too, but is another one than who waits for a save. */
		.helper = workers[opts.n_workers - 1],
		.logins_per_s = cfg.logins_per_s,
		.login_burst = LOGIN_BURST,
		.pool = { opts.pool[0], opts.pool[1], opts.pool[2] }
	};
	int r;

	check(state == OFF || state == ENDED);
	trace("srptd: starts");
	n_starts++;
	check_suspend_reset(); /* a suspension ends with the process, however that does */
	d = (struct daemon){ .fab = fab, .n_workers = opts.n_workers };
	list_init(&d.devices);
	list_init(&d.ports);
	list_init(&d.groups);
	d.stpg_run = operator_hook_run;
	r = proc_parse(&cfg, &opts, &d.cfg);
	if (!r)
		r = tgt_new(&d.tgt, &to);
	if (!r)
		r = setup_all(&d);
	if (!r) {
		look_at_units();
		look_at_groups();
		excuse_hold(EXCUSE_REMAP, -1, false);
		note_down(false);
		state = RUNNING;
		return 0;
	}
	trace("srptd: the start failed, %d", r);
	unwind();
	teardown();
	check_all_gone("after a start that failed");
	state = OFF;
	return r;
}

/* --- asking the control worker --- */

static void call_run(struct worker *w, struct worker_msg *m)
{
	struct call *c = container_of(m, struct call, msg);

	(void)w;
	c->posted = false;
	c->fn();
}

void proc_ask(void (*fn)(void))
{
	struct call *c = calls;

	/* Nobody is there, or somebody who does not listen any more. */
	if (state != RUNNING && state != STOPPING)
		return;
	while (c < calls + ARRAY_SIZE(calls) && c->posted && c->fn != fn)
		c++;
	check(c < calls + ARRAY_SIZE(calls));
	if (c->posted)
		return;
	c->posted = true;
	c->fn = fn;
	c->msg.run = call_run;
	worker_post(workers[0], &c->msg);
}

/* Something that was asked for is still to be heard, if only to be ignored. */
static bool asked(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].posted)
			return true;
	return false;
}

static void do_tell(void)
{
	if (state == RUNNING)
		disk_tell();
}

void proc_tell(void)
{
	proc_ask(do_tell);
}

/* --- reading its configuration anew --- */

static void note_admitted(void)
{
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		if (proc_admits(i))
			admitted_ns[i] = sched_now_ns();
}

static void do_reload(void)
{
	const struct config *before = d.cfg;
	struct proc_config old = cfg;
	struct config *c = NULL;

	if (state != RUNNING)
		return;
	check_suspend_reload();
	excuse_until(EXCUSE_REMAP, -1, sched_now_ns() + REMAP_NS);
	excuse_until(EXCUSE_CLOSE, -1, sched_now_ns() + REMAP_NS);
	if (proc_parse(&next, &opts, &c)) {
		trace("srptd: no memory for the new configuration");
		return;
	}
	trace("srptd: reads its configuration anew");
	deeds_moment(MOMENT_RELOAD);
	excuse_hold(EXCUSE_REMAP, -1, false);
	note_admitted(); /* until now */
	cfg = next;
	setup_apply(&d, c);
	look_at_units();
	if (d.cfg == before)
		cfg = old; /* there was no memory, and nothing has changed */
	else
		check_remapped(&old);
}

void proc_reload(const struct proc_config *c)
{
	next = *c;
	if (state == RUNNING)
		proc_ask(do_reload);
	else if (state != STOPPING && state != LINGERING)
		cfg = next;
}

/* --- the end --- */

#define MAY_STAY (BIT(EXCUSE_NET) | BIT(EXCUSE_DIED) | BIT(EXCUSE_MEMORY) | BIT(EXCUSE_SLOW))

static void stopped(struct worker *w, struct worker_msg *m)
{
	(void)w;
	(void)m;
	n_stopped++;
}

static void linger_over(struct worker *w, struct worker_timer *t)
{
	(void)w;
	(void)t;
	for (unsigned i = opts.n_workers; i-- > 0;) {
		stop_msg[i].run = stopped;
		worker_post(workers[i], &stop_msg[i]);
	}
}

static void logged_out(void *ctx)
{
	(void)ctx;
	trace("srptd: everybody is logged out");
	if (sched_now_ns() - stop_ns >= force_ns && !excused_disks(stop_tick) &&
	    !excused_any(MAY_STAY, -1, stop_tick))
		fail_now("SIGTERM: the hosts had to be forced out, for no reason");
	state = LINGERING;
	n_stopped = 0;
	tgt_close(d.tgt);
	worker_timer_init(&linger, linger_over);
	if (worker_timer_start(workers[0], &linger, worker_now_ns(workers[0]) + DAEMON_LINGER_NS))
		linger_over(workers[0], &linger);
}

static void do_term(void)
{
	if (state != RUNNING)
		return;
	told_to_end = false;
	trace("srptd: SIGTERM");
	stop_tick = sched_tick();
	deeds_moment(MOMENT_TERM);
	state = STOPPING;
	stop_ns = sched_now_ns();
	excuse_hold(EXCUSE_CLOSE, -1, true);
	tgt_shutdown(d.tgt, worker_now_ns(workers[0]) + force_ns, logged_out, NULL);
}

void proc_term(uint64_t after_ns)
{
	force_ns = after_ns;
	told_to_end = true;
	proc_ask(do_term);
}

bool proc_has_ended(void)
{
	if (state == LINGERING && n_stopped == opts.n_workers) {
		for (unsigned i = 0; i < opts.n_workers; i++) {
			if (!worker_busy(workers[i]))
				continue;
			/* What nobody waits for comes late over a worker that was held up, and is forgotten; a device
			 * that is being closed, say. Here it is let come, since it would not be. */
			if (asked() || excused(EXCUSE_SLOW, -1, stop_tick))
				return false;
			fail_now("worker %u: %s when the daemon ends", i, worker_busy(workers[i]));
		}
		teardown();
		note_down(true);
		state = ENDED;
		trace("srptd: has ended");
		check_all_gone("after an orderly end");
	}
	return state == ENDED;
}

static void died(struct host *h)
{
	host_target_died(h);
}

void proc_kill(bool power)
{
	trace("srptd: is killed%s", power ? ", with its machine" : "");
	check_ua_dies();
	operator_hook_abandon();
	note_down(true);
	fabric_crash(fab);
	for (unsigned i = 0; i < opts.n_workers; i++)
		worker_crash(workers[i]);
	disk_crash();
	store_crash();
	spy_reset();
	host_each(died);
	if (power)
		disk_power_cut();
	heap_drop();
	memset(&d, 0, sizeof(d));
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i].posted = false;
	told_to_end = false;
	reporting = false;
	state = OFF;
}

static void reported(void *ctx, const struct tgt_report *r)
{
	(void)ctx;
	trace("srptd: reports %u channels", r->n_chans);
	if (report_at_rest) {
		check_credits(r);
		check_target_at_rest(d.tgt);
	}
	reporting = false;
}

static void do_report(void)
{
	if (state != RUNNING || tgt_report(d.tgt, reported, NULL))
		reporting = false;
}

void proc_report(bool at_rest)
{
	if (reporting || state != RUNNING)
		return;
	reporting = true;
	report_at_rest = at_rest;
	proc_ask(do_report);
}

bool proc_reported(void)
{
	return !reporting;
}

bool proc_runs(void)
{
	return state == RUNNING && !told_to_end;
}

bool proc_is_stopping(void)
{
	return told_to_end || state == STOPPING || state == LINGERING;
}

bool proc_is_there(void)
{
	return state == RUNNING || state == STOPPING || state == LINGERING;
}

bool proc_ends(void)
{
	return state == STOPPING || state == LINGERING;
}

struct tgt_unit *proc_unit(unsigned disk)
{
	const struct list *pos;

	list_for_each (pos, &d.devices) {
		const struct ddevice *dev = list_entry(pos, struct ddevice, node);

		if (dev->name[0] == 'd' && dev->name[1] == (char)('0' + disk))
			return dev->unit;
	}
	return NULL;
}

bool proc_is_units(const struct backend_io *io)
{
	const struct list *pos;

	list_for_each (pos, &d.tgt->units)
		if (&list_entry(pos, const struct tgt_unit, node)->erase.io == io ||
		    &list_entry(pos, const struct tgt_unit, node)->suspend.io == io)
			return true;
	return false;
}

static void look_at_unit(const struct scsi_lu *lu, int disk)
{
	check_erase_look(lu, disk);
	check_size_look(lu, disk);
}

bool proc_has_given_up(const struct backend *b)
{
	const struct list *pos;
	uint64_t n = 0;

	list_for_each (pos, &d.tgt->units) {
		const struct tgt_unit *u = list_entry(pos, const struct tgt_unit, node);

		/* A unit that is only copied from goes on. */
		for (unsigned i = 0; u->backend == b && u->lu.fenced && i < opts.n_workers; i++)
			n += u->tasks[i].orphans;
	}
	return n;
}

static void look_at_disks(void)
{
	const struct list *pos;

	list_for_each (pos, &d.devices) {
		const struct ddevice *dev = list_entry(pos, struct ddevice, node);

		if (dev->name[0] == 'd')
			look_at_unit(tgt_unit_lu(dev->unit), dev->name[1] - '0');
	}
}

static void look_at_suspended(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		struct tgt_unit *u = proc_unit(i);

		if (u)
			check_suspend_look(i, tgt_unit_lu(u));
	}
}

void proc_look(void)
{
	if (state == RUNNING) {
		look_at_disks();
		look_at_suspended();
	}
	if (state == RUNNING || state == STOPPING)
		check_target(d.tgt);
}

uint64_t proc_denied_ns(unsigned host)
{
	return proc_admits(host) ? 0 : sched_now_ns() - admitted_ns[host];
}

unsigned proc_n_starts(void)
{
	return n_starts;
}

unsigned proc_n_chans(void)
{
	return d.tgt ? tgt_n_chans(d.tgt) : 0;
}

/* --- what is known of it --- */

const struct daemon *proc_daemon(void)
{
	return state == RUNNING ? &d : NULL;
}

const struct proc_config *proc_config(void)
{
	return &cfg;
}

struct worker *proc_worker(unsigned i)
{
	return workers[i];
}

unsigned proc_n_workers(void)
{
	return opts.n_workers;
}

void proc_address(struct sockaddr_storage *ret, struct srp_port_id *ret_id)
{
	struct sockaddr_in *in = (void *)ret;

	*ret = (struct sockaddr_storage){ 0 };
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(0x0a000001);
	in->sin_port = htons(PROC_PORT);
	put_be64(ret_id->ext, PROC_ID_EXT);
	put_be64(ret_id->guid, PROC_IOC_GUID);
}

void proc_host_id(unsigned host, struct srp_port_id *ret)
{
	put_be64(ret->ext, HOST_ID_EXT | (host + 1));
	/* The last has no GUID, as hosts with soft iWARP have none. */
	put_be64(ret->guid, host == HOSTS_MAX - 1 ? 0 : HOST_GUID | host);
}

unsigned proc_n_luns(void)
{
	return cfg.n_disks;
}

bool proc_admits(unsigned host)
{
	return cfg.enabled && !(cfg.denied & BIT(host));
}

bool proc_lun_mapped(unsigned host, int lun)
{
	return lun >= 0 && (unsigned)lun < cfg.n_disks && !cfg.hidden[lun] && !cfg.closed[lun] &&
	       !(cfg.denied & BIT(host));
}

bool proc_lun_read_only(int lun)
{
	return cfg.ro[lun];
}

unsigned proc_n_mapped(unsigned host)
{
	unsigned n = 0;

	for (unsigned i = 0; i < cfg.n_disks; i++)
		n += proc_lun_mapped(host, (int)i);
	return n;
}

uint64_t proc_lun_blocks(int disk)
{
	return disk_params_of((unsigned)disk)->size_bytes / proc_lun_block_bytes(disk);
}

uint32_t proc_lun_block_bytes(int disk)
{
	return disk_params_of((unsigned)disk)->block_bytes;
}

bool proc_lun_unmaps(int disk)
{
	return cfg.thin[disk] && disk_params_of((unsigned)disk)->unmap_grain;
}

/* --- making it --- */

void proc_init(struct fab *f, const struct proc_opts *o, const struct proc_config *c)
{
	fab = f;
	opts = *o;
	cfg = *c;
	state = OFF;
	note_down(true);
	for (unsigned i = 0; i < o->n_workers; i++)
		check(worker_new(&workers[i], i, NULL) == 0);
}

void proc_free(void)
{
	check(state == OFF || state == ENDED);
	for (unsigned i = 0; i < opts.n_workers; i++)
		workers[i] = worker_free(workers[i]);
}
