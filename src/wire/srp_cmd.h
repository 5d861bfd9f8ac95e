/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * CMD: one SCSI command with its data buffer descriptors, decoded in two steps. srp_cmd_decode()
 * succeeds for every CMD of 48 bytes and more, so tag and LUN are known even if the second step,
 * srp_cmd_data_decode(), refuses the descriptors and the command ends with CHECK CONDITION.
 */
#pragma once

#include "wire/srp.h"

#define SRP_CDB_BYTES       16  /* CDB in the fixed part */
#define SRP_ADD_CDB_MAX     252 /* additional CDB, a multiple of 4 */
#define SRP_INDIRECT_BYTES  20  /* table descriptor and total length, before the entries */
#define SRP_IMMEDIATE_BYTES 4   /* the length; the data stand elsewhere */
#define SRP_INLINE_DESC_MAX 255 /* entries of an indirect table that one IU holds per direction */

/* task_attr; initiators may send other values of the three bits */
enum srp_task_attr {
	SRP_TASK_SIMPLE = 0,
	SRP_TASK_HEAD_OF_QUEUE = 1,
	SRP_TASK_ORDERED = 2,
	SRP_TASK_ACA = 4,
};

struct srp_cmd {
	uint64_t tag;         /* opaque */
	uint64_t lun;         /* SAM LUN, read big-endian */
	const uint8_t *cdb;   /* borrowed; the additional CDB follows the first 16 bytes directly */
	uint16_t cdb_len;     /* bytes at @cdb: 16, or 16 + add_cdb_len if the IU holds them all */
	uint8_t sol_not;      /* SRP_SCSOLNT, SRP_UCSOLNT */
	uint8_t task_attr;    /* 0..7, enum srp_task_attr */
	uint8_t add_cdb_len;  /* bytes the IU claims, 0..SRP_ADD_CDB_MAX, a multiple of 4 */
	uint8_t out_fmt;      /* DATA-OUT format nibble as received, 0..15 */
	uint8_t in_fmt;       /* DATA-IN format nibble as received, 0..15 */
	uint8_t out_desc_cnt; /* DATA-OUT descriptor count as received */
	uint8_t in_desc_cnt;  /* DATA-IN descriptor count as received */
	const uint8_t *iu;    /* borrowed: the whole received IU */
	size_t iu_len;        /* bytes at @iu, immediate data included */
};

/* The buffer of one direction of one command. */
struct srp_data {
	enum srp_fmt fmt; /* SRP_FMT_NONE: no data in this direction */
	uint32_t len;     /* bytes in all */
	uint32_t n_desc;  /* memory descriptors at @desc: 1 if direct, 0..255 if indirect, else 0 */
	uint32_t n_table; /* indirect: entries of the whole table, >= n_desc; else n_desc */
	const uint8_t
		*desc; /* borrowed: n_desc descriptors in wire form, read by srp_data_desc() */
	struct srp_mem_desc table; /* indirect: where the whole table stands in initiator memory */
	const uint8_t *imm; /* immediate: @len bytes of data, borrowed from the IU; else NULL */
};

struct srp_cmd_data {
	struct srp_data out; /* initiator to target */
	struct srp_data in;  /* target to initiator */
};

/* True if the IU holds every descriptor; else the table must be fetched from d->table first. */
static inline bool srp_data_whole(const struct srp_data *d)
{
	return d->n_desc == d->n_table;
}

/* The @i-th memory descriptor, @i < d->n_desc. */
static inline struct srp_mem_desc srp_data_desc(const struct srp_data *d, uint32_t i)
{
	check(i < d->n_desc);
	return srp_mem_desc_get(d->desc + (size_t)i * SRP_MEM_DESC_BYTES);
}

/**
 * srp_cmd_decode() - read the fixed part of a CMD (SRP r16a, CMD)
 * @in:  the IU with exactly the bytes received; only the fixed part is consumed
 * @ret: set on success only; borrows @in's bytes
 *
 * The descriptors are not looked at.
 *
 * Return: 0, SRP_E_TRUNCATED (fewer than 48 bytes: no tag to answer to) or SRP_E_OPCODE.
 */
static inline int srp_cmd_decode(struct cur *in, struct srp_cmd *ret)
{
	size_t len = cur_left(in);
	const uint8_t *p;
	int r = srp_iu_take(in, SRP_OP_CMD, SRP_CMD_BYTES, &p);

	if (r)
		return r;
	ret->iu = p;
	ret->iu_len = len;
	ret->sol_not = p[1] & (SRP_SCSOLNT | SRP_UCSOLNT);
	ret->out_fmt = p[5] >> 4;
	ret->in_fmt = p[5] & 0x0f;
	ret->out_desc_cnt = p[6];
	ret->in_desc_cnt = p[7];
	ret->tag = srp_tag_get(p + 8);
	ret->lun = get_be64(p + 20);
	ret->task_attr = p[29] & 0x07;
	ret->add_cdb_len = p[31] & 0xfc;
	ret->cdb = p + 32;
	ret->cdb_len = SRP_CDB_BYTES;
	if (len >= (size_t)SRP_CMD_BYTES + ret->add_cdb_len)
		ret->cdb_len = (uint16_t)(SRP_CDB_BYTES + ret->add_cdb_len);
	return 0;
}

/**
 * srp_cmd_data_decode() - read the data buffer descriptors of a CMD (SRP r16a; immediate: SRP-2)
 * @cmd:             result of srp_cmd_decode(); its IU is still there
 * @imm_data_offset: as negotiated at login, bytes from the IU's start; 0: immediate data are not
 *                   negotiated on this channel
 * @ret:             set on success only; borrows the IU's bytes
 *
 * On success everything that @ret borrows lies inside the received bytes. If the table is whole,
 * the lengths of its entries add up to @ret's length exactly; if it is not, they stay within it.
 * A count next to a format other than indirect has no meaning and is ignored.
 *
 * Return: 0;
 *   SRP_E_TRUNCATED        additional CDB or descriptors pass the end of the IU;
 *   SRP_E_FORMAT           format nibble unknown, DATA-IN immediate, immediate not negotiated;
 *   SRP_E_COUNT            more descriptors than the table has, or a table with a part of one;
 *   SRP_E_LENGTH_MISMATCH  the descriptors' lengths contradict the total length;
 *   SRP_E_IMMEDIATE        immediate data begin inside the descriptors or pass the end of the IU.
 * Any of them is answered with CHECK CONDITION, ILLEGAL REQUEST.
 */
int srp_cmd_data_decode(const struct srp_cmd *cmd, uint32_t imm_data_offset,
			struct srp_cmd_data *ret);

/**
 * srp_data_set_table() - put a table fetched from the initiator in the place of the IU's part of it
 * @d:     an indirect buffer whose table is not whole; on success borrows @table and is whole
 * @table: bytes read from d->table
 * @len:   bytes at @table
 *
 * Return: 0; SRP_E_FORMAT (not indirect), SRP_E_COUNT (@len is not d->table.len) or
 * SRP_E_LENGTH_MISMATCH, and @d is unchanged.
 */
int srp_data_set_table(struct srp_data *d, const uint8_t *table, size_t len);

/**
 * srp_cmd_encode() - write a CMD with its descriptors
 * @c:               tag, lun, cdb, cdb_len, sol_not and task_attr are used, the rest follows from
 *                   @d. cdb_len is 0..268; the CDB is padded with zeroes to 16, or beyond that to
 *                   a multiple of 4
 * @d:               NULL: no data. fmt and len are used; direct: desc with n_desc 1; indirect:
 *                   desc, n_desc (at most SRP_INLINE_DESC_MAX) and table, whose length gives the
 *                   number of all entries
 * @imm_data_offset: as negotiated; used by immediate data only
 * @out:             receives the IU. With immediate data it is filled with zeroes up to
 *                   @imm_data_offset, then follow the d->out.len bytes at d->out.imm, or none if
 *                   that is NULL and the caller gathers them from elsewhere
 *
 * Refuses what srp_cmd_data_decode() would refuse, so a target never sees a contradiction of ours.
 *
 * Return: 0, SRP_E_NO_SPACE, SRP_E_FORMAT, SRP_E_COUNT (also for a CDB too long),
 * SRP_E_LENGTH_MISMATCH or SRP_E_IMMEDIATE; the pen's bytes are garbage unless 0.
 */
int srp_cmd_encode(const struct srp_cmd *c, const struct srp_cmd_data *d, uint32_t imm_data_offset,
		   struct pen *out);
