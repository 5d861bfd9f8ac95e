/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What happens to a unit, counted on the workers for its log pages. Each writes its own counters only. */
#include <stdatomic.h>

#include "run/worker.h"
#include "target/unit.h"
#include "wire/sense.h"

/* Only its worker writes it, so this need not be one operation. */
static void count_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* What moves the medium's data, 1 + its kind; the rest is of another kind. */
static const uint8_t count_kinds[256] = {
	[SCSI_OP_READ_6] = 1 + SCSI_COUNT_READ,
	[SCSI_OP_READ_10] = 1 + SCSI_COUNT_READ,
	[SCSI_OP_READ_12] = 1 + SCSI_COUNT_READ,
	[SCSI_OP_READ_16] = 1 + SCSI_COUNT_READ,
	[SCSI_OP_WRITE_6] = 1 + SCSI_COUNT_WRITE,
	[SCSI_OP_WRITE_10] = 1 + SCSI_COUNT_WRITE,
	[SCSI_OP_WRITE_12] = 1 + SCSI_COUNT_WRITE,
	[SCSI_OP_WRITE_16] = 1 + SCSI_COUNT_WRITE,
	[SCSI_OP_WRITE_VERIFY_10] = 1 + SCSI_COUNT_WRITE,
	[SCSI_OP_WRITE_VERIFY_12] = 1 + SCSI_COUNT_WRITE,
	[SCSI_OP_WRITE_VERIFY_16] = 1 + SCSI_COUNT_WRITE,
	[SCSI_OP_COMPARE_AND_WRITE] = 1 + SCSI_COUNT_WRITE,
	[SCSI_OP_ORWRITE_16] = 1 + SCSI_COUNT_WRITE,
	[SCSI_OP_VERIFY_10] = 1 + SCSI_COUNT_VERIFY,
	[SCSI_OP_VERIFY_12] = 1 + SCSI_COUNT_VERIFY,
	[SCSI_OP_VERIFY_16] = 1 + SCSI_COUNT_VERIFY,
};

static enum scsi_count_kind count_kind(uint8_t opcode)
{
	unsigned kind = count_kinds[opcode];

	return kind ? (enum scsi_count_kind)(kind - 1) : SCSI_COUNT_OTHER;
}

/* Bytes of the medium that a command which ended with GOOD moved. */
static uint64_t count_bytes(const struct cmd *c, enum scsi_count_kind kind)
{
	const struct scsi_task *t = &c->task;
	int64_t resid = kind == SCSI_COUNT_READ ? t->in_resid : t->out_resid;
	uint64_t len = kind == SCSI_COUNT_READ ? t->in_len : t->out_len;

	if (resid < 0)
		len -= (uint64_t)-resid;
	/* half of it was only compared */
	return t->cdb[0] == SCSI_OP_COMPARE_AND_WRITE ? len / 2 : len;
}

/* The key of fixed or descriptor sense data. */
static uint8_t count_key(const struct scsi_task *t)
{
	return t->sense_len < 3 ? 0 : t->sense[(t->sense[0] & 0x7f) < 0x72 ? 2 : 1] & 0xf;
}

static void count_failed(struct unit_count *k, enum scsi_count_kind kind, const struct scsi_task *t)
{
	uint8_t key = count_key(t);

	if (key == SENSE_MEDIUM_ERROR)
		count_add(&k[kind].errors, 1);
	else if (key == SENSE_HARDWARE_ERROR || key == SENSE_ABORTED_COMMAND)
		count_add(&k[SCSI_COUNT_OTHER].errors, 1);
}

void count_cmd(const struct cmd *c)
{
	const struct scsi_task *t = &c->task;
	enum scsi_count_kind kind = count_kind(t->cdb[0]);
	struct unit_count *k;

	if (!c->unit)
		return;
	k = c->tasks->count;
	if (t->status == SCSI_STATUS_GOOD) {
		count_add(&k[kind].commands, 1);
		if (kind != SCSI_COUNT_OTHER)
			count_add(&k[kind].bytes, count_bytes(c, kind));
	} else if (t->status == SCSI_STATUS_CHECK_CONDITION) {
		count_failed(k, kind, t);
	}
}

void count_sum(struct tgt_unit *u)
{
	struct scsi_counters sum = { 0 };

	for (unsigned i = 0; i < u->t->n_workers; i++) {
		for (unsigned k = 0; k < SCSI_COUNT_KINDS; k++) {
			const struct unit_count *c = &u->tasks[i].count[k];

			sum.of[k].commands +=
				atomic_load_explicit(&c->commands, memory_order_relaxed);
			sum.of[k].bytes += atomic_load_explicit(&c->bytes, memory_order_relaxed);
			sum.of[k].errors += atomic_load_explicit(&c->errors, memory_order_relaxed);
		}
	}
	sum.on_ms = (worker_clock_ns() - u->opened_ns) / NSEC_PER_MSEC;
	sum.wall_ms = worker_wall_ms();
	u->lu.counters = sum;
}
