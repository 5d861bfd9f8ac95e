/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What of the kernel's announcements is understood; none of them may be trusted to be whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "fabric/verbs/fv.h"

#define MSG(s) s, sizeof(s) - 1

static bool parse(const char *text, size_t len, bool *removed, char node[64])
{
	char msg[512];
	const char *p = NULL;
	bool ok;

	assert_true(len <= sizeof(msg));
	memcpy(msg, text, len);
	ok = fv_watch_parse(msg, len, removed, &p);
	if (ok) {
		assert_true(p >= msg && p < msg + len);
		assert_true(strnlen(p, (size_t)(msg + len - p)) < 64);
		memcpy(node, p, strlen(p) + 1);
	}
	return ok;
}

static void device_goes_and_comes(void **state)
{
	char node[64];
	bool removed;

	(void)state;
	assert_true(parse(MSG("remove@/devices/virtual/infiniband_verbs/uverbs0\0ACTION=remove\0"
			      "DEVPATH=/devices/virtual/infiniband_verbs/uverbs0\0"
			      "SUBSYSTEM=infiniband_verbs\0MAJOR=231\0MINOR=192\0"
			      "DEVNAME=infiniband/uverbs0\0SEQNUM=1234\0"),
			  &removed, node));
	assert_true(removed);
	assert_string_equal(node, "uverbs0");
	assert_true(parse(MSG("add@x\0ACTION=add\0SUBSYSTEM=infiniband_verbs\0DEVNAME=uverbs12\0"),
			  &removed, node));
	assert_false(removed);
	assert_string_equal(node, "uverbs12");
}

static void others_are_passed_over(void **state)
{
	char node[64];
	bool removed;

	(void)state;
	assert_false(parse(MSG("add@x\0ACTION=add\0SUBSYSTEM=infiniband\0DEVNAME=uverbs0\0"),
			   &removed, node));
	assert_false(parse(MSG("x\0ACTION=change\0SUBSYSTEM=infiniband_verbs\0DEVNAME=uverbs0\0"),
			   &removed, node));
	assert_false(parse(MSG("x\0ACTION=add\0SUBSYSTEM=infiniband_verbs\0"), &removed, node));
	assert_false(parse(MSG("x\0ACTION=add\0XSUBSYSTEM=infiniband_verbs\0DEVNAME=u\0"), &removed,
			   node));
	assert_false(parse("", 0, &removed, node));
}

/* Cut anywhere it is refused or understood, and nothing behind its end is looked at. */
static void truncated(void **state)
{
	static const char msg[] = "remove@x\0ACTION=remove\0SUBSYSTEM=infiniband_verbs\0"
				  "DEVNAME=infiniband/uverbs0\0SEQNUM=9";
	char node[64];
	bool removed;

	(void)state;
	for (size_t len = 0; len <= sizeof(msg); len++)
		if (parse(msg, len, &removed, node))
			assert_true(removed && strlen(node) <= strlen("infiniband/uverbs0"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_goes_and_comes),
		cmocka_unit_test(others_are_passed_over),
		cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests_name("fv_watch", tests, NULL, NULL);
}
