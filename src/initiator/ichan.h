/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One SRP channel seen from the initiator: login, tags, credits, answers, task management, the end.
 * Pure: bytes and events go in, a few actions come out, which the caller carries out in their order.
 *
 *	IDLE --start--> RESOLVING --resolved--> CONNECTING --established--> LIVE
 *	LIVE --logout, disconnect, error, violation--> DRAINING --drained--> CLOSED
 *	RESOLVING, CONNECTING --any failure--> CLOSED
 *
 * A tag is `channel << 48 | generation << 16 | slot`; a slot's generation grows with each use, so a
 * late or invented response finds nothing.
 */
#pragma once

#include "wire/srp_cmd.h"
#include "wire/srp_login_req.h"
#include "wire/srp_login_rsp.h"
#include "wire/srp_rsp.h"
#include "wire/srp_tsk_mgmt.h"

#define ICHAN_SLOTS_MAX       1024u
#define ICHAN_PIECES_MAX      16u
#define ICHAN_IMM_OFFSET      68u   /* where immediate data begins in our IUs */
#define ICHAN_IMM_DEFAULT     8192u /* bytes of immediate data at most, as every target takes them */
#define ICHAN_IMM_MAX         65536u /* what may be asked for */
#define ICHAN_ACTIONS_MAX     8u
#define ICHAN_NO_SLOT         UINT16_MAX
#define ICHAN_IU_HEAD_MAX     (SRP_CMD_BYTES + 16u + SRP_INDIRECT_BYTES + ICHAN_PIECES_MAX * 16u)
#define ICHAN_LOGIN_REQ_BYTES SRP_LOGIN_REQ_CM_BYTES

enum ichan_state {
	ICHAN_IDLE,
	ICHAN_RESOLVING,
	ICHAN_CONNECTING,
	ICHAN_LIVE,
	ICHAN_DRAINING, /* waits for the peer's disconnect and then for the marker */
	ICHAN_CLOSED,
	ICHAN_STATE_COUNT
};

enum ichan_ev_type {
	ICHAN_EV_START,          /* the caller wants the channel */
	ICHAN_EV_RESOLVED,       /* the address is known; `iu`: room for the LOGIN_REQ */
	ICHAN_EV_RESOLVE_FAILED, /* `error` */
	ICHAN_EV_ESTABLISHED,    /* `data`: private data of the reply */
	ICHAN_EV_REJECTED,       /* `data`: private data of the reject */
	ICHAN_EV_UNREACHABLE,    /* connecting failed; `error`, `text` */
	ICHAN_EV_SUBMIT,         /* `cmd`, `iu` */
	ICHAN_EV_TASK,           /* `task`, `iu` */
	ICHAN_EV_RECV,           /* `data`: an IU; `iu`: room for an answer */
	ICHAN_EV_SENT,           /* a SEND with ICHAN_SEND_REPORT is done; `slot` */
	ICHAN_EV_EXPIRE,         /* the command of `slot` is overdue; `iu`, `hopeless` */
	ICHAN_EV_DISCONNECTED,   /* by the peer, or our disconnect is answered */
	ICHAN_EV_FAILED,         /* the queue pair or a work request failed; `error`, `text` */
	ICHAN_EV_LOGOUT,         /* the caller wants an orderly end; `iu` */
	ICHAN_EV_DROP,           /* the caller wants an end at once */
	ICHAN_EV_DEADLINE,       /* the timer of ICHAN_ACT_ARM went off */
	ICHAN_EV_DRAINED, /* the marker came back: nothing of the queue pair is outstanding */
	ICHAN_EV_COUNT
};

struct ichan_cmd {
	uint64_t lun;
	const uint8_t *cdb;
	uint16_t cdb_len;                 /* <= 32 */
	uint8_t task_attr;                /* enum srp_task_attr */
	bool out;                         /* direction of the data: to the target */
	bool immediate;                   /* the caller asked ichan_immediate_fits() */
	uint32_t len;                     /* bytes of data, 0: none */
	uint16_t n_pieces;                /* <= ICHAN_PIECES_MAX; 0 if immediate or no data */
	const struct srp_mem_desc *piece; /* their lengths add up to len */
};

struct ichan_task {
	uint64_t lun;
	uint8_t function; /* enum srp_tmf */
	uint16_t victim;  /* slot, for ABORT TASK */
};

struct ichan_event {
	enum ichan_ev_type type;
	int error;           /* -errno or 0 */
	const char *text;    /* static string, or NULL */
	const uint8_t *data; /* received bytes */
	size_t len;
	uint8_t *
		iu; /* room for one IU to send, at least ICHAN_IU_HEAD_MAX; NULL: there is none now */
	size_t iu_max; /* bytes at @iu */
	const struct ichan_cmd *cmd;
	const struct ichan_task *task;
	uint16_t slot;
	bool hopeless; /* EXPIRE: the abort could not even be sent for long */
};

enum ichan_act_type {
	ICHAN_ACT_RESOLVE, /* find the address: RESOLVED or RESOLVE_FAILED follows */
	ICHAN_ACT_OPEN, /* queue pair, receives, then connect with the `len` bytes at the event's iu as
			 * private data */
	ICHAN_ACT_SEND,   /* the `len` bytes at the event's iu; see ICHAN_SEND_* in `flags` */
	ICHAN_ACT_UP,     /* tell the user that the channel is live */
	ICHAN_ACT_ANSWER, /* copy `answer` to the command of `slot`: it borrows the event's data */
	ICHAN_ACT_FINISH, /* the command of `slot` is over with `outcome`: the slot is free already */
	ICHAN_ACT_FINISH_MANY, /* more are over: call ichan_take_over() until it has none */
	ICHAN_ACT_TASK_DONE,   /* the user's task is answered with `code` */
	ICHAN_ACT_TASK_LOST,   /* the user's task will not be answered */
	ICHAN_ACT_AER,         /* tell the user: `lun`, `answer`.sense */
	ICHAN_ACT_REFUSE,      /* SUBMIT or TASK was not taken: `code` is a positive errno */
	ICHAN_ACT_ARM,         /* (re)start the timer: `ms` */
	ICHAN_ACT_DISARM,
	ICHAN_ACT_DISCONNECT, /* orderly */
	ICHAN_ACT_DRAIN,      /* queue pair to error, post the marker */
	ICHAN_ACT_DESTROY,    /* queue pair and id; nothing comes from them any more */
	ICHAN_ACT_DOWN        /* tell the user; why: ichan.why */
};

#define ICHAN_SEND_REPORT BIT(0) /* ICHAN_EV_SENT with the slot is wanted */
#define ICHAN_SEND_DATA   BIT(1) /* the command's data follow the IU's `len` bytes (immediate data) */
#define ICHAN_SEND_ORPHAN BIT(2) /* belongs to no slot */

enum ichan_outcome {
	ICHAN_OUT_ANSWERED,
	ICHAN_OUT_ABORTED,
	ICHAN_OUT_TIMEOUT,
	ICHAN_OUT_LOST
};

struct ichan_answer {
	uint8_t status;
	uint8_t rsp_code;
	bool residual_out;    /* @residual is of data-out */
	int64_t residual;     /* > 0 bytes not transferred, < 0 bytes that had no room */
	const uint8_t *sense; /* borrowed */
	uint32_t sense_len;
};

struct ichan_action {
	enum ichan_act_type type;
	unsigned flags;
	uint16_t slot;
	uint32_t len;
	uint32_t ms;
	int code;
	enum ichan_outcome outcome;
	uint64_t lun;
	struct ichan_answer answer;
};

struct ichan_actions {
	unsigned count;
	struct ichan_action act[ICHAN_ACTIONS_MAX];
};

enum ichan_slot_state {
	ICHAN_SLOT_FREE,
	ICHAN_SLOT_BUSY,     /* sent, not answered */
	ICHAN_SLOT_ANSWERED, /* over but for the report of its SEND */
	ICHAN_SLOT_OVER      /* waits for ichan_take_over() */
};

struct ichan_slot {
	uint64_t lun;
	uint64_t seq; /* order of submission */
	uint32_t gen;
	uint32_t len; /* bytes of data */
	uint8_t state;
	uint8_t outcome;   /* enum ichan_outcome, from ANSWERED on */
	bool send_pending; /* its SEND has still to be reported */
	bool expired;
	uint16_t next_free;
};

enum ichan_why {
	ICHAN_WHY_NONE,
	ICHAN_WHY_CLOSED, /* the user wanted it */
	ICHAN_WHY_UNREACHABLE,
	ICHAN_WHY_REJECTED,
	ICHAN_WHY_LOGGED_OUT,
	ICHAN_WHY_DISCONNECTED,
	ICHAN_WHY_BROKEN,
	ICHAN_WHY_PROTOCOL,
	ICHAN_WHY_TIMEOUT
};

struct ichan_cause {
	enum ichan_why why;
	int error;        /* -errno or 0 */
	uint32_t code;    /* SRP reason */
	const char *text; /* static string */
};

struct ichan_cfg {
	struct srp_port_id initiator;
	struct srp_port_id target;
	uint8_t action;    /* SRP_LOGIN_SINGLE or SRP_LOGIN_MULTI */
	bool immediate;    /* ask for it */
	bool events;       /* ask for event reports */
	uint16_t n_slots;  /* 1 .. ICHAN_SLOTS_MAX - 1 */
	uint16_t n_pieces; /* 1 .. ICHAN_PIECES_MAX */
	uint32_t imm_max;  /* bytes of immediate data at most; 0: ICHAN_IMM_DEFAULT */
	uint16_t channel;  /* in our tags, so that they are unique in the nexus */
	uint32_t first_gen;
	uint32_t recv_len; /* bytes of a posted receive, >= 64 */
	uint32_t connect_ms;
	uint32_t logout_ms;
	uint32_t drain_ms;
};

struct ichan_tmf {
	bool busy;
	bool internal; /* our own abort of an overdue command */
	uint8_t function;
	uint16_t victim;
	uint32_t victim_gen;
	uint32_t gen;
	uint64_t lun;
	uint64_t seq; /* commands submitted before it */
};

struct ichan {
	enum ichan_state state;
	bool marker; /* DRAINING: the marker is posted */
	bool immediate;
	uint8_t multi_result;
	uint16_t n_slots;
	uint16_t free_head; /* slot, or ICHAN_NO_SLOT */
	uint16_t n_free;
	uint16_t n_over; /* slots that wait for ichan_take_over() */
	uint16_t scan;
	uint32_t it_iu_len; /* longest IU we shall send */
	uint32_t max_it_iu_len;
	uint32_t max_ti_iu_len;
	int64_t req_lim;
	int64_t granted; /* all that the target gave */
	int64_t spent;   /* requests sent; req_lim == granted - spent */
	uint64_t n_seq;  /* commands submitted */
	uint64_t n_late; /* responses that found nothing */
	struct ichan_tmf tmf;
	struct ichan_cause why;
	struct ichan_cfg cfg;
	struct ichan_slot *slot; /* n_slots; the caller's memory */
};

/**
 * ichan_init() - an IDLE channel
 * @c:    the caller's
 * @cfg:  copied; the ranges that its members state must hold
 * @slot: cfg->n_slots of them; stay the caller's, must stay valid as long as @c
 */
void ichan_init(struct ichan *c, const struct ichan_cfg *cfg, struct ichan_slot *slot);

/**
 * ichan_step() - handle one event
 * @ev:  its members as its type says
 * @out: what to do now, in order. Actions that name an IU mean the event's `iu`
 *
 * An event that no legal run can have (two START, anything from a queue pair after DESTROY) panics.
 * What a peer can cause never does.
 */
void ichan_step(struct ichan *c, const struct ichan_event *ev, struct ichan_actions *out);

/* A command may be submitted now. One credit is kept back for a task management function. */
static inline bool ichan_room(const struct ichan *c)
{
	return c->state == ICHAN_LIVE && c->n_free && c->req_lim > 1;
}

/* The slot that the next accepted SUBMIT takes; only while ichan_room(). */
static inline uint16_t ichan_next_slot(const struct ichan *c)
{
	return c->free_head;
}

/* Commands in flight. */
static inline unsigned ichan_n_busy(const struct ichan *c)
{
	return (unsigned)(c->n_slots - c->n_free);
}

/* @len bytes of data of a write may go into the IU. */
static inline bool ichan_immediate_fits(const struct ichan *c, uint32_t len, uint16_t cdb_len)
{
	return c->immediate && len <= c->cfg.imm_max && cdb_len <= 32;
}

/**
 * ichan_take_over() - next of the commands that are over, after ICHAN_ACT_FINISH_MANY
 * @ret_slot, @ret_outcome: set when there is one; the slot is free then
 *
 * Return: whether there was one. With ICHAN_OUT_ANSWERED an ICHAN_ACT_ANSWER has come before.
 */
bool ichan_take_over(struct ichan *c, uint16_t *ret_slot, enum ichan_outcome *ret_outcome);

/* Length of the longest IU that a channel of @cfg would send: req_it_iu_len of its login. */
uint32_t ichan_it_iu_len(const struct ichan_cfg *cfg);

/* Everything that must hold at any time, at a cost that grows with the slots: for tests. */
void ichan_check(const struct ichan *c);

/* The table has a handler in every cell: for tests. */
bool ichan_table_complete(void);

const char *ichan_state_text(enum ichan_state s);
