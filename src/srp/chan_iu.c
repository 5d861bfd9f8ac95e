/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a received message is, from its opcode and its length. */
#include "srp/chan.h"
#include "wire/srp.h"
#include "wire/srp_logout.h"

static void bad(struct chan_iu *iu, const char *text, uint8_t logout)
{
	iu->kind = CHAN_IU_BAD;
	iu->text = text;
	iu->logout = logout;
}

void chan_iu_classify(struct chan_iu *iu, const void *bytes, size_t len)
{
	size_t least = SRP_HEAD_BYTES;

	iu->text = NULL;
	iu->logout = SRP_LOGOUT_NONE;
	if (len < SRP_HEAD_BYTES) {
		bad(iu, "message shorter than any information unit", SRP_LOGOUT_NONE);
		return;
	}
	switch (*(const uint8_t *)bytes) {
	case SRP_OP_CMD:
		iu->kind = CHAN_IU_CMD;
		least = SRP_CMD_BYTES;
		break;
	case SRP_OP_TSK_MGMT:
		iu->kind = CHAN_IU_TSK_MGMT;
		least = SRP_TSK_MGMT_BYTES;
		break;
	case SRP_OP_I_LOGOUT:
		iu->kind = CHAN_IU_I_LOGOUT;
		break;
	case SRP_OP_CRED_RSP:
		iu->kind = CHAN_IU_CRED_RSP;
		break;
	case SRP_OP_AER_RSP:
		iu->kind = CHAN_IU_AER_RSP;
		break;
	default:
		bad(iu, "information unit of a type that no initiator may send",
		    SRP_LOGOUT_INVALID_IU);
		return;
	}
	if (len < least)
		bad(iu, "information unit shorter than its fixed part", SRP_LOGOUT_NONE);
}
