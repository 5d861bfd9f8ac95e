/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What must outlive an upgrade and may be in no file: the numbers of the target ports, the reservations of the units and
 * the access states of the device groups. It is passed on as JSON in a memory file, so that neither of the two programs need know the other's structures.
 * A port is known by its id and a unit by its NAA designator, for names may mean something else by now.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cur.h"
#include "base/log.h"
#include "daemon/daemon.h"

#define STATE_VERSION 1

static json_t *hex_of(const uint8_t *bytes, size_t n)
{
	char text[2 * 16 + 1];

	for (size_t i = 0; i < n; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

bool hex_to(const char *text, uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	if (!text || strlen(text) != 2 * n || strspn(text, digits) != 2 * n)
		return false;
	memset(bytes, 0, n);
	for (size_t i = 0; i < 2 * n; i++)
		bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | (strchr(digits, text[i]) - digits));
	return true;
}

static json_t *id_of(const struct srp_port_id *id)
{
	uint8_t bytes[16];

	memcpy(bytes, id->ext, 8);
	memcpy(bytes + 8, id->guid, 8);
	return hex_of(bytes, sizeof(bytes));
}

/* --- saving --- */

static json_t *ports_saved(const struct daemon *d)
{
	json_t *a = json_array();
	const struct list *pos;

	list_for_each (pos, &d->ports) {
		struct tgt_port_info i = tgt_port_info(list_entry(pos, struct dport, node)->port);

		(void)json_array_append_new(a, json_pack("{s:o,s:i}", "id", id_of(&i.id),
							 "relative_id", (int)i.relative_id));
	}
	return a;
}

static json_t *reg_saved(const struct scsi_pr_reg *r)
{
	uint8_t key[8];

	put_be64(key, r->key);
	return json_pack("{s:o,s:i,s:i,s:o}", "key", hex_of(key, sizeof(key)), "port",
			 (int)r->nexus.port, "protocol", (int)r->nexus.initiator.protocol,
			 "initiator",
			 hex_of(r->nexus.initiator.name, sizeof(r->nexus.initiator.name)));
}

static json_t *units_saved(const struct daemon *d)
{
	json_t *a = json_array();
	const struct list *pos;

	list_for_each (pos, &d->devices) {
		const struct scsi_lu *lu = tgt_unit_lu(list_entry(pos, struct ddevice, node)->unit);
		json_t *regs = json_array();

		for (unsigned i = 0; i < lu->pr.n; i++)
			(void)json_array_append_new(regs, reg_saved(&lu->pr.reg[i]));
		(void)json_array_append_new(a, json_pack("{s:o,s:I,s:i,s:i,s:b,s:o}", "naa",
							 hex_of(lu->naa, lu->naa_len), "generation",
							 (json_int_t)lu->pr.generation, "type",
							 (int)lu->pr.type, "holder",
							 (int)lu->pr.holder, "lost",
							 (int)lu->pr.lost, "registrations", regs));
	}
	return a;
}

static json_t *groups_saved(const struct daemon *d)
{
	json_t *a = json_array();
	const struct list *pos;

	list_for_each (pos, &d->groups) {
		const struct dgroup *g = list_entry(pos, struct dgroup, node);
		const struct scsi_alua *alua = tgt_alua_now(g->alua);
		json_t *tpgs = json_array();

		for (unsigned i = 0; i < alua->now.n; i++) {
			const struct scsi_tpg *t = &alua->now.tpg[i];

			(void)json_array_append_new(
				tpgs,
				json_pack("{s:i,s:s,s:s,s:i}", "id", (int)t->id, "state",
					  scsi_alua_state_name(t->state), "configured",
					  scsi_alua_state_name(t->configured), "by", (int)t->by));
		}
		(void)json_array_append_new(a, json_pack("{s:s,s:I,s:o}", "name", g->name,
							 "generation", (json_int_t)alua->generation,
							 "target_groups", tpgs));
	}
	return a;
}

int state_save(const struct daemon *d)
{
	json_t *all = json_pack("{s:i,s:i,s:o,s:o,s:o}", "version", STATE_VERSION,
				"last_relative_id", (int)tgt_last_relative_id(d->tgt), "ports",
				ports_saved(d), "units", units_saved(d), "groups", groups_saved(d));
	int fd = memfd_create("srptd-state", MFD_CLOEXEC);
	int r = !all || fd < 0 || json_dumpfd(all, fd, 0) ? -1 : 0;

	json_decref(all);
	if (r && fd >= 0)
		(void)close(fd);
	return r ? -1 : fd;
}

/* --- restoring --- */

static unsigned number(const json_t *o, const char *key, unsigned max)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n < 0 || n > max ? 0 : (unsigned)n;
}

static int load_numbers(struct daemon *d)
{
	const json_t *a = json_object_get(d->state, "ports");
	size_t n = json_array_size(a);

	d->numbers = calloc(n + 1, sizeof(*d->numbers));
	if (!d->numbers)
		return -ENOMEM;
	for (; d->n_numbers < n; d->n_numbers++) {
		const json_t *o = json_array_get(a, d->n_numbers);
		uint8_t id[16];

		if (!hex_to(json_string_value(json_object_get(o, "id")), id, sizeof(id)))
			return -EINVAL;
		memcpy(d->numbers[d->n_numbers].id.ext, id, 8);
		memcpy(d->numbers[d->n_numbers].id.guid, id + 8, 8);
		d->numbers[d->n_numbers].relative_id =
			(uint16_t)number(o, "relative_id", UINT16_MAX);
	}
	return 0;
}

void state_load(struct daemon *d, int fd)
{
	json_error_t err;

	if (fd < 0)
		return;
	if (lseek(fd, 0, SEEK_SET) == 0)
		d->state = json_loadfd(fd, 0, &err);
	(void)close(fd);
	if (number(d->state, "version", UINT16_MAX) == STATE_VERSION && !load_numbers(d))
		return;
	log_error("upgrade: the state of the program before makes no sense, reservations are lost");
	state_free(d);
}

void state_free(struct daemon *d)
{
	json_decref(d->state);
	d->state = NULL;
	free(d->numbers);
	d->numbers = NULL;
	d->n_numbers = 0;
}

uint16_t state_last_relative_id(const struct daemon *d)
{
	return (uint16_t)number(d->state, "last_relative_id", UINT16_MAX);
}

/* What is kept of the unit with this designator, or NULL. */
static const json_t *find_unit(const json_t *state, const struct scsi_lu *lu)
{
	json_t *naa = hex_of(lu->naa, lu->naa_len);
	const json_t *a = json_object_get(state, "units");
	const json_t *found = NULL;

	for (size_t i = 0; naa && i < json_array_size(a) && !found; i++) {
		const json_t *o = json_array_get(a, i);

		if (json_equal(json_object_get(o, "naa"), naa))
			found = o;
	}
	json_decref(naa);
	return found;
}

static bool reg_restored(const json_t *o, struct scsi_pr_reg *ret)
{
	uint8_t key[8];

	if (!hex_to(json_string_value(json_object_get(o, "key")), key, sizeof(key)) ||
	    !hex_to(json_string_value(json_object_get(o, "initiator")), ret->nexus.initiator.name,
		    sizeof(ret->nexus.initiator.name)))
		return false;
	ret->key = get_be64(key);
	ret->nexus.port = (uint16_t)number(o, "port", UINT16_MAX);
	ret->nexus.initiator.protocol = (uint8_t)number(o, "protocol", UINT8_MAX);
	return true;
}

static bool pr_restored(const json_t *o, struct scsi_pr *ret)
{
	const json_t *regs = json_object_get(o, "registrations");

	memset(ret, 0, sizeof(*ret));
	if (json_array_size(regs) > SCSI_PR_MAX)
		return false;
	ret->generation = number(o, "generation", UINT32_MAX);
	ret->type = (uint8_t)number(o, "type", UINT8_MAX);
	ret->holder = (uint16_t)number(o, "holder", UINT16_MAX);
	ret->lost = json_is_true(json_object_get(o, "lost"));
	for (; ret->n < json_array_size(regs); ret->n++)
		if (!reg_restored(json_array_get(regs, ret->n), &ret->reg[ret->n]))
			return false;
	return true;
}

static bool tpg_restored(const json_t *o, struct scsi_tpg *ret)
{
	const char *state = json_string_value(json_object_get(o, "state"));
	const char *configured = json_string_value(json_object_get(o, "configured"));

	ret->id = (uint16_t)number(o, "id", UINT16_MAX);
	ret->by = (uint8_t)number(o, "by", SCSI_ALUA_BY_ITSELF);
	return state && configured && scsi_alua_state_find(state, &ret->state) &&
	       scsi_alua_state_find(configured, &ret->configured);
}

/* A state that this program does not know is left out: its group is in the configured one. */
bool state_restore_group(const struct daemon *d, const struct dgroup *g)
{
	const json_t *a = json_object_get(d->state, "groups");

	for (size_t i = 0; i < json_array_size(a); i++) {
		const json_t *o = json_array_get(a, i);
		const json_t *tpgs = json_object_get(o, "target_groups");
		struct scsi_alua_kept kept = { .generation = number(o, "generation", UINT32_MAX) };
		const char *name = json_string_value(json_object_get(o, "name"));

		if (!name || strcmp(name, g->name) != 0)
			continue;
		for (size_t k = 0; k < json_array_size(tpgs) && kept.n < SCSI_TPG_MAX; k++)
			kept.n += tpg_restored(json_array_get(tpgs, k), &kept.tpg[kept.n]);
		tgt_alua_restore(g->alua, &kept);
		return true;
	}
	return false;
}

void state_restore_units(const struct daemon *d)
{
	struct list *pos;
	struct scsi_pr pr;

	list_for_each (pos, &d->devices) {
		struct ddevice *dev = list_entry(pos, struct ddevice, node);
		struct scsi_lu *lu = tgt_unit_lu(dev->unit);
		const json_t *o = find_unit(d->state, lu);

		if (!o)
			continue;
		if (pr_restored(
			    o,
			    &pr)) /* whether they outlive a crash the state file knows, unless that is damaged */
			pr.aptpl = !pr.lost && (lu->pr.aptpl || lu->pr.lost);
		else
			pr.n = SCSI_PR_MAX + 1; /* refused below */
		if (scsi_lu_restore_pr(lu, &pr)) {
			log_error("upgrade: the reservations of %s make no sense, they are lost "
				  "until an "
				  "initiator replaces them",
				  dev->name);
			scsi_lu_lose_pr(lu);
		} else if (pr.n)
			log_info("device %s: %u registrations are kept", dev->name, pr.n);
	}
}
