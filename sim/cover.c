/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/cover.h"

void cover_init(void)
{
}

void cover_hit(enum cover_group g, unsigned what)
{
	(void)g;
	(void)what;
}

void cover_ichan(unsigned state, unsigned event)
{
	(void)state;
	(void)event;
}

void cover_sense(uint8_t status, uint8_t key, uint16_t asc)
{
	(void)status;
	(void)key;
	(void)asc;
}

unsigned cover_report(FILE *out, const char *justified)
{
	(void)out;
	(void)justified;
	return 0;
}
