/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the grammar refuses, and where it says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "config/config.h"

/* --- refused --- */

#define T(body) "TARGET_DRIVER srpt {\n TARGET t {\n id_ext 1\n ioc_guid 1\n" body "\n }\n}\n"
#define D(body) "HANDLER vdisk_ram {\n DEVICE d {\n size 1M\n" body "\n }\n}\n"

#define P(body) "HANDLER proxy {\n DEVICE d {\n " body "\n }\n}\n"

/* A device, a target with a number, and a device group with this in it; the body is in line 10. */
#define G(body)                                                                      \
	"HANDLER vdisk_ram {\n DEVICE d { size 1M }\n}\n"                            \
	"TARGET_DRIVER srpt {\n TARGET t { id_ext 1; ioc_guid 1; rel_tgt_id 5; "     \
	"allow_any 1; LUN 0 d }\n TARGET u { id_ext 2; ioc_guid 1; rel_tgt_id 6 }\n" \
	"}\nDEVICE_GROUP g {\n TARGET_GROUP a { group_id 1; TARGET t }\n" body "\n}\n"

struct refusal {
	const char *text;
	unsigned line, column;
	const char *says; /* a part of the first error */
};

static const struct refusal refusals[] = {
	/* words */
	{ "wrokers 3", 1, 1, "unknown word \"wrokers\" in the file; did you mean \"workers\"?" },
	{ "xyzzy 1", 1, 1, "allowed: HANDLER, TARGET_DRIVER" },
	{ D("filename /x"), 4, 1,
	  "unknown word \"filename\" in DEVICE of vdisk_ram; allowed: size" },
	{ D("blksize 512"), 4, 1, "did you mean \"blocksize\"?" },
	{ T("listn 1.2.3.4"), 5, 1, "did you mean \"listen\"?" },
	{ T("GROUP g {\n INITIATR *\n }"), 6, 2, "did you mean \"INITIATOR\"?" },
	{ "HANDLER vdisk_blockio {\n}", 1, 9,
	  "must be vdisk_fileio, vdisk_nullio, vdisk_ram or proxy" },
	{ "TARGET_DRIVER ib_srpt {\n}", 1, 15, "must be srpt, verbs or iwarp" },
	{ "HANDLER vdisk_ram {\n DEVCE d {\n x\n }\n}", 2, 2, "did you mean \"DEVICE\"?" },
	/* shape */
	{ "workers", 1, 1, "\"workers\" needs more" },
	{ "workers 1 2", 1, 11, "\"2\" is one value too many" },
	{ "workers 1 2 3 4", 1, 11, "\"2\" is one value too many" },
	{ "workers 1 {\n}", 1, 1, "\"workers\" has no block" },
	{ "HANDLER vdisk_ram", 1, 1, "\"HANDLER\" needs a block" },
	{ "HANDLER {\n}", 1, 1, "\"HANDLER\" needs more" },
	{ "workers 1\n\n{\n}", 1, 1, "\"workers\" has no block" },
	{ "HANDLER vdisk_ram {\n", 1, 1, "never closed" },
	{ "}", 1, 1, "\"}\" closes nothing" },
	{ "{\n}", 1, 1, "has no word in front of it" },
	{ D("LUN 0 d"), 4, 1, "unknown word \"LUN\"" },
	{ T("LUN 0 d x { read_only 1 }"), 5, 9, "one value too many" },
	/* characters */
	{ "workers \"3", 1, 9, "the quote opened here is not closed" },
	{ "workers 3#x", 1, 10, "\"#\" inside a word" },
	{ "workers \\3", 1, 9, "a backslash must be followed by" },
	{ "workers 3\001", 1, 10, "control character 0x01" },
	{ "workers \"3\002\"", 1, 11, "control character 0x02" },
	{ "work\rers 3", 1, 5, "control character 0x0d" },
	/* values */
	{ "workers many", 1, 9, "workers \"many\" must be a whole number from 0 to 64" },
	{ "workers 65", 1, 9, "from 0 to 64" },
	{ "workers -1", 1, 9, "from 0 to 64" },
	{ "workers 99999999999999999999999", 1, 9, "from 0 to 64" },
	{ "log_level loud", 1, 11, "must be error, warn, info or debug" },
	{ "control_socket run/x", 1, 16, "an absolute path" },
	{ D("blocksize 500"), 4, 11, "must be 512, 1024, 2048 or 4096" },
	{ D("physical_blocksize 1000"), 4, 20, "must be a power of two from 512 to 65536" },
	{ D("physical_blocksize 131072"), 4, 20, "must be a power of two from 512 to 65536" },
	{ D("blocksize 4096\n physical_blocksize 2048"), 2, 2,
	  "its physical_blocksize 2048 is smaller than its blocksize 4096" },
	{ D("read_only yes"), 4, 11, "must be 0 or 1" },
	{ D("tst 2"), 4, 5, "must be a whole number from 0 to 1" },
	{ D("qerr 2"), 2, 2, "DEVICE \"d\": qerr must be 0, 1 or 3" },
	{ D("ua_intlck 1"), 2, 2, "DEVICE \"d\": ua_intlck must be 0, 2 or 3" },
	{ D("usn \"\""), 4, 5, "1 to 36 printable" },
	{ D("t10_vend_id ninechars"), 4, 13, "1 to 8 printable" },
	{ D("usn \303\244"), 4, 5, "1 to 36 printable" },
	{ "HANDLER vdisk_ram {\n DEVICE d {\n size 0\n }\n}", 3, 7, "a size above 0" },
	{ "HANDLER vdisk_ram {\n DEVICE d {\n size 1X\n }\n}", 3, 7, "a size above 0" },
	{ "HANDLER vdisk_ram {\n DEVICE d {\n size 9999999T\n }\n}", 3, 7, "below 8 EiB" },
	{ "HANDLER vdisk_ram {\n DEVICE a/b {\n size 1M\n }\n}", 2, 9, "a name of letters" },
	{ "HANDLER vdisk_fileio {\n DEVICE d {\n filename x.img\n }\n}", 3, 11,
	  "an absolute path" },
	{ T("listen host:1"), 5, 8, "numeric addresses" },
	{ T("listen 1.2.3.4:0"), 5, 8, "a port from 1 to 65535" },
	{ T("listen 1.2.3.4:65536"), 5, 8, "a port from 1 to 65535" },
	{ T("listen fd00::1:xyz"), 5, 8, "a port from 1 to 65535" },
	{ T("listen g::1:80"), 5, 8, "the brackets part" },
	{ T("listen [fd00::1:80"), 5, 8, "numeric addresses" },
	{ T("listen []:80"), 5, 8, "numeric addresses" },
	{ T("listen [1.2.3:80"), 5, 8, "numeric addresses" },
	{ T("GROUP g {\n INITIATOR iqn.2001\n }"), 6, 12, "a port id as 0x" },
	{ T("GROUP g {\n INITIATOR !\n }"), 6, 12, "a port id as 0x" },
	{ T("GROUP g {\n INITIATOR 10.[0.1\n }"), 6, 12, "one [ to each ]" },
	{ T("GROUP g {\n INITIATOR 10.[]0.1\n }"), 6, 12, "one [ to each ]" },
	{ T("LUN 256 d"), 5, 5, "a number from 0 to 255" },
	{ T("LUN x d"), 5, 5, "a number from 0 to 255" },
	{ D("") T("GROUP g {\n LUN 0 d {\n read_only 2\n }\n }"), 13, 12, "must be 0 or 1" },
	{ "TARGET_DRIVER srpt {\n TARGET t {\n ioc_guid 1\n id_ext 12345678901234567\n }\n}", 4, 9,
	  "1 to 16 hex digits" },
	/* twice */
	{ "workers 1\nworkers 2", 2, 1, "given twice; the first is in line 1" },
	{ D("") D(""), 8, 2, "DEVICE \"d\" is there twice; the first is in line 2" },
	{ T("") T(""), 9, 2, "TARGET \"t\" is there twice; the first is in line 2" },
	{ T("GROUP g {\n }\n GROUP g {\n }"), 7, 2, "GROUP \"g\" is there twice" },
	{ D("") T("GROUP g {\n LUN 1 d\n LUN 1 d\n }"), 13, 2, "LUN 1 is there twice" },
	{ T("listen 1.1.1.1:1\n listen 1.1.1.1:1"), 6, 9, "is there twice" },
	{ T("GROUP g {\n INITIATOR *\n INITIATOR *\n }"), 7, 12, "has it already" },
	/* parts that do not fit */
	{ D("") T("GROUP g {\n LUN 0 e\n }"), 12, 8, "no DEVICE \"e\"; did you mean \"d\"?" },
	{ T("GROUP g {\n LUN 0 e\n }"), 6, 8, "no DEVICE \"e\"; there is none" },
	{ D("") T("LUN 0 d"), 11, 1, "LUN outside a GROUP is for every initiator" },
	{ T("allow_any 1"), 2, 2, "no LUN outside its groups" },
	{ T("enabled 1"), 2, 2, "listens nowhere" },
	{ T("GROUP g {\n INITIATOR !10.*\n }"), 5, 1, "only excludes" },
	{ P("lun 1"), 2, 2, "\"d\" has no connect: proxy needs the address" },
	{ P("connect ib"), 2, 2, "connect takes IPv4 and IPv6 addresses" },
	{ P("connect x"), 3, 10, "with numeric addresses" },
	{ P("connect 1.2.3.4\n id_ext 1"), 2, 2, "are given both or neither" },
	{ P("connect 1.2.3.4\n lun 16384"), 4, 6, "a whole number from 0 to 16383" },
	{ P("connect 1.2.3.4\n usn x"), 4, 2, "unknown word \"usn\" in DEVICE of proxy" },
	{ P("connect 1.2.3.4") T("GROUP g {\n LUN 0 d { read_only 1 }\n }"), 11, 8,
	  "is of another target, which must say so" },
	{ D("read_only 1") T("GROUP g {\n LUN 0 d { read_only 0 }\n }"), 12, 2,
	  "LUN 0 has read_only 0" },
	{ "HANDLER vdisk_ram {\n DEVICE d {\n }\n}", 2, 2, "has no size" },
	{ "HANDLER vdisk_fileio {\n DEVICE d\n}", 2, 2, "has no filename" },
	{ "HANDLER vdisk_ram {\n DEVICE d {\n size 1000\n }\n}", 2, 2, "not a multiple" },
	{ "HANDLER vdisk_fileio {\n DEVICE d {\n filename /x\n write_through 1\n nv_cache 1\n }\n}",
	  2, 2, "write_through 1 and nv_cache 1" },
	{ "TARGET_DRIVER srpt {\n TARGET t {\n id_ext 1\n }\n}", 2, 2, "has no ioc_guid" },
	{ "TARGET_DRIVER srpt {\n TARGET a { id_ext 1; ioc_guid 1 }\n TARGET b { id_ext 1; "
	  "ioc_guid "
	  "1 }\n}",
	  3, 2, "has the id_ext and ioc_guid of TARGET \"a\"" },
	{ "TARGET_DRIVER srpt {\n TARGET a { id_ext 0; ioc_guid 0 }\n}", 2, 2, "both 0" },
	{ "TARGET_DRIVER srpt {\n TARGET a { id_ext 1; ioc_guid 1; listen 1.1.1.1; default_target "
	  "1 }\n"
	  " TARGET b { id_ext 2; ioc_guid 1; listen 1.1.1.1; default_target 1 }\n}",
	  3, 2, "are both default_target on 1.1.1.1:5555" },
	{ "TARGET_DRIVER srpt {\n TARGET a { id_ext 1; ioc_guid 1; listen 0.0.0.0 }\n"
	  " TARGET b { id_ext 2; ioc_guid 1; listen 1.1.1.1 }\n}",
	  3, 42, "is part of listen 0.0.0.0:5555 in line 2" },
	{ T("listen [fd00::1]:7\n listen [::]:7"), 6, 9, "is part of" },
	{ T("listen ib:7\n listen ib:7"), 6, 9, "is there twice" },
	{ T("listen ib:0"), 5, 8, "a port from 1 to 65535" },
	{ "TARGET_DRIVER iwarp {\n TARGET a { id_ext 1; ioc_guid 1; listen ib }\n}", 2, 42,
	  "needs TARGET_DRIVER srpt or verbs" },
	{ "TARGET_DRIVER verbs {\n TARGET a { id_ext 1; ioc_guid 1; listen 1.1.1.1 }\n}\n"
	  "TARGET_DRIVER iwarp {\n TARGET b { id_ext 2; ioc_guid 1; listen 1.1.1.1 }\n}",
	  5, 42, "has another TARGET_DRIVER" },
	/* device groups */
	{ "DEVICE_GROUP g { }", 1, 1, "has no TARGET_GROUP" },
	{ "DEVICE_GROUP g", 1, 1, "needs a block" },
	{ G("TARGET_GROUP b { TARGET u }"), 10, 1, "has no group_id" },
	{ G("TARGET_GROUP b { group_id 1 }"), 10, 1, "has the group_id of TARGET_GROUP \"a\"" },
	{ G("TARGET_GROUP a { group_id 2 }"), 10, 1, "is there twice; the first is in line 9" },
	{ G("TARGET_GROUP b { group_id 65536 }"), 10, 27, "from 0 to 65535" },
	{ G("TARGET_GROUP b { group_id 2; state optimized }"), 10, 36, "nonoptimized, standby" },
	{ G("TARGET_GROUP b { group_id 2; state lba_dependent }"), 10, 1, "has no SEGMENT" },
	{ G("TARGET_GROUP b { group_id 2; SEGMENT 1 active }"), 10, 38, "must be 0 for the first" },
	{ G("TARGET_GROUP b { group_id 2; SEGMENT 0 active; SEGMENT 0 active }"), 10, 56,
	  "must be greater than" },
	{ G("TARGET_GROUP b { group_id 2; SEGMENT 0 offline }"), 10, 40, "standby or unavailable" },
	{ G("TARGET_GROUP b { group_id 2; SEGMENT 0 lba_dependent }"), 10, 40,
	  "standby or unavailable" },
	{ G("TARGET_GROUP b { group_id 2; SEGMENT 0x }"), 10, 30, "needs more: SEGMENT LBA STATE" },
	{ G("TARGET_GROUP b { group_id 2; SEGMENT x active }"), 10, 38, "must be a block number" },
	{ G("TARGET_GROUP b { group_id 2; SEGMENT 18446744073709551616 active }"), 10, 38,
	  "must be a block number" },
	{ G("TARGET_GROUP b { group_id 2; SEGMENT 0 active { } }"), 10, 30, "has no block" },
	{ G("TARGET_GROUP b { group_id 2; TARGET t }"), 10, 30, "is that in line 9 already" },
	{ G("TARGET_GROUP b { group_id 2; TARGET x }"), 10, 30, "for a port of another node say" },
	{ G("TARGET_GROUP b { group_id 2; TARGET x { rel_tgt_id 6 } }"), 10, 30,
	  "has the rel_tgt_id of TARGET \"u\"" },
	{ G("TARGET_GROUP b { group_id 2; TARGET x { rel_tgt_id 7 }; TARGET y { rel_tgt_id 7 } }"),
	  10, 57, "is that in line 10 already" },
	{ G("TARGET_GROUP b { group_id 2; TARGET u { rel_tgt_id 7 } }"), 10, 30,
	  "its rel_tgt_id is given there" },
	{ G("TARGET_GROUP b { group_id 2; TARGET u { rel_tgt_id 0 } }"), 10, 52,
	  "from 1 to 65535" },
	{ G("DEVICE e"), 10, 8, "no DEVICE \"e\"" },
	{ G("DEVICE d { size 1M }"), 10, 1, "it only names a device" },
	{ G("DEVICE d\nDEVICE d"), 11, 8, "is in DEVICE_GROUP \"g\" already" },
	{ G("DEVICE d\n}\nDEVICE_GROUP g {\nTARGET_GROUP a { group_id 1 }"), 12, 1,
	  "is there twice; the first is in line 8" },
	{ G("DEVICE d\n}\nTARGET_DRIVER iwarp {\nTARGET v { id_ext 3; ioc_guid 1; rel_tgt_id 7; "
	    "allow_any 1; LUN 3 d }"),
	  13, 61, "which has no TARGET_GROUP with TARGET \"v\"" },
	{ G("on_stpg true"), 10, 9, "an absolute path" },
	{ G("on_stpg_timeout 0"), 10, 17, "from 1 to 600" },
	{ T("rel_tgt_id 7\n}\nTARGET v {\nid_ext 2; ioc_guid 1"), 7, 1, "give all of them one" },
	{ T("rel_tgt_id 7\n}\nTARGET v {\nid_ext 2; ioc_guid 1; rel_tgt_id 7"), 7, 1,
	  "has the rel_tgt_id of TARGET \"t\"" },
	{ T("") "DEVICE_GROUP g { TARGET_GROUP a { group_id 1; TARGET t; TARGET x { rel_tgt_id 9 } "
		"} }",
	  8, 57, "each TARGET of this file needs a rel_tgt_id" },
};

/* One mistake is one error, at the place of the mistake. */
static bool refused_right(const struct refusal *x)
{
	struct config_errors errs;
	struct config *c = NULL;
	int r = config_parse(&c, x->text, strlen(x->text), "x.conf", &errs);
	const struct config_error *e = &errs.e[0];

	if (r == -EINVAL && !c && errs.n == 1 && e->pos.line == x->line &&
	    e->pos.column == x->column && strstr(e->text, x->says))
		return true;
	print_error("%s\nexpected %u:%u: %s\ngot %d and\n", x->text, x->line, x->column, x->says,
		    r);
	for (unsigned i = 0; i < errs.n; i++)
		print_error("%u:%u: %s\n", e[i].pos.line, e[i].pos.column, e[i].text);
	config_free(c);
	return false;
}

static void test_refusals(void **state)
{
	unsigned n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		n_wrong += !refused_right(&refusals[i]);
	assert_int_equal(n_wrong, 0);
}

static void test_all_errors_in_order(void **state)
{
	static const char text[] =
		"HANDLER vdisk_ram {\n DEVICE a {\n }\n}\n"
		"wrokers 1\n"
		"TARGET_DRIVER srpt {\n TARGET t {\n LUN 0 nope\n bogus\n }\n}\n";
	static const unsigned lines[] = { 2, 5, 7, 7, 8, 8, 9 };
	struct config_errors errs;
	struct config *c = NULL;
	char buf[300];

	(void)state;
	assert_int_equal(config_parse(&c, text, strlen(text), "a.conf", &errs), -EINVAL);
	assert_int_equal(errs.n, ARRAY_SIZE(lines));
	for (unsigned i = 0; i < errs.n; i++)
		assert_int_equal(errs.e[i].pos.line, lines[i]);
	config_error_format(&errs, 1, buf, sizeof(buf));
	assert_string_equal(
		buf, "a.conf:5:1: unknown word \"wrokers\" in the file; did you mean \"workers\"?");
}

static void test_errors_are_limited(void **state)
{
	char text[200];
	struct config_errors errs;
	struct config *c = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? '\n' : '}';
	assert_int_equal(config_parse(&c, text, sizeof(text), "x", &errs), -EINVAL);
	assert_int_equal(errs.n, CONFIG_ERRORS_MAX);
	assert_int_equal(errs.n_omitted, 100 - CONFIG_ERRORS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_all_errors_in_order),
		cmocka_unit_test(test_errors_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
