/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The access rule: globs, exclusions, the order of groups, default deny. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>

#include "config/config.h"

static void test_globs(void **state)
{
	static const struct {
		const char *glob, *text;
		bool match;
	} rows[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "anything", true },
		{ "a", "A", true },
		{ "A", "a", true },
		{ "?", "", false },
		{ "?", "x", true },
		{ "10.0.0.*", "10.0.0.255", true },
		{ "10.0.0.*", "10.0.1.255", false },
		{ "10.0.0.?", "10.0.0.25", false },
		{ "10.0.0.1", "10.0.0.10", false },
		{ "fd00::*", "FD00::1:2", true },
		{ "0x*beef", "0x00000000beef", true },
		{ "0x*beef", "0xbeefbeefbee", false },
		{ "*a*b*", "xxaxxbxx", true },
		{ "*a*b", "xxaxxbxx", false },
		{ "a**b", "ab", true },
		{ "[0-9]", "5", true },
		{ "[0-9]", "a", false },
		{ "[a-f]", "C", true },
		{ "[!0-9]", "a", true },
		{ "[!0-9]", "5", false },
		{ "1[13]5", "135", true },
		{ "1[13]5", "125", false },
		{ "[3-]", "-", true },
		{ "[]", "x", false },
		{ "[ab", "[ab", true },
		{ "*[ab]", "xxb", true },
		{ "*aaaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (config_glob(rows[i].glob, rows[i].text) != rows[i].match)
			fail_msg("\"%s\" on \"%s\" should be %d", rows[i].glob, rows[i].text,
				 rows[i].match);
}

static const char rules[] =
	"HANDLER vdisk_ram {\n"
	"	DEVICE d { size 1M }\n"
	"}\n"
	"TARGET_DRIVER srpt {\n"
	"	TARGET closed {\n"
	"		id_ext 1\n"
	"		ioc_guid 1\n"
	"		GROUP empty { LUN 0 d }\n"
	"		GROUP by_id { INITIATOR 0x00000000000000AA*; INITIATOR !0x*ff }\n"
	"		GROUP by_ip { INITIATOR !10.0.0.66; INITIATOR 10.0.0.*; INITIATOR fd00::* "
	"}\n"
	"		GROUP late { INITIATOR 10.*; INITIATOR 192.168.1.[5-7] }\n"
	"	}\n"
	"	TARGET open { id_ext 2; ioc_guid 1; LUN 0 d; allow_any 1\n"
	"		GROUP known { INITIATOR 10.0.0.1 }\n"
	"	}\n"
	"}\n";

static const char *match(const struct config_target *t, uint64_t ext, uint64_t guid,
			 const char *address)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = 99 };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = 99 };
	const struct config_group *g;
	uint8_t id[16];

	for (unsigned i = 0; i < 8; i++) {
		id[i] = (uint8_t)(ext >> (56 - 8 * i));
		id[8 + i] = (uint8_t)(guid >> (56 - 8 * i));
	}
	if (address && inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
		memcpy(&ss, &v4, sizeof(v4));
	} else if (address) {
		assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
		memcpy(&ss, &v6, sizeof(v6));
	}
	g = config_match_group(t, id, address ? (const struct sockaddr *)&ss : NULL);
	if (!g)
		return "refused";
	return g == &t->any_group ? "any" : g->name;
}

static void test_groups(void **state)
{
	struct config_errors errs;
	struct config *c = NULL;
	const struct config_target *t;

	(void)state;
	assert_int_equal(config_parse(&c, rules, sizeof(rules) - 1, "x", &errs), 0);
	t = config_target_find(c, "closed");
	assert_string_equal(match(t, 0, 0, "1.2.3.4"), "refused");
	assert_string_equal(match(t, 0, 0, NULL), "refused");
	assert_string_equal(match(t, 0xaa, 0x1234, NULL), "by_id");
	assert_string_equal(match(t, 0xaa, 0x1234, "1.2.3.4"), "by_id");
	assert_string_equal(match(t, 0xaa, 0x12ff, "1.2.3.4"), "refused");
	assert_string_equal(match(t, 0xaa00, 0x1234, NULL), "refused");
	assert_string_equal(match(t, 0, 0, "10.0.0.7"), "by_ip");
	assert_string_equal(match(t, 0, 0, "::ffff:10.0.0.7"), "by_ip");
	assert_string_equal(match(t, 0, 0, "fd00::5"), "by_ip");
	assert_string_equal(match(t, 0, 0, "fd01::5"), "refused");
	/* An exclusion is of its group only. */
	assert_string_equal(match(t, 0, 0, "10.0.0.66"), "late");
	/* The first group counts. */
	assert_string_equal(match(t, 0xaa, 0, "10.0.0.7"), "by_id");
	assert_string_equal(match(t, 0, 0, "192.168.1.6"), "late");
	assert_string_equal(match(t, 0, 0, "192.168.1.8"), "refused");
	t = config_target_find(c, "open");
	assert_string_equal(match(t, 0, 0, "10.0.0.1"), "known");
	assert_string_equal(match(t, 0, 0, "10.0.0.2"), "any");
	assert_string_equal(match(t, 0, 0, NULL), "any");
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_globs),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
