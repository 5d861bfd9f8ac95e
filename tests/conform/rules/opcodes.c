/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.35: REPORT SUPPORTED OPERATION CODES, and whether the unit does what it says there. */
#include <string.h>

#include "conform.h"

static struct cmd *rsoc(struct nexus *n, uint8_t options, uint8_t opcode, uint16_t sa,
			uint32_t room)
{
	struct cmd *c = CMD(n, 0xa3, 0x0c, options, opcode, (uint8_t)(sa >> 8), (uint8_t)sa,
			    (uint8_t)(room >> 24), (uint8_t)(room >> 16), (uint8_t)(room >> 8),
			    (uint8_t)room, 0, 0);

	if (room)
		data_in(c, room);
	return c;
}

static unsigned usual_len(uint8_t opcode)
{
	static const uint8_t by_group[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	return by_group[opcode >> 5];
}

RULE(opcodes, list, SAFE, "all commands: each once, with the CDB length of its group")
{
	struct cmd *c = rsoc(nexus_a(t), 0, 0, 0, 8192);
	uint32_t seen[256];
	uint32_t n = 0;

	need_op(t, 0xa3, 0x0c);
	expect_good(c);
	EXPECT(t, get_be32(c->in) + 4 == got_in(c), "the length says %u bytes, %u came",
	       get_be32(c->in) + 4, got_in(c));
	for (uint32_t at = 4; at + 8 <= got_in(c) && n < 256; at += 8) {
		const uint8_t *p = c->in + at;
		uint32_t key = (uint32_t)p[0] << 16 | get_be16(p + 2);
		unsigned len = usual_len(p[0]);

		EXPECT(t, !(p[5] & 0xfc & ~0x02), "reserved bits in byte 5 of %02x: %02x", p[0],
		       p[5]);
		EXPECT(t, p[5] & 1 || !get_be16(p + 2),
		       "%02x has a service action without SERVACTV", p[0]);
		EXPECT(t, !len || get_be16(p + 6) == len,
		       "%02x has a CDB of %u bytes, its group has %u", p[0], get_be16(p + 6), len);
		for (uint32_t i = 0; i < n; i++)
			EXPECT(t, seen[i] != key, "%02x/%02x is there twice", p[0],
			       get_be16(p + 2));
		seen[n++] = key;
	}
	EXPECT(t, n >= 10, "only %u commands, a disk has more", n);
}

RULE(opcodes, mandatory, SAFE, "the commands that a disk must have are listed")
{
	static const uint8_t must[] = { 0x00, 0x03, 0x12, 0x25, 0x28, 0x2a, 0xa0 };

	need_op(t, 0xa3, 0x0c);
	for (unsigned i = 0; i < sizeof(must); i++)
		EXPECT(t, op_find(t, must[i], -1), "%02x is missing", must[i]);
}

RULE(opcodes, one_command, SAFE,
     "options 1, 2 and 3 tell of a command what the list tells, and refuse what does not fit")
{
	struct nexus *a = nexus_a(t);

	need_op(t, 0xa3, 0x0c);
	for (uint32_t i = 0; i < unit_of(t)->n_ops; i++) {
		const struct op *op = &unit_of(t)->op[i];
		struct cmd *c = rsoc(a, 3, op->opcode, op->sa, 256);

		expect_good(c);
		EXPECT(t, (c->in[1] & 7) == 3, "option 3: SUPPORT of %02x/%02x is %u, not 3",
		       op->opcode, op->sa, c->in[1] & 7);
		EXPECT(t, get_be16(c->in + 2) == op->cdb_len && got_in(c) == 4u + op->cdb_len,
		       "option 3 of %02x: CDB SIZE %u, %u bytes", op->opcode, get_be16(c->in + 2),
		       got_in(c));
		EXPECT(t, c->in[4] == op->opcode, "the usage map of %02x begins with %02x",
		       op->opcode, c->in[4]);
		EXPECT(t, !op->has_sa || (c->in[5] & 0x1f) == op->sa,
		       "the usage map of %02x/%02x has service action %02x", op->opcode, op->sa,
		       c->in[5] & 0x1f);
		if (op->has_sa) {
			expect_good(rsoc(a, 2, op->opcode, op->sa, 256));
			expect_bad_cdb(rsoc(a, 1, op->opcode, 0, 256), 2);
		} else {
			expect_good(rsoc(a, 1, op->opcode, 0, 256));
			expect_bad_cdb(rsoc(a, 2, op->opcode, 0, 256), 2);
		}
	}
}

RULE(opcodes, reserved_option, SAFE, "reserved reporting options are INVALID FIELD IN CDB")
{
	need_op(t, 0xa3, 0x0c);
	for (uint8_t i = 4; i < 8; i++)
		expect_bad_cdb(rsoc(nexus_a(t), i, 0x12, 0, 256), 2);
}

RULE(opcodes, not_listed, SAFE,
     "a command that is not listed: SUPPORT is 1, and it ends with INVALID COMMAND OPERATION CODE")
{
	struct nexus *a = nexus_a(t);

	need_op(t, 0xa3, 0x0c);
	for (unsigned op = 0; op < 256; op++) {
		uint8_t cdb[16] = { (uint8_t)op };
		bool listed = false;
		struct cmd *c;

		for (uint32_t i = 0; i < unit_of(t)->n_ops; i++)
			listed = listed || unit_of(t)->op[i].opcode == op;
		/* Groups 3, 6 and 7: vendor specific, and CDBs whose length is told otherwise. */
		if (listed || !usual_len((uint8_t)op))
			continue;
		c = rsoc(a, 1, (uint8_t)op, 0, 256);
		expect_good(c);
		EXPECT(t, (c->in[1] & 7) == 1, "SUPPORT of %02x is %u, not 1", op, c->in[1] & 7);
		c = cmd_new(a, cdb, 16);
		expect_sense(c, ILLEGAL_REQUEST, INVALID_OPCODE);
	}
}

RULE(opcodes, no_service_action, SAFE,
     "a service action that is not listed: SUPPORT is 1, and it is INVALID FIELD IN CDB")
{
	struct nexus *a = nexus_a(t);

	need_op(t, 0xa3, 0x0c);
	for (uint32_t i = 0; i < unit_of(t)->n_ops; i++) {
		uint8_t opcode = unit_of(t)->op[i].opcode;

		/* Each opcode once; the variable length has its service actions elsewhere. */
		if (!unit_of(t)->op[i].has_sa || opcode == 0x7f ||
		    (i && unit_of(t)->op[i - 1].opcode == opcode))
			continue;
		for (uint8_t sa = 0; sa < 32; sa++) {
			uint8_t cdb[16] = { opcode, sa };
			struct cmd *c;

			if (op_find(t, opcode, sa))
				continue;
			c = rsoc(a, 2, opcode, sa, 256);
			expect_good(c);
			EXPECT(t, (c->in[1] & 7) == 1, "SUPPORT of %02x/%02x is %u, not 1", opcode,
			       sa, c->in[1] & 7);
			expect_bad_cdb(cmd_new(a, cdb, usual_len(opcode)), 1);
		}
	}
}

RULE(opcodes, allocation, SAFE, "with too little room: the first bytes, the length as ever")
{
	struct nexus *a = nexus_a(t);
	struct cmd *whole = rsoc(a, 0, 0, 0, 8192);

	need_op(t, 0xa3, 0x0c);
	expect_good(whole);
	for (uint32_t room = 0; room < 64; room += 5) {
		struct cmd *c = rsoc(a, 0, 0, 0, room);

		expect_good(c);
		EXPECT(t, !room || !memcmp(c->in, whole->in, room),
		       "with %u bytes of room the data are others", room);
	}
}

RULE(opcodes, timeouts, SAFE, "RCTD: each descriptor has a command timeouts descriptor of 12 bytes")
{
	struct cmd *c = rsoc(nexus_a(t), 0x80, 0, 0, 8192);
	unsigned n = 0;

	need_op(t, 0xa3, 0x0c);
	if (!(op_find(t, 0xa3, 0x0c)->usage[2] & 0x80))
		skip(t, "RCTD is not supported");
	expect_good(c);
	for (uint32_t at = 4; at + 20 <= got_in(c); at += 20, n++) {
		EXPECT(t, c->in[at + 5] & 2, "%02x: CTDP is 0", c->in[at]);
		EXPECT(t, get_be16(c->in + at + 8) == 0x0a,
		       "%02x: a timeouts descriptor of %u bytes", c->in[at],
		       get_be16(c->in + at + 8));
		EXPECT(t, get_be32(c->in + at + 16) >= get_be32(c->in + at + 12),
		       "%02x: the recommended timeout is shorter than the nominal one", c->in[at]);
	}
	EXPECT(t, n == unit_of(t)->n_ops, "%u commands, without RCTD there are %u", n,
	       unit_of(t)->n_ops);
	c = rsoc(nexus_a(t), 0x81, 0x12, 0, 256);
	expect_good(c);
	EXPECT(t, c->in[1] & 0x80 && got_in(c) == 4 + 6 + 12,
	       "INQUIRY with RCTD: byte 1 is %02x, %u bytes", c->in[1], got_in(c));
}

static bool takes_data(uint8_t opcode)
{
	static const uint8_t out[] = { 0x0a, 0x15, 0x2a, 0x2e, 0x2f, 0x3b, 0x41, 0x42,
				       0x4c, 0x53, 0x55, 0x5f, 0x83, 0x89, 0x8a, 0x8b,
				       0x8e, 0x8f, 0x93, 0x9c, 0xa4, 0xaa, 0xae, 0xaf };

	return memchr(out, opcode, sizeof(out)) != NULL;
}

/* Not to be tried with nothing but zeroes in it, or not at all. */
static bool risky(const struct op *op)
{
	switch (op->opcode) {
	case 0x04: /* FORMAT UNIT */
	case 0x48: /* SANITIZE */
	case 0x7f:
	case 0x83: /* copies */
	case 0x84:
		return true;
	default:
		return false;
	}
}

static struct cmd *harmless(struct nexus *n, const struct op *op)
{
	uint8_t cdb[16] = { op->opcode, op->has_sa ? (uint8_t)op->sa : 0 };
	struct cmd *c;

	if (op->opcode == 0x1b)
		cdb[4] = 1; /* START */
	if (op->opcode == 0x41)
		cdb[8] = 1; /* WRITE SAME of none might be of all */
	if (op->opcode == 0x93)
		cdb[13] = 1;
	c = cmd_new(n, cdb, op->cdb_len <= 16 ? op->cdb_len : 16);
	if (takes_data(op->opcode))
		data_out(c, NULL, unit_of(n->t)->block);
	else
		data_in(c, 4096);
	return c;
}

static void release(struct test *t)
{
	cmd_run(CMD(nexus_a(t), 0x17, 0, 0, 0, 0, 0));
}

RULE(opcodes, usage_maps, DESTROYS,
     "a bit that the usage map has as 0 is INVALID FIELD IN CDB at its byte, or makes no "
     "difference")
{
	struct nexus *a = nexus_a(t);

	need_op(t, 0xa3, 0x0c);
	at_end(t, release);
	for (uint32_t i = 0; i < unit_of(t)->n_ops; i++) {
		const struct op *op = &unit_of(t)->op[i];
		struct cmd *base;

		if (risky(op))
			continue;
		base = harmless(a, op);
		cmd_run(base);
		for (unsigned bit = 8; bit < op->cdb_len * 8u && bit < 128; bit++) {
			struct cmd *c;

			/* Another service action is another command. */
			if (op->usage[bit / 8] & 1u << bit % 8 ||
			    (op->has_sa && bit / 8 == 1 && bit % 8 < 5))
				continue;
			c = harmless(a, op);
			c->cdb[bit / 8] |= (uint8_t)(1u << bit % 8);
			cmd_run(c);
			a->used = 0;
			if (c->status == base->status && c->key == base->key && c->asc == base->asc)
				continue;
			EXPECT(t, is_sense(c, ILLEGAL_REQUEST, INVALID_FIELD_IN_CDB),
			       "bit %u of byte %u: %s; without it: %s", bit % 8, bit / 8,
			       cmd_text(c), cmd_text(base));
			EXPECT(t,
			       !c->field_valid || c->field == bit / 8 ||
				       (c->field < bit / 8 && c->field + 8u > bit / 8),
			       "bit %u of byte %u: %s, and the field pointer says byte %u", bit % 8,
			       bit / 8, cmd_text(c), c->field);
		}
	}
}

RULE(opcodes, task_functions, ALONE,
     "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS says which functions work")
{
	static const struct {
		uint8_t bit;
		uint8_t function;
	} of[] = { { 0x80, ABORT_TASK },
		   { 0x40, ABORT_TASK_SET },
		   { 0x20, CLEAR_ACA },
		   { 0x10, CLEAR_TASK_SET },
		   { 0x08, LUN_RESET } };
	struct nexus *a = nexus_a(t);
	struct cmd *c = CMD(a, 0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0);

	need_op(t, 0xa3, 0x0d);
	data_in(c, 16);
	expect_good(c);
	EXPECT(t, got_in(c) >= 4, "%u bytes, there are at least 4", got_in(c));
	for (unsigned i = 0; i < ARRAY_SIZE(of); i++) {
		struct cmd *f = tmf_run(a, of[i].function, unit_of(t)->lun, 0);
		bool has = f->code != CODE_NOT_SUPPORTED;

		EXPECT(t, has == !!(c->in[0] & of[i].bit),
		       "function %02x is said to be%s supported, and ends with response code %u",
		       of[i].function, c->in[0] & of[i].bit ? "" : " not", f->code);
	}
	nexus_settle(a);
	nexus_settle(nexus_b(t));
}
