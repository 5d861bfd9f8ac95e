/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The storage seam: one `struct backend` is one store of bytes behind a logical unit. Opened and closed
 * on the control worker while no I/O runs; submit() is called by any worker, for itself: the completion
 * comes on the worker that submitted. Nothing here knows SCSI. Callers go through backend_submit(),
 * which checks ranges once, so an implementation stays small.
 */
#pragma once

#include <sys/uio.h>

#include "run/worker.h"

enum backend_op {
	BACKEND_READ,
	BACKEND_WRITE,
	BACKEND_FLUSH, /* everything completed before is on stable storage when this completes */
	BACKEND_UNMAP, /* drop the contents; reads give zeroes afterwards */
	BACKEND_WRITE_ZEROES, /* keep the space allocated */
	BACKEND_PREFETCH,     /* bring it into a cache, where there is one */
	BACKEND_EXTENT,       /* what is there: see hole and extent_bytes */
	BACKEND_COPY,         /* from @from, without the data coming here */
};

#define BACKEND_ATOMIC_ANY UINT32_MAX

#define BACKEND_IO_FUA BIT(0) /* WRITE, COPY: on stable storage before done() */

struct backend;

struct backend_io {
	enum backend_op op;
	unsigned flags;
	unsigned n_iov;
	const struct iovec *iov; /* READ, WRITE: total = len_bytes; valid until done() */
	uint64_t off_bytes;
	uint64_t len_bytes;
	/*
	 * COPY: [from_bytes, +len_bytes) of this store, which may be the same one, is what [off_bytes, ..) is to be.
	 * -EOPNOTSUPP: these two stores cannot, nothing was done: read and write instead.
	 */
	struct backend *source;
	uint64_t from_bytes;
	/*
	 * Exactly once. @result: 0 = all of it done; -errno = failed (-EIO medium error, -ENOSPC no space,
	 * -ENODATA a short read: the store is smaller than it said, -ECANCELED, -EROFS). May be called
	 * before submit() returns; always on the submitting worker.
	 */
	void (*done)(struct worker *w, struct backend_io *io, int result);
	/* EXTENT, valid when it succeeded: does it start in a hole, and how far is that so; 1 .. len_bytes. A store
	 * that cannot tell has no holes. */
	bool hole;
	uint64_t extent_bytes;
	/* the implementation's until done() */
	struct backend *backend;
	struct worker_io wio;
	struct worker_msg msg; /* with @from: to the helper and back */
	struct worker *from;
	uint64_t progress_bytes;
	struct iovec rest[16];
	void *bounce; /* copy of the data when the caller's memory is not aligned for O_DIRECT */
	bool cancelled;
};

/* What a store says of itself when it is looked at again. */
struct backend_probe {
	uint64_t size_bytes;
	bool misnamed;       /* who opens it by its name now gets another one, or none */
	bool space_known;    /* the next two are valid */
	uint64_t used_bytes; /* that it has allocated */
	uint64_t free_bytes; /* that it could still get from where it gets them */
};

struct backend_ops {
	const char *name;
	bool copies; /* submit() knows COPY, from a store with the same ops */
	void (*submit)(struct backend *b, struct worker *w, struct backend_io *io);
	/* Ask for an early end; optional (NULL: I/O completes at once or cannot be cancelled). */
	void (*cancel)(struct backend *b, struct worker *w, struct backend_io *io);
	/*
	 * map - address of the store's own memory for [off, off+len), valid until close, or NULL. Optional.
	 * With it RDMA moves data straight from and to the store, and no READ or WRITE is submitted.
	 */
	void *(*map)(struct backend *b, uint64_t off_bytes, uint64_t len_bytes);
	/*
	 * map_read - like map(), but for reading only: memory that holds what a READ of the range would
	 * give, and must not be written. For a store whose contents are in memory without being
	 * addressable block by block (null: zeroes). Optional; NULL: what map() says.
	 */
	const void *(*map_read)(struct backend *b, uint64_t off_bytes, uint64_t len_bytes);
	/*
	 * Look again how long it is and how much space there is. Optional: what has none never changes. May block, and
	 * is called on the helper, one call at a time, beside I/O. Return: 0, or -errno: it is gone.
	 */
	int (*probe)(struct backend *b, struct backend_probe *ret);
	void (*close)(struct backend *b);
};

struct backend {
	const struct backend_ops *ops;
	_Atomic uint64_t size_bytes; /* the control worker may change it under the others */
	uint32_t block_bytes; /* smallest unit of access it can do (O_DIRECT alignment), 1 if any */
	uint32_t
		mem_align_bytes; /* READ and WRITE pieces should start and end so (1: any); if not: a copy */
	uint32_t unmap_grain_bytes; /* 0: cannot unmap */
	/* Longest WRITE of which, whatever stops the process or the machine, all or nothing is there afterwards: in what the
	 * store is when it is opened again. 0: none is so; BACKEND_ATOMIC_ANY: each is. */
	uint32_t atomic_bytes;
	bool read_only;
	/* What it writes at once, a power of two, and at which byte the first of these begins; 0: not known. */
	uint32_t physical_bytes;
	uint32_t physical_off_bytes;
	bool rotational;
	bool write_cache; /* completed writes may be volatile until FLUSH */
	char name[64];    /* for logs: "file /srv/a.img" */
};

/* Parameters of the constructors; unknown or contradictory ones are refused with a text. */
struct backend_params {
	const char *path; /* file */
	uint64_t
		size_bytes; /* ram, null; file: create with this size when not 0 and it does not exist */
	bool direct;        /* file: O_DIRECT */
	bool read_only;
	uint32_t block_bytes; /* logical block size of the unit, for alignment checks */
	struct worker *
		helper; /* file: does what may block; outlives the store. NULL: the caller's worker does */
};

/* Each returns 0 or -errno with a sentence in @err (cause and what to do), of at most @err_len bytes. */
must_check int backend_null_new(struct backend **ret, const struct backend_params *p, char *err,
				size_t err_len);
must_check int backend_ram_new(struct backend **ret, const struct backend_params *p, char *err,
			       size_t err_len);
must_check int backend_file_new(struct backend **ret, const struct backend_params *p, char *err,
				size_t err_len);

/**
 * backend_submit() - start @io on @b, for the calling worker @w
 *
 * Ranges are checked here: outside [0, size_bytes) done() gets -ENODATA, not in units of block_bytes -EINVAL, a
 * write to a read-only store -EROFS, UNMAP where the store cannot -EOPNOTSUPP. Zero bytes succeed. FLUSH has no range.
 */
void backend_submit(struct backend *b, struct worker *w, struct backend_io *io);
/* Ask for an early end of @io, between backend_submit() and done(); done() still comes exactly once. */
void backend_cancel(struct backend_io *io, struct worker *w);
/* NULL when the store has no memory of its own, is read-only, or the range is outside or empty. */
void *backend_map(struct backend *b, uint64_t off_bytes, uint64_t len_bytes);
/* Memory to read the range from (by RDMA WRITE, say) instead of a READ; never to be written. NULL: there
 * is none, submit a READ. */
const void *backend_map_read(struct backend *b, uint64_t off_bytes, uint64_t len_bytes);
/* Can backend_probe() be asked? */
bool backend_can_probe(const struct backend *b);
/* See struct backend_ops; changes nothing: that is backend_resize(). Context: the helper. */
must_check int backend_probe(struct backend *b, struct backend_probe *ret);
/* Requests from now on may go up to @size_bytes, which a probe has found. Context: the control worker. */
void backend_resize(struct backend *b, uint64_t size_bytes);
/* Close; NULL is accepted; returns NULL. */
struct backend *backend_close(struct backend *b);
