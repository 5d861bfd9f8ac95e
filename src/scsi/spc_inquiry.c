/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* INQUIRY, standard data: SPC-5 6.6.2. */
#include "scsi/spc.h"

#define INQUIRY_LEN     96u
#define RMB             0x80 /* byte 1: removable */
#define PERIPHERAL_DISK 0x00
#define PERIPHERAL_WELL 0x1e
#define PERIPHERAL_NONE 0x7f /* qualifier 011b: nothing can be there; type unknown */
/* SPC-4: tools in use know no later one and take 07h for an error. What is claimed in detail stands in the version
 * descriptors. */
#define VERSION_SPC4        0x06
#define HISUP_AND_FORMAT    0x12 /* LUNs as in SAM; data format 2 */
#define NORMACA             0x20
#define CMDQUE              0x02
#define TPGS_IMPLICIT       0x10 /* byte 5 */
#define TPGS_EXPLICIT       0x20
#define THREE_PC            0x08 /* third-party copy */
#define VERSION_DESCRIPTORS 58u
#define PROTOCOL_SRP        4

uint8_t spc_peripheral(const struct scsi_task *t)
{
	if (t->lu)
		return PERIPHERAL_DISK;
	return answer_is_well_known(t) ? PERIPHERAL_WELL : PERIPHERAL_NONE;
}

void spc_put_text(struct pen *out, const char *text, size_t width)
{
	size_t len = strlen(text);

	check(len <= width);
	pen_copy(out, text, len);
	while (len++ < width)
		pen_u8(out, ' ');
}

static void put_versions(struct pen *out, const struct scsi_task *t)
{
	pen_be16(out, 0x00a0); /* SAM-5 */
	if (t->nexus->target.protocol == PROTOCOL_SRP)
		pen_be16(out, 0x0940);
	/* The older ones, too, for who does not know the later ones. */
	pen_be16(out, 0x05c0); /* SPC-5 */
	pen_be16(out, 0x0460); /* SPC-4 */
	if (!t->lu)
		return;
	pen_be16(out, 0x0600); /* SBC-4 */
	pen_be16(out, 0x04c0); /* SBC-3 */
}

/* Target port groups; for a port that is in none there are none. */
static uint8_t tpgs(const struct scsi_task *t)
{
	if (!t->lu || !alua_of(answer_itl(t)))
		return 0;
	return t->lu->alua_explicit ? TPGS_IMPLICIT | TPGS_EXPLICIT : TPGS_IMPLICIT;
}

struct scsi_act spc_inquiry(struct scsi_task *t)
{
	struct pen out = pen_of(t->data, INQUIRY_LEN);
	const struct scsi_lu *lu = t->lu;

	if (t->cdb[1] & 1)
		return spc_vpd(t);
	if (t->cdb[2]) /* a page code is for EVPD only */
		return answer_bad_cdb(t, 2, ANSWER_NO_BIT);
	pen_u8(&out, spc_peripheral(t));
	pen_u8(&out, lu && lu->removable ? RMB : 0);
	pen_u8(&out, VERSION_SPC4);
	pen_u8(&out, lu ? NORMACA | HISUP_AND_FORMAT : HISUP_AND_FORMAT);
	pen_u8(&out, INQUIRY_LEN - 5);
	pen_u8(&out, (uint8_t)(tpgs(t) | (lu ? THREE_PC : 0))); /* no protection */
	pen_u8(&out, 0);
	pen_u8(&out, CMDQUE);
	spc_put_text(&out, lu ? lu->vendor : "SRPTD", 8);
	spc_put_text(&out, lu ? lu->product : "", 16);
	spc_put_text(&out, lu ? lu->revision : "", 4);
	pen_zero(&out, VERSION_DESCRIPTORS - out.pos);
	put_versions(&out, t);
	pen_zero(&out, INQUIRY_LEN - out.pos);
	check(!out.bad);
	return answer_data(t, out.pos, get_be16(t->cdb + 3));
}
