/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SRP 6.4: the reasons of LOGIN_REJ. */
#include "conform.h"

RULE(login, wrong_target, SAFE, "a target port that there is not: reason 00010003")
{
	struct login l = { .flags = LOGIN_MULTI, .id_ext = 0x1234, .ioc_guid = 0x5678 };
	uint32_t reason = login_refused(t, &l);

	EXPECT(t, reason == REJ_NEXUS, "the reason is %08x", reason);
}

RULE(login, iu_length, SAFE,
     "an IU length below 64, or beyond what the target takes: reason 00010002")
{
	static const uint32_t len[] = { 1, 48, 63, 1u << 24, UINT32_MAX };

	for (unsigned i = 0; i < ARRAY_SIZE(len); i++) {
		uint32_t reason =
			login_refused(t, &(struct login){ .flags = LOGIN_MULTI, .iu_len = len[i] });

		EXPECT(t, reason == REJ_IU_LENGTH, "REQUESTED IU LENGTH %u: the reason is %08x",
		       len[i], reason);
	}
}

RULE(login, iu_length_least, SAFE, "an IU length of 64 is accepted, and granted")
{
	struct nexus *n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI, .iu_len = 64 });

	EXPECT(t, n->max_it_iu >= 64, "granted are %u bytes", n->max_it_iu);
	nexus_settle(n);
	expect_good(tur_new(n));
}

RULE(login, formats, SAFE, "a buffer format that the target does not have: reason 00010004")
{
	static const uint16_t fmt[] = { 0x0008, 0x8006, 0x0010 };

	for (unsigned i = 0; i < ARRAY_SIZE(fmt); i++) {
		uint32_t reason =
			login_refused(t, &(struct login){ .flags = LOGIN_MULTI, .fmt = fmt[i] });

		EXPECT(t, reason == REJ_FORMAT, "REQUIRED BUFFER FORMATS %04x: the reason is %08x",
		       fmt[i], reason);
	}
}

RULE(login, reserved_action, SAFE, "a reserved multi-channel action is refused")
{
	for (uint8_t action = 2; action < 4; action++) {
		uint32_t reason = login_refused(t, &(struct login){ .flags = action });

		EXPECT(t, reason == REJ_UNKNOWN || reason == REJ_MULTI_CHANNEL,
		       "action %u: the reason is %08x", action, reason);
	}
}

RULE(login, no_login, SAFE, "private data that are no LOGIN_REQ, or a part of one, are refused")
{
	struct login l = { .flags = LOGIN_MULTI, .len = 20, .no_confirm = true };
	struct nexus *n = nexus_new(t, &l);

	EXPECT(t, !n->up, "20 bytes of a login are accepted");
	l.len = 0;
	l.opcode = 0x02;
	n = nexus_new(t, &l);
	EXPECT(t, !n->up, "a CMD is accepted as a login");
	n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
	EXPECT(t, n->up, "a proper login afterwards is not accepted");
}

RULE(login, reject_leaves_others, SAFE,
     "a refused login, even a single-channel one, leaves the nexus's other channels alone")
{
	(void)nexus_a(t);
	(void)login_refused(t, &(struct login){ .who = 'a', .flags = LOGIN_SINGLE, .iu_len = 8 });
	idle(t, 50);
	EXPECT(t, nexus_a(t)->up, "the channel has ended");
	expect_good(tur_new(nexus_a(t)));
}
