/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

noreturn void check_panic(const char *what, const char *file, int line)
{
	(void)fprintf(stderr, "panic: %s:%d: check(%s) failed; this is a bug in srptd, stopping\n",
		      file, line, what);
	abort();
}
