/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SRP 5.3, SRP-2.6: several channels of one nexus; SAM-5: they are one initiator port to the unit. */
#include "conform.h"

static struct nexus *more(struct test *t, uint8_t action)
{
	return nexus_new(t, &(struct login){ .who = 'm', .flags = action });
}

RULE(channels, multi, SAFE,
     "a second channel of a nexus goes on beside the first, and its login says so")
{
	struct nexus *one = more(t, LOGIN_MULTI);
	struct nexus *two = more(t, LOGIN_MULTI);

	EXPECT(t, (one->answer[26] & 3) == 0, "the first has the multi-channel result %u",
	       one->answer[26] & 3);
	EXPECT(t, (two->answer[26] & 3) == 2,
	       "the second has the multi-channel result %u, it must be 2", two->answer[26] & 3);
	nexus_settle(one);
	nexus_settle(two);
	expect_good(tur_new(one));
	expect_good(tur_new(two));
}

RULE(channels, single, SAFE,
     "a single-channel login ends the nexus's other channels, and its response says so")
{
	struct nexus *one = more(t, LOGIN_MULTI);
	struct nexus *two = more(t, LOGIN_MULTI);
	struct nexus *last;

	nexus_settle(one);
	nexus_settle(two);
	last = more(t, LOGIN_SINGLE);
	EXPECT(t, (last->answer[26] & 3) == 1, "the multi-channel result is %u, it must be 1",
	       last->answer[26] & 3);
	for (unsigned i = 0; i < 50 && !(one->down && two->down); i++)
		idle(t, 20);
	EXPECT(t, one->down && two->down, "the old channels go on");
	nexus_settle(last);
	expect_good(tur_new(last));
	expect_good(tur_new(nexus_b(t))); /* another nexus */
}

RULE(channels, single_first, SAFE, "a single-channel login with nothing to end has the result 0")
{
	struct nexus *one = nexus_new(t, &(struct login){ .flags = LOGIN_SINGLE });

	EXPECT(t, (one->answer[26] & 3) == 0, "the multi-channel result is %u",
	       one->answer[26] & 3);
}

RULE(channels, logout_reason, SAFE,
     "the channels that a single-channel login ends hear T_LOGOUT with reason 4, where the target "
     "sends it")
{
	struct nexus *one = more(t, LOGIN_MULTI);

	nexus_settle(one);
	(void)more(t, LOGIN_SINGLE);
	for (unsigned i = 0; i < 50 && !one->down; i++)
		idle(t, 20);
	if (!one->n_logout)
		skip(t, "the target sends no T_LOGOUT");
	EXPECT(t, one->logout_reason == 4, "the reason is %u", one->logout_reason);
}

RULE(channels, one_nexus, ALONE,
     "the unit attention of a reset is reported once per nexus, on whichever channel asks first")
{
	struct nexus *one = more(t, LOGIN_MULTI);
	struct nexus *two = more(t, LOGIN_MULTI);
	struct cmd *d;

	nexus_settle(one);
	nexus_settle(two);
	expect_code(tmf_run(nexus_b(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	expect_key(attention(two), UNIT_ATTENTION);
	nexus_settle(two);
	d = attention(one);
	if (d->status == CHECK_CONDITION && d->key == UNIT_ATTENTION)
		skip(t, "each channel is a nexus of its own to this target: %s", cmd_text(d));
	expect_good(d);
}

RULE(channels, reservation, DESTROYS,
     "a reservation that one channel makes holds for the other channels of the nexus")
{
	struct nexus *one;
	struct nexus *two;
	struct cmd *c;

	need_op(t, 0x16, -1);
	one = more(t, LOGIN_MULTI);
	two = more(t, LOGIN_MULTI);
	nexus_settle(one);
	nexus_settle(two);
	expect_good(CMD(one, 0x16, 0, 0, 0, 0, 0));
	expect_status(tur_new(nexus_b(t)), RESERVATION_CONFLICT);
	c = tur_new(two);
	cmd_run(c);
	expect_good(CMD(one, 0x17, 0, 0, 0, 0, 0));
	if (c->status == RESERVATION_CONFLICT)
		skip(t, "each channel is a nexus of its own to this target");
	expect_good(c);
}

RULE(channels, one_ends, SAFE, "when one channel logs out, the others of its nexus go on")
{
	struct nexus *one = more(t, LOGIN_MULTI);
	struct nexus *two = more(t, LOGIN_MULTI);

	nexus_settle(two);
	nexus_end(one, false);
	idle(t, 30);
	EXPECT(t, two->up, "the other channel ended, too");
	expect_good(tur_new(two));
}

RULE(channels, same_tag, SAFE, "commands of two channels may have the same tag at the same time")
{
	struct nexus *one = more(t, LOGIN_MULTI);
	struct nexus *two = more(t, LOGIN_MULTI);
	struct cmd *c;
	struct cmd *d;

	nexus_settle(one);
	nexus_settle(two);
	one->next_tag = two->next_tag = 0x7777;
	cmd_send(c = read_new(one, 10, 0, 8));
	cmd_send(d = read_new(two, 10, 8, 8));
	expect_good(c);
	expect_good(d);
}
