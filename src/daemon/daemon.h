/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of the daemon share: the running configuration and the objects made from it. All of it
 * belongs to the control worker once the workers run. */
#pragma once

#include "config/config.h"
#include "config/diff.h"
#include "ctl/ctl.h"
#include "run/worker.h"
#include "target/target.h"

#define DAEMON_WORKERS_MAX 64u
#define DAEMON_LINGER_NS   (20 * NSEC_PER_MSEC)
#define DAEMON_DRAIN_NS    (10 * NSEC_PER_SEC) /* how long initiators have to log out on SIGTERM */

struct daemon;

/* A device of the configuration that is open. */
struct ddevice {
	struct list node;
	char name[CONFIG_NAME_MAX + 1];
	struct tgt_unit *unit;
};

/* A target of the configuration. */
struct dport {
	struct list node;
	struct daemon *d;
	char name[CONFIG_NAME_MAX + 1];
	struct tgt_port *port;
};

struct daemon {
	const char *config_path; /* NULL: the demo */
	struct config *cfg;
	struct worker *workers[DAEMON_WORKERS_MAX];
	unsigned n_workers;
	struct fab *fab;
	struct tgt *tgt;
	struct ctl_server *ctl;
	struct list devices;
	struct list ports;
	struct worker_poll signals;
	uint64_t started_ns;
	struct worker_timer linger;
	bool stopping;
};

/* --- fabrics.c: the RDMA providers --- */

/* Make d->fab for d->cfg. Errors that a user can mend are logged. Return: 0 or -errno. */
must_check int fabrics_new(struct daemon *d);
/* The transports this program has, "iwarp, verbs". */
extern const char fabrics_built[];

/* --- setup.c: from the model to objects --- */

/* Open every device, make every target, listen. Errors are logged. Return: 0 or -errno. */
must_check int setup_all(struct daemon *d);
/* Go from the running configuration to @next (taken over); what cannot be changed while running is
 * logged and stays as it was. */
void setup_apply(struct daemon *d, struct config *next);
/* Forget every device and target; the target's channels are gone and the workers have stopped. */
void setup_free(struct daemon *d);

/* --- methods.c: the control socket's methods --- */

extern const struct ctl_method daemon_methods[];
extern const unsigned daemon_n_methods;

/* --- notify.c --- */

/* Tell the service manager @state ("READY=1"), if there is one. */
void notify(const char *state);
