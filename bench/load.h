/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The load client for whoever is no SRP target: one thread, one epoll, the same pattern of requests whatever the
 * protocol. A protocol logs a connection in, makes requests and says which of them an answer ends.
 */
#pragma once

#include "base/hist.h"
#include "base/prng.h"
#include "stream.h"

struct load;

struct load_conn {
	struct stream s;
	struct load *l;
	uint64_t *started_ns; /* by tag */
	struct prng prng;
	uint64_t next_block; /* sequential */
	/* iSCSI only */
	uint32_t cmd_sn;
	uint32_t exp_stat_sn;
	uint32_t immediate_max; /* bytes a command may carry */
};

struct load_proto {
	const char *name;
	struct stream_proto stream;
	unsigned max_depth; /* of a connection; 0: STREAM_RING */
	/* Do what comes before requests, on a socket that blocks; die()s. NULL: nothing. */
	void (*login)(struct load_conn *c);
	/* Say that this is the end, nothing being outstanding. NULL: nothing. */
	void (*logout)(struct load_conn *c);
	/* Queue request @tag for load->bs bytes at @off_bytes. */
	void (*request)(struct load_conn *c, uint32_t tag, uint64_t off_bytes);
};

struct load {
	const struct load_proto *proto;
	const char *host;
	const char *name; /* of the export or iSCSI target */
	uint64_t size_bytes;
	uint64_t n_blocks; /* of @bs bytes */
	uint32_t bs;
	uint32_t qd; /* of each connection */
	uint32_t n_conns;
	uint32_t inflight; /* of all connections; less than qd * n_conns: they take turns */
	uint32_t secs;
	uint16_t port;
	bool write;
	bool sequential;
	bool poll;   /* never sleep */
	bool mark;   /* print when the measured time begins and ends, and wait */
	bool ending; /* ask for nothing any more, count nothing any more */
	struct load_conn *conns;
	/* who has a tag to spare while the connections take turns: tags, as connection * qd + tag */
	uint32_t *idle;
	uint32_t idle_first;
	uint32_t n_idle;
	uint64_t now_ns;
	uint64_t begin_ns; /* of the measured time; 0: it has not begun */
	uint64_t n_out;    /* not answered yet */
	uint64_t n_ios;
	struct hist latency;
};

extern const struct load_proto load_rr;
extern const struct load_proto load_nbd;
extern const struct load_proto load_iscsi;

/* Request @tag of @c has been answered. */
void load_answered(struct load_conn *c, uint32_t tag);
/* The server did what the protocol or this client does not allow: exit 1. */
noreturn void load_refused(const struct load_conn *c, const char *why);

/* For login(): send or receive all of it. */
void load_send(struct load_conn *c, const void *p, size_t n);
void load_recv(struct load_conn *c, void *p, size_t n);
