/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptd: options, start, reload, stop. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"

#define START_TRIES    20u
#define START_PAUSE_US 50000u
#define UNWIND_ROUNDS  4u
#define DEMO_SOCKET    "/tmp/srptd-demo.sock"

enum {
	EXIT_OK,
	EXIT_FAILED,
	EXIT_USAGE
};

struct options {
	const char *config;
	const char *control_socket;
	bool demo;
	bool check;
	bool debug;
};

static void help(void)
{
	printf("srptd - SRP storage target: exports disks to hosts over RDMA, here user-space "
	       "iWARP over TCP\n"
	       "\n"
	       "usage: srptd --demo                 a 256 MiB RAM disk and a null disk on "
	       "127.0.0.1:%u\n"
	       "       srptd -c FILE                serve what FILE says (srptd.conf(5))\n"
	       "       srptd --check -c FILE        say what is wrong with FILE, change nothing\n"
	       "\n"
	       "  -c, --config FILE          configuration, in the grammar of scst.conf\n"
	       "      --check                only check the configuration\n"
	       "      --demo                 no configuration: RAM disk as LUN 0, null disk as LUN "
	       "1\n"
	       "      --control-socket PATH  instead of the configured one; srptctl --socket PATH "
	       "asks it\n"
	       "      --access-state DEVICE_GROUP/TARGET_GROUP=STATE\n"
	       "                             begin with this access state, whatever was kept\n"
	       "      --debug                also log what is of interest to developers\n"
	       "      --version, --help\n"
	       "\n"
	       "SIGTERM logs every initiator out and ends; SIGHUP reads FILE again; SIGUSR2 goes "
	       "over "
	       "to the\n"
	       "installed srptd.\n"
	       "Exit status: 0 ended as asked, 1 failed or wrong configuration, 2 wrong usage.\n"
	       "Try: srptd --demo & srp ls srp://127.0.0.1:%u\n",
	       CONFIG_DEFAULT_PORT, CONFIG_DEFAULT_PORT);
}

static void print_errors(const struct config_errors *errs)
{
	char text[600];

	for (unsigned i = 0; i < errs->n; i++) {
		config_error_format(errs, i, text, sizeof(text));
		(void)fprintf(stderr, "srptd: %s\n", text);
	}
	if (errs->n_omitted)
		(void)fprintf(stderr, "srptd: and %u errors more\n", errs->n_omitted);
}

static int load(struct config **ret, const struct options *o)
{
	struct config_errors errs;
	int r;

	if (o->demo)
		return config_demo(ret);
	r = config_load_file(ret, o->config, &errs);
	if (r)
		print_errors(&errs);
	return r;
}

/* --- signals --- */

static void stop_workers(struct worker *w, struct worker_timer *t)
{
	struct daemon *d = container_of(t, struct daemon, linger);

	(void)w;
	for (unsigned i = d->n_workers; i-- > 0;)
		worker_stop(d->workers[i]);
}

/* What was closed last is given back in the rounds that follow, so the workers run on for a moment. */
static void logged_out(void *ctx)
{
	struct daemon *d = ctx;

	log_info("every initiator is logged out, ending");
	if (d->upgrade.going)
		d->upgrade.state_fd = state_save(d);
	tgt_close(d->tgt);
	upgrade_abandon(d);
	d->ctl = ctl_server_free(d->ctl);
	worker_timer_stop(d->workers[0], &d->end);
	worker_timer_init(&d->linger, stop_workers);
	if (worker_timer_start(d->workers[0], &d->linger,
			       worker_now_ns(d->workers[0]) + DAEMON_LINGER_NS))
		stop_workers(d->workers[0], &d->linger);
}

/* Something does not end at all. The kernel keeps what is left of the process for as long as an I/O of it is under way. */
static void not_ended(struct worker *w, struct worker_timer *t)
{
	char why[128];

	(void)w;
	tgt_waits_for(container_of(t, struct daemon, end)->tgt, why, sizeof(why));
	log_error("not ended %u s after it was asked for: waiting for %s; ending without that",
		  (unsigned)(DAEMON_END_NS / NSEC_PER_SEC), why);
	_exit(1);
}

void daemon_stop(struct daemon *d, uint64_t drain_ns)
{
	d->stopping = true;
	worker_timer_init(&d->end, not_ended);
	if (worker_timer_start(d->workers[0], &d->end,
			       worker_now_ns(d->workers[0]) + DAEMON_END_NS))
		log_warn("no timer for the deadline of the end, waiting without one");
	tgt_shutdown(d->tgt, worker_now_ns(d->workers[0]) + drain_ns, logged_out, d);
}

static void stop_signal(struct daemon *d, unsigned number)
{
	if (d->stopping) {
		/* What an upgrade began goes on to the end, but nobody takes over. */
		if (d->upgrade.going)
			log_info("signal %u: ending instead of upgrading", number);
		d->upgrade.going = false;
		return;
	}
	notify("STOPPING=1");
	log_info("signal %u: logging out %u channels", number, tgt_n_chans(d->tgt));
	daemon_stop(d, DAEMON_DRAIN_NS);
}

static void signals_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	struct daemon *d = container_of(p, struct daemon, signals);
	struct signalfd_siginfo info;

	(void)w;
	(void)revents;
	while (read(p->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGUSR2)
			upgrade_start(d, NULL);
		else if (info.ssi_signo != SIGHUP)
			stop_signal(d, info.ssi_signo);
		else if (!d->stopping) /* what it would make nobody would end */
			reload(d, NULL);
	}
}

static int signals_start(struct daemon *d)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR2);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	d->signals = (struct worker_poll){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
					   .events = POLLIN,
					   .ready = signals_ready };
	if (d->signals.fd < 0)
		return -errno;
	worker_poll_start(d->workers[0], &d->signals);
	return 0;
}

/* --- start --- */

/* Two do what may block, so that no other worker has to. */
static int make_helpers(struct daemon *d)
{
	static const struct worker_opts help = { .name = "srptd-help" };
	static const struct worker_opts stores = { .name = "srptd-store" };
	int r = worker_new(&d->helper, d->n_workers, &help);

	if (!r)
		r = worker_new(&d->stores, d->n_workers + 1, &stores);
	if (r)
		log_error("cannot make a worker: %s", strerror(-r));
	return r;
}

static int make_workers(struct daemon *d)
{
	struct worker_opts o = { .name = "srptd",
				 .poll_us = d->cfg->opts.poll_us,
				 /* two for each channel, one for each connection, and the rest */
				 .n_timers = 3 * d->cfg->opts.max_conns + 4096 };
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = d->cfg->opts.workers;

	if (!n)
		n = online < 1 ? 1 : online > 8 ? 8 : (unsigned)online;
	for (; d->n_workers < n; d->n_workers++) {
		int r = worker_new(&d->workers[d->n_workers], d->n_workers, &o);

		if (r) {
			log_error("cannot make a worker: %s; srptd needs io_uring (Linux 6.1 or "
				  "newer, and not "
				  "disabled by kernel.io_uring_disabled or a container's seccomp "
				  "filter)",
				  strerror(-r));
			return r;
		}
	}
	return make_helpers(d);
}

#define LOGIN_BURST 64u /* one host with all its channels at once */

static int make_target(struct daemon *d)
{
	const struct config_options *c = &d->cfg->opts;
	struct tgt_opts to = { .workers = d->workers,
			       .n_workers = d->n_workers,
			       .helper = d->helper,
			       .stores = d->stores,
			       .logins_per_s = c->logins_per_s,
			       .watch_ns = c->store_poll_s * NSEC_PER_SEC,
			       .last_relative_id = state_last_relative_id(d),
			       .login_burst = c->logins_per_s > LOGIN_BURST ? c->logins_per_s
									    : LOGIN_BURST };
	int r = fabrics_new(d);

	to.fab = d->fab;
	if (!r)
		r = tgt_new(&d->tgt, &to);
	if (r)
		log_error("cannot make the target: %s", strerror(-r));
	return r;
}

/* The directory of the default socket is ours to make; any other must exist. */
static int make_control(struct daemon *d)
{
	const char *path = d->cfg->opts.control_socket;
	int r;

	if (!strcmp(path, CONFIG_CONTROL_SOCKET))
		(void)mkdir("/run/srptd", 0755);
	/* A daemon that was killed may need a moment until its sockets are gone. */
	for (unsigned i = 0; i < START_TRIES; i++) {
		r = ctl_server_new(&d->ctl, d->workers[0], path, daemon_methods, daemon_n_methods,
				   d);
		if (r != -EADDRINUSE)
			break;
		(void)usleep(START_PAUSE_US);
	}
	if (r == -EADDRINUSE)
		log_error("control socket %s: another srptd answers on it; stop it, or give this "
			  "one another "
			  "control_socket",
			  path);
	else if (r)
		log_error("control socket %s: %s", path, strerror(-r));
	return r;
}

static void raise_fd_limit(void)
{
	struct rlimit l;

	if (!getrlimit(RLIMIT_NOFILE, &l) && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

static void announce(const struct daemon *d)
{
	char line[160];

	for (unsigned i = 0; i < d->cfg->n_targets; i++) {
		const struct config_target *t = &d->cfg->targets[i];

		for (unsigned k = 0; t->enabled && k < t->n_listens; k++) {
			config_login_line(t, &t->listens[k], line, sizeof(line));
			log_info("target %s: a Linux host logs in with: echo %s > "
				 "/sys/class/infiniband_srp/srp-DEVICE-1/add_target",
				 t->name, line);
		}
	}
	if (!d->config_path) {
		log_info("try: srp ls srp://127.0.0.1:%u", CONFIG_DEFAULT_PORT);
		log_info("try: srp bench srp://127.0.0.1:%u/0 --rw randread --bs 4k --qd 32 --secs "
			 "5",
			 CONFIG_DEFAULT_PORT);
		log_info("try: srptctl --socket %s session list", d->cfg->opts.control_socket);
	}
	log_info("srptd %s: %u workers, ready", SRPTD_VERSION, d->n_workers);
}

/* The start failed before any worker ran: what was made is given back by a few rounds on this thread. */
static void unwind(struct daemon *d)
{
	d->ctl = ctl_server_free(d->ctl);
	if (d->tgt)
		tgt_close(d->tgt);
	for (unsigned i = 0; i < d->n_workers * UNWIND_ROUNDS; i++)
		(void)worker_run_once(d->workers[i % d->n_workers], NSEC_PER_MSEC);
}

static int start_helpers(struct daemon *d)
{
	int r = worker_start(d->helper);

	if (r)
		return r;
	r = worker_start(d->stores);
	if (r) {
		worker_stop(d->helper);
		worker_join(d->helper);
	}
	return r;
}

static void stop_helpers(struct daemon *d)
{
	worker_stop(d->stores);
	worker_stop(d->helper);
	worker_join(d->stores);
	worker_join(d->helper);
}

static int serve(struct daemon *d)
{
	unsigned started = 0;
	bool helps = false;
	int r = make_workers(d);

	raise_fd_limit();
	if (!r)
		r = make_target(d);
	if (!r)
		r = make_control(d);
	if (!r)
		r = watcher_new(&d->watcher, d->workers[0]);
	if (!r)
		r = setup_all(d);
	if (!r)
		state_restore_units(d);
	state_free(d);
	if (d->sockets.n)
		log_warn("%u sockets were handed to us that no target listens on, closing them",
			 d->sockets.n);
	sockets_close(&d->sockets);
	if (!r)
		r = signals_start(d);
	if (!r)
		announce(d);
	if (!r) {
		r = start_helpers(d);
		helps = !r;
	}
	while (!r && started < d->n_workers) {
		r = worker_start(d->workers[started]);
		if (r)
			log_error("cannot start a worker: %s", strerror(-r));
		else
			started++;
	}
	if (!r)
		notify("READY=1");
	else
		for (unsigned i = started; i-- > 0;)
			worker_stop(d->workers[i]);
	for (unsigned i = started; i-- > 0;)
		worker_join(d->workers[i]);
	/* Last: who is told to end has nothing under way that it helps with. */
	if (helps)
		stop_helpers(d);
	if (!started)
		unwind(d);
	return r;
}

static void teardown(struct daemon *d)
{
	stpg_abandon(d);
	setup_free(d);
	d->tgt = tgt_free(d->tgt);
	remotes_free(d);
	if (d->fab)
		d->fab->ops->free(d->fab);
	for (unsigned i = 0; i < d->n_workers; i++)
		d->workers[i] = worker_free(d->workers[i]);
	d->helper = worker_free(d->helper);
	d->stores = worker_free(d->stores);
	d->watcher = watcher_free(d->watcher);
	if (d->signals.fd > 0)
		(void)close(d->signals.fd);
	d->cfg = config_free(d->cfg);
}

static int parse(struct daemon *d, struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "control-socket", required_argument, NULL, 's' },
		{ "access-state", required_argument, NULL, 'a' },
		{ "check", no_argument, NULL, 'k' },
		{ "demo", no_argument, NULL, 'd' },
		{ "debug", no_argument, NULL, 'D' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 's':
			o->control_socket = optarg;
			break;
		case 'a':
			if (access_add(d, optarg))
				return -EINVAL;
			break;
		case 'k':
			o->check = true;
			break;
		case 'd':
			o->demo = true;
			break;
		case 'D':
			o->debug = true;
			break;
		case 'V':
			printf("srptd %s\ntransports: %s\n", SRPTD_VERSION, fabrics_built);
			exit(EXIT_OK);
		case 'h':
			help();
			exit(EXIT_OK);
		default:
			return -EINVAL;
		}
	}
	if (optind == argc && o->demo != (o->config != NULL) && !(o->check && o->demo))
		return 0;
	(void)fprintf(
		stderr,
		"srptd: give either --demo or -c FILE, and nothing else; --help tells more\n");
	return -EINVAL;
}

/* Only a failure comes back. */
static int become_next(struct daemon *d, char **argv)
{
	int r;

	log_info("upgrade: %s takes over", d->program);
	if (d->upgrade.state_fd < 0)
		log_error("upgrade: the state could not be saved, reservations are lost");
	r = sockets_exec(&d->sockets, d->upgrade.state_fd, d->program, argv);
	log_error("upgrade: %s: %s", d->program, strerror(-r));
	return r;
}

int main(int argc, char **argv)
{
	struct daemon d = { 0 };
	struct options o = { 0 };
	int r;

	if (parse(&d, &o, argc, argv))
		return EXIT_USAGE;
	list_init(&d.devices);
	list_init(&d.ports);
	list_init(&d.groups);
	list_init(&d.stpgs);
	d.stpg_run = stpg_run;
	d.remote_new = remotes_new;
	d.config_path = o.config;
	d.started_ns = worker_clock_ns();
	if (upgrade_find_program(&d))
		log_warn("cannot tell what program this is, it cannot be upgraded");
	state_load(&d, sockets_inherit(&d.sockets));
	if (load(&d.cfg, &o))
		return EXIT_FAILED;
	if (o.check) {
		printf("%s: no errors: %u devices, %u targets\n", o.config, d.cfg->n_devices,
		       d.cfg->n_targets);
		d.cfg = config_free(d.cfg);
		return EXIT_OK;
	}
	log_set_level(o.debug ? LOG_DEBUG : d.cfg->opts.log_level);
	d.control_socket = o.control_socket || !o.demo ? o.control_socket : DEMO_SOCKET;
	reload_overrule(&d, d.cfg);
	r = serve(&d);
	teardown(&d);
	if (!r && d.upgrade.going)
		r = become_next(&d, argv);
	sockets_close(&d.sockets);
	return r ? EXIT_FAILED : EXIT_OK;
}
