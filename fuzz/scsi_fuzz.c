/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The SCSI core against hostile commands. Input, repeated: a control byte (bits 0-1: LUN 0, 1, an
 * unmapped one, the well known one; bit 2: nexus; bit 3: the first I/O fails; bit 4: abort; bit 5: stop
 * and start over with fresh unit attentions), 16 CDB bytes, two 16-bit buffer lengths, one length
 * byte and that many bytes of data-out. Ranges are checked; nothing is read or written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cur.h"
#include "scsi/scsi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
	struct scsi_lu lu[2];
	struct scsi_nexus nexus[2];
	struct scsi_view view[2];
};

static void world_init(struct world *w)
{
	const struct scsi_lu_params p[2] = {
		{ .serial = "1",
		  .naa = { 0x31, 1 },
		  .block_bytes = 512,
		  .size_bytes = 1 << 30,
		  .unmap_grain_bytes = 4096,
		  .write_cache = true },
		{ .serial = "2",
		  .naa = { 0x60, 2 },
		  .block_bytes = 4096,
		  .size_bytes = 1ull << 46,
		  .max_transfer_bytes = 1 << 20,
		  .read_only = true,
		  .descriptor_sense = true },
	};
	const struct scsi_port port = { .protocol = 4 };
	struct scsi_map_entry map[2] = { { &w->lu[0], 0, false }, { &w->lu[1], 1, false } };

	for (int i = 0; i < 2; i++)
		check(scsi_lu_init(&w->lu[i], &p[i]) == 0);
	for (int i = 0; i < 2; i++) {
		check(scsi_nexus_init(&w->nexus[i], &port, &port, map, 2) == 0);
		scsi_view_build(&w->nexus[i], &w->view[i]);
	}
}

static void world_deinit(struct world *w)
{
	for (int i = 0; i < 2; i++)
		scsi_nexus_deinit(&w->nexus[i]);
	for (int i = 0; i < 2; i++)
		scsi_lu_deinit(&w->lu[i]);
}

static void check_act(const struct scsi_task *t, const struct scsi_act *a)
{
	uint64_t size;

	if (a->type == SCSI_ACT_FLUSH)
		return;
	if (a->type == SCSI_ACT_FETCH) {
		check(a->len_bytes && a->len_bytes <= t->data_cap && a->len_bytes <= t->out_len);
		return;
	}
	check(t->lu);
	size = t->lu->n_blocks << t->lu->block_shift;
	check(a->len_bytes && a->off_bytes <= size && a->len_bytes <= size - a->off_bytes);
	check((a->off_bytes | a->len_bytes) % t->lu->block_bytes == 0);
	if (a->type == SCSI_ACT_READ)
		check(a->len_bytes <= t->in_len);
	if (a->type == SCSI_ACT_WRITE || a->type == SCSI_ACT_COMPARE)
		check(a->len_bytes <= t->out_len);
	if (a->type == SCSI_ACT_WRITE || a->type == SCSI_ACT_UNMAP ||
	    a->type == SCSI_ACT_WRITE_ZEROES || a->type == SCSI_ACT_WRITE_SAME)
		check(!t->lu->read_only);
}

static struct scsi_event answer(struct scsi_task *t, const struct scsi_act *a, struct cur *out,
				uint8_t control)
{
	struct scsi_event ev = { .type = SCSI_EV_IO_DONE };

	if (a->type == SCSI_ACT_FETCH) {
		ev.type = SCSI_EV_DATA;
		memset(t->data, 0, a->len_bytes);
		cur_copy(out, t->data, min_size(a->len_bytes, cur_left(out)));
	}
	if (control & BIT(3)) {
		ev.result = -(int)(1 + control / 2);
		ev.done_bytes = a->len_bytes / 2;
	}
	return ev;
}

static void run(struct world *w, struct scsi_task *t, struct cur out, uint8_t control)
{
	struct scsi_event ev = { .type = SCSI_EV_START };
	struct scsi_act a;
	unsigned n = 0;

	for (a = scsi_task_step(t, &ev); a.type != SCSI_ACT_COMPLETE; a = scsi_task_step(t, &ev)) {
		check_act(t, &a);
		if (control & BIT(4) && n == 1) {
			ev = (struct scsi_event){ .type = SCSI_EV_ABORT };
			check(scsi_task_step(t, &ev).type == SCSI_ACT_NONE);
		}
		ev = answer(t, &a, &out, control);
		/* a piece is a large part of a limit, so no command may take many of them */
		check(n++ < 70000);
	}
	check(t->data_len <= t->in_len && t->data_len <= t->data_cap);
	check(t->sense_len <= SENSE_MAX_BYTES);
	check((t->status == SCSI_STATUS_CHECK_CONDITION) == (t->sense_len != 0));
	if (a.changed)
		for (int i = 0; i < 2; i++)
			scsi_view_build(&w->nexus[i], &w->view[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t luns[4][8] = { { 0 }, { 0, 1 }, { 0x40, 9 }, { 0xc1, 0x01 } };
	static struct world w;
	static uint8_t buf[SCSI_DATA_MIN_BYTES];
	struct cur in = cur_of(data, len);

	world_init(&w);
	for (unsigned i = 0; i < 64 && cur_left(&in) >= 22; i++) {
		uint8_t control = cur_u8(&in);
		unsigned nexus = control >> 2 & 1;
		struct scsi_task t;
		size_t n;

		if (control & BIT(5)) {
			world_deinit(&w);
			world_init(&w);
		}
		memset(&t, 0xa5, sizeof(t));
		cur_copy(&in, t.cdb, sizeof(t.cdb));
		memcpy(t.lun, luns[control & 3], 8);
		t.attr = control >> 6;
		t.in_len = cur_be16(&in);
		t.out_len = cur_be16(&in);
		t.nexus = &w.nexus[nexus];
		t.data = buf;
		t.data_cap = sizeof(buf);
		n = min_size(cur_u8(&in), cur_left(&in));
		(void)scsi_route(&w.view[nexus], &t);
		run(&w, &t, cur_of(cur_take(&in, n), n), control);
	}
	world_deinit(&w);
	return 0;
}
