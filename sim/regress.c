/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/regress.h"

#include <errno.h>
#include <stdio.h>

int regress_read(const char *path, struct regress ret[REGRESS_MAX])
{
	FILE *f = fopen(path, "r");
	char line[300];
	int n = 0;

	if (!f)
		return -errno;
	while (n < (int)REGRESS_MAX && fgets(line, sizeof(line), f)) {
		struct regress *r = &ret[n];

		r->kind[0] = 0;
		/* NOLINTNEXTLINE(cert-err34-c): a line without a number is a comment */
		n += sscanf(line, "%llu %15[a-z]", &r->seed, r->kind) > 0;
	}
	(void)fclose(f);
	return n;
}
