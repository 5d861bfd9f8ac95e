/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any 16 bytes as a CDB: the range that is read from it is built into every length of CDB it fits, and read
 * back the same; where it is said not to fit, it does not. */
#include "fuzz.h"
#include "wire/cdb.h"

static const uint8_t rw[] = { SCSI_OP_READ_10,  SCSI_OP_WRITE_10, SCSI_OP_READ_12,
			      SCSI_OP_WRITE_12, SCSI_OP_READ_16,  SCSI_OP_WRITE_16 };

static void build(struct cdb_range r, uint8_t flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(rw); i++) {
		uint8_t *cdb = malloc(CDB_MAX_BYTES);
		unsigned len = cdb_len(rw[i]);
		bool fits = len == 16 ||
			    (r.lba <= UINT32_MAX && (len == 12 || r.n_blocks <= UINT16_MAX));
		struct cdb_range back;

		check(cdb);
		check(cdb_put_rw(cdb, rw[i], flags, r) == (fits ? len : 0));
		if (fits) {
			back = cdb_range(cdb);
			check(back.lba == r.lba && back.n_blocks == r.n_blocks);
			check(cdb[0] == rw[i] && cdb[1] == flags);
			check(mem_is_zero(cdb + len, CDB_MAX_BYTES - len));
			check(cdb_opcode_text(cdb));
		}
		free(cdb);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cdb_range r;
	uint8_t *cdb;
	const char *text;

	if (len < CDB_MAX_BYTES)
		return 0;
	cdb = fuzz_copy(data, CDB_MAX_BYTES);
	text = cdb_opcode_text(cdb);
	check(!text || text[0]);
	check(cdb_len(cdb[0]) <= CDB_MAX_BYTES);
	r = cdb_range(cdb);
	check(cdb_len(cdb[0]) != 6 || (r.lba <= 0x1fffff && r.n_blocks && r.n_blocks <= 256));
	build(r, cdb[1]);
	free(cdb);
	return 0;
}
