/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_codec_test.h"
#include "wire/srp_cmd.h"

/* clang-format off: eight bytes of the IU to a line */
#define TAG    0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18
#define LUN1   0x00, 0x01, 0, 0, 0, 0, 0, 0
#define READ10 0x28, 0, 0, 0, 0, 0x10, 0, 0, 0x08, 0, 0, 0, 0, 0, 0, 0

/* Memory descriptors of 2048, 512, 1536 bytes; table descriptors of one, two, three entries. */
#define DESC_A 1, 2, 3, 4, 5, 6, 7, 8, 0x0a, 0x0b, 0x0c, 0x0d, 0x00, 0x00, 0x08, 0x00
#define DESC_B 9, 2, 3, 4, 5, 6, 7, 8, 0x1a, 0x1b, 0x1c, 0x1d, 0x00, 0x00, 0x02, 0x00
#define DESC_C 7, 2, 3, 4, 5, 6, 7, 8, 0x3a, 0x3b, 0x3c, 0x3d, 0x00, 0x00, 0x06, 0x00
#define TABLE1 0, 2, 3, 4, 5, 6, 7, 8, 0x2a, 0x2b, 0x2c, 0x2d, 0x00, 0x00, 0x00, 0x10
#define TABLE2 0, 2, 3, 4, 5, 6, 7, 8, 0x2a, 0x2b, 0x2c, 0x2d, 0x00, 0x00, 0x00, 0x20
#define TABLE3 0, 2, 3, 4, 5, 6, 7, 8, 0x2a, 0x2b, 0x2c, 0x2d, 0x00, 0x00, 0x00, 0x30

#define HEAD(sol, fmt, n_out, n_in, attr, add) \
	0x02, sol, 0, 0, 0, fmt, n_out, n_in, TAG, 0, 0, 0, 0, LUN1, 0, attr, 0, add, READ10

static const uint8_t no_data[] = { HEAD(0x06, 0x00, 0, 0, 1, 0) };
static const uint8_t direct_in[] = { HEAD(0, 0x01, 0, 0, 0, 0), DESC_A };
static const uint8_t add_cdb_out[] = {
	HEAD(0, 0x10, 0, 0, 2, 8), 1, 2, 3, 4, 5, 6, 7, 8, DESC_B,
};
static const uint8_t indirect_out[] = {
	HEAD(0, 0x20, 2, 0, 0, 0),
	TABLE2,
	0x00,
	0x00,
	0x0a,
	0x00, /* 2560 bytes */
	DESC_A,
	DESC_B,
};
static const uint8_t external_in[] = {
	HEAD(0, 0x02, 0, 2, 0, 0),
	TABLE3,
	0x00,
	0x00,
	0x10,
	0x00, /* 4096 bytes, 1536 of them in an entry not shown */
	DESC_A,
	DESC_B,
};
static const uint8_t both_ways[] = {
	HEAD(0, 0x12, 0, 1, 0, 0),
	DESC_B,
	TABLE1,
	0x00,
	0x00,
	0x08,
	0x00, /* 2048 bytes */
	DESC_A,
};

#define IMM_OFFSET 68
static const uint8_t immediate[] = {
	HEAD(0, 0x30, 0, 0, 0, 0),
	0x00,
	0x00,
	0x00,
	0x05,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0xd1,
	0xd2,
	0xd3,
	0xd4,
	0xd5,
};
/* clang-format on */

static int data_decode(const uint8_t *iu, size_t len, uint32_t offset, struct srp_cmd_data *ret)
{
	struct cur in = cur_of(iu, len);
	struct srp_cmd cmd;

	assert_int_equal(srp_cmd_decode(&in, &cmd), 0);
	return srp_cmd_data_decode(&cmd, offset, ret);
}

static int recode_cmd(struct cur *in, struct pen *out)
{
	struct srp_cmd cmd;
	struct srp_cmd_data d;
	int r = srp_cmd_decode(in, &cmd);

	if (!r)
		r = srp_cmd_data_decode(&cmd, IMM_OFFSET, &d);
	return r ? r : srp_cmd_encode(&cmd, &d, IMM_OFFSET, out);
}

static void check_all(const uint8_t *iu, size_t len, const struct codec_field *field)
{
	const struct codec_case c = {
		.recode = recode_cmd,
		.iu = iu,
		.len = len,
		.field = field,
		.min_pen = len,
		.imm_from =
			iu[5] >> 4 == SRP_FMT_IMMEDIATE ? SRP_CMD_BYTES + SRP_IMMEDIATE_BYTES : 0,
	};

	codec_check(&c);
}

/* The fields of the fixed part with the counts' masks given, then @n bytes more. */
#define FIELDS(cnt_out, cnt_in, n)                                                          \
	{                                                                                   \
		{ 0, 1, 0xff }, { 1, 1, 0x06 }, { 5, 1, 0xff }, { 6, 1, cnt_out },          \
			{ 7, 1, cnt_in }, { 8, 8, 0xff }, { 20, 8, 0xff }, { 29, 1, 0x07 }, \
			{ 31, 1, 0xfc }, { 32, 16, 0xff }, { 48, n, 0xff }, { 0 },          \
	}

static void test_no_data(void **state)
{
	static const struct codec_field field[] = FIELDS(0, 0, 0);
	struct cur in = cur_of(no_data, sizeof(no_data));
	struct srp_cmd_data d;
	struct srp_cmd c;

	(void)state;
	check_all(no_data, sizeof(no_data), field);
	assert_int_equal(srp_cmd_decode(&in, &c), 0);
	assert_memory_equal(&c.tag, no_data + 8, 8);
	assert_true(c.lun == 0x0001000000000000);
	assert_int_equal(c.sol_not, SRP_SCSOLNT | SRP_UCSOLNT);
	assert_int_equal(c.task_attr, SRP_TASK_HEAD_OF_QUEUE);
	assert_ptr_equal(c.cdb, no_data + 32);
	assert_int_equal(c.cdb_len, 16);
	assert_ptr_equal(c.iu, no_data);
	assert_int_equal(c.iu_len, 48);
	assert_int_equal(srp_cmd_data_decode(&c, 0, &d), 0);
	assert_int_equal(d.out.fmt, SRP_FMT_NONE);
	assert_int_equal(d.in.fmt, SRP_FMT_NONE);
	assert_int_equal(d.out.len + d.in.len, 0);
}

static void test_direct(void **state)
{
	static const struct codec_field field[] = FIELDS(0, 0, 16);
	struct srp_mem_desc m;
	struct srp_cmd_data d;

	(void)state;
	check_all(direct_in, sizeof(direct_in), field);
	assert_int_equal(data_decode(direct_in, sizeof(direct_in), 0, &d), 0);
	assert_int_equal(d.out.fmt, SRP_FMT_NONE);
	assert_int_equal(d.in.fmt, SRP_FMT_DIRECT);
	assert_int_equal(d.in.len, 2048);
	assert_int_equal(d.in.n_desc, 1);
	assert_true(srp_data_whole(&d.in));
	m = srp_data_desc(&d.in, 0);
	assert_true(m.va == 0x0102030405060708);
	assert_int_equal(m.key, 0x0a0b0c0d);
	assert_int_equal(m.len, 2048);
}

/* The CDB is one piece, and the descriptors move behind it. */
static void test_additional_cdb(void **state)
{
	static const struct codec_field field[] = FIELDS(0, 0, 24);
	struct cur in = cur_of(add_cdb_out, sizeof(add_cdb_out));
	struct srp_cmd_data d;
	struct srp_cmd c;

	(void)state;
	check_all(add_cdb_out, sizeof(add_cdb_out), field);
	assert_int_equal(srp_cmd_decode(&in, &c), 0);
	assert_int_equal(c.cdb_len, 24);
	assert_int_equal(c.add_cdb_len, 8);
	assert_int_equal(c.cdb[23], 8);
	assert_int_equal(c.task_attr, SRP_TASK_ORDERED);
	assert_int_equal(srp_cmd_data_decode(&c, 0, &d), 0);
	assert_int_equal(d.out.len, 512);
	assert_ptr_equal(d.out.desc, add_cdb_out + 56);
}

static void test_additional_cdb_is_padded(void **state)
{
	static const uint8_t cdb[19] = { 0x7f, [16] = 1, 2, 3 };
	uint8_t iu[64];
	struct pen out = pen_of(iu, sizeof(iu));
	struct srp_cmd c = { .cdb = cdb, .cdb_len = sizeof(cdb) };

	(void)state;
	assert_int_equal(srp_cmd_encode(&c, NULL, 0, &out), 0);
	assert_int_equal(out.pos, 52);
	assert_int_equal(iu[31], 4);
	assert_memory_equal(iu + 32, cdb, 19);
	assert_int_equal(iu[51], 0);
	out = pen_of(iu, sizeof(iu));
	c.cdb_len = 6;
	assert_int_equal(srp_cmd_encode(&c, NULL, 0, &out), 0);
	assert_int_equal(out.pos, 48);
	assert_int_equal(iu[31], 0);
	c.cdb_len = SRP_CDB_BYTES + SRP_ADD_CDB_MAX + 1;
	assert_int_equal(srp_cmd_encode(&c, NULL, 0, &out), SRP_E_COUNT);
}

static void test_indirect(void **state)
{
	static const struct codec_field field[] = FIELDS(0xff, 0, 52);
	struct srp_cmd_data d;

	(void)state;
	check_all(indirect_out, sizeof(indirect_out), field);
	assert_int_equal(data_decode(indirect_out, sizeof(indirect_out), 0, &d), 0);
	assert_int_equal(d.out.len, 2560);
	assert_int_equal(d.out.n_desc, 2);
	assert_int_equal(d.out.n_table, 2);
	assert_true(srp_data_whole(&d.out));
	assert_int_equal(d.out.table.key, 0x2a2b2c2d);
	assert_int_equal(srp_data_desc(&d.out, 0).len, 2048);
	assert_int_equal(srp_data_desc(&d.out, 1).len, 512);
	assert_int_equal(srp_data_desc(&d.out, 1).key, 0x1a1b1c1d);
}

static void test_external_table(void **state)
{
	static const uint8_t table[] = { DESC_A, DESC_B, DESC_C };
	uint8_t bad[sizeof(table)];
	struct srp_cmd_data d;

	(void)state;
	assert_int_equal(data_decode(external_in, sizeof(external_in), 0, &d), 0);
	assert_int_equal(d.in.len, 4096);
	assert_int_equal(d.in.n_desc, 2);
	assert_int_equal(d.in.n_table, 3);
	assert_false(srp_data_whole(&d.in));
	assert_int_equal(srp_data_set_table(&d.in, table, sizeof(table) - 16), SRP_E_COUNT);
	memcpy(bad, table, sizeof(bad));
	bad[46]++;
	assert_int_equal(srp_data_set_table(&d.in, bad, sizeof(bad)), SRP_E_LENGTH_MISMATCH);
	assert_int_equal(srp_data_set_table(&d.out, table, 0), SRP_E_FORMAT);
	assert_false(srp_data_whole(&d.in));
	assert_int_equal(srp_data_set_table(&d.in, table, sizeof(table)), 0);
	assert_true(srp_data_whole(&d.in));
	assert_int_equal(srp_data_desc(&d.in, 2).len, 1536);
}

static void test_external_round_trip(void **state)
{
	const struct codec_case c = {
		.recode = recode_cmd,
		.iu = external_in,
		.len = sizeof(external_in),
		.min_pen = sizeof(external_in),
	};

	(void)state;
	codec_known(&c);
	codec_truncated(&c);
	codec_short_pen(&c);
}

static void test_both_directions(void **state)
{
	static const struct codec_field field[] = FIELDS(0, 0xff, 52);
	struct srp_cmd_data d;

	(void)state;
	check_all(both_ways, sizeof(both_ways), field);
	assert_int_equal(data_decode(both_ways, sizeof(both_ways), 0, &d), 0);
	assert_int_equal(d.out.fmt, SRP_FMT_DIRECT);
	assert_int_equal(d.out.len, 512);
	assert_int_equal(d.in.fmt, SRP_FMT_INDIRECT);
	assert_int_equal(d.in.len, 2048);
	assert_ptr_equal(d.in.desc, both_ways + 84);
}

static void test_immediate(void **state)
{
	/* What stands between the descriptor and the data is filling. */
	static const struct codec_field field[] = {
		{ 0, 1, 0xff },  { 1, 1, 0x06 },  { 5, 1, 0xff },  { 8, 8, 0xff },
		{ 20, 8, 0xff }, { 29, 1, 0x07 }, { 31, 1, 0xfc }, { 32, 16, 0xff },
		{ 48, 4, 0xff }, { 68, 5, 0xff }, { 0 },
	};
	struct srp_cmd_data d;

	(void)state;
	check_all(immediate, sizeof(immediate), field);
	assert_int_equal(data_decode(immediate, sizeof(immediate), IMM_OFFSET, &d), 0);
	assert_int_equal(d.out.fmt, SRP_FMT_IMMEDIATE);
	assert_int_equal(d.out.len, 5);
	assert_int_equal(d.out.n_desc, 0);
	assert_ptr_equal(d.out.imm, immediate + 68);
}

static void test_immediate_limits(void **state)
{
	uint8_t iu[sizeof(immediate)];
	struct srp_cmd_data d;

	(void)state;
	memcpy(iu, immediate, sizeof(iu));
	/* Not negotiated; then offsets inside the descriptor, behind it, and beyond the IU. */
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &d), SRP_E_FORMAT);
	assert_int_equal(data_decode(iu, sizeof(iu), 51, &d), SRP_E_IMMEDIATE);
	assert_int_equal(data_decode(iu, sizeof(iu), 52, &d), 0);
	assert_ptr_equal(d.out.imm, iu + 52);
	assert_int_equal(data_decode(iu, sizeof(iu), 69, &d), SRP_E_IMMEDIATE);
	assert_int_equal(data_decode(iu, sizeof(iu), 74, &d), SRP_E_IMMEDIATE);
	assert_int_equal(data_decode(iu, sizeof(iu), UINT32_MAX, &d), SRP_E_IMMEDIATE);
	put_be32(iu + 48, UINT32_MAX);
	assert_int_equal(data_decode(iu, sizeof(iu), IMM_OFFSET, &d), SRP_E_IMMEDIATE);
	put_be32(iu + 48, UINT32_MAX - IMM_OFFSET + 1); /* offset + len is 2^32 */
	assert_int_equal(data_decode(iu, sizeof(iu), IMM_OFFSET, &d), SRP_E_IMMEDIATE);
	put_be32(iu + 48, UINT32_MAX - IMM_OFFSET + 4); /* and here 3 */
	assert_int_equal(data_decode(iu, sizeof(iu), IMM_OFFSET, &d), SRP_E_IMMEDIATE);
	put_be32(iu + 48, 0);
	assert_int_equal(data_decode(iu, sizeof(iu), 73, &d), 0);
	assert_int_equal(data_decode(iu, sizeof(iu), 74, &d), SRP_E_IMMEDIATE);
}

/* DATA-IN descriptors behind the immediate one may not reach into the data either. */
static void test_immediate_with_data_in(void **state)
{
	uint8_t iu[80];
	struct srp_cmd_data d;

	(void)state;
	memset(iu, 0, sizeof(iu));
	memcpy(iu, immediate, 48);
	iu[5] = 0x31;
	put_be32(iu + 48, 1);
	assert_int_equal(data_decode(iu, sizeof(iu), 67, &d), SRP_E_IMMEDIATE);
	assert_int_equal(data_decode(iu, sizeof(iu), 68, &d), 0);
	assert_ptr_equal(d.in.desc, iu + 52);
}

static void test_formats(void **state)
{
	uint8_t iu[SRP_CMD_BYTES + 2 * 36];
	struct srp_cmd_data d;

	(void)state;
	memset(iu, 0, sizeof(iu));
	for (unsigned int fmt = 0; fmt < 256; fmt++) {
		bool known = fmt >> 4 <= SRP_FMT_IMMEDIATE && (fmt & 15) <= SRP_FMT_INDIRECT;
		struct cur in = cur_of(iu, sizeof(iu));
		struct srp_cmd c = { 0 };
		int r;

		iu[0] = SRP_OP_CMD;
		iu[5] = (uint8_t)fmt;
		memset(iu + 8, 0x77, 8);
		r = srp_cmd_decode(&in, &c);
		assert_int_equal(r, 0);
		/* There is a tag to answer to, whatever the descriptors are. */
		assert_true(c.tag == 0x7777777777777777);
		assert_int_equal(c.out_fmt, fmt >> 4);
		assert_int_equal(c.in_fmt, fmt & 15);
		r = srp_cmd_data_decode(&c, 90, &d);
		assert_int_equal(r, known ? 0 : SRP_E_FORMAT);
	}
}

static void test_counts(void **state)
{
	uint8_t iu[sizeof(indirect_out)];
	struct srp_cmd_data d;

	(void)state;
	memcpy(iu, indirect_out, sizeof(iu));
	iu[6] = 255;
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &d), SRP_E_TRUNCATED);
	iu[6] = 2;
	put_be32(iu + 60, 16); /* the table has one entry, the IU two */
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &d), SRP_E_COUNT);
	put_be32(iu + 60, 33);
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &d), SRP_E_COUNT);
	put_be32(iu + 60, 0xfffffff0);
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &d), 0);
	assert_int_equal(d.out.n_table, 0x0fffffff);
	assert_false(srp_data_whole(&d.out));
	iu[6] = 0; /* nothing inline is legal */
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &d), 0);
	assert_int_equal(d.out.n_desc, 0);
}

static void test_lengths(void **state)
{
	uint8_t iu[sizeof(indirect_out)];
	struct srp_cmd_data d;

	(void)state;
	memcpy(iu, indirect_out, sizeof(iu));
	put_be32(iu + 64, 2559);
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &d), SRP_E_LENGTH_MISMATCH);
	put_be32(iu + 64, 2561);
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &d), SRP_E_LENGTH_MISMATCH);
	put_be32(iu + 60, 48); /* a third entry may bring the missing byte, but not take one away */
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &d), 0);
	put_be32(iu + 64, 2559);
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &d), SRP_E_LENGTH_MISMATCH);
	/* 2^32 + 512 bytes, which 32 bits would take for 512. */
	put_be32(iu + 60, 32);
	put_be32(iu + 64, 512);
	put_be32(iu + 80, UINT32_MAX);
	put_be32(iu + 96, 513);
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &d), SRP_E_LENGTH_MISMATCH);
}

static void test_full_inline_table(void **state)
{
	enum {
		N = SRP_INLINE_DESC_MAX
	};
	static uint8_t desc[N * SRP_MEM_DESC_BYTES];
	static uint8_t iu[SRP_CMD_BYTES + SRP_INDIRECT_BYTES + sizeof(desc)];
	struct pen out = pen_of(iu, sizeof(iu));
	struct srp_cmd c = { .tag = 1 };
	struct srp_cmd_data d = { .in = { .fmt = SRP_FMT_INDIRECT, .n_desc = N, .desc = desc } };
	struct srp_cmd_data got;

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		const struct srp_mem_desc m = { .va = i, .key = i * 3, .len = i };

		srp_mem_desc_put(desc + (size_t)i * SRP_MEM_DESC_BYTES, &m);
		d.in.len += i;
	}
	d.in.table.len = sizeof(desc);
	assert_int_equal(srp_cmd_encode(&c, &d, 0, &out), 0);
	assert_int_equal(out.pos, sizeof(iu));
	assert_int_equal(data_decode(iu, sizeof(iu), 0, &got), 0);
	assert_true(srp_data_whole(&got.in));
	for (uint32_t i = 0; i < N; i++) {
		struct srp_mem_desc m = srp_data_desc(&got.in, i);

		assert_true(m.va == i && m.key == i * 3 && m.len == i);
	}
}

static int try_encode(const struct srp_cmd_data *d, uint32_t offset)
{
	uint8_t iu[256];
	struct pen out = pen_of(iu, sizeof(iu));
	struct srp_cmd c = { .tag = 1 };

	return srp_cmd_encode(&c, d, offset, &out);
}

static void test_encode_refuses_contradictions(void **state)
{
	static const uint8_t desc[] = { DESC_A, DESC_B };
	struct srp_cmd_data d = { .out = { .fmt = SRP_FMT_DIRECT, .len = 2047, .desc = desc } };

	(void)state;
	assert_int_equal(try_encode(&d, 0), SRP_E_COUNT);
	d.out.n_desc = 1;
	assert_int_equal(try_encode(&d, 0), SRP_E_LENGTH_MISMATCH);
	d.out.len = 2048;
	assert_int_equal(try_encode(&d, 0), 0);
	d.out.fmt = SRP_FMT_INDIRECT;
	assert_int_equal(try_encode(&d, 0), SRP_E_COUNT);
	d.out.table.len = 16;
	assert_int_equal(try_encode(&d, 0), 0);
	d.out.n_desc = SRP_INLINE_DESC_MAX + 1;
	assert_int_equal(try_encode(&d, 0), SRP_E_COUNT);
	d.out = (struct srp_data){ .fmt = SRP_FMT_IMMEDIATE, .len = 5 };
	assert_int_equal(try_encode(&d, 0), SRP_E_FORMAT);
	assert_int_equal(try_encode(&d, 51), SRP_E_IMMEDIATE);
	assert_int_equal(try_encode(&d, 52), 0);
	d.out.fmt = (enum srp_fmt)4;
	assert_int_equal(try_encode(&d, 0), SRP_E_FORMAT);
	d.out.fmt = SRP_FMT_NONE;
	d.in.fmt = SRP_FMT_IMMEDIATE;
	assert_int_equal(try_encode(&d, 68), SRP_E_FORMAT);
}

/* Data gathered by the transport: the IU ends where they begin. */
static void test_immediate_header_only(void **state)
{
	uint8_t iu[IMM_OFFSET];
	struct pen out = pen_of(iu, sizeof(iu));
	struct srp_cmd c = { .cdb = no_data + 32, .cdb_len = 16 };
	struct srp_cmd_data d = { .out = { .fmt = SRP_FMT_IMMEDIATE, .len = 5 } };

	(void)state;
	memcpy(&c.tag, no_data + 8, 8);
	c.lun = 0x0001000000000000;
	assert_int_equal(srp_cmd_encode(&c, &d, IMM_OFFSET, &out), 0);
	assert_int_equal(out.pos, IMM_OFFSET);
	assert_memory_equal(iu, immediate, IMM_OFFSET);
}

/* A claim of more CDB than there is leaves the fixed CDB, the tag, and an error for the rest. */
static void test_additional_cdb_cut(void **state)
{
	struct cur in = cur_of(add_cdb_out, 55);
	struct srp_cmd_data d;
	struct srp_cmd c;

	(void)state;
	assert_int_equal(srp_cmd_decode(&in, &c), 0);
	assert_int_equal(c.cdb_len, 16);
	assert_int_equal(c.add_cdb_len, 8);
	assert_int_equal(srp_cmd_data_decode(&c, 0, &d), SRP_E_TRUNCATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_additional_cdb),
		cmocka_unit_test(test_additional_cdb_is_padded),
		cmocka_unit_test(test_additional_cdb_cut),
		cmocka_unit_test(test_indirect),
		cmocka_unit_test(test_external_table),
		cmocka_unit_test(test_external_round_trip),
		cmocka_unit_test(test_both_directions),
		cmocka_unit_test(test_immediate),
		cmocka_unit_test(test_immediate_limits),
		cmocka_unit_test(test_immediate_with_data_in),
		cmocka_unit_test(test_immediate_header_only),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_full_inline_table),
		cmocka_unit_test(test_encode_refuses_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
