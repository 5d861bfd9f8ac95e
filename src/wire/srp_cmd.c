/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_cmd.h"

/* 64 bits hold the sum of any 2^32 lengths. */
static uint64_t desc_sum(const uint8_t *desc, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += get_be32(desc + (size_t)i * SRP_MEM_DESC_BYTES + 12);
	return sum;
}

/* The numbers of one direction must agree, whether a peer or our own initiator wrote them. */
static int indirect_check(const struct srp_data *d)
{
	uint64_t sum;

	if (d->table.len % SRP_MEM_DESC_BYTES || d->n_desc > d->table.len / SRP_MEM_DESC_BYTES)
		return SRP_E_COUNT;
	sum = desc_sum(d->desc, d->n_desc);
	if (sum > d->len)
		return SRP_E_LENGTH_MISMATCH;
	/* The entries that the IU does not hold may bring what is missing, but only they. */
	if (sum < d->len && d->n_desc == d->table.len / SRP_MEM_DESC_BYTES)
		return SRP_E_LENGTH_MISMATCH;
	return 0;
}

static int indirect_decode(struct cur *c, uint8_t count, struct srp_data *d)
{
	const uint8_t *p = cur_take(c, SRP_INDIRECT_BYTES);

	d->n_desc = count;
	d->desc = cur_take(c, (size_t)count * SRP_MEM_DESC_BYTES);
	if (c->bad)
		return SRP_E_TRUNCATED;
	d->table = srp_mem_desc_get(p);
	d->len = get_be32(p + SRP_MEM_DESC_BYTES);
	d->n_table = d->table.len / SRP_MEM_DESC_BYTES;
	return indirect_check(d);
}

/* Everything but the place of immediate data, which is known when all descriptors are. */
static int desc_decode(struct cur *c, uint8_t fmt, uint8_t count, struct srp_data *d)
{
	d->fmt = (enum srp_fmt)fmt;
	switch (fmt) {
	case SRP_FMT_NONE:
		return 0;
	case SRP_FMT_DIRECT:
		d->n_desc = 1;
		d->n_table = 1;
		d->desc = cur_take(c, SRP_MEM_DESC_BYTES);
		if (!d->desc)
			return SRP_E_TRUNCATED;
		d->len = get_be32(d->desc + 12);
		return 0;
	case SRP_FMT_INDIRECT:
		return indirect_decode(c, count, d);
	case SRP_FMT_IMMEDIATE:
		d->len = cur_be32(c);
		return c->bad ? SRP_E_TRUNCATED : 0;
	default:
		return SRP_E_FORMAT;
	}
}

int srp_cmd_data_decode(const struct srp_cmd *cmd, uint32_t imm_data_offset,
			struct srp_cmd_data *ret)
{
	struct cur c = cur_of(cmd->iu, cmd->iu_len);
	struct srp_cmd_data d = { 0 };
	int r;

	/* Formats first: only a known DATA-OUT format tells where DATA-IN descriptors begin. */
	if (cmd->out_fmt > SRP_FMT_IMMEDIATE || cmd->in_fmt > SRP_FMT_INDIRECT)
		return SRP_E_FORMAT;
	if (cmd->out_fmt == SRP_FMT_IMMEDIATE && !imm_data_offset)
		return SRP_E_FORMAT;
	cur_skip(&c, (size_t)SRP_CMD_BYTES + cmd->add_cdb_len);
	if (c.bad)
		return SRP_E_TRUNCATED;
	r = desc_decode(&c, cmd->out_fmt, cmd->out_desc_cnt, &d.out);
	if (r)
		return r;
	r = desc_decode(&c, cmd->in_fmt, cmd->in_desc_cnt, &d.in);
	if (r)
		return r;
	if (d.out.fmt == SRP_FMT_IMMEDIATE) {
		if (c.pos > imm_data_offset || imm_data_offset > c.len ||
		    d.out.len > c.len - imm_data_offset)
			return SRP_E_IMMEDIATE;
		d.out.imm = c.p + imm_data_offset;
	}
	*ret = d;
	return 0;
}

int srp_data_set_table(struct srp_data *d, const uint8_t *table, size_t len)
{
	uint32_t n = d->table.len / SRP_MEM_DESC_BYTES;

	if (d->fmt != SRP_FMT_INDIRECT)
		return SRP_E_FORMAT;
	if (len != d->table.len)
		return SRP_E_COUNT;
	if (desc_sum(table, n) != d->len)
		return SRP_E_LENGTH_MISMATCH;
	d->desc = table;
	d->n_desc = n;
	d->n_table = n;
	return 0;
}

static int direct_encode(const struct srp_data *d, struct pen *out)
{
	if (d->n_desc != 1)
		return SRP_E_COUNT;
	if (desc_sum(d->desc, 1) != d->len)
		return SRP_E_LENGTH_MISMATCH;
	pen_copy(out, d->desc, SRP_MEM_DESC_BYTES);
	return 0;
}

static int indirect_encode(const struct srp_data *d, struct pen *out, uint8_t *ret_count)
{
	uint8_t *p;
	int r;

	if (d->n_desc > SRP_INLINE_DESC_MAX)
		return SRP_E_COUNT;
	r = indirect_check(d);
	if (r)
		return r;
	p = pen_take(out, SRP_INDIRECT_BYTES);
	if (!p)
		return SRP_E_NO_SPACE;
	srp_mem_desc_put(p, &d->table);
	put_be32(p + SRP_MEM_DESC_BYTES, d->len);
	pen_copy(out, d->desc, (size_t)d->n_desc * SRP_MEM_DESC_BYTES);
	*ret_count = (uint8_t)d->n_desc;
	return 0;
}

static int desc_encode(const struct srp_data *d, struct pen *out, uint8_t *ret_count)
{
	switch (d->fmt) {
	case SRP_FMT_NONE:
		return 0;
	case SRP_FMT_DIRECT:
		return direct_encode(d, out);
	case SRP_FMT_INDIRECT:
		return indirect_encode(d, out, ret_count);
	case SRP_FMT_IMMEDIATE:
		pen_be32(out, d->len);
		return 0;
	}
	return SRP_E_FORMAT;
}

static int imm_encode(const struct srp_data *d, size_t start, uint32_t offset, struct pen *out)
{
	size_t used = out->pos - start;

	if (!offset)
		return SRP_E_FORMAT;
	if (used > offset)
		return SRP_E_IMMEDIATE;
	pen_zero(out, offset - used);
	if (d->imm)
		pen_copy(out, d->imm, d->len);
	return 0;
}

int srp_cmd_encode(const struct srp_cmd *c, const struct srp_cmd_data *d, uint32_t imm_data_offset,
		   struct pen *out)
{
	static const struct srp_cmd_data no_data;
	size_t add = c->cdb_len > SRP_CDB_BYTES ? (c->cdb_len - SRP_CDB_BYTES + 3u) & ~3u : 0;
	size_t start = out->pos;
	uint8_t *p;
	int r;

	if (!d)
		d = &no_data;
	if (add > SRP_ADD_CDB_MAX)
		return SRP_E_COUNT;
	if (d->in.fmt == SRP_FMT_IMMEDIATE)
		return SRP_E_FORMAT;
	p = srp_iu_put(out, SRP_OP_CMD, c->tag, SRP_CMD_BYTES + add);
	if (!p)
		return SRP_E_NO_SPACE;
	p[1] = c->sol_not & (SRP_SCSOLNT | SRP_UCSOLNT);
	p[5] = (uint8_t)((unsigned int)d->out.fmt << 4 | (unsigned int)d->in.fmt);
	put_be64(p + 20, c->lun);
	p[29] = c->task_attr & 0x07;
	p[31] = (uint8_t)add;
	if (c->cdb_len)
		memcpy(p + 32, c->cdb, c->cdb_len);
	r = desc_encode(&d->out, out, p + 6);
	if (!r)
		r = desc_encode(&d->in, out, p + 7);
	if (!r && d->out.fmt == SRP_FMT_IMMEDIATE)
		r = imm_encode(&d->out, start, imm_data_offset, out);
	if (r)
		return r;
	return out->bad ? SRP_E_NO_SPACE : 0;
}
