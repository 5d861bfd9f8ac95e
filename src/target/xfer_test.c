/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/prng.h"
#include "target/xfer.h"

#define MAX_DESC 20u

static struct srp_data data_of(uint8_t *wire, const struct srp_mem_desc *m, uint32_t n)
{
	struct srp_data d = { .fmt = SRP_FMT_INDIRECT, .n_desc = n, .n_table = n, .desc = wire };

	for (uint32_t i = 0; i < n; i++) {
		srp_mem_desc_put(wire + i * SRP_MEM_DESC_BYTES, &m[i]);
		d.len += m[i].len;
	}
	return d;
}

static void test_pieces_follow_the_descriptors(void **state)
{
	static const struct srp_mem_desc m[] = { { 0x1000, 1, 100 },
						 { 0x9000, 2, 0 },
						 { 0x2000, 3, 50 },
						 { 0xfffffffffffffff0, 4, 300 } };
	uint8_t wire[sizeof(m) / sizeof(m[0]) * SRP_MEM_DESC_BYTES];
	struct srp_data d = data_of(wire, m, ARRAY_SIZE(m));
	struct xfer_pos pos = { 0 };
	struct fab_sge sge[8];
	struct fab_wr wr[8];
	char mem[512];
	struct xfer_chain chain = { .wr = wr, .sge = sge, .max = 8 };

	(void)state;
	/* A burst that ends inside a descriptor ... */
	assert_int_equal(xfer_build(&d, &pos, FAB_WR_WRITE, mem, 120, &chain), 2);
	assert_int_equal(chain.bytes, 120);
	assert_true(wr[0].remote_va == 0x1000 && wr[0].rkey == 1 && sge[0].addr == mem &&
		    sge[0].len == 100);
	assert_true(wr[1].remote_va == 0x2000 && wr[1].rkey == 3 && sge[1].addr == mem + 100 &&
		    sge[1].len == 20);
	/* ... is gone on with there, and ends with the last descriptor. */
	assert_int_equal(xfer_build(&d, &pos, FAB_WR_WRITE, mem, 500, &chain), 2);
	assert_int_equal(chain.bytes, 330);
	assert_true(wr[0].remote_va == 0x2014 && sge[0].len == 30);
	assert_true(wr[1].rkey == 4 && sge[1].len == 300);
	assert_int_equal(xfer_build(&d, &pos, FAB_WR_WRITE, mem, 1, &chain), 0);
	assert_int_equal(chain.bytes, 0);
}

static void test_random_bursts_cover_everything_once(void **state)
{
	struct prng r = prng_of(7);
	static char mem[64 * 1024];

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct srp_mem_desc m[MAX_DESC];
		uint8_t wire[sizeof(m)];
		uint32_t n = 1 + (uint32_t)prng_below(&r, MAX_DESC);
		struct xfer_pos pos = { 0 };
		uint64_t next[MAX_DESC];
		struct srp_data d;
		uint32_t left;

		for (uint32_t i = 0; i < n; i++) {
			m[i] = (struct srp_mem_desc){ prng_u64(&r) >> 1, i,
						      (uint32_t)prng_below(&r, 3000) };
			next[i] = m[i].va;
		}
		d = data_of(wire, m, n);
		for (left = d.len; left;) {
			uint32_t want = 1 + (uint32_t)prng_below(&r, left);
			struct fab_sge sge[4];
			struct fab_wr wr[4];
			struct xfer_chain chain = { .wr = wr, .sge = sge, .max = 4 };
			unsigned k = xfer_build(&d, &pos, FAB_WR_READ, mem, want, &chain);

			assert_true(k > 0 && chain.bytes > 0 && chain.bytes <= want);
			for (unsigned i = 0; i < k; i++) {
				assert_true(wr[i].remote_va == next[wr[i].rkey]);
				next[wr[i].rkey] += sge[i].len;
			}
			left -= chain.bytes;
		}
		for (uint32_t i = 0; i < n; i++)
			assert_true(next[i] == m[i].va + m[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_follow_the_descriptors),
		cmocka_unit_test(test_random_bursts_cover_everything_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
