/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 5.4: FORMAT UNIT; 5.31: SANITIZE. */
#include <string.h>

#include "conform.h"

enum {
	OVERWRITE = 0x01,
	BLOCK_ERASE = 0x02,
	CRYPTO_ERASE = 0x03,
	EXIT_FAILURE_MODE = 0x1f,
	IMMED = 0x80
};

#define FORMAT_IN_PROGRESS   0x0404
#define SANITIZE_IN_PROGRESS 0x041b
#define PROGRESS_MS          60000u

/* Wait until TEST UNIT READY is GOOD; meanwhile it is NOT READY with @asc, and REQUEST SENSE tells of progress. */
static void finish(struct test *t, struct nexus *n, uint16_t asc)
{
	for (unsigned ms = 0; ms < PROGRESS_MS; ms += 20) {
		struct cmd *c = tur_new(n);

		cmd_run(c);
		if (c->status == GOOD)
			return;
		EXPECT(t, is_sense(c, NOT_READY, asc), "in progress: %s", cmd_text(c));
		n->used = 0;
		idle(t, 20);
	}
	fail(t, "not done within %u s", PROGRESS_MS / 1000);
}

static const uint8_t overwritten[4] = { 0x5a, 0xc3, 0x0f, 0x99 };

static struct cmd *sanitize(struct nexus *n, uint8_t flags, uint8_t what)
{
	struct cmd *c;

	if (what != OVERWRITE)
		return CMD(n, 0x48, (uint8_t)(flags | what), 0, 0, 0, 0, 0, 0, 0, 0);
	c = CMD(n, 0x48, (uint8_t)(flags | what), 0, 0, 0, 0, 0, 0, 8, 0);
	data_out(c, NULL, 8);
	c->out[0] = 1; /* one pass */
	put_be16(c->out + 2, 4);
	memcpy(c->out + 4, overwritten, 4);
	return c;
}

static void mark(struct test *t, const uint8_t *data)
{
	write_blocks(nexus_a(t), 0, 8, data);
	write_blocks(nexus_a(t), scratch(t), 8, data);
	write_blocks(nexus_a(t), unit_of(t)->n_blocks - 8, 8, data);
}

static void expect_gone(struct test *t, const uint8_t *data)
{
	const uint64_t at[] = { 0, scratch(t), unit_of(t)->n_blocks - 8 };

	for (unsigned i = 0; i < 3; i++) {
		const uint8_t *now = read_blocks(nexus_b(t), at[i], 8);

		for (uint32_t k = 0; k < 8; k++)
			EXPECT(t,
			       memcmp(now + (size_t)k * unit_of(t)->block,
				      data + (size_t)k * unit_of(t)->block, unit_of(t)->block) != 0,
			       "LBA %llu still has its old data", (unsigned long long)(at[i] + k));
	}
}

static const uint8_t *marked(struct test *t)
{
	const uint8_t *data = pattern(t, 400, (size_t)8 * unit_of(t)->block);

	mark(t, data);
	return data;
}

/* Not on units where it would take longer than anybody waits. */
static void need_small(struct test *t)
{
	if (unit_of(t)->n_blocks * unit_of(t)->block > 1ull << 30)
		skip(t, "the unit is larger than 1 GiB");
}

RULE(sanitize, block_erase, DESTROYS, "BLOCK ERASE: no block has its old data afterwards")
{
	const uint8_t *data;

	need_op(t, 0x48, BLOCK_ERASE);
	need_small(t);
	data = marked(t);
	expect_good(sanitize(nexus_a(t), IMMED, BLOCK_ERASE));
	finish(t, nexus_a(t), SANITIZE_IN_PROGRESS);
	expect_gone(t, data);
}

RULE(sanitize, overwrite, DESTROYS,
     "OVERWRITE: each block has the pattern of the parameter list afterwards")
{
	const uint8_t *now;

	need_op(t, 0x48, OVERWRITE);
	need_small(t);
	(void)marked(t);
	expect_good(sanitize(nexus_a(t), IMMED, OVERWRITE));
	finish(t, nexus_a(t), SANITIZE_IN_PROGRESS);
	now = read_blocks(nexus_b(t), scratch(t), 8);
	for (uint32_t i = 0; i < 8 * unit_of(t)->block; i++)
		EXPECT(t, now[i] == overwritten[i % 4], "byte %u is %02x", i, now[i]);
	now = read_blocks(nexus_b(t), unit_of(t)->n_blocks - 1, 1);
	EXPECT(t, !memcmp(now, overwritten, 4), "the last block does not have the pattern");
}

RULE(sanitize, bad_lists, DESTROYS,
     "OVERWRITE without a list, with no pass or with a pattern longer than a block is ILLEGAL "
     "REQUEST, and nothing is done")
{
	const uint8_t *data;
	struct cmd *c;

	need_op(t, 0x48, OVERWRITE);
	data = marked(t);
	expect_key(CMD(nexus_a(t), 0x48, OVERWRITE, 0, 0, 0, 0, 0, 0, 0, 0), ILLEGAL_REQUEST);
	c = sanitize(nexus_a(t), 0, OVERWRITE);
	c->out[0] = 0;
	expect_key(c, ILLEGAL_REQUEST);
	c = sanitize(nexus_a(t), 0, OVERWRITE);
	put_be16(c->out + 2, (uint16_t)(unit_of(t)->block + 1));
	expect_key(c, ILLEGAL_REQUEST);
	expect_blocks(nexus_a(t), scratch(t), 8, data, "after a SANITIZE that was refused");
}

RULE(sanitize, exit_failure_mode, DESTROYS,
     "EXIT FAILURE MODE without a failure is GOOD, or an invalid field")
{
	struct cmd *c;

	need_op(t, 0x48, EXIT_FAILURE_MODE);
	c = sanitize(nexus_a(t), 0, EXIT_FAILURE_MODE);
	cmd_run(c);
	if (c->status != GOOD)
		expect_sense(c, ILLEGAL_REQUEST, INVALID_FIELD_IN_CDB);
	expect_good(tur_new(nexus_a(t)));
}

RULE(sanitize, write_protected, DESTROYS,
     "SANITIZE of a unit that is write protected is WRITE PROTECTED")
{
	need_op(t, 0x48, BLOCK_ERASE);
	mode_set(t, 0x0a, 4, 0x08, 0x08);
	expect_sense(sanitize(nexus_a(t), 0, BLOCK_ERASE), DATA_PROTECT, WRITE_PROTECTED);
}

static void release(struct test *t)
{
	cmd_run(CMD(nexus_b(t), 0x17, 0, 0, 0, 0, 0));
}

RULE(sanitize, reserved, DESTROYS,
     "SANITIZE of a unit that another nexus has reserved is RESERVATION CONFLICT, and nothing is "
     "done")
{
	static const uint8_t what[] = { OVERWRITE, BLOCK_ERASE, CRYPTO_ERASE, EXIT_FAILURE_MODE };
	const uint8_t *data;

	need_op(t, 0x48, OVERWRITE);
	need_op(t, 0x16, -1);
	data = marked(t);
	(void)nexus_b(t);
	at_end(t, release);
	expect_good(CMD(nexus_b(t), 0x16, 0, 0, 0, 0, 0));
	for (unsigned i = 0; i < sizeof(what); i++)
		if (op_find(t, 0x48, what[i]))
			expect_status(sanitize(nexus_a(t), 0, what[i]), RESERVATION_CONFLICT);
	expect_blocks(nexus_b(t), scratch(t), 8, data, "after a SANITIZE that conflicted");
}

/* Every bit of the CDB that the usage map of @op does not have. */
static void expect_unused_refused(struct test *t, const struct op *op)
{
	for (unsigned byte = 1; byte < 9; byte++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct cmd *c;

			if (op->usage[byte] >> bit & 1 || (byte == 1 && bit < 5))
				continue;
			nexus_a(t)->used = 0;
			c = sanitize(nexus_a(t), 0, (uint8_t)op->sa);
			c->cdb[byte] |= (uint8_t)(1u << bit);
			expect_bad_cdb(c, byte);
		}
}

RULE(sanitize, unused_bits, DESTROYS,
     "SANITIZE with a bit set that its usage map leaves out is INVALID FIELD IN CDB, and nothing "
     "is done")
{
	const uint8_t *data;

	need_op(t, 0x48, OVERWRITE);
	data = marked(t);
	for (uint32_t i = 0; i < unit_of(t)->n_ops; i++)
		if (unit_of(t)->op[i].opcode == 0x48)
			expect_unused_refused(t, &unit_of(t)->op[i]);
	expect_blocks(nexus_a(t), scratch(t), 8, data, "after a SANITIZE that was refused");
}

RULE(sanitize, goes_on, DESTROYS | ALONE,
     "neither task management nor the end of the nexus that began it ends a SANITIZE before the "
     "last block")
{
	static const uint8_t function[] = { ABORT_TASK_SET, CLEAR_TASK_SET, LUN_RESET };
	const uint64_t last = unit_of(t)->n_blocks - 8;
	uint32_t len = 8 * unit_of(t)->block;
	struct nexus *n;
	struct cmd *c;

	need_op(t, 0x48, OVERWRITE);
	need_small(t);
	(void)marked(t);
	n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
	nexus_settle(n);
	c = sanitize(n, IMMED, OVERWRITE);
	c->out[0] = 3; /* passes, so that there is something to break off */
	expect_good(c);
	for (unsigned i = 0; i < sizeof(function); i++)
		expect_code(tmf_run(n, function[i], unit_of(t)->lun, 0), CODE_DONE);
	nexus_end(n, true);
	nexus_settle(nexus_a(t));
	nexus_settle(nexus_b(t));
	finish(t, nexus_a(t), SANITIZE_IN_PROGRESS);
	for (unsigned at = 0; at < 2; at++) {
		const uint8_t *now = read_blocks(nexus_b(t), at ? last : 0, 8);

		for (uint32_t i = 0; i < len; i++)
			EXPECT(t, now[i] == overwritten[i % 4], "byte %u of the %s blocks is %02x",
			       i, at ? "last" : "first", now[i]);
	}
}

RULE(format, unit, DESTROYS,
     "FORMAT UNIT leaves a unit of the same size that can be read and written")
{
	struct cmd *c;
	uint64_t n = unit_of(t)->n_blocks;

	need_op(t, 0x04, -1);
	need_small(t);
	(void)marked(t);
	c = CMD(nexus_a(t), 0x04, 0x10, 0, 0, 0, 0);
	data_out(c, NULL, 4);
	c->out[1] = 0x82; /* FOV, IMMED */
	expect_good(c);
	finish(t, nexus_a(t), FORMAT_IN_PROGRESS);
	c = CMD(nexus_a(t), 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	data_in(c, 8);
	expect_good(c);
	EXPECT(t, get_be32(c->in) == (n > UINT32_MAX ? UINT32_MAX : (uint32_t)(n - 1)),
	       "the last block is %u now", get_be32(c->in));
	write_blocks(nexus_a(t), scratch(t), 8, pattern(t, 401, (size_t)8 * unit_of(t)->block));
	expect_blocks(nexus_b(t), scratch(t), 8, pattern(t, 401, (size_t)8 * unit_of(t)->block),
		      "written after FORMAT UNIT");
}

RULE(format, refused, DESTROYS,
     "FORMAT UNIT with protection information, or with a list that is cut off, is ILLEGAL REQUEST")
{
	const uint8_t *data;
	struct cmd *c;

	need_op(t, 0x04, -1);
	data = marked(t);
	expect_key(CMD(nexus_a(t), 0x04, 0x80, 0, 0, 0, 0),
		   ILLEGAL_REQUEST); /* FMTPINFO without FMTDATA */
	c = CMD(nexus_a(t), 0x04, 0x10, 0, 0, 0, 0);
	data_out(c, NULL, 2);
	cmd_run(c);
	EXPECT(t, c->status == CHECK_CONDITION, "%s", cmd_text(c));
	expect_blocks(nexus_a(t), scratch(t), 8, data, "after a FORMAT UNIT that was refused");
}
