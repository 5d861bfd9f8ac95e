/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * LD_PRELOAD into srptd: makes one chosen call of one chosen place fail, or lists the places. A place is a
 * function and the address it is called from. Driven by faults.py through a file that both map; see struct
 * control, whose layout it knows.
 *
 * Descriptors that are open when the shim is armed are left alone: they are those of a session that must not
 * notice. So are calls while it is not armed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <liburing.h>

#define EXPORT    __attribute__((visibility("default")))
#define MAGIC     0x66617531u
#define N_SITES   1024u
#define N_MODULES 16u
#define N_FDS     4096u
#define SHORT     (-1) /* fault: one byte goes through */

/* In the order of FUNCTIONS in faults.py. */
enum function {
	F_MALLOC,
	F_CALLOC,
	F_REALLOC,
	F_ALIGNED_ALLOC,
	F_MMAP,
	F_ACCEPT4,
	F_SETSOCKOPT,
	F_SHUTDOWN,
	F_RECV,
	F_RECVMSG,
	F_SEND,
	F_SENDMSG,
	F_CLOSE,
	F_EPOLL_CREATE1,
	F_GETRANDOM,
	F_SUBMIT,
	F_SUBMIT_GET,
	F_SUBMIT_WAIT,
	F_GET_EVENTS,
};

enum mode {
	OFF,
	RECORD,
	INJECT
};

struct site {
	_Atomic uint64_t key;
	_Atomic uint32_t hits;
	uint32_t pad;
};

struct module {
	uint64_t base;
	char name[120];
};

struct control {
	uint32_t magic; /* set here when the shim is in */
	_Atomic uint32_t epoch;
	_Atomic uint32_t mode;
	uint32_t nth;
	uint64_t key;
	int32_t fault; /* an errno, or SHORT */
	_Atomic uint32_t fired;
	_Atomic uint32_t n_sites;
	uint32_t n_modules;
	_Atomic uint32_t seen; /* calls of the chosen place since it was armed */
	uint32_t pad;
	struct site site[N_SITES];
	struct module module[N_MODULES];
};

static struct control *ctl;
static struct {
	uintptr_t begin, end;
} text[N_MODULES];
static _Atomic uint32_t snapshot; /* epoch that the descriptors below were looked at in */
static atomic_bool looking;
static atomic_bool immune[N_FDS];

/* --- the real ones --- */

#define REAL(ret, name, ...)                                                      \
	static ret (*real_##name)(__VA_ARGS__);                                   \
	static void find_##name(void)                                             \
	{                                                                         \
		if (!real_##name)                                                 \
			*(void **)(void *)&real_##name = dlsym(RTLD_NEXT, #name); \
	}

REAL(void *, malloc, size_t)
REAL(void *, calloc, size_t, size_t)
REAL(void *, realloc, void *, size_t)
REAL(void *, aligned_alloc, size_t, size_t)
REAL(void *, mmap, void *, size_t, int, int, int, off_t)
REAL(int, accept4, int, struct sockaddr *, socklen_t *, int)
REAL(int, setsockopt, int, int, int, const void *, socklen_t)
REAL(int, shutdown, int, int)
REAL(ssize_t, recv, int, void *, size_t, int)
REAL(ssize_t, recvmsg, int, struct msghdr *, int)
REAL(ssize_t, send, int, const void *, size_t, int)
REAL(ssize_t, sendmsg, int, const struct msghdr *, int)
REAL(int, close, int)
REAL(int, epoll_create1, int)
REAL(ssize_t, getrandom, void *, size_t, unsigned)
REAL(int, io_uring_submit, struct io_uring *)
REAL(int, io_uring_submit_and_get_events, struct io_uring *)
REAL(int, io_uring_submit_and_wait_timeout, struct io_uring *, struct io_uring_cqe **, unsigned,
     struct __kernel_timespec *, sigset_t *)
REAL(int, io_uring_get_events, struct io_uring *)

/* --- places --- */

static int note_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	uint32_t n = ctl->n_modules;

	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum && n < N_MODULES; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		text[n].begin = info->dlpi_addr + p->p_vaddr;
		text[n].end = text[n].begin + p->p_memsz;
		ctl->module[n].base = info->dlpi_addr;
		strncpy(ctl->module[n].name, info->dlpi_name, sizeof(ctl->module[n].name) - 1);
		ctl->n_modules = ++n;
		break;
	}
	return 0;
}

static uint64_t key_of(enum function f, const void *from)
{
	uintptr_t at = (uintptr_t)from;

	for (uint64_t i = 0; i < ctl->n_modules; i++)
		if (at >= text[i].begin && at < text[i].end)
			return (uint64_t)f << 56 | i << 48 | (at - ctl->module[i].base);
	return (uint64_t)f << 56 | 0xffull << 48;
}

static void record(uint64_t key)
{
	for (uint32_t i = (uint32_t)(key * 0x9e3779b97f4a7c15u >> 54), n = 0; n < N_SITES;
	     n++, i++) {
		struct site *s = &ctl->site[i % N_SITES];
		uint64_t old = 0;

		key += key == 0;
		if (atomic_load(&s->key) != key &&
		    !atomic_compare_exchange_strong(&s->key, &old, key) && old != key)
			continue;
		if (!atomic_fetch_add(&s->hits, 1))
			atomic_fetch_add(&ctl->n_sites, 1);
		return;
	}
}

/* Whoever is first after it was armed looks which descriptors are there already. */
static void look_at_fds(uint32_t epoch)
{
	while (atomic_exchange(&looking, true))
		;
	if (atomic_load(&snapshot) != epoch) {
		for (int fd = 0; fd < (int)N_FDS; fd++)
			atomic_store(&immune[fd], fcntl(fd, F_GETFD) >= 0);
		atomic_store(&snapshot, epoch);
	}
	atomic_store(&looking, false);
}

/* Is this call to fail? 0, an errno or SHORT. @fd: -1 when the call is about none that matters. */
static int fault_of(enum function f, int fd, const void *from)
{
	uint32_t mode = ctl ? atomic_load(&ctl->mode) : OFF;
	uint64_t key;

	if (mode == OFF)
		return 0;
	if (atomic_load(&snapshot) != atomic_load(&ctl->epoch))
		look_at_fds(atomic_load(&ctl->epoch));
	if (fd >= 0 && fd < (int)N_FDS && atomic_load(&immune[fd]))
		return 0;
	key = key_of(f, from);
	if (mode == RECORD) {
		record(key);
		return 0;
	}
	if (key != ctl->key || atomic_fetch_add(&ctl->seen, 1) + 1 != ctl->nth)
		return 0;
	atomic_store(&ctl->fired, 1);
	return ctl->fault;
}

#define FAULT(f, fd) fault_of(f, fd, __builtin_return_address(0))

/* --- set up --- */

static void find_all(void)
{
	find_malloc();
	find_calloc();
	find_realloc();
	find_aligned_alloc();
	find_mmap();
	find_accept4();
	find_setsockopt();
	find_shutdown();
	find_recv();
	find_recvmsg();
	find_send();
	find_sendmsg();
	find_close();
	find_epoll_create1();
	find_getrandom();
	find_io_uring_submit();
	find_io_uring_submit_and_get_events();
	find_io_uring_submit_and_wait_timeout();
	find_io_uring_get_events();
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULTSHIM");
	int fd;
	void *p;

	find_all();
	fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	p = real_mmap(NULL, sizeof(*ctl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)real_close(fd);
	if (p == MAP_FAILED)
		return;
	ctl = p;
	(void)dl_iterate_phdr(note_module, NULL);
	ctl->magic = MAGIC;
}

/* --- memory --- */

/* What dlsym() itself may ask for before the real one is known; never given back. */
static void *early(size_t n)
{
	static _Alignas(64) char mem[4096];
	static atomic_size_t used;
	size_t at = atomic_fetch_add(&used, (n + 63) & ~(size_t)63);

	return at + n <= sizeof(mem) ? mem + at : NULL;
}

/* A sanitizer that stands behind us begins before us, and wants to give all memory itself. False: we are
 * being called by what looks for it. */
static bool finding(void)
{
	static bool busy;

	if (busy)
		return false;
	busy = true;
	find_malloc();
	find_calloc();
	find_realloc();
	busy = false;
	return real_malloc && real_calloc;
}

static void *failed(int fault)
{
	errno = fault;
	return NULL;
}

EXPORT void *malloc(size_t n)
{
	int fault = FAULT(F_MALLOC, -1);

	if (!real_malloc && !finding())
		return early(n);
	return fault ? failed(fault) : real_malloc(n);
}

EXPORT void *calloc(size_t n, size_t size)
{
	int fault = FAULT(F_CALLOC, -1);

	if (!real_calloc && !finding())
		return early(n * size);
	return fault ? failed(fault) : real_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t n)
{
	int fault = FAULT(F_REALLOC, -1);

	if (!real_realloc)
		(void)finding();
	return fault ? failed(fault) : real_realloc(p, n);
}

EXPORT void *aligned_alloc(size_t align, size_t n)
{
	int fault = FAULT(F_ALIGNED_ALLOC, -1);

	find_aligned_alloc();
	return fault ? failed(fault) : real_aligned_alloc(align, n);
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	int fault = FAULT(F_MMAP, -1);

	if (!real_mmap)
		find_mmap();
	if (!fault)
		return real_mmap(addr, len, prot, flags, fd, off);
	errno = fault;
	return MAP_FAILED;
}

/* --- sockets --- */

static int minus_one(int fault)
{
	errno = fault;
	return -1;
}

/* The connection stays in the backlog, but where the kernel would have taken it off. */
EXPORT int accept4(int fd, __SOCKADDR_ARG to, socklen_t *len, int flags)
{
	struct sockaddr *addr = to.__sockaddr__;
	int fault = FAULT(F_ACCEPT4, -1);
	int taken;

	if (!fault)
		return real_accept4(fd, addr, len, flags);
	if (fault == ECONNABORTED) {
		taken = real_accept4(fd, addr, len, flags);
		if (taken >= 0)
			(void)real_close(taken);
	}
	return minus_one(fault);
}

EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int fault = FAULT(F_SETSOCKOPT, fd);

	return fault ? minus_one(fault) : real_setsockopt(fd, level, name, value, len);
}

EXPORT int shutdown(int fd, int how)
{
	int fault = FAULT(F_SHUTDOWN, fd);

	return fault ? minus_one(fault) : real_shutdown(fd, how);
}

EXPORT ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	int fault = FAULT(F_RECV, fd);

	return fault ? minus_one(fault) : real_recv(fd, buf, n, flags);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	int fault = FAULT(F_RECVMSG, fd);

	return fault ? minus_one(fault) : real_recvmsg(fd, m, flags);
}

EXPORT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	int fault = FAULT(F_SEND, fd);

	if (fault == SHORT)
		return real_send(fd, buf, n ? 1 : 0, flags);
	return fault ? minus_one(fault) : real_send(fd, buf, n, flags);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	int fault = FAULT(F_SENDMSG, fd);

	if (fault == SHORT)
		return real_send(fd, m->msg_iov[0].iov_base, m->msg_iov[0].iov_len ? 1 : 0, flags);
	return fault ? minus_one(fault) : real_sendmsg(fd, m, flags);
}

/* It is closed in any case, as Linux does. */
EXPORT int close(int fd)
{
	int fault = FAULT(F_CLOSE, fd);
	int r;

	if (!real_close)
		find_close();
	r = real_close(fd);
	if (fd >= 0 && fd < (int)N_FDS)
		atomic_store(&immune[fd], false);
	return fault ? minus_one(fault) : r;
}

EXPORT int epoll_create1(int flags)
{
	int fault = FAULT(F_EPOLL_CREATE1, -1);

	return fault ? minus_one(fault) : real_epoll_create1(flags);
}

EXPORT ssize_t getrandom(void *buf, size_t n, unsigned flags)
{
	int fault = FAULT(F_GETRANDOM, -1);

	return fault ? minus_one(fault) : real_getrandom(buf, n, flags);
}

/* --- io_uring_enter(), by the library's calls that make it: it is shared by all sessions of a worker --- */

EXPORT int io_uring_submit(struct io_uring *ring)
{
	int fault = FAULT(F_SUBMIT, -1);

	return fault ? -fault : real_io_uring_submit(ring);
}

EXPORT int io_uring_submit_and_get_events(struct io_uring *ring)
{
	int fault = FAULT(F_SUBMIT_GET, -1);

	return fault ? -fault : real_io_uring_submit_and_get_events(ring);
}

EXPORT int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
					    unsigned n, struct __kernel_timespec *ts,
					    sigset_t *mask)
{
	int fault = FAULT(F_SUBMIT_WAIT, -1);

	return fault ? -fault : real_io_uring_submit_and_wait_timeout(ring, cqe, n, ts, mask);
}

EXPORT int io_uring_get_events(struct io_uring *ring)
{
	int fault = FAULT(F_GET_EVENTS, -1);

	return fault ? -fault : real_io_uring_get_events(ring);
}
