/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.7, 6.8, 7.3: LOG SENSE, LOG SELECT. */
#include <string.h>

#include "conform.h"

static struct cmd *log_sense(struct nexus *n, uint8_t page, uint16_t room)
{
	struct cmd *c = CMD(n, 0x4d, 0, (uint8_t)(0x40 | page), 0, 0, 0, 0, (uint8_t)(room >> 8),
			    (uint8_t)room, 0);

	if (room)
		data_in(c, room);
	return c;
}

RULE(log, list, SAFE, "page 00 lists the pages ascending, itself first, and each of them is whole")
{
	struct cmd *list = log_sense(nexus_a(t), 0, 256);
	uint16_t n;

	need_op(t, 0x4d, -1);
	expect_good(list);
	n = get_be16(list->in + 2);
	EXPECT(t, n >= 1 && list->in[4] == 0, "%u pages, the first is %02x", n, list->in[4]);
	for (unsigned i = 0; i < n; i++) {
		uint8_t page = list->in[4 + i];
		struct cmd *c = log_sense(nexus_a(t), page, 4096);
		uint32_t at = 4;

		EXPECT(t, !i || page > list->in[3 + i], "page %02x stands behind %02x", page,
		       list->in[3 + i]);
		expect_good(c);
		EXPECT(t, (c->in[0] & 0x3f) == page, "page %02x says that it is %02x", page,
		       c->in[0] & 0x3f);
		EXPECT(t, get_be16(c->in + 2) + 4u == got_in(c),
		       "page %02x: PAGE LENGTH says %u bytes, %u came", page,
		       get_be16(c->in + 2) + 4u, got_in(c));
		if (!page)
			continue;
		while (at + 4 <= got_in(c))
			at += 4u + c->in[at + 3];
		EXPECT(t, at == got_in(c), "page %02x: the last parameter ends at %u of %u", page,
		       at, got_in(c));
	}
}

RULE(log, not_listed, SAFE, "a page that is not listed is INVALID FIELD IN CDB")
{
	struct cmd *list = log_sense(nexus_a(t), 0, 256);

	need_op(t, 0x4d, -1);
	expect_good(list);
	for (uint8_t page = 0; page < 0x3f; page++)
		if (!memchr(list->in + 4, page, get_be16(list->in + 2)))
			expect_bad_cdb(log_sense(nexus_a(t), page, 256), 2);
}

RULE(log, allocation, SAFE, "with too little room: the first bytes, PAGE LENGTH as ever")
{
	struct cmd *whole = log_sense(nexus_a(t), 0, 256);

	need_op(t, 0x4d, -1);
	expect_good(whole);
	for (uint16_t room = 0; room < 10; room++) {
		struct cmd *c = log_sense(nexus_a(t), 0, room);

		expect_good(c);
		EXPECT(t, !room || !memcmp(c->in, whole->in, min_u32(room, got_in(whole))),
		       "with %u bytes of room the data are others", room);
	}
}

/* Parameter @code of page @page as a number; UINT64_MAX: it is not there. */
static uint64_t parameter(struct test *t, uint8_t page, uint16_t code, unsigned offset,
			  unsigned len)
{
	struct cmd *c = log_sense(nexus_a(t), page, 4096);

	cmd_run(c);
	if (c->status != GOOD)
		return UINT64_MAX;
	for (uint32_t at = 4; at + 4 <= got_in(c); at += 4u + c->in[at + 3]) {
		uint64_t v = 0;

		if (get_be16(c->in + at) != code)
			continue;
		for (unsigned i = 0; i < len && i < c->in[at + 3]; i++)
			v = v << 8 | c->in[at + 4 + offset + i];
		return v;
	}
	return UINT64_MAX;
}

static struct cmd *log_sense_run(struct test *t, uint8_t page)
{
	struct cmd *c = log_sense(nexus_a(t), page, 4096);

	cmd_run(c);
	return c;
}

RULE(log, statistics, SAFE, "General Statistics count READ commands and the blocks that were read")
{
	uint64_t commands = parameter(t, 0x19, 1, 0, 8);
	uint64_t blocks = parameter(t, 0x19, 1, 24, 8);

	need_op(t, 0x4d, -1);
	if (log_sense_run(t, 0x19)->status != GOOD)
		skip(t, "there is no page 19");
	EXPECT(t, commands != UINT64_MAX, "page 19 has no parameter 0001h");
	for (unsigned i = 0; i < 5; i++)
		expect_good(read_new(nexus_a(t), 10, 0, 4));
	EXPECT(t, parameter(t, 0x19, 1, 0, 8) >= commands + 5,
	       "%llu READs before, %llu after five more", (unsigned long long)commands,
	       (unsigned long long)parameter(t, 0x19, 1, 0, 8));
	EXPECT(t, !blocks || parameter(t, 0x19, 1, 24, 8) >= blocks + 20,
	       "%llu blocks before, %llu after 20 more", (unsigned long long)blocks,
	       (unsigned long long)parameter(t, 0x19, 1, 24, 8));
}

RULE(log, reserved, SAFE,
     "the saved-parameter bits that are not supported are INVALID FIELD IN CDB")
{
	struct cmd *c = log_sense(nexus_a(t), 0, 256);

	need_op(t, 0x4d, -1);
	if (op_find(t, 0x4d, -1)->usage[1] & 1)
		skip(t, "SP is supported");
	c->cdb[1] = 1;
	expect_bad_cdb(c, 1);
}

RULE(log, reset, DESTROYS,
     "LOG SELECT with PCR lets the counters begin anew, and is LOG PARAMETERS CHANGED for others, "
     "if anything")
{
	struct cmd *c = CMD(nexus_a(t), 0x4c, 0x02, 0xc0, 0, 0, 0, 0, 0, 0, 0);
	struct nexus *b = nexus_b(t);
	struct cmd *u;

	need_op(t, 0x4c, -1);
	for (unsigned i = 0; i < 5; i++)
		expect_good(read_new(nexus_a(t), 10, 0, 4));
	expect_good(c);
	EXPECT(t, parameter(t, 0x19, 1, 0, 8) == UINT64_MAX || parameter(t, 0x19, 1, 0, 8) < 5,
	       "%llu READs after the counters began anew",
	       (unsigned long long)parameter(t, 0x19, 1, 0, 8));
	u = attention(b);
	EXPECT(t, u->status == GOOD || is_sense(u, UNIT_ATTENTION, LOG_PARAMETERS_CHANGED), "%s",
	       cmd_text(u));
}
