/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/srp_main1.h"

int main1_url(const struct main1 *m, char **argv, struct url *ret)
{
	const char *text;
	const char *fault;
	int r = opt_parse(m->opts, m->help, argv, &text, 1);

	if (r < 0)
		return r;
	if (r == 0)
		return -1 - usage_error(m->name, "the URL of a target is missing");
	fault = url_parse(text, ret);
	if (fault)
		return -1 - usage_error(m->name, "%s: %s", text, fault);
	return 0;
}

int main1_run(const struct main1 *m, char **argv)
{
	struct srp_ctx *ctx;
	struct url url;
	struct sess s;
	int r = main1_url(m, argv, &url);

	if (r < 0)
		return -1 - r;
	r = sess_ctx_new(&ctx, m->args, 1);
	if (r)
		return r;
	r = sess_open(&s, ctx, &url, m->args, 0);
	if (!r)
		r = m->work(&s, m->user);
	sess_close(&s);
	srp_ctx_free(ctx);
	return r;
}
