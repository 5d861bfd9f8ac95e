/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The configuration is read again, because of SIGHUP or of somebody who wants to know how it went. */
#include <stdio.h>

#include "base/log.h"
#include "daemon/daemon.h"

/* The first error is for whoever asked, all of them are for the log. */
static void refuse(const struct daemon *d, const struct config_errors *errs, struct ctl_call *call)
{
	char text[600];

	for (unsigned i = errs->n; i-- > 0;) {
		config_error_format(errs, i, text, sizeof(text));
		log_error("reload: %s", text);
	}
	log_error("reload: %s has errors, everything stays as it was", d->config_path);
	if (call)
		ctl_fail(call, JSONRPC_FAILED, "%s; everything stays as it was", text);
}

void reload_overrule(const struct daemon *d, struct config *cfg)
{
	if (d->control_socket)
		(void)snprintf(cfg->opts.control_socket, sizeof(cfg->opts.control_socket), "%s",
			       d->control_socket);
}

void reload(struct daemon *d, struct ctl_call *call)
{
	struct config_errors errs;
	struct config *next;

	if (!d->config_path) {
		log_warn("reload: the demo has no configuration to read again");
		if (call)
			ctl_fail(call, JSONRPC_FAILED,
				 "the demo has no configuration to read again");
		return;
	}
	notify("RELOADING=1");
	if (config_load_file(&next, d->config_path, &errs)) {
		refuse(d, &errs, call);
	} else {
		struct reloaded r;

		reload_overrule(d, next);
		r = setup_apply(d, next);
		if (call)
			ctl_reply(call,
				  json_pack("{s:i,s:i,s:i}", "changes", (int)r.n_changes, "waiting",
					    (int)r.n_waiting, "failed", (int)r.n_failed));
	}
	notify("READY=1");
}

void method_reload(struct ctl_call *call, json_t *params)
{
	struct daemon *d = ctl_call_ctx(call);

	(void)params;
	if (!daemon_is_stopping(call))
		reload(d, call);
}
