/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * LOG SENSE and LOG SELECT: SPC-5 6.8, 6.7; pages in SPC-5 7.3 and SBC-4 6.4. What is counted comes from the workers
 * (SCSI_ACT_COUNT); LOG SELECT with PCR starts the counting anew.
 */
#include "scsi/spc.h"

#define MS_PER_MINUTE 60000u
#define LOG_MAX       4096u
#define PC_CUMULATIVE 1
#define SELECT_PCR    0x02 /* byte 1 */
#define FORMAT_LIST   0x03 /* parameter control byte: a list in binary */
#define FORMAT_COUNT  0x02 /* a bounded data counter */
#define SCOPE_SHARED  2    /* of a resource: others may use it up, too */
#define PAGE_SPACE    0x0c /* logical block provisioning */
#define TEMP_UNKNOWN  0xff

struct log {
	const struct scsi_task *t;
	struct pen out;
	uint16_t from; /* PARAMETER POINTER: parameters below are left out */
};

struct log_page {
	uint8_t code;
	void (*put)(struct log *l);
};

/* Begin a parameter; false: it is not asked for. */
static bool param(struct log *l, uint16_t code, uint8_t control, uint8_t len)
{
	if (code < l->from)
		return false;
	pen_be16(&l->out, code);
	pen_u8(&l->out, control);
	pen_u8(&l->out, len);
	return true;
}

static void put_count(struct log *l, uint16_t code, uint64_t n)
{
	if (param(l, code, FORMAT_COUNT, 8))
		pen_be64(&l->out, n);
}

/* What was counted since LOG SELECT, or ever. */
static struct scsi_count count_of(const struct scsi_lu *lu, enum scsi_count_kind kind)
{
	const struct scsi_count *now = &lu->counters.of[kind];
	const struct scsi_count *then = &lu->counters_base.of[kind];

	return (struct scsi_count){ .commands = now->commands - then->commands,
				    .bytes = now->bytes - then->bytes,
				    .errors = now->errors - then->errors };
}

static void put_errors(struct log *l, enum scsi_count_kind kind)
{
	struct scsi_count c = count_of(l->t->lu, kind);

	put_count(l, 0x0005, c.bytes);  /* processed */
	put_count(l, 0x0006, c.errors); /* not corrected */
}

static void put_write_errors(struct log *l)
{
	put_errors(l, SCSI_COUNT_WRITE);
}

static void put_read_errors(struct log *l)
{
	put_errors(l, SCSI_COUNT_READ);
}

static void put_verify_errors(struct log *l)
{
	put_errors(l, SCSI_COUNT_VERIFY);
}

static void put_other_errors(struct log *l)
{
	put_count(l, 0x0000, count_of(l->t->lu, SCSI_COUNT_OTHER).errors);
}

/* In threshold sets, rounded down: what is left must not seem to be more. */
static void put_resource(struct log *l, uint16_t code, uint64_t bytes)
{
	const struct scsi_lu *lu = l->t->lu;

	if (!param(l, code, FORMAT_LIST, 8))
		return;
	pen_be32(&l->out,
		 (uint32_t)min_u64(bytes >> lu->block_shift >> scsi_lu_threshold_exponent(lu),
				   UINT32_MAX));
	pen_u8(&l->out, SCOPE_SHARED);
	pen_zero(&l->out, 3);
}

static void put_provisioning(struct log *l)
{
	const struct scsi_space *s = &l->t->lu->space;

	put_resource(l, 0x0001, s->available_bytes);
	put_resource(l, 0x0002, s->used_bytes);
}

static void put_temperature(struct log *l)
{
	if (!param(l, 0x0000, FORMAT_LIST, 2))
		return;
	pen_u8(&l->out, 0);
	pen_u8(&l->out, TEMP_UNKNOWN);
}

static void put_start_stop(struct log *l)
{
	if (param(l, 0x0004, FORMAT_LIST, 4))
		pen_be32(&l->out, l->t->lu->n_stops);
}

/* The newest first. */
static void put_selftests(struct log *l)
{
	const struct scsi_lu *lu = l->t->lu;

	for (unsigned i = 0; i < SCSI_SELFTEST_MAX; i++) {
		struct scsi_selftest s = { 0 };
		bool failed;

		if (i < lu->n_selftests)
			s = lu->selftest[(lu->n_selftests - 1 - i) % SCSI_SELFTEST_MAX];
		failed = s.result != SCSI_SELFTEST_PASSED;
		if (!param(l, (uint16_t)(i + 1), FORMAT_LIST, 0x10))
			continue;
		pen_u8(&l->out, (uint8_t)(s.code << 5 | s.result));
		pen_zero(&l->out, 3); /* number, timestamp: not kept */
		pen_be64(&l->out, failed ? s.lba : i < lu->n_selftests ? UINT64_MAX : 0);
		pen_u8(&l->out, failed ? SENSE_MEDIUM_ERROR : 0);
		pen_be16(&l->out, failed ? ASC_UNRECOVERED_READ : 0);
		pen_u8(&l->out, 0);
	}
}

static void put_scan(struct log *l)
{
	if (!param(l, 0x0000, FORMAT_LIST, 0x0c))
		return;
	pen_be32(&l->out, (uint32_t)(l->t->lu->counters.on_ms / MS_PER_MINUTE));
	pen_zero(&l->out, 8); /* no background scan */
}

static void put_statistics(struct log *l)
{
	const struct scsi_lu *lu = l->t->lu;
	struct scsi_count r = count_of(lu, SCSI_COUNT_READ), w = count_of(lu, SCSI_COUNT_WRITE);

	if (!param(l, 0x0001, FORMAT_LIST, 0x40))
		return;
	pen_be64(&l->out, r.commands);
	pen_be64(&l->out, w.commands);
	pen_be64(&l->out, w.bytes >> lu->block_shift); /* received */
	pen_be64(&l->out, r.bytes >> lu->block_shift); /* transmitted */
	pen_zero(&l->out, 32);                         /* times are not measured */
}

static void put_exceptions(struct log *l)
{
	if (!param(l, 0x0000, FORMAT_LIST, 4))
		return;
	pen_be16(&l->out, 0); /* none */
	pen_u8(&l->out, TEMP_UNKNOWN);
	pen_u8(&l->out, 0);
}

static void put_supported(struct log *l);

static const struct log_page log_pages[] = {
	{ 0x00, put_supported },     { 0x02, put_write_errors }, { 0x03, put_read_errors },
	{ 0x05, put_verify_errors }, { 0x06, put_other_errors }, { PAGE_SPACE, put_provisioning },
	{ 0x0d, put_temperature },   { 0x0e, put_start_stop },   { 0x10, put_selftests },
	{ 0x15, put_scan },          { 0x19, put_statistics },   { 0x2f, put_exceptions },
};

/* Only a unit whose space is known counts it. */
static bool log_has(const struct scsi_lu *lu, const struct log_page *p)
{
	return p->code != PAGE_SPACE || lu->space_known;
}

static void put_supported(struct log *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(log_pages); i++)
		if (log_has(l->t->lu, &log_pages[i]))
			pen_u8(&l->out, log_pages[i].code);
}

static const struct log_page *log_find(const struct scsi_lu *lu, uint8_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(log_pages); i++)
		if (log_pages[i].code == code)
			return log_has(lu, &log_pages[i]) ? &log_pages[i] : NULL;
	return NULL;
}

static struct scsi_act sense_counted(struct scsi_task *t)
{
	struct log l = { .t = t, .out = pen_of(t->data, LOG_MAX), .from = get_be16(t->cdb + 5) };
	const struct log_page *page = log_find(t->lu, t->cdb[2] & 0x3f);

	pen_u8(&l.out, page->code);
	pen_u8(&l.out, 0);
	pen_be16(&l.out, 0); /* the length, below */
	page->put(&l);
	check(!l.out.bad);
	if (l.from && l.out.pos == 4) /* no parameter has such a number */
		return answer_bad_cdb(t, 5, ANSWER_NO_BIT);
	put_be16(t->data + 2, (uint16_t)(l.out.pos - 4));
	return answer_data(t, l.out.pos, get_be16(t->cdb + 7));
}

struct scsi_act spc_log_sense(struct scsi_task *t)
{
	if (t->cdb[2] >> 6 != PC_CUMULATIVE)
		return answer_bad_cdb(t, 2, 7);
	if (!log_find(t->lu, t->cdb[2] & 0x3f))
		return answer_bad_cdb(t, 2, 5);
	return answer_act(t, SCSI_ACT_COUNT, sense_counted);
}

static struct scsi_act select_counted(struct scsi_task *t)
{
	t->lu->counters_base = t->lu->counters;
	scsi_lu_ua(t->lu, SCSI_UA_LOG_CHANGED, t->nexus);
	t->changed = SCSI_CHANGED_LU;
	return answer_good(t);
}

/* No parameter can be set: only that all of them begin anew. */
struct scsi_act spc_log_select(struct scsi_task *t)
{
	if (get_be16(t->cdb + 7))
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	if (!(t->cdb[1] & SELECT_PCR))
		return answer_good(t);
	return answer_act(t, SCSI_ACT_COUNT, select_counted);
}
