/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* For tests: the commands of copies by token. Includes what uses cmocka, which must come before. */
#pragma once

#include "scsi/copy_rig.h"
#include "scsi/token.h"

enum { /* COPY OPERATION STATUS */
	TOKEN_RIG_DONE = 0x01,
	TOKEN_RIG_FAILED = 0x02,
	TOKEN_RIG_PARTIAL = 0x03,
	TOKEN_RIG_TERMINATED = 0x60,
};

static inline void token_rig_ranges(uint8_t *d, const struct scsi_token_range *s, unsigned n)
{
	put_be16(d - 2, (uint16_t)(n * 16));
	for (unsigned i = 0; i < n; i++, d += 16) {
		put_be64(d, s[i].lba);
		put_be32(d + 8, (uint32_t)s[i].n_blocks);
		put_be32(d + 12, 0);
	}
}

/* Lists of POPULATE TOKEN and WRITE USING TOKEN; return their length. */
static inline size_t token_rig_list(uint8_t *out, const struct scsi_token_range *s, unsigned n)
{
	memset(out, 0, 16);
	put_be16(out, (uint16_t)(14 + n * 16));
	token_rig_ranges(out + 16, s, n);
	return 16 + (size_t)n * 16;
}

static inline size_t token_rig_use_list(uint8_t *out, const uint8_t *token, uint64_t offset,
					const struct scsi_token_range *s, unsigned n)
{
	memset(out, 0, 536);
	put_be16(out, (uint16_t)(534 + n * 16));
	put_be64(out + 8, offset);
	memcpy(out + 16, token, SCSI_TOKEN_BYTES);
	token_rig_ranges(out + 536, s, n);
	return 536 + (size_t)n * 16;
}

/* Send @len bytes of the list at r->out. */
static inline uint8_t token_rig_send(struct rig *r, const uint8_t *lun, uint8_t service_action,
				     uint8_t id, size_t len)
{
	return rig_run(r, lun,
		       CDB(0x83, service_action, 0, 0, 0, 0, 0, 0, 0, id, 0, 0, (uint8_t)(len >> 8),
			   (uint8_t)len, 0, 0),
		       0, len);
}

static inline uint8_t token_rig_populate(struct rig *r, const uint8_t *lun, uint8_t id,
					 const struct scsi_token_range *s, unsigned n)
{
	return token_rig_send(r, lun, 0x10, id, token_rig_list(r->out, s, n));
}

static inline uint8_t token_rig_use(struct rig *r, const uint8_t *lun, uint8_t id,
				    const uint8_t *token, uint64_t offset,
				    const struct scsi_token_range *s, unsigned n)
{
	return token_rig_send(r, lun, 0x11, id, token_rig_use_list(r->out, token, offset, s, n));
}

static inline uint8_t token_rig_ask(struct rig *r, const uint8_t *lun, uint8_t id, uint16_t room)
{
	return rig_run(r, lun,
		       CDB(0x84, 7, 0, 0, 0, id, 0, 0, 0, 0, 0, 0, (uint8_t)(room >> 8),
			   (uint8_t)room, 0, 0),
		       room, 0);
}

/* RECEIVE ROD TOKEN INFORMATION says this of the copy. */
static inline void token_rig_info(struct rig *r, const uint8_t *lun, uint8_t id,
				  uint8_t service_action, uint8_t status, uint64_t blocks)
{
	assert_int_equal(token_rig_ask(r, lun, id, 1024), SCSI_STATUS_GOOD);
	assert_int_equal(get_be32(r->in) + 4, r->t.data_len);
	assert_int_equal(r->in[4], service_action);
	assert_int_equal(r->in[5], status);
	assert_int_equal(r->in[15], 0xf1);
	assert_int_equal(get_be64(r->in + 16), blocks);
}

/* ... and gives the token. */
static inline void token_rig_take(struct rig *r, const uint8_t *lun, uint8_t id, uint8_t *token)
{
	assert_int_equal(token_rig_ask(r, lun, id, 1024), SCSI_STATUS_GOOD);
	assert_int_equal(r->in[5], TOKEN_RIG_DONE);
	assert_int_equal(get_be32(r->in + 32), 2 + SCSI_TOKEN_BYTES);
	assert_int_equal(r->t.data_len, 32 + 4 + 2 + SCSI_TOKEN_BYTES);
	memcpy(token, r->in + 38, SCSI_TOKEN_BYTES);
}
