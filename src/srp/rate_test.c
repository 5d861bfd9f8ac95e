/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "srp/rate.h"

static struct login_rate rate;

static struct port_addr host(uint32_t n)
{
	return (struct port_addr){
		.len = 4,
		.bytes = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n },
	};
}

static unsigned takes(const struct port_addr *who, uint64_t now_ns, unsigned tries)
{
	unsigned n = 0;

	while (tries--)
		n += login_rate_take(&rate, who, now_ns);
	return n;
}

static void burst_then_rate(void **state)
{
	struct port_addr a = host(1);
	struct port_addr b = host(2);
	uint64_t now = 5 * NSEC_PER_SEC;
	unsigned n = 0;
	unsigned i;

	(void)state;
	login_rate_init(&rate, 10, 4);
	assert_int_equal(takes(&a, now, 100), 4);
	assert_int_equal(takes(&b, now, 100), 4); /* another one has its own */
	assert_int_equal(takes(&a, now + 99 * NSEC_PER_MSEC, 1), 0);
	assert_int_equal(takes(&a, now + 100 * NSEC_PER_MSEC, 2), 1);
	/* tried all the time for ten seconds: ten a second; what is refused costs nothing */
	for (i = 1; i <= 10000; i++)
		n += takes(&a, now + (100 + i) * NSEC_PER_MSEC, 1);
	assert_int_equal(n, 100);
	/* a long pause saves no more than a burst */
	assert_int_equal(takes(&a, now + 3600 * NSEC_PER_SEC, 100), 4);
}

static void no_limit(void **state)
{
	struct port_addr a = host(1);

	(void)state;
	login_rate_init(&rate, 0, 1);
	assert_int_equal(takes(&a, 1, 100000), 100000);
	login_rate_init(&rate, 1, 0);
	assert_int_equal(takes(&a, 1, 10), 1);
}

/* All addresses of a 64-bit prefix are one host; those of another are not. */
static void ipv6(void **state)
{
	struct port_addr a = { .len = 16, .bytes = { 0x20, 1, 0xd, 0xb8 } };
	struct port_addr b = a;

	(void)state;
	login_rate_init(&rate, 1, 3);
	b.bytes[15] = 9;
	assert_int_equal(takes(&a, 1, 2), 2);
	assert_int_equal(takes(&b, 1, 2), 1);
	b.bytes[7] = 1;
	assert_int_equal(takes(&b, 1, 9), 3);
}

/* More addresses than the table holds: nobody new is kept out, and who storms is not forgotten for them. */
static void many(void **state)
{
	struct port_addr storm = host(0xabcdef);
	uint64_t now = 1;
	unsigned through = 0;
	uint32_t i;

	(void)state;
	login_rate_init(&rate, 1, 1000);
	assert_int_equal(takes(&storm, now, 2000), 1000);
	for (i = 0; i < 100000; i++) {
		struct port_addr a = host(i);

		now += NSEC_PER_MSEC;
		assert_true(login_rate_take(&rate, &a, now));
		through += takes(&storm, now, 1);
	}
	assert_in_range(through, 99, 101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_then_rate),
		cmocka_unit_test(no_limit),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
