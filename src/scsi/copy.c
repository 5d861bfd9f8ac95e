/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a unit remembers of the copies that were sent to it. */
#include "scsi/copy.h"

#include "scsi/cmd.h"

/* The note to be written over: a free one, else the one that has ended and is the oldest; NULL: all run. */
static struct scsi_copy_note *note_take(struct scsi_copies *c)
{
	struct scsi_copy_note *best = NULL;

	for (unsigned i = 0; i < SCSI_COPY_NOTES; i++) {
		struct scsi_copy_note *n = &c->note[i];

		if (n->status == SCSI_COPY_NONE)
			return n;
		if (n->status != SCSI_COPY_RUNS && (!best || n->seq < best->seq))
			best = n;
	}
	return best;
}

bool copy_note_begin(struct scsi_task *t, uint32_t list_id)
{
	struct scsi_copies *c = &t->lu->copies;
	struct scsi_copy_note *n = copy_note_same(t, list_id);

	if (!n) /* else the identifier is used again, and means the new one */
		n = note_take(c);
	if (!n)
		return false;
	*n = (struct scsi_copy_note){ .nexus = t->nexus,
				      .list_id = list_id,
				      .service_action = t->cmd->service_action,
				      .status = SCSI_COPY_RUNS,
				      .seq = ++c->seq };
	t->copy.note = n;
	return true;
}

void copy_note_end(struct scsi_task *t)
{
	struct scsi_copy_note *n = t->copy.note;

	t->copy.note = NULL;
	if (!n->nexus) {
		n->status = SCSI_COPY_NONE;
		return;
	}
	n->status = t->status == SCSI_STATUS_GOOD ? SCSI_COPY_DONE : SCSI_COPY_FAILED;
	n->sense_len = t->sense_len;
	memcpy(n->sense, t->sense, t->sense_len);
}

struct scsi_copy_note *copy_note_find(const struct scsi_task *t, uint8_t service_action,
				      uint32_t list_id)
{
	struct scsi_copies *c = &t->lu->copies;

	for (unsigned i = 0; i < SCSI_COPY_NOTES; i++) {
		struct scsi_copy_note *n = &c->note[i];

		if (n->status != SCSI_COPY_NONE && n->nexus == t->nexus && n->list_id == list_id &&
		    n->service_action == service_action)
			return n;
	}
	return NULL;
}

struct scsi_copy_note *copy_note_lid4(const struct scsi_task *t, uint32_t list_id)
{
	static const uint8_t service_actions[] = { SCSI_COPY_OUT_LID4, SCSI_COPY_OUT_POPULATE_TOKEN,
						   SCSI_COPY_OUT_USING_TOKEN };

	for (size_t i = 0; i < ARRAY_SIZE(service_actions); i++) {
		struct scsi_copy_note *n = copy_note_find(t, service_actions[i], list_id);

		if (n)
			return n;
	}
	return NULL;
}

struct scsi_copy_note *copy_note_same(const struct scsi_task *t, uint32_t list_id)
{
	if (t->cmd->service_action == SCSI_COPY_OUT_LID1)
		return copy_note_find(t, SCSI_COPY_OUT_LID1, list_id);
	return copy_note_lid4(t, list_id);
}

void copy_note_told(struct scsi_copy_note *n)
{
	bool details = n->status == SCSI_COPY_FAILED && n->service_action == SCSI_COPY_OUT_LID1;

	if (n->status == SCSI_COPY_RUNS)
		return;
	n->told = details;
	if (!details)
		n->status = SCSI_COPY_NONE;
}

void copy_notes_forget(struct scsi_lu *lu, const struct scsi_nexus *nexus)
{
	for (unsigned i = 0; i < SCSI_COPY_NOTES; i++) {
		struct scsi_copy_note *n = &lu->copies.note[i];

		if (nexus && n->nexus != nexus)
			continue;
		n->nexus = NULL; /* one that runs is free when it has ended */
		if (n->status != SCSI_COPY_RUNS)
			n->status = SCSI_COPY_NONE;
	}
}
