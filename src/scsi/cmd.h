/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The command table: everything that is known of a command before its handler runs. The dispatcher,
 * REPORT SUPPORTED OPERATION CODES and docs/protocol/scsi.md are all made from it.
 */
#pragma once

#include "scsi/task.h"

#define SCSI_CMD_SA         BIT(0)  /* byte 1, bits 4-0 are a service action */
#define SCSI_CMD_LOCAL      BIT(1)  /* depends on nothing of the home worker: see scsi_route() */
#define SCSI_CMD_MEDIUM     BIT(2)  /* needs a unit that is ready */
#define SCSI_CMD_RANGE      BIT(3)  /* its CDB names the blocks it is about: cdb_range() */
#define SCSI_CMD_UA_EXEMPT  BIT(4)  /* is not ended by a unit attention (SPC-5 5.14) */
#define SCSI_CMD_ANY_LUN    BIT(5)  /* answers where no unit is mapped, too */
#define SCSI_CMD_WELL_KNOWN BIT(6)  /* the REPORT LUNS well known unit has it */
#define SCSI_CMD_DATA       BIT(7)  /* starts with a parameter buffer, for its data-in */
#define SCSI_CMD_UNMAP      BIT(8)  /* exists only when the unit can unmap */
#define SCSI_CMD_IN         BIT(9)  /* may transfer data to the initiator */
#define SCSI_CMD_OUT        BIT(10) /* may transfer data from it */
#define SCSI_CMD_RES_READ   BIT(12) /* a reservation that keeps readers out keeps it out */
#define SCSI_CMD_RES_WRITE  BIT(13) /* likewise writers */
#define SCSI_CMD_RES_EXEMPT \
	BIT(14)                    /* is processed although another nexus has the unit by RESERVE */
#define SCSI_CMD_IN_LOST   BIT(26) /* also while the reservations of the unit are lost, see pr.h */
#define SCSI_CMD_DATA_LONG BIT(15) /* its parameter buffer has SCSI_DATA_LONG_BYTES */
#define SCSI_CMD_BARRIER   BIT(11) /* runs alone in its task set, as if it were ORDERED */
#define SCSI_CMD_ANY_TIME  BIT(23) /* also while the unit is erased, see erase.h */
#define SCSI_CMD_KEEPS     BIT(24) /* exists only when what the unit keeps outlives the process */
#define SCSI_CMD_ALONE     BIT(16) /* and nothing that overlaps runs beside it, see set.h */
#define SCSI_CMD_ATOMIC    BIT(29) /* exists only when the unit can write atomically */
/* Access states of the target port group, other than the active ones, that let it in (alua.c). */
#define SCSI_CMD_IN_STANDBY     BIT(17)
#define SCSI_CMD_IN_UNAVAILABLE BIT(18)
#define SCSI_CMD_IN_ANY_STATE   BIT(19) /* offline and transitioning */
#define SCSI_CMD_TPGS           BIT(20) /* exists only when the unit has target port groups */
#define SCSI_CMD_SEGMENTS       BIT(25) /* ... whose states can depend on the block */
#define SCSI_CMD_TPGS_SET       BIT(21) /* ... whose states an initiator may change */
#define SCSI_CMD_COPY           BIT(22) /* may change the medium, of this unit or of others */
#define SCSI_CMD_WRITE          BIT(27) /* changes the medium: refused when it is write protected */

struct scsi_cmd {
	uint8_t opcode;
	uint8_t service_action; /* with SCSI_CMD_SA */
	uint32_t flags;         /* SCSI_CMD_* */
	uint16_t timeout_s;     /* recommended to initiators */
	/*
	 * CDB bits that may be set; any other that is gets INVALID FIELD IN CDB. Byte 0 and the bytes after
	 * the CDB's end are all ones, so a check over 16 bytes is right for every length. NACA, which every
	 * command may have, is not among them: it sends a command home, where it is taken off first.
	 */
	uint8_t mask[CDB_MAX_BYTES];
	struct scsi_act (*start)(struct scsi_task *t);
	const char *note; /* for the support matrix */
};

/* The command of these first CDB bytes, or NULL when there is none. */
const struct scsi_cmd *scsi_cmd_find(const uint8_t *cdb);

/* The @i-th command of the table, in ascending order of opcode and service action; NULL at its end. */
const struct scsi_cmd *scsi_cmd_at(size_t i);

#define SCSI_CONTROL_NACA \
	0x04 /* of a CDB's last byte: CHECK CONDITION establishes an ACA condition */

/* @lu (NULL: no unit in particular) has a command of this opcode, with one service action or another. */
bool scsi_cmd_has_opcode(uint8_t opcode, const struct scsi_lu *lu);

/* Does @lu (NULL: no unit in particular) have @cmd? Home worker. */
static inline bool scsi_cmd_supported(const struct scsi_cmd *cmd, const struct scsi_lu *lu)
{
	if (!lu)
		return true;
	return !(cmd->flags & SCSI_CMD_UNMAP && !lu->max_unmap_blocks) &&
	       !(cmd->flags & SCSI_CMD_KEEPS && !lu->keeps) &&
	       !(cmd->flags & SCSI_CMD_ATOMIC && !lu->max_atomic_blocks) &&
	       !(cmd->flags & SCSI_CMD_TPGS && !lu->alua) &&
	       !(cmd->flags & SCSI_CMD_SEGMENTS && (!lu->alua || !lu->alua->now.n_segments)) &&
	       !(cmd->flags & SCSI_CMD_TPGS_SET && !lu->alua_explicit);
}
