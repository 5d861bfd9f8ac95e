/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of a command's data share. The channel's worker, all of it. */
#pragma once

#include "target/internal.h"

/* --- data_move.c --- */
/* Its parameters do not fit in the buffers that most have; they are all that the command moves. */
bool data_param_is_long(const struct cmd *c);
/* Bring @len bytes of data-out to @addr: out of the IU itself, or by RDMA READ. */
void data_bring(struct cmd *c, void *addr, uint32_t len, void (*moved)(struct cmd *c));

/* --- data.c: bursts and backend I/O --- */
/* Bytes of the next burst, at most @max. */
uint32_t data_burst(const struct cmd *c, uint32_t max);
/* Account for a burst that is done; true when more follow. */
bool data_more(struct cmd *c);
/* The action is over. @keep: the burst's buffer is still being read from, until the RSP has gone. */
void data_end(struct cmd *c, int result, bool keep);
/* Make c->bio ready; @addr: NULL where no data move. */
void data_io_fill(struct cmd *c, enum backend_op op, void *addr, uint64_t off, uint64_t len);
/* It was aborted, or the unit of @k is fenced: end it by @done. To be asked before data_io_fill(). */
bool data_io_refused(struct cmd *c, const struct unit_tasks *k,
		     void (*done)(struct worker *, struct backend_io *, int));
void data_io_submit(struct cmd *c, struct backend *b,
		    void (*done)(struct worker *, struct backend_io *, int));
/* Both, to the command's own unit. */
void data_io(struct cmd *c, enum backend_op op, void *addr, uint64_t off, uint64_t len,
	     void (*done)(struct worker *, struct backend_io *, int));
/* For @done: whose I/O it was. */
struct cmd *data_io_ended(struct backend_io *io);
/* A @done that ends the action. */
void data_plain_done(struct worker *w, struct backend_io *io, int result);

/* --- data_compare.c, data_copy.c: actions --- */
void data_compare(struct cmd *c); /* COMPARE */
void data_alone(struct cmd *c);   /* COMPARE_AND_WRITE, OR_WRITE */
void data_verify(struct cmd *c);  /* VERIFY, COMPARE_SAME */
void data_copy(struct cmd *c);    /* COPY */
