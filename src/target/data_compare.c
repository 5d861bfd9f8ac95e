/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Actions that compare what is on the medium, with the initiator's data or a block of its parameters. */
#include <errno.h>

#include "target/data.h"

_Static_assert(3 * SCSI_CAW_BYTES <= TGT_BURST_BYTES,
	       "a buffer holds both sides of COMPARE AND WRITE");

/* The first difference is at @at, of the action's range. */
static int differ_at(struct cmd *c, uint64_t at)
{
	c->done_bytes = at;
	return -EILSEQ;
}

/* Compare a burst, which begins @before bytes into the action. Return: 0, or -EILSEQ and c->done_bytes says where. */
static int differs(struct cmd *c, const uint8_t *a, const uint8_t *b, uint64_t before)
{
	uint32_t same = 0;

	while (same < c->burst_bytes && a[same] == b[same])
		same++;
	return same == c->burst_bytes ? 0 : differ_at(c, before + same);
}

/* --- COMPARE: half of the buffer for each side --- */

static void compare_done(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = data_io_ended(io);
	const uint8_t *given = c->buf->addr;

	(void)w;
	if (!result)
		result = differs(c, given, given + c->burst_bytes, c->done_bytes);
	if (result) {
		data_end(c, result, false);
		return;
	}
	data_put_buf(c, &c->buf);
	if (data_more(c))
		data_compare(c);
	else
		data_end(c, 0, false);
}

static void compare_moved(struct cmd *c)
{
	if (c->move_error)
		data_end(c, c->move_error, false);
	else
		data_io(c, BACKEND_READ, (uint8_t *)c->buf->addr + c->burst_bytes,
			c->act.off_bytes + c->done_bytes, c->burst_bytes, compare_done);
}

void data_compare(struct cmd *c)
{
	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	c->burst_bytes = data_burst(c, TGT_BURST_BYTES / 2);
	if (data_get_buf(c, 2 * c->burst_bytes, data_compare))
		data_bring(c, c->buf->addr, c->burst_bytes, compare_moved);
}

/*
 * --- COMPARE AND WRITE, ORWRITE ---
 *
 * The core lets nothing that overlaps run beside them. In the buffer: what the initiator gave, then what is on
 * the medium.
 */

static bool alone_compares(const struct cmd *c)
{
	return c->act.type == SCSI_ACT_COMPARE_AND_WRITE;
}

/* Bytes of the initiator's data of a burst. */
static uint32_t alone_given(const struct cmd *c)
{
	return alone_compares(c) ? 2 * c->burst_bytes : c->burst_bytes;
}

static void alone_written(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = data_io_ended(io);

	(void)w;
	data_put_buf(c, &c->buf);
	if (result) {
		/* What of it was done nobody knows, and what was done before is not told either. */
		c->done_bytes = 0;
		data_end(c, result, false);
	} else if (data_more(c)) {
		data_alone(c);
	} else {
		c->ch->write_bytes += c->act.len_bytes;
		data_end(c, 0, false);
	}
}

/* The medium's bytes are there: compare, or combine; @from gets what is to be written. */
static int alone_judge(struct cmd *c, uint8_t **from)
{
	uint8_t *given = c->buf->addr;
	uint8_t *medium = given + alone_given(c);

	*from = alone_compares(c) ? given + c->burst_bytes : given;
	if (!alone_compares(c)) {
		for (uint32_t i = 0; i < c->burst_bytes; i++)
			given[i] |= medium[i];
		return 0;
	}
	return differs(c, given, medium, 0);
}

static void alone_read(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = data_io_ended(io);
	uint8_t *from = NULL;

	(void)w;
	if (!result)
		result = alone_judge(c, &from);
	if (!result && c->is.abort)
		result = -ECANCELED; /* it must not reach the medium any more (INV-15) */
	if (result)
		data_end(c, result, false);
	else
		data_io(c, BACKEND_WRITE, from, c->act.off_bytes + c->done_bytes, c->burst_bytes,
			alone_written);
}

static void alone_moved(struct cmd *c)
{
	if (c->move_error || c->is.abort)
		data_end(c, c->move_error ? c->move_error : -ECANCELED, false);
	else
		data_io(c, BACKEND_READ, (uint8_t *)c->buf->addr + alone_given(c),
			c->act.off_bytes + c->done_bytes, c->burst_bytes, alone_read);
}

void data_alone(struct cmd *c)
{
	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	/* All of a comparison is one burst, else a part would be written before the rest was compared. */
	c->burst_bytes =
		alone_compares(c) ? (uint32_t)c->act.len_bytes : data_burst(c, TGT_BURST_BYTES / 2);
	if (data_get_buf(c, alone_given(c) + c->burst_bytes, data_alone))
		data_bring(c, c->buf->addr, alone_given(c), alone_moved);
}

/* --- VERIFY, and WRITE SAME's way of comparing: the medium has been read --- */

static void same_compared(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = data_io_ended(io);
	const uint8_t *medium = c->buf->addr;
	uint32_t block = c->lu->block_bytes;
	uint32_t same = 0;

	(void)w;
	while (!result && same < c->burst_bytes && medium[same] == c->task.data[same % block])
		same++;
	if (!result && same < c->burst_bytes)
		result = differ_at(c, same);
	data_end(c, result, false);
}

void data_verify(struct cmd *c)
{
	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	c->burst_bytes = (uint32_t)c->act.len_bytes;
	if (data_get_buf(c, c->burst_bytes, data_verify))
		data_io(c, BACKEND_READ, c->buf->addr, c->act.off_bytes, c->burst_bytes,
			c->act.type == SCSI_ACT_VERIFY ? data_plain_done : same_compared);
}
