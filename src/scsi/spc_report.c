/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* REPORT LUNS and the two MAINTENANCE IN reports: SPC-5 6.33, 6.35, 6.36. */
#include "scsi/spc.h"

#include "wire/lun.h"

#define SELECT_UNITS          0x00 /* REPORT LUNS, byte 2 */
#define SELECT_WELL_KNOWN     0x01
#define SELECT_ALL            0x02
#define SELECT_ADMINISTRATIVE 0x10
#define SELECT_NO_SUBSIDIARY \
	0x11 /* what is administrative, or in no conglomerate: all units there are */
#define SELECT_CONGLOMERATE \
	0x12 /* the unit asked and its subsidiary ones, if it is administrative; none is */

static bool select_exists(uint8_t select)
{
	return select <= SELECT_ALL ||
	       (select >= SELECT_ADMINISTRATIVE && select <= SELECT_CONGLOMERATE);
}

static bool selects_units(uint8_t select)
{
	return select == SELECT_UNITS || select == SELECT_ALL || select == SELECT_NO_SUBSIDIARY;
}

static bool selects_well_known(uint8_t select)
{
	return select == SELECT_WELL_KNOWN || select == SELECT_ALL;
}

struct scsi_act spc_report_luns(struct scsi_task *t)
{
	struct pen out = pen_of(t->data, t->data_cap);
	uint32_t alloc_len = get_be32(t->cdb + 6);
	uint8_t select = t->cdb[2];

	if (!select_exists(select))
		return answer_bad_cdb(t, 2, ANSWER_NO_BIT);
	if (alloc_len < 16)
		return answer_bad_cdb(t, 6, ANSWER_NO_BIT);
	pen_be64(&out, 0); /* the length, below */
	for (uint16_t i = 0; selects_units(select) && i < SCSI_LUN_COUNT; i++) {
		uint8_t lun[8];

		if (!t->nexus->lun[i].lu)
			continue;
		lun_encode(i, lun);
		pen_copy(&out, lun, sizeof(lun));
	}
	if (selects_well_known(select)) {
		pen_be16(&out, LUN_WELL_KNOWN_REPORT_LUNS);
		pen_zero(&out, 6);
	}
	check(!out.bad);
	put_be32(t->data, (uint32_t)(out.pos - 8));
	answer_luns_known(t);
	return answer_data(t, out.pos, alloc_len);
}

#define RCTD             0x80 /* return command timeouts descriptors */
#define REPORT_ALL       0
#define REPORT_OPCODE    1 /* of an opcode without service actions */
#define REPORT_SA        2 /* of an opcode with */
#define REPORT_EITHER    3
#define SUPPORT_NO       1
#define SUPPORT_STANDARD 3
#define ALL_CTDP         0x02
#define ALL_SERVACTV     0x01
#define ONE_CTDP         0x80

static void put_timeouts(struct pen *out, const struct scsi_cmd *cmd)
{
	pen_be16(out, 10);
	pen_be16(out, 0); /* reserved, command specific */
	pen_be32(out, 0); /* nominal time: not known */
	pen_be32(out, cmd->timeout_s);
}

static struct scsi_act report_all(struct scsi_task *t, bool timeouts, uint32_t alloc_len)
{
	struct pen out = pen_of(t->data, t->data_cap);
	const struct scsi_cmd *cmd;

	pen_be32(&out, 0); /* the length, below */
	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
		bool sa = cmd->flags & SCSI_CMD_SA;

		if (!scsi_cmd_supported(cmd, t->lu))
			continue;
		pen_u8(&out, cmd->opcode);
		pen_u8(&out, 0);
		pen_be16(&out, sa ? cmd->service_action : 0);
		pen_u8(&out, 0);
		pen_u8(&out, (uint8_t)((timeouts ? ALL_CTDP : 0) | (sa ? ALL_SERVACTV : 0)));
		pen_be16(&out, (uint16_t)cdb_len(cmd->opcode));
		if (timeouts)
			put_timeouts(&out, cmd);
	}
	check(!out.bad);
	put_be32(t->data, (uint32_t)(out.pos - 4));
	return answer_data(t, out.pos, alloc_len);
}

static struct scsi_act report_one(struct scsi_task *t, const struct scsi_cmd *cmd, bool timeouts,
				  uint32_t alloc_len)
{
	struct pen out = pen_of(t->data, t->data_cap);
	unsigned len;
	uint8_t second;

	if (!cmd || !scsi_cmd_supported(cmd, t->lu)) {
		pen_u8(&out, 0);
		pen_u8(&out, SUPPORT_NO);
		pen_be16(&out, 0);
		return answer_data(t, out.pos, alloc_len);
	}
	len = cdb_len(cmd->opcode);
	second = cmd->flags & SCSI_CMD_SA ? (uint8_t)((cmd->mask[1] & 0xe0) | cmd->service_action)
					  : cmd->mask[1];
	pen_u8(&out, 0);
	pen_u8(&out, (uint8_t)(SUPPORT_STANDARD | (timeouts ? ONE_CTDP : 0)));
	pen_be16(&out, (uint16_t)len);
	pen_u8(&out, cmd->opcode);
	pen_u8(&out, second);
	pen_copy(&out, cmd->mask + 2, len - 3);
	/* the control byte is the same for all */
	pen_u8(&out, t->lu ? cmd->mask[len - 1] | SCSI_CONTROL_NACA : cmd->mask[len - 1]);
	if (timeouts)
		put_timeouts(&out, cmd);
	check(!out.bad);
	return answer_data(t, out.pos, alloc_len);
}

/* Has any command with this opcode service actions? */
static bool has_service_actions(uint8_t opcode)
{
	const struct scsi_cmd *cmd;

	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++)
		if (cmd->opcode == opcode)
			return cmd->flags & SCSI_CMD_SA;
	return false;
}

struct scsi_act spc_report_opcodes(struct scsi_task *t)
{
	uint8_t opcode = t->cdb[3];
	uint16_t service_action = get_be16(t->cdb + 4);
	uint32_t alloc_len = get_be32(t->cdb + 6);
	const uint8_t first[2] = { opcode, (uint8_t)(service_action & 0x1f) };
	const struct scsi_cmd *cmd = scsi_cmd_find(first);
	bool timeouts = t->cdb[2] & RCTD;
	/* An opcode of which the unit has no command at all is none. */
	bool sa = has_service_actions(opcode) && scsi_cmd_has_opcode(opcode, t->lu);

	if (sa ? service_action > 0x1f : service_action != 0)
		cmd = NULL;
	switch (t->cdb[2] & 7) {
	case REPORT_ALL:
		return report_all(t, timeouts, alloc_len);
	case REPORT_OPCODE:
		if (sa)
			return answer_bad_cdb(t, 2, 2);
		return report_one(t, scsi_cmd_find((const uint8_t[]){ opcode, 0 }), timeouts,
				  alloc_len);
	case REPORT_SA:
		if (!sa && scsi_cmd_find((const uint8_t[]){ opcode, 0 }))
			return answer_bad_cdb(t, 2, 2);
		return report_one(t, cmd, timeouts, alloc_len);
	case REPORT_EITHER:
		return report_one(t, cmd, timeouts, alloc_len);
	default:
		return answer_bad_cdb(t, 2, 2);
	}
}

struct scsi_act spc_report_tmfs(struct scsi_task *t)
{
	bool extended = t->cdb[2] & 0x80; /* REPD */
	uint32_t alloc_len = get_be32(t->cdb + 6);
	struct pen out = pen_of(t->data, t->data_cap);
	bool queries = t->nexus->target.queries;

	if (alloc_len < 4)
		return answer_bad_cdb(t, 6, ANSWER_NO_BIT);
	/* ABORT TASK, ABORT TASK SET, CLEAR ACA, CLEAR TASK SET, LOGICAL UNIT RESET; QUERY TASK */
	pen_u8(&out, (uint8_t)(0x80 | 0x40 | 0x20 | 0x10 | 0x08 | (queries ? 0x04 : 0)));
	pen_u8(&out, queries ? 0x04 | 0x02 : 0); /* QUERY ASYNC EVENT, QUERY TASK SET */
	pen_zero(&out, 1);
	pen_u8(&out, extended ? 12 : 0);
	if (extended)
		pen_zero(&out, 12); /* no timeouts known */
	return answer_data(t, out.pos, alloc_len);
}
