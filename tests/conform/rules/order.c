/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SAM-5 8: task attributes. */
#include <string.h>

#include "conform.h"

RULE(order, ordered_writes, DESTROYS,
     "ORDERED WRITEs of the same blocks take effect in the order they were sent")
{
	struct nexus *a = nexus_a(t);
	uint64_t lba = scratch(t);
	uint32_t len = 16 * unit_of(t)->block;
	struct cmd *c[24];
	const uint8_t *last = NULL;

	for (unsigned i = 0; i < 24; i++) {
		c[i] = write_new(a, 10, lba, 16, last = pattern(t, 110 + i, len));
		c[i]->attr = ORDERED;
		c[i]->shape = i % 3 ? SHAPE_DIRECT : SHAPE_USUAL;
		cmd_send(c[i]);
	}
	for (unsigned i = 0; i < 24; i++)
		expect_good(c[i]);
	expect_blocks(a, lba, 16, last, "the last ORDERED WRITE");
}

RULE(order, ordered_answers, SAFE,
     "an ORDERED command is answered behind all that were sent before it and before all sent later")
{
	struct nexus *a = nexus_a(t);
	uint32_t big =
		(1u << 20) / unit_of(t)->block; /* long, and four fit in the nexus's memory */
	struct cmd *c[9];

	if (unit_of(t)->n_blocks < big)
		skip(t, "the unit is too small");
	for (unsigned i = 0; i < 9; i++) {
		c[i] = i == 4 ? tur_new(a) : read_new(a, 10, 0, i < 4 ? big : 1);
		c[i]->attr = i == 4 ? ORDERED : SIMPLE;
		cmd_send(c[i]);
	}
	for (unsigned i = 0; i < 9; i++)
		expect_good(c[i]);
	for (unsigned i = 0; i < 9; i++)
		EXPECT(t, i == 4 || (c[i]->order < c[4]->order) == (i < 4),
		       "command %u of 9 was answered as number %u, the ORDERED one (4) as number "
		       "%u",
		       i, c[i]->order, c[4]->order);
}

RULE(order, behind_held, DESTROYS,
     "a SIMPLE command waits for an ORDERED one that waits for a WRITE under way; HEAD OF QUEUE "
     "does not")
{
	uint64_t lba = scratch(t);
	struct nexus *h = nexus_new(t, &(struct login){ .who = 'h', .flags = LOGIN_MULTI });
	struct nexus *b = nexus_b(t);
	struct cmd *w;
	struct cmd *ordered;
	struct cmd *simple;
	struct cmd *head;

	nexus_settle(h);
	w = write_new(h, 10, lba, 8, NULL);
	w->shape = SHAPE_DIRECT;
	cmd_send(w);
	hold(h);
	idle(t, 30);
	ordered = read_new(b, 10, lba, 1);
	ordered->attr = ORDERED;
	simple = read_new(b, 10, lba, 1);
	head = read_new(b, 10, lba, 1);
	head->attr = HEAD_OF_QUEUE;
	cmd_send(ordered);
	cmd_send(simple);
	cmd_send(head);
	idle(t, 100);
	if (ordered->done)
		skip(t, "a WRITE could not be held back, or other nexuses have task sets of their "
			"own");
	EXPECT(t, head->done && head->status == GOOD, "HEAD OF QUEUE waits: %s", cmd_text(head));
	EXPECT(t, !simple->done, "the SIMPLE command did not wait for the ORDERED one before it");
	let_go(h);
	expect_good(w);
	expect_good(ordered);
	expect_good(simple);
	/* The WRITE's answer comes by another channel, so its place among them says nothing. */
	EXPECT(t, head->order < ordered->order && ordered->order < simple->order,
	       "the answers came as: ORDERED %u, SIMPLE %u, HEAD OF QUEUE %u", ordered->order,
	       simple->order, head->order);
}

RULE(order, aca_attribute, SAFE,
     "the ACA attribute without an ACA condition is INVALID MESSAGE ERROR")
{
	struct cmd *c = tur_new(nexus_a(t));

	c->attr = ACA;
	expect_key(c, ILLEGAL_REQUEST);
}

RULE(order, mixed_data, DESTROYS,
     "a mix of attributes loses nothing: each command is answered, and the data are of the right "
     "ones")
{
	static const uint8_t attr[] = { SIMPLE, ORDERED, HEAD_OF_QUEUE };
	struct nexus *a = nexus_a(t);
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	const uint8_t *data = pattern(t, 140, (size_t)60 * block);
	struct cmd *c[60];

	for (unsigned i = 0; i < 60; i++) {
		c[i] = write_new(a, 10, lba + i, 1, data + (size_t)i * block);
		c[i]->attr = attr[i * 7 % 3];
		cmd_send(c[i]);
	}
	for (unsigned i = 0; i < 60; i++)
		expect_good(c[i]);
	expect_blocks(a, lba, 60, data, "written with mixed attributes");
}
