/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* MODE SENSE(6) and (10): SPC-5 6.14, 6.15; pages in SPC-5 7.5 and SBC-4 6.5. */
#include "scsi/spc_mode.h"

#define MODE_MAX      512u
#define PAGE_ALL      0x3f
#define SUBPAGE_ALL   0xff
#define DEVICE_WP     0x80 /* device-specific parameter, SBC-4 6.5.1 */
#define DEVICE_DPOFUA 0x10
#define LLBAA         0x10
#define DBD           0x08
#define PC_CHANGEABLE 1
#define PAGE_PS       0x80
#define PC_SAVED      3

/* Caching page, byte 2 */
#define CACHING_WCE 0x04
/* Control page: bytes 2 to 5 */
#define CONTROL_TST       0xe0
#define CONTROL_TST_AT    5
#define CONTROL_D_SENSE   0x04
#define CONTROL_GLTSD     0x02
#define CONTROL_REORDER   0xf0
#define CONTROL_REORD_AT  4
#define CONTROL_QERR      0x06
#define CONTROL_QERR_AT   1
#define CONTROL_INTLCK    0x30
#define CONTROL_INTLCK_AT 4
#define CONTROL_SWP       0x08
#define CONTROL_TAS       0x40
/* Control extension page, byte 4: who may change the timestamp */
#define EXTENSION_TCMOS 0x04 /* others than SET TIMESTAMP, */
#define EXTENSION_SCSIP 0x02 /* which has precedence */

/* Read-write error recovery page, byte 7: thresholds are reported */
#define RECOVERY_LBPERE 0x80
/* Logical block provisioning page: where its descriptors begin, in its body, and what they have */
#define THRESHOLDS_AT       12
#define THRESHOLD_ENABLED   0x80
#define THRESHOLD_FALLING   0x02 /* armed when it is passed downwards */
#define THRESHOLD_AVAILABLE 0x01 /* the resource, by its parameter code in log page 0Ch */
#define THRESHOLD_COUNT     4

/* Of pages whose fields have no other meaning here than zero. */
static void put_nothing(uint8_t *body, const struct scsi_lu *lu, const struct scsi_mode *m)
{
	(void)body;
	(void)lu;
	(void)m;
}

static void put_caching(uint8_t *body, const struct scsi_lu *lu, const struct scsi_mode *m)
{
	(void)lu;
	body[0] = m->wce ? CACHING_WCE : 0;
}

static void mask_caching(uint8_t *body, const struct scsi_lu *lu)
{
	/* a store without a cache cannot get one */
	body[0] = lu->write_cache ? CACHING_WCE : 0;
}

static int change_caching(const uint8_t *body, struct scsi_mode *m)
{
	m->wce = body[0] & CACHING_WCE;
	return -1;
}

static void put_control(uint8_t *body, const struct scsi_lu *lu, const struct scsi_mode *m)
{
	(void)lu;
	body[0] = (uint8_t)(m->tst << CONTROL_TST_AT | (m->d_sense ? CONTROL_D_SENSE : 0) |
			    CONTROL_GLTSD);
	body[1] = (uint8_t)(m->reorder << CONTROL_REORD_AT | m->qerr << CONTROL_QERR_AT);
	body[2] = (uint8_t)(m->ua_intlck << CONTROL_INTLCK_AT | (m->swp ? CONTROL_SWP : 0));
	body[3] = m->tas ? CONTROL_TAS : 0;
	put_be16(body + 6, 0xffff); /* busy timeout: not limited */
}

static void mask_control(uint8_t *body, const struct scsi_lu *lu)
{
	(void)lu;
	body[0] = CONTROL_TST | CONTROL_D_SENSE;
	body[1] = CONTROL_REORDER | CONTROL_QERR;
	body[2] = CONTROL_INTLCK | CONTROL_SWP;
	body[3] = CONTROL_TAS;
}

static int change_control(const uint8_t *body, struct scsi_mode *m)
{
	m->tst = (body[0] & CONTROL_TST) >> CONTROL_TST_AT;
	m->d_sense = body[0] & CONTROL_D_SENSE;
	m->reorder = (body[1] & CONTROL_REORDER) >> CONTROL_REORD_AT;
	m->qerr = (body[1] & CONTROL_QERR) >> CONTROL_QERR_AT;
	m->ua_intlck = (body[2] & CONTROL_INTLCK) >> CONTROL_INTLCK_AT;
	m->swp = body[2] & CONTROL_SWP;
	m->tas = body[3] & CONTROL_TAS;
	if (m->tst > 1)
		return 0;
	if (m->reorder > 1 || m->qerr == 2)
		return 1;
	return m->ua_intlck == 1 ? 2 : -1;
}

static void put_exceptions(uint8_t *body, const struct scsi_lu *lu, const struct scsi_mode *m)
{
	(void)lu;
	(void)m;
	body[0] = 0x08; /* DEXCPT: none are reported */
}

static void put_extension(uint8_t *body, const struct scsi_lu *lu, const struct scsi_mode *m)
{
	(void)lu;
	(void)m;
	body[0] = EXTENSION_TCMOS | EXTENSION_SCSIP;
}

/* It is known how much space there is, so the unit can say when it runs out. */
static bool counts_space(const struct scsi_lu *lu)
{
	return scsi_lu_threshold_exponent(lu);
}

static void put_recovery(uint8_t *body, const struct scsi_lu *lu, const struct scsi_mode *m)
{
	(void)m;
	body[5] = counts_space(lu) ? RECOVERY_LBPERE : 0;
}

/* One threshold, a number of sets of the space that is left; SITUA is 0, so every nexus hears of it. */
static void put_thresholds(uint8_t *body, const struct scsi_lu *lu, const struct scsi_mode *m)
{
	uint8_t *d = body + THRESHOLDS_AT;

	(void)lu;
	d[0] = (m->threshold ? THRESHOLD_ENABLED : 0) | THRESHOLD_FALLING;
	d[1] = THRESHOLD_AVAILABLE;
	put_be32(d + THRESHOLD_COUNT, m->threshold_sets);
}

static void mask_thresholds(uint8_t *body, const struct scsi_lu *lu)
{
	(void)lu;
	body[THRESHOLDS_AT] = THRESHOLD_ENABLED;
	put_be32(body + THRESHOLDS_AT + THRESHOLD_COUNT, UINT32_MAX);
}

static int change_thresholds(const uint8_t *body, struct scsi_mode *m)
{
	m->threshold = body[THRESHOLDS_AT] & THRESHOLD_ENABLED;
	m->threshold_sets = get_be32(body + THRESHOLDS_AT + THRESHOLD_COUNT);
	return m->threshold && !m->threshold_sets ? THRESHOLDS_AT + THRESHOLD_COUNT : -1;
}

static const struct mode_page mode_pages[] = {
	/* errors are reported as they come, retries are the store's own */
	{ NULL, 0x01, 0, 0x0a, put_recovery, NULL, NULL },
	{ NULL, 0x02, 0, 0x0e, put_nothing, NULL, NULL }, /* nothing limits a connection */
	{ NULL, 0x07, 0, 0x0a, put_nothing, NULL, NULL }, /* as 01 */
	{ NULL, 0x08, 0, 0x12, put_caching, mask_caching, change_caching },
	{ NULL, 0x0a, 0, 0x0a, put_control, mask_control, change_control },
	{ NULL, 0x0a, 1, 0x1c, put_extension, NULL, NULL },
	{ NULL, 0x1a, 0, 0x26, put_nothing, NULL, NULL }, /* no power condition begins by itself */
	{ NULL, 0x1c, 0, 0x0a, put_exceptions, NULL, NULL },
	{ NULL, 0x1c, 1, 0x0c, put_nothing, NULL, NULL }, /* no scan runs in the background */
	{ counts_space, 0x1c, 2, 0x14, put_thresholds, mask_thresholds, change_thresholds },
};

static bool page_is_there(const struct mode_page *p, const struct scsi_lu *lu)
{
	return !p->there || p->there(lu);
}

const struct mode_page *mode_page_find(const struct scsi_lu *lu, uint8_t code, uint8_t subpage)
{
	for (size_t i = 0; i < ARRAY_SIZE(mode_pages); i++)
		if (mode_pages[i].code == code && mode_pages[i].subpage == subpage &&
		    page_is_there(&mode_pages[i], lu))
			return &mode_pages[i];
	return NULL;
}

static void put_page(struct pen *out, const struct mode_page *p, const struct scsi_task *t)
{
	uint8_t body[MODE_BODY_MAX] = { 0 };
	unsigned pc = t->cdb[2] >> 6;
	const struct scsi_lu *lu = t->lu;
	const struct scsi_mode *const values[] = { &lu->mode, NULL, &lu->mode_default,
						   &lu->mode_saved };

	if (pc != PC_CHANGEABLE)
		p->put(body, lu, values[pc]);
	else if (p->mask)
		p->mask(body, lu);
	pen_u8(out, (uint8_t)(p->code | (lu->keeps && p->mask ? PAGE_PS : 0) |
			      (p->subpage ? MODE_PAGE_SPF : 0)));
	if (p->subpage) {
		pen_u8(out, p->subpage);
		pen_be16(out, p->len);
	} else {
		pen_u8(out, p->len);
	}
	pen_copy(out, body, p->len);
}

/* The pages that are asked for; false when there is none. */
static bool put_pages(struct pen *out, const struct scsi_task *t)
{
	uint8_t code = t->cdb[2] & 0x3f;
	uint8_t subpage = t->cdb[3];
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(mode_pages); i++) {
		if ((code != PAGE_ALL && code != mode_pages[i].code) ||
		    (subpage != SUBPAGE_ALL && subpage != mode_pages[i].subpage) ||
		    !page_is_there(&mode_pages[i], t->lu))
			continue;
		any = true;
		put_page(out, &mode_pages[i], t);
	}
	return any;
}

static void put_block_descriptor(struct pen *out, const struct scsi_task *t, bool longlba)
{
	uint64_t n = t->lu->ejected ? 0 : t->n_blocks;

	if (longlba) {
		pen_be64(out, n);
		pen_be32(out, 0);
		pen_be32(out, t->lu->block_bytes);
		return;
	}
	pen_be32(out, (uint32_t)min_u64(n, UINT32_MAX));
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

	if ((t->cdb[2] & 0x3f) == PAGE_ALL && t->cdb[3] && t->cdb[3] != SUBPAGE_ALL)
		return answer_bad_cdb(t, 3, ANSWER_NO_BIT);
	if (t->cdb[2] >> 6 == PC_SAVED && !t->lu->keeps)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED);
	pen_zero(&out, header);
	if (!(t->cdb[1] & DBD))
		put_block_descriptor(&out, t, longlba);
	desc = out.pos - header;
	if (!put_pages(&out, t)) {
		if (mode_page_find(t->lu, t->cdb[2] & 0x3f, 0))
			return answer_bad_cdb(t, 3, ANSWER_NO_BIT);
		return answer_bad_cdb(t, 2, 5);
	}
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
