/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a seed makes of a run: how big the world is, who is in it, what goes wrong and how often. Each seed
 * switches most things off, so that what is left is tried in depth.
 */
#pragma once

#include "sim/disk.h"
#include "sim/fabric.h"
#include "sim/host.h"
#include "sim/proc.h"
#include "sim/sched.h"

/* What somebody in charge (or fate) does to the target now and then. */
enum deed {
	DEED_DISABLE, /* the target, for a while */
	DEED_RELOAD,  /* another configuration */
	DEED_TERM,    /* SIGTERM, and start again */
	DEED_KILL,    /* kill -9, and start again */
	DEED_POWER,   /* the machine, too */
	DEED_DEVICE,  /* the RDMA device goes away and comes back */
	DEED_ADDRESS, /* the address of a connection changes */
	DEED_DISK,    /* a disk vanishes and comes back */
	DEED_CALM,    /* what the disks hold back they answer */
	DEED_STALL,   /* a worker does nothing for a while */
	DEED_ACCESS,  /* another access state, for a while */
	DEED_EJECT,   /* a medium is taken out, for a while */
	DEED_SIZE,    /* a disk grows or shrinks */
	DEED_FILL,    /* a file system runs full, for a while */
	DEED_FAULT, /* commands to a disk, or functions, are lost or delayed, or connections end at them */
	DEED_REPORT,  /* srptctl asks for the sessions */
	DEED_SUSPEND, /* a disk is suspended, for a while */
	DEED_COUNT
};

/* When a deed would be in the middle of something. */
enum moment {
	MOMENT_LOGIN,  /* a login is looked at */
	MOMENT_BUILT,  /* its channel is there and asks for its admission */
	MOMENT_ACCEPT, /* it was admitted */
	MOMENT_UP,     /* it is established */
	MOMENT_TASK,   /* a task management function arrives */
	MOMENT_LOGOUT, /* an I_LOGOUT does */
	MOMENT_CLOSE,  /* a channel ends */
	MOMENT_DRAIN,  /* its queue pair drains */
	MOMENT_RELOAD, /* the configuration is read anew */
	MOMENT_TERM,   /* SIGTERM */
	MOMENT_KEPT,   /* what outlives the target has been answered */
	MOMENT_COUNT
};

struct scenario {
	const char *kind;
	bool dreq;
	bool registers; /* memory must be announced to the device */
	bool calm;      /* nothing goes wrong, so nothing may fail */
	bool noisy;     /* the network may do anything at any time */
	unsigned n_hosts;
	unsigned n_rogues;
	unsigned n_disks;
	struct fabric_net net;
	struct sched_pace pace;
	struct disk_params disk[DISKS_MAX];
	struct disk_mood mood[DISKS_MAX];
	struct proc_opts proc;
	struct proc_config config;
	struct host_ways ways[HOSTS_MAX];
	uint64_t linger_ns;                     /* it lasts at least so long */
	unsigned deed[DEED_COUNT];              /* weights; all 0: nothing */
	unsigned n_deeds;                       /* in all */
	uint64_t deed_ns;                       /* about so much time between two */
	unsigned moment_permille[MOMENT_COUNT]; /* ... and one soon after such a moment */
	unsigned heap_fail_permille;
	unsigned call_fail_permille[FABRIC_CALL_COUNT];
	unsigned timer_fail_permille;
	uint64_t limit_ns; /* the hosts get so much time, then the end begins */
};

/* By the dice, which were made from the seed. */
void scenario_roll(struct scenario *s);
/* From now on only scenarios of this kind are made. Return: 0, -EINVAL: there is none. */
int scenario_only(const char *kind);
/* Another configuration than @c, as a reload brings it. */
void scenario_reconfigure(const struct scenario *s, struct proc_config *c);
