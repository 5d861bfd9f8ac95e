/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp.h"

const char *srp_op_text(uint8_t op)
{
	switch ((enum srp_op)op) {
	case SRP_OP_LOGIN_REQ:
		return "LOGIN_REQ";
	case SRP_OP_TSK_MGMT:
		return "TSK_MGMT";
	case SRP_OP_CMD:
		return "CMD";
	case SRP_OP_I_LOGOUT:
		return "I_LOGOUT";
	case SRP_OP_CRED_RSP:
		return "CRED_RSP";
	case SRP_OP_AER_RSP:
		return "AER_RSP";
	case SRP_OP_T_LOGOUT:
		return "T_LOGOUT";
	case SRP_OP_CRED_REQ:
		return "CRED_REQ";
	case SRP_OP_AER_REQ:
		return "AER_REQ";
	case SRP_OP_LOGIN_RSP:
		return "LOGIN_RSP";
	case SRP_OP_RSP:
		return "RSP";
	case SRP_OP_LOGIN_REJ:
		return "LOGIN_REJ";
	}
	return "unknown IU";
}

const char *srp_e_text(int e)
{
	static const char *const text[] = {
		[0] = "success",
		[SRP_E_TRUNCATED] = "IU shorter than its fields say",
		[SRP_E_OPCODE] = "unexpected opcode",
		[SRP_E_FORMAT] = "unsupported descriptor format",
		[SRP_E_COUNT] = "descriptor count contradicts the table length",
		[SRP_E_LENGTH_MISMATCH] = "descriptor lengths contradict the total length",
		[SRP_E_IMMEDIATE] = "immediate data outside the IU",
		[SRP_E_NO_SPACE] = "IU too long",
	};

	return e >= 0 && (size_t)e < ARRAY_SIZE(text) ? text[e] : "unknown outcome";
}
