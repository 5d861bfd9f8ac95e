/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SAM-5 5.9: the ACA condition. */
#include "conform.h"

static struct nexus *faulted;

static void clear(struct test *t)
{
	struct cmd *f;

	if (!faulted)
		return;
	f = tmf_send(faulted, CLEAR_ACA, unit_of(t)->lun, 0);
	faulted = NULL;
	cmd_wait(f);
}

static void need_aca(struct test *t)
{
	if (!(inquiry_run(nexus_a(t), -1)->in[3] & 0x20))
		skip(t, "NORMACA is 0");
}

/* A command with NACA that fails. */
static void establish(struct test *t, struct nexus *n)
{
	struct cmd *c = range_new(n, 0x88, 0, unit_of(t)->n_blocks, 1);

	faulted = n;
	at_end(t, clear);
	c->cdb[15] = 0x04;
	data_in(c, unit_of(t)->block);
	expect_sense(c, ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
}

RULE(aca, same_nexus, ALONE,
     "while an ACA condition is in effect other commands of the nexus end with ACA ACTIVE, until "
     "CLEAR ACA")
{
	struct nexus *a = nexus_a(t);
	struct cmd *c;

	need_aca(t);
	establish(t, a);
	expect_status(tur_new(a), ACA_ACTIVE);
	c = tur_new(a);
	c->attr = HEAD_OF_QUEUE;
	expect_status(c, ACA_ACTIVE);
	expect_code(tmf_run(a, CLEAR_ACA, unit_of(t)->lun, 0), CODE_DONE);
	expect_good(tur_new(a));
}

RULE(aca, attribute, ALONE,
     "a command with the ACA attribute is processed while the condition is in effect")
{
	struct nexus *a = nexus_a(t);
	struct cmd *c;

	need_aca(t);
	establish(t, a);
	c = read_new(a, 10, 0, 1);
	c->attr = ACA;
	expect_good(c);
	expect_status(tur_new(a), ACA_ACTIVE);
}

RULE(aca, other_nexus, ALONE,
     "other nexuses get BUSY, or with NACA ACA ACTIVE, where they share the task set")
{
	struct nexus *b = nexus_b(t);
	struct cmd *c = tur_new(b);

	need_aca(t);
	establish(t, nexus_a(t));
	cmd_run(c);
	if (c->status == GOOD)
		skip(t, "each nexus has a task set of its own");
	EXPECT(t, c->status == BUSY, "without NACA: %s", cmd_text(c));
	c = tur_new(b);
	c->cdb[5] = 0x04;
	expect_status(c, ACA_ACTIVE);
	expect_code(tmf_run(nexus_a(t), CLEAR_ACA, unit_of(t)->lun, 0), CODE_DONE);
	expect_good(tur_new(b));
}

RULE(aca, reset_ends, ALONE, "LOGICAL UNIT RESET ends an ACA condition")
{
	need_aca(t);
	establish(t, nexus_a(t));
	expect_code(tmf_run(nexus_b(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	faulted = NULL;
	expect_good(tur_new(nexus_a(t)));
}

RULE(aca, logout_ends, ALONE, "the end of the faulted nexus ends its ACA condition")
{
	struct nexus *n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });

	need_aca(t);
	nexus_settle(n);
	establish(t, n);
	faulted = NULL;
	nexus_end(n, false);
	for (unsigned i = 0; i < 50; i++) {
		struct cmd *c = tur_new(nexus_b(t));

		cmd_run(c);
		if (c->status == GOOD)
			return;
		idle(t, 20);
	}
	fail(t, "the condition stays");
}

RULE(aca, not_offered, SAFE, "where NORMACA is 0 the NACA bit is INVALID FIELD IN CDB")
{
	struct cmd *c = tur_new(nexus_a(t));

	if (inquiry_run(nexus_a(t), -1)->in[3] & 0x20)
		skip(t, "NORMACA is 1");
	c->cdb[5] = 0x04;
	expect_bad_cdb(c, 5);
}
