/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Access states on the command line: the manager of a cluster knows which node has the storage, and what a node kept from an
 * earlier life must not be served for a moment until it is told.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"

struct access {
	char dgroup[CONFIG_NAME_MAX + 1];
	char tpg[CONFIG_NAME_MAX + 1];
	uint8_t state;
};

/* At most CONFIG_NAME_MAX characters, and at least one, before @end; returns what comes behind that. */
static const char *name_until(const char *text, char end, char *ret)
{
	const char *at = strchr(text, end);
	size_t len = at ? (size_t)(at - text) : 0;

	if (!len || len > CONFIG_NAME_MAX)
		return NULL;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return at + 1;
}

static bool access_parse(const char *text, struct access *ret)
{
	text = name_until(text, '/', ret->dgroup);
	text = text ? name_until(text, '=', ret->tpg) : NULL;
	return text && scsi_alua_state_find(text, &ret->state);
}

int access_add(struct daemon *d, const char *text)
{
	struct access a;

	if (!access_parse(text, &a)) {
		(void)fprintf(
			stderr,
			"srptd: --access-state %s: DEVICE_GROUP/TARGET_GROUP=STATE is needed, "
			"STATE one of " CONFIG_ACCESS_STATES "\n",
			text);
		return -EINVAL;
	}
	if (d->n_access == ACCESS_MAX) {
		(void)fprintf(stderr, "srptd: more than %u times --access-state\n", ACCESS_MAX);
		return -EINVAL;
	}
	d->access[d->n_access++] = text;
	return 0;
}

static const struct config_tpg *tpg_of(const struct config_dgroup *c, const char *name)
{
	for (unsigned i = 0; i < c->n_tpgs; i++)
		if (!strcmp(c->tpgs[i].name, name))
			return &c->tpgs[i];
	return NULL;
}

int access_check(const struct daemon *d)
{
	uint64_t lba[CONFIG_SEGMENTS_MAX];
	struct access a;
	int r = 0;

	for (unsigned i = 0; i < d->n_access; i++) {
		const struct config_dgroup *c = access_parse(d->access[i], &a)
							? config_dgroup_find(d->cfg, a.dgroup)
							: NULL;

		if (!c || !tpg_of(c, a.tpg))
			log_error("--access-state %s: the configuration has no such group",
				  d->access[i]);
		else if (a.state == SCSI_ALUA_LBA_DEPENDENT && !config_dgroup_segments(c, lba))
			log_error(
				"--access-state %s: no group of DEVICE_GROUP \"%s\" has a SEGMENT",
				d->access[i], c->name);
		else
			continue;
		r = -ENOENT;
	}
	return r;
}

unsigned access_of(const struct daemon *d, const struct config_dgroup *c, struct scsi_tpg_want *ret)
{
	struct access a;
	unsigned n = 0;

	for (unsigned i = 0; i < d->n_access && n < SCSI_TPG_MAX; i++) {
		const struct config_tpg *tpg =
			access_parse(d->access[i], &a) && !strcmp(a.dgroup, c->name)
				? tpg_of(c, a.tpg)
				: NULL;

		if (tpg)
			ret[n++] = (struct scsi_tpg_want){ .id = (uint16_t)tpg->group_id,
							   .state = a.state };
	}
	return n;
}
