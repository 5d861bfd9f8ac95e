/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of the daemon share: the running configuration and the objects made from it. All of it
 * belongs to the control worker once the workers run. */
#pragma once

#include <limits.h>
#include <sys/socket.h>

#include <jansson.h>

#include "backend/watcher.h"
#include "config/config.h"
#include "config/diff.h"
#include "ctl/ctl.h"
#include "run/worker.h"
#include "target/target.h"

#define DAEMON_WORKERS_MAX 64u
#define DAEMON_LINGER_NS   (20 * NSEC_PER_MSEC)
#define DAEMON_DRAIN_NS    (10 * NSEC_PER_SEC) /* how long initiators have to log out on SIGTERM */
/* ... and everything else, until the process ends without it: after a disk's deadline, before systemd's. */
#define DAEMON_END_NS     (25 * NSEC_PER_SEC)
#define DAEMON_UPGRADE_NS (3 * NSEC_PER_SEC) /* ... before another program takes over */

struct daemon;
struct proxy;

/* A device of the configuration that is open. */
struct ddevice {
	struct list node;
	char name[CONFIG_NAME_MAX + 1];
	struct tgt_unit *unit;
	struct watcher_item watch; /* of its file or block device */
	bool leaving;              /* another one took its place and its name */
};

/* A target of the configuration. */
struct dport {
	struct list node;
	struct daemon *d;
	char name[CONFIG_NAME_MAX + 1];
	struct tgt_port *port;
};

/* A device group of the configuration. */
struct dgroup {
	struct list node;
	char name[CONFIG_NAME_MAX + 1];
	struct tgt_alua *alua;
};

#define ACCESS_MAX  256u
#define SOCKETS_MAX 256u

/* Listening sockets that nobody uses right now. */
struct sockets {
	int fd[SOCKETS_MAX];
	unsigned n;
	bool keeping; /* those that a listener gives up come here */
};

/* A planned restart; from the wish for one to main() that carries it out. */
struct upgrade {
	bool checking; /* the new program looks at the configuration */
	bool going;    /* ... agreed: what ends now ends for it */
	pid_t pid;
	struct worker_poll poll;
	struct worker_timer deadline;
	struct ctl_call *call; /* who asked; NULL: a signal */
	int state_fd;          /* once everybody is logged out; -1: there is none */
};

/* The number that the port with this id had before an upgrade. */
struct dport_number {
	struct srp_port_id id;
	uint16_t relative_id;
};

struct daemon {
	char program[PATH_MAX];     /* what runs, and what an upgrade is to run */
	const char *config_path;    /* NULL: the demo */
	const char *control_socket; /* instead of the configuration's; NULL: that one */
	struct config *cfg;
	struct worker *helper; /* does what may block; no connection is on it */
	struct worker
		*stores; /* likewise, what may hang with a store: nothing else waits for that */
	struct worker *workers[DAEMON_WORKERS_MAX];
	unsigned n_workers;
	struct fab *fab;
	struct proxy *proxy; /* NULL: no device needed it yet */
	struct tgt *tgt;
	struct ctl_server *ctl;
	struct watcher *watcher;
	struct list devices;
	struct list ports;
	struct list groups;
	/* runs programs for SET TARGET PORT GROUPS; those that run */
	void (*stpg_run)(void *ctx, const struct tgt_alua_ask *ask, tgt_alua_done_fn *done,
			 void *arg);
	struct list stpgs;
	const char *access[ACCESS_MAX]; /* of the command line; see access_add() */
	unsigned n_access;
	/* makes the way to a unit of another target; NULL: there are no others. Return: 0 or -errno */
	int (*remote_new)(struct remote **ret, struct daemon *d, const struct config_device *c);
	struct worker_poll signals;
	uint64_t started_ns;
	struct worker_timer linger;
	struct worker_timer end; /* its deadline, once it was asked for */
	bool stopping;
	struct sockets sockets;
	struct upgrade upgrade;
	json_t *state;                /* of the program before, while we start; else NULL */
	struct dport_number *numbers; /* the same */
	unsigned n_numbers;
};

/* --- main.c --- */

/* Log every initiator out within @drain_ns, then end. */
void daemon_stop(struct daemon *d, uint64_t drain_ns);

/* --- remotes.c: units of other targets --- */

must_check int remotes_new(struct remote **ret, struct daemon *d, const struct config_device *c);
/* The workers have stopped, and no such unit is left. */
void remotes_free(struct daemon *d);

/* --- fabrics.c: the RDMA providers --- */

/* Make d->fab for d->cfg. Errors that a user can mend are logged. Return: 0 or -errno. */
must_check int fabrics_new(struct daemon *d);
/* The transports this program has, "iwarp, verbs". */
extern const char fabrics_built[];

/* --- reload.c --- */

/* Read the configuration again; what comes of it is told to @call, if there is one, and in the log. */
void reload(struct daemon *d, struct ctl_call *call);
/* What the command line says is stronger than @cfg. */
void reload_overrule(const struct daemon *d, struct config *cfg);
void method_reload(struct ctl_call *call, json_t *params);

/* --- setup.c: from the model to objects --- */

/* What came of a configuration that was read again. */
struct reloaded {
	unsigned n_changes;
	unsigned n_waiting; /* of these: for the next start */
	unsigned
		n_failed; /* devices, targets, listeners and groups that should be there and are not */
};

/* Open every device, make every target, listen. Errors are logged. Return: 0 or -errno. */
must_check int setup_all(struct daemon *d);
/* Go from the running configuration to @next (taken over); what cannot be changed while running is
 * logged and stays as it was. */
struct reloaded setup_apply(struct daemon *d, struct config *next);
/* Forget every device and target; the target's channels are gone and the workers have stopped. */
void setup_free(struct daemon *d);

/* --- groups.c: target port groups --- */

/* Of that name, or NULL. */
struct dgroup *groups_find(const struct daemon *d, const char *name);

/* Make what d->cfg says so; devices and targets are there. Errors are logged. Return: 0 or -ENOMEM: not all of it is so. */
must_check int groups_apply(struct daemon *d);
void groups_free(struct daemon *d);

/* --- access.c: access states that whoever starts us knows --- */

/* @text: DEVICE_GROUP/TARGET_GROUP=STATE; borrowed. Return: 0 or -EINVAL, which is told on standard error. */
must_check int access_add(struct daemon *d, const char *text);
/* Whether d->cfg has those groups; those that it has not are logged. Return: 0 or -ENOENT. */
must_check int access_check(const struct daemon *d);
/* What was said of the groups of @c. @ret: SCSI_TPG_MAX of room. Return: how many. */
unsigned access_of(const struct daemon *d, const struct config_dgroup *c,
		   struct scsi_tpg_want *ret);

/* --- group_methods.c --- */

void method_group_list(struct ctl_call *call, json_t *params);
void method_group_set(struct ctl_call *call, json_t *params);
void method_group_set_all(struct ctl_call *call, json_t *params);

/* --- fault_methods.c --- */

void method_fault_add(struct ctl_call *call, json_t *params);
void method_fault_list(struct ctl_call *call, json_t *params);
void method_fault_clear(struct ctl_call *call, json_t *params);

/* --- methods.c --- */

/* Nothing is begun any more: then @call was told so. */
bool daemon_is_stopping(struct ctl_call *call);

/* --- device_methods.c --- */

/* The "device" that a call is about; NULL: there is none, and @call was told so. */
struct ddevice *daemon_device_asked(struct ctl_call *call, const json_t *params);
void method_device_eject(struct ctl_call *call, json_t *params);
void method_device_insert(struct ctl_call *call, json_t *params);
/* When a unit that is suspended is resumed by itself; null: it is not, or never. */
json_t *device_left_json(struct tgt_unit *u);
void method_device_suspend(struct ctl_call *call, json_t *params);
void method_device_resume(struct ctl_call *call, json_t *params);
/* reservation_methods.c */
void method_device_reservations(struct ctl_call *call, json_t *params);
void method_device_reservations_restore(struct ctl_call *call, json_t *params);
/* A port identifier in hex, as sessions are listed with it. */
json_t *port_id_text(const struct srp_port_id *id);

/* --- stpg.c: programs that make states so --- */

/* run() of tgt_alua_hook; @ctx: struct daemon */
void stpg_run(void *ctx, const struct tgt_alua_ask *ask, tgt_alua_done_fn *done, void *arg);
/* The workers and the helper have stopped: end what still runs, without telling anybody. */
void stpg_abandon(struct daemon *d);

/* --- methods.c: the control socket's methods --- */

extern const struct ctl_method daemon_methods[];
extern const unsigned daemon_n_methods;

/* --- sockets.c: listening sockets that live longer than a process --- */

/* Take over what the service manager or the program before us left. Return: the state_fd of its sockets_exec(), or -1. */
must_check int sockets_inherit(struct sockets *s);
/* One that listens at @addr, the caller's from now on; -1: there is none. @ctx: struct sockets */
int sockets_take(void *ctx, const struct sockaddr *addr, socklen_t addr_len);
/* Whether the socket of a listener that ends is kept, open as it is. @ctx: struct sockets */
bool sockets_keep(void *ctx, int fd);
void sockets_close(struct sockets *s);
/* Become @program, and hand all of @s to it, and @state_fd unless that is -1. Return: -errno; then descriptors are not
 * what they were. */
int sockets_exec(struct sockets *s, int state_fd, const char *program, char **argv);

/* --- upgrade.c: another program takes over --- */

/* Find out what program this is. Return: 0 or -errno. */
must_check int upgrade_find_program(struct daemon *d);
/* Begin: what comes of it is told to @call, if there is one, and in the log. */
void upgrade_start(struct daemon *d, struct ctl_call *call);

/* The daemon ends: nothing comes of a check that still runs. */
void upgrade_abandon(struct daemon *d);

/* --- state.c: what outlives an upgrade and is in no file --- */

/* Return: a file that is the caller's, or -1. */
int state_save(const struct daemon *d);
/* Read what is in @fd (taken over) into d->state; -1: nothing. */
void state_load(struct daemon *d, int fd);
/* What was read is no longer needed. */
void state_free(struct daemon *d);
/* The highest number that a SCSI port ever had; 0: none. */
uint16_t state_last_relative_id(const struct daemon *d);
/* The @n bytes of exactly so many hexadecimal digits in lower case; false: they are not. */
bool hex_to(const char *text, uint8_t *bytes, size_t n);
/* Give every device that is open the reservations it had. Context: before anybody is logged in. */
void state_restore_units(const struct daemon *d);
/* Give a device group that was just made the access states it had. Return: whether it was there. */
bool state_restore_group(const struct daemon *d, const struct dgroup *g);

/* --- notify.c --- */

/* Tell the service manager @state ("READY=1"), if there is one. */
void notify(const char *state);
