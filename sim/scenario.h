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
	DEED_REPORT,  /* srptctl asks for the sessions */
	DEED_COUNT
};

struct scenario {
	const char *kind;
	bool dreq;
	bool registers; /* memory must be announced to the device */
	bool calm;  /* nothing goes wrong, so nothing may fail */
	bool noisy; /* the network may do anything at any time */
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
	uint64_t linger_ns;        /* it lasts at least so long */
	unsigned deed[DEED_COUNT]; /* weights; all 0: nothing */
	unsigned n_deeds;          /* in all */
	uint64_t deed_ns;          /* about so much time between two */
	unsigned heap_fail_permille;
	unsigned call_fail_permille[FABRIC_CALL_COUNT];
	unsigned timer_fail_permille;
	uint64_t limit_ns; /* the hosts get so much time, then the end begins */
};

/* By the dice, which were made from the seed. */
void scenario_roll(struct scenario *s);
/* Another configuration than @c, as a reload brings it. */
void scenario_reconfigure(const struct scenario *s, struct proc_config *c);
