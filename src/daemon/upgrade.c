/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A planned restart: another program takes this process over (docs/design/0016-upgrade.md). First the new program
 * checks the configuration, and when it is content every initiator is logged out, with the listening sockets
 * left open; main() then becomes the new program.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"

#define CHECK_NS \
	(10 * NSEC_PER_SEC) /* how long the new program may take to check the configuration */

extern char **environ;

/* Say why there is no upgrade: in the log, and to who asked by the control socket. */
__attribute__((format(printf, 3, 4))) static void upgrade_refuse(struct ctl_call *call, int code,
								 const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("no upgrade: %s", text);
	if (call)
		ctl_fail(call, code, "%s", text);
}

/* The first RAM disk; its data would be lost. */
static const char *ram_disk(const struct config *c)
{
	for (unsigned i = 0; i < c->n_devices; i++)
		if (c->devices[i].handler == CONFIG_RAM)
			return c->devices[i].name;
	return NULL;
}

/* Start "PROGRAM --check -c FILE". Signals that we have blocked are not to be blocked there. */
static int check_spawn(const struct daemon *d, pid_t *ret)
{
	char *argv[] = { (char *)d->program, "--check", "-c", (char *)d->config_path, NULL };
	posix_spawnattr_t attr;
	sigset_t none;
	int r = posix_spawnattr_init(&attr);

	if (r)
		return -r;
	(void)sigemptyset(&none);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	r = posix_spawn(ret, d->program, NULL, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	return -r;
}

static void check_late(struct worker *w, struct worker_timer *t)
{
	const struct upgrade *u = container_of(t, struct upgrade, deadline);

	(void)w;
	log_error("upgrade: the new program does not finish its check");
	(void)kill(u->pid, SIGKILL);
}

static void check_stopped(struct worker *w, struct worker_poll *p)
{
	(void)w;
	(void)close(p->fd);
	p->fd = -1;
}

static void upgrade_begin(struct daemon *d, struct ctl_call *call)
{
	log_info("upgrade: %s agrees with %s, logging out %u channels", d->program, d->config_path,
		 tgt_n_chans(d->tgt));
	if (call)
		ctl_reply(call,
			  json_pack("{s:i,s:s}", "pid", (int)getpid(), "replaces", SRPTD_VERSION));
	notify("RELOADING=1");
	d->upgrade.going = true;
	d->sockets.keeping = true;
	daemon_stop(d, DAEMON_UPGRADE_NS);
}

static void check_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	struct upgrade *u = container_of(p, struct upgrade, poll);
	struct daemon *d = container_of(u, struct daemon, upgrade);
	struct ctl_call *call = u->call;
	int status = 0;

	(void)revents;
	if (waitpid(u->pid, &status, WNOHANG) == 0)
		return;
	worker_timer_stop(w, &u->deadline);
	worker_poll_stop(w, p);
	u->checking = false;
	u->call = NULL;
	if (d->stopping)
		upgrade_refuse(call, JSONRPC_BUSY, "srptd is stopping");
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		upgrade_refuse(call, JSONRPC_FAILED,
			       "%s does not agree with %s, the log says why; nothing has changed",
			       d->program, d->config_path);
	else
		upgrade_begin(d, call);
}

void upgrade_start(struct daemon *d, struct ctl_call *call)
{
	struct upgrade *u = &d->upgrade;
	const char *ram = d->config_path ? ram_disk(d->cfg) : NULL;
	int r;

	if (d->stopping || u->checking) {
		upgrade_refuse(call, JSONRPC_BUSY, "srptd is %s",
			       d->stopping ? "stopping" : "being upgraded");
		return;
	}
	if (!d->config_path || ram) {
		upgrade_refuse(call, JSONRPC_FAILED, "the data of RAM disk %s would be lost",
			       ram ? ram : "0 of the demo");
		return;
	}
	r = check_spawn(d, &u->pid);
	if (r) {
		upgrade_refuse(call, JSONRPC_FAILED, "cannot run %s: %s", d->program, strerror(-r));
		return;
	}
	u->poll = (struct worker_poll){ .fd = pidfd_open(u->pid, 0),
					.events = POLLIN,
					.ready = check_ready,
					.stopped = check_stopped };
	if (u->poll.fd < 0) {
		r = errno;
		(void)kill(u->pid, SIGKILL);
		(void)waitpid(u->pid, NULL, 0);
		upgrade_refuse(call, JSONRPC_FAILED, "cannot watch a process: %s", strerror(r));
		return;
	}
	u->checking = true;
	u->call = call;
	worker_timer_init(&u->deadline, check_late);
	worker_poll_start(d->workers[0], &u->poll);
	if (worker_timer_start(d->workers[0], &u->deadline,
			       worker_now_ns(d->workers[0]) + CHECK_NS))
		log_warn("upgrade: no timer for the check, waiting without one");
}

void upgrade_abandon(struct daemon *d)
{
	struct upgrade *u = &d->upgrade;

	if (!u->checking)
		return;
	u->checking = false;
	(void)kill(u->pid, SIGKILL);
	(void)waitpid(u->pid, NULL, 0);
	worker_timer_stop(d->workers[0], &u->deadline);
	worker_poll_stop(d->workers[0], &u->poll);
	upgrade_refuse(u->call, JSONRPC_BUSY, "srptd is stopping");
	u->call = NULL;
}

int upgrade_find_program(struct daemon *d)
{
	ssize_t n = readlink("/proc/self/exe", d->program, sizeof(d->program) - 1);

	if (n < 0)
		return -errno;
	d->program[n] = '\0';
	return 0;
}
