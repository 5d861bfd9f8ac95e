/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 7.5.10: the control mode page, by what it does: SWP, TAS, TST, QERR, UA_INTLCK_CTRL; SBC-4 6.5.6: WCE. */
#include <string.h>

#include "conform.h"

RULE(control, write_protect, DESTROYS,
     "SWP: what writes is WRITE PROTECTED, reads go on, MODE SENSE has WP")
{
	struct cmd *c;

	mode_set(t, 0x0a, 4, 0x08, 0x08);
	expect_sense(write_new(nexus_a(t), 10, 0, 1, NULL), DATA_PROTECT, WRITE_PROTECTED);
	expect_sense(write_new(nexus_b(t), 16, 0, 1, NULL), DATA_PROTECT, WRITE_PROTECTED);
	expect_good(read_new(nexus_a(t), 10, 0, 1));
	c = CMD(nexus_a(t), 0x5a, 0x08, 0x3f, 0, 0, 0, 0, 1, 0, 0);
	data_in(c, 256);
	expect_good(c);
	EXPECT(t, c->in[3] & 0x80, "WP is 0");
	if (op_find(t, 0x93, -1)) {
		c = range_new(nexus_a(t), 0x93, 0, 0, 1);
		data_out(c, NULL, unit_of(t)->block);
		expect_sense(c, DATA_PROTECT, WRITE_PROTECTED);
	}
	mode_set(t, 0x0a, 4, 0x08, 0);
	expect_good(write_new(nexus_b(t), 10, 0, 1, NULL));
}

/* A WRITE of a nexus of its own, held under way. */
static struct nexus *holder(struct test *t, struct cmd **ret)
{
	struct nexus *n = nexus_new(t, &(struct login){ .who = 'h', .flags = LOGIN_MULTI });

	nexus_settle(n);
	*ret = write_new(n, 10, scratch(t), 8, NULL);
	(*ret)->shape = SHAPE_DIRECT;
	cmd_send(*ret);
	hold(n);
	idle(t, 30);
	return n;
}

RULE(control, tas, DESTROYS,
     "TAS: a command that another nexus aborted ends with TASK ABORTED, and no unit attention "
     "tells of it")
{
	struct nexus *n;
	struct cmd *w;
	struct cmd *f;

	mode_set(t, 0x0a, 5, 0x40, 0x40);
	n = holder(t, &w);
	f = tmf_send(nexus_b(t), CLEAR_TASK_SET, unit_of(t)->lun, 0);
	idle(t, 50);
	let_go(n);
	expect_code(f, CODE_DONE);
	cmd_wait(w);
	if (w->status == GOOD)
		skip(t, "the WRITE could not be held back");
	expect_status(w, TASK_ABORTED);
	expect_good(attention(n));
}

RULE(control, task_set_per_nexus, DESTROYS,
     "TST 001b: SIMPLE commands of one nexus do not wait for an ORDERED one of another that waits "
     "itself")
{
	struct nexus *n;
	struct cmd *w;
	struct cmd *ordered;
	struct cmd *c;
	bool late;

	(void)nexus_b(t);
	mode_set(t, 0x0a, 2, 0xe0, 0x20);
	nexus_settle(nexus_b(t));
	n = holder(t, &w);
	ordered = tur_new(nexus_new(t, &(struct login){ .who = 'h', .flags = LOGIN_MULTI }));
	ordered->attr = ORDERED;
	cmd_send(ordered);
	idle(t, 50);
	c = read_new(nexus_b(t), 10, 0, 1);
	cmd_send(c);
	idle(t, 200);
	EXPECT(t, c->done, "the SIMPLE command of another nexus waits");
	expect_good(c);
	late = ordered->done && !w->done;
	let_go(n);
	expect_good(w);
	expect_good(ordered);
	if (late) /* a target may let a WRITE into the task set when its data have come */
		skip(t, "the WRITE could not be held back");
}

RULE(control, qerr, DESTROYS,
     "QERR 01b: with a CHECK CONDITION all other commands of the task set are aborted")
{
	struct nexus *n;
	struct cmd *w;
	struct cmd *bad;

	mode_set(t, 0x0a, 3, 0x06, 0x02);
	/* A unit attention would be the first CHECK CONDITION. */
	nexus_settle(nexus_b(t));
	n = holder(t, &w);
	bad = range_new(nexus_b(t), 0x88, 0, unit_of(t)->n_blocks, 1);
	data_in(bad, unit_of(t)->block);
	cmd_send(bad);
	idle(t, 50);
	let_go(n);
	expect_sense(bad, ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	idle(t, 50);
	EXPECT(t, !n->down, "the channel ended");
	if (w->done && w->status == GOOD)
		skip(t, "the WRITE could not be held back");
	EXPECT(t, !w->done || w->status == TASK_ABORTED, "the other command: %s", cmd_text(w));
	w->lost = !w->done;
}

RULE(control, interlock, DESTROYS,
     "UA_INTLCK_CTRL 10b: a unit attention stays until REQUEST SENSE has given it")
{
	struct nexus *n;
	struct cmd *c;

	mode_set(t, 0x0a, 4, 0x30, 0x20);
	n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
	for (unsigned i = 0; i < 3; i++) {
		expect_key(attention(n), UNIT_ATTENTION);
	}
	for (unsigned i = 0; i < 8; i++) {
		c = CMD(n, 0x03, 0, 0, 0, 252, 0);
		data_in(c, 252);
		expect_good(c);
		if ((c->in[2] & 0x0f) == NO_SENSE)
			break;
	}
	expect_good(attention(n));
}

RULE(control, write_cache, DESTROYS,
     "WCE can be switched where it is changeable, and data are the same with and without it")
{
	uint64_t lba = scratch(t);

	for (uint8_t wce = 0; wce <= 4; wce = (uint8_t)(wce + 4)) {
		const uint8_t *data = pattern(t, 280 + wce, (size_t)8 * unit_of(t)->block);

		mode_set(t, 0x08, 2, 0x04, wce);
		EXPECT(t, (mode_page(nexus_a(t), 0, 0x08, 0)[2] & 0x04) == wce, "WCE is not %u",
		       wce >> 2);
		write_blocks(nexus_a(t), lba, 8, data);
		expect_blocks(nexus_b(t), lba, 8, data, "written");
	}
}
