/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A model back to text. What has its default value is left out, so the text stays one people can read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/attr.h"
#include "config/parse.h"

static void format_word(FILE *f, const char *s)
{
	bool plain = *s != '\0';

	for (const char *c = s; *c; c++)
		plain = plain && !strchr(" \t#;{}\"\\", *c);
	if (plain) {
		(void)fputs(s, f);
		return;
	}
	(void)fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			(void)fputc('\\', f);
		(void)fputc(*s, f);
	}
	(void)fputc('"', f);
}

/* "key value" unless the value is the default one, an empty string. */
static void format_text(FILE *f, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	(void)fprintf(f, "\t\t%s ", key);
	format_word(f, value);
	(void)fputc('\n', f);
}

static void format_flag(FILE *f, const char *key, bool value)
{
	if (value)
		(void)fprintf(f, "\t\t%s 1\n", key);
}

static void format_options(FILE *f, const struct config_options *o, const struct config_options *d)
{
	const struct {
		const char *key;
		unsigned value, normal;
	} numbers[] = {
		{ "workers", o->workers, d->workers },
		{ "poll_us", o->poll_us, d->poll_us },
		{ "store_poll_s", o->store_poll_s, d->store_poll_s },
		{ "handshake_ms", o->handshake_ms, d->handshake_ms },
		{ "max_handshakes", o->handshakes, d->handshakes },
		{ "max_handshakes_per_peer", o->handshakes_per_peer, d->handshakes_per_peer },
		{ "max_connections", o->max_conns, d->max_conns },
		{ "max_logins_per_second", o->logins_per_s, d->logins_per_s },
		{ "faults", o->faults, d->faults },
	};

	if (strcmp(o->control_socket, d->control_socket) != 0) {
		(void)fputs("control_socket ", f);
		format_word(f, o->control_socket);
		(void)fputc('\n', f);
	}
	if (o->state_dir[0]) {
		(void)fputs("state_dir ", f);
		format_word(f, o->state_dir);
		(void)fputc('\n', f);
	}
	if (o->log_level != d->log_level)
		(void)fprintf(f, "log_level %s\n", attr_log_level_name(o->log_level));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].value != numbers[i].normal)
			(void)fprintf(f, "%s %u\n", numbers[i].key, numbers[i].value);
}

static void format_number(FILE *f, const char *key, unsigned n)
{
	if (n)
		(void)fprintf(f, "\t\t%s %u\n", key, n);
}

/* Which unit of another target it is. */
static void format_proxy(FILE *f, const struct config_device *d)
{
	char where[64];

	config_listen_format(&d->connect, where, sizeof(where));
	(void)fprintf(f, "\t\tconnect %s\n", where);
	if (d->id_ext || d->ioc_guid)
		(void)fprintf(f, "\t\tid_ext %016llx\n\t\tioc_guid %016llx\n",
			      (unsigned long long)d->id_ext, (unsigned long long)d->ioc_guid);
	format_number(f, "lun", d->lun);
}

static void format_device(FILE *f, const struct config_device *d)
{
	(void)fprintf(f, "\tDEVICE %s {\n", d->name);
	if (d->handler == CONFIG_PROXY)
		format_proxy(f, d);
	format_text(f, "filename", d->path);
	if (d->size_bytes)
		(void)fprintf(f, "\t\tsize %llu\n", (unsigned long long)d->size_bytes);
	if (d->block_bytes != 512)
		(void)fprintf(f, "\t\tblocksize %u\n", d->block_bytes);
	if (d->physical_bytes)
		(void)fprintf(f, "\t\tphysical_blocksize %u\n", d->physical_bytes);
	format_flag(f, "read_only", d->read_only);
	format_flag(f, "o_direct", d->direct);
	format_flag(f, "write_through", d->write_through);
	format_flag(f, "nv_cache", d->nv_cache);
	format_flag(f, "thin_provisioned", d->thin);
	format_number(f, "soft_threshold", d->soft_threshold);
	format_flag(f, "rotational", d->rotational);
	format_flag(f, "removable", d->removable);
	format_flag(f, "expl_alua", d->expl_alua);
	format_flag(f, "d_sense", d->d_sense);
	format_flag(f, "swp", d->swp);
	format_flag(f, "tas", d->tas);
	format_number(f, "tst", d->tst);
	format_number(f, "qerr", d->qerr);
	format_number(f, "ua_intlck", d->ua_intlck);
	format_text(f, "usn", d->serial);
	format_text(f, "t10_dev_id", d->t10_dev_id);
	format_text(f, "t10_vend_id", d->vendor);
	format_text(f, "prod_id", d->product);
	format_text(f, "prod_rev_lvl", d->revision);
	format_text(f, "vend_specific_id", d->vend_specific_id);
	(void)fputs("\t}\n", f);
}

static void format_luns(FILE *f, const struct config *c, const struct config_group *g,
			const char *indent)
{
	for (unsigned i = 0; i < g->n_luns; i++) {
		const struct config_lun *l = &g->luns[i];
		const struct config_device *d = &c->devices[l->device];

		(void)fprintf(f, "%sLUN %u %s%s\n", indent, l->lun, d->name,
			      l->read_only && !d->read_only ? " { read_only 1 }" : "");
	}
}

static void format_limits(FILE *f, const struct config_target *t, const struct config_target *d)
{
	const struct {
		const char *key;
		uint64_t value, normal;
	} numbers[] = {
		{ "max_channels", t->max_channels, d->max_channels },
		{ "max_channels_per_initiator", t->max_channels_per_initiator,
		  d->max_channels_per_initiator },
		{ "credits", t->credits, d->credits },
		{ "credits_per_initiator", t->credits_per_initiator, d->credits_per_initiator },
		{ "max_memory_per_initiator", t->memory_per_initiator, d->memory_per_initiator },
		{ "max_immediate", t->max_immediate, d->max_immediate },
		{ "multi_channel", t->multi_channel, d->multi_channel },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].value != numbers[i].normal)
			(void)fprintf(f, "\t\t%s %llu\n", numbers[i].key,
				      (unsigned long long)numbers[i].value);
}

static void format_target(FILE *f, const struct config *c, const struct config_target *t)
{
	struct config_target d;

	parse_defaults_target(&d);
	(void)fprintf(f, "\tTARGET %s {\n", t->name);
	for (unsigned i = 0; i < t->n_listens; i++) {
		char at[64];

		config_listen_format(&t->listens[i], at, sizeof(at));
		(void)fprintf(f, "\t\tlisten %s\n", at);
	}
	(void)fprintf(f, "\t\tid_ext %016llx\n\t\tioc_guid %016llx\n",
		      (unsigned long long)t->id_ext, (unsigned long long)t->ioc_guid);
	format_flag(f, "default_target", t->default_target);
	if (t->rel_tgt_id)
		(void)fprintf(f, "\t\trel_tgt_id %u\n", t->rel_tgt_id);
	format_limits(f, t, &d);
	if (t->allow_any || t->any_group.n_luns)
		(void)fprintf(f, "\t\tallow_any %d\n", t->allow_any);
	format_luns(f, c, &t->any_group, "\t\t");
	for (unsigned i = 0; i < t->n_groups; i++) {
		const struct config_group *g = &t->groups[i];

		(void)fprintf(f, "\t\tGROUP %s {\n", g->name);
		format_luns(f, c, g, "\t\t\t");
		for (unsigned j = 0; j < g->n_patterns; j++)
			(void)fprintf(f, "\t\t\tINITIATOR %s\n", g->patterns[j]);
		(void)fputs("\t\t}\n", f);
	}
	format_flag(f, "enabled", t->enabled);
	(void)fputs("\t}\n", f);
}

static void format_tpg(FILE *f, const struct config_tpg *g)
{
	(void)fprintf(f, "\tTARGET_GROUP %s {\n\t\tgroup_id %u\n", g->name, g->group_id);
	if (g->state != CONFIG_ACCESS_ACTIVE)
		(void)fprintf(f, "\t\tstate %s\n", config_access_name(g->state));
	format_flag(f, "preferred", g->preferred);
	for (unsigned i = 0; i < g->n_segments; i++)
		(void)fprintf(f, "\t\tSEGMENT %llu %s\n", (unsigned long long)g->segments[i].lba,
			      config_access_name(g->segments[i].state));
	for (unsigned i = 0; i < g->n_ports; i++) {
		(void)fprintf(f, "\t\tTARGET %s", g->ports[i].target);
		if (g->ports[i].rel_tgt_id)
			(void)fprintf(f, " { rel_tgt_id %u }", g->ports[i].rel_tgt_id);
		(void)fputc('\n', f);
	}
	(void)fputs("\t}\n", f);
}

static void format_dgroup(FILE *f, const struct config_dgroup *dg)
{
	(void)fprintf(f, "DEVICE_GROUP %s {\n", dg->name);
	for (unsigned i = 0; i < dg->n_members; i++)
		(void)fprintf(f, "\tDEVICE %s\n", dg->members[i].device);
	format_text(f, "on_stpg", dg->on_stpg);
	if (dg->on_stpg_timeout_s != CONFIG_STPG_TIMEOUT_S)
		(void)fprintf(f, "\ton_stpg_timeout %u\n", dg->on_stpg_timeout_s);
	for (unsigned i = 0; i < dg->n_tpgs; i++)
		format_tpg(f, &dg->tpgs[i]);
	(void)fputs("}\n", f);
}

/* Devices keep their order in the file: a new HANDLER block begins where the handler changes. */
static void format_config(FILE *f, const struct config *c)
{
	struct config_options defaults;

	parse_defaults_options(&defaults);
	format_options(f, &c->opts, &defaults);
	for (unsigned i = 0; i < c->n_devices; i++) {
		const struct config_device *d = &c->devices[i];

		if (!i || d[-1].handler != d->handler)
			(void)fprintf(f, "HANDLER %s {\n", config_handler_name(d->handler));
		format_device(f, d);
		if (i + 1 == c->n_devices || d[1].handler != d->handler)
			(void)fputs("}\n", f);
	}
	for (unsigned i = 0; i < c->n_targets; i++) {
		const struct config_target *t = &c->targets[i];

		if (!i || t[-1].driver != t->driver)
			(void)fprintf(f, "TARGET_DRIVER %s {\n", config_driver_name(t->driver));
		format_target(f, c, t);
		if (i + 1 == c->n_targets || t[1].driver != t->driver)
			(void)fputs("}\n", f);
	}
	for (unsigned i = 0; i < c->n_dgroups; i++)
		format_dgroup(f, &c->dgroups[i]);
}

int config_format(const struct config *c, char **ret_text)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	bool failed;

	if (!f)
		return -ENOMEM;
	format_config(f, c);
	failed = ferror(f) != 0;
	if (fclose(f) != 0 || failed) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}
