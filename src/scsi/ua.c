/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Queues of unit attention conditions, SAM-5 5.14. */
#include "scsi/ua.h"

#include <string.h>

/* Lower is reported first: resets, then commands that were lost, then news. */
static unsigned ua_rank(uint16_t ua)
{
	switch (ua >> 8) {
	case 0x29:
		return ua & 0xff;
	case 0x2f:
		return 0x100;
	default:
		return 0x101;
	}
}

void scsi_uas_add(struct scsi_uas *u, enum scsi_ua ua)
{
	unsigned at;

	if (u->n == SCSI_UA_MAX)
		ua = SCSI_UA_POWER_ON;
	if (ua == SCSI_UA_POWER_ON) {
		/* whoever hears of it must ask for everything again: nothing else is worth saying */
		u->q[0] = (uint16_t)ua;
		u->n = 1;
		return;
	}
	if (u->n && u->q[0] == SCSI_UA_POWER_ON && (unsigned)ua >> 8 == 0x29)
		return;
	for (unsigned i = 0; i < u->n; i++)
		if (u->q[i] == ua)
			return;
	at = u->n;
	while (at && ua_rank(u->q[at - 1]) > ua_rank((uint16_t)ua))
		at--;
	memmove(u->q + at + 1, u->q + at, (u->n - at) * sizeof(u->q[0]));
	u->q[at] = (uint16_t)ua;
	u->n++;
}

uint16_t scsi_uas_pop(struct scsi_uas *u)
{
	uint16_t first = u->n ? u->q[0] : 0;

	if (first)
		(void)scsi_uas_drop(u, first);
	return first;
}

bool scsi_uas_drop(struct scsi_uas *u, enum scsi_ua ua)
{
	for (unsigned i = 0; i < u->n; i++) {
		if (u->q[i] != ua)
			continue;
		u->n--;
		u->told = u->told == ua ? 0 : u->told;
		memmove(u->q + i, u->q + i + 1, (u->n - i) * sizeof(u->q[0]));
		return true;
	}
	return false;
}
