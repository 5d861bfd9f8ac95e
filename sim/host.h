/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A host that follows the rules: an initiator port that logs in with one or more channels, reads, writes,
 * asks, aborts, resets, logs out, loses its connections and comes back. On the initiator core of libsrp
 * (src/initiator); what it gets is judged against the model of the disks and by the checkers.
 */
#pragma once

#include "fabric/fabric.h"
#include "initiator/ichan.h"
#include "run/worker.h"
#include "wire/cdb.h"

#define HOSTS_MAX       6u
#define HOST_CHANS_MAX  4u
#define HOST_LUNS_MAX   8u
#define HOST_SLOTS_MAX  32u
#define HOST_PIECES_MAX ICHAN_PIECES_MAX
#define CAW_MAX         64u /* blocks of a COMPARE AND WRITE of ours */
#define PROBE_STEPS     6u

struct host;
struct hchan;

/* What a command is for. */
enum hop {
	HOP_READ,
	HOP_WRITE,
	HOP_SYNC,
	HOP_VERIFY,
	HOP_COMPARE,
	HOP_CAW, /* COMPARE AND WRITE */
	HOP_ORWRITE,
	HOP_SAME,
	HOP_UNMAP,
	HOP_TUR,
	HOP_INQUIRY,
	HOP_LUNS,
	HOP_CAPACITY,
	HOP_MODE,
	HOP_SENSE,
	HOP_STOP, /* START STOP UNIT */
	HOP_CODES,
	HOP_SELECT, /* MODE SELECT */
	HOP_PR_OUT,
	HOP_PR_IN,
	HOP_RESERVE, /* and RELEASE */
	HOP_GROUPS,  /* REPORT TARGET PORT GROUPS */
	HOP_ACCESS,  /* SET TARGET PORT GROUPS */
	HOP_ERASE,   /* FORMAT UNIT, SANITIZE */
	HOP_BAD,     /* something no unit can do */
	HOP_MEDIUM,  /* START STOP UNIT with LOEJ, PREVENT ALLOW MEDIUM REMOVAL */
	HOP_IDENT,   /* identifying information, the timestamp */
	HOP_COPY,    /* copies inside the target, and tokens (hcmd_copy.c) */
	HOP_COUNT
};

/* A command of a host, in its slot. */
struct hcmd {
	bool busy;
	enum hop op;
	uint32_t nth; /* of the run, for the transcript */
	uint16_t slot;
	uint16_t lun;
	int disk; /* -1: none is known there */
	uint64_t lba;
	uint32_t n;     /* blocks */
	uint32_t block; /* bytes */
	uint32_t len;   /* of the buffer */
	uint8_t cdb[CDB_MAX_BYTES];
	bool out;
	bool fua;
	bool may_be_gone; /* a function of its own host may have aborted it without a word */
	bool immed;       /* ERASE: it is answered when that has begun */
	bool differs;     /* COMPARE, CAW: it must find a difference */
	uint32_t expect[CAW_MAX]; /* COMPARE, CAW: writes of the model that the blocks hold */
	uint32_t write;           /* of the model; 0: it is none */
	uint64_t begin;           /* of the model; 0: it is no read */
	uint8_t attr;             /* of the task */
	uint64_t tag;
	uint64_t arrived; /* at the target, by spy_count(); 0: not yet */
	uint64_t sent_tick;
	uint64_t sent_ns;
	uint64_t deadline_ns;
	uint64_t n_faults; /* of its disk when it began */
	uint64_t n_events; /* of the world that may fail a command, likewise (world_events()) */
	uint8_t *buf;
	unsigned n_mr;
	struct fab_mr mr[HOST_PIECES_MAX + 1];
	uint8_t table[HOST_PIECES_MAX *
		      SRP_MEM_DESC_BYTES]; /* when it stands outside the command */
	uint64_t version; /* of the reservations, which it made; 0: it made none (check_pr.c) */
	struct {
		uint32_t len; /* 0: it is not known what they are */
		uint64_t header, digest;
	} want;           /* parameter data of PERSISTENT RESERVE IN */
	uint64_t over_ns; /* when it ended inside the target; 0: it has not */
	uint64_t
		kept; /* the version of the saved mode pages that it made; 0: none (check_keep.c) */
	uint64_t
		access; /* the version of the access states that it made; 0: none (check_access.c) */
	uint64_t medium;    /* ... of where the medium is (check_medium.c) */
	uint64_t ident;     /* ... of identifying information or the timestamp (check_ident.c) */
	uint64_t forced;    /* the version of the control mode page that it made; 0: none */
	uint64_t mode_tick; /* when it changed the mode pages; 0: it has not */
	bool told_abort;    /* ... with TASK ABORTED */
	bool conflict;      /* ... with RESERVATION CONFLICT */
	bool cut;           /* ... and shall have no answer */
	bool sends;         /* ... with data, that were still to be moved */
	struct {
		uint8_t what;     /* enum hcmd_copy, of HOP_COPY */
		uint32_t list_id; /* LIST IDENTIFIER; 0: none */
		unsigned from;    /* BIT(disk): what is read, beside cmd->disk */
		int to;           /* the disk that is written */
		unsigned token;   /* which of hcmd_copy.c */
		uint64_t
			uses; /* of the token, before; or the number of the copy that is asked about */
	} copy;
	/* as answered */
	uint8_t status;
	int64_t residual;
	uint32_t sense_len;
	uint8_t sense[64];
};

/* A write whose channel died before it was answered: it may still happen, until the next login is answered. */
struct hlimbo {
	struct list node;
	uint32_t write;
};

/* How a host behaves. */
struct host_ways {
	unsigned n_chans;
	unsigned n_slots; /* commands of a channel at most */
	unsigned n_cmds;  /* commands of its life */
	unsigned max_blocks;
	unsigned op[HOP_COUNT]; /* weights */
	unsigned tmf_pmille;    /* per command */
	unsigned order_pmille;  /* per command: ORDERED, or HEAD OF QUEUE */
	unsigned leave_pmille;  /* per command: it logs out, or just goes */
	unsigned short_pmille;  /* a buffer is smaller or larger than the transfer */
	bool scattered;         /* buffers of as many pieces as a command may have */
	unsigned extern_pct; /* a descriptor table of several pieces stands outside the command */
	unsigned solicit_pct;
	unsigned freeze_pmille; /* per command: the connection takes nothing for a while */
	unsigned cut_pmille;    /* per command: the connection is cut */
	bool immediate;
	bool reports;           /* it wants event reports */
	bool careful;           /* all channels again when one is lost, as Linux does */
	bool hasty;             /* it gives up a login soon, or does not find the target in time */
	unsigned clumsy_pmille; /* it asks for things at the wrong time */
	uint64_t think_ns;
	uint64_t timeout_ns; /* of a command */
	uint64_t again_ns;   /* before it logs in again */
};

struct host {
	unsigned index;
	const char *name; /* "h0" */
	struct worker *w;
	struct fab *fab;
	struct srp_port_id id;
	struct host_ways ways;
	struct hchan *chan[HOST_CHANS_MAX];
	unsigned logins;          /* single-channel logins that were answered */
	uint64_t silent_until_ns; /* the target may still wait for a channel of ours that went */
	unsigned cmds_left;
	bool active;  /* it wants to be logged in */
	bool ending;  /* the run ends: log out and stay away */
	bool probing; /* the end of the run: it must get in, and write and read */
	bool probed;  /* ... and it did */
	unsigned probe_step;
	bool heard; /* its last answer was a unit attention */
	struct list limbo;
	struct worker_timer next; /* login, or the next commands */
	struct worker_job job;
	struct sockaddr_storage target;
	struct srp_port_id target_id;
	uint16_t port;      /* its relative identifier; 0: not known yet */
	unsigned n_refused; /* logins in a row */
};

/* --- host.c --- */

struct host *host_new(unsigned index, struct fab *f, const struct host_ways *ways);
void host_free(struct host *h);
/* Begin to log in. */
void host_start(struct host *h);
/* Stop sending commands; when all are over, log out and stay away. */
void host_stop(struct host *h);
/* It must get in, and get a write and a read done, in the time that is left; see host.probed. */
void host_probe(struct host *h);
/* For scripts: @n commands more; task management (not ABORT TASK: of a unit); log out of all channels; be switched
 * off, and come back. */
void host_give(struct host *h, unsigned n);
void host_manage(struct host *h, uint8_t function, uint16_t lun);
void host_logout(struct host *h);
void host_vanish(struct host *h);
bool host_is_idle(const struct host *h);
/* No channel is left. */
bool host_is_out(const struct host *h);
/* The process of the target is gone: none of our writes is under way any more. */
void host_target_died(struct host *h);
void host_each(void (*fn)(struct host *h));
/* The one whose name rogues take. */
struct host *host_first(void);
/* NULL: there is none. */
struct host *host_at(unsigned index);

/* From hchan.c: a channel's login was answered with yes; it ended; a command is over. */
void host_up(struct host *h, struct hchan *c);
void host_down(struct host *h, struct hchan *c);
void host_over(struct host *h);

/* A write of ours whose channel ended. */
void host_limbo(struct host *h, uint32_t write);

/* --- hchan.c --- */

extern const struct fab_handler hchan_handler;

/* When what has begun at a unit had come: the latest, by spy_count(). See check_order.c. */
struct order_marks {
	uint64_t barrier; /* of those with ORDERED */
	uint64_t plain;   /* of all but those with HEAD OF QUEUE */
};

struct hchan {
	struct host *h;
	unsigned n; /* place in h->chan */
	uint32_t number;
	struct ichan core;
	struct ichan_slot slots[HOST_SLOTS_MAX];
	struct hcmd cmd[HOST_SLOTS_MAX];
	struct fab_conn *fc;
	bool single;
	bool was_up;
	bool was_rejected;
	bool asked_down; /* the end is our own wish */
	bool frozen;
	bool resolving;
	uint8_t *send_buf, *recv_buf, *data;
	uint32_t n_send, send_head, send_tail;
	uint32_t n_recv;
	uint32_t data_stride;
	struct worker_timer deadline, tick, thaw, resolve;
	struct worker_msg down_msg;
	struct ichan_event next;
	bool has_next;
	uint64_t tmf_deadline_ns;
	uint8_t tmf_fn; /* of the user's task; 0: none */
	uint16_t tmf_lun;
	uint64_t tmf_tick;
	uint8_t login[ICHAN_LOGIN_REQ_BYTES];
	uint32_t login_len;
	uint64_t opened_tick;
	struct order_marks order[HOST_LUNS_MAX];
};

/* Start to log in; NULL never. */
struct hchan *hchan_open(struct host *h, unsigned n, bool single);
void hchan_free(struct hchan *c);
bool hchan_live(const struct hchan *c);
/* Room for a command now. */
bool hchan_room(const struct hchan *c);
/* The command of the next slot, to be filled in. */
struct hcmd *hchan_next(struct hchan *c);
/* Send it. */
void hchan_submit(struct hchan *c, struct hcmd *cmd);
/* Task management. False: not now. */
bool hchan_task(struct hchan *c, uint8_t function, uint16_t lun, uint16_t victim);
void hchan_logout(struct hchan *c);
void hchan_drop(struct hchan *c);
/* Take nothing for @ns. */
void hchan_freeze(struct hchan *c, uint64_t ns);
unsigned hchan_n_busy(const struct hchan *c);

/* --- hcmd.c --- */

/* Fill in a command of the host's liking for channel @c. */
void hcmd_make(struct hchan *c, struct hcmd *cmd);
/* Of the probe at the end of a run: start the unit, write a block, read it. */
void hcmd_make_probe(struct hchan *c, struct hcmd *cmd, unsigned step);
/* It was answered: is that right? */
void hcmd_answered(struct hchan *c, struct hcmd *cmd);
/* It was aborted: it is over and was not answered. */
void hcmd_aborted(struct hchan *c, struct hcmd *cmd);
/* Its channel ended before. */
void hcmd_lost(struct hchan *c, struct hcmd *cmd);
