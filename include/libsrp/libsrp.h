/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * libsrp: an SRP (SCSI RDMA Protocol) initiator in user space.
 *
 * The library is asynchronous and brings no thread. A context (`srp_ctx`) is an event loop of the
 * caller's thread: the caller waits until srp_ctx_fd() is readable (or lets srp_ctx_process() wait)
 * and calls srp_ctx_process(), which calls the caller's functions. A context and everything made
 * from it belong to one thread at a time; two contexts are independent of each other.
 *
 * A connection (`srp_conn`) is one SRP channel. Several channels with the same initiator port to the
 * same target port form one I_T nexus, that is one SCSI session, when they log in with SRP_MULTI.
 *
 * Errors: 0 is success, a negative number is -errno. A call says which errors it has; what the target
 * or the network does is never an error of a call, it comes as an outcome to the caller's functions.
 * Invalid use that could not be reported (a NULL handle) is undefined.
 *
 *	struct srp_ctx *ctx;
 *	struct srp_conn *conn;
 *
 *	srp_ctx_new(&ctx, NULL);
 *	srp_connect(&conn, ctx, &(struct srp_connect_opts){ .host = "127.0.0.1", .port = 5555 },
 *		    &ops, user);
 *	while (!done)                       // ops.up() may submit, io->done() may submit more
 *		srp_ctx_process(ctx, -1);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SRP_API __attribute__((visibility("default")))

#define SRP_VERSION_MAJOR 0
#define SRP_VERSION_MINOR 1

/* Version of the library that was loaded, such as "0.1.0". */
SRP_API const char *srp_version(void);

struct srp_ctx;
struct srp_conn;
struct srp_mem;

/* ---------------------------------------------------------------------------------------------
 * Context
 */

struct srp_ctx_opts {
	unsigned max_conns; /* connections that may exist at a time; 0: 1024 */
	unsigned
		poll_us; /* how long srp_ctx_process() looks again before it sleeps; 0: not at all */
};

/**
 * srp_ctx_new() - make a context
 * @ret:  set on success; the caller's, released with srp_ctx_free()
 * @opts: NULL for the defaults; not kept
 *
 * Return: 0, -ENOMEM, or -ENOSYS or -EPERM where io_uring is missing or forbidden.
 */
SRP_API int srp_ctx_new(struct srp_ctx **ret, const struct srp_ctx_opts *opts);

/**
 * srp_ctx_free() - release a context
 * @ctx: may be NULL
 *
 * Return: 0, or -EBUSY while a connection of it exists (then nothing happened).
 */
SRP_API int srp_ctx_free(struct srp_ctx *ctx);

/**
 * srp_ctx_fd() - the descriptor to wait for in the caller's event loop
 *
 * It polls readable when srp_ctx_process() has something to do. What a caller starts outside its
 * callbacks (srp_submit(), srp_close() ...) is sent by the next srp_ctx_process(), so call that with
 * timeout 0 before waiting. The descriptor stays the library's: do not read or close it.
 */
SRP_API int srp_ctx_fd(const struct srp_ctx *ctx);

/**
 * srp_ctx_process() - handle what happened, send what was started, call the caller's functions
 * @timeout_ms: how long to wait when there is nothing to do: 0 not at all, negative for ever
 *
 * One round. May return before the time is over without any call made. Never call it from one of the
 * caller's functions.
 *
 * Return: 0, or -errno when the event loop itself is broken; then free everything.
 */
SRP_API int srp_ctx_process(struct srp_ctx *ctx, int timeout_ms);

/* Monotonic time in ns as of the start of the current round: cheap, for statistics. */
SRP_API uint64_t srp_ctx_now_ns(const struct srp_ctx *ctx);

/**
 * srp_trace_fn - what srp_ctx_set_trace() calls for every IU
 * @sent:    true: initiator to target, false: received
 * @iu, @len: its bytes, valid during the call. Immediate data is not part of it
 * @text:    the same in words, one line without newline, valid during the call
 */
typedef void srp_trace_fn(void *user, struct srp_conn *conn, bool sent, const void *iu, size_t len,
			  const char *text);

/* Call @fn for every IU of every connection of @ctx, logins included; NULL: stop. Costs time per IU. */
SRP_API void srp_ctx_set_trace(struct srp_ctx *ctx, srp_trace_fn *fn, void *user);

/* ---------------------------------------------------------------------------------------------
 * Connection
 */

struct srp_initiator_id {
	uint8_t b[16]; /* identifier extension (8), GUID (8), as on the wire */
};

/* What a login does to the other channels of the same nexus. */
enum srp_channel_mode {
	SRP_MULTI,  /* leaves them alone */
	SRP_SINGLE, /* has the target terminate them: their commands in flight are lost */
};

struct srp_connect_opts {
	const char *host; /* numeric address or name. Resolving a name may block the call */
	uint16_t port;    /* TCP port; 0: 5555 */
	/* What to log in to; both zero: the target's default target, if it is configured to have one. */
	uint64_t id_ext;
	uint64_t ioc_guid;
	/* Who logs in; all zero: srp_default_initiator(). */
	struct srp_initiator_id initiator;
	enum srp_channel_mode mode;
	unsigned
		depth; /* commands in flight at most; 0: 127. The target's credit may make it fewer */
	unsigned max_pieces; /* iovec entries of one command at most; 0: 16, which is the most */
	unsigned
		max_response_iu; /* longest IU we receive; 0: 1024. A target that wants to send longer ones
				   * is refused (SRP_DOWN_PROTOCOL); LIO and SCST ask for 8276 */
	bool no_immediate;           /* never put data of small writes into the command's IU */
	unsigned connect_timeout_ms; /* until up() or down(); 0: 10000 */
	unsigned reads;              /* RDMA READs of the target served at once; 0: 16 */
	unsigned
		immediate_max; /* bytes of data a command's IU carries at most; 0: 8192, up to 65536. A target
				 * that takes less refuses the login with 0x00010002 */
};

enum srp_down_reason {
	SRP_DOWN_CLOSED,      /* srp_close() did it. Nothing to do */
	SRP_DOWN_UNREACHABLE, /* no connection came about; `error` says why. Try later or elsewhere */
	SRP_DOWN_REJECTED, /* the target refused the login; `code` is its LOGIN_REJ reason (0: none
			       * was given). Without a change on either side it will refuse again,
			       * except 0x00010001 and 0x00010006, insufficient resources: try later */
	SRP_DOWN_LOGGED_OUT, /* the target sent T_LOGOUT, `code` is its reason. Log in again if wanted;
			       * reason 4 says that a newer login of this nexus took over: do not */
	SRP_DOWN_DISCONNECTED, /* the target or the network ended it in an orderly way. Log in again */
	SRP_DOWN_BROKEN,       /* the connection failed; `error`, `text`. Log in again */
	SRP_DOWN_PROTOCOL,     /* the target did what SRP forbids; `text`. Report it; do not loop */
	SRP_DOWN_TIMEOUT, /* the target did not answer: a login, or the abort of a command. Log in again */
};

struct srp_down {
	enum srp_down_reason reason;
	int error;        /* -errno or 0 */
	uint32_t code;    /* SRP reason code, see above, or 0 */
	const char *text; /* one clause in words for a human; valid during the call, never NULL */
};

/* What happens to a connection. All are called from srp_ctx_process(). */
struct srp_conn_ops {
	/* The login succeeded: commands may be submitted. At most once. */
	void (*up)(struct srp_conn *conn, void *user);
	/*
	 * The connection has ended, or never came up. Exactly once for each successful srp_connect().
	 * All commands and tasks have been given back before it. Only srp_conn_free(), srp_mem_dereg()
	 * and srp_conn_info() may be called afterwards (also from inside it).
	 */
	void (*down)(struct srp_conn *conn, void *user, const struct srp_down *why);
	/* After a submission was answered -EAGAIN: it is worth trying again. May be NULL. */
	void (*ready)(struct srp_conn *conn, void *user);
	/* The target reports an asynchronous event of @lun in sense data: a unit attention waits there. May be
	 * NULL: then the login does not ask for such reports. */
	void (*event)(struct srp_conn *conn, void *user, uint64_t lun, const uint8_t *sense,
		      size_t sense_len);
};

/**
 * srp_connect() - start a login
 * @ret:  set on success, before any function of @ops is called
 * @opts: copied
 * @ops:  kept; must stay valid as long as the connection
 *
 * Return: 0 (then up() or down() follows), -EINVAL (a field of @opts is out of range), -ENOMEM,
 * -EUSERS (max_conns reached).
 */
SRP_API int srp_connect(struct srp_conn **ret, struct srp_ctx *ctx,
			const struct srp_connect_opts *opts, const struct srp_conn_ops *ops,
			void *user);

enum srp_close_how {
	SRP_CLOSE_LOGOUT, /* finish sending, log out, disconnect. At most 2 s */
	SRP_CLOSE_ABRUPT, /* as if this process died: the target notices by itself */
};

/* Start to end a connection; down() follows, in a later round. Harmless when it is ending already. Commands
 * in flight come back as SRP_IO_LOST: wait for them first if their outcome matters. */
SRP_API void srp_close(struct srp_conn *conn, enum srp_close_how how);

/**
 * srp_conn_free() - release a connection after its down()
 * @conn: may be NULL
 *
 * Return: 0, or -EBUSY before down() was called.
 */
SRP_API int srp_conn_free(struct srp_conn *conn);

struct srp_conn_info {
	bool up;
	unsigned
		depth; /* commands that may be in flight at a time, by our limit and the credit now */
	unsigned in_flight; /* commands in flight */
	int32_t req_lim;    /* credit left */
	uint32_t max_it_iu_len;
	uint32_t max_ti_iu_len;
	bool immediate;       /* small writes carry their data in the IU */
	uint8_t multi_result; /* of the login: 0 no other channels, 1 they were ended, 2 they go on */
	uint64_t late_responses; /* answers to commands that were given up before */
};

SRP_API void srp_conn_info(const struct srp_conn *conn, struct srp_conn_info *ret);
SRP_API void *srp_conn_user(const struct srp_conn *conn);

/* The initiator port of this host: the same at every start, made from its machine id. */
SRP_API struct srp_initiator_id srp_default_initiator(void);

/* ---------------------------------------------------------------------------------------------
 * Memory
 *
 * The target moves data by RDMA straight from and to the caller's buffers. Without more ado they are
 * opened to it for the length of each command only. A caller that uses the same memory again and
 * again may open it once instead, which is faster; the target can then touch it at any time.
 */

#define SRP_MEM_READABLE 1u /* the target may read it: data of writes */
#define SRP_MEM_WRITABLE 2u /* the target may write it: data of reads */

/**
 * srp_mem_reg() - open [addr, addr + len) to the target of @conn
 * @ret: set on success; released with srp_mem_dereg()
 *
 * The memory stays the caller's and must stay valid until srp_mem_dereg(). It does not outlive the
 * connection: register it anew after another login.
 *
 * Return: 0, -EINVAL (length 0, access 0), -ENOMEM, -ENOSPC (too many), -ENOTCONN (not up).
 */
SRP_API int srp_mem_reg(struct srp_mem **ret, struct srp_conn *conn, void *addr, size_t len,
			unsigned access);

/* Close it again; not while a command uses it. @mem may be NULL. Needed also after down(), but before
 * srp_conn_free(). */
SRP_API void srp_mem_dereg(struct srp_mem *mem);

/* ---------------------------------------------------------------------------------------------
 * Commands
 */

/* SAM LUN as 64 bits, first byte highest: the format of REPORT LUNS. */
static inline uint64_t srp_lun(unsigned number)
{
	return number < 256 ? (uint64_t)number << 48
			    : (uint64_t)(0x4000u | (number & 0x3fffu)) << 48;
}

/* The number in a LUN of a single level; the inverse of srp_lun(). */
static inline unsigned srp_lun_number(uint64_t lun)
{
	return (unsigned)(lun >> 48) & 0x3fffu;
}

#define SRP_CDB_MAX   32u
#define SRP_SENSE_MAX 96u
#define SRP_IOV_MAX   16u

enum srp_dir {
	SRP_DIR_NONE,
	SRP_DIR_READ,  /* data comes from the target */
	SRP_DIR_WRITE, /* data goes to the target */
};

/* How the target orders a command among others of the unit (SAM-5 8.9). */
enum srp_task_attribute {
	SRP_ATTR_SIMPLE = 0, /* among other SIMPLE commands in any order */
	SRP_ATTR_HEAD_OF_QUEUE = 1,
	SRP_ATTR_ORDERED = 2, /* behind everything sent before, ahead of everything sent later */
	SRP_ATTR_ACA = 4,     /* while an ACA condition is in effect, and only then */
};

enum srp_io_outcome {
	SRP_IO_DONE,    /* the target answered: see status, residual, sense */
	SRP_IO_ABORTED, /* a task management function ended it. Whether it took effect is unknown */
	SRP_IO_TIMEOUT, /* not answered within timeout_ms, and aborted. Effect unknown */
	SRP_IO_LOST,    /* the connection ended first. Effect unknown: a write may even take effect
			 * later, as long as the target works on what it had received */
};

/*
 * A command. Memory of the caller, who fills in the first part. The library owns it from a successful
 * srp_submit() until done() is entered; then it is the caller's again, and may be submitted again at
 * once. The buffers belong to the library (and the target) for the same time.
 */
struct srp_io {
	/* The request. */
	uint64_t lun;
	uint8_t cdb[SRP_CDB_MAX]; /* bytes behind cdb_len need not be zero */
	uint8_t cdb_len;          /* 6, 10, 12, 16, or a multiple of 4 up to 32 */
	uint8_t task_attr;        /* enum srp_task_attribute; 0: SIMPLE */
	enum srp_dir dir;
	unsigned n_iov; /* 0 with SRP_DIR_NONE, else 1 .. max_pieces; no entry may have length 0 */
	const struct iovec *iov; /* must stay valid as long as the command; NULL: use `one` */
	struct iovec one;        /* convenience: the buffer, when it is a single one */
	struct srp_mem *mem;     /* NULL, or the registration that all buffers lie in */
	unsigned timeout_ms;     /* 0: 30000. Checked a few times a second */
	void (*done)(struct srp_io *io);
	void *user; /* never looked at */

	/* The answer, valid from done() on. */
	struct srp_conn *conn;       /* set by srp_submit() */
	enum srp_io_outcome outcome; /* what follows is meaningful with SRP_IO_DONE only */
	uint8_t status;              /* SCSI status; 0 is GOOD, 2 CHECK CONDITION */
	uint8_t rsp_code; /* SRP response code, 0 unless the target found fault with the IU */
	uint8_t sense_len;
	bool residual_out; /* @residual is of data to the target: tells which with SRP_DIR_NONE */
	int64_t residual; /* > 0: so many bytes of the buffer were not transferred; < 0: the command
			   * wanted to transfer so many bytes more than the buffer has */
	uint8_t sense[SRP_SENSE_MAX];

	/* The library's. */
	uint64_t priv[2];
};

/**
 * srp_submit() - start a command
 *
 * Does not allocate. The IU is sent at the end of the current round of srp_ctx_process() together
 * with others, or by the next round when called outside of one.
 *
 * Return: 0 (done() follows exactly once, in a later round), -EAGAIN (depth or credit is used up: try
 * again when a command has come back, or in ready()), -ENOTCONN (not up, or ending), -EINVAL
 * (cdb_len, task_attr, dir, iovec or `mem` do not fit), -EMSGSIZE (buffers of 4 GiB or more in all),
 * -ENOSPC (the buffers cannot be registered now).
 */
SRP_API int srp_submit(struct srp_conn *conn, struct srp_io *io);

enum srp_task_function {
	SRP_TASK_ABORT = 0x01,     /* the command `victim` */
	SRP_TASK_ABORT_SET = 0x02, /* all commands of this nexus on the LUN */
	SRP_TASK_CLEAR_SET = 0x04, /* all commands of everybody on the LUN */
	SRP_TASK_LUN_RESET = 0x08, /* the same, and reset the LUN's state */
	SRP_TASK_CLEAR_ACA = 0x40,
};

enum srp_task_outcome {
	SRP_TASK_DONE, /* answered: see code. With code 0 the commands it concerns on this connection
			* come back as SRP_IO_ABORTED before done(); those on other channels of the
			* nexus do so when they time out */
	SRP_TASK_LOST, /* the connection ended first, also because the target did not answer in time */
};

/* A task management request; ownership as with struct srp_io. */
struct srp_task {
	uint64_t lun;
	enum srp_task_function function;
	struct srp_io *victim; /* ABORT: a command in flight on this connection */
	unsigned
		timeout_ms; /* 0: 5000. Without an answer by then the connection is given up (SRP_DOWN_TIMEOUT) */
	void (*done)(struct srp_task *task);
	void *user;

	struct srp_conn *conn;
	enum srp_task_outcome outcome;
	uint8_t code; /* SRP response code: 0 done, 2 invalid fields, 4 not supported, 5 failed */
};

/**
 * srp_task_mgmt() - start a task management function; a credit is kept back for it
 *
 * Return: 0 (done() follows exactly once), -EBUSY (another one of this connection is in flight, maybe
 * the library's own abort of a command that timed out), -EAGAIN (no credit), -ENOTCONN, -EINVAL (no
 * such function), -ENOENT (ABORT: `victim` is not in flight here).
 */
SRP_API int srp_task_mgmt(struct srp_conn *conn, struct srp_task *task);

#ifdef __cplusplus
}
#endif
