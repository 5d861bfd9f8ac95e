/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * libsrp, raw channels: for programs that test a target. The library makes the connection, moves the
 * bytes and serves the target's RDMA; what the information units say, which tags they carry, whether a
 * credit is left and what is answered is all up to the caller, who may break every rule of SRP.
 *
 * A raw channel belongs to a context of libsrp.h and follows the rules stated there for connections: one
 * thread, functions of the caller are called from srp_ctx_process() only, errors are -errno.
 *
 *	srp_raw_connect(&raw, ctx, &(struct srp_raw_opts){ .host = "127.0.0.1", .login = iu,
 *							   .login_len = 56 }, &ops, user);
 *	while (!up)
 *		srp_ctx_process(ctx, -1);
 *	srp_raw_reg(raw, buf, len, SRP_MEM_WRITABLE, &key);
 *	srp_raw_send(raw, cmd, cmd_len);
 */
#pragma once

#include <libsrp/libsrp.h>

#ifdef __cplusplus
extern "C" {
#endif

struct srp_raw;

struct srp_raw_opts {
	const char *host; /* numeric address or name. Resolving a name may block the call */
	uint16_t port;    /* TCP port; 0: 5555 */
	const void
		*login; /* private data of the connection request, as a rule a LOGIN_REQ; copied */
	size_t login_len;            /* up to SRP_RAW_LOGIN_MAX */
	unsigned n_send;             /* IUs that may wait to be sent; 0: 256 */
	unsigned max_send;           /* bytes of the longest of them; 0: 8276 */
	unsigned n_recv;             /* receives that are posted at a time; 0: 256 */
	unsigned max_recv;           /* bytes of each; 0: 8276 */
	unsigned reads;              /* RDMA READs of the target served at once; 0: 16 */
	unsigned connect_timeout_ms; /* until up() or down(); 0: 10000 */
};

#define SRP_RAW_LOGIN_MAX 196u
#define SRP_RAW_REGS_MAX  64u

struct srp_raw_down {
	enum srp_down_reason
		reason;   /* CLOSED, UNREACHABLE, REJECTED, DISCONNECTED, BROKEN, TIMEOUT */
	int error;        /* -errno or 0 */
	const char *text; /* in words; valid during the call, never NULL */
	const void *iu;   /* REJECTED: the target's private data, as a rule a LOGIN_REJ */
	size_t iu_len;
};

/* What happens to a raw channel; all three must be given. IUs are valid during the call. */
struct srp_raw_ops {
	/* The connection stands; @iu is the target's private data, as a rule a LOGIN_RSP. At most once. */
	void (*up)(struct srp_raw *raw, void *user, const void *iu, size_t len);
	/* The target has sent an IU. */
	void (*recv)(struct srp_raw *raw, void *user, const void *iu, size_t len);
	/* It has ended, or never came up. Exactly once for each successful srp_raw_connect(). Nothing moves
	 * data of the caller any more. Only srp_raw_free() may follow, also from inside it. */
	void (*down)(struct srp_raw *raw, void *user, const struct srp_raw_down *why);
};

/**
 * srp_raw_connect() - start a connection with any private data
 * @ret:  set on success, before any function of @ops is called
 * @opts: copied, and so is the login
 * @ops:  kept; must stay valid as long as the channel
 *
 * Return: 0 (then up() or down() follows), -EINVAL (a field of @opts is out of range), -ENOMEM,
 * -EUSERS (max_conns of the context reached).
 */
SRP_API int srp_raw_connect(struct srp_raw **ret, struct srp_ctx *ctx,
			    const struct srp_raw_opts *opts, const struct srp_raw_ops *ops,
			    void *user);

/**
 * srp_raw_send() - send any bytes as an IU; copied
 *
 * IUs are sent in the order of the calls, by the end of the round or by the next srp_ctx_process().
 *
 * Return: 0, -ENOTCONN (not up), -EMSGSIZE (0 bytes or more than max_send), -EAGAIN (n_send wait).
 */
SRP_API int srp_raw_send(struct srp_raw *raw, const void *iu, size_t len);

/**
 * srp_raw_reg() - open [addr, addr + len) to the target of @raw until the channel is down
 * @access:  SRP_MEM_READABLE, SRP_MEM_WRITABLE or both
 * @ret_key: the key for memory descriptors; their address is that of the byte
 *
 * The memory stays the caller's and must stay valid until down().
 *
 * Return: 0, -ENOTCONN (not up), -EINVAL (length 0, access 0), -ENOSPC (SRP_RAW_REGS_MAX, or the
 * provider's limit).
 */
SRP_API int srp_raw_reg(struct srp_raw *raw, void *addr, size_t len, unsigned access,
			uint32_t *ret_key);

/* Start to end it; down() follows in a later round. Nothing is sent that says so: the caller may have sent
 * an I_LOGOUT before. LOGOUT waits until what was sent is gone, ABRUPT does not. */
SRP_API void srp_raw_close(struct srp_raw *raw, enum srp_close_how how);

/**
 * srp_raw_free() - release a raw channel after its down()
 * @raw: may be NULL
 *
 * Return: 0, or -EBUSY before down() was called.
 */
SRP_API int srp_raw_free(struct srp_raw *raw);

#ifdef __cplusplus
}
#endif
