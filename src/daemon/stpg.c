/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The program that makes access states so when an initiator asks for them (on_stpg). It is started, watched and, when
 * its time is over, killed on the helper; the control worker only gives the order and hears how it went.
 *
 *   home: run --------------> helper: spawn, watch pidfd and clock
 *   home: done <------------- helper: reaped, both given back
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cur.h"
#include "base/log.h"
#include "daemon/daemon.h"

#define ARGS_MAX (2 + SCSI_TPG_MAX)
#define ENV_MAX  5u
#define TEXT_MAX 160u

extern char **environ;

/* One run. The fields below the line are the helper's while it runs. */
struct stpg {
	struct list node; /* on d->stpgs */
	struct daemon *d;
	tgt_alua_done_fn *done;
	void *arg;
	int result;
	struct worker_msg msg;
	/* --- */
	char *program;
	unsigned timeout_s;
	unsigned n_args; /* with the program's name */
	char args[ARGS_MAX][TEXT_MAX];
	char env[ENV_MAX][TEXT_MAX];
	pid_t pid; /* 0: it does not run */
	bool late;
	struct worker_poll poll;
	struct worker_timer deadline;
};

static void stpg_free(struct stpg *s)
{
	list_del(&s->node);
	free(s->program);
	free(s);
}

/* --- helper --- */

static void stpg_home(struct worker *w, struct worker_msg *m)
{
	struct stpg *s = container_of(m, struct stpg, msg);

	(void)w;
	s->done(s->arg, s->result);
	stpg_free(s);
}

static void stpg_end(struct stpg *s, int result)
{
	s->result = result;
	s->msg.run = stpg_home;
	worker_post(s->d->workers[0], &s->msg);
}

static void stpg_stopped(struct worker *w, struct worker_poll *p)
{
	struct stpg *s = container_of(p, struct stpg, poll);

	(void)w;
	(void)close(p->fd);
	stpg_end(s, s->result);
}

/* It and what it has started; they are a process group. */
static void stpg_kill(const struct stpg *s)
{
	(void)kill(-s->pid, SIGKILL);
}

static void stpg_late(struct worker *w, struct worker_timer *t)
{
	struct stpg *s = container_of(t, struct stpg, deadline);

	(void)w;
	s->late = true;
	stpg_kill(s);
}

static int stpg_result(const struct stpg *s, int status)
{
	if (s->late) {
		log_error("%s has not finished within %u s, killed", s->program, s->timeout_s);
		return -ETIMEDOUT;
	}
	if (WIFSIGNALED(status)) {
		log_error("%s was ended by signal %d", s->program, WTERMSIG(status));
		return -EIO;
	}
	if (WEXITSTATUS(status)) {
		log_error("%s ended with status %d", s->program, WEXITSTATUS(status));
		return -EIO;
	}
	return 0;
}

static void stpg_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	struct stpg *s = container_of(p, struct stpg, poll);
	int status = 0;

	(void)revents;
	if (waitpid(s->pid, &status, WNOHANG) == 0)
		return;
	s->result = stpg_result(s, status);
	s->pid = 0;
	worker_timer_stop(w, &s->deadline);
	worker_poll_stop(w, p);
}

/* What the program needs of our environment, and what it is told. */
static char **stpg_environ(struct stpg *s)
{
	size_t n = 0;
	char **env;

	while (environ[n])
		n++;
	env = calloc(n + ENV_MAX + 1, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++)
		env[i] = environ[i];
	for (size_t i = 0; i < ENV_MAX; i++)
		env[n + i] = s->env[i];
	return env;
}

static int stpg_spawn(struct stpg *s)
{
	char *argv[ARGS_MAX + 1] = { NULL };
	char **env = stpg_environ(s);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, pipe; /* to be blocked; that we ignore */
	int r;

	if (!env)
		return -ENOMEM;
	for (unsigned i = 0; i < s->n_args; i++)
		argv[i] = s->args[i];
	argv[0] = s->program;
	(void)sigemptyset(&none);
	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	r = posix_spawnattr_init(&attr);
	if (!r)
		r = posix_spawn_file_actions_init(&files);
	if (!r) {
		/* Signals that we have blocked are not to be blocked there, and it is to be killed with its children. */
		(void)posix_spawnattr_setsigmask(&attr, &none);
		(void)posix_spawnattr_setpgroup(&attr, 0);
		(void)posix_spawnattr_setsigdefault(&attr, &pipe);
		(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
							      POSIX_SPAWN_SETSIGDEF |
							      POSIX_SPAWN_SETPGROUP);
		r = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY,
						     0);
		if (!r)
			r = posix_spawn(&s->pid, s->program, &files, &attr, argv, env);
		(void)posix_spawn_file_actions_destroy(&files);
		(void)posix_spawnattr_destroy(&attr);
	}
	free(env);
	return -r;
}

static void stpg_start(struct worker *w, struct worker_msg *m)
{
	struct stpg *s = container_of(m, struct stpg, msg);
	int r = stpg_spawn(s);
	int fd;

	if (r) {
		s->pid = 0;
		log_error("cannot run %s: %s", s->program, strerrordesc_np(-r));
		stpg_end(s, r);
		return;
	}
	fd = pidfd_open(s->pid, 0);
	worker_timer_init(&s->deadline, stpg_late);
	r = fd < 0 ? -errno
		   : worker_timer_start(w, &s->deadline,
					worker_clock_ns() + s->timeout_s * NSEC_PER_SEC);
	if (r) {
		log_error("cannot watch %s: %s, killed", s->program, strerrordesc_np(-r));
		stpg_kill(s);
		(void)waitpid(s->pid, NULL, 0);
		s->pid = 0;
		if (fd >= 0)
			(void)close(fd);
		stpg_end(s, r);
		return;
	}
	s->poll = (struct worker_poll){
		.fd = fd, .events = POLLIN, .ready = stpg_ready, .stopped = stpg_stopped
	};
	worker_poll_start(w, &s->poll);
}

/* --- home --- */

static const char *name_of(const struct config_dgroup *c, uint16_t id)
{
	for (unsigned i = 0; i < c->n_tpgs; i++)
		if (c->tpgs[i].group_id == id)
			return c->tpgs[i].name;
	return "?";
}

static void stpg_tell(struct stpg *s, const struct tgt_alua_ask *ask, const struct config_dgroup *c)
{
	s->n_args = 1;
	(void)snprintf(s->args[s->n_args++], TEXT_MAX, "%s", ask->groups);
	for (unsigned i = 0; i < ask->n_want; i++)
		(void)snprintf(s->args[s->n_args++], TEXT_MAX, "%s=%s", name_of(c, ask->want[i].id),
			       scsi_alua_state_name(ask->want[i].state));
	(void)snprintf(s->env[0], TEXT_MAX, "SRPTD_DEVICE_GROUP=%s", ask->groups);
	(void)snprintf(s->env[1], TEXT_MAX, "SRPTD_DEVICE=%s", ask->device);
	(void)snprintf(s->env[2], TEXT_MAX, "SRPTD_TARGET=%s", ask->target);
	(void)snprintf(s->env[3], TEXT_MAX, "SRPTD_INITIATOR=0x%016" PRIx64 "%016" PRIx64,
		       get_be64(ask->initiator.ext), get_be64(ask->initiator.guid));
	(void)snprintf(s->env[4], TEXT_MAX, "SRPTD_SOCKET=%s", s->d->cfg->opts.control_socket);
}

void stpg_run(void *ctx, const struct tgt_alua_ask *ask, tgt_alua_done_fn *done, void *arg)
{
	struct daemon *d = ctx;
	const struct config_dgroup *c = config_dgroup_find(d->cfg, ask->groups);
	struct stpg *s = c && c->on_stpg ? calloc(1, sizeof(*s)) : NULL;

	if (s)
		s->program = strdup(c->on_stpg);
	if (!s || !s->program) {
		free(s);
		done(arg, -ENOMEM);
		return;
	}
	s->d = d;
	s->done = done;
	s->arg = arg;
	s->timeout_s = c->on_stpg_timeout_s;
	stpg_tell(s, ask, c);
	log_info("device group %s: an initiator asks for %s%s, running %s", ask->groups, s->args[2],
		 ask->n_want > 1 ? " and more" : "", s->program);
	list_push(&d->stpgs, &s->node);
	s->msg.run = stpg_start;
	worker_post(d->helper, &s->msg);
}

void stpg_abandon(struct daemon *d)
{
	struct list *pos, *tmp;

	list_for_each_safe (pos, tmp, &d->stpgs) {
		struct stpg *s = list_entry(pos, struct stpg, node);

		if (s->pid) {
			log_warn("%s still runs, killed: srptd ends", s->program);
			stpg_kill(s);
			(void)waitpid(s->pid, NULL, 0);
		}
		stpg_free(s);
	}
}
