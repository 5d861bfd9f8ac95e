/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Faults that somebody asks for: which there are, and which of them a command, a task management function or a login
 * meets. Pure; the effects are in inject.c. Owned by the home worker.
 *
 * A fault has a scope (whom it may hit), a rhythm (which of those it does hit) and an end. Faults are asked in the order
 * in which they were added; the first that strikes is the only one.
 */
#pragma once

#include "base/prng.h"
#include "base/util.h"
#include "wire/srp.h"

#define FAULTS_MAX         64u
#define FAULT_OPCODES_MAX  16u
#define FAULT_TTL_NS       (60 * NSEC_PER_SEC)    /* where nothing is said */
#define FAULT_TTL_MAX_NS   (86400 * NSEC_PER_SEC) /* none lives longer */
#define FAULT_DELAY_MAX_NS (600 * NSEC_PER_SEC)
#define FAULT_CREDITS_MIN  2u

enum fault_kind {
	FAULT_NONE,
	FAULT_BLACK_HOLE,    /* it is taken and never answered */
	FAULT_DELAY,         /* it begins later */
	FAULT_DROP,          /* the connection ends at it */
	FAULT_BUSY,          /* it ends with this status, so the next */
	FAULT_TASK_SET_FULL, /* */
	FAULT_ERROR,         /* it ends with CHECK CONDITION */
	FAULT_CORRUPT,       /* what it reads is changed on the way to the initiator */
	FAULT_CREDITS,       /* channels have no more credits than these */
	FAULT_REJECT_LOGIN,  /* with this reason */
	FAULT_KINDS,
};

/* What a fault may hit. */
#define FAULT_ON_READ  BIT(0) /* READ (6, 10, 12, 16) */
#define FAULT_ON_WRITE BIT(1) /* what changes the medium */
#define FAULT_ON_OTHER BIT(2) /* other commands */
#define FAULT_ON_TMF   BIT(3) /* task management functions */
#define FAULT_ON_LOGIN BIT(4)
#define FAULT_ON_CMD   (FAULT_ON_READ | FAULT_ON_WRITE | FAULT_ON_OTHER)

struct fault_spec {
	enum fault_kind kind;
	/* whom it may hit */
	const void *unit; /* the unit's commands and functions; NULL: of any */
	bool has_initiator;
	bool has_target;
	bool has_lun;
	bool has_lbas;
	struct srp_port_id initiator;
	struct srp_port_id target;
	uint16_t lun;
	uint64_t lba_first; /* commands whose CDB names one of the blocks from here ... */
	uint64_t lba_last;  /* ... to here */
	uint32_t on;        /* FAULT_ON_*; 0: all that its kind can hit, but functions */
	unsigned n_opcodes;
	uint8_t opcodes[FAULT_OPCODES_MAX]; /* of commands, none: all */
	/* which of those it hits */
	uint64_t count;   /* so many, then no more; 0: no limit */
	uint64_t every;   /* each n-th; 0: each */
	unsigned percent; /* each with this probability; 0: each */
	uint64_t seed;    /* of that, and of what CORRUPT does */
	uint64_t ttl_ns;  /* how long it lives; 0: FAULT_TTL_NS */
	/* what it does */
	uint64_t delay_ns;
	uint8_t key; /* enum sense_key */
	uint16_t asc;
	uint32_t credits;
	uint32_t reason; /* enum srp_rej_reason */
};

struct fault {
	struct fault_spec spec;
	uint32_t id;
	uint64_t end_ns;
	uint64_t seen; /* in its scope */
	uint64_t hits;
	struct prng prng;
};

struct faults {
	struct fault all[FAULTS_MAX]; /* by id */
	unsigned n;
	uint32_t last_id;
};

/* What may meet a fault. */
struct fault_event {
	uint32_t what; /* one FAULT_ON_* */
	const void *unit;
	const struct srp_port_id *initiator;
	const struct srp_port_id *target;
	uint16_t lun;
	uint8_t opcode;
	uint64_t lba;      /* of @n_blocks */
	uint64_t n_blocks; /* 0: its CDB names none */
};

/* "black-hole"; FAULT_NONE for a name that is none. */
const char *fault_kind_name(enum fault_kind kind);
enum fault_kind fault_kind_of(const char *name);
/* FAULT_ON_* that faults of this kind can hit. */
uint32_t fault_can_hit(enum fault_kind kind);

/**
 * faults_add() - one more
 * @spec: copied; @spec->on is something its kind can hit, or 0
 *
 * Return: it, until one is removed; NULL: there are FAULTS_MAX.
 */
struct fault *faults_add(struct faults *s, const struct fault_spec *spec, uint64_t now_ns);
void faults_remove(struct faults *s, struct fault *f);
/* The one with this id, NULL: there is none. */
struct fault *faults_find(struct faults *s, uint32_t id);

/**
 * faults_strike() - @ev happens: which fault does it meet?
 *
 * Counts. Return: the one that hits it, NULL: none does.
 */
struct fault *faults_strike(struct faults *s, const struct fault_event *ev);

/* Could a fault hit a command that is like @ev in unit, initiator, target and LUN? */
bool faults_watch(const struct faults *s, const struct fault_event *ev);
/* The credits that channels of this nexus may have, at most @limit. */
uint32_t faults_credits(const struct faults *s, const struct srp_port_id *initiator,
			const struct srp_port_id *target, uint32_t limit);
/* It has hit as often as it was to. */
bool fault_is_spent(const struct fault *f);
/* When the next one ends; UINT64_MAX: there is none. */
uint64_t faults_end_ns(const struct faults *s);

/**
 * fault_corrupt() - change a byte of each block, the same one to the same value whenever that block is read
 * @buf: @len bytes from @off_bytes of the medium on, whole blocks
 */
void fault_corrupt(uint64_t seed, uint8_t *buf, size_t len, uint64_t off_bytes,
		   uint32_t block_bytes);
