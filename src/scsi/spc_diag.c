/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SEND DIAGNOSTIC: SPC-5 6.44. */
#include "scsi/spc.h"

#define SELFTEST  0x04 /* byte 1 */
#define CODE_AT   5
#define CODE_STOP 4 /* a self-test in the background */

static struct scsi_act tested(struct scsi_task *t)
{
	scsi_selftest_note(t->lu, t->cdb[1] >> CODE_AT, SCSI_SELFTEST_PASSED, 0);
	return answer_good(t);
}

static struct scsi_act test_last(struct scsi_task *t)
{
	uint64_t last = t->n_blocks - 1;

	return answer_io(t, SCSI_ACT_VERIFY, last << t->lu->block_shift, t->lu->block_bytes,
			 tested);
}

/*
 * The default self-test, and the short and extended one of the background and the foreground: the first and
 * the last block can be read. Status comes when it is done, of one in the background too.
 */
struct scsi_act spc_send_diagnostic(struct scsi_task *t)
{
	unsigned code = t->cdb[1] >> CODE_AT;

	if (t->cdb[1] & SELFTEST ? code != 0 : code == 0 || code == 3 || code == 7)
		return answer_bad_cdb(t, 1, 7);
	if (code == CODE_STOP) /* none is ever under way when this runs */
		return answer_bad_cdb(t, 1, 7);
	return answer_io(t, SCSI_ACT_VERIFY, 0, t->lu->block_bytes, test_last);
}
