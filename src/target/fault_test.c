/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which faults a command, a function or a login meets; how often; what is left of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "target/fault.h"

#define NOW 1000u

static const struct srp_port_id ini[2] = { { .guid = { 1 } }, { .guid = { 2 } } };
static const struct srp_port_id tgt[2] = { { .ext = { 1 } }, { .ext = { 2 } } };
static int units[2];
static struct faults s;

static int setup(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	return 0;
}

static struct fault *add(struct fault_spec spec)
{
	struct fault *f = faults_add(&s, &spec, NOW);

	assert_non_null(f);
	return f;
}

/* A READ(10) of blocks 100 to 107 of unit 0 as LUN 0 from initiator 0 through target 0. */
static struct fault_event a_read(void)
{
	return (struct fault_event){ .what = FAULT_ON_READ,
				     .unit = &units[0],
				     .initiator = &ini[0],
				     .target = &tgt[0],
				     .opcode = 0x28,
				     .lba = 100,
				     .n_blocks = 8 };
}

static bool hits(struct fault_event ev)
{
	return faults_strike(&s, &ev) != NULL;
}

static void test_scope(void **state)
{
	struct fault_event ev = a_read();

	(void)state;
	assert_false(hits(ev));
	add((struct fault_spec){ .kind = FAULT_BUSY,
				 .unit = &units[0],
				 .has_initiator = true,
				 .initiator = ini[0],
				 .has_target = true,
				 .target = tgt[0],
				 .has_lun = true,
				 .on = FAULT_ON_READ | FAULT_ON_OTHER,
				 .n_opcodes = 2,
				 .opcodes = { 0x28, 0x12 } });
	assert_true(hits(ev));
	ev.opcode = 0x12;
	assert_true(hits(ev));
	ev.opcode = 0x88;
	assert_false(hits(ev));
	ev = a_read();
	ev.what = FAULT_ON_WRITE;
	assert_false(hits(ev));
	ev.what = FAULT_ON_TMF;
	assert_false(hits(ev));
	ev.what = FAULT_ON_LOGIN;
	assert_false(hits(ev));
	ev = a_read();
	ev.unit = &units[1];
	assert_false(hits(ev));
	assert_false(faults_watch(&s, &ev));
	ev = a_read();
	ev.initiator = &ini[1];
	assert_false(hits(ev));
	assert_false(faults_watch(&s, &ev));
	ev = a_read();
	ev.target = &tgt[1];
	assert_false(hits(ev));
	ev = a_read();
	ev.lun = 1;
	assert_false(hits(ev));
	assert_false(faults_watch(&s, &ev));
	ev.lun = 0;
	assert_true(faults_watch(&s, &ev));
	assert_int_equal(s.all[0].hits, 2);
	assert_int_equal(s.all[0].seen, 2);
}

static void test_blocks(void **state)
{
	struct fault_event ev = a_read();

	(void)state;
	add((struct fault_spec){
		.kind = FAULT_ERROR, .has_lbas = true, .lba_first = 107, .lba_last = 110 });
	assert_true(hits(ev)); /* the last of its blocks is the first bad one */
	ev.n_blocks = 7;
	assert_false(hits(ev));
	ev.lba = 110;
	assert_true(hits(ev));
	ev.lba = 111;
	assert_false(hits(ev));
	ev.lba = 108;
	ev.n_blocks = 0; /* names no blocks */
	assert_false(hits(ev));
	ev.lba = UINT64_MAX;
	ev.n_blocks = 1;
	assert_false(hits(ev));
}

static void test_functions_only_when_named(void **state)
{
	struct fault_event ev = a_read();

	(void)state;
	add((struct fault_spec){ .kind = FAULT_BLACK_HOLE });
	ev.what = FAULT_ON_TMF;
	assert_false(hits(ev));
	add((struct fault_spec){ .kind = FAULT_BLACK_HOLE, .on = FAULT_ON_TMF });
	assert_true(hits(ev));
	assert_int_equal(s.all[0].hits, 0);
	assert_int_equal(s.all[1].hits, 1);
	/* who hits functions alone needs no command to come by */
	faults_remove(&s, &s.all[0]);
	assert_false(faults_watch(&s, &ev));
}

static void test_rhythm(void **state)
{
	unsigned n = 0;
	struct fault *f = add((struct fault_spec){ .kind = FAULT_BUSY, .count = 2, .every = 3 });

	(void)state;
	for (unsigned i = 1; i <= 12; i++)
		assert_int_equal(hits(a_read()), i == 3 || i == 6);
	assert_true(fault_is_spent(f));
	assert_int_equal(f->seen, 6);
	assert_false(faults_watch(&s, &(struct fault_event){ .initiator = ini, .target = tgt }));
	faults_remove(&s, f);
	f = add((struct fault_spec){ .kind = FAULT_BUSY, .percent = 25, .seed = 7 });
	for (unsigned i = 0; i < 4000; i++)
		n += hits(a_read());
	assert_in_range(n, 850, 1150);
	assert_int_equal(f->hits, n);
	faults_remove(&s, f);
	add((struct fault_spec){ .kind = FAULT_BUSY, .percent = 25, .seed = 7 });
	for (unsigned i = 0; i < 4000; i++)
		n -= hits(a_read());
	assert_int_equal(n, 0); /* the same seed, the same hits */
}

static void test_first_one_that_strikes(void **state)
{
	struct fault *a = add((struct fault_spec){ .kind = FAULT_BUSY, .count = 1 });
	struct fault *b = add((struct fault_spec){ .kind = FAULT_DROP });

	struct fault_event ev = a_read();

	(void)state;
	assert_ptr_equal(faults_strike(&s, &ev), a);
	assert_ptr_equal(faults_strike(&s, &ev), b);
	assert_int_equal(b->seen, 1);
}

static void test_life(void **state)
{
	(void)state;
	assert_true(faults_end_ns(&s) == UINT64_MAX);
	assert_true(add((struct fault_spec){ .kind = FAULT_BUSY })->end_ns == NOW + FAULT_TTL_NS);
	add((struct fault_spec){ .kind = FAULT_BUSY, .ttl_ns = 5 });
	assert_true(add((struct fault_spec){ .kind = FAULT_BUSY, .ttl_ns = UINT64_MAX })->end_ns ==
		    NOW + FAULT_TTL_MAX_NS);
	assert_true(faults_end_ns(&s) == NOW + 5);
	assert_ptr_equal(faults_find(&s, 2), &s.all[1]);
	faults_remove(&s, faults_find(&s, 2));
	assert_null(faults_find(&s, 2));
	assert_ptr_equal(faults_find(&s, 3), &s.all[1]);
	while (s.n < FAULTS_MAX)
		add((struct fault_spec){ .kind = FAULT_BUSY });
	assert_null(faults_add(&s, &(struct fault_spec){ .kind = FAULT_BUSY }, NOW));
}

static void test_credits_and_logins(void **state)
{
	struct fault_event ev = { .what = FAULT_ON_LOGIN, .initiator = ini, .target = tgt };

	(void)state;
	assert_int_equal(faults_credits(&s, ini, tgt, 100), 100);
	add((struct fault_spec){
		.kind = FAULT_CREDITS, .has_initiator = true, .initiator = ini[0], .credits = 3 });
	assert_int_equal(faults_credits(&s, &ini[0], tgt, 100), 3);
	assert_int_equal(faults_credits(&s, &ini[0], tgt, 2), 2);
	assert_int_equal(faults_credits(&s, &ini[1], tgt, 100), 100);
	assert_false(hits(a_read()));
	assert_false(faults_watch(&s, &ev));
	add((struct fault_spec){
		.kind = FAULT_REJECT_LOGIN, .has_target = true, .target = tgt[0] });
	assert_true(hits(ev));
	ev.target = &tgt[1];
	assert_false(hits(ev));
}

static void test_names(void **state)
{
	(void)state;
	for (int k = FAULT_NONE + 1; k < FAULT_KINDS; k++)
		assert_int_equal(fault_kind_of(fault_kind_name((enum fault_kind)k)), k);
	assert_int_equal(fault_kind_of("gremlin"), FAULT_NONE);
	assert_int_equal(fault_kind_of(""), FAULT_NONE);
}

static void test_corrupt(void **state)
{
	uint8_t one[4096];
	uint8_t part[512];
	uint8_t other[512];

	(void)state;
	memset(one, 0, sizeof(one));
	fault_corrupt(3, one, sizeof(one), 51200, 512);
	for (unsigned i = 0; i < 8; i++) { /* one byte of each block, the same however it is read */
		unsigned n = 0;

		for (unsigned k = 0; k < 512; k++)
			n += one[512 * i + k] != 0;
		assert_int_equal(n, 1);
		memset(part, 0, sizeof(part));
		fault_corrupt(3, part, sizeof(part), 51200 + 512 * i, 512);
		assert_memory_equal(part, one + 512 * (size_t)i, 512);
	}
	memset(other, 0, sizeof(other));
	fault_corrupt(4, other, sizeof(other), 51200, 512);
	assert_memory_not_equal(other, one, 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_scope, setup),
		cmocka_unit_test_setup(test_blocks, setup),
		cmocka_unit_test_setup(test_functions_only_when_named, setup),
		cmocka_unit_test_setup(test_rhythm, setup),
		cmocka_unit_test_setup(test_first_one_that_strikes, setup),
		cmocka_unit_test_setup(test_life, setup),
		cmocka_unit_test_setup(test_credits_and_logins, setup),
		cmocka_unit_test_setup(test_names, setup),
		cmocka_unit_test_setup(test_corrupt, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
