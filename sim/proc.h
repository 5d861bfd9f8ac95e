/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The process of srptd: what src/daemon does with a configuration, on simulated workers. It is started,
 * reads its configuration anew, is told to end, or is killed; the real src/daemon/setup.c makes of the text what
 * it makes of it in the daemon.
 */
#pragma once

#include <sys/socket.h>

#include "target/target.h"
#include "wire/srp.h"

#define PROC_WORKERS_MAX 4u

/* What the configuration says; see proc.c for the text it becomes. */
struct proc_config {
	bool groups;        /* the disks are in a DEVICE_GROUP */
	bool sets_access;   /* ... and hosts may set access states ... */
	bool hook;          /* ... which a program must bring about */
	bool erases;        /* hosts erase units */
	bool removable[8];  /* LUN i has a medium that can be taken out */
	bool keeps;         /* there is a state_dir */
	unsigned n_disks;   /* LUN i is disk i, to the hosts that have it */
	bool ro[8];         /* LUN i is read only */
	bool hidden[8];     /* LUN i is not in the map */
	bool closed[8];     /* ... and the device of disk i is not there either */
	bool enabled;       /* the target is */
	bool second;        /* there is a second target that shares the address */
	unsigned denied;    /* BIT(host): this host may not log in */
	unsigned max_chans; /* in all */
	unsigned max_chans_host;
	unsigned credits;
	unsigned credits_host; /* 0: no limit */
	unsigned max_immediate;
	bool single_channel;
	uint64_t memory_host; /* of the channels of one host; 0: no limit */
	unsigned logins_per_s;
	bool write_through[8];
	bool thin[8];
	bool threshold; /* thin units tell when little space is left */
	bool direct[8];
};

struct proc_opts {
	unsigned n_workers;
	unsigned pool[3];
	unsigned scratch; /* the disk of the rogues */
};

void proc_init(struct fab *f, const struct proc_opts *o, const struct proc_config *c);
void proc_free(void);

/* The running configuration, for reading. */
const struct proc_config *proc_config(void);
/* Start the process. Return: 0, or -errno (then nothing is left of it). */
int proc_start(void);
/* Read another configuration; takes effect in a round of the control worker. */
void proc_reload(const struct proc_config *c);
/* SIGTERM: log everybody out, at the latest @force_ns from now by force. */
void proc_term(uint64_t force_ns);
/* kill -9: everything of it is gone at once. @power: the machine goes down, too. */
void proc_kill(bool power);
/* Ask what every channel is doing (tgt_report()); @at_rest: and compare it with what the hosts think. */
void proc_report(bool at_rest);
/* The answer has come. */
bool proc_reported(void);

/* It runs, or has been told to end and has not yet. */
bool proc_runs(void);
bool proc_is_stopping(void);
/* There is a process that could be killed. */
bool proc_is_there(void);
/* After proc_term(): nothing is left, the process has ended. */
bool proc_has_ended(void);
unsigned proc_n_chans(void);
/* How often it was started. */
unsigned proc_n_starts(void);
struct worker *proc_worker(unsigned i);
unsigned proc_n_workers(void);

/* --- for hosts --- */

void proc_address(struct sockaddr_storage *ret, struct srp_port_id *ret_id);
void proc_host_id(unsigned host, struct srp_port_id *ret);
unsigned proc_n_luns(void);
/* Every disk of the configuration has a unit now. */
bool proc_has_all_units(void);
/* Look whether all is well inside the target, between two rounds of its workers. */
void proc_look(void);
struct backend_io;
/* @io is of a unit itself, which is being erased or suspended. */
bool proc_is_units(const struct backend_io *io);
/* Tell the target that disks may have changed. */
void proc_tell(void);
/* The unit of this store is fenced, and commands of it were given up that the store is still at. */
bool proc_has_given_up(const struct backend *b);
/* SIGTERM has been taken. */
bool proc_ends(void);
/* For how long @host has not been let in. */
uint64_t proc_denied_ns(unsigned host);
/* Does the configuration let @host log in to the first target? */
bool proc_admits(unsigned host);
bool proc_lun_mapped(unsigned host, int lun);
bool proc_lun_read_only(int lun);
unsigned proc_n_mapped(unsigned host);
uint64_t proc_lun_blocks(int disk);
uint32_t proc_lun_block_bytes(int disk);
bool proc_lun_unmaps(int disk);
