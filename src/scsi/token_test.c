/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* POPULATE TOKEN, WRITE USING TOKEN, RECEIVE ROD TOKEN INFORMATION: data, how tokens end, whose they are, bad lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/medium.h"
#include "scsi/token_rig.h"

#include <errno.h>

#define BLOCK(lba) ((size_t)(lba)*512)  /* its place on the first disk */
#define LARGE(lba) ((size_t)(lba)*4096) /* on the second */

static struct rig *r;
static uint8_t token[SCSI_TOKEN_BYTES];

static int setup(void **state)
{
	(void)state;
	r = rig_new_filled();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

/* Make a token of one range and take it. */
static void make(const uint8_t *lun, uint64_t lba, uint32_t n)
{
	const struct scsi_token_range one = { .lba = lba, .n_blocks = n };

	assert_int_equal(token_rig_populate(r, lun, 1, &one, 1), SCSI_STATUS_GOOD);
	token_rig_take(r, lun, 1, token);
}

static uint8_t use_at(const uint8_t *lun, uint64_t offset, uint64_t lba, uint32_t n)
{
	const struct scsi_token_range one = { .lba = lba, .n_blocks = n };

	return token_rig_use(r, lun, 2, token, offset, &one, 1);
}

static uint8_t use(uint64_t lba, uint32_t n)
{
	return use_at(rig_lun1, 0, lba, n);
}

static void expect_lost(unsigned asc)
{
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, asc);
	assert_int_equal(r->n_acts, 1); /* the list was fetched */
}

/* --- data --- */

static void copies(void **state)
{
	static uint8_t before[RIG_DISK_LEN];
	const struct scsi_token_range from[3] = { { 8, 16 }, { 100, 0 }, { 400, 24 } };
	const struct scsi_token_range to[2] = { { 3, 2 }, { 90, 3 } };

	(void)state;
	memcpy(before, r->disk[1], sizeof(before));
	assert_int_equal(token_rig_populate(r, rig_lun0, 7, from, 3), SCSI_STATUS_GOOD);
	assert_int_equal(r->t.out_resid, 0);
	token_rig_take(r, rig_lun0, 7, token);
	assert_int_equal(get_be32(token), SCSI_ROD_COPY_VULNERABLE);
	assert_int_equal(get_be16(token + 6), 0x1f8);
	assert_int_equal(get_be64(token + 56), 40 * 512);
	assert_int_equal(token_rig_use(r, rig_lun1, 8, token, 0, to, 2), SCSI_STATUS_GOOD);
	assert_int_equal(r->t.out_resid, 0);
	memcpy(before + LARGE(3), r->disk[0] + BLOCK(8), 8192);
	memcpy(before + LARGE(90), r->disk[0] + BLOCK(400), 12288);
	assert_memory_equal(r->disk[1], before, sizeof(before)); /* and nothing else */
	token_rig_info(r, rig_lun1, 8, 0x11, TOKEN_RIG_DONE, 5);
	assert_int_equal(get_be32(r->in + 32), 0); /* it makes no token */
	/* from the middle on, counted in blocks of the destination */
	assert_int_equal(use_at(rig_lun1, 2, 200, 1), SCSI_STATUS_GOOD);
	assert_memory_equal(r->disk[1] + LARGE(200), r->disk[0] + BLOCK(400), 4096);
	/* within its own unit, and through the other nexus */
	assert_int_equal(use_at(rig_lun0, 17, 1000, 4), SCSI_STATUS_GOOD);
	assert_memory_equal(r->disk[0] + BLOCK(1000), r->disk[0] + BLOCK(401), 2048);
	rig_from(r, 1);
	assert_int_equal(use_at(rig_lun0, 0, 1100, 16), SCSI_STATUS_GOOD);
	assert_memory_equal(r->disk[0] + BLOCK(1100), r->disk[0] + BLOCK(8), 8192);
	/* nothing to do is no error */
	assert_int_equal(use(0, 0), SCSI_STATUS_GOOD);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x83, 0x10), 0, 0), SCSI_STATUS_GOOD);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x83, 0x11), 0, 0), SCSI_STATUS_GOOD);
}

/* The token has less than is asked for: what there is is written, and that is told. */
static void partial(void **state)
{
	static uint8_t old[LARGE(2)];

	(void)state;
	make(rig_lun0, 0, 24);
	memcpy(old, r->disk[1] + LARGE(13), sizeof(old));
	assert_int_equal(use(10, 5), SCSI_STATUS_GOOD);
	assert_memory_equal(r->disk[1] + LARGE(10), r->disk[0], 12288);
	assert_memory_equal(r->disk[1] + LARGE(13), old, sizeof(old));
	token_rig_info(r, rig_lun1, 2, 0x11, TOKEN_RIG_PARTIAL, 3);
	assert_int_equal(use_at(rig_lun1, 3, 10, 1), SCSI_STATUS_CHECK_CONDITION);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_PARAMETERS);
	assert_int_equal(rig_sense(r).field_byte, 8);
}

/* Blocks of the two sizes that do not fit together are refused before anything is written. */
static void granularity(void **state)
{
	const struct scsi_token_range odd[2] = { { 0, 4 }, { 100, 12 } };
	static uint8_t before[RIG_DISK_LEN];

	(void)state;
	memcpy(before, r->disk[1], sizeof(before));
	assert_int_equal(token_rig_populate(r, rig_lun0, 1, odd, 2), 0);
	token_rig_take(r, rig_lun0, 1, token);
	use(0, 2);
	rig_expect_sense(r, SENSE_COPY_ABORTED, ASC_COPY_GRANULARITY);
	make(rig_lun0, 0, 12); /* one and a half */
	use(0, 2);
	rig_expect_sense(r, SENSE_COPY_ABORTED, ASC_COPY_GRANULARITY);
	assert_memory_equal(r->disk[1], before, sizeof(before));
	assert_int_equal(use(0, 1), SCSI_STATUS_GOOD);
	/* from large blocks to small ones */
	make(rig_lun1, 7, 1);
	assert_int_equal(use_at(rig_lun0, 0, 50, 8), SCSI_STATUS_GOOD);
	assert_memory_equal(r->disk[0] + BLOCK(50), r->disk[1] + LARGE(7), 4096);
	use_at(rig_lun0, 1, 50, 4);
	rig_expect_sense(r, SENSE_COPY_ABORTED, ASC_COPY_GRANULARITY);
}

static void zeroes(void **state)
{
	const struct scsi_token_range to[2] = { { 5, 3 }, { 9, 1 } };
	static uint8_t before[RIG_DISK_LEN];

	(void)state;
	memcpy(before, r->disk[0], sizeof(before));
	memset(token, 0, sizeof(token));
	put_be32(token, SCSI_ROD_ZEROES);
	put_be16(token + 6, 0x1f8);
	assert_int_equal(token_rig_use(r, rig_lun0, 3, token, 77, to, 2), SCSI_STATUS_GOOD);
	memset(before + BLOCK(5), 0, BLOCK(3));
	memset(before + BLOCK(9), 0, 512);
	assert_memory_equal(r->disk[0], before, sizeof(before));
	token_rig_info(r, rig_lun0, 3, 0x11, TOKEN_RIG_DONE, 4);
	token[7] = 0xf7;
	assert_int_equal(token_rig_use(r, rig_lun0, 3, token, 0, to, 2),
			 SCSI_STATUS_CHECK_CONDITION);
	expect_lost(ASC_TOKEN_LENGTH);
}

static void write_through(void **state)
{
	struct scsi_mode mode = r->lu[0].mode;

	(void)state;
	make(rig_lun1, 0, 1);
	assert_int_equal(use_at(rig_lun0, 0, 0, 8), 0);
	assert_false(r->acts[1].fua);
	mode.wce = false;
	assert_true(scsi_lu_set_mode(&r->lu[0], &mode));
	rig_views(r);
	assert_int_equal(use_at(rig_lun0, 0, 0, 8), 0);
	assert_int_equal(r->acts[1].type, SCSI_ACT_COPY);
	assert_true(r->acts[1].fua);
	memset(token, 0, sizeof(token));
	put_be32(token, SCSI_ROD_ZEROES);
	put_be16(token + 6, 0x1f8);
	assert_int_equal(use_at(rig_lun0, 0, 0, 8), 0);
	assert_int_equal(r->acts[2].type, SCSI_ACT_FLUSH);
}

/* --- how tokens end --- */

/* WRITE(10) of one block; where it is stepped. */
static enum scsi_route write_one(const uint8_t *lun, uint8_t lba)
{
	assert_int_equal(rig_run(r, lun, CDB(0x2a, 0, 0, 0, 0, lba, 0, 0, 1, 0), 0,
				 lun == rig_lun0 ? 512 : 4096),
			 SCSI_STATUS_GOOD);
	return r->route;
}

/* As long as there is a token writes are stepped at home, and one into its blocks is the end of it. */
static void written(void **state)
{
	(void)state;
	assert_int_equal(write_one(rig_lun0, 1), SCSI_ROUTE_LOCAL);
	make(rig_lun0, 8, 8);
	assert_int_equal(r->gathers, 1);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x28, 0, 0, 0, 0, 8, 0, 0, 1, 0), 512, 0), 0);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL); /* who reads stays */
	assert_int_equal(write_one(rig_lun0, 7), SCSI_ROUTE_HOME);
	assert_int_equal(write_one(rig_lun0, 16), SCSI_ROUTE_HOME);
	assert_int_equal(write_one(rig_lun1, 8), SCSI_ROUTE_LOCAL); /* the other unit has none */
	assert_int_equal(use(0, 1), SCSI_STATUS_GOOD);
	assert_int_equal(write_one(rig_lun0, 15), SCSI_ROUTE_HOME);
	use(0, 1);
	expect_lost(ASC_TOKEN_CANCELLED);
	assert_int_equal(write_one(rig_lun0, 15), SCSI_ROUTE_LOCAL);
}

/* Every other way in which blocks change. */
static void changed(void **state)
{
	static const struct {
		uint8_t cdb[16];
		uint8_t len;
		uint16_t out;
	} writes[] = {
		{ { 0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 0, 0, 1 }, 16, 512 },
		{ { 0x2e, 0, 0, 0, 0, 15, 0, 0, 1 }, 10, 512 },               /* WRITE AND VERIFY */
		{ { 0x41, 0, 0, 0, 0, 12, 0, 0, 8 }, 10, 512 },               /* WRITE SAME */
		{ { 0x93, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9 }, 16, 0 },   /* zeroes */
		{ { 0x8b, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1 }, 16, 512 }, /* ORWRITE */
		{ { 0x04, 0, 0, 0, 0, 0 }, 6, 0 },                            /* FORMAT UNIT */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		make(rig_lun0, 8, 8);
		assert_int_equal(
			rig_run(r, rig_lun0, writes[i].cdb, writes[i].len, 0, writes[i].out), 0);
		use(0, 1);
		expect_lost(ASC_TOKEN_CANCELLED);
	}
	/* UNMAP */
	make(rig_lun0, 8, 8);
	memset(r->out, 0, 24);
	put_be16(r->out, 22);
	put_be16(r->out + 2, 16);
	put_be64(r->out + 8, 0);
	put_be32(r->out + 16, 16);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), 0, 24), 0);
	use(0, 1);
	expect_lost(ASC_TOKEN_CANCELLED);
	/* a copy into it from another unit, and with the token itself */
	make(rig_lun0, 8, 8);
	{
		const struct copy_segment s = {
			.from = 1, .to = 0, .n_blocks = 1, .from_lba = 3, .to_lba = 9
		};
		size_t len = copy_rig_list(r->out, r->lu, 9, &s, 1);

		assert_int_equal(
			rig_run(r, rig_lun1,
				CDB(0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)len, 0, 0),
				0, len),
			0);
	}
	use(0, 1);
	expect_lost(ASC_TOKEN_CANCELLED);
	make(rig_lun0, 8, 8);
	use_at(rig_lun0, 0, 12, 8);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_TOKEN_CANCELLED);
	token_rig_info(r, rig_lun0, 2, 0x11, TOKEN_RIG_FAILED, 0);
}

/* The unit ends before its blocks, goes away, or its medium does. */
static void taken_away(void **state)
{
	(void)state;
	make(rig_lun0, 8, 8);
	assert_true(scsi_lu_set_size(&r->lu[0], BLOCK(16)));
	assert_int_equal(r->lu[0].tokens.n_valid, 1);
	assert_true(scsi_lu_set_size(&r->lu[0], BLOCK(15)));
	assert_int_equal(r->lu[0].tokens.n_valid, 0);
	assert_true(scsi_lu_set_size(&r->lu[0], RIG_DISK_LEN));
	for (int i = 0; i < 2; i++)
		memset(&r->nexus[i].lun[0].uas, 0, sizeof(struct scsi_uas));
	make(rig_lun0, 8, 8);
	assert_true(scsi_lu_set_present(&r->lu[0], false));
	assert_true(scsi_lu_set_present(&r->lu[0], true));
	rig_views(r);
	use(0, 1);
	expect_lost(ASC_TOKEN_CANCELLED);
	make(rig_lun0, 8, 8);
	assert_true(scsi_lu_set_fenced(&r->lu[0], true));
	assert_true(scsi_lu_set_fenced(&r->lu[0], false));
	rig_views(r);
	use(0, 1);
	expect_lost(ASC_TOKEN_CANCELLED);
	r->lu[0].removable = true;
	make(rig_lun0, 8, 8);
	assert_int_equal(scsi_lu_eject(&r->lu[0]), 0);
	assert_int_equal(scsi_lu_insert(&r->lu[0], &r->nexus[0]), 0);
	rig_views(r);
	use(0, 1);
	expect_lost(ASC_TOKEN_CANCELLED);
}

/* Of the other nexus, to a block that the token represents. */
static void write_meanwhile(struct rig *rig)
{
	static const struct scsi_event start = { .type = SCSI_EV_START };
	static const struct scsi_event done = { .type = SCSI_EV_IO_DONE };
	static struct scsi_task t;

	t = (struct scsi_task){ .cdb = { 0x2a, 0, 0, 0, 0, 9, 0, 0, 1 },
				.out_len = 512,
				.nexus = &rig->nexus[1] };
	assert_int_equal(scsi_route(&rig->view[1], &t), SCSI_ROUTE_HOME);
	assert_int_equal(scsi_task_step(&t, &start).type, SCSI_ACT_WRITE);
	assert_int_equal(scsi_task_step(&t, &done).type, SCSI_ACT_COMPLETE);
	assert_int_equal(t.status, SCSI_STATUS_GOOD);
}

/* A write that comes while a piece is under way: what was copied is of two times, and the copy fails. */
static void written_meanwhile(void **state)
{
	(void)state;
	make(rig_lun0, 8, 8);
	r->meanwhile = write_meanwhile;
	use(0, 1);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_TOKEN_CANCELLED);
	token_rig_info(r, rig_lun1, 2, 0x11, TOKEN_RIG_FAILED, 0);
	assert_int_equal(r->in[12], SCSI_STATUS_CHECK_CONDITION);
	assert_true(r->in[13] >= r->in[14] && r->in[14] && r->in[13] % 4 == 0);
}

static void stop_meanwhile(struct rig *rig)
{
	assert_ptr_equal(rig->t.copy.visit[0].lu, &rig->lu[0]);
	rig->t.copy.stop = true;
}

/* Task management at the unit that it copies from (visit_test.c has how that is found). */
static void stopped(void **state)
{
	(void)state;
	make(rig_lun0, 8, 8);
	r->meanwhile = stop_meanwhile;
	use(0, 1);
	rig_expect_sense(r, SENSE_COPY_ABORTED, ASC_THIRD_PARTY_FAILURE);
	assert_int_equal(use(0, 1), SCSI_STATUS_GOOD);
}

static void abort_meanwhile(struct rig *rig)
{
	rig->t.copy.note->stop = true;
}

/* COPY OPERATION ABORT (visit_test.c has how it finds one); RECEIVE COPY STATUS(LID4) leaves what there is to be told. */
static void aborted(void **state)
{
	(void)state;
	make(rig_lun0, 8, 8);
	r->meanwhile = abort_meanwhile;
	use(0, 1);
	rig_expect_sense(r, SENSE_COPY_ABORTED, ASC_NONE);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(rig_run(r, rig_lun1,
					 CDB(0x84, 5, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0),
					 256, 0),
				 SCSI_STATUS_GOOD);
		assert_int_equal(r->in[4], 0x11);
		assert_int_equal(r->in[5], TOKEN_RIG_TERMINATED);
	}
	token_rig_info(r, rig_lun1, 2, 0x11, TOKEN_RIG_TERMINATED, 1);
	assert_int_equal(r->in[12], SCSI_STATUS_CHECK_CONDITION);
}

static void times_out(void **state)
{
	struct scsi_token_range one = { .lba = 8, .n_blocks = 8 };

	(void)state;
	r->now_ns = 5 * NSEC_PER_SEC;
	make(rig_lun0, 8, 8);
	r->now_ns += (SCSI_TOKEN_TIMEOUT_S - 1) * NSEC_PER_SEC;
	scsi_tokens_age(&r->lu[0], r->now_ns);
	assert_int_equal(use(0, 1), SCSI_STATUS_GOOD); /* it is used: its time begins anew */
	r->now_ns += (SCSI_TOKEN_TIMEOUT_S - 1) * NSEC_PER_SEC;
	scsi_tokens_age(&r->lu[0], r->now_ns);
	assert_int_equal(use(0, 1), SCSI_STATUS_GOOD);
	r->now_ns += SCSI_TOKEN_TIMEOUT_S * NSEC_PER_SEC;
	scsi_tokens_age(&r->lu[0],
			r->now_ns); /* it may have been used a second after the last look */
	assert_int_equal(r->lu[0].tokens.n_valid, 1);
	r->now_ns += NSEC_PER_SEC;
	scsi_tokens_age(&r->lu[0], r->now_ns);
	use(0, 1);
	expect_lost(ASC_TOKEN_EXPIRED);
	/* as long as it was asked for */
	(void)token_rig_list(r->out, &one, 1);
	put_be32(r->out + 4, SCSI_TOKEN_TIMEOUT_MAX_S);
	assert_int_equal(token_rig_send(r, rig_lun0, 0x10, 1, 32), 0);
	token_rig_take(r, rig_lun0, 1, token);
	r->now_ns += (SCSI_TOKEN_TIMEOUT_MAX_S - 1) * NSEC_PER_SEC;
	scsi_tokens_age(&r->lu[0], r->now_ns);
	assert_int_equal(r->lu[0].tokens.n_valid, 1);
	r->now_ns += NSEC_PER_SEC;
	scsi_tokens_age(&r->lu[0], r->now_ns);
	assert_int_equal(r->lu[0].tokens.n_valid, 0);
}

static void deleted(void **state)
{
	const struct scsi_token_range one = { .lba = 0, .n_blocks = 1 };

	(void)state;
	make(rig_lun0, 8, 8);
	(void)token_rig_use_list(r->out, token, 0, &one, 1);
	r->out[2] = 0x02;
	assert_int_equal(token_rig_send(r, rig_lun1, 0x11, 2, 552), 0);
	use(0, 1);
	expect_lost(ASC_TOKEN_DELETED);
}

/* More than a unit remembers: the one that was used least recently is forgotten. */
static void too_many(void **state)
{
	static uint8_t first[SCSI_TOKEN_BYTES], second[SCSI_TOKEN_BYTES];

	(void)state;
	make(rig_lun0, 0, 8);
	memcpy(first, token, sizeof(first));
	make(rig_lun0, 8, 8);
	memcpy(second, token, sizeof(second));
	for (unsigned i = 2; i < SCSI_TOKENS; i++)
		make(rig_lun0, 8 * (uint64_t)i, 8);
	memcpy(token, first, sizeof(token));
	assert_int_equal(use(0, 1), 0);
	make(rig_lun0, 1000, 8);
	assert_int_equal(r->lu[0].tokens.n_valid, SCSI_TOKENS);
	assert_int_equal(use(0, 1), 0);
	memcpy(token, first, sizeof(token));
	assert_int_equal(use(0, 1), 0);
	memcpy(token, second, sizeof(token));
	use(0, 1);
	expect_lost(ASC_TOKEN_UNKNOWN);
	/* one that is worth nothing goes before one that was used long ago */
	assert_int_equal(write_one(rig_lun0, 0), SCSI_ROUTE_HOME);
	make(rig_lun0, 1100, 8);
	make(rig_lun0, 16, 1); /* the oldest */
	assert_int_equal(r->lu[0].tokens.n_valid, SCSI_TOKENS);
}

static void no_random_bytes(void **state)
{
	const struct scsi_token_range one = { .lba = 8, .n_blocks = 8 };

	(void)state;
	r->fail_type = SCSI_ACT_TOKEN;
	r->fail_result = -EAGAIN;
	assert_int_equal(token_rig_populate(r, rig_lun0, 1, &one, 1), SCSI_STATUS_CHECK_CONDITION);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_NO_TOKEN_RESOURCES);
	token_rig_info(r, rig_lun0, 1, 0x10, TOKEN_RIG_FAILED, 0);
	assert_int_equal(r->lu[0].tokens.n_valid, 0);
}

/* --- whose it is --- */

static void unseen(void **state)
{
	const struct scsi_map_entry only1 = { .lu = &r->lu[1], .lun = 1 };

	(void)state;
	make(rig_lun0, 8, 8);
	assert_int_equal(scsi_nexus_remap(&r->nexus[1], &only1, 1), 1);
	memset(&r->nexus[1].lun[1].uas, 0, sizeof(struct scsi_uas));
	rig_views(r);
	rig_from(r, 1);
	use(0, 1);
	expect_lost(ASC_TOKEN_UNKNOWN);
	rig_from(r, 0);
	assert_int_equal(use(0, 1), SCSI_STATUS_GOOD);
}

static void guessed(void **state)
{
	(void)state;
	make(rig_lun0, 8, 8);
	/* each byte counts, those that are reserved, too */
	for (unsigned i = 4; i < SCSI_TOKEN_BYTES; i++) {
		token[i] ^= 0x40;
		use(0, 1);
		expect_lost(i == 6 || i == 7 ? ASC_TOKEN_LENGTH : ASC_TOKEN_UNKNOWN);
		token[i] ^= 0x40;
	}
	put_be32(token, 0x00010000);
	use(0, 1);
	expect_lost(ASC_TOKEN_TYPE);
	put_be32(token, SCSI_ROD_COPY_DEFAULT); /* one that exists, but not this */
	use(0, 1);
	expect_lost(ASC_TOKEN_UNKNOWN);
}

static void reserve(uint8_t type)
{
	rig_from(r, 1);
	memset(r->out, 0, 24);
	put_be64(r->out + 8, 0x1234);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x5f, 6, 0, 0, 0, 0, 0, 0, 24, 0), 0, 24), 0);
	put_be64(r->out, 0x1234);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x5f, 1, type, 0, 0, 0, 0, 0, 24, 0), 0, 24), 0);
	rig_from(r, 0);
}

/* What another nexus has reserved: tokens are made by who may read, and used by who may read there and write here. */
static void reserved(void **state)
{
	const struct scsi_token_range one = { .lba = 8, .n_blocks = 8 };

	(void)state;
	make(rig_lun0, 8, 8);
	reserve(SCSI_PR_WRITE_EXCLUSIVE);
	assert_int_equal(use(0, 1), SCSI_STATUS_GOOD);
	assert_int_equal(token_rig_populate(r, rig_lun0, 1, &one, 1), SCSI_STATUS_GOOD);
	assert_int_equal(token_rig_ask(r, rig_lun0, 1, 1024), SCSI_STATUS_GOOD);
	assert_int_equal(use_at(rig_lun0, 0, 100, 8), SCSI_STATUS_RESERVATION_CONFLICT);
	rig_from(r, 1);
	memset(r->out, 0, 24);
	put_be64(r->out, 0x1234);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x5f, 3, 0, 0, 0, 0, 0, 0, 24, 0), 0, 24), 0);
	for (unsigned n = 0; n < 2; n++)
		memset(&r->nexus[n].lun[0].uas, 0, sizeof(struct scsi_uas));
	reserve(SCSI_PR_EXCLUSIVE_ACCESS);
	assert_int_equal(token_rig_populate(r, rig_lun0, 1, &one, 1),
			 SCSI_STATUS_RESERVATION_CONFLICT);
	use(0, 1);
	rig_expect_sense(r, SENSE_COPY_ABORTED, ASC_THIRD_PARTY_FAILURE);
	rig_from(r, 1);
	assert_int_equal(use(0, 1), SCSI_STATUS_GOOD); /* who holds it may */
}

static void read_only(void **state)
{
	const struct scsi_map_entry locked[2] = { { .lu = &r->lu[0], .lun = 0, .read_only = true },
						  { .lu = &r->lu[1], .lun = 1 } };

	(void)state;
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], locked, 2), 1);
	memset(&r->nexus[0].lun[0].uas, 0, sizeof(struct scsi_uas));
	rig_views(r);
	make(rig_lun0, 8, 8);
	assert_int_equal(use(0, 1), SCSI_STATUS_GOOD);
	assert_int_equal(use_at(rig_lun0, 0, 100, 8), SCSI_STATUS_CHECK_CONDITION);
	rig_expect_sense(r, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
}

/* --- what may go wrong --- */

static void store_errors(void **state)
{
	(void)state;
	make(rig_lun0, 8, 8);
	r->fail_type = SCSI_ACT_COPY;
	r->fail_result = -ENOSPC;
	use(0, 1);
	rig_expect_sense(r, SENSE_COPY_ABORTED, ASC_SPACE_ALLOCATION_FAILED);
	token_rig_info(r, rig_lun1, 2, 0x11, TOKEN_RIG_FAILED, 0);
	assert_int_equal(use(0, 1), SCSI_STATUS_GOOD); /* the token is as good as before */
	r->abort_at = 2;
	use(0, 1);
	assert_true(r->t.aborted);
	r->abort_at = 0;
	token_rig_info(r, rig_lun1, 2, 0x11, TOKEN_RIG_TERMINATED, 0);
	assert_int_equal(r->in[12], SCSI_STATUS_TASK_ABORTED);
}

/* What is told once is told; what did not fit is kept. */
static void told(void **state)
{
	(void)state;
	token_rig_ask(r, rig_lun0, 9, 1024);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	make(rig_lun0, 8, 8);
	token_rig_ask(r, rig_lun0, 1, 1024);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	assert_int_equal(use(0, 1), 0);
	assert_int_equal(token_rig_ask(r, rig_lun1, 2, 20), 0);
	rig_from(r, 1); /* it is no other's */
	token_rig_ask(r, rig_lun1, 2, 1024);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	rig_from(r, 0);
	assert_int_equal(token_rig_ask(r, rig_lun1, 2, 0), 0); /* it is not wanted */
	token_rig_ask(r, rig_lun1, 2, 1024);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	/* the same identifier again, for something else */
	assert_int_equal(use_at(rig_lun0, 0, 100, 8), 0);
	{
		const struct scsi_token_range one = { .lba = 300, .n_blocks = 8 };

		assert_int_equal(token_rig_populate(r, rig_lun0, 2, &one, 1), 0);
	}
	token_rig_info(r, rig_lun0, 2, 0x10, TOKEN_RIG_DONE, 8);
}

static void bad_populate(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
		unsigned field; /* 0xffff: none */
		unsigned asc;
	} bytes[] = {
		{ 1, 0x1d, 0, ASC_INVALID_FIELD_IN_PARAMETERS },
		{ 6, 0xff, 4, ASC_INVALID_FIELD_IN_PARAMETERS },
		{ 2, 0x02, 8, ASC_INVALID_FIELD_IN_PARAMETERS }, /* a type that is none */
		{ 15, 15, 14, ASC_INVALID_FIELD_IN_PARAMETERS },
		{ 27, 0xff, 24, ASC_INVALID_FIELD_IN_PARAMETERS }, /* too much */
		{ 39, 12, 32, ASC_INVALID_FIELD_IN_PARAMETERS },   /* a block twice */
		{ 16, 1, 0xffff, ASC_LBA_OUT_OF_RANGE },
		{ 33, 1, 0xffff, ASC_LBA_OUT_OF_RANGE },
	};
	const struct scsi_token_range two[2] = { { 8, 8 }, { 100, 8 } };
	static const uint32_t types[] = { SCSI_ROD_COPY_DEFAULT, SCSI_ROD_COPY_VULNERABLE,
					  SCSI_ROD_COPY_ANY };

	(void)state;
	assert_true(scsi_lu_set_size(&r->lu[0], 1ull << 40)); /* so that a limit comes first */
	memset(&r->nexus[0].lun[0].uas, 0, sizeof(struct scsi_uas));
	rig_views(r);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		size_t len = token_rig_list(r->out, two, 2);

		r->out[bytes[i].at] = bytes[i].value;
		if (bytes[i].at == 27)
			put_be32(r->out + 24, (uint32_t)(SCSI_TOKEN_MAX_BYTES >> 9) + 1);
		token_rig_send(r, rig_lun0, 0x10, 1, len);
		expect_lost(bytes[i].asc);
		if (bytes[i].field != 0xffff)
			assert_int_equal(rig_sense(r).field_byte, bytes[i].field);
	}
	for (size_t cut = 1; cut < 32; cut++) {
		(void)token_rig_list(r->out, two, 2);
		token_rig_send(r, rig_lun0, 0x10, 1, cut);
		rig_expect_sense(r, SENSE_ILLEGAL_REQUEST,
				 cut < 16 ? ASC_PARAMETER_LIST_LENGTH
					  : ASC_INVALID_FIELD_IN_PARAMETERS);
	}
	(void)token_rig_list(r->out, two, 2);
	assert_int_equal(token_rig_send(r, rig_lun0, 0x10, 1, 40), 0); /* one and a half */
	token_rig_info(r, rig_lun0, 1, 0x10, TOKEN_RIG_DONE, 8);
	token_rig_send(r, rig_lun0, 0x10, 1, SCSI_DATA_MIN_BYTES + 1);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t len = token_rig_list(r->out, two, 2);

		r->out[2] = 2;
		put_be32(r->out + 8, types[i]);
		assert_int_equal(token_rig_send(r, rig_lun0, 0x10, 1, len), 0);
		token_rig_take(r, rig_lun0, 1, token);
		assert_int_equal(get_be32(token), i ? SCSI_ROD_COPY_VULNERABLE : types[i]);
	}
}

static void bad_use(void **state)
{
	static struct scsi_token_range many[SCSI_TOKEN_RANGES + 1];
	const struct scsi_token_range two[2] = { { 8, 1 }, { 100, 1 } };

	(void)state;
	make(rig_lun0, 0, 256);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct scsi_token_range){ .lba = 2 * (uint64_t)i, .n_blocks = 1 };
	token_rig_use(r, rig_lun1, 2, token, 0, many, ARRAY_SIZE(many));
	expect_lost(ASC_TOO_MANY_SEGMENTS);
	assert_int_equal(token_rig_use(r, rig_lun1, 2, token, 0, many, SCSI_TOKEN_RANGES), 0);
	for (unsigned i = 0; i < SCSI_TOKEN_RANGES; i++)
		assert_memory_equal(r->disk[1] + LARGE(2 * i), r->disk[0] + LARGE(i), 4096);
	for (unsigned i = 0; i < 2; i++) {
		size_t len = token_rig_use_list(r->out, token, 0, two, 2);

		r->out[i ? 535 : 1]--;
		token_rig_send(r, rig_lun1, 0x11, 2, len);
		expect_lost(ASC_INVALID_FIELD_IN_PARAMETERS);
	}
	for (size_t cut = 1; cut < 552; cut += 29) {
		(void)token_rig_use_list(r->out, token, 0, two, 2);
		token_rig_send(r, rig_lun1, 0x11, 2, cut);
		rig_expect_sense(r, SENSE_ILLEGAL_REQUEST,
				 cut < 536 ? ASC_PARAMETER_LIST_LENGTH
					   : ASC_INVALID_FIELD_IN_PARAMETERS);
	}
	use(RIG_BLOCKS / 8 - 1, 2);
	expect_lost(ASC_LBA_OUT_OF_RANGE);
	use_at(rig_lun1, UINT64_MAX, 0, 1);
	expect_lost(ASC_INVALID_FIELD_IN_PARAMETERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(copies, setup, teardown),
		cmocka_unit_test_setup_teardown(partial, setup, teardown),
		cmocka_unit_test_setup_teardown(granularity, setup, teardown),
		cmocka_unit_test_setup_teardown(zeroes, setup, teardown),
		cmocka_unit_test_setup_teardown(write_through, setup, teardown),
		cmocka_unit_test_setup_teardown(written, setup, teardown),
		cmocka_unit_test_setup_teardown(changed, setup, teardown),
		cmocka_unit_test_setup_teardown(taken_away, setup, teardown),
		cmocka_unit_test_setup_teardown(written_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(stopped, setup, teardown),
		cmocka_unit_test_setup_teardown(aborted, setup, teardown),
		cmocka_unit_test_setup_teardown(times_out, setup, teardown),
		cmocka_unit_test_setup_teardown(deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(no_random_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(unseen, setup, teardown),
		cmocka_unit_test_setup_teardown(guessed, setup, teardown),
		cmocka_unit_test_setup_teardown(reserved, setup, teardown),
		cmocka_unit_test_setup_teardown(read_only, setup, teardown),
		cmocka_unit_test_setup_teardown(store_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(told, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_populate, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_use, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
