/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/list.h"
#include "sim/dice.h"
#include "sim/world.h"

#define TABLE_SIZE 16384u /* a power of two; at most half of it is used */

/* What is known of a block; found by its address, listed by its age. */
struct block {
	struct list node; /* on blocks or on unused */
	void *p;
	size_t len;
	const void *by; /* return address of the call */
	bool mapped;    /* by mmap() */
	uint64_t nth;   /* the how manieth allocation it was */
};

static struct block table[TABLE_SIZE / 2];
static struct block *slots[TABLE_SIZE];
static struct list blocks = LIST_INIT(blocks);
static struct list unused = LIST_INIT(unused);
static unsigned n_blocks;
static uint64_t n_allocs;
static unsigned fail_permille;
bool (*heap_fails)(const void *by);
static unsigned n_table; /* places of the table that were ever used */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *p, size_t len);
void *__real_aligned_alloc(size_t align, size_t len);
void __real_free(void *p);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);
int __real_munmap(void *p, size_t len);

void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *p, size_t len);
void *__wrap_reallocarray(void *p, size_t n, size_t len);
void *__wrap_aligned_alloc(size_t align, size_t len);
void __wrap_free(void *p);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t max);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);
int __wrap_munmap(void *p, size_t len);

/* --- the world's --- */

void *world_alloc(size_t len)
{
	void *p = __real_calloc(1, len ? len : 1);

	if (!p) {
		(void)fputs("the machine has no memory left for the simulator\n", stderr);
		_exit(3);
	}
	return p;
}

void world_free(void *p)
{
	__real_free(p);
}

void *world_shared(size_t len)
{
	void *p = __real_mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	check(p != MAP_FAILED);
	return p;
}

/* --- the books --- */

static unsigned hash(const void *p)
{
	return (unsigned)(((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15ull >> 40) % TABLE_SIZE;
}

static unsigned find(const void *p)
{
	unsigned i = hash(p);

	while (slots[i] && slots[i]->p != p)
		i = (i + 1) % TABLE_SIZE;
	return i;
}

static void *note(void *p, size_t len, const void *by, bool mapped)
{
	struct block *b;

	if (!p)
		return NULL;
	if (list_empty(&unused)) {
		check(n_table < ARRAY_SIZE(table));
		b = &table[n_table++];
	} else {
		b = list_entry(list_pop(&unused), struct block, node);
	}
	*b = (struct block){ .p = p, .len = len, .by = by, .mapped = mapped, .nth = n_allocs };
	list_init(&b->node);
	list_push(&blocks, &b->node);
	slots[find(p)] = b;
	n_blocks++;
	return p;
}

/* Close the gap that slot @i leaves in the run of slots behind it. */
static void unslot(unsigned i)
{
	unsigned j = i;

	for (;;) {
		unsigned home;

		j = (j + 1) % TABLE_SIZE;
		if (!slots[j])
			break;
		home = hash(slots[j]->p);
		if ((j - home) % TABLE_SIZE < (j - i) % TABLE_SIZE)
			continue;
		slots[i] = slots[j];
		i = j;
	}
	slots[i] = NULL;
}

/* False: it is not one of ours. */
static bool forget(const void *p, size_t *ret_len)
{
	unsigned i = find(p);
	struct block *b = slots[i];

	if (!b)
		return false;
	*ret_len = b->len;
	unslot(i);
	list_del(&b->node);
	list_push_front(&unused, &b->node);
	n_blocks--;
	return true;
}

static bool must_fail(const void *by)
{
	n_allocs++;
	if (!(heap_fails && heap_fails(by)) && !dice_permille(fail_permille))
		return false;
	trace("an allocation fails");
	errno = ENOMEM;
	return true;
}

/* --- where the linker leads the code under test --- */

void *__wrap_malloc(size_t len)
{
	return must_fail(__builtin_return_address(0))
		       ? NULL
		       : note(__real_malloc(len), len, __builtin_return_address(0), false);
}

void *__wrap_calloc(size_t n, size_t len)
{
	return must_fail(__builtin_return_address(0))
		       ? NULL
		       : note(__real_calloc(n, len), n * len, __builtin_return_address(0), false);
}

static void *resize(void *p, size_t len, const void *by)
{
	void *more;
	size_t was;

	if (must_fail(by))
		return NULL;
	more = __real_realloc(p, len);
	if (more && p)
		(void)forget(p, &was);
	return note(more, len, by, false);
}

void *__wrap_realloc(void *p, size_t len)
{
	return resize(p, len, __builtin_return_address(0));
}

void *__wrap_reallocarray(void *p, size_t n, size_t len)
{
	check(!len || n <= SIZE_MAX / len);
	return resize(p, n * len, __builtin_return_address(0));
}

void *__wrap_aligned_alloc(size_t align, size_t len)
{
	return must_fail(__builtin_return_address(0)) ? NULL
						      : note(__real_aligned_alloc(align, len), len,
							     __builtin_return_address(0), false);
}

char *__wrap_strndup(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *p = must_fail(__builtin_return_address(0)) ? NULL
							 : note(__real_malloc(len + 1), len + 1,
								__builtin_return_address(0), false);

	if (p) {
		memcpy(p, s, len);
		p[len] = 0;
	}
	return p;
}

char *__wrap_strdup(const char *s)
{
	size_t len = strlen(s) + 1;
	char *p = must_fail(__builtin_return_address(0))
			  ? NULL
			  : note(__real_malloc(len), len, __builtin_return_address(0), false);

	return p ? memcpy(p, s, len) : NULL;
}

void __wrap_free(void *p)
{
	size_t len;

	if (p)
		(void)forget(p, &len);
	__real_free(p); /* also what the C library allocated by itself */
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are mmap()'s */
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	void *p;

	if (must_fail(__builtin_return_address(0)))
		return MAP_FAILED;
	p = __real_mmap(addr, len, prot, flags, fd, off);
	return p == MAP_FAILED ? p : note(p, len, __builtin_return_address(0), true);
}

/* What mmap() is called where file offsets have 64 bits. */
/* NOLINTNEXTLINE(readability-function-size) */
void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return __wrap_mmap(addr, len, prot, flags, fd, off);
}

int __wrap_munmap(void *p, size_t len)
{
	size_t was;

	/* All of a mapping, and one that is there: the target knows no other use. */
	check(forget(p, &was) && was == len);
	return __real_munmap(p, len);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* --- for the simulator --- */

void heap_fail_permille(unsigned n)
{
	fail_permille = n;
}

void heap_check_empty(const char *when)
{
	struct list *pos;
	unsigned n = 0;

	if (!n_blocks)
		return;
	list_for_each (pos, &blocks) {
		const struct block *b = list_entry(pos, struct block, node);

		if (++n > 20)
			break;
		(void)printf("leak: %zu bytes%s, allocation number %llu\n", b->len,
			     b->mapped ? " mapped" : "", (unsigned long long)b->nth);
		fail_place(b->by);
	}
	fail_now("%u blocks of memory are left %s", n_blocks, when);
}

void heap_drop(void)
{
	struct list *pos;
	size_t len = 0;

	while (!list_empty(&blocks)) {
		pos = blocks.next;
		struct block *b = list_entry(pos, struct block, node);
		void *p = b->p;
		bool mapped = b->mapped;

		(void)forget(p, &len);
		if (mapped)
			(void)__real_munmap(p, len);
		else
			__real_free(p);
	}
}
