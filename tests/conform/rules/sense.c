/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.39, 4.4: REQUEST SENSE and sense data. */
#include <string.h>

#include "conform.h"

static struct cmd *request_sense(struct nexus *n, bool desc, uint8_t room)
{
	struct cmd *c = CMD(n, 0x03, desc, 0, 0, room, 0);

	if (room)
		data_in(c, room);
	return c;
}

RULE(sense, nothing, SAFE,
     "REQUEST SENSE with nothing to tell: NO SENSE, in fixed format of at least 18 bytes")
{
	struct cmd *c = request_sense(nexus_a(t), false, 252);

	expect_good(c);
	EXPECT(t, c->in[0] == 0x70 && got_in(c) >= 18, "response code %02x, %u bytes", c->in[0],
	       got_in(c));
	EXPECT(t, (c->in[2] & 0x0f) == NO_SENSE && get_be16(c->in + 12) == NO_ADDITIONAL_SENSE,
	       "key %x, additional code %04x", c->in[2] & 0x0f, get_be16(c->in + 12));
	EXPECT(t, got_in(c) == 8u + c->in[7], "ADDITIONAL SENSE LENGTH says %u bytes, %u came",
	       8u + c->in[7], got_in(c));
}

RULE(sense, descriptor, SAFE,
     "REQUEST SENSE with DESC: descriptor format, or INVALID FIELD IN CDB where there is none")
{
	struct cmd *c = request_sense(nexus_a(t), true, 252);

	cmd_run(c);
	if (c->status == CHECK_CONDITION) {
		expect_bad_cdb(c, 1);
		return;
	}
	expect_good(c);
	EXPECT(t, c->in[0] == 0x72 && got_in(c) == 8u + c->in[7],
	       "response code %02x, %u bytes, ADDITIONAL SENSE LENGTH %u", c->in[0], got_in(c),
	       c->in[7]);
}

RULE(sense, allocation, SAFE, "REQUEST SENSE with too little room gives the first bytes")
{
	for (uint8_t room = 0; room < 18; room += 3) {
		struct cmd *c = request_sense(nexus_a(t), false, room);

		expect_good(c);
		EXPECT(t, !room || (got_in(c) == room && c->in[0] == 0x70),
		       "%u bytes of room: %u came, response code %02x", room, got_in(c),
		       room ? c->in[0] : 0);
	}
}

RULE(sense, no_unit, SAFE,
     "REQUEST SENSE where no unit is: GOOD, and LOGICAL UNIT NOT SUPPORTED in the data")
{
	struct cmd *c = request_sense(nexus_a(t), false, 252);

	c->lun = unit_of(t)->no_lun;
	expect_good(c);
	EXPECT(t, (c->in[2] & 0x0f) == ILLEGAL_REQUEST && get_be16(c->in + 12) == LUN_NOT_SUPPORTED,
	       "key %x, additional code %04x", c->in[2] & 0x0f, get_be16(c->in + 12));
}

RULE(sense, not_kept, SAFE,
     "sense data came with their command: REQUEST SENSE does not give them again")
{
	struct cmd *c = range_new(nexus_a(t), 0x88, 0, unit_of(t)->n_blocks, 1);

	data_in(c, unit_of(t)->block);
	expect_sense(c, ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	c = request_sense(nexus_a(t), false, 252);
	expect_good(c);
	EXPECT(t, (c->in[2] & 0x0f) == NO_SENSE, "key %x, additional code %04x", c->in[2] & 0x0f,
	       get_be16(c->in + 12));
}

RULE(sense, information, SAFE,
     "LBA OUT OF RANGE has the address in the INFORMATION field where it fits")
{
	struct cmd *c = range_new(nexus_a(t), 0x88, 0, unit_of(t)->n_blocks, 1);

	data_in(c, unit_of(t)->block);
	expect_sense(c, ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	EXPECT(t, !c->info_valid || c->info == unit_of(t)->n_blocks,
	       "INFORMATION is %llu, the first block out of range is %llu",
	       (unsigned long long)c->info, (unsigned long long)unit_of(t)->n_blocks);
}

RULE(sense, d_sense, DESTROYS,
     "with D_SENSE sense data are in descriptor format, without it in fixed format")
{
	struct cmd *c;

	mode_set(t, 0x0a, 2, 0x04, 0x04);
	c = range_new(nexus_a(t), 0x88, 0, unit_of(t)->n_blocks, 1);
	data_in(c, unit_of(t)->block);
	expect_sense(c, ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	EXPECT(t, c->sense[0] == 0x72, "with D_SENSE the response code is %02x", c->sense[0]);
	mode_set(t, 0x0a, 2, 0x04, 0);
	c = CMD(nexus_a(t), 0x02, 0, 0, 0, 0, 0);
	expect_sense(c, ILLEGAL_REQUEST, INVALID_OPCODE);
	EXPECT(t, c->sense[0] == 0x70, "without D_SENSE the response code is %02x", c->sense[0]);
}
