/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Access states of target port groups: through a group that is not active nothing reaches a medium.
 *
 * The state changes at one point, where the target gives it to the SCSI core, which makes a version of it. A
 * command that needs the medium goes on only if that lets it: at home by the newest version, elsewhere by one not older
 * than the last of which somebody was told that it is in effect. What is refused is refused by a version that was
 * in effect since it was sent. Every nexus hears of each change, but who asked for it at the unit where
 * he did. A process that keeps state begins with a version that is not older than the last one that was told, but for
 * what only some units were there to keep: when others are back, those count that have seen more changes.
 */
#include "scsi/alua.h"
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/deeds.h"
#include "sim/disk.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/spy.h"
#include "sim/store.h"
#include "sim/world.h"
#include "wire/sense.h"

#define VERSIONS 32u

static struct version {
	uint64_t id;   /* spy_count() */
	uint64_t tick; /* when it came about */
	uint8_t state;
	bool by_all;              /* every unit was there */
	unsigned told[HOSTS_MAX]; /* BIT(lun): who is to hear of it there */
} versions[VERSIONS];
static unsigned n_versions = 1;
static uint64_t answered;       /* the last that is in effect everywhere */
static uint64_t kept;           /* ... that is saved */
static bool apart;              /* some units may have kept another one than the others did */
static uint64_t set_by_command; /* the last version that a SET made */
static unsigned n_asked;

static struct version *newest(void)
{
	return &versions[(n_versions - 1) % VERSIONS];
}

uint64_t check_access_newest(void)
{
	return newest()->id;
}

/* --- changes --- */

static void tell(struct version *v, const struct scsi_itl *except)
{
	const struct host *by = except ? spy_host(except->nexus) : NULL;
	int at = except ? check_pr_disk(except->lu) : -1;

	for (unsigned i = 0; i < HOSTS_MAX; i++) {
		struct host *h = host_at(i);

		for (unsigned lun = 0; h && lun < proc_n_luns(); lun++) {
			if (h == by && (int)lun == at)
				continue;
			v->told[i] |= BIT(lun);
			check_told(h, (int)lun, SCSI_UA_ACCESS_STATE_CHANGED);
		}
	}
}

static void change(uint8_t state, const struct scsi_itl *except)
{
	struct version *v = &versions[n_versions++ % VERSIONS];

	*v = (struct version){ .id = spy_count(),
			       .tick = sched_tick(),
			       .state = state,
			       .by_all = proc_has_all_units() };
	trace("the access state of all hosts is %u", state);
	tell(v, except);
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
bool __real_scsi_alua_set(struct scsi_alua *a, const struct scsi_tpg_want *want, unsigned n,
			  enum scsi_alua_by by, const struct scsi_itl *except_at);
bool __wrap_scsi_alua_set(struct scsi_alua *a, const struct scsi_tpg_want *want, unsigned n,
			  enum scsi_alua_by by, const struct scsi_itl *except_at);

bool __wrap_scsi_alua_set(struct scsi_alua *a, const struct scsi_tpg_want *want, unsigned n,
			  enum scsi_alua_by by, const struct scsi_itl *except_at)
{
	bool changed = __real_scsi_alua_set(a, want, n, by, except_at);

	for (unsigned i = 0; i < n; i++)
		if (want[i].id == CHECK_ACCESS_NEAR && want[i].state != newest()->state)
			change(want[i].state, except_at);
	if (by == SCSI_ALUA_BY_COMMAND)
		set_by_command = newest()->id;
	return changed;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

void check_access_asked(void)
{
	n_asked++;
}

bool check_access_others(void)
{
	return n_asked > 1;
}

/* --- commands --- */

static bool is_active(uint8_t state)
{
	return state == SCSI_ALUA_OPTIMIZED || state == SCSI_ALUA_NONOPTIMIZED;
}

/* SBC-4 and SPC-5 5.17.2: what every state but the active ones keeps from the medium. */
bool check_access_needs(const uint8_t *cdb)
{
	switch (cdb[0]) {
	case SCSI_OP_READ_6:
	case SCSI_OP_READ_10:
	case SCSI_OP_READ_12:
	case SCSI_OP_READ_16:
	case SCSI_OP_WRITE_6:
	case SCSI_OP_WRITE_10:
	case SCSI_OP_WRITE_12:
	case SCSI_OP_WRITE_16:
	case SCSI_OP_VERIFY_10:
	case SCSI_OP_VERIFY_16:
	case SCSI_OP_COMPARE_AND_WRITE:
	case SCSI_OP_ORWRITE_16:
	case SCSI_OP_WRITE_SAME_10:
	case SCSI_OP_WRITE_SAME_16:
	case SCSI_OP_UNMAP:
	case SCSI_OP_SYNCHRONIZE_CACHE_10:
	case SCSI_OP_SYNCHRONIZE_CACHE_16:
		return true;
	case SCSI_OP_THIRD_PARTY_COPY_OUT:
		return (cdb[1] & 0x1f) != SCSI_COPY_OUT_ABORT;
	default:
		return false;
	}
}

/* @cdb is about blocks of the second segment, or may be: they are in a list, or all. */
static bool is_in_standby(const uint8_t *cdb)
{
	struct cdb_range r;

	if (cdb[0] == SCSI_OP_FORMAT_UNIT || cdb[0] == SCSI_OP_SANITIZE)
		return true;
	if (!check_access_needs(cdb))
		return false;
	if (cdb[0] == SCSI_OP_UNMAP || cdb[0] == SCSI_OP_THIRD_PARTY_COPY_OUT)
		return true;
	r = cdb_range(cdb);
	if (!r.n_blocks)
		return cdb[0] == SCSI_OP_SYNCHRONIZE_CACHE_10 ||
		       cdb[0] == SCSI_OP_SYNCHRONIZE_CACHE_16;
	return r.lba >= CHECK_ACCESS_STANDBY_LBA || r.n_blocks > CHECK_ACCESS_STANDBY_LBA - r.lba;
}

static bool lets_in(uint8_t state, const uint8_t *cdb)
{
	return state == SCSI_ALUA_LBA_DEPENDENT ? !is_in_standby(cdb) : is_active(state);
}

static bool may_run(const struct spied *s)
{
	if (s->entered)
		return lets_in(newest()->state, s->cdb);
	for (unsigned i = 1; i <= n_versions; i++) {
		const struct version *v = &versions[(n_versions - i) % VERSIONS];

		if (i > VERSIONS || lets_in(v->state, s->cdb))
			return true;
		if (v->id <= answered)
			return false;
	}
	return true;
}

bool check_access_is_active(void)
{
	return is_active(newest()->state);
}

void check_access_looked(const struct spied *s, const struct scsi_act *act)
{
	if (!s->host || s->disk < 0 || s->orphan || !check_access_needs(s->cdb) || may_run(s))
		return;
	if (act->type == SCSI_ACT_COMPLETE && s->t->status != SCSI_STATUS_GOOD)
		return;
	if (act->type == SCSI_ACT_CLEAR) /* it has failed, and others with it */
		return;
	fail_now("access: command %u of %s (chan %u), opcode %02x, is served through a group whose "
		 "access state is %x",
		 s->nth, s->host->name, s->chan, s->cdb[0], newest()->state);
}

int check_access_state(uint16_t asc)
{
	switch (asc) {
	case ASC_PORT_STANDBY:
		return SCSI_ALUA_STANDBY;
	case ASC_PORT_UNAVAILABLE:
		return SCSI_ALUA_UNAVAILABLE;
	case ASC_OFFLINE:
		return SCSI_ALUA_OFFLINE;
	case ASC_STATE_TRANSITION:
		return SCSI_ALUA_TRANSITIONING;
	default:
		return -1;
	}
}

bool check_access_was(uint8_t state, uint64_t tick)
{
	for (unsigned i = 1; i <= n_versions; i++) {
		const struct version *v = &versions[(n_versions - i) % VERSIONS];

		if (i > VERSIONS || v->state == state)
			return true;
		/* The worker that refused it may have known no more than what was told. */
		if (v->tick < tick && v->id <= answered)
			return false;
	}
	return false;
}

bool check_access_kept_out(const uint8_t *cdb, uint16_t asc, uint64_t tick)
{
	uint8_t state = (uint8_t)check_access_state(asc);

	if (state == SCSI_ALUA_STANDBY && is_in_standby(cdb) &&
	    check_access_was(SCSI_ALUA_LBA_DEPENDENT, tick))
		return true;
	return check_access_was(state, tick);
}

/* --- told --- */

void check_access_set(struct hcmd *cmd)
{
	cmd->access = set_by_command;
}

static void sure(const struct version *v)
{
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		for (unsigned lun = 0; host_at(i) && lun < proc_n_luns(); lun++) {
			if (!(v->told[i] & BIT(lun)))
				continue;
			check_told_for_sure(host_at(i), (int)lun, SCSI_UA_ACCESS_STATE_CHANGED,
					    v->tick);
			if (proc_config()->keeps)
				check_told_outlives(host_at(i), (int)lun,
						    SCSI_UA_ACCESS_STATE_CHANGED, v->tick);
		}
}

void check_access_answered(uint64_t id)
{
	if (id > answered) {
		answered = kept = id;
		deeds_moment(MOMENT_KEPT);
	}
	for (unsigned i = 0; i < VERSIONS && id; i++) {
		if (versions[i].id != id)
			continue;
		sure(&versions[i]);
		apart = !versions[i].by_all || !proc_has_all_units();
	}
}

/* --- restarts --- */

static bool may_begin_with(uint8_t state)
{
	if (!proc_config()->keeps)
		return state == SCSI_ALUA_OPTIMIZED;
	for (unsigned i = 1; i <= n_versions; i++) {
		const struct version *v = &versions[(n_versions - i) % VERSIONS];

		if (i > VERSIONS || v->state == state)
			return true;
		if (v->id <= kept)
			return false;
	}
	return false;
}

void check_access_found(const struct scsi_alua *a, bool all)
{
	int at = scsi_alua_find(a, CHECK_ACCESS_NEAR);
	uint8_t state;

	if (at < 0)
		fail_now("access: the target port group of the hosts is not there");
	state = a->now.tpg[at].state;
	for (unsigned i = 0; i < proc_n_luns(); i++)
		all &= !store_is_unsure(i);
	if (all && !(apart && proc_config()->keeps) && !may_begin_with(state))
		fail_now("access: the group of the hosts begins with access state %x, which it was "
			 "not in",
			 state);
	trace("the access state of all hosts is %u from the begin", state);
	if (state != SCSI_ALUA_OPTIMIZED)
		cover_hit(COVER_KEPT, COVER_KEPT_ACCESS);
	/* Answers of the process before may still be on their way. */
	versions[n_versions++ % VERSIONS] =
		(struct version){ .id = spy_count(), .tick = sched_tick(), .state = state };
	answered = newest()->id;
	if (!all)
		return; /* those that are back later may bring another one */
	kept = answered;
	apart = false;
}
