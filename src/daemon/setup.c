/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From the configuration model to devices, targets and listeners; at start and on reload. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/cur.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "state/state_file.h"

/* --- finding --- */

static struct ddevice *device_find(const struct daemon *d, const char *name)
{
	struct list *pos;

	list_for_each (pos, &d->devices) {
		struct ddevice *dev = list_entry(pos, struct ddevice, node);

		if (!dev->leaving && !strcmp(dev->name, name))
			return dev;
	}
	return NULL;
}

static struct dport *port_by_name(const struct daemon *d, const char *name)
{
	struct list *pos;

	list_for_each (pos, &d->ports) {
		struct dport *p = list_entry(pos, struct dport, node);

		if (!strcmp(p->name, name))
			return p;
	}
	return NULL;
}

/* --- devices --- */

/* FNV-1a: the same name gives the same identity at each start, on each machine. */
static uint64_t name_hash(const char *name, uint64_t seed)
{
	uint64_t h = 0xcbf29ce484222325ull ^ seed;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ull;
	return h;
}

static void device_identity(const struct config_device *c, struct scsi_lu_params *p,
			    char serial[17])
{
	const char *seed = c->t10_dev_id[0] ? c->t10_dev_id : c->name;
	uint64_t h = name_hash(seed, 0);

	(void)snprintf(serial, 17, "%016" PRIx64, h);
	p->vendor = c->vendor[0] ? c->vendor : NULL;
	p->product = c->product[0] ? c->product : NULL;
	p->revision = c->revision[0] ? c->revision : NULL;
	p->serial = c->serial[0] ? c->serial : serial;
	/* NAA 6 wants a registered company id, and there is none: all but the first four bits are the hash. */
	put_be64(p->naa, h);
	put_be64(p->naa + 8, name_hash(seed, 1));
	p->naa[0] = (uint8_t)(0x60 | (p->naa[0] & 0x0f));
}

static int device_backend(struct backend **ret, const struct daemon *d,
			  const struct config_device *c, char *err, size_t len)
{
	struct backend_params p = { .path = c->path,
				    .size_bytes = c->size_bytes,
				    .direct = c->direct,
				    .read_only = c->read_only,
				    .block_bytes = c->block_bytes,
				    .helper = d->stores };

	switch (c->handler) {
	case CONFIG_FILEIO:
		return backend_file_new(ret, &p, err, len);
	case CONFIG_NULLIO:
		return backend_null_new(ret, &p, err, len);
	case CONFIG_RAM:
		return backend_ram_new(ret, &p, err, len);
	case CONFIG_PROXY: /* has none */
	case CONFIG_HANDLER_COUNT:
		break;
	}
	check_unreachable();
}

/* --- what outlives us --- */

static int device_save(void *ctx, const void *value, size_t len)
{
	return state_file_save(ctx, value, len);
}

static void device_forget(void *ctx)
{
	(void)state_file_close(ctx);
}

/* The device's state file in @ret (no ctx: there is none), and what was in it. */
static int device_state_open(struct tgt_keep *ret, const struct daemon *d,
			     const struct config_device *c, struct state_found *found)
{
	char path[PATH_MAX];
	char err[PATH_MAX + 128];
	struct state_file *f = NULL;
	int r;

	/* What is kept of a unit is kept by the target that has it. */
	if (!d->cfg->opts.state_dir[0] || c->handler == CONFIG_PROXY)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s.state", d->cfg->opts.state_dir, c->name);
	r = state_file_open(&f, path, found, err, sizeof(err));
	if (r) {
		log_error("device %s: %s", c->name, err);
		return r;
	}
	if (found->n_damaged)
		log_warn("device %s: %zu records of %s are damaged, a later one has everything",
			 c->name, found->n_damaged, path);
	if (found->cut)
		log_warn("device %s: the last %zu bytes of %s were not written whole, cut off",
			 c->name, found->cut, path);
	*ret = (struct tgt_keep){ .save = device_save, .close = device_forget, .ctx = f };
	return 0;
}

/*
 * What the file has is not what was saved last, so nobody knows who has reserved the unit. Until an initiator says, nobody
 * may use it. That is saved, too: the next save takes the damage out of the file, by which it would be known.
 */
static void device_lose(const struct config_device *c, struct scsi_lu *lu,
			const struct tgt_keep *keep)
{
	static uint8_t value[SCSI_SAVED_MAX];
	int r;

	scsi_lu_lose_pr(lu);
	log_error("device %s: its state file is damaged, its reservations are lost; nobody can use "
		  "it until an initiator sends REPLACE LOST RESERVATION or srptctl restores them",
		  c->name);
	r = keep->save(keep->ctx, value, scsi_lu_save(lu, value));
	if (r)
		log_error("device %s: its state could not be saved: %s, going on", c->name,
			  strerrordesc_np(-r));
}

/* Give the unit what was kept. */
static int device_restore(const struct config_device *c, struct tgt_unit *u,
			  const struct state_found *found, const struct tgt_keep *keep)
{
	struct scsi_lu *lu = tgt_unit_lu(u);

	if (!found->len && !found->lost)
		return 0;
	if (found->len && scsi_lu_restore(lu, found->buf, found->len)) {
		log_error("device %s: its state file was written by a newer srptd, or is damaged; "
			  "move it away to start without what it keeps",
			  c->name);
		return -EINVAL;
	}
	if (found->lost)
		device_lose(c, lu, keep);
	else if (lu->pr.lost)
		log_warn("device %s: its reservations are lost, and nobody has replaced them",
			 c->name);
	log_info("device %s: %u registrations%s were kept", c->name, lu->pr.n,
		 lu->mode_is_saved ? " and mode pages" : "");
	if (lu->erase.failed)
		log_warn("device %s: erasing it has failed, it is not ready until that is done "
			 "again",
			 c->name);
	return 0;
}

static int device_make(struct daemon *d, struct ddevice *dev, const struct config_device *c,
		       struct backend *b, struct remote *remote, struct scsi_lu_params *p)
{
	static uint8_t value[STATE_VALUE_MAX];
	struct state_found found = { .buf = value };
	struct tgt_keep keep = { 0 };
	struct tgt_unit_opts o = { .name = c->name,
				   .handler = config_handler_name(c->handler),
				   .backend = b,
				   .remote = remote };
	int r = device_state_open(&keep, d, c, &found);

	if (r)
		return r;
	o.keep = keep.ctx ? &keep : NULL;
	r = tgt_unit_new(&dev->unit, d->tgt, &o, p);
	if (r) {
		log_error("device %s: the SCSI core refuses it (%s); check blocksize, usn and size",
			  c->name, strerror(-r));
		device_forget(keep.ctx);
		return r;
	}
	r = device_restore(c, dev->unit, &found, &keep);
	if (!r) /* mode pages, as kept or configured, may want something of it */
		tgt_unit_ready(dev->unit);
	return r;
}

/* Hosts are told at which blocks they should begin: as configured, else as the store has it. */
static void device_physical(const struct config_device *c, const struct backend *b,
			    struct scsi_lu_params *p)
{
	p->physical_block_bytes = c->physical_bytes;
	if (c->physical_bytes || b->physical_bytes <= c->block_bytes ||
	    b->physical_bytes > SCSI_PHYSICAL_MAX)
		return;
	p->physical_block_bytes = b->physical_bytes;
	/* Where they do not begin with a block none is aligned, which cannot be said. */
	if (b->physical_off_bytes % c->block_bytes == 0)
		p->lowest_aligned_bytes = b->physical_off_bytes;
}

static void device_changed(struct watcher_item *i)
{
	tgt_unit_look(container_of(i, struct ddevice, watch)->unit);
}

/* Without it, too, its store is looked at now and then. */
static void device_watch(struct daemon *d, struct ddevice *dev, const struct config_device *c)
{
	dev->watch.changed = device_changed;
	if (c->handler == CONFIG_FILEIO && watcher_add(d->watcher, &dev->watch, c->path))
		log_warn("device %s: out of memory, its changes are noticed later", c->name);
}

static int device_open(struct daemon *d, const struct config_device *c)
{
	struct scsi_lu_params p = { .block_bytes = c->block_bytes,
				    .read_only = c->read_only,
				    .rotational = c->rotational,
				    .removable = c->removable,
				    .write_through = c->write_through,
				    .soft_threshold_percent = (uint8_t)c->soft_threshold,
				    .descriptor_sense = c->d_sense,
				    .tas = c->tas,
				    .swp = c->swp,
				    .tst = (uint8_t)c->tst,
				    .qerr = (uint8_t)c->qerr,
				    .ua_intlck = (uint8_t)c->ua_intlck };
	struct ddevice *dev = calloc(1, sizeof(*dev));
	struct backend *b = NULL;
	struct remote *remote = NULL;
	char err[256] = "out of memory";
	char serial[17];
	int r = -ENOMEM;

	if (dev && c->handler == CONFIG_PROXY)
		r = d->remote_new ? d->remote_new(&remote, d, c) : -ENOTSUP;
	else if (dev)
		r = device_backend(&b, d, c, err, sizeof(err));
	if (r) {
		log_error("device %s: %s", c->name, err);
		free(dev);
		return r;
	}
	device_identity(c, &p, serial);
	if (b)
		device_physical(c, b, &p);
	if (b && (c->write_through || c->nv_cache))
		b->write_cache = false;
	if (b && !c->thin && c->handler == CONFIG_FILEIO)
		b->unmap_grain_bytes = 0;
	r = device_make(d, dev, c, b, remote, &p);
	if (r) {
		if (dev->unit) /* the store and the state file are its own */
			tgt_unit_retire(dev->unit);
		else if (remote)
			remote->ops->close(remote);
		else
			(void)backend_close(b);
		free(dev);
		return r;
	}
	(void)snprintf(dev->name, sizeof(dev->name), "%s", c->name);
	list_push(&d->devices, &dev->node);
	if (b)
		device_watch(d, dev, c);
	if (remote)
		log_info("device %s: proxy of %s", c->name, remote->name);
	else if (b)
		log_info("device %s: %s, %" PRIu64 " bytes, open", c->name, b->name, b->size_bytes);
	return 0;
}

static void device_end(struct daemon *d, struct ddevice *dev)
{
	tgt_unit_retire(dev->unit);
	watcher_del(d->watcher, &dev->watch);
	list_del(&dev->node);
	free(dev);
}

static void device_close(struct daemon *d, const char *name)
{
	struct ddevice *dev = device_find(d, name);

	if (dev)
		device_end(d, dev);
}

/* --- targets --- */

static int port_acl(void *ctx, const struct srp_port_id *initiator, const struct sockaddr *peer,
		    struct scsi_map_entry *map, unsigned max)
{
	struct dport *p = ctx;
	const struct config_target *t = config_target_find(p->d->cfg, p->name);
	const struct config_group *g;
	unsigned n = 0;
	uint8_t id[16];

	memcpy(id, initiator, sizeof(id));
	g = t ? config_match_group(t, id, peer) : NULL;
	if (!g)
		return -1;
	for (unsigned i = 0; i < g->n_luns && n < max; i++) {
		const struct config_lun *l = &g->luns[i];
		struct ddevice *dev = device_find(p->d, p->d->cfg->devices[l->device].name);

		/* A device that could not be opened on reload is left out; the log said why. */
		if (dev && l->lun < SCSI_LUN_COUNT)
			map[n++] = (struct scsi_map_entry){ .lu = tgt_unit_lu(dev->unit),
							    .lun = l->lun,
							    .read_only = l->read_only };
	}
	return (int)n;
}

static int port_listen_one(struct dport *p, const struct config_listen *l)
{
	char where[64];
	int r = tgt_port_listen(p->port, (const struct sockaddr *)&l->addr, l->addr_len);

	config_listen_format(l, where, sizeof(where));
	if (r == -EADDRINUSE)
		log_error("target %s: %s is in use, is another srptd running? (`ss -ltnp` shows "
			  "who listens)",
			  p->name, where);
	else if (r)
		log_error("target %s: cannot listen at %s: %s", p->name, where, strerror(-r));
	return r;
}

static int port_listen_all(struct dport *p, const struct config_target *c)
{
	int r = 0;

	for (unsigned i = 0; i < c->n_listens && !r; i++)
		r = port_listen_one(p, &c->listens[i]);
	return r;
}

static struct tgt_port_limits port_limits(const struct config_target *c)
{
	return (struct tgt_port_limits){ .max_chans_per_nexus = c->max_channels_per_initiator,
					 .credits = c->credits,
					 .credits_per_initiator = c->credits_per_initiator,
					 .bytes_per_initiator = c->memory_per_initiator,
					 .max_immediate = c->max_immediate,
					 .single_channel = !c->multi_channel };
}

/* A port keeps its number over an upgrade. */
static uint16_t port_number(const struct daemon *d, const struct srp_port_id *id)
{
	for (unsigned i = 0; i < d->n_numbers; i++)
		if (srp_port_id_eq(&d->numbers[i].id, id))
			return d->numbers[i].relative_id;
	return 0;
}

static int port_open(struct daemon *d, const struct config_target *c)
{
	struct tgt_port_opts o = { .name = c->name,
				   .default_port = c->default_target,
				   .max_chans = c->max_channels,
				   .limits = port_limits(c),
				   .acl = port_acl };
	struct dport *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	put_be64(o.id.ext, c->id_ext);
	put_be64(o.id.guid, c->ioc_guid);
	o.relative_id = c->rel_tgt_id ? (uint16_t)c->rel_tgt_id : port_number(d, &o.id);
	o.relative_id_given = c->rel_tgt_id != 0;
	o.acl_ctx = p;
	p->d = d;
	(void)snprintf(p->name, sizeof(p->name), "%s", c->name);
	r = tgt_port_new(&p->port, d->tgt, &o);
	if (r) {
		log_error("target %s: %s", c->name,
			  r == -EEXIST   ? "its ids belong to another target"
			  : r == -ENOSPC ? "there are too many targets"
					 : strerror(-r));
		free(p);
		return r;
	}
	list_push(&d->ports, &p->node);
	if (!c->enabled)
		return 0;
	tgt_port_enable(p->port);
	return port_listen_all(p, c);
}

static void port_close(struct daemon *d, const char *name)
{
	struct dport *p = port_by_name(d, name);

	if (!p)
		return;
	tgt_port_retire(p->port);
	list_del(&p->node);
	free(p);
}

int setup_all(struct daemon *d)
{
	int r = access_check(d);

	for (unsigned i = 0; i < d->cfg->n_devices && !r; i++)
		r = device_open(d, &d->cfg->devices[i]);
	for (unsigned i = 0; i < d->cfg->n_targets && !r; i++)
		r = port_open(d, &d->cfg->targets[i]);
	if (!r)
		r = groups_apply(d);
	return r;
}

void setup_free(struct daemon *d)
{
	struct list *node;

	while ((node = list_pop(&d->ports)))
		free(list_entry(node, struct dport, node));
	while ((node = list_pop(&d->devices))) {
		struct ddevice *dev = list_entry(node, struct ddevice, node);

		watcher_del(d->watcher, &dev->watch);
		free(dev);
	}
	groups_free(d);
}

/* --- reload --- */

static void apply_disable(struct daemon *d, const struct config_target *old)
{
	struct dport *p = port_by_name(d, old->name);

	if (!p)
		return;
	for (unsigned i = 0; i < old->n_listens; i++)
		tgt_port_unlisten(p->port, (const struct sockaddr *)&old->listens[i].addr,
				  old->listens[i].addr_len);
	tgt_port_disable(p->port);
}

/* One that setup_apply() carries out. */
static bool is_live_option(const struct config_op *op)
{
	return op->type == CONFIG_OP_OPTIONS &&
	       (!strcmp(op->what, "log_level") || !strcmp(op->what, "faults"));
}

/*
 * Fail-over: a disk that was another node's is opened here, or the other way round. The new one takes the place of the old
 * one in every LUN map, which then goes when its commands have ended.
 */
static bool apply_replace(struct daemon *d, const struct config_op *op)
{
	struct ddevice *dev = device_find(d, op->device[0]->name);

	if (op->device[0]->handler != CONFIG_PROXY && op->device[1]->handler != CONFIG_PROXY)
		return false;
	if (dev)
		dev->leaving = true;
	return true;
}

static void close_leaving(struct daemon *d)
{
	struct list *pos;
	struct list *tmp;

	list_for_each_safe (pos, tmp, &d->devices) {
		struct ddevice *dev = list_entry(pos, struct ddevice, node);

		if (dev->leaving)
			device_end(d, dev);
	}
}

/* Operations that take something away; the access rules still are the old ones. */
static void apply_op(struct daemon *d, const struct config_op *op, struct reloaded *done)
{
	struct dport *p;

	switch (op->type) {
	case CONFIG_OP_TARGET_REMOVE:
	case CONFIG_OP_TARGET_CHANGE:
		port_close(d, op->target[0]->name);
		break;
	case CONFIG_OP_TARGET_DISABLE:
		apply_disable(d, op->target[0]);
		break;
	case CONFIG_OP_TARGET_LIMITS: {
		struct tgt_port_limits limits = port_limits(op->target[1]);

		p = port_by_name(d, op->target[0]->name);
		if (p)
			tgt_port_set_limits(p->port, &limits);
		break;
	}
	case CONFIG_OP_LISTEN_REMOVE:
		p = port_by_name(d, op->target[0]->name);
		if (p)
			tgt_port_unlisten(p->port, (const struct sockaddr *)&op->listen->addr,
					  op->listen->addr_len);
		break;
	case CONFIG_OP_DEVICE_REPLACE:
		if (apply_replace(d, op))
			break;
		__attribute__((fallthrough));
	case CONFIG_OP_DEVICE_RESIZE:
	case CONFIG_OP_OPTIONS:
		if (is_live_option(op))
			break;
		log_warn("reload: a change of '%s'%s%s needs a restart, it stays as it was",
			 op->what ? op->what : "size", op->device[1] ? " of device " : "",
			 op->device[1] ? op->device[1]->name : "");
		done->n_waiting++;
		break;
	default:
		break;
	}
}

/*
 * Make what the configuration names and is not there: what is new, and what could not be made by an earlier
 * reload, because its file was locked or its address in use. Returns how many of it still are not there.
 */
static unsigned apply_missing(struct daemon *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->cfg->n_devices; i++) {
		if (!device_find(d, d->cfg->devices[i].name))
			n += device_open(d, &d->cfg->devices[i]) != 0;
	}
	for (unsigned i = 0; i < d->cfg->n_targets; i++) {
		const struct config_target *t = &d->cfg->targets[i];
		struct dport *p = port_by_name(d, t->name);

		if (!p) {
			n += port_open(d, t) != 0;
			continue;
		}
		if (!t->enabled)
			continue;
		tgt_port_enable(p->port);
		for (unsigned k = 0; k < t->n_listens; k++)
			n += port_listen_one(p, &t->listens[k]) != 0;
	}
	return n;
}

static void faults_gone(void *ctx, uint32_t n)
{
	(void)ctx;
	(void)n;
}

/* There are to be no faults any more. */
static void faults_forbid(struct daemon *d)
{
	/* Without memory to tell us they end all the same, by themselves. */
	if (tgt_fault_clear(d->tgt, 0, faults_gone, NULL))
		log_warn("reload: out of memory, the faults there are stay until they expire");
}

struct reloaded setup_apply(struct daemon *d, struct config *next)
{
	struct reloaded done = { 0 };
	struct config *old = d->cfg;
	struct config_diff diff;
	struct list *pos;
	char text[256];

	if (config_diff(&diff, old, next)) {
		log_error("reload: out of memory, nothing was changed");
		(void)config_free(next);
		return (struct reloaded){ .n_failed = 1 };
	}
	for (unsigned i = 0; i < diff.n; i++) {
		config_op_format(&diff.ops[i], text, sizeof(text));
		log_info("reload: %s", text);
		apply_op(d, &diff.ops[i], &done);
	}
	d->cfg = next;
	log_set_level(next->opts.log_level);
	if (!next->opts.faults)
		faults_forbid(d);
	done.n_failed = apply_missing(d);
	if (groups_apply(d)) {
		log_error("reload: not all device groups could be made, the next one tries again");
		done.n_failed++;
	}
	list_for_each (pos, &d->ports) {
		struct dport *p = list_entry(pos, struct dport, node);

		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): who was freed was taken off the list before */
		tgt_port_recheck(p->port, port_acl, p);
	}
	for (unsigned i = 0; i < diff.n; i++) {
		if (diff.ops[i].type == CONFIG_OP_DEVICE_REMOVE)
			device_close(d, diff.ops[i].device[0]->name);
	}
	close_leaving(d);
	log_info("reload: done, %u changes", diff.n);
	done.n_changes = diff.n;
	config_diff_free(&diff);
	(void)config_free(old);
	return done;
}
