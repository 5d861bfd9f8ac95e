/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/proc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/check.h"
#include "base/cur.h"
#include "daemon/daemon.h"
#include "sim/check.h"
#include "sim/deeds.h"
#include "sim/dice.h"
#include "sim/disk.h"
#include "sim/fabric.h"
#include "sim/hcmd.h"
#include "sim/heap.h"
#include "sim/proc_text.h"
#include "sim/sched.h"
#include "sim/spy.h"
#include "sim/store.h"
#include "sim/worker.h"
#include "sim/world.h"
#include "target/internal.h"

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
#define HOOK_NS \
	(300 * NSEC_PER_MSEC)  /* the program of SET TARGET PORT GROUPS takes up to so long */
#define CLOSED_NS NSEC_PER_SEC /* until the channels of a target that was disabled are told */

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
static uint64_t disabled_ns;            /* when the first target was disabled last */
static unsigned n_stopped;
static unsigned n_starts;
static bool reporting;
static bool report_at_rest;
static struct worker_timer linger;
static struct worker_msg stop_msg[PROC_WORKERS_MAX];
static struct call calls[9];

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

static void hook_abandon(void);

static void teardown(void)
{
	hook_abandon();
	setup_free(&d);
	d.tgt = tgt_free(d.tgt);
	d.cfg = config_free(d.cfg);
}

static void hook_run(void *ctx, const struct tgt_alua_ask *asked, tgt_alua_done_fn *done,
		     void *arg);

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
	d.stpg_run = hook_run;
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

static void ask(void (*fn)(void))
{
	struct call *c = calls;

	/* Nobody is there, or somebody who does not listen any more. */
	if (state != RUNNING && state != STOPPING)
		return;
	while (c->posted && c->fn != fn)
		c++;
	check(c < calls + ARRAY_SIZE(calls));
	if (c->posted)
		return;
	c->posted = true;
	c->fn = fn;
	c->msg.run = call_run;
	worker_post(workers[0], &c->msg);
}

static void note_admitted(void)
{
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		if (proc_admits(i))
			admitted_ns[i] = sched_now_ns();
}

/* --- access states --- */

static uint8_t access_wanted;
static struct {
	struct sched_ev ev;
	tgt_alua_done_fn *done; /* NULL: none runs */
	void *arg;
} hook;

static void access_told(void *ctx, int result)
{
	trace("srptd: the access state is set, %d", result);
	if (!result)
		check_access_answered(*(uint64_t *)ctx);
}

static void do_access(void)
{
	static uint64_t version;
	struct scsi_tpg_want want = { CHECK_ACCESS_NEAR, access_wanted };

	if (state != RUNNING || list_empty(&d.groups))
		return;
	trace("srptd: an operator sets the access state to %u", access_wanted);
	/* Of several that are under way the newest is what is told last. */
	if (tgt_alua_set(list_entry(d.groups.next, struct dgroup, node)->alua, &want, 1,
			 access_told, &version))
		trace("srptd: no memory to tell of it");
	version = check_access_newest();
}

void proc_access(uint8_t to)
{
	access_wanted = to;
	ask(do_access);
}

static void do_hook(void)
{
	tgt_alua_done_fn *done = hook.done;

	hook.done = NULL;
	if (done)
		done(hook.arg, dice_below(4) ? 0 : -EIO);
}

static void on_hook(struct sched_ev *e)
{
	(void)e;
	ask(do_hook);
}

/* The program of DEVICE_GROUP: it takes its time, and may fail. */
static void hook_run(void *ctx, const struct tgt_alua_ask *asked, tgt_alua_done_fn *done, void *arg)
{
	(void)ctx;
	(void)asked;
	check(!hook.done);
	hook.done = done;
	hook.arg = arg;
	hook.ev.run = on_hook;
	sched_in(&hook.ev, dice_log(1000, HOOK_NS));
}

static void hook_abandon(void)
{
	sched_cancel(&hook.ev);
	hook.done = NULL;
}

/* --- media --- */

static struct {
	unsigned disk;
	bool in;
} medium_wanted;

/* One answer to an operator: of disk @disk. */
struct medium_answer {
	unsigned disk;
	uint64_t version;
};

static void medium_told(void *ctx)
{
	const struct medium_answer *a = ctx;

	trace("srptd: the medium of disk %u has moved", a->disk);
	check_medium_answered((int)a->disk, a->version);
}

static struct tgt_unit *unit_of(unsigned disk)
{
	const struct list *pos;

	list_for_each (pos, &d.devices) {
		const struct ddevice *dev = list_entry(pos, struct ddevice, node);

		if (dev->name[0] == 'd' && dev->name[1] == (char)('0' + disk))
			return dev->unit;
	}
	return NULL;
}

static void do_medium(void)
{
	static struct medium_answer answers[16]; /* more are never under way */
	static unsigned n;
	struct tgt_unit *u = unit_of(medium_wanted.disk);
	struct medium_answer *a = &answers[n++ % ARRAY_SIZE(answers)];
	int r;

	if (state != RUNNING || !u)
		return;
	a->disk = medium_wanted.disk;
	r = medium_wanted.in ? tgt_unit_insert(u, medium_told, a)
			     : tgt_unit_eject(u, medium_told, a);
	trace("srptd: an operator moves the medium of disk %u %s, %d", a->disk,
	      medium_wanted.in ? "in" : "out", r);
	a->version = check_medium_moved((int)a->disk);
}

static void do_tell(void)
{
	if (state == RUNNING)
		disk_tell();
}

void proc_tell(void)
{
	ask(do_tell);
}

void proc_medium(unsigned disk, bool in)
{
	medium_wanted.disk = disk;
	medium_wanted.in = in;
	ask(do_medium);
}

/* --- faults on demand --- */

static struct {
	unsigned disk;
	struct fault_spec spec;
} fault_wanted;

static void fault_told(void *ctx, uint32_t id)
{
	(void)ctx;
	trace("srptd: fault %u is in force", id);
}

/* Who meets one is excused. What is delayed may hold others up; what is lost holds up nobody. */
static void excuse_hit(const struct fault_spec *f)
{
	for (unsigned i = 0; i < DISKS_MAX; i++)
		if (f->unit && unit_of(i) == f->unit)
			excuse_until(EXCUSE_DISK, (int)i, sched_now_ns() + f->delay_ns);
	if (f->kind == FAULT_DROP)
		excuse(EXCUSE_NET, -1);
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming): the linker's names */
struct fault *__real_faults_strike(struct faults *s, const struct fault_event *ev);
struct fault *__wrap_faults_strike(struct faults *s, const struct fault_event *ev);

struct fault *__wrap_faults_strike(struct faults *s, const struct fault_event *ev)
{
	struct fault *f = __real_faults_strike(s, ev);

	if (f)
		excuse_hit(&f->spec);
	return f;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming) */

static void do_fault(void)
{
	struct fault_spec f = fault_wanted.spec;

	f.unit = unit_of(fault_wanted.disk);
	if (state != RUNNING || !f.unit)
		return;
	trace("srptd: an operator asks for %s at disk %u", fault_kind_name(f.kind),
	      fault_wanted.disk);
	if (tgt_fault_add(d.tgt, &f, fault_told, NULL))
		trace("srptd: it cannot");
}

void proc_fault(unsigned disk, const struct fault_spec *spec)
{
	fault_wanted.disk = disk;
	fault_wanted.spec = *spec;
	ask(do_fault);
}

/* --- suspending --- */

static struct {
	unsigned disk;
	uint64_t deadline_ns;
	uint64_t for_ns;
} suspend_wanted;
static unsigned
	resume_wanted; /* disk; who asks for one may ask for the other in the same instant */

static void suspend_told(void *ctx, int result)
{
	const unsigned *disk = ctx;

	trace("srptd: disk %u is suspended, %d", *disk, result);
	check_suspend_told(*disk, result);
}

static void do_suspend(void)
{
	static unsigned asker[DISKS_MAX];
	unsigned disk = suspend_wanted.disk;
	uint64_t most = suspend_wanted.for_ns;
	uint64_t until_ns = most ? sched_now_ns() + most : UINT64_MAX;
	struct tgt_unit *u = unit_of(disk);
	const struct scsi_lu *lu;
	int r;

	if (state != RUNNING || !u)
		return;
	lu = tgt_unit_lu(u);
	asker[disk] = disk;
	if (lu->suspend == SCSI_SUSPEND_SERVING)
		check_suspend_asked(disk, sched_now_ns() + suspend_wanted.deadline_ns, until_ns);
	r = tgt_unit_suspend(u, suspend_wanted.deadline_ns, most, suspend_told, &asker[disk]);
	trace("srptd: an operator suspends disk %u, %d", disk, r);
	if (r == SCSI_SUSPEND_E_ALREADY)
		check_suspend_longer(disk, until_ns);
	else if (r && r != SCSI_SUSPEND_E_UNDER_WAY)
		check_suspend_reset_one(disk);
}

static void do_resume(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		struct tgt_unit *u = resume_wanted & BIT(i) ? unit_of(i) : NULL;

		if (state != RUNNING || !u)
			continue;
		trace("srptd: an operator resumes disk %u", i);
		check_suspend_over(i);
		(void)tgt_unit_resume(u);
	}
	resume_wanted = 0;
}

void proc_suspend(unsigned disk, uint64_t deadline_ns, uint64_t for_ns)
{
	suspend_wanted.disk = disk;
	suspend_wanted.deadline_ns = deadline_ns;
	suspend_wanted.for_ns = for_ns;
	ask(do_suspend);
}

void proc_resume(unsigned disk)
{
	resume_wanted |= BIT(disk);
	ask(do_resume);
}

static void look_at_suspended(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		struct tgt_unit *u = unit_of(i);

		if (u)
			check_suspend_look(i, tgt_unit_lu(u));
	}
}

/* Something that was asked for is still to be heard, if only to be ignored. */
static bool asked(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].posted)
			return true;
	return false;
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
		ask(do_reload);
	else if (state != STOPPING && state != LINGERING)
		cfg = next;
}

static struct tgt_port *first_port(void)
{
	return list_empty(&d.ports) ? NULL : list_entry(d.ports.next, struct dport, node)->port;
}

static void do_disable(void)
{
	disabled_ns = sched_now_ns();
	if (state != RUNNING || !first_port())
		return;
	trace("srptd: the first target is disabled");
	excuse_hold(EXCUSE_CLOSE, -1, true);
	tgt_port_disable(first_port());
}

static void do_enable(void)
{
	/* A reload may have enabled it before, and logins that others give way to may be going on. */
	if (state == RUNNING && first_port() && !tgt_port_info(first_port()).enabled &&
	    sched_now_ns() - disabled_ns > CLOSED_NS && !excused(EXCUSE_SLOW, -1, UINT64_MAX))
		check_target_closed(d.tgt);
	if (state != RUNNING || !first_port() || !cfg.enabled)
		return;
	trace("srptd: the first target is enabled");
	tgt_port_enable(first_port());
}

void proc_disable(void)
{
	ask(do_disable);
}

void proc_enable(void)
{
	if (state == RUNNING)
		excuse_hold(EXCUSE_CLOSE, -1, false);
	ask(do_enable);
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
	ask(do_term);
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
	hook_abandon();
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
	ask(do_report);
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
