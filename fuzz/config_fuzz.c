/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any text: it is refused with errors, or it is a model that is written, read again and is the same. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "config/diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_model(const struct config *c)
{
	static const uint8_t id[16] = { [15] = 0xaa };
	struct config_errors errs;
	struct config *again = NULL;
	struct config_diff diff;
	char *text = NULL;

	if (config_format(c, &text))
		return;
	check(config_parse(&again, text, strlen(text), "again", &errs) == 0);
	free(text);
	check(config_diff(&diff, c, again) == 0);
	check(diff.n == 0);
	config_diff_free(&diff);
	for (unsigned i = 0; i < c->n_targets; i++) {
		const struct config_target *t = &c->targets[i];
		const struct config_group *g = config_match_group(t, id, NULL);

		check(!g || t->allow_any || g->n_patterns);
		for (unsigned j = 0; g && j < g->n_luns; j++)
			check(g->luns[j].device < c->n_devices &&
			      (!j || g->luns[j - 1].lun < g->luns[j].lun));
	}
	config_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config_errors errs;
	struct config *c = NULL;
	int r = config_parse(&c, (const char *)data, len, "fuzz", &errs);
	char line[512];

	check((r == 0) == (errs.n == 0) && (r == 0) == (c != NULL));
	for (unsigned i = 0; i < errs.n; i++)
		config_error_format(&errs, i, line, sizeof(line));
	if (c)
		fuzz_model(c);
	config_free(c);
	return 0;
}
