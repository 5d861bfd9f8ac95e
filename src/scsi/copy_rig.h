/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* For tests: parameter lists of EXTENDED COPY over the two units of the rig. */
#pragma once

#include "scsi/spc_copy.h"
#include "scsi/testrig.h"

/* Behind a header that is at @out and ends at @d: both units as CSCD 0 and 1, then the segments; returns the list's length. */
static inline size_t copy_rig_descriptors(const uint8_t *out, uint8_t *d, const struct scsi_lu *lu,
					  const struct copy_segment *s, unsigned n)
{
	memset(d, 0, 64 + (size_t)n * 28);
	for (unsigned i = 0; i < 2; i++, d += COPY_TARGET_BYTES) {
		d[0] = 0xe4;
		d[4] = 1; /* binary, NAA */
		d[5] = 3;
		d[7] = lu[i].naa_len;
		memcpy(d + 8, lu[i].naa, lu[i].naa_len);
		put_be24(d + 29, lu[i].block_bytes);
	}
	for (unsigned i = 0; i < n; i++, d += 28) {
		d[0] = 0x02;
		d[1] = s[i].counts_to ? 2 : 0;
		put_be16(d + 2, 24);
		put_be16(d + 4, (uint16_t)s[i].from);
		put_be16(d + 6, (uint16_t)s[i].to);
		put_be16(d + 10, (uint16_t)s[i].n_blocks);
		put_be64(d + 12, s[i].from_lba);
		put_be64(d + 20, s[i].to_lba);
	}
	return (size_t)(d - out);
}

/* Write a list for LID1. */
static inline size_t copy_rig_list(uint8_t *out, const struct scsi_lu *lu, uint8_t id,
				   const struct copy_segment *s, unsigned n)
{
	memset(out, 0, 16);
	out[0] = id;
	put_be16(out + 2, 64);
	put_be32(out + 8, n * 28);
	return copy_rig_descriptors(out, out + 16, lu, s, n);
}

/* Write a list for LID4. */
static inline size_t copy_rig_list4(uint8_t *out, const struct scsi_lu *lu, uint32_t id,
				    const struct copy_segment *s, unsigned n)
{
	memset(out, 0, 48);
	out[0] = 1; /* format */
	put_be16(out + 2, 32);
	out[16] = 0xff;
	put_be32(out + 20, id);
	put_be16(out + 42, 64);
	put_be16(out + 44, (uint16_t)(n * 28));
	return copy_rig_descriptors(out, out + 48, lu, s, n);
}
