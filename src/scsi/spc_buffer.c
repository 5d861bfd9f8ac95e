/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* WRITE BUFFER, READ BUFFER(10) and (16): SPC-5 6.50, 6.18, 6.19. One buffer of a unit, for data and echo. */
#include "scsi/spc.h"

enum buffer_mode {
	MODE_DATA = 0x02,
	MODE_DESCRIPTOR = 0x03,
	MODE_ECHO = 0x0a,
	MODE_ECHO_DESCRIPTOR = 0x0b,
};

#define ECHO_EBOS 0x01 /* who reads what another has overwritten is told so */

/* What the CDBs of 10 and 16 bytes say in different places. */
struct buffer_cdb {
	uint8_t mode;
	uint8_t id;
	unsigned id_at;
	uint64_t offset;
	unsigned offset_at;
	uint32_t len;
	unsigned len_at;
};

static struct buffer_cdb buffer_cdb(const uint8_t *cdb)
{
	if (cdb_len(cdb[0]) == 16)
		return (struct buffer_cdb){ cdb[1] & 0x1f,      cdb[14], 14, get_be64(cdb + 2), 2,
					    get_be32(cdb + 10), 10 };
	return (struct buffer_cdb){ cdb[1] & 0x1f,     cdb[2], 2, get_be24(cdb + 3), 3,
				    get_be24(cdb + 6), 6 };
}

static struct scsi_act read_descriptor(struct scsi_task *t, const struct buffer_cdb *b)
{
	memset(t->data, 0, 4);
	if (!b->id) /* offset boundary 0: any byte */
		put_be24(t->data + 1, SCSI_BUFFER_BYTES);
	return answer_data(t, 4, b->len);
}

static struct scsi_act read_echo_descriptor(struct scsi_task *t, const struct buffer_cdb *b)
{
	t->data[0] = ECHO_EBOS;
	t->data[1] = 0;
	put_be16(t->data + 2, SCSI_BUFFER_BYTES);
	return answer_data(t, 4, b->len);
}

static struct scsi_act read_echo(struct scsi_task *t, const struct buffer_cdb *b)
{
	const struct scsi_lu *lu = t->lu;
	struct scsi_itl *itl = answer_itl(t);

	if (!itl->echo_bytes)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_COMMAND_SEQUENCE);
	if (lu->echo_owner != t->nexus)
		return answer_fail(t, SENSE_ABORTED_COMMAND, ASC_ECHO_OVERWRITTEN);
	memcpy(t->data, lu->buffer, itl->echo_bytes);
	return answer_data(t, itl->echo_bytes, b->len);
}

static struct scsi_act read_data(struct scsi_task *t, const struct buffer_cdb *b)
{
	if (b->id)
		return answer_bad_cdb(t, b->id_at, ANSWER_NO_BIT);
	if (b->offset > SCSI_BUFFER_BYTES)
		return answer_bad_cdb(t, b->offset_at, ANSWER_NO_BIT);
	memcpy(t->data, t->lu->buffer + b->offset, SCSI_BUFFER_BYTES - b->offset);
	return answer_data(t, SCSI_BUFFER_BYTES - b->offset, b->len);
}

struct scsi_act spc_read_buffer(struct scsi_task *t)
{
	struct buffer_cdb b = buffer_cdb(t->cdb);

	switch (b.mode) {
	case MODE_DATA:
		return read_data(t, &b);
	case MODE_DESCRIPTOR:
		return read_descriptor(t, &b);
	case MODE_ECHO:
		return read_echo(t, &b);
	case MODE_ECHO_DESCRIPTOR:
		return read_echo_descriptor(t, &b);
	default:
		return answer_bad_cdb(t, 1, 4);
	}
}

static struct scsi_act write_fetched(struct scsi_task *t)
{
	struct buffer_cdb b = buffer_cdb(t->cdb);
	struct scsi_itl *itl = answer_itl(t);

	if (!itl || itl->lu != t->lu) /* taken away meanwhile */
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
	t->out_resid = answer_resid(b.len, t->out_len);
	if (b.mode == MODE_ECHO) {
		b.offset = 0;
		itl->echo_bytes = (uint16_t)b.len;
		t->lu->echo_owner = t->nexus;
	} else {
		t->lu->echo_owner = NULL; /* it is the same memory */
	}
	memcpy(t->lu->buffer + b.offset, t->data, b.len);
	return answer_good(t);
}

struct scsi_act spc_write_buffer(struct scsi_task *t)
{
	struct buffer_cdb b = buffer_cdb(t->cdb);

	if (b.mode != MODE_DATA && b.mode != MODE_ECHO)
		return answer_bad_cdb(t, 1, 4);
	if (b.mode == MODE_DATA && b.id)
		return answer_bad_cdb(t, b.id_at, ANSWER_NO_BIT);
	if (b.mode == MODE_DATA && b.offset > SCSI_BUFFER_BYTES)
		return answer_bad_cdb(t, b.offset_at, ANSWER_NO_BIT);
	if (b.len > SCSI_BUFFER_BYTES - (b.mode == MODE_DATA ? b.offset : 0))
		return answer_bad_cdb(t, b.len_at, ANSWER_NO_BIT);
	if (!b.len)
		return answer_good(t);
	if (t->out_len < b.len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, b.len, write_fetched);
}
