/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* INQUIRY, vital product data pages: SPC-5 7.7, SBC-4 6.6. */
#include "scsi/spc.h"

#include "scsi/sbc.h"
#include "scsi/spc_copy.h"

#define VPD_MAX 4096u

/* Designators, SPC-5 7.7.6 */
#define CODE_BINARY     1
#define CODE_ASCII      2
#define ASSOC_UNIT      0x00
#define ASSOC_PORT      0x10
#define PIV             0x80 /* the protocol identifier is valid */
#define TYPE_T10_VENDOR 1
#define TYPE_NAA        3
#define TYPE_RELATIVE   4
#define TYPE_PORT_GROUP 5
#define UNMAP_DESC_MAX  ((SCSI_DATA_MIN_BYTES - 8) / 16)
#define ROTATION_NONE   1 /* non-rotating medium */
#define WABEREQ_READS   0x40
#define PROVISION_THIN  2

#define R_SUP 0x10 /* referrals */

enum vpd_where {
	OF_UNIT,
	OF_ANY_LUN,
	OF_SEGMENTS
};

struct vpd_page {
	uint8_t code;
	enum vpd_where where; /* which LUNs have it */
	void (*put)(struct pen *out, const struct scsi_task *t);
};

static bool lu_has_segments(const struct scsi_task *t)
{
	return t->lu && t->lu->alua && t->lu->alua->now.n_segments;
}

static void put_serial(struct pen *out, const struct scsi_task *t)
{
	pen_copy(out, t->lu->serial, strlen(t->lu->serial));
}

static void put_designator(struct pen *out, uint8_t first, uint8_t second, size_t len)
{
	pen_u8(out, first);
	pen_u8(out, second);
	pen_u8(out, 0);
	pen_u8(out, (uint8_t)len);
}

static void put_port(struct pen *out, const struct scsi_port *port)
{
	uint8_t proto = (uint8_t)(port->protocol << 4);

	if (port->name_len) {
		put_designator(out, proto | CODE_BINARY,
			       (uint8_t)(PIV | ASSOC_PORT | port->designator_type), port->name_len);
		pen_copy(out, port->name, port->name_len);
	}
	if (port->relative_id) {
		put_designator(out, proto | CODE_BINARY, PIV | ASSOC_PORT | TYPE_RELATIVE, 4);
		pen_be16(out, 0);
		pen_be16(out, port->relative_id);
	}
}

/* The target port group of the port that is asked. */
static void put_group(struct pen *out, const struct scsi_task *t)
{
	const struct scsi_tpg *g = alua_of(answer_itl(t));

	if (!g)
		return;
	put_designator(out, (uint8_t)(t->nexus->target.protocol << 4) | CODE_BINARY,
		       PIV | ASSOC_PORT | TYPE_PORT_GROUP, 4);
	pen_be16(out, 0);
	pen_be16(out, g->id);
}

static void put_identification(struct pen *out, const struct scsi_task *t)
{
	const struct scsi_lu *lu = t->lu;

	put_designator(out, CODE_BINARY, ASSOC_UNIT | TYPE_NAA, lu->naa_len);
	pen_copy(out, lu->naa, lu->naa_len);
	put_designator(out, CODE_ASCII, ASSOC_UNIT | TYPE_T10_VENDOR, 8 + 16 + strlen(lu->serial));
	spc_put_text(out, lu->vendor, 8);
	spc_put_text(out, lu->product, 16);
	pen_copy(out, lu->serial, strlen(lu->serial));
	put_port(out, &t->nexus->target);
	put_group(out, t);
}

static void put_extended_inquiry(struct pen *out, const struct scsi_task *t)
{
	pen_u8(out, 0);                             /* no protection information */
	pen_u8(out, 0x07);                          /* HEADSUP, ORDSUP, SIMPSUP */
	pen_u8(out, t->lu->write_cache ? 0x01 : 0); /* V_SUP */
	pen_u8(out, 0x01);                          /* LUICLR */
	pen_u8(out, lu_has_segments(t) ? R_SUP : 0);
	pen_zero(out, 4);
	pen_u8(out, 28); /* longest sense data, SPC-5 7.7.7: what sense_encode() writes at most */
	pen_zero(out, 0x3c - 10);
}

/* All pages are shared by all target ports. */
static void put_mode_policy(struct pen *out, const struct scsi_task *t)
{
	(void)t;
	pen_u8(out, 0x3f); /* every page, */
	pen_u8(out, 0xff); /* every subpage */
	pen_be16(out, 0);
}

static void put_port_head(struct pen *out, uint16_t relative_id)
{
	pen_be16(out, 0);
	pen_be16(out, relative_id);
	pen_be16(out, 0);
	pen_be16(out, 0); /* no initiator port */
	pen_be16(out, 0);
	pen_be16(out, 0); /* bytes of designators */
}

/* Is @id one of the device server's own ports? */
static bool is_own_port(const struct scsi_task *t, uint16_t id)
{
	const struct scsi_ports *all = t->lu->ports;

	for (unsigned i = 0; all && i < all->n; i++)
		if (all->id[i] == id)
			return true;
	return id == t->nexus->target.relative_id;
}

/* Every target port by its number, also those of other nodes; the one that is asked by its name, too. */
static void put_ports(struct pen *out, const struct scsi_task *t)
{
	const struct scsi_port *own = &t->nexus->target;
	const struct scsi_ports *all = t->lu->ports;
	const struct scsi_alua *alua = t->lu->alua;
	struct scsi_port name = *own;
	size_t at;

	name.relative_id = 0;
	put_port_head(out, own->relative_id);
	at = out->pos;
	put_port(out, &name);
	check(!out->bad);
	put_be16(t->data + at - 2, (uint16_t)(out->pos - at));
	for (unsigned i = 0; all && i < all->n; i++)
		if (all->id[i] != own->relative_id)
			put_port_head(out, all->id[i]);
	for (unsigned i = 0; alua && i < alua->now.n_ports; i++)
		if (!is_own_port(t, alua->now.port[i].relative_id))
			put_port_head(out, alua->now.port[i].relative_id);
}

static void put_block_limits(struct pen *out, const struct scsi_task *t)
{
	const struct scsi_lu *lu = t->lu;
	bool unmap = lu->max_unmap_blocks;

	pen_u8(out, 0x01); /* WSNZ: WRITE SAME of zero blocks is refused */
	pen_u8(out, (uint8_t)lu->max_caw_blocks);
	pen_be16(out, (uint16_t)(lu->physical_exponent < 16 ? 1u << lu->physical_exponent : 0));
	pen_be32(out, lu->max_transfer_blocks);
	pen_be32(out, 0); /* optimal transfer length: not known */
	pen_be32(out, 0); /* longest PRE-FETCH: not limited, but see sbc_prefetch() */
	pen_be32(out, lu->max_unmap_blocks);
	pen_be32(out, unmap ? UNMAP_DESC_MAX : 0);
	pen_be32(out, lu->unmap_grain_blocks);
	pen_be32(out, unmap ? 0x80000000u : 0); /* UGAVALID, alignment 0 */
	pen_be64(out, lu->max_write_same_blocks);
	pen_be32(out, lu->max_atomic_blocks);
	pen_be32(out, 0); /* at any block, */
	pen_be32(out, 0); /* of any length, */
	pen_be32(out, lu->max_atomic_blocks);
	pen_be32(out, lu->max_atomic_blocks); /* with any boundary up to that */
}

static void put_characteristics(struct pen *out, const struct scsi_task *t)
{
	pen_be16(out, t->lu->rotational ? 0 : ROTATION_NONE); /* 0: rate not known */
	pen_u8(out, 0);                                       /* product type */
	/* after SANITIZE blocks are read without an error: WABEREQ (BLOCK ERASE); there is no cryptographic erase */
	pen_u8(out, WABEREQ_READS);
	pen_zero(out, 0x3c - 4);
}

static void put_provisioning(struct pen *out, const struct scsi_task *t)
{
	bool unmap = t->lu->max_unmap_blocks;

	pen_u8(out, (uint8_t)scsi_lu_threshold_exponent(t->lu));
	/* UNMAP and both WRITE SAME commands unmap; unmapped blocks read as zeroes */
	pen_u8(out, unmap ? 0x80 | 0x40 | 0x20 | 0x04 : 0);
	pen_u8(out, unmap ? PROVISION_THIN : 0);
	pen_u8(out, 0);
}

static void put_supported(struct pen *out, const struct scsi_task *t);

static const struct vpd_page vpd_pages[] = {
	{ 0x00, OF_ANY_LUN, put_supported },      { 0x80, OF_UNIT, put_serial },
	{ 0x83, OF_UNIT, put_identification },    { 0x86, OF_UNIT, put_extended_inquiry },
	{ 0x87, OF_UNIT, put_mode_policy },       { 0x88, OF_UNIT, put_ports },
	{ 0x8f, OF_UNIT, spc_copy_vpd },          { 0xb0, OF_UNIT, put_block_limits },
	{ 0xb1, OF_UNIT, put_characteristics },   { 0xb2, OF_UNIT, put_provisioning },
	{ 0xb3, OF_SEGMENTS, sbc_referrals_vpd },
};

static bool vpd_is_there(const struct vpd_page *page, const struct scsi_task *t)
{
	switch (page->where) {
	case OF_ANY_LUN:
		return true;
	case OF_SEGMENTS:
		return lu_has_segments(t);
	default:
		return t->lu;
	}
}

static void put_supported(struct pen *out, const struct scsi_task *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(vpd_pages); i++)
		if (vpd_is_there(&vpd_pages[i], t))
			pen_u8(out, vpd_pages[i].code);
}

static const struct vpd_page *vpd_find(const struct scsi_task *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(vpd_pages); i++)
		if (vpd_pages[i].code == t->cdb[2])
			return vpd_is_there(&vpd_pages[i], t) ? &vpd_pages[i] : NULL;
	return NULL;
}

struct scsi_act spc_vpd(struct scsi_task *t)
{
	const struct vpd_page *page = vpd_find(t);
	struct pen out = pen_of(t->data, VPD_MAX);

	if (!page)
		return answer_bad_cdb(t, 2, ANSWER_NO_BIT);
	pen_u8(&out, spc_peripheral(t));
	pen_u8(&out, page->code);
	pen_be16(&out, 0); /* the length, below */
	page->put(&out, t);
	check(!out.bad);
	put_be16(t->data + 2, (uint16_t)(out.pos - 4));
	return answer_data(t, out.pos, get_be16(t->cdb + 3));
}
