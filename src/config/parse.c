/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The grammar: one table for each kind of block, and what its opening line means. */
#include "config/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/attr.h"
#include "config/scope.h"

bool parse_grow(void *array, unsigned n, size_t elem_size)
{
	size_t cap = n ? 2 * (size_t)n : 1;
	void *now;
	void *more;

	if (n & (n - 1)) /* not at a power of two: there is room */
		return true;
	memcpy(&now, array, sizeof(now)); /* a pointer of another type, seen as void * */
	more = reallocarray(now, cap, elem_size);
	if (!more)
		return false;
	memcpy(array, &more, sizeof(more));
	return true;
}

void parse_defaults_options(struct config_options *o)
{
	memset(o, 0, sizeof(*o));
	(void)snprintf(o->control_socket, sizeof(o->control_socket), "%s", CONFIG_CONTROL_SOCKET);
	o->log_level = LOG_INFO;
	o->handshake_ms = 5000;
	o->handshakes = 1024;
	o->handshakes_per_peer = 32;
	o->max_conns = 4096;
	o->logins_per_s = 1000;
	o->faults = 1;
	o->store_poll_s = 1;
}

void parse_defaults_target(struct config_target *t)
{
	memset(t, 0, sizeof(*t));
	t->max_channels = 1024;
	t->max_channels_per_initiator = 64;
	t->credits = 129;
	t->max_immediate = 8192;
	t->multi_channel = true;
}

/* --- LUN --- */

static const struct word lun_words[] = {
	{ "read_only", WORD_BOOL, 0, offsetof(struct config_lun, read_only), 0, 0, NULL },
};

static bool lun_add(struct parser *p, uint16_t lun)
{
	struct config_group *g = p->group;
	struct parse *st = &p->state;
	struct parse_ref *ref;

	if (!parse_grow(&g->luns, g->n_luns, sizeof(*g->luns)) ||
	    !parse_grow(&st->refs, st->n_refs, sizeof(*st->refs))) {
		st->no_memory = true;
		return false;
	}
	ref = &st->refs[st->n_refs];
	memset(ref, 0, sizeof(*ref));
	ref->pos = p->stmt.pos[2];
	memcpy(ref->device, p->stmt.word[2], strlen(p->stmt.word[2]) + 1);
	g->luns[g->n_luns++] =
		(struct config_lun){ .lun = lun, .device = st->n_refs++, .pos = p->stmt.pos[0] };
	return true;
}

static void open_lun(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct config_lun scratch = { 0 };
	struct scope s = { .words = lun_words,
			   .n_words = ARRAY_SIZE(lun_words),
			   .what = "LUN",
			   .object = &scratch,
			   .up = up };
	uint64_t lun = 0;
	bool ok = scope_args(p, 2, "LUN NUMBER DEVICE");

	if (ok && (attr_uint(p->stmt.word[1], &lun) || lun > CONFIG_LUN_MAX))
		ok = scope_value(p, 1, "a number from 0 to 255");
	ok = ok && scope_value(p, 2, attr_name(p->stmt.word[2]));
	ok = ok && lun_add(p, (uint16_t)lun);
	if (ok)
		s.object = &p->group->luns[p->group->n_luns - 1];
	if (block)
		scope_read(p, &s, opened);
	if (ok)
		p->state.refs[p->state.n_refs - 1].ro_given = s.seen[0].line;
}

/* --- GROUP --- */

static const struct word group_words[] = {
	{ "LUN", WORD_BLOCK, 0, 0, 0, 0, open_lun },
	{ "INITIATOR", WORD_INITIATOR, 0, 0, 0, 0, NULL },
};

static void open_group(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct config_target *t = p->target;
	struct config_group scratch = { 0 };
	struct scope s = {
		.words = group_words, .n_words = ARRAY_SIZE(group_words), .what = "GROUP", .up = up
	};
	bool ok = scope_named(p, block, "GROUP NAME { ... }");

	if (ok && t->n_groups == CONFIG_GROUPS_MAX)
		ok = scope_value(p, 1, "one of at most 1024 groups of a target");
	if (ok && !parse_grow(&t->groups, t->n_groups, sizeof(scratch))) {
		p->state.no_memory = true;
		return;
	}
	p->group = &scratch;
	scratch.pos = opened;
	if (ok) {
		memcpy(scratch.name, p->stmt.word[1], strlen(p->stmt.word[1]) + 1);
		t->groups[t->n_groups] = scratch;
		p->group = &t->groups[t->n_groups++];
	}
	if (block)
		scope_read(p, &s, opened);
	p->group = &t->any_group;
	/* A group whose head is wrong was read for its errors only. */
	for (unsigned i = 0; i < scratch.n_patterns; i++)
		free(scratch.patterns[i]);
	free(scratch.patterns);
	free(scratch.luns);
}

/* --- TARGET_DRIVER, TARGET --- */

#define TARGET_WORD(name, type, field, min, max)                                     \
	{                                                                            \
		name, type, 0, offsetof(struct config_target, field), min, max, NULL \
	}

static const struct word target_words[] = {
	TARGET_WORD("enabled", WORD_BOOL, enabled, 0, 0),
	TARGET_WORD("listen", WORD_LISTEN, listens, 0, 0),
	TARGET_WORD("id_ext", WORD_HEX64, id_ext, 0, 0),
	TARGET_WORD("ioc_guid", WORD_HEX64, ioc_guid, 0, 0),
	TARGET_WORD("default_target", WORD_BOOL, default_target, 0, 0),
	TARGET_WORD("allow_any", WORD_BOOL, allow_any, 0, 0),
	TARGET_WORD("rel_tgt_id", WORD_UINT, rel_tgt_id, 1, 65535),
	TARGET_WORD("max_channels", WORD_UINT, max_channels, 1, 65536),
	TARGET_WORD("max_channels_per_initiator", WORD_UINT, max_channels_per_initiator, 1, 65536),
	TARGET_WORD("credits", WORD_UINT, credits, 4, 1024),
	TARGET_WORD("credits_per_initiator", WORD_UINT, credits_per_initiator, 0, 65536),
	TARGET_WORD("max_memory_per_initiator", WORD_SIZE, memory_per_initiator, 0, 0),
	TARGET_WORD("max_immediate", WORD_UINT, max_immediate, 0, 65536),
	TARGET_WORD("multi_channel", WORD_BOOL, multi_channel, 0, 0),
	{ "LUN", WORD_BLOCK, 0, 0, 0, 0, open_lun },
	{ "GROUP", WORD_BLOCK, 0, 0, 0, 0, open_group },
};

/* A number for people to copy: the same target name gives the same one. */
static uint64_t target_example_id(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ull;
	return (h & ~(0xffull << 56)) | 0x02ull << 56; /* locally administered */
}

static void target_missing(struct parser *p, struct scope *s, const struct config_target *t)
{
	static const char *const ids[] = { "id_ext", "ioc_guid" };

	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
		if (!scope_seen(s, ids[i]))
			errors_add(p->state.errs, t->pos,
				   "TARGET \"%s\" has no %s: give it 16 hex digits that no other "
				   "target "
				   "on the network has, as \"%s %016llx\"",
				   t->name, ids[i], ids[i],
				   (unsigned long long)target_example_id(t->name));
	/* After an error 0 may only mean that the value could not be read. */
	if (scope_seen(s, "id_ext") && scope_seen(s, "ioc_guid") && !t->id_ext && !t->ioc_guid &&
	    !errors_any(p->state.errs))
		errors_add(p->state.errs, t->pos,
			   "TARGET \"%s\": id_ext and ioc_guid must not be both 0, which names no "
			   "target",
			   t->name);
	if (t->any_group.n_luns && !scope_seen(s, "allow_any"))
		errors_add(p->state.errs, t->any_group.luns[0].pos,
			   "LUN outside a GROUP is for every initiator that can connect: say "
			   "\"allow_any 1\" in TARGET \"%s\", or move it into a GROUP",
			   t->name);
	if (t->allow_any && !t->any_group.n_luns)
		errors_add(p->state.errs, t->pos,
			   "TARGET \"%s\" has allow_any 1 but no LUN outside its groups", t->name);
}

static void open_target(struct parser *p, struct scope *up, bool block)
{
	struct config *c = p->state.config;
	struct config_target *t;
	struct config_pos opened = p->stmt.pos[0];
	struct scope s = { .words = target_words,
			   .n_words = ARRAY_SIZE(target_words),
			   .what = "TARGET",
			   .up = up };
	bool ok = scope_named(p, block, "TARGET NAME { ... }");

	if (ok && c->n_targets == CONFIG_TARGETS_MAX)
		ok = scope_value(p, 1, "one of at most 256 targets");
	if (!ok) {
		if (block)
			scope_skip(p, opened);
		return;
	}
	if (!parse_grow(&c->targets, c->n_targets, sizeof(*t))) {
		p->state.no_memory = true;
		return;
	}
	t = &c->targets[c->n_targets++];
	parse_defaults_target(t);
	memcpy(t->name, p->stmt.word[1], strlen(p->stmt.word[1]) + 1);
	t->driver = p->driver;
	t->pos = opened;
	t->any_group.pos = opened;
	p->target = t;
	p->group = &t->any_group;
	s.object = t;
	if (!block)
		return;
	scope_read(p, &s, opened);
	target_missing(p, &s, t);
}

static const struct word driver_words[] = {
	{ "TARGET", WORD_BLOCK, 0, 0, 0, 0, open_target },
};

static void open_driver(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct scope s = { .words = driver_words,
			   .n_words = ARRAY_SIZE(driver_words),
			   .what = "TARGET_DRIVER",
			   .up = up };

	p->driver = CONFIG_DRIVER_COUNT;
	if (scope_named(p, block, "TARGET_DRIVER srpt { ... }")) {
		for (unsigned i = 0; i < CONFIG_DRIVER_COUNT; i++)
			if (!strcmp(p->stmt.word[1], config_driver_name((enum config_driver)i)))
				p->driver = (enum config_driver)i;
		if (p->driver == CONFIG_DRIVER_COUNT)
			(void)scope_value(p, 1, "srpt, verbs or iwarp");
	}
	if (block)
		scope_read(p, &s, opened);
}

/* --- HANDLER, DEVICE --- */

#define FILEIO BIT(CONFIG_FILEIO)
#define NULLIO BIT(CONFIG_NULLIO)
#define RAM    BIT(CONFIG_RAM)
#define PROXY  BIT(CONFIG_PROXY)
#define DISK   (FILEIO | NULLIO | RAM)

#define DEVICE_WORD(name, type, handlers, field, max)                                     \
	{                                                                                 \
		name, type, handlers, offsetof(struct config_device, field), 0, max, NULL \
	}

static const struct word device_words[] = {
	DEVICE_WORD("filename", WORD_PATH, FILEIO, path, 0),
	DEVICE_WORD("size", WORD_SIZE, DISK, size_bytes, 0),
	DEVICE_WORD("blocksize", WORD_BLOCK_SIZE, DISK, block_bytes, 0),
	DEVICE_WORD("physical_blocksize", WORD_PHYSICAL_SIZE, DISK, physical_bytes, 0),
	DEVICE_WORD("read_only", WORD_BOOL, DISK, read_only, 0),
	DEVICE_WORD("o_direct", WORD_BOOL, FILEIO, direct, 0),
	DEVICE_WORD("write_through", WORD_BOOL, FILEIO, write_through, 0),
	DEVICE_WORD("nv_cache", WORD_BOOL, FILEIO, nv_cache, 0),
	DEVICE_WORD("thin_provisioned", WORD_BOOL, FILEIO | RAM, thin, 0),
	DEVICE_WORD("soft_threshold", WORD_UINT, FILEIO, soft_threshold, 99),
	DEVICE_WORD("rotational", WORD_BOOL, FILEIO | NULLIO, rotational, 0),
	DEVICE_WORD("removable", WORD_BOOL, DISK, removable, 0),
	DEVICE_WORD("expl_alua", WORD_BOOL, DISK, expl_alua, 0),
	DEVICE_WORD("d_sense", WORD_BOOL, DISK, d_sense, 0),
	DEVICE_WORD("swp", WORD_BOOL, DISK, swp, 0),
	DEVICE_WORD("tas", WORD_BOOL, DISK, tas, 0),
	DEVICE_WORD("tst", WORD_UINT, DISK, tst, 1),
	DEVICE_WORD("qerr", WORD_UINT, DISK, qerr, 3),
	DEVICE_WORD("ua_intlck", WORD_UINT, DISK, ua_intlck, 3),
	DEVICE_WORD("usn", WORD_TEXT, DISK, serial, 36),
	DEVICE_WORD("t10_dev_id", WORD_TEXT, DISK, t10_dev_id, 48),
	DEVICE_WORD("t10_vend_id", WORD_TEXT, DISK, vendor, 8),
	DEVICE_WORD("prod_id", WORD_TEXT, DISK, product, 16),
	DEVICE_WORD("prod_rev_lvl", WORD_TEXT, DISK, revision, 4),
	DEVICE_WORD("vend_specific_id", WORD_TEXT, DISK, vend_specific_id, 32),
	DEVICE_WORD("connect", WORD_ADDRESS, PROXY, connect, 0),
	DEVICE_WORD("id_ext", WORD_HEX64, PROXY, id_ext, 0),
	DEVICE_WORD("ioc_guid", WORD_HEX64, PROXY, ioc_guid, 0),
	DEVICE_WORD("lun", WORD_UINT, PROXY, lun, 16383),
};

/* Values in the middle that the control mode page does not have. */
static void device_modes(struct parser *p, const struct config_device *d)
{
	if (d->qerr == 2)
		errors_add(p->state.errs, d->pos, "DEVICE \"%s\": qerr must be 0, 1 or 3", d->name);
	if (d->ua_intlck == 1)
		errors_add(p->state.errs, d->pos, "DEVICE \"%s\": ua_intlck must be 0, 2 or 3",
			   d->name);
}

static void proxy_missing(struct parser *p, struct scope *s, const struct config_device *d)
{
	if (!scope_seen(s, "connect"))
		errors_add(
			p->state.errs, d->pos,
			"DEVICE \"%s\" has no connect: proxy needs the address of the target that "
			"has the disk, as \"connect 10.0.0.1:5555\"",
			d->name);
	else if (d->connect.addr.ss_family == AF_IB)
		errors_add(p->state.errs, d->pos,
			   "DEVICE \"%s\": connect takes IPv4 and IPv6 addresses, not ib", d->name);
	if (!d->id_ext != !d->ioc_guid)
		errors_add(p->state.errs, d->pos,
			   "DEVICE \"%s\": id_ext and ioc_guid are given both or neither", d->name);
}

static void device_missing(struct parser *p, struct scope *s, const struct config_device *d)
{
	if (d->handler == CONFIG_FILEIO && !scope_seen(s, "filename"))
		errors_add(p->state.errs, d->pos,
			   "DEVICE \"%s\" has no filename: vdisk_fileio needs the path of its file",
			   d->name);
	if (d->handler == CONFIG_PROXY) {
		proxy_missing(p, s, d);
		return;
	}
	if (s->handler < CONFIG_HANDLER_COUNT && d->handler != CONFIG_FILEIO &&
	    !scope_seen(s, "size"))
		errors_add(p->state.errs, d->pos,
			   "DEVICE \"%s\" has no size: %s needs one, as \"size 1G\"", d->name,
			   config_handler_name(d->handler));
	if (d->size_bytes % d->block_bytes)
		errors_add(
			p->state.errs, d->pos,
			"DEVICE \"%s\": its size of %llu bytes is not a multiple of its blocksize "
			"%u",
			d->name, (unsigned long long)d->size_bytes, d->block_bytes);
	if (d->physical_bytes && d->physical_bytes < d->block_bytes)
		errors_add(p->state.errs, d->pos,
			   "DEVICE \"%s\": its physical_blocksize %u is smaller than its blocksize "
			   "%u",
			   d->name, d->physical_bytes, d->block_bytes);
	if (d->write_through && d->nv_cache)
		errors_add(p->state.errs, d->pos,
			   "DEVICE \"%s\" has write_through 1 and nv_cache 1: without a cache "
			   "there is "
			   "none that survives",
			   d->name);
	device_modes(p, d);
}

static void open_device(struct parser *p, struct scope *up, bool block)
{
	struct config *c = p->state.config;
	struct config_pos opened = p->stmt.pos[0];
	struct config_device *d;
	struct scope s = { .words = device_words,
			   .n_words = ARRAY_SIZE(device_words),
			   .what = "DEVICE",
			   .handler = p->handler,
			   .up = up };
	bool ok = scope_args(p, 1, "DEVICE NAME { ... }") &&
		  scope_value(p, 1, attr_name(p->stmt.word[1]));

	if (ok && c->n_devices == CONFIG_DEVICES_MAX)
		ok = scope_value(p, 1, "one of at most 16384 devices");
	if (!ok) {
		if (block)
			scope_skip(p, opened);
		return;
	}
	if (!parse_grow(&c->devices, c->n_devices, sizeof(*d))) {
		p->state.no_memory = true;
		return;
	}
	d = &c->devices[c->n_devices++];
	memset(d, 0, sizeof(*d));
	memcpy(d->name, p->stmt.word[1], strlen(p->stmt.word[1]) + 1);
	d->handler = p->handler;
	d->dgroup = -1;
	d->block_bytes = 512;
	d->pos = opened;
	s.object = d;
	if (block)
		scope_read(p, &s, opened);
	device_missing(p, &s, d);
}

static const struct word handler_words[] = {
	{ "DEVICE", WORD_BLOCK, 0, 0, 0, 0, open_device },
};

static void open_handler(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct scope s = { .words = handler_words,
			   .n_words = ARRAY_SIZE(handler_words),
			   .what = "HANDLER",
			   .up = up };

	p->handler = CONFIG_HANDLER_COUNT;
	if (scope_named(p, block, "HANDLER NAME { ... }")) {
		for (unsigned i = 0; i < CONFIG_HANDLER_COUNT; i++)
			if (!strcmp(p->stmt.word[1], config_handler_name((enum config_handler)i)))
				p->handler = (enum config_handler)i;
		if (p->handler == CONFIG_HANDLER_COUNT)
			(void)scope_value(p, 1, "vdisk_fileio, vdisk_nullio, vdisk_ram or proxy");
	}
	if (block)
		scope_read(p, &s, opened);
}

/* --- the file --- */

#define OPTION_WORD(name, type, field, min, max)                                      \
	{                                                                             \
		name, type, 0, offsetof(struct config_options, field), min, max, NULL \
	}

static const struct word file_words[] = {
	{ "HANDLER", WORD_BLOCK, 0, 0, 0, 0, open_handler },
	{ "TARGET_DRIVER", WORD_BLOCK, 0, 0, 0, 0, open_driver },
	{ "DEVICE_GROUP", WORD_BLOCK, 0, 0, 0, 0, parse_open_dgroup },
	OPTION_WORD("control_socket", WORD_SOCKET, control_socket, 0, 107),
	OPTION_WORD("state_dir", WORD_SOCKET, state_dir, 0, 191),
	OPTION_WORD("workers", WORD_UINT, workers, 0, CONFIG_WORKERS_MAX),
	OPTION_WORD("poll_us", WORD_UINT, poll_us, 0, 1000000),
	OPTION_WORD("store_poll_s", WORD_UINT, store_poll_s, 1, 86400),
	OPTION_WORD("log_level", WORD_LOG_LEVEL, log_level, 0, 0),
	OPTION_WORD("handshake_ms", WORD_UINT, handshake_ms, 100, 600000),
	OPTION_WORD("max_handshakes", WORD_UINT, handshakes, 1, 65536),
	OPTION_WORD("max_handshakes_per_peer", WORD_UINT, handshakes_per_peer, 1, 65536),
	OPTION_WORD("max_connections", WORD_UINT, max_conns, 1, 1048576),
	OPTION_WORD("max_logins_per_second", WORD_UINT, logins_per_s, 0, 1000000),
	OPTION_WORD("faults", WORD_UINT, faults, 0, 1),
};

static int parse_run(struct parser *p, const char *text, size_t len)
{
	struct parse *st = &p->state;
	struct scope s = { .words = file_words,
			   .n_words = ARRAY_SIZE(file_words),
			   .what = "the file" };

	st->config = calloc(1, sizeof(*st->config));
	if (!st->config)
		return -ENOMEM;
	parse_defaults_options(&st->config->opts);
	s.object = &st->config->opts;
	p->lex = lex_of(text, len, st->errs);
	scope_read(p, &s, (struct config_pos){ 0 });
	if (!st->no_memory)
		resolve(st);
	errors_sort(st->errs);
	if (st->no_memory)
		return -ENOMEM;
	return errors_any(st->errs) ? -EINVAL : 0;
}

int config_parse(struct config **ret, const char *text, size_t len, const char *name,
		 struct config_errors *errs)
{
	struct parser *p;
	int r = -ENOMEM;

	errors_init(errs, name);
	if (len > CONFIG_FILE_MAX) {
		errors_add(errs, (struct config_pos){ 0 }, "the file is longer than %u bytes",
			   CONFIG_FILE_MAX);
		return -EINVAL;
	}
	p = calloc(1, sizeof(*p));
	if (p) {
		p->state.errs = errs;
		r = parse_run(p, text, len);
		if (r)
			config_free(p->state.config);
		else
			*ret = p->state.config;
		free(p->state.refs);
		free(p);
	}
	if (r == -ENOMEM)
		errors_add(errs, (struct config_pos){ 0 }, "out of memory");
	return r;
}
