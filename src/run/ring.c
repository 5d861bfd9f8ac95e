/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "run/ring.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

/* One round handles so many completions, then gives messages and timers their turn. */
#define BUDGET 256u

/* What a completion belongs to: a tag in the low bits of user_data, the rest is the address. */
enum tag {
	TAG_NONE, /* a cancellation: its target tells what happened */
	TAG_POLL,
	TAG_IO,
	TAG_MASK = 7
};

enum poll_state {
	POLL_STARTED = 1,
	POLL_ARMED = 2, /* the kernel has it: exactly one more completion without F_MORE comes */
	POLL_STOPPING = 4
};

enum io_state {
	IO_IDLE,
	IO_TODO,
	IO_KERNEL,
	IO_STATE = 3,
	IO_CANCEL = 4,       /* cancel was asked for */
	IO_CANCEL_QUEUED = 8 /* on io_cancel */
};

static uint64_t tag_of(const void *obj, enum tag tag)
{
	const uint64_t addr = (uintptr_t)obj;

	check(!(addr & TAG_MASK));
	return addr | tag;
}

/* --- queues of I/O --- */

static void fifo_push(struct ring_fifo *f, struct worker_io *io)
{
	io->next = NULL;
	if (f->first)
		f->last->next = io;
	else
		f->first = io;
	f->last = io;
}

static struct worker_io *fifo_pop(struct ring_fifo *f)
{
	struct worker_io *io = f->first;

	if (io)
		f->first = io->next;
	return io;
}

/* Take @io out of the middle; rare, so a walk will do. */
static void fifo_remove(struct ring_fifo *f, struct worker_io *io)
{
	struct worker_io *prev = NULL;
	struct worker_io *pos = f->first;

	while (pos != io) {
		check(pos);
		prev = pos;
		pos = pos->next;
	}
	if (prev)
		prev->next = io->next;
	else
		f->first = io->next;
	if (f->last == io)
		f->last = prev;
}

/* --- life --- */

int ring_init(struct ring *r, unsigned entries)
{
	/* Best first. All of them are in 6.1; a kernel that lacks one says EINVAL. */
	static const struct {
		unsigned flags;
		const char *engine;
	} tries[] = {
		{ IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			  IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		  "io_uring, deferred task work" },
		{ IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		  "io_uring, cooperative task work" },
		{ 0, "io_uring, plain" },
	};
	int ret = -EINVAL;

	memset(r, 0, sizeof(*r));
	list_init(&r->poll_todo);
	list_init(&r->poll_stopped);
	for (unsigned i = 0; i < ARRAY_SIZE(tries) && ret == -EINVAL; i++) {
		struct io_uring_params p = {
			.flags = tries[i].flags | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE |
				 IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL,
			.cq_entries = min_u32(entries, 1u << 15) * 4,
		};

		ret = io_uring_queue_init_params(entries, &r->uring, &p);
		r->engine = tries[i].engine;
	}
	if (ret)
		return ret == -EINVAL ? -ENOSYS : ret;
	if (!(r->uring.features & IORING_FEAT_EXT_ARG) ||
	    !(r->uring.features & IORING_FEAT_NODROP) ||
	    !(r->uring.features & IORING_FEAT_CQE_SKIP)) {
		io_uring_queue_exit(&r->uring);
		return -ENOSYS;
	}
	return 0;
}

void ring_deinit(struct ring *r)
{
	/* The kernel might still write to the memory of an I/O after the ring is gone. */
	check(!r->n_io);
	io_uring_queue_exit(&r->uring);
}

int ring_enable(struct ring *r)
{
	/* liburing 2.3 declares a function for this, but its library does not export it. */
	if (syscall(__NR_io_uring_register, r->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
		    0) < 0)
		return -errno;
	return 0;
}

void ring_thread_begin(struct ring *r)
{
	(void)io_uring_register_ring_fd(&r->uring); /* without it all works, a little slower */
}

void ring_thread_end(struct ring *r)
{
	(void)io_uring_unregister_ring_fd(&r->uring);
}

int ring_watch(struct ring *r, int fd)
{
	int ret = 0;

	if (!r->registered) {
		ret = io_uring_register_eventfd(&r->uring, fd);
		r->registered = !ret;
	}
	return ret ? ret : io_uring_cq_eventfd_toggle(&r->uring, true);
}

void ring_unwatch(struct ring *r)
{
	if (r->registered)
		(void)io_uring_cq_eventfd_toggle(&r->uring, false);
}

/* --- what the worker asks for --- */

void ring_poll_start(struct ring *r, struct worker_poll *p)
{
	check(!p->state);
	p->state = POLL_STARTED;
	list_init(&p->node);
	list_push(&r->poll_todo, &p->node);
}

void ring_poll_stop(struct ring *r, struct worker_poll *p)
{
	check(p->state & POLL_STARTED);
	if (p->state & POLL_STOPPING)
		return;
	p->state |= POLL_STOPPING;
	list_del(&p->node);
	list_push(p->state & POLL_ARMED ? &r->poll_todo : &r->poll_stopped, &p->node);
}

void ring_io_submit(struct ring *r, struct worker_io *io)
{
	io->state = IO_TODO;
	fifo_push(&r->io_todo, io);
	r->n_io++;
}

void ring_io_cancel(struct ring *r, struct worker_io *io)
{
	check(io->state & IO_STATE);
	if (io->state & IO_CANCEL)
		return;
	io->state |= IO_CANCEL;
	if ((io->state & IO_STATE) == IO_TODO) {
		fifo_remove(&r->io_todo, io);
		fifo_push(&r->io_cancelled, io);
	} else {
		io->state |= IO_CANCEL_QUEUED;
		fifo_push(&r->io_cancel, io);
	}
}

/* --- giving it to the kernel --- */

static struct io_uring_sqe *sqe_get(struct ring *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);

	if (sqe)
		return sqe;
	/* Full: hand it over in the middle. Should that fail, ring_enter() meets the error again. */
	if (io_uring_submit(&r->uring) < 0)
		return NULL;
	return io_uring_get_sqe(&r->uring);
}

/*
 * Ask for the end of the request with this user_data. IORING_OP_ASYNC_CANCEL also for polls, since
 * POLL_REMOVE answers EALREADY, and removes nothing, while the poll is being woken. Requests are executed
 * in the order of the queue, so an object that is used again after this cannot be hit by mistake.
 */
static void prep_cancel(struct io_uring_sqe *sqe, uint64_t target)
{
	io_uring_prep_cancel64(sqe, target, 0);
	io_uring_sqe_set_data64(sqe, TAG_NONE);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

static void prep_io(struct io_uring_sqe *sqe, const struct worker_io *io)
{
	const bool one = io->n_iov == 1 && io->iov[0].iov_len <= INT_MAX;

	switch (io->op) {
	case WORKER_IO_READV:
		if (one)
			io_uring_prep_read(sqe, io->fd, io->iov[0].iov_base,
					   (unsigned)io->iov[0].iov_len, io->off_bytes);
		else
			io_uring_prep_readv(sqe, io->fd, io->iov, io->n_iov, io->off_bytes);
		sqe->rw_flags = io->flags;
		break;
	case WORKER_IO_WRITEV:
		if (one)
			io_uring_prep_write(sqe, io->fd, io->iov[0].iov_base,
					    (unsigned)io->iov[0].iov_len, io->off_bytes);
		else
			io_uring_prep_writev(sqe, io->fd, io->iov, io->n_iov, io->off_bytes);
		sqe->rw_flags = io->flags;
		break;
	case WORKER_IO_FSYNC:
		io_uring_prep_fsync(sqe, io->fd, io->flags ? IORING_FSYNC_DATASYNC : 0);
		break;
	case WORKER_IO_FALLOCATE:
		io_uring_prep_fallocate(sqe, io->fd, io->flags, (off_t)io->off_bytes,
					(off_t)io->len_bytes);
		break;
	case WORKER_IO_FADVISE:
		io_uring_prep_fadvise(sqe, io->fd, io->off_bytes, (off_t)io->len_bytes, io->flags);
		break;
	default:
		check_unreachable();
	}
	io_uring_sqe_set_data64(sqe, tag_of(io, TAG_IO));
}

static void fill_polls(struct ring *r)
{
	while (!list_empty(&r->poll_todo)) {
		struct worker_poll *p = list_entry(r->poll_todo.next, struct worker_poll, node);
		struct io_uring_sqe *sqe = sqe_get(r);

		if (!sqe)
			return;
		list_del(&p->node);
		if (p->state & POLL_STOPPING) {
			prep_cancel(sqe, tag_of(p, TAG_POLL));
		} else {
			io_uring_prep_poll_multishot(sqe, p->fd, p->events);
			io_uring_sqe_set_data64(sqe, tag_of(p, TAG_POLL));
			p->state |= POLL_ARMED;
		}
	}
}

static void fill_io(struct ring *r)
{
	while (r->io_todo.first) {
		struct io_uring_sqe *sqe = sqe_get(r);
		struct worker_io *io;

		if (!sqe)
			return;
		io = fifo_pop(&r->io_todo);
		prep_io(sqe, io);
		io->state = IO_KERNEL;
	}
	while (r->io_cancel.first) {
		struct io_uring_sqe *sqe = sqe_get(r);
		struct worker_io *io;

		if (!sqe)
			return;
		io = fifo_pop(&r->io_cancel);
		prep_cancel(sqe, tag_of(io, TAG_IO));
		io->state &= ~(unsigned)IO_CANCEL_QUEUED;
	}
}

bool ring_has_work(const struct ring *r)
{
	return io_uring_cq_ready(&r->uring) || r->io_cancelled.first ||
	       !list_empty(&r->poll_stopped);
}

bool ring_has_news(const struct ring *r)
{
	return (IO_URING_READ_ONCE(*r->uring.sq.kflags) &
		(IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) ||
	       io_uring_cq_ready(&r->uring);
}

unsigned ring_n_news(const struct ring *r)
{
	return io_uring_cq_ready(&r->uring);
}

bool ring_has_backlog(const struct ring *r)
{
	return io_uring_sq_ready(&r->uring) || r->io_todo.first || r->io_cancel.first ||
	       !list_empty(&r->poll_todo);
}

static int enter_now(struct ring *r)
{
	if (io_uring_sq_ready(&r->uring))
		return io_uring_submit_and_get_events(&r->uring);
	if (ring_has_news(r) && !io_uring_cq_ready(&r->uring))
		return io_uring_get_events(&r->uring);
	return 0;
}

static int enter_wait(struct ring *r, uint64_t wait_ns)
{
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = {
		.tv_sec = (long long)(wait_ns / NSEC_PER_SEC),
		.tv_nsec = (long long)(wait_ns % NSEC_PER_SEC),
	};

	return io_uring_submit_and_wait_timeout(&r->uring, &cqe, 1,
						wait_ns == UINT64_MAX ? NULL : &ts, NULL);
}

int ring_enter(struct ring *r, uint64_t wait_ns)
{
	int ret;

	fill_polls(r);
	fill_io(r);
	ret = wait_ns ? enter_wait(r, wait_ns) : enter_now(r);
	switch (ret) {
	case -ETIME:
	case -EINTR:
	case -EAGAIN: /* no memory for a request at this moment */
	case -EBUSY:  /* the completion queue has to be emptied first */
		return 0;
	default:
		return ret < 0 ? ret : 0;
	}
}

/* --- what the kernel says --- */

/* A file without readiness ends every watch at once; to watch it again and again would never end. */
static bool changes_readiness(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	const int ep = epoll_create1(EPOLL_CLOEXEC);
	const bool refused = ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0 && errno == EPERM;

	if (ep >= 0)
		close(ep);
	return !refused;
}

static void on_poll(struct ring *r, struct worker *w, struct worker_poll *p,
		    const struct io_uring_cqe *cqe)
{
	const bool last = !(cqe->flags & IORING_CQE_F_MORE);

	if (last)
		p->state &= ~(unsigned)POLL_ARMED;
	if (p->state & POLL_STOPPING) {
		if (last) {
			list_del(&p->node); /* the stop may still wait to be submitted */
			list_push(&r->poll_stopped, &p->node);
		}
		return;
	}
	if (cqe->res < 0) {
		/* Not watched any more, and trying again would fail again: the owner has to stop. */
		p->ready(w, p, cqe->res == -EBADF ? POLLNVAL : POLLERR);
		return;
	} /* The completion queue overflowed; once armed again nothing is missed. */
	if (last && changes_readiness(p->fd))
		list_push(&r->poll_todo, &p->node);
	p->ready(w, p, (unsigned)cqe->res);
}

static void on_io(struct ring *r, struct worker *w, struct worker_io *io, int result)
{
	if (io->state & IO_CANCEL_QUEUED)
		fifo_remove(&r->io_cancel, io);
	io->state = IO_IDLE;
	r->n_io--;
	io->done(w, io, result);
}

/* What ended without the kernel. New ends caused by these calls wait for the next round. */
static unsigned handle_local(struct ring *r, struct worker *w)
{
	struct list stopped;
	struct list *node;
	struct ring_fifo cancelled = r->io_cancelled;
	struct worker_io *io;
	unsigned n = 0;

	list_init(&stopped);
	list_splice(&stopped, &r->poll_stopped);
	r->io_cancelled.first = NULL;
	while ((node = list_pop(&stopped))) {
		struct worker_poll *p = list_entry(node, struct worker_poll, node);

		p->state = 0;
		if (p->stopped)
			p->stopped(w, p);
		n++;
	}
	while ((io = fifo_pop(&cancelled))) {
		on_io(r, w, io, -ECANCELED);
		n++;
	}
	return n;
}

unsigned ring_handle(struct ring *r, struct worker *w)
{
	struct io_uring_cqe *cqe;
	unsigned head;
	unsigned seen = 0;
	unsigned n = 0;

	if (r->io_cancelled.first || !list_empty(&r->poll_stopped))
		n = handle_local(r, w);
	io_uring_for_each_cqe(&r->uring, head, cqe)
	{
		const unsigned tag = cqe->user_data & TAG_MASK;
		/* The address travelled as a number; this is the way back. */
		char *obj = io_uring_cqe_get_data(cqe);

		if (seen == BUDGET)
			break;
		seen++;
		switch (tag) {
		case TAG_POLL:
			on_poll(r, w, (void *)(obj - TAG_POLL), cqe);
			n++;
			break;
		case TAG_IO:
			on_io(r, w, (void *)(obj - TAG_IO), cqe->res);
			n++;
			break;
		default:
			break;
		}
	}
	io_uring_cq_advance(&r->uring, seen);
	return n;
}
