/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Copies inside the target (docs/design/0018, 0021): a piece is carried out only if at that moment the nexus that asked
 * for it might read the one unit and write the other: both are in its LUN map, no reservation of another, no access
 * state, no write protection and no erasing is against it. All that is decided at home, so by what is in force there.
 *
 * What is copied is known to the model (model_copy.c), what may run beside it to check_order.c, and with what a copy
 * may fail to hcmd_copy.c.
 */
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/proc.h"
#include "sim/spy.h"
#include "sim/world.h"

static noreturn void wrong(const struct spied *s, const struct scsi_lu *lu, const char *what)
{
	fail_now("copy: command %u of %s (chan %u) uses disk %d, %s", s->nth,
		 s->host ? s->host->name : "a rogue", s->chan, check_pr_disk(lu), what);
}

static const struct scsi_itl *find(const struct scsi_nexus *n, const struct scsi_lu *lu)
{
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++)
		if (n->lun[i].lu == lu)
			return &n->lun[i];
	return NULL;
}

static void judge_side(const struct spied *s, const struct scsi_task *t, const struct scsi_lu *lu,
		       bool write)
{
	const uint8_t cdb[CDB_MAX_BYTES] = { write ? SCSI_OP_WRITE_16 : SCSI_OP_READ_16 };
	const struct scsi_itl *itl = find(t->nexus, lu);
	int disk = check_pr_disk(lu);

	if (!itl)
		wrong(s, lu, "which its nexus has not");
	if (check_pr_now(lu, t->nexus, cdb) == MPR_CONFLICT)
		wrong(s, lu, "and a reservation is against that");
	if (lu->erase.kind)
		wrong(s, lu, "which is being erased");
	if (lu->ejected)
		wrong(s, lu, "whose medium is out");
	if (!check_access_is_active())
		wrong(s, lu, "and its access state is against that");
	if (write && (itl->read_only || (disk >= 0 && !check_keep_lets_write(disk))))
		wrong(s, lu, "which is write protected");
}

void check_copy_piece(const struct spied *s, const struct scsi_task *t)
{
	if (!s->host)
		return;
	judge_side(s, t, t->copy.from, false);
	judge_side(s, t, t->copy.to, true);
}
