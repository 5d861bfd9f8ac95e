/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From one model to another: which operations, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "config/diff.h"

static struct config *parse(const char *text)
{
	struct config_errors errs;
	struct config *c = NULL;

	if (config_parse(&c, text, strlen(text), "x", &errs))
		fail_msg("%u:%u: %s\n%s", errs.e[0].pos.line, errs.e[0].pos.column, errs.e[0].text,
			 text);
	return c;
}

/* The operations from @from to @to as lines. */
static void expect(const char *from, const char *to, const char *lines)
{
	struct config *a = parse(from);
	struct config *b = parse(to);
	struct config_diff d;
	char got[2048] = "";
	size_t at = 0;

	assert_int_equal(config_diff(&d, a, b), 0);
	for (unsigned i = 0; i < d.n; i++) {
		char line[200];

		config_op_format(&d.ops[i], line, sizeof(line));
		at += (size_t)snprintf(got + at, sizeof(got) - at, "%s\n", line);
		assert_true(at < sizeof(got));
	}
	assert_string_equal(got, lines);
	config_diff_free(&d);
	config_free(a);
	config_free(b);
}

#define RAM(name, body)   "HANDLER vdisk_ram {\nDEVICE " name " { " body " }\n}\n"
#define PROXY(name, body) "HANDLER proxy {\nDEVICE " name " { " body " }\n}\n"
#define TARGET(name, id, body) \
	"TARGET_DRIVER srpt {\nTARGET " name " {\nid_ext " id "\nioc_guid 1\n" body "\n}\n}\n"

static void test_nothing(void **state)
{
	(void)state;
	expect("", "# comment\n", "");
	expect(RAM("a", "size 1M") TARGET("t", "1", "GROUP g {\nLUN 1 a\nLUN 0 a\nINITIATOR 1*\n}"),
	       TARGET("t", "01", "GROUP g { INITIATOR 1*; LUN 0 a; LUN 1 a { read_only 0 } }")
		       RAM("a", "size 1024K; read_only 0"),
	       "");
}

static void test_options(void **state)
{
	(void)state;
	expect("workers 1\nlog_level info", "workers 2\nlog_level debug\npoll_us 5",
	       "option workers: change\noption poll_us: change\noption log_level: change\n");
}

static void test_devices(void **state)
{
	(void)state;
	expect(RAM("a", "size 1M") RAM("b", "size 1M") RAM("c", "size 1M"),
	       RAM("d", "size 1M") RAM("b", "size 2M") RAM("c", "size 2M; read_only 1"),
	       "device d: add\n"
	       "device b: resize from 1048576 to 2097152 bytes\n"
	       "device c: replace, it has another read_only\n"
	       "device a: remove\n");
	expect(RAM("a", "size 1M"), RAM("a", "size 1M; physical_blocksize 4096"),
	       "device a: replace, it has another physical_blocksize\n");
	expect(RAM("a", "size 1M"), PROXY("a", "connect 1.2.3.4"),
	       "device a: replace, it has another HANDLER\n");
	expect(PROXY("a", "connect 1.2.3.4") PROXY("b", "connect 1.2.3.4")
		       PROXY("c", "connect 1.2.3.4; id_ext 1; ioc_guid 2"),
	       PROXY("a", "connect 1.2.3.5") PROXY("b", "connect 1.2.3.4:5555; lun 1")
		       PROXY("c", "connect 1.2.3.4; id_ext 1; ioc_guid 3"),
	       "device a: replace, it has another connect\n"
	       "device b: replace, it has another lun\n"
	       "device c: replace, it has another ioc_guid\n");
	expect(RAM("a", "size 1M"), "HANDLER vdisk_nullio {\nDEVICE a { size 1M }\n}",
	       "device a: replace, it has another HANDLER\n");
}

static void test_targets(void **state)
{
	(void)state;
	expect(TARGET("a", "1", "") TARGET("b", "2", "")
		       TARGET("c", "3", "listen 1.1.1.1\nenabled 1")
			       TARGET("d", "4", "listen 1.1.1.1"),
	       TARGET("b", "5", "") TARGET("c", "3", "listen 1.1.1.1")
		       TARGET("d", "4", "listen 1.1.1.1\nenabled 1") TARGET("e", "6", ""),
	       "target a: remove\n"
	       "target b: change id_ext\n"
	       "target c: disable\n"
	       "target e: add\n"
	       "target d: enable\n");
	expect(TARGET("a", "1", "enabled 1\nlisten 1.1.1.1:1\nlisten 1.1.1.1:2"),
	       TARGET("a", "1", "enabled 1\nlisten [fd00::1]:3\nlisten 1.1.1.1:2"),
	       "target a: stop listening on 1.1.1.1:1\n"
	       "target a: listen on [fd00::1]:3\n");
}

static void test_groups(void **state)
{
	(void)state;
	expect(RAM("a", "size 1M") TARGET(
		       "t", "1",
		       "GROUP g { LUN 0 a; INITIATOR 1* }\nGROUP h { LUN 0 a }\nGROUP gone { }"),
	       RAM("a", "size 1M")
		       TARGET("t", "1",
			      "GROUP g { LUN 0 a { read_only 1 }; INITIATOR 2* }\nGROUP h { }\n"
			      "GROUP new { }"),
	       "target t, group gone: remove\n"
	       "target t, group g: other initiators\n"
	       "target t, group g: other LUNs\n"
	       "target t, group h: other LUNs\n"
	       "target t, group new: add\n");
	/* The first match counts, so their order matters. */
	expect(TARGET("t", "1", "GROUP g { }\nGROUP h { }"),
	       TARGET("t", "1", "GROUP h { }\nGROUP g { }"),
	       "target t, group h: other initiators\n"
	       "target t, group g: other initiators\n");
}

static void test_any_group(void **state)
{
	(void)state;
	expect(RAM("a", "size 1M") TARGET("t", "1", "allow_any 0\nLUN 0 a"),
	       RAM("a", "size 1M") TARGET("t", "1", "allow_any 1\nLUN 0 a\nLUN 1 a"),
	       "target t, LUNs for any: other initiators\n"
	       "target t, LUNs for any: other LUNs\n");
}

/* A LUN that moves to a new device: the device comes first and the old one goes last. */
static void test_order(void **state)
{
	(void)state;
	expect(RAM("old", "size 1M") TARGET("t", "1", "GROUP g { LUN 0 old }"),
	       RAM("new", "size 1M") TARGET("t", "1", "GROUP g { LUN 0 new }"),
	       "device new: add\n"
	       "target t, group g: other LUNs\n"
	       "device old: remove\n");
}

#define DGROUP(body, there) \
	"DEVICE_GROUP dg {\n" body "\nTARGET_GROUP a { group_id 1; TARGET t }\n" there "\n}\n"

static void test_device_modes(void **state)
{
	static const char *const words[] = { "d_sense 1", "swp 1",  "tas 1",
					     "tst 1",     "qerr 1", "ua_intlck 2" };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		char to[100], line[60];

		(void)snprintf(to, sizeof(to), RAM("d", "size 1M; %s"), words[i]);
		(void)snprintf(line, sizeof(line), "device d: replace, it has another %.*s\n",
			       (int)strcspn(words[i], " "), words[i]);
		expect(RAM("d", "size 1M"), to, line);
	}
}

static void test_device_groups(void **state)
{
	static const char x[] = "TARGET_GROUP b { group_id 2 }";

	(void)state;
	expect(RAM("d", "size 1M") TARGET("t", "1", "") DGROUP("DEVICE d", ""),
	       RAM("d", "size 1M") DGROUP("DEVICE d", "") TARGET("t", "1", ""), "");
	expect("", DGROUP("", "") TARGET("t", "1", ""), "target t: add\ndevice group dg: add\n");
	expect(DGROUP("", "") TARGET("t", "1", ""), TARGET("t", "1", ""),
	       "device group dg: remove\n");
	expect(RAM("d", "size 1M") TARGET("t", "1", "") DGROUP("", ""),
	       RAM("d", "size 1M; expl_alua 1") TARGET("t", "1", "") DGROUP("DEVICE d", ""),
	       "device d: change expl_alua\ndevice group dg: another DEVICE\n");
	expect(TARGET("t", "1", "") DGROUP("", ""), TARGET("t", "1", "") DGROUP("on_stpg /x", ""),
	       "device group dg: another on_stpg\n");
	expect(TARGET("t", "1", "") DGROUP("", ""),
	       TARGET("t", "1", "") DGROUP("on_stpg_timeout 5", ""),
	       "device group dg: another on_stpg_timeout\n");
	for (unsigned i = 0; i < 6; i++) {
		static const struct {
			const char *was, *is, *what;
		} rows[] = {
			{ "", "TARGET_GROUP b { group_id 2 }", "TARGET_GROUP" },
			{ x, "TARGET_GROUP b { group_id 3 }", "group_id" },
			{ x, "TARGET_GROUP b { group_id 2; state standby }", "state" },
			{ x, "TARGET_GROUP b { group_id 2; preferred 1 }", "preferred" },
			{ x, "TARGET_GROUP b { group_id 2; TARGET u }", "TARGET" },
			{ x, "TARGET_GROUP b { group_id 2; SEGMENT 0 standby }", "SEGMENT" },
		};
		char text[2][400];
		char line[80];

		for (unsigned k = 0; k < 2; k++)
			(void)snprintf(text[k], sizeof(text[k]),
				       TARGET("t", "1", "") TARGET("u", "2", "") DGROUP("", "%s"),
				       k ? rows[i].is : rows[i].was);
		(void)snprintf(line, sizeof(line), "device group dg: another %s\n", rows[i].what);
		expect(text[0], text[1], line);
	}
	expect(TARGET("t", "1", "rel_tgt_id 1"), TARGET("t", "1", "rel_tgt_id 2"),
	       "target t: change rel_tgt_id\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),      cmocka_unit_test(test_options),
		cmocka_unit_test(test_devices),      cmocka_unit_test(test_targets),
		cmocka_unit_test(test_groups),       cmocka_unit_test(test_any_group),
		cmocka_unit_test(test_order),        cmocka_unit_test(test_device_groups),
		cmocka_unit_test(test_device_modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
