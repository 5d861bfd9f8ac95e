/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.17, 6.58: READ BUFFER, WRITE BUFFER; SBC-4 5.17, 5.18: READ DEFECT DATA. */
#include <string.h>

#include "conform.h"

static struct cmd *read_buffer(struct nexus *n, uint8_t mode, uint32_t offset, uint32_t len)
{
	struct cmd *c =
		CMD(n, 0x3c, mode, 0, (uint8_t)(offset >> 16), (uint8_t)(offset >> 8),
		    (uint8_t)offset, (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, 0);

	if (len)
		data_in(c, len);
	return c;
}

static struct cmd *write_buffer(struct nexus *n, uint8_t mode, uint32_t offset, const void *data,
				uint32_t len)
{
	struct cmd *c =
		CMD(n, 0x3b, mode, 0, (uint8_t)(offset >> 16), (uint8_t)(offset >> 8),
		    (uint8_t)offset, (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, 0);

	if (len)
		data_out(c, data, len);
	return c;
}

RULE(buffer, descriptor, SAFE, "READ BUFFER mode 03: four bytes with the capacity")
{
	struct cmd *c = read_buffer(nexus_a(t), 0x03, 0, 64);

	need_op(t, 0x3c, -1);
	cmd_run(c);
	if (c->status != GOOD)
		skip(t, "mode 03 is not supported");
	expect_good(c);
	EXPECT(t, got_in(c) == 4, "%u bytes", got_in(c));
}

RULE(buffer, data, DESTROYS, "what is written to the data buffer is read back")
{
	struct cmd *d = read_buffer(nexus_a(t), 0x03, 0, 4);
	uint32_t size;
	const uint8_t *data;
	struct cmd *c;

	need_op(t, 0x3c, -1);
	need_op(t, 0x3b, -1);
	cmd_run(d);
	size = d->status == GOOD ? get_be24(d->in + 1) : 0;
	if (!size)
		skip(t, "there is no data buffer");
	if (size > 4096)
		size = 4096;
	data = pattern(t, 270, size);
	expect_good(write_buffer(nexus_a(t), 0x02, 0, data, size));
	c = read_buffer(nexus_a(t), 0x02, 0, size);
	expect_good(c);
	EXPECT(t, !memcmp(c->in, data, size), "other data come back");
	expect_key(write_buffer(nexus_a(t), 0x02, 0xffffff, data, 4), ILLEGAL_REQUEST);
}

RULE(buffer, echo, DESTROYS, "the echo buffer gives back what this nexus has written")
{
	struct cmd *d = read_buffer(nexus_a(t), 0x0b, 0, 4);
	uint32_t size;
	const uint8_t *data;
	struct cmd *c;

	need_op(t, 0x3c, -1);
	need_op(t, 0x3b, -1);
	cmd_run(d);
	if (d->status != GOOD)
		skip(t, "there is no echo buffer");
	size = get_be16(d->in + 2) & 0x1fff;
	EXPECT(t, size >= 4, "the echo buffer has %u bytes", size);
	data = pattern(t, 271, size);
	expect_good(write_buffer(nexus_a(t), 0x0a, 0, data, size));
	c = read_buffer(nexus_a(t), 0x0a, 0, size);
	expect_good(c);
	EXPECT(t, !memcmp(c->in, data, size), "other data come back");
}

RULE(buffer, modes, SAFE, "a mode that there is not is INVALID FIELD IN CDB")
{
	need_op(t, 0x3c, -1);
	expect_bad_cdb(read_buffer(nexus_a(t), 0x1f, 0, 4), 1);
	expect_bad_cdb(read_buffer(nexus_a(t), 0x09, 0, 4), 1);
}

RULE(defects, lists, SAFE,
     "READ DEFECT DATA (10, 12): a header that names the list asked for, and whole descriptors")
{
	for (unsigned twelve = 0; twelve < 2; twelve++)
		for (uint8_t list = 0; list < 4; list++) {
			uint8_t what = (uint8_t)(list << 3 | 5);
			struct cmd *c =
				twelve ? CMD(nexus_a(t), 0xb7, what, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0)
				       : CMD(nexus_a(t), 0x37, 0, what, 0, 0, 0, 0, 2, 0, 0);
			uint32_t head = twelve ? 8 : 4;

			if (!op_find(t, twelve ? 0xb7 : 0x37, -1))
				continue;
			data_in(c, 512);
			cmd_run(c);
			EXPECT(t, c->status == GOOD || c->key == 1, "%s", cmd_text(c));
			EXPECT(t, got_in(c) >= head, "%u bytes", got_in(c));
			EXPECT(t, (c->in[1] & 0x18) == (what & 0x18),
			       "the lists %02x were asked for, byte 1 is %02x", what, c->in[1]);
			EXPECT(t,
			       got_in(c) ==
				       head + (twelve ? get_be32(c->in + 4) : get_be16(c->in + 2)),
			       "%u bytes came", got_in(c));
		}
	need_op(t, 0x37, -1);
}
