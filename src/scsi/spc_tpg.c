/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* REPORT and SET TARGET PORT GROUPS: SPC-5 6.37, 6.46. */
#include "scsi/spc.h"

#define FORMAT_LENGTH_ONLY 0 /* CDB byte 1, bits 7-5 */
#define FORMAT_EXTENDED    1
#define RTPG_EXTENDED      0x10 /* the header's format */
#define PREF               0x80
#define STATES             0xcf /* those that every group can have */
#define LBD_SUP            0x10 /* where there are segments, LBA-dependent */
#define LIST_HEAD          4u
#define LIST_ENTRY         4u

/* --- REPORT --- */

static void put_group(struct pen *out, const struct scsi_tpgs *all, unsigned at)
{
	const struct scsi_tpg *g = &all->tpg[at];
	unsigned n = 0;

	for (unsigned i = 0; i < all->n_ports; i++)
		n += all->port[i].tpg == at;
	pen_u8(out, (uint8_t)((g->preferred ? PREF : 0) | g->state));
	pen_u8(out, all->n_segments ? STATES | LBD_SUP : STATES);
	pen_be16(out, g->id);
	pen_u8(out, 0);
	pen_u8(out, g->by);
	pen_u8(out, 0);
	pen_u8(out, (uint8_t)n);
	for (unsigned i = 0; i < all->n_ports; i++) {
		if (all->port[i].tpg != at)
			continue;
		pen_be16(out, 0);
		pen_be16(out, all->port[i].relative_id);
	}
}

struct scsi_act spc_report_tpgs(struct scsi_task *t)
{
	const struct scsi_tpgs *all = &t->lu->alua->now;
	struct pen out = pen_of(t->data, t->data_cap);
	unsigned format = t->cdb[1] >> 5; /* further bits are not in the usage map */

	pen_be32(&out, 0); /* the length, below */
	if (format == FORMAT_EXTENDED) {
		pen_u8(&out, RTPG_EXTENDED);
		pen_u8(&out, 0); /* how long a transition takes is not known */
		pen_be16(&out, 0);
	}
	for (unsigned i = 0; i < all->n; i++)
		put_group(&out, all, i);
	check(!out.bad);
	put_be32(t->data, (uint32_t)(out.pos - 4));
	return answer_data(t, out.pos, get_be32(t->cdb + 6));
}

/* --- SET --- */

static uint32_t list_len(const struct scsi_task *t)
{
	return get_be32(t->cdb + 6);
}

static struct scsi_tpg_want entry_at(const struct scsi_task *t, uint32_t at)
{
	return (struct scsi_tpg_want){ .id = get_be16(t->data + at + 2),
				       .state = t->data[at] & 0xf };
}

unsigned scsi_task_wants(const struct scsi_task *t, struct scsi_tpg_want *ret)
{
	unsigned n = 0;

	check(t->act == SCSI_ACT_SET_STATES);
	for (uint32_t at = LIST_HEAD; at < list_len(t); at += LIST_ENTRY)
		ret[n++] = entry_at(t, at);
	return n;
}

const struct scsi_itl *scsi_task_at(const struct scsi_task *t)
{
	const struct scsi_itl *itl = answer_itl(t);

	return itl && itl->lu == t->lu ? itl : NULL;
}

/* 0, or the byte of the list that is at fault. */
static uint32_t bad_byte(const struct scsi_task *t, uint32_t at)
{
	struct scsi_tpg_want want = entry_at(t, at);

	/* Offline is a state of ports, transitioning one that nobody asks for; LBA-dependent is the administrator's. */
	if (want.state > SCSI_ALUA_UNAVAILABLE)
		return at;
	if (scsi_alua_find(t->lu->alua, want.id) < 0)
		return at + 2;
	for (uint32_t before = LIST_HEAD; before < at; before += LIST_ENTRY)
		if (entry_at(t, before).id == want.id)
			return at + 2;
	return 0;
}

static struct scsi_act set_list(struct scsi_task *t)
{
	struct scsi_tpg_want want[SCSI_TPG_MAX];
	unsigned n = 0;

	/* While the list was fetched the unit may have been taken away, or its groups. */
	if (!scsi_task_at(t))
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
	if (!scsi_cmd_supported(t->cmd, t->lu))
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	for (uint32_t at = LIST_HEAD; at < list_len(t); at += LIST_ENTRY) {
		uint32_t bad = bad_byte(t, at);

		if (bad)
			return answer_bad_param(t, bad);
		want[n++] = entry_at(t, at);
	}
	t->out_resid = answer_resid(list_len(t), t->out_len);
	if (!scsi_alua_differs(t->lu->alua, want, n))
		return answer_good(t);
	return answer_act(t, SCSI_ACT_SET_STATES, answer_good);
}

struct scsi_act spc_set_tpgs(struct scsi_task *t)
{
	uint32_t len = list_len(t);

	if (!len)
		return answer_good(t);
	if (len < LIST_HEAD || len % LIST_ENTRY || len > SCSI_DATA_MIN_BYTES)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	if (t->out_len < len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, len, set_list);
}
