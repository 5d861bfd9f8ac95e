/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * CMD with its descriptors and immediate data. Input: imm_data_offset (two bytes), then the IU; its
 * last bytes also play the part of an indirect table fetched from the initiator.
 */
#include "srp_fuzz.h"
#include "wire/srp_cmd.h"

static uint32_t imm_data_offset;

static int recode_cmd(struct cur *in, struct pen *out)
{
	struct srp_cmd_data d;
	struct srp_cmd c;
	int r = srp_cmd_decode(in, &c);

	if (!r)
		r = srp_cmd_data_decode(&c, imm_data_offset, &d);
	return r ? r : srp_cmd_encode(&c, &d, imm_data_offset, out);
}

/* Touch all that @d borrows; the entries add up to the total as promised. */
static uint64_t walk(const struct srp_data *d)
{
	uint64_t sum = 0;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < d->n_desc; i++) {
		struct srp_mem_desc m = srp_data_desc(d, i);

		sum += m.len;
		bytes += m.va + m.key;
	}
	if (d->imm)
		for (uint32_t i = 0; i < d->len; i++)
			bytes += d->imm[i];
	check(d->n_desc <= d->n_table);
	if (d->fmt == SRP_FMT_DIRECT || d->fmt == SRP_FMT_INDIRECT)
		check(srp_data_whole(d) ? sum == d->len : sum <= d->len);
	check(!!d->imm == (d->fmt == SRP_FMT_IMMEDIATE));
	return bytes;
}

static void fetch(struct srp_data *d, const uint8_t *data, size_t len)
{
	size_t n = min_size(d->table.len, len);

	if (srp_data_set_table(d, data + len - n, n) == 0) {
		check(srp_data_whole(d));
		(void)walk(d);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct srp_cmd_data d;
	volatile uint64_t sink;
	struct srp_cmd c;
	struct cur in;

	if (len < 2)
		return 0;
	imm_data_offset = get_be16(data);
	data += 2;
	len -= 2;
	in = cur_of(data, len);
	if (srp_cmd_decode(&in, &c))
		return 0;
	check(c.iu_len == len && c.cdb_len >= SRP_CDB_BYTES);
	sink = c.cdb[c.cdb_len - 1];
	if (srp_cmd_data_decode(&c, imm_data_offset, &d) == 0) {
		check(c.cdb_len == SRP_CDB_BYTES + c.add_cdb_len);
		sink = walk(&d.out) + walk(&d.in);
		fetch(&d.out, data, len);
		fetch(&d.in, data, len);
	}
	(void)sink;
	fuzz_recode(recode_cmd, data, len, 8);
	return 0;
}
