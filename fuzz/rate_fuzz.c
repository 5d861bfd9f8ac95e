/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The table of login rates under any order of addresses and times, beside a book that never forgets
 * anybody. Who the book lets in, the table lets in; with so few addresses that nobody can be forgotten, the
 * two agree. Input: logins a second, burst, how many addresses; then pairs of (address, time that passed).
 */
#include "fuzz.h"
#include "srp/rate.h"

#define HOSTS 32u

struct book {
	uint64_t each_ns, debt_ns;
	uint64_t paid_ns[HOSTS];
};

static bool book_allows(const struct book *b, unsigned host, uint64_t now_ns)
{
	uint64_t paid = b->paid_ns[host] > now_ns ? b->paid_ns[host] : now_ns;

	return paid - now_ns <= b->debt_ns;
}

static void book_take(struct book *b, unsigned host, uint64_t now_ns)
{
	if (b->paid_ns[host] < now_ns)
		b->paid_ns[host] = now_ns;
	b->paid_ns[host] += b->each_ns;
}

/* Host @i: even ones have an IPv4, odd ones an IPv6 address whose second half (@low) does not count. */
static struct port_addr address(unsigned i, uint8_t low)
{
	struct port_addr a = { .len = i & 1 ? 16 : 4 };

	a.bytes[0] = 10;
	a.bytes[3] = (uint8_t)(i * 7 + 1);
	if (i & 1) {
		a.bytes[7] = (uint8_t)i;
		a.bytes[8] = low;
		a.bytes[15] = (uint8_t)~low;
	}
	return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct login_rate r;
	struct cur in = cur_of(data, len);
	struct book b = { 0 };
	uint32_t per_s = cur_be16(&in);
	uint32_t burst = cur_u8(&in);
	unsigned hosts = 1 + cur_u8(&in) % HOSTS;
	uint64_t now_ns = 1;

	login_rate_init(&r, per_s, burst);
	if (per_s) {
		b.each_ns = NSEC_PER_SEC / per_s;
		b.debt_ns = b.each_ns * (burst ? burst - 1 : 0);
	}
	while (cur_left(&in) >= 2) {
		uint8_t who = cur_u8(&in);
		uint8_t gap = cur_u8(&in);
		unsigned host = who % hosts;
		struct port_addr a = address(host, gap);
		bool allowed;
		bool took;

		/* 0 to about nine minutes, finely where it is short */
		now_ns += (uint64_t)(gap & 15) << 2 * (gap >> 4);
		allowed = book_allows(&b, host, now_ns);
		took = login_rate_take(&r, &a, now_ns);
		check(took || (per_s && !allowed)); /* nobody is kept out wrongly */
		check(took == (allowed || !per_s) || hosts > RATE_WAYS);
		if (took && per_s)
			book_take(&b, host, now_ns);
	}
	return 0;
}
