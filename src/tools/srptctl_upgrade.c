/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptctl upgrade: have the running srptd become the installed one, and see that it did. */
#include <time.h>
#include <unistd.h>

#include "ctl/client.h"
#include "tools/srptctl.h"

#define PAUSE_US 20000u
#define ASK_MS   1000u

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The status of a daemon that is not about to end, or NULL: nobody answers, which is no error here. */
static json_t *new_status(const struct srptctl *s)
{
	CLEANUP(ctl_client) struct ctl_client *c = NULL;
	struct ctl_client_error err = { 0 };
	json_t *status = NULL;

	if (ctl_client_new(&c, s->socket, ASK_MS) ||
	    ctl_client_call(c, "status", NULL, &status, &err))
		return NULL;
	if (!json_is_true(json_object_get(status, "upgrading")))
		return status;
	json_decref(status);
	return NULL;
}

static enum srptctl_exit tell(const struct srptctl *s, const json_t *began, const json_t *status,
			      double secs)
{
	if (s->json)
		return srptctl_print_json(status);
	printf("srptd %s instead of %s, pid %lld, ready after %.2f s\n",
	       srptctl_str(status, "version"), srptctl_str(began, "replaces"),
	       srptctl_int(status, "pid"), secs);
	return SRPTCTL_OK;
}

enum srptctl_exit srptctl_upgrade(const struct srptctl *s)
{
	json_t *status = NULL;
	json_t *began = NULL;
	double begin = now_s();
	enum srptctl_exit r = srptctl_call(s, "upgrade", NULL, &began);

	if (r)
		return r;
	while (!status) {
		status = new_status(s);
		if (!status && s->timeout_ms && now_s() - begin > s->timeout_ms / 1e3) {
			srptctl_error(s->socket, "no new srptd answers, see its log");
			json_decref(began);
			return SRPTCTL_TIMEOUT;
		}
		if (!status)
			(void)usleep(PAUSE_US);
	}
	r = tell(s, began, status, now_s() - begin);
	json_decref(began);
	json_decref(status);
	return r;
}
