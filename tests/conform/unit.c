/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the unit is and has: asked once, before any rule. Here nothing is judged. */
#include <string.h>

#include "test.h"

const struct unit *unit_of(const struct test *t)
{
	return &t->unit;
}

static uint64_t wire_lun(unsigned number)
{
	return number < 256 ? (uint64_t)number << 48 : (uint64_t)(0x4000u | number) << 48;
}

/* The first of the last peripheral numbers that REPORT LUNS does not name. */
static void ask_luns(struct test *t, struct nexus *n)
{
	struct cmd *c = CMD(n, 0xa0, 0, 2, 0, 0, 0, 0, 0, 0x10, 0, 0, 0);
	const uint8_t *list = data_in(c, 4096);
	uint32_t len;

	cmd_run(c);
	len = c->status == GOOD ? min_u32(get_be32(list), got_in(c) - 8) : 0;
	for (unsigned lun = 255; lun; lun--) {
		bool there = false;

		t->unit.no_lun = wire_lun(lun);
		for (uint32_t at = 8; at + 8 <= 8 + len; at += 8)
			there = there || get_be64(list + at) == t->unit.no_lun;
		if (!there)
			return;
	}
}

static void ask_capacity(struct test *t, struct nexus *n)
{
	struct unit *u = &t->unit;
	struct cmd *c = CMD(n, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0);
	const uint8_t *p = data_in(c, 32);

	cmd_run(c);
	if (c->status == GOOD) {
		u->n_blocks = get_be64(p) + 1;
		u->block = get_be32(p + 8);
		u->lbpme = p[14] & 0x80;
		u->lbprz = p[14] & 0x40;
		return;
	}
	c = CMD(n, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	p = data_in(c, 8);
	expect_good(c);
	u->n_blocks = (uint64_t)get_be32(p) + 1;
	u->block = get_be32(p + 4);
}

static void ask_pages(struct test *t, struct nexus *n)
{
	struct unit *u = &t->unit;
	struct cmd *c = inquiry_run(n, 0);
	const uint8_t *p;

	if (c->status == GOOD)
		for (unsigned i = 0; i < get_be16(c->in + 2) && 4 + i < got_in(c); i++)
			u->vpd[c->in[4 + i]] = 1;
	if (u->vpd[0xb0] && (c = inquiry_run(n, 0xb0))->status == GOOD && got_in(c) >= 44) {
		p = c->in;
		u->wsnz = p[4] & 1;
		u->max_caw = p[5];
		u->max_transfer = get_be32(p + 8);
		u->max_unmap = get_be32(p + 20);
		u->max_unmap_desc = get_be32(p + 24);
		u->max_same = get_be64(p + 36);
		if (got_in(c) >= 64) {
			u->max_atomic = get_be32(p + 44);
			u->atomic_align = get_be32(p + 48);
			u->atomic_grain = get_be32(p + 52);
			u->max_atomic_boundary = get_be32(p + 56);
			u->max_boundary = get_be32(p + 60);
		}
	}
	if (u->vpd[0xb2] && (c = inquiry_run(n, 0xb2))->status == GOOD && got_in(c) >= 8) {
		u->lbpu = c->in[5] & 0x80;
		u->lbpws = c->in[5] & 0x40;
		u->lbpws10 = c->in[5] & 0x20;
	}
}

/* The usage map of one command. Return: CDB length, 0 if it is not supported. */
static uint16_t ask_usage(struct nexus *n, struct op *op)
{
	struct cmd *c = CMD(n, 0xa3, 0x0c, op->has_sa ? 2 : 1, op->opcode, (uint8_t)(op->sa >> 8),
			    (uint8_t)op->sa, 0, 0, 1, 0, 0, 0);
	const uint8_t *p = data_in(c, 256);

	cmd_run(c);
	if (c->status != GOOD || (p[1] & 7) != 3)
		return 0;
	memcpy(op->usage, p + 4, min_u32(get_be16(p + 2), sizeof(op->usage)));
	return get_be16(p + 2);
}

static void ask_ops(struct test *t, struct nexus *n)
{
	struct unit *u = &t->unit;
	struct cmd *c = CMD(n, 0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0);
	const uint8_t *p = data_in(c, 8192);
	uint32_t end;

	cmd_run(c);
	u->has_rsoc = c->status == GOOD;
	end = u->has_rsoc ? min_u32(get_be32(p) + 4, got_in(c)) : 0;
	for (uint32_t at = 4; at + 8 <= end && u->n_ops < 256; at += p[at + 5] & 2 ? 20 : 8) {
		struct op *op = &u->op[u->n_ops++];

		*op = (struct op){ .opcode = p[at],
				   .has_sa = p[at + 5] & 1,
				   .sa = get_be16(p + at + 2) };
		op->cdb_len = ask_usage(n, op);
	}
}

void unit_ask(struct test *t)
{
	struct unit *u = &t->unit;
	struct nexus *n;
	struct cmd *c;

	u->lun = wire_lun(t->cfg->lun);
	n = nexus_a(t);
	c = inquiry_run(n, -1);
	expect_good(c);
	memcpy(u->inquiry, c->in, sizeof(u->inquiry));
	u->is_disk = c->in[0] == 0;
	u->removable = c->in[1] & 0x80;
	EXPECT(t, u->is_disk, "LUN %u is no disk (peripheral device type %02x)", t->cfg->lun,
	       c->in[0]);
	ask_luns(t, n);
	ask_capacity(t, n);
	ask_pages(t, n);
	ask_ops(t, n);
}

const struct op *op_find(const struct test *t, uint8_t opcode, int sa)
{
	for (uint32_t i = 0; i < t->unit.n_ops; i++) {
		const struct op *op = &t->unit.op[i];

		if (op->opcode == opcode && (sa < 0 ? !op->has_sa : op->has_sa && op->sa == sa))
			return op;
	}
	return NULL;
}

void need_op(struct test *t, uint8_t opcode, int sa)
{
	if (!t->unit.has_rsoc)
		skip(t, "the unit does not tell which commands it has");
	if (op_find(t, opcode, sa))
		return;
	if (sa < 0)
		skip(t, "the unit does not have the command %02x", opcode);
	skip(t, "the unit does not have the command %02x/%02x", opcode, (unsigned)sa);
}

void need_vpd(struct test *t, uint8_t page)
{
	if (!t->unit.vpd[page])
		skip(t, "the unit does not have VPD page %02x", page);
}
