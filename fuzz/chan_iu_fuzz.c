/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any message of an initiator is classified: what is let through, its own decoder takes; the rest has words
 * for the log and a reason for the T_LOGOUT. */
#include "fuzz.h"
#include "srp/chan.h"
#include "wire/srp_aer.h"
#include "wire/srp_cmd.h"
#include "wire/srp_cred.h"
#include "wire/srp_logout.h"
#include "wire/srp_tsk_mgmt.h"

static bool decodes(enum chan_iu_kind kind, const uint8_t *p, size_t len)
{
	struct cur in = cur_of(p, len);
	struct srp_tsk_mgmt tsk;
	struct srp_i_logout out;
	struct srp_cred_rsp cred;
	struct srp_aer_rsp aer;
	struct srp_cmd cmd;

	switch (kind) {
	case CHAN_IU_CMD:
		return srp_cmd_decode(&in, &cmd) == 0;
	case CHAN_IU_TSK_MGMT:
		return srp_tsk_mgmt_decode(&in, &tsk) == 0;
	case CHAN_IU_I_LOGOUT:
		return srp_i_logout_decode(&in, &out) == 0;
	case CHAN_IU_CRED_RSP:
		return srp_cred_rsp_decode(&in, &cred) == 0;
	case CHAN_IU_AER_RSP:
		return srp_aer_rsp_decode(&in, &aer) == 0;
	case CHAN_IU_BAD:
	case CHAN_IU_KIND_COUNT:
		break;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *p = fuzz_copy(data, len);
	struct chan_iu iu;

	memset(&iu, 0xa5, sizeof(iu));
	chan_iu_classify(&iu, p, len);
	check(iu.kind < CHAN_IU_KIND_COUNT);
	if (iu.kind == CHAN_IU_BAD) {
		check(iu.text && iu.text[0] && iu.logout <= SRP_LOGOUT_SPURIOUS_RSP);
		/* Nothing that one of the decoders takes is thrown out. */
		for (unsigned k = 0; k < CHAN_IU_BAD; k++)
			check(!decodes((enum chan_iu_kind)k, p, len));
	} else {
		check(!iu.text && iu.logout == SRP_LOGOUT_NONE);
		check(decodes((enum chan_iu_kind)iu.kind, p, len));
	}
	free(p);
	return 0;
}
