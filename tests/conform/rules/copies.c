/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 5.18, 6.4: third-party copies by EXTENDED COPY(LID1). */
#include <string.h>

#include "conform.h"

#define HEAD_BYTES   16u
#define TARGET_BYTES 32u
#define SEG_BYTES    28u

/* An identification descriptor of the unit by its NAA designator. */
static void target_put(struct test *t, uint8_t *p)
{
	struct cmd *c = inquiry_run(nexus_a(t), 0x83);

	expect_good(c);
	for (uint32_t at = 4; at + 4 <= got_in(c) && at + 4u + c->in[at + 3] <= got_in(c);
	     at += 4u + c->in[at + 3]) {
		const uint8_t *d = c->in + at;

		if ((d[1] & 0x3f) != 0x03 || d[3] > 20)
			continue;
		p[0] = 0xe4;
		p[4] = d[0] & 0x0f;
		p[5] = d[1] & 0x3f;
		p[7] = d[3];
		memcpy(p + 8, d + 4, d[3]);
		put_be24(p + 29, unit_of(t)->block);
		return;
	}
	skip(t, "the unit has no NAA designator");
}

/* What follows a header: the unit as target 0, and one segment of @blocks blocks within it. */
static void descriptors_put(struct test *t, uint8_t *p, uint64_t from, uint64_t to, uint16_t blocks)
{
	target_put(t, p);
	p += TARGET_BYTES;
	p[0] = 0x02; /* block to block */
	put_be16(p + 2, SEG_BYTES - 4);
	put_be16(p + 10, blocks);
	put_be64(p + 12, from);
	put_be64(p + 20, to);
}

/* One segment of @blocks blocks within the unit. */
static struct cmd *xcopy(struct test *t, uint64_t from, uint64_t to, uint16_t blocks)
{
	uint32_t len = HEAD_BYTES + TARGET_BYTES + SEG_BYTES;
	struct cmd *c =
		CMD(nexus_a(t), 0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)len, 0, 0);
	uint8_t *p = data_out(c, NULL, len);

	p[0] = 1; /* list identifier */
	put_be16(p + 2, TARGET_BYTES);
	put_be32(p + 8, SEG_BYTES);
	descriptors_put(t, p + HEAD_BYTES, from, to, blocks);
	return c;
}

RULE(copy, block_to_block, DESTROYS,
     "EXTENDED COPY copies blocks within the unit, and no others are changed")
{
	uint64_t lba;
	uint32_t block = unit_of(t)->block;
	const uint8_t *data;
	const uint8_t *old;

	need_op(t, 0x83, 0x00);
	lba = scratch(t);
	data = pattern(t, 410, (size_t)64 * block);
	old = pattern(t, 411, (size_t)80 * block);
	write_blocks(nexus_a(t), lba, 64, data);
	write_blocks(nexus_a(t), lba + 1000, 80, old);
	expect_good(xcopy(t, lba, lba + 1008, 64));
	expect_blocks(nexus_b(t), lba + 1008, 64, data, "the copy");
	expect_blocks(nexus_b(t), lba, 64, data, "the source");
	expect_blocks(nexus_b(t), lba + 1000, 8, old, "before the copy");
	expect_blocks(nexus_b(t), lba + 1072, 8, old + (size_t)72 * block, "behind the copy");
}

RULE(copy, no_parameters, DESTROYS, "a parameter list length of 0 is no error")
{
	need_op(t, 0x83, 0x00);
	expect_good(CMD(nexus_a(t), 0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

/* What is at block 100 of the place that a copy must leave as it was. */
static const uint8_t *untouched(struct test *t, unsigned seed, uint64_t *ret_lba)
{
	const uint8_t *old = pattern(t, seed, (size_t)8 * unit_of(t)->block);

	need_op(t, 0x83, 0x00);
	*ret_lba = scratch(t);
	write_blocks(nexus_a(t), *ret_lba + 100, 8, old);
	return old;
}

RULE(copy, refused, DESTROYS,
     "unknown targets and segments, lists that are cut off and ranges beyond the unit copy nothing")
{
	uint64_t lba;
	const uint8_t *old;
	struct cmd *c;

	old = untouched(t, 412, &lba);
	c = xcopy(t, lba, lba + 100, 8);
	c->out[HEAD_BYTES + 8 + 3] ^= 0xff; /* another unit's name */
	cmd_run(c);
	EXPECT(t, c->status == CHECK_CONDITION, "a target that there is not: %s", cmd_text(c));
	c = xcopy(t, lba, lba + 100, 8);
	c->out[HEAD_BYTES + TARGET_BYTES] = 0x3f;
	expect_key(c, ILLEGAL_REQUEST);
	c = xcopy(t, lba, lba + 100, 8);
	c->cdb[13] = HEAD_BYTES + TARGET_BYTES;
	expect_key(c, ILLEGAL_REQUEST);
	c = xcopy(t, unit_of(t)->n_blocks - 4, lba + 100, 8);
	cmd_run(c);
	EXPECT(t, c->status == CHECK_CONDITION, "a range beyond the unit: %s", cmd_text(c));
	expect_blocks(nexus_a(t), lba + 100, 8, old, "after copies that were refused");
}

/* The field at @at of RECEIVE COPY OPERATING PARAMETERS; 2 bytes or 4. */
static uint32_t limit(struct test *t, unsigned at, unsigned bytes)
{
	struct cmd *c = CMD(nexus_a(t), 0x84, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0);

	data_in(c, 44);
	expect_good(c);
	return bytes == 2 ? get_be16(c->in + at) : get_be32(c->in + at);
}

/* As many descriptors of targets and of segments as are said, all alike. */
static struct cmd *many(struct test *t, unsigned targets, unsigned segments)
{
	struct cmd *one = xcopy(t, 0, 0, 0);
	uint32_t len = HEAD_BYTES + targets * TARGET_BYTES + segments * SEG_BYTES;
	struct cmd *c = CMD(nexus_a(t), 0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(len >> 8),
			    (uint8_t)len, 0, 0);
	uint8_t *p = data_out(c, NULL, len);

	put_be16(p + 2, (uint16_t)(targets * TARGET_BYTES));
	put_be32(p + 8, segments * SEG_BYTES);
	p += HEAD_BYTES;
	for (; targets; targets--, p += TARGET_BYTES)
		memcpy(p, one->out + HEAD_BYTES, TARGET_BYTES);
	for (; segments; segments--, p += SEG_BYTES)
		memcpy(p, one->out + HEAD_BYTES + TARGET_BYTES, SEG_BYTES);
	return c;
}

RULE(copy, limits, DESTROYS,
     "one descriptor beyond a maximum is TOO MANY, lists longer than their maximum are a "
     "PARAMETER LIST LENGTH ERROR before that")
{
	uint32_t targets, segments, bytes;

	need_op(t, 0x83, 0x00);
	need_op(t, 0x84, 0x03);
	targets = limit(t, 8, 2);
	segments = limit(t, 10, 2);
	bytes = limit(t, 12, 4);
	if (HEAD_BYTES + (targets + 1) * TARGET_BYTES + (segments + 1) * SEG_BYTES > UINT16_MAX)
		skip(t, "so many descriptors are allowed that none could be too many");
	expect_sense(many(t, targets + 1, 1), ILLEGAL_REQUEST, TOO_MANY_CSCDS);
	expect_sense(many(t, 1, segments + 1), ILLEGAL_REQUEST, TOO_MANY_SEGMENTS);
	if ((targets + 1) * TARGET_BYTES + (segments + 1) * SEG_BYTES > bytes)
		expect_sense(many(t, targets + 1, segments + 1), ILLEGAL_REQUEST,
			     PARAMETER_LIST_LENGTH_ERROR);
	expect_good(many(t, 1, segments));
}

RULE(copy, types, DESTROYS,
     "a descriptor of a type that is not supported is that, of whatever length it is")
{
	struct cmd *c;

	need_op(t, 0x83, 0x00);
	c = xcopy(t, 0, 0, 0);
	c->out[HEAD_BYTES] = 0xe0; /* an N_Port name */
	expect_sense(c, ILLEGAL_REQUEST, CSCD_TYPE);
	c = xcopy(t, 0, 0, 0);
	put_be16(c->out + 2, 4);
	c->out[HEAD_BYTES] = 0xe0;
	expect_sense(c, ILLEGAL_REQUEST, CSCD_TYPE);
	c = xcopy(t, 0, 0, 0);
	put_be32(c->out + 8, 16);
	c->out[HEAD_BYTES + TARGET_BYTES] = 0x03; /* stream to stream */
	expect_sense(c, ILLEGAL_REQUEST, SEGMENT_TYPE);
	c = xcopy(t, 0, 0, 0);
	put_be16(c->out + 2, TARGET_BYTES - 1);
	expect_sense(c, ILLEGAL_REQUEST, PARAMETER_LIST_LENGTH_ERROR);
}

RULE(copy, aborted, DESTROYS,
     "a segment whose target the list has not, or whose blocks the unit has not, ends with COPY "
     "ABORTED")
{
	uint64_t lba;
	const uint8_t *old;
	struct cmd *c;

	old = untouched(t, 413, &lba);
	for (unsigned at = 4; at <= 6; at += 2) {
		c = xcopy(t, lba, lba + 100, 8);
		put_be16(c->out + HEAD_BYTES + TARGET_BYTES + at, 1);
		expect_key(c, COPY_ABORTED);
	}
	expect_key(xcopy(t, unit_of(t)->n_blocks - 7, lba + 100, 8), COPY_ABORTED);
	expect_key(xcopy(t, lba, unit_of(t)->n_blocks - 7, 8), COPY_ABORTED);
	expect_key(xcopy(t, lba, UINT64_MAX, 8), COPY_ABORTED);
	expect_blocks(nexus_a(t), lba + 100, 8, old, "after copies that were aborted");
	expect_good(xcopy(t, unit_of(t)->n_blocks - 8, lba + 100, 8));
}

/* RECEIVE COPY STATUS(LID1) of the copy 1. */
static struct cmd *status_new(struct nexus *n)
{
	struct cmd *c = CMD(n, 0x84, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0);

	data_in(c, 12);
	return c;
}

RULE(copy, status, DESTROYS,
     "RECEIVE COPY STATUS tells once of a copy that has ended, and who has sent it; INVALID FIELD "
     "IN "
     "CDB else")
{
	uint64_t lba;
	struct cmd *c;

	need_op(t, 0x83, 0x00);
	need_op(t, 0x84, 0x00);
	lba = scratch(t);
	cmd_run(status_new(nexus_a(t))); /* what was before */
	expect_bad_cdb(status_new(nexus_a(t)), 2);
	for (unsigned i = 0; i < 2; i++) /* the second takes the place of the first */
		expect_good(xcopy(t, lba, lba + 100, (uint16_t)(4 + i)));
	expect_bad_cdb(status_new(nexus_b(t)), 2);
	c = status_new(nexus_a(t));
	expect_good(c);
	EXPECT(t, (c->in[4] & 0x7f) == 1, "COPY MANAGER STATUS %u of a copy that is done",
	       c->in[4]);
	EXPECT(t, get_be16(c->in + 5) == 1, "%u segments, there was one", get_be16(c->in + 5));
	EXPECT(t, c->in[7] || get_be32(c->in + 8) == 5 * unit_of(t)->block,
	       "%u bytes, 5 blocks were copied", get_be32(c->in + 8));
	expect_bad_cdb(status_new(nexus_a(t)), 2);
	expect_key(xcopy(t, lba, UINT64_MAX, 8), COPY_ABORTED);
	c = status_new(nexus_a(t));
	expect_good(c);
	EXPECT(t, (c->in[4] & 0x7f) == 2, "COPY MANAGER STATUS %u of a copy that failed", c->in[4]);
}

RULE(copy, status_reset, DESTROYS | ALONE, "nothing is told of a copy before LOGICAL UNIT RESET")
{
	uint64_t lba;

	need_op(t, 0x83, 0x00);
	need_op(t, 0x84, 0x00);
	lba = scratch(t);
	expect_good(xcopy(t, lba, lba + 100, 4));
	expect_code(tmf_run(nexus_b(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	nexus_settle(nexus_a(t));
	nexus_settle(nexus_b(t));
	expect_bad_cdb(status_new(nexus_a(t)), 2);
}

RULE(copy, parameters, SAFE,
     "RECEIVE COPY OPERATING PARAMETERS: the block to block segment and the identification "
     "descriptor are listed")
{
	struct cmd *c = CMD(nexus_a(t), 0x84, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0);
	bool segment = false;
	bool target = false;

	need_op(t, 0x84, 0x03);
	data_in(c, 512);
	expect_good(c);
	EXPECT(t, get_be32(c->in) + 4 == got_in(c) && got_in(c) >= 44,
	       "AVAILABLE DATA %u, %u bytes came", get_be32(c->in), got_in(c));
	for (uint32_t at = 44; at < got_in(c); at++) {
		segment = segment || c->in[at] == 0x02;
		target = target || c->in[at] == 0xe4;
	}
	EXPECT(t, segment && target, "%s is missing in the list of descriptor types",
	       segment ? "E4h" : "02h");
}

/* --- list identifiers of four bytes --- */

#define HEAD4_BYTES 48u
#define ID4         0x12345678u

/* Likewise by EXTENDED COPY(LID4), @n segments that are alike. */
static struct cmd *xcopy4(struct test *t, uint64_t from, uint64_t to, uint16_t blocks, unsigned n)
{
	uint32_t len = HEAD4_BYTES + TARGET_BYTES + n * SEG_BYTES;
	struct cmd *c = CMD(nexus_a(t), 0x83, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(len >> 8),
			    (uint8_t)len, 0, 0);
	uint8_t *p = data_out(c, NULL, len);
	uint8_t *seg = p + HEAD4_BYTES + TARGET_BYTES;

	p[0] = 1; /* format */
	put_be16(p + 2, 32);
	p[16] = 0xff;
	put_be32(p + 20, ID4);
	put_be16(p + 42, TARGET_BYTES);
	put_be16(p + 44, (uint16_t)(n * SEG_BYTES));
	descriptors_put(t, p + HEAD4_BYTES, from, to, blocks);
	for (unsigned i = 1; i < n; i++)
		memcpy(seg + (size_t)i * SEG_BYTES, seg, SEG_BYTES);
	return c;
}

/* RECEIVE COPY STATUS(LID4). */
static struct cmd *status4_new(struct nexus *n, uint32_t id)
{
	struct cmd *c = CMD(n, 0x84, 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0);

	put_be32(c->cdb + 2, id);
	data_in(c, 128);
	return c;
}

/* COPY OPERATION ABORT. */
static struct cmd *abort_new(struct nexus *n, uint32_t id)
{
	struct cmd *c = CMD(n, 0x83, 0x1c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

	put_be32(c->cdb + 2, id);
	return c;
}

RULE(copy, lid4, DESTROYS, "EXTENDED COPY(LID4) copies; its status is told once, to who sent it")
{
	uint64_t lba;
	const uint8_t *data;
	struct cmd *c;

	need_op(t, 0x83, 0x01);
	need_op(t, 0x84, 0x05);
	lba = scratch(t);
	data = pattern(t, 414, (size_t)8 * unit_of(t)->block);
	write_blocks(nexus_a(t), lba, 8, data);
	expect_bad_cdb(status4_new(nexus_a(t), ID4), 2);
	expect_good(xcopy4(t, lba, lba + 100, 8, 2));
	expect_blocks(nexus_b(t), lba + 100, 8, data, "the copy");
	expect_bad_cdb(status4_new(nexus_b(t), ID4), 2);
	expect_bad_cdb(status4_new(nexus_a(t), ID4 & 0xff), 2);
	c = status4_new(nexus_a(t), ID4);
	expect_good(c);
	EXPECT(t, got_in(c) >= 32 && get_be32(c->in) + 4 == got_in(c),
	       "AVAILABLE DATA %u, %u bytes", get_be32(c->in), got_in(c));
	EXPECT(t, (c->in[4] & 0x1f) == 1, "of the service action %u", c->in[4] & 0x1f);
	EXPECT(t, (c->in[5] & 0x7f) == 1, "COPY OPERATION STATUS %02xh", c->in[5] & 0x7f);
	EXPECT(t, get_be16(c->in + 24) == 2, "%u segments, two were there", get_be16(c->in + 24));
	expect_bad_cdb(status4_new(nexus_a(t), ID4), 2);
	expect_key(xcopy4(t, lba, UINT64_MAX, 8, 1), COPY_ABORTED);
	c = status4_new(nexus_a(t), ID4);
	expect_good(c);
	EXPECT(t, (c->in[5] & 0x7f) == 2, "COPY OPERATION STATUS %02xh of one that failed",
	       c->in[5] & 0x7f);
	EXPECT(t, c->in[12] == CHECK_CONDITION && c->in[14] >= 8 && c->in[13] >= c->in[14],
	       "status %02xh with %u bytes of sense data in %u", c->in[12], c->in[14], c->in[13]);
}

RULE(copy, lid4_header, DESTROYS, "EXTENDED COPY(LID4): a header of another format is no list")
{
	static const uint8_t at[] = { 0, 2, 16 };
	uint64_t lba;
	struct cmd *c;

	need_op(t, 0x83, 0x01);
	lba = scratch(t);
	for (unsigned i = 0; i < sizeof(at); i++) {
		c = xcopy4(t, lba, lba + 100, 8, 1);
		c->out[at[i]] ^= 0x40;
		expect_bad_parameter(c, at[i]);
	}
	c = xcopy4(t, lba, lba + 100, 8, 1);
	c->cdb[13] = HEAD4_BYTES - 1;
	expect_sense(c, ILLEGAL_REQUEST, PARAMETER_LIST_LENGTH_ERROR);
}

RULE(copy, abort, DESTROYS,
     "COPY OPERATION ABORT ends a copy that is under way; it finds no other, nor another's")
{
	struct cmd *c, *a, *other;
	uint32_t segments;

	need_op(t, 0x83, 0x01);
	need_op(t, 0x83, 0x1c);
	need_op(t, 0x84, 0x03);
	segments = limit(t, 10, 2);
	expect_bad_cdb(abort_new(nexus_a(t), ID4), 2);
	if (unit_of(t)->n_blocks < 2ull * UINT16_MAX || segments > 1000)
		skip(t, "no copy would take long");
	c = xcopy4(t, 0, UINT16_MAX, UINT16_MAX, segments);
	a = abort_new(nexus_a(t), ID4);
	other = abort_new(nexus_b(t), ID4);
	cmd_send(c);
	cmd_run(other);
	expect_bad_cdb(other, 2);
	cmd_run(a);
	cmd_wait(c);
	if (a->status == GOOD) {
		expect_key(c, COPY_ABORTED);
	} else { /* it was too fast */
		expect_bad_cdb(a, 2);
		expect_good(c);
	}
	expect_bad_cdb(abort_new(nexus_a(t), ID4), 2);
	expect_good(xcopy4(t, 0, 8, 8, 1));
}
