/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/srp_main1.h"

static const struct opt_help help = {
	.usage = "srp reset [OPTION]... URL",
	.text = "Send a task management function to a LUN. Without an option: LOGICAL UNIT RESET,\n"
		"which aborts the commands of all initiators and drops the LUN's state.",
	.example = "  srp reset srp://127.0.0.1/0\n  srp reset --abort srp://127.0.0.1/0",
};

struct reset_args {
	struct conn_args conn;
	bool abort_set;
	bool clear_set;
	bool clear_aca;
};

struct result {
	struct srp_task task;
	bool done;
};

static void on_done(struct srp_task *task)
{
	((struct result *)task->user)->done = true;
}

static int answer(const struct sess *s, const char *name, uint8_t code)
{
	switch (code) {
	case 0:
		(void)printf("LUN %u: %s done\n", s->url->lun, name);
		return EXIT_OK;
	case 4:
		return complain(s->url->text, "%s: not supported by the target", name);
	case 5:
		return complain(s->url->text, "%s: failed, does the LUN exist (srp ls)?", name);
	default:
		return complain(s->url->text, "%s: response code %u", name, code);
	}
}

static int work(struct sess *s, void *user)
{
	const struct reset_args *a = user;
	struct result res = { .task = { .lun = srp_lun(s->url->lun), .done = on_done } };
	const char *name = "LOGICAL UNIT RESET";
	int r;

	res.task.function = SRP_TASK_LUN_RESET;
	if (a->abort_set) {
		res.task.function = SRP_TASK_ABORT_SET;
		name = "ABORT TASK SET";
	} else if (a->clear_set) {
		res.task.function = SRP_TASK_CLEAR_SET;
		name = "CLEAR TASK SET";
	} else if (a->clear_aca) {
		res.task.function = SRP_TASK_CLEAR_ACA;
		name = "CLEAR ACA";
	}
	res.task.user = &res;
	res.task.timeout_ms = (unsigned)min_u64(a->conn.timeout_s, 86400) * 1000;
	r = srp_task_mgmt(s->conn, &res.task);
	if (r)
		return complain(s->url->text, "%s: %s", name, strerror(-r));
	while (!res.done) {
		r = sess_wait(s);
		if (r)
			return r;
	}
	if (res.task.outcome == SRP_TASK_DONE)
		return answer(s, name, res.task.code);
	while (!s->down && !sess_wait(s))
		;
	return s->down ? sess_complain_down(s->url->text, &s->why) : EXIT_FAILED;
}

int cmd_reset(int argc, char **argv)
{
	struct reset_args a = { 0 };
	const struct opt opts[] = {
		{ "abort", 'a', OPT_FLAG, &a.abort_set, NULL,
		  "ABORT TASK SET instead: only commands of this initiator port" },
		{ "clear", 0, OPT_FLAG, &a.clear_set, NULL,
		  "CLEAR TASK SET instead: commands of all initiators, no reset" },
		{ "clear-aca", 0, OPT_FLAG, &a.clear_aca, NULL, "CLEAR ACA instead" },
		OPT_CONN(&a.conn),
		{ 0 },
	};
	const struct main1 m = { "reset", opts, &help, &a.conn, work, &a };

	(void)argc;
	return main1_run(&m, argv);
}
