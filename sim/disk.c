/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/disk.h"

#include <errno.h>
#include <stdlib.h>

#include "backend/watcher.h"
#include "base/check.h"
#include "sim/check.h"
#include "sim/dice.h"
#include "sim/model.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/spy.h"
#include "sim/worker.h"
#include "sim/world.h"

#define WORKERS_MAX 8u
#define BLOCK_MAX   4096u
#define SLOW        100u
#define LONG_BYTES  (32u << 10)
#define BACK_NS     (2 * NSEC_PER_SEC) /* until it is noticed that a disk is back */
#define LEAST       32u                /* blocks of a disk that has shrunk */
#define PLENTY      (1u << 30)         /* bytes that are free */

/* Errors a store can have; what the SCSI core makes of each is its business. */
static const int errors[] = { EIO,    ENOSPC,    ENODATA, EROFS,    ENOMEM,
			      EAGAIN, ETIMEDOUT, EINVAL,  ECANCELED };

struct disk;

/* A request under way. */
struct dio {
	struct list node; /* of the disk's running ones, or of an outlet's done ones */
	struct sched_ev ev;
	struct disk *d;
	struct worker *w;
	struct backend_io *io; /* NULL: nobody waits any more */
	uint64_t sum;          /* of what it is to do: sum_of() */
	uint64_t next;         /* bytes done */
	unsigned strokes;      /* to go; the last ends it */
	int error;
	bool held;          /* not answered before it is cancelled */
	bool stuck;         /* nor then */
	uint64_t cancel_ns; /* 0: it was not */
};

/* Answers wait here for a round of their worker. */
struct outlet {
	struct worker_inlet inlet;
	struct list done;
	unsigned n;
};

struct disk {
	unsigned index;
	bool made;
	bool open;
	bool gone;
	bool full;                 /* its file system is */
	bool tells;                /* somebody is to be told that it has changed ... */
	struct watcher_item *item; /* ... through this */
	struct disk_params p;
	uint64_t size_bytes; /* now; at most p.size_bytes */
	struct disk_mood mood;
	uint8_t *now;    /* what a read gives */
	uint8_t *stable; /* what is left after a power cut */
	struct backend b;
	struct list running;
};

static struct disk disks[DISKS_MAX];
static struct outlet outlets[WORKERS_MAX];
bool (*disk_call_fails)(const char *call, const void *by);

static struct disk *disk_of(struct backend *b)
{
	return container_of(b, struct disk, b);
}

/* --- the medium --- */

static void fault(struct disk *d, const char *what)
{
	trace("disk %u: %s", d->index, what);
	excuse(EXCUSE_DISK, (int)d->index);
}

/* Copy @len bytes of the pieces of @io, from byte @from on, to or from @mem. */
static void move(const struct backend_io *io, uint64_t from, uint64_t len, uint8_t *mem, bool in)
{
	for (unsigned i = 0; i < io->n_iov && len; i++) {
		uint8_t *base = io->iov[i].iov_base;
		uint64_t have = io->iov[i].iov_len;
		uint64_t n;

		if (from >= have) {
			from -= have;
			continue;
		}
		n = min_u64(have - from, len);
		if (in)
			memcpy(base + from, mem, n);
		else
			memcpy(mem, base + from, n);
		mem += n;
		len -= n;
		from = 0;
	}
}

static void applied(struct disk *d, const struct backend_io *io, uint64_t off, const uint8_t *was)
{
	bool late = spy_io_is_orphan(io);

	if (d->p.modelled && late)
		model_late(d->index, off / d->p.block_bytes, d->now + off, was, spy_io_is_copy(io));
	else if (d->p.modelled)
		model_applied(d->index, off / d->p.block_bytes, d->now + off, was);
	if (!d->p.volatile_cache)
		memcpy(d->stable + off, d->now + off, d->p.block_bytes);
}

/* One block of a request happens. */
static void stroke_block(struct disk *d, struct backend_io *io, uint64_t at)
{
	uint32_t block = d->p.block_bytes;
	uint8_t *mem = d->now + io->off_bytes + at;
	uint8_t was[BLOCK_MAX];

	if (d->p.modelled)
		memcpy(was, mem, block);
	switch (io->op) {
	case BACKEND_READ:
		move(io, at, block, mem, true);
		return;
	case BACKEND_WRITE:
		move(io, at, block, mem, false);
		break;
	case BACKEND_UNMAP:
	case BACKEND_WRITE_ZEROES:
		memset(mem, 0, block);
		break;
	case BACKEND_COPY:
		memcpy(mem, disk_of(io->source)->now + io->from_bytes + at, block);
		break;
	case BACKEND_FLUSH:
	case BACKEND_PREFETCH:
	case BACKEND_EXTENT:
		return;
	}
	applied(d, io, io->off_bytes + at, was);
	if (io->flags & BACKEND_IO_FUA)
		memcpy(d->stable + io->off_bytes + at, mem, block);
}

/* Are its first @len bytes there? */
static bool fits(const struct disk *d, const struct backend_io *io, uint64_t len)
{
	const struct disk *from = io->op == BACKEND_COPY ? disk_of(io->source) : NULL;

	return io->op == BACKEND_FLUSH || (io->off_bytes + len <= d->size_bytes &&
					   (!from || io->from_bytes + len <= from->size_bytes));
}

static uint64_t sum_add(uint64_t sum, const void *mem, size_t len)
{
	const uint8_t *p = mem;
	uint64_t x;

	for (size_t i = 0; i < len; i += sizeof(x)) {
		x = 0;
		memcpy(&x, p + i, min_size(len - i, sizeof(x)));
		sum = (sum ^ x) * 0x9e3779b97f4a7c15ull;
		sum ^= sum >> 32;
	}
	return sum;
}

/* What a disk is asked for, and what it is to write. */
static uint64_t sum_of(const struct backend_io *io)
{
	const uint64_t what[] = { io->op, io->off_bytes, io->len_bytes, io->n_iov };
	uint64_t sum = sum_add(0, what, sizeof(what));

	if (io->op == BACKEND_COPY)
		sum = sum_add(sum, &io->from_bytes, sizeof(io->from_bytes));
	for (unsigned i = 0; i < io->n_iov; i++) {
		sum = sum_add(sum, &io->iov[i], sizeof(io->iov[i]));
		if (io->op == BACKEND_WRITE)
			sum = sum_add(sum, io->iov[i].iov_base, io->iov[i].iov_len);
	}
	return sum;
}

/* Do what is left of @q, or only some of it. Who asked has left it alone, also when he does not wait any more. */
static void stroke(struct dio *q, uint64_t until)
{
	uint32_t block = q->d->p.block_bytes;

	if (q->sum != sum_of(q->io))
		fail_now(
			"disk %u: a request has changed, or what it writes, while it was under way",
			q->d->index);
	for (; q->next + block <= until && fits(q->d, q->io, q->next + block); q->next += block)
		stroke_block(q->d, q->io, q->next);
}

static uint64_t some_of(const struct dio *q)
{
	uint32_t block = q->d->p.block_bytes;
	uint64_t left = (q->io->len_bytes - q->next) / block;

	return q->next + (left ? dice_range(0, left) * block : 0);
}

/* --- answers --- */

static void deliver(struct worker *w, struct worker_inlet *in)
{
	struct outlet *o = container_of(in, struct outlet, inlet);
	unsigned n = (unsigned)dice_log(1, 64);

	while (n-- && !list_empty(&o->done)) {
		/* Requests of a disk end in any order. */
		struct list *node = dice_below(2) ? o->done.next : o->done.prev;
		struct dio *q = list_entry(node, struct dio, node);
		struct backend_io *io = q->io;
		int result = -q->error;

		list_del(node);
		o->n--;
		world_free(q);
		io->done(w, io, result);
	}
	if (!list_empty(&o->done))
		worker_inlet_ready(w, in);
}

static void end(struct dio *q, int error)
{
	struct outlet *o = &outlets[worker_index(q->w)];

	if (q->cancel_ns && !proc_is_units(q->io) && !spy_io_is_orphan(q->io))
		check_fence_kept(q->cancel_ns);
	spy_io_ended(q->io);
	sched_cancel(&q->ev);
	if (q->held)
		fault(q->d, "what hung has ended"); /* until now it kept others waiting */
	q->error = error;
	list_del(&q->node);
	list_push(&o->done, &q->node);
	o->n++;
	worker_inlet_ready(q->w, &o->inlet);
}

static uint64_t duration_ns(const struct disk *d)
{
	uint64_t ns = dice_range(d->mood.min_ns, d->mood.max_ns);

	return dice_permille(d->mood.slow_pmille) ? SLOW * ns : ns;
}

static void flush_all(struct disk *d)
{
	memcpy(d->stable, d->now, d->p.size_bytes);
}

static void go_on(struct sched_ev *ev)
{
	struct dio *q = container_of(ev, struct dio, ev);

	if (q->d->gone || (q->io->op == BACKEND_COPY && disk_of(q->io->source)->gone)) {
		end(q, ENXIO);
		return;
	}
	if (--q->strokes) {
		stroke(q, some_of(q));
		sched_in(&q->ev, duration_ns(q->d));
		return;
	}
	if (!fits(q->d, q->io, q->io->len_bytes)) {
		fault(q->d, "a request is behind its end");
		q->error = ENODATA;
	}
	if (q->error) {
		stroke(q, some_of(q));
		end(q, q->error);
		return;
	}
	stroke(q, q->io->len_bytes);
	if (q->io->op == BACKEND_FLUSH)
		flush_all(q->d);
	end(q, 0);
}

/* --- the seam --- */

static int pick_error(struct disk *d, const struct backend_io *io)
{
	static const char *const call[] = { [BACKEND_READ] = "a disk's read",
					    [BACKEND_WRITE] = "a disk's write",
					    [BACKEND_FLUSH] = "a disk's flush",
					    [BACKEND_UNMAP] = "a disk's unmap",
					    [BACKEND_WRITE_ZEROES] = "a disk's write of zeroes",
					    [BACKEND_COPY] = "a disk's copy" };
	int error = errors[dice_below(ARRAY_SIZE(errors))];
	const void *by;

	memcpy(&by, &io->done, sizeof(by));
	if (disk_call_fails && disk_call_fails(call[io->op], by)) {
		fault(d, "a request is made to fail");
		return EIO;
	}
	if (!dice_permille(d->mood.error_pmille))
		return 0;
	fault(d, io->op == BACKEND_READ ? "a read fails" : "a request fails");
	return error;
}

bool disk_save_fails(unsigned disk, const void *by)
{
	struct disk *d = &disks[disk];
	bool made = disk_call_fails && disk_call_fails("a save of a unit's state", by);

	if (!made && !dice_permille(d->mood.error_pmille))
		return false;
	fault(d, "the state of its unit cannot be saved");
	return true;
}

static bool at_once(struct disk *d, struct worker *w, struct backend_io *io)
{
	struct dio q = { .d = d, .w = w, .io = io, .sum = sum_of(io) };

	if (d->gone || io->op == BACKEND_COPY || !fits(d, io, io->len_bytes) ||
	    !(d->p.mapped || dice_pct(d->mood.sync_pct)))
		return false;
	q.error = pick_error(d, io);
	stroke(&q, q.error ? some_of(&q) : io->len_bytes);
	if (io->op == BACKEND_FLUSH && !q.error)
		flush_all(d);
	spy_io_ended(io);
	io->done(w, io, -q.error);
	return true;
}

/* What overlaps itself is not copied block by block. */
static bool overlaps(const struct disk *d, const struct backend_io *io)
{
	return disk_of(io->source) == d && io->from_bytes < io->off_bytes + io->len_bytes &&
	       io->off_bytes < io->from_bytes + io->len_bytes;
}

static void submit(struct backend *b, struct worker *w, struct backend_io *io)
{
	struct disk *d = disk_of(b);
	struct dio *q;

	check(d->open && worker_self() == w && worker_index(w) < WORKERS_MAX);
	if (io->op == BACKEND_COPY && overlaps(d, io)) {
		io->done(w, io, -EOPNOTSUPP);
		return;
	}
	check_suspend_io(d->index);
	if (io->op == BACKEND_COPY)
		check_suspend_io(disk_of(io->source)->index);
	spy_io_begins(io);
	/* The memory of a read is ours until it is answered. */
	for (unsigned i = 0; io->op == BACKEND_READ && i < io->n_iov; i++)
		memset(io->iov[i].iov_base, 0xdb, min_size(io->iov[i].iov_len, 64));
	if (at_once(d, w, io))
		return;
	q = world_alloc(sizeof(*q));
	q->d = d;
	q->w = w;
	q->io = io;
	q->sum = sum_of(io);
	q->ev.run = go_on;
	q->strokes = 1 + dice_below(3);
	list_init(&q->node);
	list_push(&d->running, &q->node);
	q->error = pick_error(d, io);
	q->held = dice_permille(d->mood.hang_pmille);
	q->stuck = q->held && dice_pct(d->mood.stuck_pct);
	if (q->held)
		fault(d, q->stuck ? "a request gets stuck" : "a request hangs");
	else /* what is long takes long */
		sched_in(&q->ev, duration_ns(d) * (1 + io->len_bytes / LONG_BYTES));
}

static void cancel(struct backend *b, struct worker *w, struct backend_io *io)
{
	struct disk *d = disk_of(b);
	struct list *pos;

	(void)w;
	list_for_each (pos, &d->running) {
		struct dio *q = list_entry(pos, struct dio, node);

		if (q->io != io)
			continue;
		q->cancel_ns = sched_now_ns();
		if (q->held ? !q->stuck : dice_pct(d->mood.cancel_pct)) {
			if (dice_below(2))
				stroke(q, some_of(q));
			end(q, ECANCELED);
		}
		return;
	}
}

static void *map(struct backend *b, uint64_t off, uint64_t len)
{
	(void)len;
	return disk_of(b)->p.mapped ? disk_of(b)->now + off : NULL;
}

static void close_disk(struct backend *b)
{
	struct disk *d = disk_of(b);

	check(d->open && list_empty(&d->running));
	trace("disk %u: closed", d->index);
	d->open = false;
}

static int probe(struct backend *b, struct backend_probe *ret)
{
	const struct disk *d = disk_of(b);

	if (d->gone)
		return -ENXIO;
	ret->size_bytes = d->size_bytes;
	ret->space_known = true;
	ret->free_bytes = d->full ? 0 : PLENTY;
	return 0;
}

static const struct backend_ops changing_ops = {
	.name = "simulated, and changes",
	.submit = submit,
	.cancel = cancel,
	.map_read = (const void *(*)(struct backend *, uint64_t, uint64_t))map,
	.probe = probe,
	.close = close_disk,
};

static const struct backend_ops ops = {
	.name = "simulated",
	.submit = submit,
	.cancel = cancel,
	.map_read = (const void *(*)(struct backend *, uint64_t, uint64_t))map,
	.close = close_disk,
};

static const struct backend_ops copying_ops = {
	.name = "simulated, and copies",
	.copies = true,
	.submit = submit,
	.cancel = cancel,
	.map_read = (const void *(*)(struct backend *, uint64_t, uint64_t))map,
	.close = close_disk,
};

int backend_file_new(struct backend **ret, const struct backend_params *p, char *err,
		     size_t err_len)
{
	unsigned long i = strtoul(p->path + sizeof("/sim/") - 1, NULL, 10);
	struct disk *d = &disks[i];

	check(i < DISKS_MAX && d->made);
	if (disk_call_fails &&
	    disk_call_fails("the opening of a disk", __builtin_return_address(0))) {
		excuse_hold(EXCUSE_REMAP, -1, true);
		check_maybe_remapped();
		(void)snprintf(err, err_len, "disk %lu is made to fail", i);
		return -EIO;
	}
	if (d->open || d->gone) {
		/* Its unit is missing until the configuration is read again. */
		excuse_hold(EXCUSE_REMAP, -1, true);
		check_maybe_remapped();
		(void)snprintf(err, err_len, "disk %lu is %s", i, d->gone ? "not there" : "locked");
		return d->gone ? -ENOENT : -EWOULDBLOCK;
	}
	trace("disk %u: opened", d->index);
	d->open = true;
	d->b = (struct backend){
		.ops = d->p.changes  ? &changing_ops
		       : d->p.copies ? &copying_ops
				     : &ops,
		.size_bytes = d->size_bytes,
		.block_bytes = d->p.direct ? 512 : 1,
		.mem_align_bytes = d->p.direct ? 512 : 1,
		.unmap_grain_bytes = d->p.unmap_grain,
		.read_only = p->read_only,
		.write_cache = !p->read_only,
	};
	(void)snprintf(d->b.name, sizeof(d->b.name), "disk %lu", i);
	*ret = &d->b;
	return 0;
}

int watcher_add(struct watcher *wr, struct watcher_item *i, const char *path)
{
	(void)wr;
	disks[strtoul(path + sizeof("/sim/") - 1, NULL, 10)].item = i;
	return 0;
}

void watcher_del(struct watcher *wr, struct watcher_item *i)
{
	(void)wr;
	for (unsigned k = 0; k < DISKS_MAX; k++)
		if (disks[k].item == i)
			disks[k].item = NULL;
}

/* Devices of the other kinds are not configured. */
int backend_null_new(struct backend **ret, const struct backend_params *p, char *err,
		     size_t err_len)
{
	(void)ret;
	(void)p;
	(void)snprintf(err, err_len, "not simulated");
	return -ENOSYS;
}

int backend_ram_new(struct backend **ret, const struct backend_params *p, char *err, size_t err_len)
{
	return backend_null_new(ret, p, err, err_len);
}

/* --- the world's side --- */

static uint64_t some_size(const struct disk *d)
{
	return dice_range(LEAST, d->p.size_bytes / d->p.block_bytes) * d->p.block_bytes;
}

void disk_make(unsigned disk, const struct disk_params *p)
{
	struct disk *d = &disks[disk];

	check(disk < DISKS_MAX && !d->made);
	*d = (struct disk){ .index = disk, .made = true, .p = *p };
	d->mood.cancel_pct = 50;
	d->size_bytes = p->changes ? some_size(d) : p->size_bytes;
	d->now = world_alloc(p->size_bytes);
	d->stable = world_alloc(p->size_bytes);
	list_init(&d->running);
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		worker_inlet_init(&outlets[i].inlet, deliver);
		list_init(&outlets[i].done);
	}
	if (p->modelled) {
		struct model_disk m = { .n_blocks = p->size_bytes / p->block_bytes,
					.block_bytes = p->block_bytes,
					.stable = !p->volatile_cache,
					.mixes = p->mapped };

		model_disk(disk, &m);
	}
}

const struct disk_params *disk_params_of(unsigned disk)
{
	return &disks[disk].p;
}

void disk_set_mood(unsigned disk, const struct disk_mood *m)
{
	disks[disk].mood = *m;
}

void disk_calm(unsigned disk)
{
	disks[disk].mood.error_pmille = 0;
	disks[disk].mood.hang_pmille = 0;
	disk_answer(disk);
}

void disk_answer(unsigned disk)
{
	struct disk *d = &disks[disk];
	struct list *pos;

	list_for_each (pos, &d->running) {
		struct dio *q = list_entry(pos, struct dio, node);

		if (q->held) {
			fault(d, "what hung goes on");
			sched_in(&q->ev, duration_ns(d));
		}
		q->held = false;
		q->stuck = false;
	}
}

/* Somebody notices, at once or when he looks. */
static void has_changed(struct disk *d)
{
	if (!d->p.changes || dice_below(2))
		return;
	d->tells = true;
	proc_tell();
}

void disk_tell(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		struct disk *d = &disks[i];

		if (d->tells && d->item)
			d->item->changed(d->item);
		d->tells = false;
	}
}

void disk_vanish(unsigned disk, bool gone)
{
	struct disk *d = &disks[disk];

	d->gone = gone;
	fault(d, gone ? "vanishes" : "is back");
	/* It is believed to be gone for a while yet. */
	if (d->p.changes && !gone)
		excuse_until(EXCUSE_DISK, (int)disk, sched_now_ns() + BACK_NS + held_up_ns());
	has_changed(d);
}

/* What is cut off is lost, and reads as zeroes when the disk grows again. */
static void shrink(struct disk *d, uint64_t to)
{
	uint64_t n = (d->size_bytes - to) / d->p.block_bytes;
	uint32_t id = model_write(d->index, to / d->p.block_bytes, (uint32_t)n, MODEL_ZERO,
				  "who cut it off");

	memset(d->now + to, 0, d->size_bytes - to);
	memset(d->stable + to, 0, d->size_bytes - to);
	d->size_bytes = to;
	model_write_end(id, MODEL_GOOD, true);
}

/*
 * It grows only when its unit knows how long it is, and no command is inside that may know it otherwise: who reads what
 * was there before, and writes it back when there are zeroes, would bring it back.
 */
void disk_resize(unsigned disk)
{
	struct disk *d = &disks[disk];
	uint64_t to = some_size(d);
	bool known = !d->open || check_size_now((int)disk) == d->size_bytes / d->p.block_bytes;

	if (!d->p.changes || to == d->size_bytes)
		return;
	if (to > d->size_bytes && !(known && check_size_is_settled((int)disk)))
		return;
	trace("disk %u: has %u blocks now", disk, to / d->p.block_bytes);
	if (to < d->size_bytes)
		shrink(d, to);
	d->size_bytes = to;
	has_changed(d);
}

uint64_t disk_size(int disk)
{
	return disks[disk].size_bytes;
}

void disk_fill(unsigned disk, bool full)
{
	trace("disk %u: its file system %s", disk, full ? "is full" : "has space again");
	disks[disk].full = full;
	has_changed(&disks[disk]);
}

static void drop(struct dio *q)
{
	sched_cancel(&q->ev);
	list_del(&q->node);
	world_free(q);
}

void disk_crash(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		struct disk *d = &disks[i];

		if (!d->made)
			continue;
		while (!list_empty(&d->running)) {
			struct dio *q = list_entry(d->running.next, struct dio, node);

			/* The kernel has the request, whole or not at all or in between. */
			if (!d->gone)
				stroke(q, some_of(q));
			drop(q);
		}
		d->open = false;
		d->item = NULL;
	}
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		while (outlets[i].done.next && !list_empty(&outlets[i].done))
			drop(list_entry(outlets[i].done.next, struct dio, node));
		/* Its worker has forgotten it by now. */
		worker_inlet_init(&outlets[i].inlet, deliver);
		outlets[i].n = 0;
	}
}

void disk_power_cut(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		struct disk *d = &disks[i];

		if (!d->made)
			continue;
		for (uint64_t off = 0; off < d->p.size_bytes; off += d->p.block_bytes) {
			/* What was still in the cache may have been written out, or not. */
			if (dice_below(2))
				memcpy(d->stable + off, d->now + off, d->p.block_bytes);
			else
				memcpy(d->now + off, d->stable + off, d->p.block_bytes);
		}
		if (d->p.modelled)
			model_power_cut(i);
	}
}

void disk_reset(void)
{
	disk_crash();
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		world_free(disks[i].now);
		world_free(disks[i].stable);
		disks[i] = (struct disk){ 0 };
	}
}

bool disk_misbehaves(unsigned disk)
{
	const struct disk *d = &disks[disk];
	const struct list *pos;

	if (!d->made || d->gone)
		return d->made;
	list_for_each (pos, &d->running)
		if (list_entry(pos, struct dio, node)->held)
			return true;
	return false;
}

bool disk_is_settled(unsigned disk)
{
	const struct disk *d = &disks[disk];
	const struct list *pos;

	list_for_each (pos, &d->running)
		if (list_entry(pos, struct dio, node)->io)
			return false;
	return !memcmp(d->now, d->stable, d->p.size_bytes);
}

unsigned disk_n_open(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DISKS_MAX; i++)
		n += disks[i].open;
	return n;
}

unsigned disk_n_under_way(void)
{
	const struct list *pos;
	unsigned n = 0;

	for (unsigned i = 0; i < WORKERS_MAX; i++)
		n += outlets[i].n;
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		if (!disks[i].made)
			continue;
		list_for_each (pos, &disks[i].running)
			n++;
	}
	return n;
}

void disk_peek(unsigned disk, uint64_t lba, uint8_t *to, uint32_t len)
{
	memcpy(to, disks[disk].now + lba * disks[disk].p.block_bytes, len);
}
