/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From hostile descriptors to work requests: a CMD is decoded, tables that do not stand in it are "fetched"
 * from the end of the input, and the buffers are walked burst by burst. Each byte is named once, in order, and
 * never one that the descriptors do not name. Input: a seed for the bursts, imm_data_offset (2 bytes), the IU.
 */
#include <sys/mman.h>

#include "fuzz.h"
#include "target/xfer.h"

#define MAX_WRS 12u

/* Where a burst lies: addresses are computed with, memory is never touched. */
static char *local(void)
{
	static char *mem;

	if (!mem) {
		void *p = mmap(NULL, 1ull << 33, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		check(p != MAP_FAILED);
		mem = p;
	}
	return mem;
}

/* The place in the descriptors that must come next. */
struct place {
	uint32_t desc, off;
};

static struct srp_mem_desc place_norm(const struct srp_data *d, struct place *p)
{
	struct srp_mem_desc m = { 0 };

	while (p->desc < d->n_desc) {
		m = srp_data_desc(d, p->desc);
		if (p->off < m.len)
			break;
		p->desc++;
		p->off = 0;
	}
	return m;
}

static void judge(const struct srp_data *d, struct place *p, const struct fab_wr *wr,
		  const char *at)
{
	struct srp_mem_desc m = place_norm(d, p);

	check(p->desc < d->n_desc);
	check(wr->n_sge == 1 && wr->sge->len && wr->sge->addr == at);
	check(wr->rkey == m.key && wr->remote_va == m.va + p->off);
	check(wr->sge->len <= m.len - p->off);
	check(!wr->flags && !wr->wr_id);
	p->off += wr->sge->len;
}

static uint64_t sum_of(const struct srp_data *d)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < d->n_desc; i++)
		sum += srp_data_desc(d, i).len;
	return sum;
}

static void walk(const struct srp_data *d, enum fab_wr_op op, uint32_t seed)
{
	uint64_t left = sum_of(d);
	struct xfer_pos pos = { 0 };
	struct place place = { 0 };
	unsigned turns = 0;

	while (turns++ < 4096) {
		struct fab_sge sge[MAX_WRS];
		struct fab_wr wr[MAX_WRS];
		struct xfer_chain chain = { .wr = wr,
					    .sge = sge,
					    .max = 1 + (seed >> 8) % MAX_WRS };
		uint32_t want = 1 + (seed & 1 ? seed >> 12 & 0xff : seed);
		uint64_t bytes = 0;
		unsigned n = xfer_build(d, &pos, op, local(), want, &chain);

		check(n <= chain.max && chain.bytes <= want && chain.bytes <= left);
		for (unsigned i = 0; i < n; i++) {
			check(wr[i].op == op);
			judge(d, &place, &wr[i], local() + bytes);
			bytes += sge[i].len;
		}
		check(bytes == chain.bytes);
		/* Short only for want of requests or of descriptors. */
		check(bytes == want || bytes == left || n == chain.max);
		left -= bytes;
		if (!n)
			break;
		seed = seed * 1664525u + 1013904223u;
	}
	check(left == 0 || turns >= 4096);
}

static void buffer(struct srp_data *d, enum fab_wr_op op, uint32_t seed, const struct cur *iu)
{
	uint8_t *table = NULL;

	if (d->fmt != SRP_FMT_DIRECT && d->fmt != SRP_FMT_INDIRECT)
		return;
	if (!srp_data_whole(d)) {
		/* What the target does not fetch: it has a limit of its own. */
		if (d->table.len > iu->len)
			return;
		table = fuzz_copy(iu->p + iu->len - d->table.len, d->table.len);
		if (srp_data_set_table(d, table, d->table.len)) {
			free(table);
			return;
		}
	}
	check(sum_of(d) == d->len);
	walk(d, op, seed);
	free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cur in = cur_of(data, len);
	uint32_t seed = cur_be32(&in);
	uint32_t imm = cur_be16(&in);
	struct srp_cmd_data d;
	struct srp_cmd cmd;
	struct cur iu;
	uint8_t *copy;

	if (!cur_left(&in))
		return 0;
	iu = fuzz_rest(&in);
	copy = fuzz_copy(iu.p, iu.len);
	iu.p = copy;
	in = iu;
	if (srp_cmd_decode(&in, &cmd) == 0 && srp_cmd_data_decode(&cmd, imm, &d) == 0) {
		buffer(&d.out, FAB_WR_READ, seed, &iu);
		buffer(&d.in, FAB_WR_WRITE, seed, &iu);
	}
	free(copy);
	return 0;
}
