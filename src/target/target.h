/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The target: SRP ports with their channels, SCSI units behind them, run on workers over a fabric. This
 * folder carries the actions of the pure cores (srp, scsi) to the seams (fabric, backend, worker) and
 * their answers back; it decides nothing itself.
 *
 * Everything in this header is called on the control worker (index 0), or before the workers run.
 */
#pragma once

#include "backend/backend.h"
#include "fabric/fabric.h"
#include "scsi/scsi.h"
#include "target/fault.h"
#include "target/remote.h"
#include "wire/srp.h"

struct tgt;
struct tgt_unit;
struct tgt_port;
struct tgt_alua;

#define TGT_LISTENS_MAX 16u

/* Where what must outlive the process is kept, of one unit. */
struct tgt_keep {
	/* Make the bytes stable; may block: it is called on the helper, one call at a time. Return: 0 or -errno. */
	int (*save)(void *ctx, const void *value, size_t len);
	void (*close)(void *ctx); /* the unit is gone */
	void *ctx;
};

struct tgt_opts {
	struct fab *fab;               /* outlives the target */
	struct worker *const *workers; /* [0] is the control worker; outlive the target */
	unsigned n_workers;
	struct worker *
		helper; /* does what may block; outlives the target. NULL: the control worker does */
	struct worker
		*stores; /* likewise, but looks at stores, and may hang with one. NULL: @helper */
	unsigned logins_per_s; /* of one address, in the long run; 0: no limit */
	unsigned login_burst;  /* ... at once */
	uint16_t
		last_relative_id; /* of a target that was here before: SCSI ports are numbered behind it */
	uint64_t
		watch_ns; /* how often stores are looked at that may have changed; 0: once a second */
	unsigned pool[3]; /* data buffers per worker of 4 KiB, 64 KiB, 1 MiB; 0: 1024, 256, 64 */
};

/* Return: 0, -ENOMEM. */
must_check int tgt_new(struct tgt **ret, const struct tgt_opts *opts);
/* The highest number that a SCSI port was ever given here. */
uint16_t tgt_last_relative_id(const struct tgt *t);
/* Stop listening and forget every port; for after tgt_shutdown(). The workers must run a round after it. */
void tgt_close(struct tgt *t);
/* No channel may exist any more, and the workers have stopped. NULL is accepted; returns NULL. */
struct tgt *tgt_free(struct tgt *t);

/* --- logical units --- */

struct tgt_unit_opts {
	const char *name;        /* for status; copied */
	const char *handler;     /* for status ("vdisk_ram"); static */
	struct backend *backend; /* the unit's from success on; NULL where there is a */
	struct remote
		*remote; /* likewise: the unit is of another target, and this is the way there */
	const struct tgt_keep *
		keep; /* for persistent reservations and saved mode pages; copied, and the unit's from
				      * success on. NULL: there are none */
};

/**
 * tgt_unit_new() - a logical unit on a backend
 * @params: size, block size, abilities and ports are set here, of @o and @t
 *
 * Return: 0, -ENOMEM, -ENOSPC (no timer left), -EINVAL (a parameter the SCSI core refuses).
 */
must_check int tgt_unit_new(struct tgt_unit **ret, struct tgt *t, const struct tgt_unit_opts *o,
			    struct scsi_lu_params *params);
/* What it was told to be has been restored: it goes on with what that says. */
void tgt_unit_ready(struct tgt_unit *u);
/**
 * tgt_unit_eject() - an operator takes the medium of a removable unit out; tgt_unit_insert() puts it in again
 * @done: called with @ctx when every worker acts by it, unless another value than 0 is returned; commands that have
 *        begun before end as they began
 *
 * Return: 0; -ENOMEM; or why not, enum scsi_medium_outcome.
 * Context: home worker.
 */
must_check int tgt_unit_eject(struct tgt_unit *u, void (*done)(void *ctx), void *ctx);
must_check int tgt_unit_insert(struct tgt_unit *u, void (*done)(void *ctx), void *ctx);
/* Its store may have changed (size, space, whether it is there): look at it at once, and go by what is seen. */
void tgt_unit_look(struct tgt_unit *u);
/* How often its store was looked at. */
struct tgt_unit_looks {
	uint64_t told;   /* because of tgt_unit_look() */
	uint64_t polled; /* because it was time */
};
struct tgt_unit_looks tgt_unit_looks(const struct tgt_unit *u);
typedef void tgt_suspend_done_fn(void *ctx, int result);

/**
 * tgt_unit_suspend() - keep new commands from the store of a unit, wait for those in flight, flush it
 * @deadline_ns: for all that
 * @for_ns: resume it so long after this call, if nobody else does; it ends the deadline, too; 0: never
 * @done: called with @ctx once when 0 is returned, now or later: 0: nothing reaches the store until it is resumed;
 *	  else the unit serves as before: -ETIMEDOUT, -ECANCELED (it was resumed, or goes away), or why the flush failed
 *
 * Return: 0; -ENOSPC (no timer left); or why not, enum scsi_suspend_outcome; with ALREADY @for_ns begins anew.
 * Context: home worker.
 */
must_check int tgt_unit_suspend(struct tgt_unit *u, uint64_t deadline_ns, uint64_t for_ns,
				tgt_suspend_done_fn *done, void *ctx);
/* What waits goes on. Return: false when nothing was suspended. */
bool tgt_unit_resume(struct tgt_unit *u);
/* Of one that is not serving: when it is resumed by itself; UINT64_MAX: never. */
uint64_t tgt_unit_suspend_left_ns(const struct tgt_unit *u);
/* @result: of keeping them, 0 or -errno: they are in effect, and may be forgotten. */
typedef void tgt_pr_done_fn(void *ctx, int result);
/**
 * tgt_unit_restore_pr() - an operator gives a unit other persistent reservations
 * @pr:   copied
 * @done: called with @ctx, now or later, when they are kept and every worker acts by them; not when another value than 0
 *        is returned
 *
 * Return: 0; -ENOMEM; or why not, enum scsi_pr_outcome: then nothing has changed.
 * Context: home worker.
 */
must_check int tgt_unit_restore_pr(struct tgt_unit *u, const struct scsi_pr *pr,
				   tgt_pr_done_fn *done, void *ctx);
/* The unit as LUN maps name it. */
struct scsi_lu *tgt_unit_lu(struct tgt_unit *u);
/* NULL: the unit is of another target. */
struct backend *tgt_unit_backend(struct tgt_unit *u);
/* I/O that was given up and keeps the unit fenced. */
unsigned tgt_unit_stuck(const struct tgt_unit *u);
/* Close it as soon as no task and no LUN map uses it; the caller has taken it out of every map. */
void tgt_unit_retire(struct tgt_unit *u);

/* --- ports --- */

/**
 * tgt_acl_fn - the access rule of a port
 * @ctx:  tgt_port_opts.acl_ctx
 * @peer: address, never NULL
 * @map:  gets the LUN map, at most @max entries
 *
 * Return: the number of entries, or -1: this initiator may not log in.
 */
typedef int tgt_acl_fn(void *ctx, const struct srp_port_id *initiator, const struct sockaddr *peer,
		       struct scsi_map_entry *map, unsigned max);

/* What one initiator may have of a port. */
struct tgt_port_limits {
	unsigned max_chans_per_nexus; /* 0: 64 */
	uint32_t credits; /* requests outstanding of a channel at most, 4 or more; 0: 129 */
	uint32_t credits_per_initiator; /* ... of all its channels together; 0: no limit */
	uint64_t bytes_per_initiator;   /* memory of all its channels; 0: no limit */
	uint32_t max_immediate; /* bytes of immediate data, up to TGT_IMMEDIATE_MAX; 0: none */
	bool single_channel;    /* more than one channel is refused */
};

#define TGT_IMMEDIATE_MAX 65536u

struct tgt_port_opts {
	const char *name; /* copied */
	struct srp_port_id id;
	uint16_t relative_id; /* its number as a SCSI port, one that it had before; 0: the next */
	bool relative_id_given; /* ... that an administrator gives it, who takes care that it is the only one */
	bool default_port; /* logins without a target id are for it */
	unsigned max_chans;
	struct tgt_port_limits limits;
	tgt_acl_fn *acl;
	void *acl_ctx;
};

/* A disabled port without listeners. Return: 0, -ENOMEM, -EEXIST (the id is taken), -ENOSPC (SCSI_PORTS_MAX; or its
 * number as a SCSI port, of which none is used twice, would be above 65535; the one that was given is taken). */
must_check int tgt_port_new(struct tgt_port **ret, struct tgt *t, const struct tgt_port_opts *opts);
/**
 * tgt_port_listen() - also take logins at @addr
 *
 * Ports may share an address; the target id in the login tells them apart.
 * Does nothing where it listens already. Return: 0, -ENOSPC (TGT_LISTENS_MAX), or what the fabric's listen()
 * says.
 */
must_check int tgt_port_listen(struct tgt_port *p, const struct sockaddr *addr, socklen_t len);
/* Stop taking logins at @addr; channels stay. */
void tgt_port_unlisten(struct tgt_port *p, const struct sockaddr *addr, socklen_t len);
void tgt_port_enable(struct tgt_port *p);
/* Other limits: for logins from now on, and the request limits of the channels that are there follow; those
 * of a channel never pass what was allowed when it logged in. */
void tgt_port_set_limits(struct tgt_port *p, const struct tgt_port_limits *limits);
/* Refuse logins from now on and close every channel at once. */
void tgt_port_disable(struct tgt_port *p);
/* The access rule's answers may have changed: ask it again for every session; log out whom it refuses. */
void tgt_port_recheck(struct tgt_port *p, tgt_acl_fn *acl, void *acl_ctx);
/* Disable it, forget its listeners, and free it when its last channel is gone. */
void tgt_port_retire(struct tgt_port *p);

/* --- target port groups --- */

/* What SET TARGET PORT GROUPS asks for; valid during the call. */
struct tgt_alua_ask {
	const char *groups;           /* name of the tgt_alua */
	const char *device;           /* at which unit, */
	const char *target;           /* through which port, */
	struct srp_port_id initiator; /* and who */
	const struct scsi_alua *now;
	const struct scsi_tpg_want *want;
	unsigned n_want;
};

typedef void tgt_alua_done_fn(void *ctx, int result);

/* Who makes states so before they are said to be so. */
struct tgt_alua_hook {
	/* Call @done once with 0 or -errno, on the control worker, now or later. NULL: they are so at once. */
	void (*run)(void *ctx, const struct tgt_alua_ask *ask, tgt_alua_done_fn *done, void *arg);
	void *ctx;
};

/* Target port groups without a group. Return: 0, -ENOMEM. */
must_check int tgt_alua_new(struct tgt_alua **ret, struct tgt *t, const char *name);
/* For what SET asks for from now on. */
void tgt_alua_set_hook(struct tgt_alua *a, const struct tgt_alua_hook *hook);
/* As scsi_alua_configure(), and all that follows from it. */
void tgt_alua_configure(struct tgt_alua *a, const struct scsi_tpgs *to);
/* As scsi_alua_restore(). */
void tgt_alua_restore(struct tgt_alua *a, const struct scsi_alua_kept *kept);
/* Whoever starts us knows the states: those that units kept, or that were restored, count no more. @want: ids that exist.
 * Context: before any unit has come. */
void tgt_alua_begin(struct tgt_alua *a, const struct scsi_tpg_want *want, unsigned n);
/* As scsi_lu_set_alua(); @a NULL: through all ports alike. */
void tgt_unit_set_alua(struct tgt_unit *u, struct tgt_alua *a, bool is_explicit);
/* Every unit that may have kept something of the groups has them. */
void tgt_alua_settle(struct tgt_alua *a);
/**
 * tgt_alua_set() - an operator says what the states are
 * @done: called once, now or later: every worker knows of it, and it is kept where units keep something
 *	  (else a result below 0: it is in effect, and may be forgotten; -ENODEV: there is no unit that could keep it)
 *
 * Return: 0 or -ENOMEM (then @done is not called, and it may be forgotten).
 */
must_check int tgt_alua_set(struct tgt_alua *a, const struct scsi_tpg_want *want, unsigned n,
			    tgt_alua_done_fn *done, void *ctx);
const struct scsi_alua *tgt_alua_now(const struct tgt_alua *a);
/* Commands that wait until the states are so that they asked for: 1 or 0. */
unsigned tgt_alua_n_asking(const struct tgt_alua *a);
/* No unit has it any more: free it as soon as nothing of it is under way. */
void tgt_alua_retire(struct tgt_alua *a);

/* --- faults on demand --- */

/**
 * tgt_fault_add() - from now on, this fault
 * @spec: copied; @spec->unit is a unit's struct tgt_unit, and when that is retired the fault goes with it
 * @done: called once with its id, now or later: every worker acts by it
 *
 * Return: 0, -ENOMEM or -ENOSPC (FAULTS_MAX; no timer left); then @done is not called.
 */
must_check int tgt_fault_add(struct tgt *t, const struct fault_spec *spec,
			     void (*done)(void *ctx, uint32_t id), void *ctx);
/**
 * tgt_fault_clear() - no fault of this id any more, or none at all
 * @id:   0: all
 * @done: called once with the number of those that were cleared, now or later: no worker acts by them
 *
 * What is in a black hole stays there. Return: 0, -ENOMEM, -ENOENT; then @done is not called.
 */
must_check int tgt_fault_clear(struct tgt *t, uint32_t id, void (*done)(void *ctx, uint32_t n),
			       void *ctx);

struct tgt_fault_info {
	struct fault fault;
	uint64_t left_ns;   /* of its life */
	bool spent;         /* it has hit as often as it was to */
	const char *device; /* whose commands; NULL: of any */
};

/* Those there are, at most @max. Return: how many. */
unsigned tgt_fault_list(const struct tgt *t, struct tgt_fault_info *ret, unsigned max);

/* --- the whole --- */

/**
 * tgt_shutdown() - log every initiator out (T_LOGOUT, disconnect), then call @done on the control worker
 * @force_ns: worker_now_ns() clock; channels that are still there then are closed at once
 */
void tgt_shutdown(struct tgt *t, uint64_t force_ns, void (*done)(void *ctx), void *ctx);
/* What a shutdown still waits for, in words, into @buf. */
void tgt_waits_for(const struct tgt *t, char *buf, size_t len);

/* --- status --- */

struct tgt_chan_info {
	uint32_t id;
	char target[64];
	struct srp_port_id initiator;
	char peer[64];
	const char *state; /* static */
	uint64_t state_ns; /* time in it */
	unsigned worker;
	uint32_t credits; /* the initiator may still send */
	uint32_t limit;
	uint32_t in_flight;
	uint64_t read_bytes;
	uint64_t write_bytes;
	uint64_t commands;
	uint64_t errors; /* commands that ended with a status other than GOOD */
};

struct tgt_report {
	struct tgt_chan_info *chans; /* by id */
	unsigned n_chans;
	int error; /* 0 or -ENOMEM: the list is not complete */
};

/**
 * tgt_report() - collect the state of every channel
 * @done: called once on the control worker; @r is valid during the call
 *
 * Return: 0 or -ENOMEM (then @done is not called).
 */
must_check int tgt_report(struct tgt *t, void (*done)(void *ctx, const struct tgt_report *r),
			  void *ctx);

struct tgt_port_info {
	const char *name;
	bool enabled;
	struct srp_port_id id;
	uint16_t relative_id; /* its number as a SCSI port */
	unsigned n_chans;
	uint64_t logins;
	uint64_t rejects;
};

/* What is known on the control worker about a port; no waiting. */
struct tgt_port_info tgt_port_info(const struct tgt_port *p);
/* Channels that exist in any state, over all ports. */
unsigned tgt_n_chans(const struct tgt *t);
/* Units that are retired and still have commands, or their store. */
unsigned tgt_n_closing(const struct tgt *t);
