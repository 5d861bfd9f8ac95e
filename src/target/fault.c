/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "target/fault.h"

#include <string.h>

#include "base/check.h"

static const struct {
	const char *name;
	uint32_t can_hit;
} kinds[FAULT_KINDS] = {
	[FAULT_BLACK_HOLE] = { "black-hole", FAULT_ON_CMD | FAULT_ON_TMF },
	[FAULT_DELAY] = { "delay", FAULT_ON_CMD | FAULT_ON_TMF },
	[FAULT_DROP] = { "drop", FAULT_ON_CMD | FAULT_ON_TMF },
	[FAULT_BUSY] = { "busy", FAULT_ON_CMD },
	[FAULT_TASK_SET_FULL] = { "task-set-full", FAULT_ON_CMD },
	[FAULT_ERROR] = { "error", FAULT_ON_CMD },
	[FAULT_CORRUPT] = { "corrupt", FAULT_ON_READ },
	[FAULT_CREDITS] = { "credits", 0 },
	[FAULT_REJECT_LOGIN] = { "reject-login", FAULT_ON_LOGIN },
};

const char *fault_kind_name(enum fault_kind kind)
{
	check(kind > FAULT_NONE && kind < FAULT_KINDS);
	return kinds[kind].name;
}

enum fault_kind fault_kind_of(const char *name)
{
	for (unsigned i = FAULT_NONE + 1; i < FAULT_KINDS; i++)
		if (!strcmp(kinds[i].name, name))
			return (enum fault_kind)i;
	return FAULT_NONE;
}

uint32_t fault_can_hit(enum fault_kind kind)
{
	check(kind > FAULT_NONE && kind < FAULT_KINDS);
	return kinds[kind].can_hit;
}

struct fault *faults_add(struct faults *s, const struct fault_spec *spec, uint64_t now_ns)
{
	uint32_t can = fault_can_hit(spec->kind);
	struct fault *f = &s->all[s->n];

	check(!(spec->on & ~can));
	if (s->n == FAULTS_MAX)
		return NULL;
	*f = (struct fault){ .spec = *spec, .id = ++s->last_id, .prng = prng_of(spec->seed) };
	/* Functions are hit only when that is said: who loses commands wants to see them aborted. */
	if (!spec->on)
		f->spec.on = can & ~FAULT_ON_TMF;
	f->spec.ttl_ns = min_u64(spec->ttl_ns ? spec->ttl_ns : FAULT_TTL_NS, FAULT_TTL_MAX_NS);
	f->end_ns = now_ns + f->spec.ttl_ns;
	s->n++;
	return f;
}

void faults_remove(struct faults *s, struct fault *f)
{
	size_t i = (size_t)(f - s->all);

	check(i < s->n);
	s->n--;
	memmove(f, f + 1, (s->n - i) * sizeof(*f));
}

struct fault *faults_find(struct faults *s, uint32_t id)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->all[i].id == id)
			return &s->all[i];
	return NULL;
}

bool fault_is_spent(const struct fault *f)
{
	return f->spec.count && f->hits == f->spec.count;
}

static bool of_nexus(const struct fault_spec *f, const struct srp_port_id *initiator,
		     const struct srp_port_id *target)
{
	return (!f->has_initiator || srp_port_id_eq(&f->initiator, initiator)) &&
	       (!f->has_target || srp_port_id_eq(&f->target, target));
}

static bool of_unit(const struct fault_spec *f, const struct fault_event *ev)
{
	return (!f->unit || f->unit == ev->unit) && (!f->has_lun || f->lun == ev->lun);
}

static bool has_opcode(const struct fault_spec *f, uint8_t opcode)
{
	for (unsigned i = 0; i < f->n_opcodes; i++)
		if (f->opcodes[i] == opcode)
			return true;
	return !f->n_opcodes;
}

static bool has_block(const struct fault_spec *f, const struct fault_event *ev)
{
	return !f->has_lbas || (ev->n_blocks && ev->lba <= f->lba_last &&
				(ev->lba >= f->lba_first || f->lba_first - ev->lba < ev->n_blocks));
}

/* Is it what the fault is about? */
static bool in_scope(const struct fault_spec *f, const struct fault_event *ev)
{
	if (!(f->on & ev->what) || !of_nexus(f, ev->initiator, ev->target))
		return false;
	if (ev->what == FAULT_ON_LOGIN)
		return true;
	if (!of_unit(f, ev))
		return false;
	return ev->what == FAULT_ON_TMF || (has_opcode(f, ev->opcode) && has_block(f, ev));
}

/* It is in its scope: does it hit? */
static bool its_turn(struct fault *f)
{
	f->seen++;
	if (f->spec.every && f->seen % f->spec.every)
		return false;
	if (f->spec.percent && prng_below(&f->prng, 100) >= f->spec.percent)
		return false;
	f->hits++;
	return true;
}

struct fault *faults_strike(struct faults *s, const struct fault_event *ev)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct fault *f = &s->all[i];

		if (!fault_is_spent(f) && in_scope(&f->spec, ev) && its_turn(f))
			return f;
	}
	return NULL;
}

bool faults_watch(const struct faults *s, const struct fault_event *ev)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct fault *f = &s->all[i];

		if (f->spec.on & FAULT_ON_CMD && !fault_is_spent(f) &&
		    of_nexus(&f->spec, ev->initiator, ev->target) && of_unit(&f->spec, ev))
			return true;
	}
	return false;
}

uint32_t faults_credits(const struct faults *s, const struct srp_port_id *initiator,
			const struct srp_port_id *target, uint32_t limit)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct fault_spec *f = &s->all[i].spec;

		if (f->kind == FAULT_CREDITS && of_nexus(f, initiator, target))
			limit = min_u32(limit, f->credits);
	}
	return limit;
}

uint64_t faults_end_ns(const struct faults *s)
{
	uint64_t end = UINT64_MAX;

	for (unsigned i = 0; i < s->n; i++)
		end = min_u64(end, s->all[i].end_ns);
	return end;
}

void fault_corrupt(uint64_t seed, uint8_t *buf, size_t len, uint64_t off_bytes,
		   uint32_t block_bytes)
{
	check(len % block_bytes == 0);
	for (size_t i = 0; i < len; i += block_bytes) {
		struct prng r = prng_of(seed ^ (off_bytes + i));
		size_t at = (size_t)prng_below(&r, block_bytes);

		buf[i + at] ^= (uint8_t)(1 + prng_below(&r, 255));
	}
}
