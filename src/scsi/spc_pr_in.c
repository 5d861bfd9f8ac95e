/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PERSISTENT RESERVE IN: SPC-5 6.16. */
#include "scsi/spc.h"

#define HEADER_BYTES      8u
#define RESERVATION_BYTES 16u
#define CAPABILITIES_LEN  8u
#define FULL_STATUS_BYTES 24u /* of a descriptor, without its TransportID */

/* REPORT CAPABILITIES: byte 2 */
#define CAP_RLR_C  0x80
#define CAP_CRH    0x10
#define CAP_SIP_C  0x08
#define CAP_ATP_C  0x04
#define CAP_PTPL_C 0x01
/* byte 3 */
#define CAP_TMV    0x80
#define CAP_PTPL_A 0x01
/* bytes 4 and 5: the types there are */
#define CAP_TYPES 0xea01

#define FULL_R_HOLDER 0x01

_Static_assert(HEADER_BYTES + SCSI_PR_MAX * (FULL_STATUS_BYTES + TRANSPORT_ID_BYTES) <=
		       SCSI_DATA_LONG_BYTES,
	       "the status of all registrations must fit");

static struct scsi_act answer_list(struct scsi_task *t, const struct pen *out)
{
	check(!out->bad);
	put_be32(t->data, t->lu->pr.generation);
	put_be32(t->data + 4, (uint32_t)(out->pos - HEADER_BYTES));
	return answer_data(t, out->pos, get_be16(t->cdb + 7));
}

static struct pen list_pen(const struct scsi_task *t)
{
	struct pen out = pen_of(t->data, t->data_cap);

	pen_zero(&out, HEADER_BYTES);
	return out;
}

/* The reservations of RESERVE and persistent ones exclude each other (SPC-2 5.5.1). */
static bool reserved(const struct scsi_task *t)
{
	return t->lu->reserved;
}

struct scsi_act spc_pr_read_keys(struct scsi_task *t)
{
	const struct scsi_pr *pr = &t->lu->pr;
	struct pen out = list_pen(t);

	if (reserved(t))
		return answer_status(t, SCSI_STATUS_RESERVATION_CONFLICT);
	for (unsigned i = 0; i < pr->n; i++)
		pen_be64(&out, pr->reg[i].key);
	return answer_list(t, &out);
}

struct scsi_act spc_pr_read_reservation(struct scsi_task *t)
{
	const struct scsi_pr *pr = &t->lu->pr;
	struct pen out = list_pen(t);

	if (reserved(t))
		return answer_status(t, SCSI_STATUS_RESERVATION_CONFLICT);
	if (pr->type) {
		pen_be64(&out, pr_is_all_registrants(pr->type) ? 0 : pr->reg[pr->holder].key);
		pen_zero(&out, 5);
		pen_u8(&out, pr->type); /* scope 0: the logical unit */
		pen_zero(&out, 2);
		check(out.pos == HEADER_BYTES + RESERVATION_BYTES);
	}
	return answer_list(t, &out);
}

struct scsi_act spc_pr_capabilities(struct scsi_task *t)
{
	struct pen out = pen_of(t->data, t->data_cap);

	if (reserved(t))
		return answer_status(t, SCSI_STATUS_RESERVATION_CONFLICT);
	pen_be16(&out, CAPABILITIES_LEN);
	pen_u8(&out, (uint8_t)(CAP_RLR_C | CAP_CRH | CAP_SIP_C | CAP_ATP_C |
			       (t->lu->keeps ? CAP_PTPL_C : 0)));
	pen_u8(&out,
	       (uint8_t)(CAP_TMV |
			 (t->lu->pr.aptpl ? CAP_PTPL_A : 0))); /* ALLOW COMMANDS 000b: not said */
	pen_be16(&out, CAP_TYPES);
	pen_zero(&out, 2);
	return answer_data(t, out.pos, get_be16(t->cdb + 7));
}

struct scsi_act spc_pr_full_status(struct scsi_task *t)
{
	const struct scsi_pr *pr = &t->lu->pr;
	struct pen out = list_pen(t);

	if (reserved(t))
		return answer_status(t, SCSI_STATUS_RESERVATION_CONFLICT);
	for (unsigned i = 0; i < pr->n; i++) {
		const struct scsi_pr_reg *reg = &pr->reg[i];
		bool holds = pr_holds(pr, (int)i);

		pen_be64(&out, reg->key);
		pen_zero(&out, 4);
		pen_u8(&out, holds ? FULL_R_HOLDER : 0); /* ALL_TG_PT 0: one port each */
		pen_u8(&out, holds ? pr->type : 0);
		pen_zero(&out, 4);
		pen_be16(&out, reg->nexus.port);
		pen_be32(&out, TRANSPORT_ID_BYTES);
		transport_id_encode(&reg->nexus.initiator, &out);
	}
	return answer_list(t, &out);
}
