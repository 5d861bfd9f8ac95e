/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What initiators may ask about copies: the RECEIVE COPY commands (SPC-5 6.18 to 6.21) and VPD page 8Fh (7.7.18). */
#include "base/cur.h"
#include "scsi/spc_copy.h"
#include "scsi/spc_token.h"

#define LID1_ID(t) ((t)->cdb[2])

#define SEGMENT_MAX_BYTES (1u << 28) /* more than 65 535 of the largest blocks */
#define GRANULARITY       9          /* log2 of the smallest block */

/* What is known of descriptors: segments, then CSCDs. */
static const uint8_t known_types[] = { 0x02, 0xe4 };

static uint32_t alloc_len(const struct scsi_task *t)
{
	return get_be32(t->cdb + 10);
}

/* --- RECEIVE COPY STATUS(LID1) --- */

/* @bytes in units that fit in 32 bits: as 1024 to the power of what is returned. */
static uint8_t count_units(uint64_t bytes, uint32_t *ret)
{
	uint8_t power = 0;

	while (bytes > UINT32_MAX) {
		bytes >>= 10;
		power++;
	}
	*ret = (uint32_t)bytes;
	return power;
}

struct scsi_act spc_copy_status(struct scsi_task *t)
{
	struct scsi_copy_note *n = copy_note_find(t, SCSI_COPY_OUT_LID1, LID1_ID(t));
	struct pen out = pen_of(t->data, 12);
	uint32_t count;
	uint8_t power;

	if (!n || n->told)
		return answer_bad_cdb(t, 2, ANSWER_NO_BIT);
	power = count_units(n->bytes, &count);
	pen_be32(&out, 8);
	pen_u8(&out, (uint8_t)(n->status - SCSI_COPY_RUNS));
	pen_be16(&out, n->segments);
	pen_u8(&out, power);
	pen_be32(&out, count);
	check(!out.bad);
	copy_note_told(n);
	return answer_data(t, out.pos, alloc_len(t));
}

/* --- RECEIVE COPY FAILURE DETAILS(LID1) --- */

struct scsi_act spc_copy_details(struct scsi_task *t)
{
	struct scsi_copy_note *n = copy_note_find(t, SCSI_COPY_OUT_LID1, LID1_ID(t));
	struct pen out = pen_of(t->data, 60 + SENSE_MAX_BYTES);

	if (!n || n->status != SCSI_COPY_FAILED)
		return answer_bad_cdb(t, 2, ANSWER_NO_BIT);
	pen_be32(&out, 56u + n->sense_len);
	pen_zero(&out, 52);
	pen_u8(&out, SCSI_COPY_FAILED - SCSI_COPY_RUNS);
	pen_u8(&out, 0);
	pen_be16(&out, n->sense_len);
	pen_copy(&out, n->sense, n->sense_len);
	check(!out.bad);
	n->status = SCSI_COPY_NONE; /* details are kept until they are told */
	return answer_data(t, out.pos, alloc_len(t));
}

/* --- RECEIVE COPY OPERATING PARAMETERS --- */

struct scsi_act spc_copy_parameters(struct scsi_task *t)
{
	struct pen out = pen_of(t->data, 44 + sizeof(known_types));

	pen_be32(&out, 40 + sizeof(known_types));
	pen_be32(&out, 1u << 24); /* SNLID: a copy may have no list identifier */
	pen_be16(&out, SCSI_COPY_TARGETS_MAX);
	pen_be16(&out, SCSI_COPY_SEGMENTS_MAX);
	pen_be32(&out, COPY_DESCRIPTORS_MAX_BYTES);
	pen_be32(&out, SEGMENT_MAX_BYTES);
	pen_be32(&out, 0); /* inline data */
	pen_be32(&out, 0); /* held data: no segment has any */
	pen_be32(&out, 0); /* stream devices */
	pen_be16(&out, 0);
	pen_be16(&out, SCSI_COPY_NOTES); /* copies at a time */
	pen_u8(&out, SCSI_COPY_NOTES);
	pen_u8(&out, GRANULARITY);
	pen_u8(&out, 0);
	pen_u8(&out, 0);
	pen_zero(&out, 3);
	pen_u8(&out, sizeof(known_types));
	pen_copy(&out, known_types, sizeof(known_types));
	check(!out.bad);
	return answer_data(t, out.pos, alloc_len(t));
}

/* --- VPD page 8Fh --- */

size_t copy_part_begin(struct pen *out, uint16_t type)
{
	pen_be16(out, type);
	pen_be16(out, 0);
	return out->pos;
}

void copy_part_end(struct pen *out, const struct scsi_task *t, size_t began)
{
	while (out->pos % 4)
		pen_u8(out, 0);
	check(!out->bad);
	put_be16(t->data + began - 2, (uint16_t)(out->pos - began));
}

/* Every third-party copy command that the command table has. */
static void put_commands(struct pen *out, const struct scsi_task *t)
{
	size_t part = copy_part_begin(out, 0x0001);
	const struct scsi_cmd *cmd;
	uint8_t opcode = 0;
	size_t count = 0;

	pen_u8(out, 0);
	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
		if (cmd->opcode != SCSI_OP_THIRD_PARTY_COPY_OUT &&
		    cmd->opcode != SCSI_OP_THIRD_PARTY_COPY_IN)
			continue;
		if (cmd->opcode != opcode) {
			opcode = cmd->opcode;
			pen_u8(out, opcode);
			count = out->pos;
			pen_u8(out, 0);
		}
		pen_u8(out, cmd->service_action);
		check(!out->bad);
		t->data[count]++;
	}
	check(!out->bad);
	t->data[part] = (uint8_t)(out->pos - part - 1);
	copy_part_end(out, t, part);
}

static void put_parameters(struct pen *out, const struct scsi_task *t)
{
	size_t part = copy_part_begin(out, 0x0004);

	pen_be32(out, 0);
	pen_be16(out, SCSI_COPY_TARGETS_MAX);
	pen_be16(out, SCSI_COPY_SEGMENTS_MAX);
	pen_be32(out, COPY_DESCRIPTORS_MAX_BYTES);
	pen_be32(out, 0); /* inline data */
	pen_zero(out, 12);
	copy_part_end(out, t, part);
}

static void put_descriptors(struct pen *out, const struct scsi_task *t)
{
	size_t part = copy_part_begin(out, 0x0008);

	pen_u8(out, sizeof(known_types));
	pen_copy(out, known_types, sizeof(known_types));
	copy_part_end(out, t, part);
}

static void put_target_ids(struct pen *out, const struct scsi_task *t)
{
	size_t part = copy_part_begin(out, 0x000c);

	pen_be16(out, 2);
	pen_be16(out, COPY_NO_TARGET);
	copy_part_end(out, t, part);
}

static void put_operations(struct pen *out, const struct scsi_task *t)
{
	size_t part = copy_part_begin(out, 0x8001);

	pen_be32(out, SCSI_COPY_NOTES); /* copies at a time, */
	pen_be32(out, SCSI_COPY_NOTES); /* that are identified */
	pen_be32(out, SEGMENT_MAX_BYTES);
	pen_u8(out, GRANULARITY);
	pen_u8(out, 0);
	pen_zero(out, 18);
	copy_part_end(out, t, part);
}

void spc_copy_vpd(struct pen *out, const struct scsi_task *t)
{
	spc_token_limits(out, t);
	put_commands(out, t);
	put_parameters(out, t);
	put_descriptors(out, t);
	put_target_ids(out, t);
	spc_token_features(out, t);
	put_operations(out, t);
}
