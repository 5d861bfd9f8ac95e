/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The RDMA provider on rdma-core (libibverbs, librdmacm): InfiniBand, RoCE, iWARP adapters, and the
 * kernel's soft devices. Addresses are those of IPv4 and IPv6 and, for logins by the InfiniBand CM
 * without IP, AF_IB (struct sockaddr_ib).
 */
#pragma once

#include "fabric/fabric.h"

/* All zero is a good choice: every member's 0 stands for its default. */
struct fab_verbs_opts {
	struct fab_limits
		limits;       /* handshakes: logins the kernel keeps until they are looked at; the
				   * other limits of half-open logins are the kernel's matter */
	bool wait_for_device; /* listen: without a device at the address yet, wait until one appears */
	unsigned
		poll_us; /* poll a completion queue this long after the last completion; 0: until empty */
	unsigned connect_ms;    /* active: deadline of each step of resolving; 0: 2000 */
	unsigned disconnect_ms; /* deadline of an orderly end; 0: 5000 */
};

/**
 * fab_verbs_new() - make the provider
 * @ret:  set on success; release with its ops->free()
 * @opts: copied; NULL for the defaults
 *
 * One object serves all workers of a process. The device contexts belong to librdmacm, which keeps them
 * open for the process; asynchronous events of them are read by this provider.
 *
 * Return: 0, -ENOMEM, -ENODEV when there is no RDMA device (and !@opts->wait_for_device), or
 * -errno when the kernel's RDMA connection manager cannot be used.
 * Context: any thread.
 */
must_check int fab_verbs_new(struct fab **ret, const struct fab_verbs_opts *opts);

/* Whether an RDMA device has @addr; for a wildcard address, whether there is any device. Any thread. */
bool fab_verbs_present(const struct sockaddr *addr);

/* Besides a struct sockaddr_ib, listen() takes this: logins by the InfiniBand CM on any device, with
 * service id 0x013f0000 + port, the only ids that user space may listen on. */
struct fab_verbs_ib_port {
	sa_family_t family; /* AF_IB */
	uint16_t port;      /* network byte order */
};
