/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Who gets which LUN map: globs over the two names of an initiator. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config/errors.h"

/*
 * One character class at @set (behind its '['): does it hold @c? *@ret_end is behind the ']', or NULL
 * when there is none; the '[' then is an ordinary character.
 */
static bool match_set(const char *set, char c, const char **ret_end)
{
	bool invert = *set == '!';
	bool hit = false;

	if (invert)
		set++;
	for (const char *p = set; *p; p++) {
		char from = errors_lower(*p);
		char to = from;

		if (*p == ']') {
			*ret_end = p + 1;
			return hit != invert;
		}
		if (p[1] == '-' && p[2] && p[2] != ']') {
			to = errors_lower(p[2]);
			p += 2;
		}
		hit = hit || (c >= from && c <= to);
	}
	*ret_end = NULL;
	return false;
}

/* Does the one element at @glob, no '*', match @c? *@ret_next is the element behind it. */
static bool match_one(const char *glob, char c, const char **ret_next)
{
	const char *end;
	bool hit;

	*ret_next = glob + 1;
	if (*glob == '?')
		return true;
	if (*glob == '[') {
		hit = match_set(glob + 1, c, &end);
		if (end) {
			*ret_next = end;
			return hit;
		}
	}
	return errors_lower(*glob) == c;
}

/* Only the last '*' seen is ever taken back, so the work is bounded by the product of the lengths. */
bool config_glob(const char *glob, const char *text)
{
	const char *star = NULL;
	const char *star_text = NULL;

	while (*text) {
		const char *next;

		if (*glob == '*') {
			star = ++glob;
			star_text = text;
		} else if (*glob && match_one(glob, errors_lower(*text), &next)) {
			glob = next;
			text++;
		} else if (star) {
			glob = star;
			text = ++star_text;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

/* Of struct sockaddr_ib, which is the kernel's and not the C library's. */
#define SOCKADDR_IB_GID 8

/* The address of @peer without port, of InfiniBand the GID; "" when there is none. */
static void match_address(const struct sockaddr *peer, char *buf, socklen_t len)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	const void *addr = NULL;
	int family = AF_INET;

	buf[0] = '\0';
	if (peer && peer->sa_family == AF_IB) {
		addr = (const uint8_t *)peer + SOCKADDR_IB_GID;
		family = AF_INET6;
	} else if (peer && peer->sa_family == AF_INET) {
		memcpy(&v4, peer, sizeof(v4));
		addr = &v4.sin_addr;
	} else if (peer && peer->sa_family == AF_INET6) {
		memcpy(&v6, peer, sizeof(v6));
		addr = &v6.sin6_addr;
		family = AF_INET6;
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
			addr = &v6.sin6_addr.s6_addr[12];
			family = AF_INET;
		}
	}
	if (addr && !inet_ntop(family, addr, buf, len))
		buf[0] = '\0';
}

static bool match_group(const struct config_group *g, const char *id, const char *address)
{
	bool included = false;

	for (unsigned i = 0; i < g->n_patterns; i++) {
		bool excludes = g->patterns[i][0] == '!';
		const char *glob = g->patterns[i] + excludes;
		bool hit = config_glob(glob, id) || (*address && config_glob(glob, address));

		if (hit && excludes)
			return false;
		included = included || hit;
	}
	return included;
}

const struct config_group *config_match_group(const struct config_target *t,
					      const uint8_t port_id[16],
					      const struct sockaddr *peer)
{
	char address[INET6_ADDRSTRLEN];
	char id[2 + 32 + 1] = "0x";

	for (unsigned i = 0; i < 16; i++)
		(void)snprintf(id + 2 + (size_t)2 * i, 3, "%02x", port_id[i]);
	match_address(peer, address, sizeof(address));
	for (unsigned i = 0; i < t->n_groups; i++)
		if (match_group(&t->groups[i], id, address))
			return &t->groups[i];
	return t->allow_any ? &t->any_group : NULL;
}
