/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/inject.h"

unsigned long long inject_count(void)
{
	return 0;
}

void inject_run(unsigned long long nth)
{
	(void)nth;
}
