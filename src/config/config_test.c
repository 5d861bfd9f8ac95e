/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Text to model: what the grammar takes. What it refuses: refuse_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/attr.h"
#include "config/config.h"

static const char whole[] =
	"# a comment\n"
	"control_socket /tmp/x.sock\n"
	"state_dir /var/lib/srptd\n"
	"workers 3 ; poll_us 20 ; store_poll_s 30\n"
	"log_level debug\n"
	"handshake_ms 2500\n"
	"max_handshakes 99\nmax_handshakes_per_peer 7\nmax_connections 500\n"
	"max_logins_per_second 0\n"
	"faults 0\n"
	"\n"
	"HANDLER vdisk_fileio {\r\n"
	"	DEVICE disk01 {\n"
	"		filename \"/srv/a b\\\".img\" # with a space\n"
	"		size 1G\n"
	"		blocksize 4096\n"
	"		physical_blocksize 16384\n"
	"		o_direct 1\n"
	"		write_through 1\n"
	"		thin_provisioned 1\n"
	"		expl_alua 1\n"
	"		d_sense 1; swp 1; tas 1; tst 1; qerr 3; ua_intlck 2\n"
	"		usn 0123-abc\n"
	"		t10_dev_id my\\ disk\n"
	"		t10_vend_id ACME\n"
	"		prod_id \"Fast Disk\"\n"
	"		prod_rev_lvl 1.0\n"
	"		vend_specific_id \"#1\"\n"
	"	}\n"
	"	DEVICE cd { filename /srv/cd.iso; read_only 1; nv_cache 1; rotational 1; removable "
	"1 }\n"
	"}\n"
	"TARGET_DRIVER srpt {\n"
	"	TARGET t1 {\n"
	"		listen 10.0.0.1:3260\n"
	"		listen [fd00::1]:3261\n"
	"		listen fd00::2\n"
	"		id_ext 0x1\n"
	"		ioc_guid 00000000000000FF\n"
	"		default_target 1\n"
	"		rel_tgt_id 3\n"
	"		max_channels 10\n"
	"		max_channels_per_initiator 2\n"
	"		credits 33; credits_per_initiator 100\n"
	"		max_memory_per_initiator 4M; max_immediate 65536; multi_channel 0\n"
	"		LUN 5 ram\n"
	"		LUN 0 disk01 { read_only 1 }\n"
	"		allow_any 1\n"
	"		GROUP hosts {\n"
	"			LUN 255 cd\n"
	"			LUN 1 disk01\n"
	"			INITIATOR 0x*AB\n"
	"			INITIATOR !10.0.0.66\n"
	"			INITIATOR 10.0.0.*\n"
	"		}\n"
	"		enabled 1\n"
	"	}\n"
	"}\n"
	"HANDLER vdisk_ram {\n"
	"	DEVICE ram { size 64k }\n"
	"}\n"
	"TARGET_DRIVER iwarp\n\n{\n"
	"	TARGET t2 { id_ext 2; ioc_guid 2; rel_tgt_id 4 }\n"
	"}\n"
	"DEVICE_GROUP dg {\n"
	"	DEVICE disk01\n"
	"	DEVICE ram\n"
	"	on_stpg \"/usr/bin/fail over\"; on_stpg_timeout 90\n"
	"	TARGET_GROUP here { group_id 0; preferred 1; TARGET t1; TARGET t2 { rel_tgt_id 4 } "
	"}\n"
	"	TARGET_GROUP there {\n"
	"		group_id 65535\n"
	"		state nonoptimized\n"
	"		SEGMENT 0 active; SEGMENT 18446744073709551615 standby\n"
	"		TARGET far { rel_tgt_id 1 }\n"
	"	}\n"
	"}\n";

static struct config *parse(const char *text)
{
	struct config_errors errs;
	struct config *c = NULL;
	int r = config_parse(&c, text, strlen(text), "x.conf", &errs);

	for (unsigned i = 0; i < errs.n; i++)
		print_message("%u:%u: %s\n", errs.e[i].pos.line, errs.e[i].pos.column,
			      errs.e[i].text);
	assert_int_equal(r, 0);
	assert_int_equal(errs.n, 0);
	assert_non_null(c);
	return c;
}

static void check_devices(const struct config *c)
{
	const struct config_device *d = config_device_find(c, "disk01");

	assert_int_equal(c->n_devices, 3);
	assert_non_null(d);
	assert_int_equal(d->handler, CONFIG_FILEIO);
	assert_string_equal(d->path, "/srv/a b\".img");
	assert_int_equal(d->size_bytes, 1 << 30);
	assert_int_equal(d->block_bytes, 4096);
	assert_int_equal(d->physical_bytes, 16384);
	assert_true(d->direct && d->write_through && d->thin && !d->read_only && !d->nv_cache);
	assert_true(d->d_sense && d->swp && d->tas);
	assert_int_equal(d->tst, 1);
	assert_int_equal(d->qerr, 3);
	assert_int_equal(d->ua_intlck, 2);
	assert_string_equal(d->serial, "0123-abc");
	assert_string_equal(d->t10_dev_id, "my disk");
	assert_string_equal(d->vendor, "ACME");
	assert_string_equal(d->product, "Fast Disk");
	assert_string_equal(d->revision, "1.0");
	assert_string_equal(d->vend_specific_id, "#1");
	d = config_device_find(c, "cd");
	assert_true(d->read_only && d->nv_cache && d->rotational && d->removable && !d->direct);
	assert_int_equal(d->block_bytes, 512);
	assert_false(d->d_sense || d->swp || d->tas || d->tst || d->qerr || d->ua_intlck);
	d = config_device_find(c, "ram");
	assert_int_equal(d->handler, CONFIG_RAM);
	assert_int_equal(d->size_bytes, 65536);
	assert_null(config_device_find(c, "nobody"));
}

static void check_dgroup(const struct config *c)
{
	const struct config_dgroup *dg = config_dgroup_find(c, "dg");
	const struct config_tpg *here, *there;
	uint64_t lba[CONFIG_SEGMENTS_MAX];

	assert_non_null(dg);
	assert_null(config_dgroup_find(c, "gd"));
	assert_int_equal(dg->n_members, 2);
	assert_string_equal(dg->members[1].device, "ram");
	assert_int_equal(config_device_find(c, "ram")->dgroup, 0);
	assert_int_equal(config_device_find(c, "cd")->dgroup, -1);
	assert_true(config_device_find(c, "disk01")->expl_alua);
	assert_false(config_device_find(c, "ram")->expl_alua);
	assert_string_equal(dg->on_stpg, "/usr/bin/fail over");
	assert_int_equal(dg->on_stpg_timeout_s, 90);
	assert_int_equal(dg->n_tpgs, 2);
	here = &dg->tpgs[0];
	there = &dg->tpgs[1];
	assert_true(here->preferred && !there->preferred);
	assert_true(here->group_id == 0 && there->group_id == 65535);
	assert_true(here->state == CONFIG_ACCESS_ACTIVE &&
		    there->state == CONFIG_ACCESS_NONOPTIMIZED);
	assert_true(here->n_segments == 0 && there->n_segments == 2);
	assert_int_equal(config_dgroup_segments(dg, lba), 2);
	assert_true(lba[0] == 0 && lba[1] == UINT64_MAX);
	assert_int_equal(config_tpg_state_at(here, 7), CONFIG_ACCESS_ACTIVE);
	assert_int_equal(config_tpg_state_at(there, lba[1] - 1), CONFIG_ACCESS_ACTIVE);
	assert_int_equal(config_tpg_state_at(there, lba[1]), CONFIG_ACCESS_STANDBY);
	assert_true(here->n_ports == 2 && there->n_ports == 1);
	assert_string_equal(c->targets[here->ports[0].target_index].name, "t1");
	assert_int_equal(here->ports[0].rel_tgt_id, 0);
	assert_int_equal(there->ports[0].target_index, -1);
	assert_int_equal(there->ports[0].rel_tgt_id, 1);
	assert_true(c->targets[0].rel_tgt_id == 3 && c->targets[1].rel_tgt_id == 4);
}

static void check_luns(const struct config *c, const struct config_target *t)
{
	const struct config_group *any = &t->any_group;
	const struct config_group *g = &t->groups[0];

	assert_int_equal(any->n_luns, 2);
	assert_int_equal(any->luns[0].lun, 0);
	assert_string_equal(c->devices[any->luns[0].device].name, "disk01");
	assert_true(any->luns[0].read_only);
	assert_int_equal(any->luns[1].lun, 5);
	assert_string_equal(c->devices[any->luns[1].device].name, "ram");
	assert_int_equal(t->n_groups, 1);
	assert_string_equal(g->name, "hosts");
	assert_int_equal(g->n_luns, 2);
	assert_int_equal(g->luns[0].lun, 1);
	assert_false(g->luns[0].read_only);
	assert_int_equal(g->luns[1].lun, 255);
	assert_true(g->luns[1].read_only);
	assert_int_equal(g->n_patterns, 3);
	assert_string_equal(g->patterns[0], "0x*ab");
	assert_string_equal(g->patterns[1], "!10.0.0.66");
}

static void check_targets(const struct config *c)
{
	static const char *const at[] = { "10.0.0.1:3260", "[fd00::1]:3261", "[fd00::2]:5555" };
	const struct config_target *t = config_target_find(c, "t1");
	char buf[128];

	assert_int_equal(c->n_targets, 2);
	assert_non_null(t);
	assert_int_equal(t->driver, CONFIG_DRIVER_SRPT);
	assert_int_equal(t->n_listens, 3);
	for (unsigned i = 0; i < 3; i++) {
		config_listen_format(&t->listens[i], buf, sizeof(buf));
		assert_string_equal(buf, at[i]);
	}
	assert_true(t->enabled && t->default_target && t->allow_any);
	assert_int_equal(t->id_ext, 1);
	assert_int_equal(t->ioc_guid, 255);
	assert_int_equal(t->max_channels, 10);
	assert_int_equal(t->max_channels_per_initiator, 2);
	assert_int_equal(t->credits, 33);
	assert_int_equal(t->credits_per_initiator, 100);
	assert_int_equal(t->memory_per_initiator, 4u << 20);
	assert_int_equal(t->max_immediate, 65536);
	assert_false(t->multi_channel);
	config_login_line(t, &t->listens[1], buf, sizeof(buf));
	assert_string_equal(
		buf, "id_ext=0000000000000001,ioc_guid=00000000000000ff,dest=[fd00::1]:3261");
	check_luns(c, t);
	t = config_target_find(c, "t2");
	assert_int_equal(t->driver, CONFIG_DRIVER_IWARP);
	assert_false(t->enabled || t->allow_any || t->default_target);
	assert_int_equal(t->max_channels, 1024);
	assert_int_equal(t->max_channels_per_initiator, 64);
	assert_int_equal(t->credits, 129);
	assert_int_equal(t->credits_per_initiator, 0);
	assert_int_equal(t->memory_per_initiator, 0);
	assert_int_equal(t->max_immediate, 8192);
	assert_true(t->multi_channel);
}

static void check_whole(const struct config *c)
{
	assert_string_equal(c->opts.control_socket, "/tmp/x.sock");
	assert_string_equal(c->opts.state_dir, "/var/lib/srptd");
	assert_int_equal(c->opts.workers, 3);
	assert_int_equal(c->opts.poll_us, 20);
	assert_int_equal(c->opts.store_poll_s, 30);
	assert_int_equal(c->opts.log_level, LOG_DEBUG);
	assert_int_equal(c->opts.handshake_ms, 2500);
	assert_int_equal(c->opts.handshakes, 99);
	assert_int_equal(c->opts.handshakes_per_peer, 7);
	assert_int_equal(c->opts.max_conns, 500);
	assert_int_equal(c->opts.logins_per_s, 0);
	assert_int_equal(c->opts.faults, 0);
	check_devices(c);
	check_dgroup(c);
	check_targets(c);
}

static void test_whole_file(void **state)
{
	struct config *c = parse(whole);

	(void)state;
	check_whole(c);
	config_free(c);
}

static void test_empty_file_has_defaults(void **state)
{
	struct config *c = parse(" \n# nothing\n;;\n");

	(void)state;
	assert_int_equal(c->n_devices, 0);
	assert_int_equal(c->n_targets, 0);
	assert_string_equal(c->opts.control_socket, CONFIG_CONTROL_SOCKET);
	assert_string_equal(c->opts.state_dir, "");
	assert_int_equal(c->opts.workers, 0);
	assert_int_equal(c->opts.log_level, LOG_INFO);
	assert_int_equal(c->opts.handshake_ms, 5000);
	assert_int_equal(c->opts.faults, 1);
	config_free(c);
}

static void test_round_trip(void **state)
{
	struct config *c = parse(whole);
	struct config *again;
	char *text = NULL;
	char *text2 = NULL;

	(void)state;
	assert_int_equal(config_format(c, &text), 0);
	again = parse(text);
	check_whole(again);
	assert_int_equal(config_format(again, &text2), 0);
	assert_string_equal(text, text2);
	free(text);
	free(text2);
	config_free(c);
	config_free(again);
}

static void test_demo(void **state)
{
	struct config *c = NULL;
	const struct config_target *t;
	char line[128];

	(void)state;
	assert_int_equal(config_demo(&c), 0);
	t = &c->targets[0];
	assert_true(t->enabled && t->default_target && t->allow_any);
	assert_int_equal(t->id_ext, CONFIG_DEMO_ID_EXT);
	assert_int_equal(t->ioc_guid, CONFIG_DEMO_IOC_GUID);
	assert_int_equal(t->any_group.n_luns, 2);
	assert_int_equal(c->devices[t->any_group.luns[0].device].handler, CONFIG_RAM);
	assert_int_equal(c->devices[t->any_group.luns[0].device].size_bytes, 256u << 20);
	assert_int_equal(c->devices[t->any_group.luns[1].device].handler, CONFIG_NULLIO);
	assert_int_equal(c->devices[t->any_group.luns[1].device].size_bytes, 1ull << 40);
	config_login_line(t, &t->listens[0], line, sizeof(line));
	assert_string_equal(
		line, "id_ext=0002c90300a0dd01,ioc_guid=0002c90300a0dd00,dest=127.0.0.1:5555");
	config_free(c);
}

static void test_proxy(void **state)
{
	static const char text[] =
		"HANDLER proxy {\n	DEVICE a {\n		connect 10.1.0.2\n	}\n"
		"	DEVICE b {\n		connect [fd00::2]:4711\n		id_ext a\n"
		"		ioc_guid b\n		lun 300\n	}\n}\n";
	struct config *c = parse(text);
	const struct config_device *d = c->devices;
	struct config *again;
	char where[64];
	char *out = NULL;

	(void)state;
	assert_int_equal(d[0].handler, CONFIG_PROXY);
	assert_int_equal(d[0].lun + d[0].id_ext + d[0].ioc_guid, 0);
	config_listen_format(&d[0].connect, where, sizeof(where));
	assert_string_equal(where, "10.1.0.2:5555");
	assert_int_equal(config_format(c, &out), 0);
	again = parse(out);
	d = again->devices;
	config_listen_format(&d[1].connect, where, sizeof(where));
	assert_string_equal(where, "[fd00::2]:4711");
	assert_int_equal(d[1].id_ext, 0xa);
	assert_int_equal(d[1].ioc_guid, 0xb);
	assert_int_equal(d[1].lun, 300);
	free(out);
	config_free(again);
	config_free(c);
}

/* Logins by the InfiniBand CM: an address of its own kind, that goes round and that a login line tells. */
static void test_infiniband(void **state)
{
	static const char text[] = "TARGET_DRIVER verbs {\n	TARGET t {\n"
				   "		listen ib\n		listen ib:4711\n"
				   "		id_ext 1\n		ioc_guid 2\n	}\n}\n";
	struct config_errors errs;
	struct config *c;
	char line[160];

	(void)state;
	assert_int_equal(config_parse(&c, text, sizeof(text) - 1, "ib.conf", &errs), 0);
	assert_int_equal(c->targets[0].driver, CONFIG_DRIVER_VERBS);
	assert_int_equal(c->targets[0].n_listens, 2);
	config_listen_format(&c->targets[0].listens[0], line, sizeof(line));
	assert_string_equal(line, "ib:5555");
	config_listen_format(&c->targets[0].listens[1], line, sizeof(line));
	assert_string_equal(line, "ib:4711");
	config_login_line(&c->targets[0], &c->targets[0].listens[1], line, sizeof(line));
	assert_string_equal(line, "id_ext=0000000000000001,ioc_guid=0000000000000002,"
				  "dgid=GID-OF-THE-PORT,pkey=ffff,service_id=00000000013f1267");
	config_free(c);
}

/* --- limits --- */

static void test_word_limits(void **state)
{
	static char text[3 * CONFIG_WORD_MAX];
	struct config_errors errs;
	struct config *c = NULL;
	int n = snprintf(text, sizeof(text), "HANDLER vdisk_fileio {\nDEVICE d {\nfilename /");

	(void)state;
	memset(text + n, 'x', CONFIG_WORD_MAX - 1);
	memcpy(text + n + CONFIG_WORD_MAX - 1, "\n}\n}\n", 6);
	c = parse(text);
	assert_int_equal(strlen(c->devices[0].path), CONFIG_WORD_MAX);
	config_free(c);
	memset(text + n, 'x', CONFIG_WORD_MAX);
	memcpy(text + n + CONFIG_WORD_MAX, "\n}\n}\n", 6);
	assert_int_equal(config_parse(&c, text, strlen(text), "x", &errs), -EINVAL);
	assert_int_equal(errs.n, 1);
	assert_int_equal(errs.e[0].pos.line, 3);
	assert_non_null(strstr(errs.e[0].text, "longer than 4095 bytes"));
}

static void test_name_limit(void **state)
{
	char text[200];
	struct config_errors errs;
	struct config *c = NULL;

	(void)state;
	(void)snprintf(text, sizeof(text), "HANDLER vdisk_ram {\nDEVICE %063d {\nsize 1M\n}\n}", 7);
	config_free(parse(text));
	(void)snprintf(text, sizeof(text), "HANDLER vdisk_ram {\nDEVICE %064d {\nsize 1M\n}\n}", 7);
	assert_int_equal(config_parse(&c, text, strlen(text), "x", &errs), -EINVAL);
	assert_non_null(strstr(errs.e[0].text, "a name of 1 to 63 bytes"));
}

static void test_file_limit(void **state)
{
	char *text = malloc(CONFIG_FILE_MAX + 1);
	struct config_errors errs;
	struct config *c = NULL;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', CONFIG_FILE_MAX + 1);
	assert_int_equal(config_parse(&c, text, CONFIG_FILE_MAX, "x", &errs), 0);
	config_free(c);
	assert_int_equal(config_parse(&c, text, CONFIG_FILE_MAX + 1, "x", &errs), -EINVAL);
	assert_int_equal(errs.e[0].pos.line, 0);
	free(text);
}

static int count_limit(unsigned n, const char *head, const char *each, const char *tail)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct config_errors errs;
	struct config *c = NULL;
	int r;

	assert_non_null(f);
	(void)fputs(head, f);
	for (unsigned i = 0; i < n; i++) {
		for (const char *p = each; *p; p++) {
			if (*p == '%')
				(void)fprintf(f, "%x", i + 1);
			else
				(void)fputc(*p, f);
		}
	}
	(void)fputs(tail, f);
	(void)fclose(f);
	r = config_parse(&c, text, len, "x", &errs);
	config_free(c);
	free(text);
	if (r)
		assert_non_null(strstr(errs.e[0].text, "one of at most"));
	return r;
}

static void test_count_limits(void **state)
{
	static const struct {
		unsigned max;
		const char *head, *each, *tail;
	} rows[] = {
		{ CONFIG_DEVICES_MAX, "HANDLER vdisk_ram {\n", "DEVICE d% { size 1M }\n", "}" },
		{ CONFIG_TARGETS_MAX, "TARGET_DRIVER srpt {\n",
		  "TARGET t% { id_ext %; ioc_guid 1 }\n", "}" },
		{ CONFIG_GROUPS_MAX, "TARGET_DRIVER srpt {\nTARGET t {\nid_ext 1\nioc_guid 1\n",
		  "GROUP g% { }\n", "}\n}" },
		{ CONFIG_PATTERNS_MAX,
		  "TARGET_DRIVER srpt {\nTARGET t {\nid_ext 1\nioc_guid 1\nGROUP g {\n",
		  "INITIATOR 0x%*\n", "}\n}\n}" },
		{ CONFIG_DGROUPS_MAX, "", "DEVICE_GROUP g% { TARGET_GROUP a { group_id 1 } }\n",
		  "" },
		{ CONFIG_LISTENS_MAX, "TARGET_DRIVER srpt {\nTARGET t {\nid_ext 1\nioc_guid 1\n",
		  "listen fd00::%\n", "}\n}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(count_limit(rows[i].max, rows[i].head, rows[i].each, rows[i].tail),
				 0);
		assert_int_equal(
			count_limit(rows[i].max + 1, rows[i].head, rows[i].each, rows[i].tail),
			-EINVAL);
	}
}

/* @n target groups of @ports ports each. */
static int parse_tpgs(unsigned n, unsigned ports)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct config_errors errs;
	struct config *c = NULL;
	unsigned port = 0;
	int r;

	assert_non_null(f);
	(void)fputs("DEVICE_GROUP g {\n", f);
	for (unsigned i = 0; i < n; i++) {
		(void)fprintf(f, "TARGET_GROUP a%u {\ngroup_id %u\n", i, i);
		for (unsigned k = 0; k < ports; k++, port++)
			(void)fprintf(f, "TARGET x%u { rel_tgt_id %u }\n", port, port + 1);
		(void)fputs("}\n", f);
	}
	(void)fputs("}\n", f);
	(void)fclose(f);
	r = config_parse(&c, text, len, "x", &errs);
	if (r)
		assert_int_equal(errs.n, 1);
	config_free(c);
	free(text);
	return r;
}

static void test_target_group_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_tpgs(CONFIG_TPGS_MAX, 1), 0);
	assert_int_equal(parse_tpgs(CONFIG_TPGS_MAX + 1, 1), -EINVAL);
	assert_int_equal(parse_tpgs(1, CONFIG_TPG_PORTS_MAX), 0);
	assert_int_equal(parse_tpgs(1, CONFIG_TPG_PORTS_MAX + 1), -EINVAL);
	assert_int_equal(parse_tpgs(3, CONFIG_TPG_PORTS_MAX / 3), 0);
	assert_int_equal(parse_tpgs(3, CONFIG_TPG_PORTS_MAX / 3 + 1), -EINVAL);
}

/* --- hostile text --- */

/* Cut anywhere, a file is refused or means something; it is never read past its end (ASan looks). */
static void test_truncated_at_every_byte(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		char *copy = malloc(len ? len : 1);
		struct config_errors errs;
		struct config *c = NULL;
		int r;

		assert_non_null(copy);
		memcpy(copy, whole, len);
		r = config_parse(&c, copy, len, "cut", &errs);
		assert_true(r ? r == -EINVAL && errs.n > 0 && !c : c && !errs.n);
		config_free(c);
		free(copy);
	}
}

/* Each byte replaced by each special one: no crash, and an answer that is consistent. */
static void test_bytes_replaced(void **state)
{
	static const char special[] = "{}\"\\#;\n \t\r\0\377!9";
	char text[sizeof(whole)];

	(void)state;
	for (size_t at = 0; at + 1 < sizeof(whole); at++)
		for (size_t i = 0; i + 1 < sizeof(special); i++) {
			struct config_errors errs;
			struct config *c = NULL;
			int r;

			memcpy(text, whole, sizeof(whole));
			text[at] = special[i];
			r = config_parse(&c, text, sizeof(whole) - 1, "x", &errs);
			assert_true(r ? r == -EINVAL && errs.n > 0 && !c : c && !errs.n);
			config_free(c);
		}
}

/* --- files --- */

static void test_load_file(void **state)
{
	char path[] = "/tmp/srptd-config-test-XXXXXX";
	int fd = mkstemp(path);
	struct config_errors errs;
	struct config *c = NULL;
	char buf[300];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, whole, sizeof(whole) - 1), sizeof(whole) - 1);
	(void)close(fd);
	assert_int_equal(config_load_file(&c, path, &errs), 0);
	check_whole(c);
	config_free(c);
	(void)unlink(path);
	c = NULL;
	assert_int_equal(config_load_file(&c, path, &errs), -ENOENT);
	assert_null(c);
	config_error_format(&errs, 0, buf, sizeof(buf));
	assert_non_null(strstr(buf, ": cannot read it: No such file"));
	assert_int_equal(config_load_file(&c, "/tmp", &errs), -EISDIR);
	assert_int_equal(errs.n, 1);
}

static void test_sizes(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_null(attr_size("1", &v));
	assert_int_equal(v, 1);
	assert_null(attr_size("3k", &v));
	assert_int_equal(v, 3072);
	assert_null(attr_size("2T", &v));
	assert_int_equal(v, 2ull << 40);
	assert_null(attr_size("9223372036854775807", &v));
	assert_int_equal(v, INT64_MAX);
	assert_non_null(attr_size("9223372036854775808", &v));
	assert_non_null(attr_size("18446744073709551616", &v));
	assert_non_null(attr_size("8388608T", &v));
	assert_null(attr_size("8388607T", &v));
	assert_non_null(attr_size("", &v));
	assert_non_null(attr_size("K", &v));
	assert_non_null(attr_size("1KB", &v));
	assert_non_null(attr_size(" 1", &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_file),
		cmocka_unit_test(test_empty_file_has_defaults),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_demo),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_infiniband),
		cmocka_unit_test(test_word_limits),
		cmocka_unit_test(test_name_limit),
		cmocka_unit_test(test_file_limit),
		cmocka_unit_test(test_count_limits),
		cmocka_unit_test(test_target_group_limits),
		cmocka_unit_test(test_truncated_at_every_byte),
		cmocka_unit_test(test_bytes_replaced),
		cmocka_unit_test(test_load_file),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
