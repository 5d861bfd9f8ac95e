/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of this folder share. Each struct says which worker owns which of its fields. */
#pragma once

#include "srp/chan.h"
#include "srp/login.h"
#include "srp/port.h"
#include "srp/rate.h"
#include "target/arena.h"
#include "target/fault.h"
#include "target/pool.h"
#include "target/remote.h"
#include "target/target.h"
#include "target/xfer.h"

#define TGT_WORKERS_MAX 64u
#define TGT_CREDITS     129u  /* 128 commands, and a task management function */
#define TGT_IT_IU_LEAST 8276u /* always offered: 255 descriptors each way, Linux's 8 KiB at once */
#define TGT_IMM_LEAD    84u   /* bytes in front of immediate data that are offered beyond them */
#define TGT_MAX_TI_IU   1024u
#define TGT_RX_EXTRA    2u   /* receives beyond the credits: a logout and an answer to CRED_REQ */
#define TGT_CMD_EXTRA   32u  /* commands whose RSP is on its way, beyond the credits */
#define TGT_SQ_DATA     256u /* send queue slots for data, beyond a slot for each command's RSP */
#define TGT_CHAIN_MAX   32u  /* data work requests posted as one chain */
#define TGT_STALL_NS    (30 * NSEC_PER_SEC) /* deadline of an initiator for what it owes us */
#define TGT_STALL_ABORT_NS \
	(4 * NSEC_PER_SEC) /* ... when somebody waits for an abort: Linux waits 5 s */
/* Deadline of a disk for an I/O that was cancelled. Longer than the 4 s above: a flush may take long and cannot be
 * cancelled, and a unit is fenced for all. */
#define TGT_FENCE_NS     (10 * NSEC_PER_SEC)
#define TGT_BURST_BYTES  POOL_MAX_BYTES
#define TGT_RSP_BYTES    (SRP_RSP_BYTES + SRP_RSP_DATA_BYTES + SENSE_MAX_BYTES)
#define TGT_MAX_TRANSFER (8u << 20)
#define TGT_IMM_ALIGN    512u /* immediate data starts at a multiple of this in memory */
#define TGT_TABLE_MAX \
	(64u << 10) /* bytes of the descriptor tables of a command that lie outside it */

/* Low byte of a work request id; the rest is the index of a command or a receive. */
enum wr_kind {
	WR_RX,     /* a receive */
	WR_MID,    /* data, not the end of a chain: reported only when flushed or failed */
	WR_DATA,   /* data, the end of a chain */
	WR_RSP,    /* the response of a command */
	WR_MARKER, /* the drain marker */
	WR_LOGOUT, /* T_LOGOUT */
	WR_ASK,    /* CRED_REQ, AER_REQ */
};

/* What an initiator can let us wait for. */
enum owed {
	OWED_READ, /* answers to our RDMA READs */
	OWED_TAKE, /* room for what we send: RDMA WRITEs and RSPs */
	OWED_COUNT
};

struct tchan;
struct cmd;

/* Someone waits until what a unit keeps is stable. */
struct keep_wait {
	struct list node;
	void (*done)(struct keep_wait *w, int result);
};

/* Something of one kind is completed in order, so while none completes the initiator does nothing for it. */
struct owing {
	unsigned n;    /* outstanding */
	uint64_t done; /* completed */
	uint64_t seen; /* of those, when the timer was set */
	bool armed;    /* something was outstanding then */
};

/* What the worker of a channel knows of its nexus. Immutable once published. */
struct tview {
	struct scsi_view scsi;
	uint32_t limit;            /* request limit the port wants it to have */
	uint64_t report_seq;       /* of @report; 0: there was none yet */
	struct scsi_report report; /* to be sent when the number is new */
};

/* Someone at home waits until every channel has the views published so far. */
struct view_wait {
	struct list node;
	uint64_t at; /* of t->view_time, when it began */
	void (*done)(struct view_wait *v);
};

/* A receive and its buffer. Owned by the channel's worker. */
struct rx {
	struct chan_iu iu;
	struct list free_node;
	uint8_t *mem; /* where it puts its IU; NULL: where it did at first */
	bool lost;    /* nowhere: an orphan has that, and the channel ends */
	uint8_t *buf;
	uint32_t len; /* received */
};

/* Where a command is. All false when it begins. */
struct cmd_is {
	bool tmf;            /* a TSK_MGMT */
	bool running;        /* cmd_event() or cmd_act() is on the stack */
	bool has_event;      /* an event came meanwhile */
	bool posted;         /* a chain with a signalled end is outstanding */
	bool responding;     /* the RSP is posted */
	bool at_home;        /* the home worker has it */
	bool io;             /* the backend has it */
	bool home;           /* all its steps are taken at home */
	bool abort;          /* it must end without touching the medium again */
	bool abort_told;     /* the SCSI core knows */
	bool tell_abort;     /* the next step must tell it */
	bool tell;           /* when it ends by that, with TASK ABORTED */
	bool ordered;        /* counted in ch->n_ordered */
	bool tmf_counted;    /* a task management function waits for it */
	bool gather_counted; /* its unit is gathered, or blocks of it held, when it has ended */
	bool resumed;        /* it has waited and may go before who waits */
	bool no_data;        /* its descriptors were refused */
	bool remote;         /* it is for another target */
	bool need_table;     /* descriptor tables lie outside the command and are not here yet */
	bool orphan;         /* it was given up while the backend had it, and that still has it */
	bool ended;          /* it has, but its slot waits for that */
};

/* What is kept for the I/O of a command that was given up. */
struct cmd_orphan {
	struct unit_tasks *of;     /* whom it keeps fenced */
	struct unit_tasks *source; /* NULL: nobody else is copied from */
	struct pool_buf *buf;
	uint8_t *rx_mem; /* of the receive its data came with; NULL: they are in @buf */
	bool lent;       /* the pool has another in place of @buf, */
	enum pool_class lent_class;
};

/* What a command of a unit of another target has besides. */
struct cmd_remote {
	struct list node; /* on order or sent of its login */
	struct rlogin *login;
	enum {
		REMOTE_FETCHES, /* its buffer, its tables and its data */
		REMOTE_READY,   /* to be sent when its turn has come */
		REMOTE_SENT,
		REMOTE_ENDS, /* answered, or never sent */
	} state;
	bool cancel;            /* it is to be aborted there */
	uint32_t len;           /* of @addr */
	void *addr;             /* of tw->arena; NULL: none (yet) */
	struct remote_cmd *cmd; /* with SENT */
};

/* One CMD or TSK_MGMT from SUBMIT until its RSP is sent. Owned by the channel's worker; while a step runs
 * on the home worker, @task belongs to that. */
struct cmd {
	struct list node; /* on ch->free_cmds, or on ch->cmds while it runs */
	struct list
		wait; /* on a list of tw->buf_wait or ch->sq_wait; cancelled, while @is.io: on tw->canceled;
		       * of a TMF or CLEAR: on t->tmfs; of SET_STATES: on asker of its groups; delayed by a
		       * fault: on t->inject.delayed */
	/* the home worker's, while it waits there */
	struct list home_wait; /* on ch->waiting */
	enum cmd_home {
		CMD_HOME_WAITS, /* for its turn, or to clear others */
		CMD_HOME_LOST,  /* in a black hole, before it began: for ever */
		CMD_HOME_SAVES, /* for a save, it may have others to clear then */
		CMD_HOME_VIEWS, /* to clear others, when the views have been taken */
		CMD_HOME_ENDS,  /* likewise, but then it ends with the next: */
	} home_state;
	bool home_tell; /* with TASK ABORTED */
	struct tchan *ch;
	uint64_t seq; /* order in which the commands of its channel began */
	uint32_t index;
	struct rx *rx;                 /* until its receive is posted again */
	void (*resume)(struct cmd *c); /* what to go on with after waiting */
	struct scsi_act act;           /* under way */
	uint64_t done_bytes;           /* of @act */
	uint32_t burst_bytes;          /* under way */
	struct pool_buf *buf;          /* data of the burst */
	struct pool_buf *param;        /* task.data */
	void *list;             /* likewise, of one that may wait for others; from the heap */
	struct pool_buf *table; /* descriptor tables that were fetched */
	void (*tabled)(struct cmd *c); /* what to go on with then */
	/* moving [move_addr, +move_len) between the initiator and here */
	uint8_t *move_addr;
	uint32_t move_len;
	enum fab_wr_op move_op;
	const struct srp_data *move_data; /* the initiator's side, and how far it is used */
	struct xfer_pos *move_pos;
	int move_error;
	bool move_last; /* nothing follows but the RSP: its completion covers this */
	void (*moved)(struct cmd *c);
	unsigned slots;           /* send queue slots of the chain under way */
	unsigned rsp_slots;       /* slots that the completion of the RSP gives back */
	struct tgt_unit *unit;    /* counted in its tasks; NULL: none */
	struct unit_tasks *tasks; /* of @unit, those of this worker; valid while there is a unit */
	struct scsi_lu *lu;       /* as routed; what a TMF looks at */
	struct view_wait seen;
	struct keep_wait kept;
	struct xfer_pos in_pos;
	struct xfer_pos out_pos;
	struct srp_cmd_data data;
	struct srp_data table_at; /* the initiator's memory that holds a table */
	struct xfer_pos table_pos;
	uint8_t table_desc[SRP_MEM_DESC_BYTES];
	struct cmd_remote remote; /* valid with is.remote */
	struct iovec iov;
	struct cmd_is is;
	struct scsi_event event;
	struct worker_msg msg;
	struct backend_io bio;
	uint64_t cancel_ns; /* when that was cancelled */
	struct cmd_orphan orphan;
	struct scsi_task task;
	struct scsi_tmf tmf;
	uint64_t tag;
	uint8_t rsp_code; /* of a TMF */
	uint8_t sol_not;  /* SRP_SCSOLNT, SRP_UCSOLNT: which outcome shall be solicited */
	uint8_t rsp[TGT_RSP_BYTES];
	/* a fault that it has met */
	uint64_t fault_delay_ns;
	uint64_t fault_until_ns; /* it is on t->inject.delayed by @wait: home */
	uint64_t fault_seed;     /* of READ_WRONG */
};

/* A session: the SCSI nexus of all channels of an I_T nexus. Owned by the home worker. */
struct session {
	struct scsi_nexus nexus;
	struct tgt_port *port;
	struct srp_port_id initiator;
	struct sockaddr_storage peer; /* of its first channel */
	struct tchan *reporter;       /* the channel that has an event report under way */
	uint64_t report_seq;
};

/* A channel. */
struct tchan {
	/* constant after the login was taken */
	struct tgt *t;
	struct tgt_port *port;
	struct tworker *tw;
	struct session *session;
	struct fab_conn *conn;
	struct login_result login;
	uint64_t login_tag;
	struct srp_port_id initiator;
	struct sockaddr_storage peer;
	uint32_t credits;     /* its request limit at most */
	uint32_t login_limit; /* what it is when it logs in */
	uint32_t id;
	char name[96]; /* for logs: "channel 3 (10.0.0.7:4711)" */

	/* the home worker's */
	struct list home_node; /* on t->chans */
	struct port_chan pc;
	bool ended;           /* RELEASE came: post nothing to it any more, but the last message */
	bool view_posted;     /* the worker has not acknowledged yet */
	bool view_dirty;      /* and must get another one after that */
	uint64_t view_since;  /* of t->view_time: when what is posted was asked for, */
	uint64_t dirty_since; /* and what must come after that */
	struct list
		waiting; /* struct cmd.home_wait: WAIT, SAVE or CLEAR is their action, nothing of them is told yet */
	unsigned view_next;
	struct list lost_tmfs; /* struct cmd.home_wait: those in a black hole, or delayed */
	struct worker_msg to_drop;
	bool drop_posted;
	bool tmf_hit; /* written by the channel's worker during a TMF, read by home after it */
	struct tview views[2];
	uint64_t report_seq; /* of the last report given to it */
	struct scsi_report report;
	struct worker_msg to_build;
	struct worker_msg to_admission;
	struct worker_msg to_close[PORT_CLOSE_SESSION + 1];
	bool close_posted[PORT_CLOSE_SESSION + 1];
	struct worker_msg to_view;
	struct worker_msg to_free;

	/* the channel worker's */
	struct list tw_node; /* on tw->chans */
	struct chan chan;
	bool built;
	bool down_early; /* the peer went away before it was built */
	unsigned acting; /* steps whose actions are being carried out, one inside the other */
	bool unregister; /* the core waits for the last task */
	bool quiet;      /* home was told that it has no task any more, or needs no telling */
	bool unregistered;
	bool kick;         /* KICK is owed */
	const char *broke; /* QP_FATAL is owed, with these words */
	bool deferred_resources;
	bool aborted_all; /* to_home_abort was posted */
	unsigned
		n_ordered; /* commands with an attribute other than SIMPLE: later ones go home, too */
	const struct tview *view;
	uint64_t report_seen; /* number of the last report it took up */
	uint64_t ask_tag;     /* of the next CRED_REQ or AER_REQ */
	struct cmd *all_cmds;
	unsigned n_cmds;
	unsigned n_cmds_used; /* from the front; those behind were never used and are all zero */
	uint64_t cmd_seq;
	struct list free_cmds;
	struct list cmds;
	struct list sq_wait;
	struct list remotes; /* struct rlogin.node */
	struct rx *all_rx;
	unsigned n_rx;
	uint8_t *spare_rx[TGT_CMD_EXTRA]; /* memory for receives whose own an orphan has */
	unsigned n_spare_rx;
	unsigned n_orphans;
	bool free_due;       /* home is done with it: free it with the last orphan */
	struct fab *mem_fab; /* whom @rx_mem and @all_cmds were announced to; NULL: nobody */
	uint8_t *rx_mem;
	size_t rx_lead;
	size_t rx_stride;
	void *mem; /* what these, @all_cmds and @all_rx lie in */
	size_t mem_bytes;
	struct worker_job job;
	struct worker_timer
		timer; /* these two run as long as the channel lives, UINT64_MAX: for nothing */
	struct worker_timer stall;
	struct owing owing[OWED_COUNT];
	struct pool_share share;
	struct worker_msg to_home_view;
	struct worker_msg to_home_reported;
	struct worker_msg to_home_ready;
	struct worker_msg to_home_closing;
	struct worker_msg to_home_quiet;
	struct worker_msg to_home_release;
	struct worker_msg to_home_abort;
	uint8_t logout_iu[SRP_LOGOUT_BYTES];
	uint8_t ask_iu[SRP_AER_REQ_BYTES + SENSE_MAX_BYTES]; /* CRED_REQ or AER_REQ */
	uint64_t read_bytes;
	uint64_t write_bytes;
	uint64_t commands;
	uint64_t errors;
};

/* What a worker has of the target. */
struct tworker {
	struct tgt *t;
	struct worker *w;
	struct pool pool;
	struct list chans;
	/* commands that wait for a data buffer, by its class; first come first served, but for channels that
	 * hold more than their share */
	struct list buf_wait[POOL_CLASS_COUNT];
	struct worker_job buf_job;
	struct list canceled;      /* struct cmd.wait, the oldest first */
	struct worker_timer fence; /* runs while there is a channel, UINT64_MAX: for nothing */
	/* data of commands for other targets */
	struct arena arena;
	struct list arena_wait; /* struct cmd.wait: first come, first served */
	struct worker_job arena_job;
	/* the task management function under way */
	struct worker_msg tmf_msg;
	struct worker_msg tmf_marked;
	const struct scsi_tmf *tmf;
	unsigned tmf_left; /* commands that must end first, +1 while looking for them */
};

struct tgt_listener {
	struct list node;
	struct tgt *t;
	struct fab_listener *fl;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	unsigned refs; /* ports that listen here */
};

struct tgt_port {
	struct port port; /* .node is on t->ports */
	struct tgt *t;
	uint16_t relative_id; /* as SCSI numbers it; in t->relative_ids until it is retired */
	char name[64];
	bool default_port;
	bool retired;
	struct tgt_port_limits limits;
	tgt_acl_fn *acl;
	void *acl_ctx;
	struct port_nexus *pool;
	struct tgt_listener *listens[TGT_LISTENS_MAX];
	uint64_t logins;
	uint64_t rejects;
};

struct tgt {
	struct fab *fab;
	const struct fab_ops *ops;
	struct worker *helper; /* NULL: none */
	struct worker *stores; /* likewise; may be @helper */
	struct tworker *tw;
	unsigned n_workers;
	/* the home worker's */
	struct login_rate rate;
	struct list ports; /* struct port.node */
	struct scsi_ports relative_ids;
	uint16_t
		last_relative_id; /* none is used again: registrations may name a port that has gone */
	struct list listeners;
	struct list units;
	struct worker_timer tokens; /* always runs once there is a unit, UINT64_MAX: for nothing */
	struct worker_timer watch;  /* runs while there is a unit whose store may change, */
	uint64_t watch_ns;          /* ... so often */
	struct list aluas;
	unsigned n_saving; /* of those, how many are saving */
	struct list chans;
	unsigned n_chans;
	uint32_t next_id;
	unsigned next_worker;
	unsigned n_erasing;  /* units */
	unsigned n_flushing; /* units that are to be suspended, or were */
	unsigned n_fenced;   /* units */
	unsigned n_viewing;  /* channels that have ended, but their worker has a view of them */
	struct list view_waits;
	uint64_t view_time; /* counts them */
	/* task management: one function at a time, over all */
	struct list tmfs;
	struct cmd *tmf;
	unsigned tmf_workers;  /* that have not answered */
	unsigned tmf_unmarked; /* that have not told their commands */
	struct view_wait tmf_wait;
	struct tgt_inject {
		struct faults faults;
		struct list delayed; /* struct cmd.wait, who is due first stands first */
		struct worker_timer
			timer; /* runs once there was a fault, UINT64_MAX: for nothing */
	} inject;
	bool tmf_visited; /* it waits for copies: see scsi_tmf_visited() */
	bool stopping;
	void (*stopped)(void *ctx);
	void *stopped_ctx;
	struct worker_timer force;
};

static inline bool cmd_chan_live(const struct cmd *c)
{
	return c->ch->chan.state == CHAN_LIVE;
}

static inline struct worker *tgt_home(const struct tgt *t)
{
	return t->tw[0].w;
}

static inline bool tgt_port_listens(const struct tgt_port *p, const struct tgt_listener *l)
{
	for (unsigned i = 0; i < TGT_LISTENS_MAX; i++) {
		if (p->listens[i] == l)
			return true;
	}
	return false;
}

/* --- login.c: home worker --- */
extern const struct fab_handler login_handler;
/* Post what the port's queues say to the channels' workers. */
void login_drain(struct tgt_port *p);
/* Have the worker of a channel that has ended free it. */
void login_free(struct tchan *ch);
/* The last channel of a port or of all ports may have gone. */
void login_check_ended(struct tgt_port *p);
/* What a shutdown waits for may have happened. */
void login_check_stopped(struct tgt *t);
void port_text(const struct sockaddr_storage *addr, char *buf, size_t len);

/* --- channel.c: the channel's worker --- */
extern const struct fab_handler channel_handler;
/* Step the channel core and carry out what it says. */
void channel_step(struct tchan *ch, enum chan_ev type, uint32_t value, struct chan_iu *iu,
		  const char *text);
void channel_build(struct worker *w, struct worker_msg *m);
void channel_admission(struct worker *w, struct worker_msg *m);
void channel_new_view(struct worker *w, struct worker_msg *m);
void channel_close_evicted(struct worker *w, struct worker_msg *m);
void channel_close_disabled(struct worker *w, struct worker_msg *m);
void channel_close_session(struct worker *w, struct worker_msg *m);
/* Step RESPOND for @c: its RSP is sent, or dropped when the channel serves no more. */
void channel_respond(struct tchan *ch, struct cmd *c);
/* Post the receive again; the core is told by the caller. */
void channel_post_rx(struct tchan *ch, struct rx *rx);
/* Send queue slots or a command came back. */
void channel_resources(struct tchan *ch);
/* A chain or a RSP was posted, or has ended: an initiator that lets us wait has a deadline. */
void channel_owed(struct tchan *ch, enum owed what);
void channel_paid(struct tchan *ch, enum owed what);
/* A login elsewhere that it waited for has ended. */
void channel_left_there(struct tchan *ch);
/* Something is outstanding. */
bool channel_is_owed(const struct tchan *ch);
/* Somebody waits for a command that ends only when the initiator does its part: the deadline is near. */
void channel_hurry(struct tchan *ch);
/* The queue pair does not work any more. Told to the core in a later round, since who finds it may be in the
 * middle of a step whose next actions need the channel. */
void channel_broke(struct tchan *ch, const char *why);

/* --- channel_mem.c: the channel's worker; channel_bytes() any --- */
/* Memory the channel will take, of its login's parameters. */
uint64_t channel_bytes(const struct tchan *ch);
/* Map it, and announce it to the provider. Return: 0 or -ENOMEM; channel_free() in either case. */
must_check int channel_alloc(struct tchan *ch);
void channel_free(struct worker *w, struct worker_msg *m);
/* Where receive @i puts its IU. */
uint8_t *channel_rx_buf(const struct tchan *ch, size_t i);
/* An orphan has ended: there may be resources again, or the channel is freed. */
void channel_orphan_gone(struct tchan *ch);

/* --- command.c: the channel's worker --- */
/* SUBMIT: false when it cannot be taken now (the core is told by BUSY). */
bool cmd_submit(struct tchan *ch, struct rx *rx);
/* Tell the SCSI core (here or at home) that the action under way ended, and carry out the next one. */
void cmd_event(struct cmd *c, enum scsi_event_type type, int result);
/* The next action has come (from a step, here or at home). */
void cmd_act(struct cmd *c);
/* End it early: it is aborted as soon as it can no longer touch the medium; @tell: with TASK ABORTED. */
void cmd_abort(struct cmd *c, bool tell);
/* The response is posted and has completed, or will never be. */
void cmd_free(struct cmd *c);
/* The slot of one that has ended can be used again. */
void cmd_put(struct cmd *c);
/* End @c with a RSP; task.status and so on (or rsp_code) are set. */
void cmd_respond(struct cmd *c);
/* Its data have been sent, or could not be (c->move_error): it ends. */
void cmd_data_ended(struct cmd *c);
/* The initiator's description of its buffers is wrong: end @c so. */
void cmd_fail_buffers(struct cmd *c);
/* Send the data there are, and the response. */
void cmd_complete(struct cmd *c);
/* SEND_RSP: post it with @delta. */
void cmd_send_rsp(struct cmd *c, int32_t delta);

/* --- data.c, data_move.c: the channel's worker --- */
/* Carry out a data action: FETCH .. COMPARE, ROOM; ends with cmd_event(). */
void data_begin(struct cmd *c); /* "data_start" is the C library's */
/* Move [addr, +len) from (@op READ) or to the initiator; @moved is called when that is done or failed
 * (c->move_error). @last: a move to the initiator that only the RSP follows, whose completion covers it. */
void data_move(struct cmd *c, enum fab_wr_op op, void *addr, uint32_t len, bool last,
	       void (*moved)(struct cmd *c));
/* Read the next @len bytes of @from, whose position is @pos. */
void data_read_from(struct cmd *c, const struct srp_data *from, struct xfer_pos *pos, void *addr,
		    uint32_t len, void (*moved)(struct cmd *c));
/* A chain of @c completed. */
void data_wc(struct cmd *c, enum fab_wc_status status);
/* Commands that wait for slots may go on. */
void data_slots(struct tchan *ch);
void data_buf_job(struct worker *w, struct worker_job *j);
/* Take it off any wait list; true when it was on one. */
bool data_unwait(struct cmd *c);
/* Get c->buf of @len bytes; @resume is called when there may be one. False: it waits. */
bool data_get_buf(struct cmd *c, uint32_t len, void (*resume)(struct cmd *c));
/* Likewise c->param. */
bool data_get_param(struct cmd *c, void (*resume)(struct cmd *c));
/* Likewise c->table, of @len bytes. */
bool data_get_table(struct cmd *c, uint32_t len, void (*resume)(struct cmd *c));
/* Give c->buf or c->param back, if there is one. */
void data_put_buf(struct cmd *c, struct pool_buf **b);

/* --- home.c: home worker --- */
/* Step @c at home; from the channel's worker. */
void home_step(struct cmd *c);
/* What the data of @c would have told the initiator is owed again; then cmd_data_ended(). From the channel's worker. */
void home_unsent(struct cmd *c);
/* Make the worker of @ch see the nexus as it is now. */
void home_publish(struct tchan *ch);
void home_publish_nexus(struct session *s);
void home_publish_lu(struct tgt *t, const struct scsi_lu *lu);
/* Call @v->done when every channel has what was published; at once when it is so already. */
void home_view_wait(struct tgt *t, struct view_wait *v);
void home_view_acked(struct worker *w, struct worker_msg *m);
/* Waiters may be satisfied because a channel has gone. */
void home_view_check(struct tgt *t);
/* Do what is due at a unit; after everything that scsi_lu_next() names. */
void home_drain(struct scsi_lu *lu);
void home_drain_all(struct tgt *t);
/* SET_STATES of @c has ended. */
void home_states(struct cmd *c, int result);
/* @c has met a fault, before START: it ends only when it is aborted. */
void home_lose(struct cmd *c);
/* HOLD of @c is over. */
void home_held(struct cmd *c);
/* Commands of @ch at @lu that faults keep go on. */
void home_let_go(struct tchan *ch, const struct scsi_lu *lu);
/* The clearing of others that @c asked for is done. */
void home_cleared(struct cmd *c);
/* Abort the commands of @ch that wait at home and that @m means; NULL: all of them. Drain afterwards. */
void home_abort_waiting(struct tchan *ch, const struct scsi_tmf *m);
/* The channel serves no more. */
void home_abort_all(struct worker *w, struct worker_msg *m);

/* --- token.c: home worker --- */
void token_init(struct tgt *t);
/* There are units that may have tokens. */
must_check int token_start(struct tgt *t);
void token_stop(struct tgt *t);
/* What answers TOKEN of @c. */
struct scsi_event token_fresh(struct cmd *c);

/* --- event.c: home worker --- */
/* Unit attentions of @s may be news: have a channel that asked for event reports send one, if none is. */
void event_check(struct session *s);
/* The report that @ch had under way got through. */
void event_reported(struct worker *w, struct worker_msg *m);
/* @ch serves no more: what it had under way is lost. */
void event_leave(struct tchan *ch);

/* --- table.c: the channel's worker --- */
/* @c has descriptor tables outside the command. Return: NULL, or why they cannot be fetched. */
const char *table_check(const struct cmd *c);
/* Fetch them, then call @then; c->move_error is not 0 when that failed. */
void table_fetch(struct cmd *c, void (*then)(struct cmd *c));

/* --- tmf.c --- */
/* What the function @c has done at another target is done to the commands that are still here; then it is answered. */
void tmf_here(struct cmd *c);
/* A TSK_MGMT, from the channel's worker. */
void tmf_start(struct cmd *c);
/* Home: @c, which a fault has kept, is carried out; */
void tmf_go(struct cmd *c);
/* or it ends, as its channel does. */
void tmf_lost(struct cmd *c);
/* Is @c one of those that @m, which is under way, ends? Any worker that may look at @c. */
bool tmf_takes(const struct scsi_tmf *m, const struct cmd *c);
/* Home: carry out the action CLEAR of @c, then home_cleared(). */
void tmf_clear(struct cmd *c);
/* Home: a step has been taken, which may be what the function under way waits for. */
void tmf_look(struct tgt *t);
/* A command that a TMF waits for has ended. */
void tmf_cmd_ended(struct tworker *tw);
