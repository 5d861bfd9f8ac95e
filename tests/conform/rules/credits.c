/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SRP 5.4: the request limit. */
#include "conform.h"

RULE(credits, conserved, SAFE, "each answer gives the credit of its request back, sooner or later")
{
	struct nexus *n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
	int32_t first = n->credits;

	nexus_settle(n);
	for (unsigned i = 0; i < 300; i++)
		expect_good(tur_new(n));
	expect_code(tmf_run(n, ABORT_TASK, unit_of(t)->lun, 0xdead), CODE_DONE);
	idle(t, 30);
	EXPECT(t, n->credits > 1 && (n->credits == first || n->n_cred_req),
	       "%d credits at login, %d after all was answered", first, n->credits);
}

RULE(credits, all_used, SAFE,
     "as many commands as there are credits may be under way, and all are answered")
{
	struct nexus *n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
	struct cmd *c[256];
	int many;

	nexus_settle(n);
	many = n->credits < 256 ? n->credits : 256;
	for (int i = 0; i < many; i++)
		cmd_send(c[i] = read_new(n, 10, (uint64_t)i, 1));
	for (int i = 0; i < many; i++)
		expect_good(c[i]);
}

RULE(credits, overrun, SAFE,
     "more requests than credits: the target may end the channel, and others do not suffer")
{
	struct nexus *n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
	uint8_t iu[128];
	int many;

	nexus_settle(n);
	many = n->credits;
	for (int i = 0; i < many + 40; i++) {
		struct cmd *c = read_new(n, 10, 0, 8);
		size_t len;

		c->shape = SHAPE_DIRECT;
		len = cmd_encode(c, iu, sizeof(iu));
		c->sent = true;
		n->credits--;
		if (n->down)
			break;
		(void)srp_raw_send(n->raw, iu, len);
	}
	pump(t, 3000);
	expect_good(tur_new(nexus_a(t)));
	expect_good(tur_new(nexus_b(t)));
}

RULE(credits, aborted, ALONE,
     "the credits of commands that were aborted, which have no answer, come back, too")
{
	struct nexus *n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
	int32_t before;

	nexus_settle(n);
	before = n->credits;
	for (unsigned i = 0; i < 20; i++) {
		struct cmd *c = write_new(n, 10, scratch(t), 64, NULL);

		c->shape = SHAPE_DIRECT;
		cmd_send(c);
		expect_code(tmf_send(n, ABORT_TASK, unit_of(t)->lun, c->tag), CODE_DONE);
		c->lost = !c->done;
	}
	for (unsigned i = 0; i < 5; i++)
		expect_good(tur_new(n));
	idle(t, 50);
	EXPECT(t, n->credits == before || n->n_cred_req,
	       "%d credits before, %d after 20 aborted commands", before, n->credits);
}
