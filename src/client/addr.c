/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "client/client_priv.h"

#define DEFAULT_PORT 5555

void addrs_find(struct addrs *a, const char *host, uint16_t port, char *text, size_t size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char service[8];
	int r;

	(void)snprintf(service, sizeof(service), "%u", port ? port : DEFAULT_PORT);
	r = getaddrinfo(host, service, &hints, &list);
	if (r) {
		(void)snprintf(text, size, "the name cannot be resolved: %s", gai_strerror(r));
		return;
	}
	for (struct addrinfo *i = list; i && a->n < CONN_ADDRS_MAX; i = i->ai_next) {
		if (i->ai_addrlen > sizeof(a->addr[0]))
			continue;
		memcpy(&a->addr[a->n], i->ai_addr, i->ai_addrlen);
		a->len[a->n++] = i->ai_addrlen;
	}
	freeaddrinfo(list);
}
