/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/testrig.h"

#include <errno.h>
#include <stdlib.h>

#include "scsi/answer.h"

const uint8_t rig_lun0[8] = { 0 };
const uint8_t rig_lun1[8] = { 0, 1 };
const uint8_t rig_lun7[8] = { 0, 7 };
const uint8_t rig_well_known[8] = { 0xc1, 0x01 };

static void make_groups(struct rig *r)
{
	const struct scsi_tpgs groups = {
		.n = 2,
		.n_ports = 3,
		.tpg = { { .id = RIG_TPG, .preferred = true }, { .id = RIG_TPG_OTHER } },
		.port = { { 1, 0 }, { 2, 1 }, { 9, 1 } },
		/* used by a group only when it is LBA-dependent: each has one half */
		.n_segments = 2,
		.segment = { { 0, { SCSI_ALUA_OPTIMIZED, SCSI_ALUA_STANDBY } },
			     { RIG_BLOCKS / 2, { SCSI_ALUA_UNAVAILABLE, SCSI_ALUA_OPTIMIZED } } },
	};

	scsi_alua_init(&r->alua);
	assert_true(scsi_alua_configure(&r->alua, &groups));
	assert_true(scsi_lu_set_alua(&r->lu[0], &r->alua, true));
}

struct rig *rig_new(void)
{
	struct scsi_lu_params small = { .serial = "SN-0001",
					.naa = { 0x60, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
						 14, 15 },
					.block_bytes = 512,
					.physical_block_bytes = 4096,
					.size_bytes = RIG_DISK_LEN + 100,
					.unmap_grain_bytes = 4096,
					.atomic_bytes = UINT32_MAX,
					.write_cache = true };
	struct scsi_lu_params big = { .vendor = "ACME",
				      .product = "Big Blocks",
				      .revision = "42",
				      .serial = "SN-0002",
				      .naa = { 0x31, 2, 3, 4, 5, 6, 7, 8 },
				      .block_bytes = 4096,
				      .size_bytes = RIG_DISK_LEN,
				      .max_transfer_bytes = 256 << 10,
				      .rotational = true,
				      .descriptor_sense = true };
	struct scsi_port initiator = { .protocol = 4, .designator_type = 2, .name_len = 16 };
	struct scsi_port target = { .protocol = 4,
				    .designator_type = 2,
				    .name_len = 16,
				    .name = { 0xaa, 0xbb },
				    .relative_id = 1 };
	struct rig *r = calloc(1, sizeof(*r));
	struct scsi_map_entry map[2];

	assert_non_null(r);
	r->ports = (struct scsi_ports){ .n = 2, .id = { 1, 2 } };
	small.ports = &r->ports;
	assert_int_equal(scsi_lu_init(&r->lu[0], &small), 0);
	assert_int_equal(scsi_lu_init(&r->lu[1], &big), 0);
	make_groups(r);
	map[0] = (struct scsi_map_entry){ .lu = &r->lu[0], .lun = 0 };
	map[1] = (struct scsi_map_entry){ .lu = &r->lu[1], .lun = 1 };
	for (int i = 0; i < 2; i++) {
		initiator.name[15] = (uint8_t)(i + 1);
		assert_int_equal(scsi_nexus_init(&r->nexus[i], &initiator, &target, map, 2), 0);
	}
	rig_views(r);
	return r;
}

struct rig *rig_new_quiet(void)
{
	struct rig *r = rig_new();

	for (int i = 0; i < 2; i++)
		for (int lun = 0; lun < 2; lun++)
			assert_int_equal(scsi_uas_pop(&r->nexus[i].lun[lun].uas), SCSI_UA_POWER_ON);
	rig_views(r);
	return r;
}

struct rig *rig_new_filled(void)
{
	struct rig *r = rig_new_quiet();

	for (size_t i = 0; i < RIG_DISK_LEN; i++) {
		r->disk[0][i] = (uint8_t)(i * 7 + (i >> 9));
		r->disk[1][i] = (uint8_t)(i * 3 + (i >> 12));
	}
	return r;
}

void rig_free(struct rig *r)
{
	for (int i = 0; i < 2; i++)
		scsi_nexus_deinit(&r->nexus[i]);
	for (int i = 0; i < 2; i++)
		scsi_lu_deinit(&r->lu[i]);
	scsi_alua_deinit(&r->alua);
	free(r);
}

void rig_views(struct rig *r)
{
	for (int i = 0; i < 2; i++)
		scsi_view_build(&r->nexus[i], &r->view[i]);
}

static void same(uint8_t *at, const uint8_t *pattern, size_t block, uint64_t len)
{
	for (uint64_t i = 0; i < len; i += block)
		memcpy(at + i, pattern, block);
}

static void compare(const uint8_t *at, const uint8_t *out, uint64_t len, struct scsi_event *ev)
{
	for (uint64_t i = 0; i < len && !ev->result; i++) {
		if (at[i] != out[i]) {
			ev->result = -EILSEQ;
			ev->done_bytes = i;
		}
	}
}

static uint8_t *disk_of(struct rig *r, const struct scsi_lu *lu)
{
	return r->disk[lu == &r->lu[1]];
}

static void check_inside(const struct scsi_lu *lu, uint64_t off_bytes, uint64_t len_bytes)
{
	uint64_t size = lu->n_blocks << lu->block_shift;

	assert_true(len_bytes > 0);
	assert_int_equal(off_bytes % lu->block_bytes, 0);
	assert_int_equal(len_bytes % lu->block_bytes, 0);
	assert_true(off_bytes <= size && len_bytes <= size - off_bytes);
}

/* Every range must be whole blocks inside the unit, and long ones must come in pieces. */
static void check_range(const struct rig *r, const struct scsi_act *a)
{
	check_inside(a->type == SCSI_ACT_COPY ? r->t.copy.to : r->t.lu, a->off_bytes, a->len_bytes);
	switch (a->type) {
	case SCSI_ACT_COPY:
		check_inside(r->t.copy.from, r->t.copy.from_bytes, a->len_bytes);
		assert_true(a->len_bytes <= SCSI_COPY_BYTES);
		break;
	case SCSI_ACT_READ:
	case SCSI_ACT_READ_WRONG:
		assert_true(a->len_bytes <= r->t.in_len);
		break;
	case SCSI_ACT_WRITE:
	case SCSI_ACT_COMPARE:
	case SCSI_ACT_OR_WRITE:
		assert_true(a->len_bytes <= r->t.out_len);
		assert_true(!a->whole || a->len_bytes <= SCSI_ATOMIC_BYTES);
		break;
	case SCSI_ACT_COMPARE_AND_WRITE:
		assert_true(2 * a->len_bytes <= r->t.out_len && a->len_bytes <= SCSI_CAW_BYTES);
		break;
	case SCSI_ACT_VERIFY:
	case SCSI_ACT_COMPARE_SAME:
	case SCSI_ACT_WRITE_SAME:
		assert_true(a->len_bytes <= SCSI_PIECE_BYTES);
		break;
	default:
		assert_true(a->len_bytes <= SCSI_PIECE_TRIM);
	}
}

/* Nobody copies to where the nexus may not write. */
static void check_copy_protected(const struct rig *r)
{
	bool may = false;

	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++)
		may |= r->t.nexus->lun[i].lu == r->t.copy.to &&
		       !(scsi_nexus_at(r->t.nexus, i).flags & SCSI_VIEW_READ_ONLY);
	assert_true(may);
}

static void check_protected(const struct rig *r, const struct scsi_act *a)
{
	if (a->type == SCSI_ACT_COPY)
		check_copy_protected(r);
	if (a->type == SCSI_ACT_WRITE || a->type == SCSI_ACT_UNMAP ||
	    a->type == SCSI_ACT_WRITE_ZEROES || a->type == SCSI_ACT_WRITE_SAME ||
	    a->type == SCSI_ACT_COMPARE_AND_WRITE || a->type == SCSI_ACT_OR_WRITE)
		assert_false(r->t.view_flags & SCSI_VIEW_READ_ONLY);
}

static void check_alone(const struct rig *r, const struct scsi_act *a)
{
	const struct scsi_hold *h = hold_find(&r->t.lu->order.holds, &r->t);

	if (!h) {
		fail();
		return;
	}
	assert_true(h->state == SCSI_HOLD_SURE && r->t.lu->order.n_enabled == 1);
	assert_true(a->off_bytes >= h->range.lba << r->t.lu->block_shift);
	assert_true(a->off_bytes + a->len_bytes <= h->range.end << r->t.lu->block_shift);
}

static void give_room(struct rig *r)
{
	if (r->unmap)
		assert_int_equal(scsi_nexus_remap(r->t.nexus, NULL, 0), 1);
	r->unmap = false;
	assert_true(scsi_task_data_bytes(&r->t) <= sizeof(r->data));
	r->t.data = r->data;
	r->t.data_cap = scsi_task_data_bytes(&r->t);
}

/* Pages of zeroes are holes. */
static void extent(const struct rig *r, const struct scsi_act *a, struct scsi_event *ev)
{
	const uint8_t *disk = r->disk[r->t.lu == &r->lu[1]];
	uint64_t at = a->off_bytes;
	bool first = mem_is_zero(disk + at, 512);

	while (at < a->off_bytes + a->len_bytes && mem_is_zero(disk + at, 512) == first)
		at += 512;
	ev->result = first;
	ev->done_bytes = at - a->off_bytes;
}

/* Do on the medium what @a says, and return the event that answers it. */
static struct scsi_event carry_out(struct rig *r, const struct scsi_act *a)
{
	struct scsi_event ev = { .type = SCSI_EV_IO_DONE };
	uint8_t *at = disk_of(r, r->t.lu) + a->off_bytes;

	if (a->type == SCSI_ACT_FETCH) {
		give_room(r);
		assert_true(a->len_bytes && a->len_bytes <= r->t.out_len &&
			    a->len_bytes <= r->t.data_cap);
		memcpy(r->t.data, r->out, a->len_bytes);
		ev.type = SCSI_EV_DATA;
	} else if (a->type != SCSI_ACT_FLUSH) {
		check_range(r, a);
		check_protected(r, a);
	}
	if (a->type == r->fail_type) {
		ev.result = r->fail_result;
		ev.done_bytes = r->fail_done;
		r->fail_type = SCSI_ACT_NONE;
		return ev;
	}
	switch (a->type) {
	case SCSI_ACT_READ:
	case SCSI_ACT_READ_WRONG:
		memcpy(r->in, at, a->len_bytes);
		r->moved = a->len_bytes;
		break;
	case SCSI_ACT_WRITE:
		if (a->whole)
			check_alone(r, a);
		memcpy(at, r->out, a->len_bytes);
		break;
	case SCSI_ACT_UNMAP:
	case SCSI_ACT_WRITE_ZEROES:
		memset(at, 0, a->len_bytes);
		break;
	case SCSI_ACT_WRITE_SAME:
		same(at, r->t.data, r->t.lu->block_bytes, a->len_bytes);
		break;
	case SCSI_ACT_COMPARE_SAME:
		for (uint64_t i = 0; i < a->len_bytes && !ev.result; i += r->t.lu->block_bytes) {
			compare(at + i, r->t.data, r->t.lu->block_bytes, &ev);
			ev.done_bytes += ev.result ? i : 0;
		}
		break;
	case SCSI_ACT_EXTENT:
		extent(r, a, &ev);
		break;
	case SCSI_ACT_COPY:
		memmove(disk_of(r, r->t.copy.to) + a->off_bytes,
			disk_of(r, r->t.copy.from) + r->t.copy.from_bytes, a->len_bytes);
		break;
	case SCSI_ACT_COMPARE:
		compare(at, r->out, a->len_bytes, &ev);
		break;
	case SCSI_ACT_COMPARE_AND_WRITE:
		check_alone(r, a);
		compare(at, r->out, a->len_bytes, &ev);
		if (!ev.result)
			memcpy(at, r->out + a->len_bytes, a->len_bytes);
		break;
	case SCSI_ACT_OR_WRITE:
		check_alone(r, a);
		for (uint64_t i = 0; i < a->len_bytes; i++)
			at[i] |= r->out[i];
		break;
	default:
		break;
	}
	return ev;
}

/* What must be true of every answer. */
static void check_answer(const struct rig *r)
{
	const struct scsi_task *t = &r->t;

	assert_int_equal(t->phase, SCSI_PHASE_DONE);
	assert_true(t->data_len <= t->in_len && t->data_len <= t->data_cap);
	assert_true(t->in_resid >= answer_resid(0, t->in_len));
	assert_true(t->out_resid >= answer_resid(0, t->out_len));
	if (t->aborted)
		return;
	assert_int_equal(t->status == SCSI_STATUS_CHECK_CONDITION, t->sense_len != 0);
	if (t->status == SCSI_STATUS_GOOD && t->in_resid <= 0)
		assert_int_equal((int64_t)(t->data_len + r->moved),
				 (int64_t)t->in_len + t->in_resid);
	if (t->sense_len)
		(void)rig_sense(r);
}

static int erase_piece(struct rig *r, unsigned unit, const struct scsi_erase_act *a)
{
	struct scsi_lu *lu = &r->lu[unit];
	uint8_t *at = r->disk[unit] + a->off_bytes;

	if (a->len_bytes) {
		assert_true(a->off_bytes % lu->block_bytes == 0 &&
			    a->len_bytes % lu->block_bytes == 0);
		assert_true(a->off_bytes + a->len_bytes <= lu->n_blocks << lu->block_shift);
		assert_true(a->len_bytes <= (a->type == SCSI_ERASE_WRITE ? SCSI_ERASE_WRITE_BYTES
									 : SCSI_ERASE_PIECE_BYTES));
	}
	if (++r->erased == r->erase_fail_at)
		return -EIO;
	switch (a->type) {
	case SCSI_ERASE_UNMAP:
	case SCSI_ERASE_ZERO:
		memset(at, 0, a->len_bytes);
		break;
	case SCSI_ERASE_WRITE:
		scsi_erase_fill(lu, at, a->len_bytes);
		break;
	case SCSI_ERASE_SAVE:
		assert_true(lu->keeps);
		r->saves++;
		r->saved_len = scsi_lu_save(lu, r->saved);
		break;
	case SCSI_ERASE_FLUSH:
	case SCSI_ERASE_END:
		break;
	}
	return 0;
}

bool rig_erase(struct rig *r, unsigned unit, unsigned max)
{
	for (; max; max--) {
		struct scsi_erase_act a = scsi_erase_next(&r->lu[unit]);

		rig_views(r);
		if (a.type == SCSI_ERASE_END)
			return true;
		scsi_erase_done(&r->lu[unit], erase_piece(r, unit, &a));
	}
	return false;
}

/* What the units ask for; the only task there is may be told to go on. */
static void drain(struct rig *r)
{
	struct scsi_task *t;
	enum scsi_ask ask;
	int last = 1; /* of those that are still to be asked */

	for (int i = 0; i <= last; i++) {
		struct scsi_lu *lu = &r->lu[i & 1];

		while (!r->go && (ask = scsi_lu_next(lu, &t)) != SCSI_ASK_NOTHING) {
			rig_views(r);
			if (ask == SCSI_ASK_GATHER) {
				r->gathers++;
				scsi_lu_gathered(lu);
			} else if (ask == SCSI_ASK_HOLD) {
				scsi_lu_held(lu);
			} else if (ask == SCSI_ASK_ERASE && !r->erase_later) {
				assert_true(rig_erase(r, (unsigned)(i & 1), UINT32_MAX));
			} else if (ask == SCSI_ASK_OTHER) {
				last = i + 1;
			} else if (ask == SCSI_ASK_GO) {
				assert_ptr_equal(t, &r->t);
				r->go = true;
			}
		}
	}
}

static struct scsi_act step(struct rig *r, struct scsi_event ev)
{
	struct scsi_act a;
	struct scsi_nexus *nexus = r->t.nexus;

	if (r->t.route == SCSI_ROUTE_LOCAL)
		r->t.nexus = NULL; /* a local command that looks at home's objects crashes here */
	a = scsi_task_step(&r->t, &ev);
	r->t.nexus = nexus;
	if (a.changed)
		rig_views(r);
	if (a.changed == SCSI_CHANGED_LU)
		assert_true(a.type == SCSI_ACT_COMPLETE || a.type == SCSI_ACT_CLEAR);
	drain(r);
	r->changed = a.changed > r->changed ? a.changed : r->changed;
	return a;
}

/* Set the in-part of r->t and route it. */
static void begin(struct rig *r, const struct scsi_task *in)
{
	struct scsi_task *t = &r->t;
	struct scsi_view *view = &r->view[in->nexus - r->nexus];

	memset(t, 0xa5, sizeof(*t)); /* nothing may depend on what a task held before */
	memcpy(t->cdb, in->cdb, sizeof(t->cdb));
	memcpy(t->lun, in->lun, sizeof(t->lun));
	t->attr = r->attr;
	t->in_len = in->in_len;
	t->out_len = in->out_len;
	t->nexus = in->nexus;
	t->data = NULL;
	t->data_cap = 0;
	r->go = false;
	r->n_acts = 0;
	r->moved = 0;
	r->changed = SCSI_CHANGED_NOTHING;
	r->route = scsi_route(view, t);
	if (r->force_home)
		scsi_route_home(t);
}

static struct scsi_event set_states(struct rig *r)
{
	struct scsi_event ev = { .type = SCSI_EV_STATES };
	struct scsi_tpg_want want[SCSI_TPG_MAX];
	unsigned n = scsi_task_wants(&r->t, want);

	assert_true(n > 0);
	r->sets++;
	if (r->fail_type == SCSI_ACT_SET_STATES) {
		r->fail_type = SCSI_ACT_NONE;
		ev.result = r->fail_result;
		return ev;
	}
	assert_true(
		scsi_alua_set(r->t.lu->alua, want, n, SCSI_ALUA_BY_COMMAND, scsi_task_at(&r->t)));
	rig_views(r);
	return ev;
}

/* The actions that are not I/O: false when @a is none of them. */
static bool other_act(struct rig *r, struct scsi_act *a)
{
	struct scsi_event ev = { .type = SCSI_EV_ROOM };
	struct scsi_tmf m;

	switch (a->type) {
	case SCSI_ACT_ROOM:
		if (r->abort_room)
			(void)step(r, (struct scsi_event){ .type = SCSI_EV_ABORT });
		give_room(r);
		if (r->fail_type == SCSI_ACT_ROOM) {
			ev.result = r->fail_result;
			r->fail_type = SCSI_ACT_NONE;
		}
		break;
	case SCSI_ACT_COUNT:
		r->t.lu->counters = r->counters;
		ev.type = SCSI_EV_COUNTED;
		break;
	case SCSI_ACT_TOKEN:
		scsi_tokens_age(r->t.lu, r->now_ns);
		ev.type = SCSI_EV_TOKEN;
		if (r->fail_type == SCSI_ACT_TOKEN) {
			ev.result = r->fail_result;
			r->fail_type = SCSI_ACT_NONE;
			break;
		}
		for (unsigned i = 0; i < SCSI_TOKEN_RANDOM_BYTES; i++)
			r->t.lu->tokens.fresh[i] = (uint8_t)(i + r->tokens);
		r->tokens++;
		break;
	case SCSI_ACT_SAVE:
		assert_true(r->t.lu->keeps);
		r->saves++;
		r->saved_len = scsi_lu_save(r->t.lu, r->saved);
		ev.type = SCSI_EV_SAVED;
		if (r->fail_type == SCSI_ACT_SAVE) {
			ev.result = r->fail_result;
			r->fail_type = SCSI_ACT_NONE;
		}
		break;
	case SCSI_ACT_SET_STATES:
		ev = set_states(r);
		break;
	case SCSI_ACT_HOLD:
		r->held++;
		if (r->abort_held)
			assert_int_equal(step(r, (struct scsi_event){ .type = SCSI_EV_ABORT }).type,
					 SCSI_ACT_NONE);
		ev.type = SCSI_EV_HELD;
		break;
	case SCSI_ACT_WAIT:
		assert_true(r->go); /* nobody else is there to wait for */
		r->go = false;
		ev.type = SCSI_EV_GO;
		break;
	case SCSI_ACT_CLEAR:
		scsi_task_clear(&m, &r->t);
		assert_false(scsi_tmf_means(&m, &r->t, r->t.lu));
		(void)scsi_tmf_finish(&m);
		ev.type = SCSI_EV_CLEARED;
		break;
	default:
		return false;
	}
	*a = step(r, ev);
	return true;
}

/* Note action @a, perhaps abort, carry it out and give its event. */
static struct scsi_act go_on(struct rig *r, const struct scsi_act *a)
{
	void (*meanwhile)(struct rig *) = r->meanwhile;

	if (r->n_acts < RIG_ACTS)
		r->acts[r->n_acts] = *a;
	r->n_acts++;
	if (r->n_acts == r->abort_at) {
		struct scsi_act none = step(r, (struct scsi_event){ .type = SCSI_EV_ABORT });

		assert_int_equal(none.type, SCSI_ACT_NONE);
	}
	if (meanwhile && a->type != SCSI_ACT_FETCH) {
		r->meanwhile = NULL;
		meanwhile(r);
	}
	return step(r, carry_out(r, a));
}

enum scsi_changed rig_tmf(struct rig *r, enum scsi_tmf_fn fn, unsigned nexus, const uint8_t *lun)
{
	struct scsi_tmf m = { .fn = fn, .nexus = &r->nexus[nexus] };
	enum scsi_changed changed;

	memcpy(m.lun, lun, sizeof(m.lun));
	scsi_tmf_start(&m);
	changed = scsi_tmf_finish(&m);
	drain(r);
	rig_views(r);
	return changed;
}

void rig_clear_aca(struct rig *r)
{
	for (unsigned i = 0; i < 2; i++) {
		(void)rig_tmf(r, SCSI_TMF_CLEAR_ACA, i, rig_lun0);
		(void)rig_tmf(r, SCSI_TMF_CLEAR_ACA, i, rig_lun1);
	}
}

uint8_t rig_mode_select(struct rig *r, const uint8_t *lun, uint8_t page, const uint8_t *body,
			size_t len)
{
	memset(r->out, 0, 4);
	r->out[4] = page;
	r->out[5] = (uint8_t)len;
	memcpy(r->out + 6, body, len);
	return rig_run(r, lun, CDB(0x15, 0x10, 0, 0, (uint8_t)(6 + len), 0), 0, 6 + len);
}

struct rig *rig_from(struct rig *r, unsigned nexus)
{
	r->from = nexus;
	return r;
}

uint8_t rig_run(struct rig *r, const uint8_t *lun, const uint8_t *cdb, size_t cdb_len,
		uint64_t in_len, uint64_t out_len)
{
	struct scsi_task in = { .in_len = in_len, .out_len = out_len, .nexus = &r->nexus[r->from] };
	struct scsi_act a;

	memcpy(in.cdb, cdb, cdb_len);
	memcpy(in.lun, lun, sizeof(in.lun));
	begin(r, &in);
	if (r->fault)
		r->t.fault = *r->fault;
	a = step(r, (struct scsi_event){ .type = r->fault ? SCSI_EV_FAULT : SCSI_EV_START });
	while (a.type != SCSI_ACT_COMPLETE)
		if (!other_act(r, &a))
			a = go_on(r, &a);
	assert_false(r->go);
	if (!r->abort_room && !r->abort_held)
		assert_int_equal(r->t.aborted, r->abort_at && r->n_acts >= r->abort_at);
	check_answer(r);
	if (r->t.data_len)
		memcpy(r->in, r->t.data, r->t.data_len);
	return r->t.status;
}

struct sense rig_sense(const struct rig *r)
{
	struct sense s;

	assert_int_equal(r->t.status, SCSI_STATUS_CHECK_CONDITION);
	assert_int_equal(sense_decode(r->t.sense, r->t.sense_len, &s), 0);
	return s;
}

void rig_expect_sense(const struct rig *r, uint8_t key, unsigned asc)
{
	struct sense s = rig_sense(r);

	assert_int_equal(s.key, key);
	assert_int_equal(s.asc, asc);
	assert_int_equal(s.descriptor, r->t.lu && r->t.view_flags & SCSI_VIEW_D_SENSE);
}

uint8_t rig_rw(struct rig *r, uint8_t opcode, uint8_t flags, struct cdb_range at, uint64_t in,
	       uint64_t out)
{
	uint8_t cdb[CDB_MAX_BYTES] = { opcode };

	if (opcode >> 5 == 0) {
		put_be24(cdb + 1, (uint32_t)at.lba);
		cdb[4] = (uint8_t)at.n_blocks;
	} else {
		assert_true(cdb_put_rw(cdb, opcode, flags, at) != 0);
	}
	return rig_run(r, rig_lun0, cdb, sizeof(cdb), in, out);
}
