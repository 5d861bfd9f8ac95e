/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Running a rule: its end by fail() and skip(), and taking back whatever it took. */
#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct chunk {
	struct chunk *next;
	max_align_t bytes[];
};

__attribute__((format(printf, 3, 0))) static _Noreturn void
end_rule(struct test *t, enum outcome outcome, const char *fmt, va_list ap)
{
	t->outcome = outcome;
	(void)vsnprintf(t->reason, sizeof(t->reason), fmt, ap);
	longjmp(t->jump, 1);
}

void fail(struct test *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end_rule(t, FAILED, fmt, ap);
}

void skip(struct test *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end_rule(t, SKIPPED, fmt, ap);
}

void violate(struct test *t, const char *fmt, ...)
{
	va_list ap;

	if (t->violation[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(t->violation, sizeof(t->violation), fmt, ap);
	va_end(ap);
}

void at_end(struct test *t, void (*fn)(struct test *t))
{
	EXPECT(t, t->n_cleanups < CLEANUPS_MAX, "a rule takes back at most %u things",
	       CLEANUPS_MAX);
	t->cleanup[t->n_cleanups++] = fn;
}

void *test_mem(struct test *t, size_t len)
{
	struct chunk *c = calloc(1, sizeof(*c) + len);

	if (!c)
		abort();
	c->next = t->chunks;
	t->chunks = c;
	return c->bytes;
}

const char *text_of(struct test *t, const char *fmt, ...)
{
	char *s = test_mem(t, REASON_MAX);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(s, REASON_MAX, fmt, ap);
	va_end(ap);
	return s;
}

bool test_try(struct test *t, void (*fn)(struct test *t))
{
	t->outcome = PASSED;
	t->violation[0] = 0;
	if (setjmp(t->jump))
		return false;
	fn(t);
	if (!t->violation[0])
		return true;
	t->outcome = FAILED;
	(void)snprintf(t->reason, sizeof(t->reason), "%s", t->violation);
	return false;
}

/* Nexuses of the rule go; those that stay go too where something of theirs is still under way. */
static void take_back(struct test *t)
{
	struct nexus *next;

	for (struct nexus *n = t->nexuses; n; n = next) {
		next = n->next;
		if (n->held)
			let_go(n);
		if (!n->keep) {
			nexus_free(n);
			continue;
		}
		n->mute = false;
		if (!cmds_free(n) && !n->down) {
			n->used = 0;
			continue;
		}
		if (t->a == n)
			t->a = NULL;
		if (t->b == n)
			t->b = NULL;
		nexus_free(n);
	}
	while (t->chunks) {
		struct chunk *c = t->chunks;

		t->chunks = c->next;
		free(c);
	}
}

static void let_all_go(struct test *t)
{
	for (struct nexus *n = t->nexuses; n; n = n->next)
		if (n->held)
			let_go(n);
}

void test_run(struct test *t, const struct rule *r)
{
	enum outcome outcome;
	char reason[REASON_MAX];

	t->rule = r;
	t->reason[0] = 0;
	t->order = 0;
	t->a_fresh = t->b_fresh = false;
	t->quiet = false; /* a rule may have been ended while the machinery worked for it */
	(void)test_try(t, r->run);
	outcome = t->outcome;
	(void)snprintf(reason, sizeof(reason), "%s", t->reason);
	t->rule = NULL;
	let_all_go(t);
	while (t->n_cleanups)
		(void)test_try(t, t->cleanup[--t->n_cleanups]);
	take_back(t);
	t->outcome = outcome;
	(void)snprintf(t->reason, sizeof(t->reason), "%s", reason);
}
