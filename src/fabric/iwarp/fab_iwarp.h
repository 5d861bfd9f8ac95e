/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The RDMA provider that needs no RDMA hardware: MPA/DDP/RDMAP over TCP in user space, IPv4 and IPv6.
 * Kernel siw and iWARP adapters speak the same on the wire.
 */
#pragma once

#include "fabric/fabric.h"

/* Listening sockets that somebody else made, or goes on with. */
struct fab_iwarp_sockets {
	/* One that listens at @addr, non-blocking, listen()'s from now on; -1: there is none, it makes one. */
	int (*find)(void *ctx, const struct sockaddr *addr, socklen_t len);
	/* Whether @fd, whose listener ends, is taken over as it is; else it is closed. */
	bool (*keep)(void *ctx, int fd);
	void *ctx;
};

/* All zero is a good choice: every member's 0 stands for its default. */
struct fab_iwarp_opts {
	struct fab_limits limits; /* half-open logins of one address are counted per listener */
	bool crc_required; /* refuse no peer, but have CRC32c on with every one; costs throughput */
	uint32_t max_payload; /* bytes of a tagged segment we send, multiple of 4; 0: 65516 */
	uint32_t
		direct_threshold; /* payload left from which it is read straight into its sink; 0: 16384 */
	uint32_t
		batch_bytes; /* receive buffer of a worker, shared by its connections; 0: 256 KiB */
	unsigned n_stags;    /* memory regions a connection may have registered; 0: 256 */
	unsigned connect_ms; /* active: deadline from connect() to the MPA reply; 0: 10000 */
	unsigned
		disconnect_ms; /* deadline of an orderly end, then the connection is reset; 0: 5000 */
	unsigned
		user_timeout_ms; /* sent data unacknowledged that long: connection lost; 0: 60000 */
	/* Active: pause between the MPA reply and our first FPDU. The kernel's siw responder may overlook an
	 * FPDU that comes right behind its reply; a client of such a target sets 1000. 0: none. */
	unsigned first_fpdu_delay_us;
	struct fab_iwarp_sockets sockets;
};

/**
 * fab_iwarp_new() - make the provider
 * @ret:  set on success; release with its ops->free()
 * @opts: copied; NULL for the defaults
 *
 * One object serves all workers of a process. Receive buffers are allocated when a worker makes its
 * first queue pair, nothing is allocated on the data path.
 *
 * Return: 0, -ENOMEM, or -EINVAL for an option that makes no sense.
 * Context: any thread.
 */
must_check int fab_iwarp_new(struct fab **ret, const struct fab_iwarp_opts *opts);
