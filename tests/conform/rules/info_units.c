/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SRP 6.5 ff.: logout, tags, long CDBs, information units that there are not, reports of events. */
#include <string.h>

#include "conform.h"

static struct nexus *fresh(struct test *t, uint8_t flags)
{
	struct nexus *n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI | flags });

	nexus_settle(n);
	return n;
}

static bool goes_down(struct test *t, struct nexus *n, unsigned ms)
{
	for (unsigned at = 0; at < ms && !n->down; at += 20)
		idle(t, 20);
	return n->down;
}

RULE(logout, by_initiator, SAFE, "I_LOGOUT ends the channel: the target disconnects")
{
	struct nexus *n = fresh(t, 0);
	const uint8_t iu[16] = { IU_I_LOGOUT };

	iu_send(n, iu, sizeof(iu));
	EXPECT(t, goes_down(t, n, 5000), "the channel is up 5 s after I_LOGOUT");
	EXPECT(t, n->why != SRP_DOWN_BROKEN, "the target breaks the connection: %s", n->why_text);
	expect_good(tur_new(nexus_a(t)));
}

RULE(logout, without_a_word, DESTROYS,
     "an initiator that vanishes leaves nothing behind that keeps others out")
{
	struct nexus *n = fresh(t, 0);
	struct cmd *w = write_new(n, 10, scratch(t), 64, NULL);

	w->shape = SHAPE_DIRECT;
	cmd_send(w);
	hold(n);
	idle(t, 20);
	nexus_end(n, true);
	expect_good(write_new(nexus_a(t), 10, scratch(t), 64, NULL));
	expect_good(range_new(nexus_a(t), 0x88, 0, 0, 0));
}

RULE(tags, any, SAFE,
     "a tag is eight bytes of the initiator's: all zero, all ones and others come back as they are")
{
	static const uint64_t tag[] = { 0, UINT64_MAX, 1, 0x8000000000000000ull,
					0x0123456789abcdefull };
	struct nexus *n = fresh(t, 0);

	for (unsigned i = 0; i < ARRAY_SIZE(tag); i++) {
		struct cmd *c = tur_new(n);
		uint8_t iu[64];
		size_t len;

		c->tag = 1; /* what cmd_encode() takes */
		len = cmd_encode(c, iu, sizeof(iu));
		c->tag = tag[i];
		put_be64(iu + 8, tag[i]);
		cmd_send_iu(c, iu, len);
		expect_good(c);
	}
}

RULE(cdb, additional, SAFE,
     "an additional CDB is taken: a command of 16 bytes ignores it, one of 32 that there is not is "
     "told so")
{
	uint8_t cdb[32] = { 0x28, [8] = 1 };
	struct cmd *c = cmd_new(nexus_a(t), cdb, 20);

	data_in(c, unit_of(t)->block);
	expect_good(c);
	EXPECT(t, !(c->flags & (RSP_DIUNDER | RSP_DIOVER)), "a residual of %u", c->in_res);
	cdb[0] = 0x7f;
	cdb[7] = 24;
	cdb[8] = 0xff;
	cdb[9] = 0xf0;
	expect_key(cmd_new(nexus_a(t), cdb, 32), ILLEGAL_REQUEST);
}

RULE(cdb, cut_off, SAFE,
     "an additional CDB that the IU does not have is refused, and the channel goes on")
{
	uint8_t cdb[16] = { 0x00 };
	struct cmd *c = cmd_new(nexus_a(t), cdb, 16);
	uint8_t iu[128];
	size_t len = cmd_encode(c, iu, sizeof(iu));

	iu[31] = 0x40;
	cmd_send_iu(c, iu, len);
	cmd_wait(c);
	EXPECT(t, c->status == CHECK_CONDITION || c->code == CODE_INVALID_FIELDS, "%s",
	       cmd_text(c));
	expect_good(tur_new(nexus_a(t)));
}

RULE(cdb, reserved_bytes, SAFE, "reserved bytes of a CMD are not looked at")
{
	struct cmd *c = tur_new(nexus_a(t));
	uint8_t iu[64];
	size_t len = cmd_encode(c, iu, sizeof(iu));

	memset(iu + 2, 0xff, 3);
	memset(iu + 16, 0xff, 4);
	iu[28] = iu[30] = 0xff;
	iu[29] |= 0xf8;
	iu[31] |= 0x03;
	cmd_send_iu(c, iu, len);
	expect_good(c);
}

RULE(cdb, unknown_iu, SAFE,
     "an IU of a type that there is not: ignored, or the channel ends; others go on")
{
	static const uint8_t type[] = { 0x00, 0x04, 0x7f, 0xc1, 0xff };

	for (unsigned i = 0; i < sizeof(type); i++) {
		struct nexus *n = fresh(t, 0);
		uint8_t iu[64] = { type[i] };

		iu_send(n, iu, sizeof(iu));
		if (!goes_down(t, n, 200))
			expect_good(tur_new(n));
		expect_good(tur_new(nexus_a(t)));
	}
}

RULE(cdb, short_iu, SAFE,
     "an IU that is shorter than its type: not answered with success; others go on")
{
	static const unsigned len[] = { 1, 15, 16, 47 };

	for (unsigned i = 0; i < ARRAY_SIZE(len); i++) {
		struct nexus *n = fresh(t, 0);
		uint8_t iu[64] = { IU_CMD };

		iu_send(n, iu, len[i]);
		if (!goes_down(t, n, 200))
			expect_good(tur_new(n));
		expect_good(tur_new(nexus_a(t)));
	}
}

RULE(event, reported, ALONE,
     "AER_REQ to who asked for it: of the unit, with a unit attention, which stays for the next "
     "command")
{
	struct nexus *n = fresh(t, LOGIN_AESOLNT);

	expect_code(tmf_run(nexus_b(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	for (unsigned i = 0; i < 25 && !n->n_aer_req; i++)
		idle(t, 20);
	if (!n->n_aer_req)
		skip(t, "the target reports no events");
	EXPECT(t, n->aer_lun == unit_of(t)->lun, "the report is of LUN %016llx",
	       (unsigned long long)n->aer_lun);
	EXPECT(t,
	       n->aer_sense_len >= 8 && (n->aer_sense[0] & 0x7f) == 0x70 &&
		       (n->aer_sense[2] & 0x0f) == UNIT_ATTENTION,
	       "%u bytes of sense data, key %x", n->aer_sense_len, n->aer_sense[2] & 0x0f);
	expect_key(attention(n), UNIT_ATTENTION);
}

RULE(event, not_asked, ALONE, "no AER_REQ to who did not ask for it")
{
	struct nexus *n = fresh(t, 0);

	expect_code(tmf_run(nexus_b(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	idle(t, 100);
	EXPECT(t, !n->n_aer_req, "%u reports", n->n_aer_req);
	expect_key(attention(n), UNIT_ATTENTION);
}

RULE(event, unanswered, ALONE,
     "a target whose AER_REQ is not answered sends no second one, and takes commands as before")
{
	struct nexus *n = fresh(t, LOGIN_AESOLNT);
	unsigned first;

	n->mute = true;
	expect_code(tmf_run(nexus_b(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	idle(t, 100);
	first = n->n_aer_req;
	nexus_settle(n);
	expect_code(tmf_run(nexus_b(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	idle(t, 100);
	nexus_settle(n);
	expect_good(tur_new(n));
	EXPECT(t, n->n_aer_req + n->n_cred_req <= (first ? first : 1),
	       "%u requests are not answered", n->n_aer_req + n->n_cred_req);
}
