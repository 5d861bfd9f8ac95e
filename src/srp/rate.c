/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "srp/rate.h"

#include "base/check.h"

#define HOST_BYTES 8u /* of an IPv6 address */

void login_rate_init(struct login_rate *r, uint32_t per_s, uint32_t burst)
{
	memset(r, 0, sizeof(*r));
	if (!per_s)
		return;
	r->each_ns = NSEC_PER_SEC / per_s;
	r->debt_ns = r->each_ns * (burst ? burst - 1 : 0);
}

static struct port_addr host_of(const struct port_addr *who)
{
	struct port_addr host = { .len = (uint8_t)min_u32(who->len, HOST_BYTES) };

	check(who->len <= PORT_ADDR_BYTES);
	memcpy(host.bytes, who->bytes, host.len);
	return host;
}

/* FNV-1a */
static unsigned set_of(const struct port_addr *host)
{
	uint32_t h = 0x811c9dc5u;

	for (unsigned i = 0; i < host->len; i++)
		h = (h ^ host->bytes[i]) * 0x01000193u;
	return (h ^ h >> 16) % RATE_SETS;
}

/* The slot of @host, or the one that has been quiet for longest, made its own. */
static struct rate_slot *slot_of(struct login_rate *r, const struct port_addr *host)
{
	struct rate_slot *set = r->slot[set_of(host)];
	struct rate_slot *quiet = &set[0];

	for (unsigned i = 0; i < RATE_WAYS; i++) {
		if (set[i].who.len == host->len &&
		    memcmp(set[i].who.bytes, host->bytes, host->len) == 0)
			return &set[i];
		if (set[i].paid_ns < quiet->paid_ns)
			quiet = &set[i];
	}
	*quiet = (struct rate_slot){ .who = *host };
	return quiet;
}

bool login_rate_take(struct login_rate *r, const struct port_addr *who, uint64_t now_ns)
{
	const struct port_addr host = host_of(who);
	struct rate_slot *s;

	if (!r->each_ns)
		return true;
	s = slot_of(r, &host);
	if (s->paid_ns < now_ns)
		s->paid_ns = now_ns;
	if (s->paid_ns - now_ns > r->debt_ns)
		return false;
	s->paid_ns += r->each_ns;
	return true;
}
