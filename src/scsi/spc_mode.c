/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* MODE SENSE(6) and (10): SPC-5 6.14, 6.15; pages in SPC-5 7.5 and SBC-4 6.5. */
#include "scsi/spc.h"

#define MODE_MAX      512u
#define PAGE_ALL      0x3f
#define SUBPAGE_ALL   0xff
#define DEVICE_WP     0x80 /* device-specific parameter, SBC-4 6.5.1 */
#define DEVICE_DPOFUA 0x10
#define LLBAA         0x10
#define DBD           0x08
#define PC_CHANGEABLE 1
#define PC_SAVED      3
#define PAGE_BODY_MAX 0x12

struct mode_page {
	uint8_t code;
	uint8_t len; /* of the body, after code and length */
	void (*put)(uint8_t *body, const struct scsi_lu *lu);
};

static void put_error_recovery(uint8_t *body, const struct scsi_lu *lu)
{
	/* all zero: errors are reported as they come, retries are the store's own */
	(void)body;
	(void)lu;
}

static void put_caching(uint8_t *body, const struct scsi_lu *lu)
{
	body[0] = lu->write_cache ? 0x04 : 0; /* WCE */
}

static void put_control(uint8_t *body, const struct scsi_lu *lu)
{
	body[0] = (uint8_t)((lu->descriptor_sense ? 0x04 : 0) | 0x02); /* TST 0, D_SENSE, GLTSD */
	body[1] = 0x10;             /* unrestricted reordering; QERR 0 */
	put_be16(body + 6, 0xffff); /* busy timeout: not limited */
}

static void put_exceptions(uint8_t *body, const struct scsi_lu *lu)
{
	(void)lu;
	body[0] = 0x08; /* DEXCPT: none are reported */
}

static const struct mode_page mode_pages[] = {
	{ 0x01, 0x0a, put_error_recovery },
	{ 0x08, 0x12, put_caching },
	{ 0x0a, 0x0a, put_control },
	{ 0x1c, 0x0a, put_exceptions },
};

/* Values of the pages that are asked for; nothing can be changed, so that mask is all zero. */
static bool put_pages(struct pen *out, const struct scsi_task *t)
{
	uint8_t code = t->cdb[2] & 0x3f;
	bool changeable = t->cdb[2] >> 6 == PC_CHANGEABLE;
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(mode_pages); i++) {
		const struct mode_page *p = &mode_pages[i];
		uint8_t body[PAGE_BODY_MAX] = { 0 };

		if (code != PAGE_ALL && code != p->code)
			continue;
		any = true;
		if (!changeable)
			p->put(body, t->lu);
		pen_u8(out, p->code);
		pen_u8(out, p->len);
		pen_copy(out, body, p->len);
	}
	return any;
}

static void put_block_descriptor(struct pen *out, const struct scsi_task *t, bool longlba)
{
	if (longlba) {
		pen_be64(out, t->n_blocks);
		pen_be32(out, 0);
		pen_be32(out, t->lu->block_bytes);
		return;
	}
	pen_be32(out, t->n_blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)t->n_blocks);
	pen_be32(out, t->lu->block_bytes);
}

/* Both commands differ in the header only: @header bytes, of which the length does not count itself. */
static struct scsi_act mode_sense(struct scsi_task *t, size_t header, size_t alloc_len)
{
	struct pen out = pen_of(t->data, MODE_MAX);
	bool longlba = header == 8 && t->cdb[1] & LLBAA;
	uint8_t device =
		t->view_flags & SCSI_VIEW_READ_ONLY ? DEVICE_WP | DEVICE_DPOFUA : DEVICE_DPOFUA;
	size_t desc;

	if (t->cdb[3] && t->cdb[3] != SUBPAGE_ALL)
		return answer_bad_cdb(t, 3, ANSWER_NO_BIT);
	if (t->cdb[2] >> 6 == PC_SAVED)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED);
	pen_zero(&out, header);
	if (!(t->cdb[1] & DBD))
		put_block_descriptor(&out, t, longlba);
	desc = out.pos - header;
	if (!put_pages(&out, t))
		return answer_bad_cdb(t, 2, 5);
	check(!out.bad);
	if (header == 4) {
		check(out.pos <= 256);
		t->data[0] = (uint8_t)(out.pos - 1);
		t->data[2] = device;
		t->data[3] = (uint8_t)desc;
	} else {
		put_be16(t->data, (uint16_t)(out.pos - 2));
		t->data[3] = device;
		t->data[4] = longlba;
		put_be16(t->data + 6, (uint16_t)desc);
	}
	return answer_data(t, out.pos, alloc_len);
}

struct scsi_act spc_mode_sense_6(struct scsi_task *t)
{
	return mode_sense(t, 4, t->cdb[4]);
}

struct scsi_act spc_mode_sense_10(struct scsi_task *t)
{
	return mode_sense(t, 8, get_be16(t->cdb + 7));
}
