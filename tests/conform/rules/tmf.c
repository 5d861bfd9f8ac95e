/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SAM-5 7, SRP 6.7: the five task management functions. */
#include <string.h>

#include "conform.h"

/* A WRITE of a channel of its own that is held back: the target waits for its data. */
static struct cmd *held_write(struct test *t, struct nexus *n, uint64_t lba, const void *data)
{
	struct cmd *w = write_new(n, 10, lba, 8, data);

	w->shape = SHAPE_DIRECT;
	cmd_send(w);
	hold(n);
	idle(t, 30);
	return w;
}

static struct nexus *other(struct test *t, char who)
{
	struct nexus *n = nexus_new(t, &(struct login){ .who = who, .flags = LOGIN_MULTI });

	nexus_settle(n);
	return n;
}

/* @f was sent by another channel; the held channel may go on. */
static void finish(struct test *t, struct nexus *n, struct cmd *f)
{
	idle(t, 50);
	let_go(n);
	expect_code(f, CODE_DONE);
	idle(t, 50);
}

/* What was aborted must not take effect any more, and is answered at most with TASK ABORTED. */
static void expect_gone(struct test *t, struct cmd *w, uint64_t lba, const void *now)
{
	if (w->done && w->status == GOOD)
		skip(t, "the WRITE could not be held back: it had ended before");
	if (w->done && w->key == UNIT_ATTENTION)
		skip(t, "the WRITE could not be held back: it came to the task set later");
	EXPECT(t, !w->done || w->status == TASK_ABORTED, "the aborted WRITE: %s", cmd_text(w));
	w->lost = !w->done;
	expect_blocks(nexus_b(t), lba, 8, now, "after the abort");
}

static void aborts(struct test *t, uint8_t function, bool by_other)
{
	uint64_t lba = scratch(t);
	uint8_t *old = pattern(t, 90, (size_t)8 * unit_of(t)->block);
	uint8_t *new = pattern(t, 91, (size_t)8 * unit_of(t)->block);
	struct nexus *n;
	struct cmd *w;
	struct cmd *f;

	write_blocks(nexus_b(t), lba, 8, old);
	n = other(t, 'h');
	w = held_write(t, n, lba, new);
	/* The nexus's second channel, since the first one is held. */
	f = tmf_send(by_other ? nexus_b(t) : other(t, 'h'), function, unit_of(t)->lun, w->tag);
	finish(t, n, f);
	write_blocks(nexus_b(t), lba, 8, old);
	idle(t, 30);
	expect_gone(t, w, lba, old);
	expect_good(tur_new(n));
}

RULE(tmf, abort_task, DESTROYS,
     "ABORT TASK: the command does not take effect afterwards and is not answered")
{
	uint64_t lba = scratch(t);
	uint8_t *old = pattern(t, 92, (size_t)8 * unit_of(t)->block);
	struct nexus *n = other(t, 0);
	struct cmd *w = write_new(n, 10, lba, 8, pattern(t, 93, (size_t)8 * unit_of(t)->block));
	struct cmd *f;

	write_blocks(nexus_b(t), lba, 8, old);
	w->shape = SHAPE_DIRECT;
	cmd_send(w);
	f = tmf_send(n, ABORT_TASK, unit_of(t)->lun, w->tag); /* both leave in one go */
	hold(n);
	idle(t, 30);
	let_go(n);
	expect_code(f, CODE_DONE);
	EXPECT(t, !w->done || w->order < f->order, "the command was answered behind its abort: %s",
	       cmd_text(w));
	write_blocks(nexus_b(t), lba, 8, old);
	idle(t, 30);
	expect_gone(t, w, lba, old);
}

RULE(tmf, abort_unknown, SAFE,
     "ABORT TASK of a tag that is not under way is done, or failed: nothing else happens")
{
	struct cmd *f = tmf_run(nexus_a(t), ABORT_TASK, unit_of(t)->lun, 0x123456789);

	EXPECT(t, f->code == CODE_DONE || f->code == CODE_FAILED, "%s", cmd_text(f));
	EXPECT(t, nexus_a(t)->up, "the channel ended");
	expect_good(tur_new(nexus_a(t)));
}

RULE(tmf, abort_of_others, DESTROYS,
     "ABORT TASK with a tag of another nexus does not touch that nexus's command")
{
	uint64_t lba = scratch(t);
	uint8_t *new = pattern(t, 94, (size_t)8 * unit_of(t)->block);
	struct nexus *n = other(t, 'h');
	struct cmd *w = held_write(t, n, lba, new);
	struct cmd *f = tmf_run(nexus_b(t), ABORT_TASK, unit_of(t)->lun, w->tag);

	EXPECT(t, f->code == CODE_DONE || f->code == CODE_FAILED, "%s", cmd_text(f));
	let_go(n);
	expect_good(w);
	expect_blocks(nexus_b(t), lba, 8, new, "the other nexus's WRITE");
}

RULE(tmf, abort_task_set, DESTROYS,
     "ABORT TASK SET aborts the nexus's commands, also those of its other channels")
{
	aborts(t, ABORT_TASK_SET, false);
}

RULE(tmf, abort_set_of_others, DESTROYS, "ABORT TASK SET does not touch commands of other nexuses")
{
	uint64_t lba = scratch(t);
	uint8_t *new = pattern(t, 95, (size_t)8 * unit_of(t)->block);
	struct nexus *n = other(t, 'h');
	struct cmd *w = held_write(t, n, lba, new);

	expect_code(tmf_run(nexus_b(t), ABORT_TASK_SET, unit_of(t)->lun, 0), CODE_DONE);
	let_go(n);
	expect_good(w);
	expect_blocks(nexus_b(t), lba, 8, new, "the other nexus's WRITE");
}

RULE(tmf, clear_task_set, DESTROYS, "CLEAR TASK SET aborts the commands of every nexus")
{
	aborts(t, CLEAR_TASK_SET, true);
}

RULE(tmf, clear_attention, DESTROYS,
     "CLEAR TASK SET: a nexus whose command it aborted hears COMMANDS CLEARED BY ANOTHER "
     "INITIATOR, others nothing")
{
	uint64_t lba = scratch(t);
	struct nexus *n = other(t, 'h');
	struct nexus *idle_one = other(t, 'i');
	struct cmd *w = held_write(t, n, lba, NULL);
	struct cmd *f = tmf_send(nexus_b(t), CLEAR_TASK_SET, unit_of(t)->lun, 0);

	finish(t, n, f);
	if (w->done)
		skip(t, "the WRITE was not silently aborted: %s", cmd_text(w));
	w->lost = true;
	expect_sense(attention(n), UNIT_ATTENTION, COMMANDS_CLEARED);
	expect_good(attention(idle_one));
	expect_good(attention(nexus_b(t)));
}

RULE(tmf, lun_reset, ALONE,
     "LOGICAL UNIT RESET aborts the commands of every nexus, and none of them takes effect later")
{
	aborts(t, LUN_RESET, true);
}

RULE(tmf, reset_attention, ALONE,
     "LOGICAL UNIT RESET: every nexus hears of it once; who asked for it may be spared")
{
	struct nexus *n[3] = { nexus_a(t), nexus_b(t), other(t, 'h') };

	expect_code(tmf_run(n[0], LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	for (unsigned i = 0; i < 3; i++) {
		struct cmd *c = attention(n[i]);

		if (i)
			EXPECT(t,
			       c->status == CHECK_CONDITION && c->key == UNIT_ATTENTION &&
				       c->asc >> 8 == 0x29,
			       "nexus %u hears: %s", i, cmd_text(c));
		expect_good(attention(n[i]));
	}
}

RULE(tmf, clear_aca, SAFE, "CLEAR ACA without an ACA condition is done, or not supported")
{
	struct cmd *f = tmf_run(nexus_a(t), CLEAR_ACA, unit_of(t)->lun, 0);
	bool normaca = inquiry_run(nexus_a(t), -1)->in[3] & 0x20;

	EXPECT(t, f->code == CODE_DONE || (!normaca && f->code == CODE_NOT_SUPPORTED),
	       "%s, NORMACA is %u", cmd_text(f), normaca);
}

RULE(tmf, unknown, SAFE,
     "a function that there is not ends with response code 4, and the channel goes on")
{
	static const uint8_t f[] = { 0x00, 0x03, 0x10, 0x20, 0x80, 0xff };

	for (unsigned i = 0; i < sizeof(f); i++)
		expect_code(tmf_run(nexus_a(t), f[i], unit_of(t)->lun, 0), CODE_NOT_SUPPORTED);
	expect_good(tur_new(nexus_a(t)));
}

RULE(tmf, no_unit, SAFE, "a function for a LUN without a unit does not end with success")
{
	static const uint8_t f[] = { ABORT_TASK_SET, CLEAR_TASK_SET, LUN_RESET };

	for (unsigned i = 0; i < sizeof(f); i++) {
		struct cmd *c = tmf_run(nexus_a(t), f[i], unit_of(t)->no_lun, 0);

		EXPECT(t, c->code == CODE_FAILED || c->code == CODE_INVALID_FIELDS, "%s",
		       cmd_text(c));
	}
}

RULE(tmf, reset_keeps_data, ALONE, "LOGICAL UNIT RESET changes no data")
{
	uint64_t lba = scratch(t);
	const uint8_t *data = pattern(t, 96, (size_t)64 * unit_of(t)->block);

	write_blocks(nexus_a(t), lba, 64, data);
	expect_code(tmf_run(nexus_b(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	expect_blocks(nexus_a(t), lba, 64, data, "after the reset");
}
