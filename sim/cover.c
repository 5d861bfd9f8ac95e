/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/cover.h"

#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "initiator/ichan.h"
#include "scsi/ua.h"
#include "sim/world.h"
#include "srp/chan_table.h"
#include "wire/cdb.h"
#include "wire/sense.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_logout.h"
#include "wire/srp_rsp.h"

#define POINTS_MAX 65536u /* that one group counts: unit attentions are told by their code */
#define NAME_MAX   64u
#define EXCUSES    512u
#define STATES     8u  /* more than either machine has */
#define EVENTS     64u /* likewise */
#define REJECTS    7u  /* reasons of a LOGIN_REJ */

/* Something that shall be seen. */
struct point {
	unsigned what;
	const char *name;
};

struct counters {
	atomic_uint n[COVER_GROUPS][POINTS_MAX];
	atomic_uint unknown_sense;
};

static struct counters *counters;

static const char *const group_name[COVER_GROUPS] = {
	"chan",  "initiator", "sent", "received", "reject", "rsp-code", "function", "attention",
	"sense", "status",    "port", "pr-out",   "pr-in",  "reserved", "reserve",  "kept",
};

static const struct point sent[] = {
	{ SRP_OP_CMD, "CMD" },
	{ SRP_OP_TSK_MGMT, "TSK_MGMT" },
	{ SRP_OP_I_LOGOUT, "I_LOGOUT" },
	{ SRP_OP_CRED_RSP, "CRED_RSP" },
	{ SRP_OP_AER_RSP, "AER_RSP" },
	{ COVER_TABLE_OUTSIDE, "CMD-with-table-outside" },
	{ SRP_OP_LOGIN_REQ, "LOGIN_REQ-as-message" },
	{ SRP_OP_RSP, "RSP-from-initiator" },
};
static const struct point got[] = {
	{ SRP_OP_RSP, "RSP" },
	{ SRP_OP_CRED_REQ, "CRED_REQ" },
	{ SRP_OP_AER_REQ, "AER_REQ" },
	{ SRP_OP_T_LOGOUT, "T_LOGOUT" },
};
static const struct point rejects[] = {
	{ 0, "unspecified" },   { 1, "resources" },     { 2, "iu-length" },     { 3, "nexus" },
	{ 4, "buffer-format" }, { 5, "multi-channel" }, { 6, "channel-limit" },
};
static const struct point rsp_codes[] = {
	{ SRP_RSP_CODE_OK, "ok" },
	{ SRP_RSP_CODE_INVALID_FIELDS, "invalid-fields" },
	{ SRP_RSP_CODE_TMF_NOT_SUPPORTED, "not-supported" },
	{ SRP_RSP_CODE_TMF_FAILED, "failed" },
};
static const struct point functions[] = {
	{ SRP_TMF_ABORT_TASK, "ABORT-TASK" },         { SRP_TMF_ABORT_TASK_SET, "ABORT-TASK-SET" },
	{ SRP_TMF_CLEAR_TASK_SET, "CLEAR-TASK-SET" }, { SRP_TMF_LUN_RESET, "LUN-RESET" },
	{ SRP_TMF_CLEAR_ACA, "CLEAR-ACA" },           { 0x10, "unknown" },
};
static const struct point attentions[] = {
	{ SCSI_UA_MEDIUM_CHANGED, "MEDIUM-CHANGED" },
	{ SCSI_UA_POWER_ON, "POWER-ON" },
	{ SCSI_UA_BUS_DEVICE_RESET, "BUS-DEVICE-RESET" },
	{ SCSI_UA_NEXUS_LOSS, "NEXUS-LOSS" },
	{ SCSI_UA_MODE_CHANGED, "MODE-CHANGED" },
	{ SCSI_UA_RESERVATIONS_PREEMPTED, "RESERVATIONS-PREEMPTED" },
	{ SCSI_UA_RESERVATIONS_RELEASED, "RESERVATIONS-RELEASED" },
	{ SCSI_UA_REGISTRATIONS_PREEMPTED, "REGISTRATIONS-PREEMPTED" },
	{ SCSI_UA_CAPACITY_CHANGED, "CAPACITY-CHANGED" },
	{ SCSI_UA_PREVIOUS_BUSY, "PREVIOUS-BUSY" },
	{ SCSI_UA_PREVIOUS_CONFLICT, "PREVIOUS-CONFLICT" },
	{ SCSI_UA_COMMANDS_CLEARED, "COMMANDS-CLEARED" },
	{ SCSI_UA_SOFT_THRESHOLD, "SOFT-THRESHOLD" },
	{ SCSI_UA_INQUIRY_CHANGED, "INQUIRY-CHANGED" },
	{ SCSI_UA_LUNS_CHANGED, "LUNS-CHANGED" },
	{ SCSI_UA_ACCESS_STATE_CHANGED, "ACCESS-STATE-CHANGED" },
	{ SCSI_UA_TIMESTAMP_CHANGED, "TIMESTAMP-CHANGED" },
	{ SCSI_UA_IDENTIFIER_CHANGED, "IDENTIFIER-CHANGED" },
};
static const struct point statuses[] = {
	{ SCSI_STATUS_GOOD, "GOOD" },
	{ SCSI_STATUS_CHECK_CONDITION, "CHECK-CONDITION" },
	{ SCSI_STATUS_BUSY, "BUSY" },
	{ SCSI_STATUS_RESERVATION_CONFLICT, "RESERVATION-CONFLICT" },
	{ SCSI_STATUS_TASK_ABORTED, "TASK-ABORTED" },
};

#define S(key, asc) (unsigned)(SENSE_##key) << 16 | (unsigned)(ASC_##asc), #key "/" #asc
static const struct point senses[] = {
	{ S(NOT_READY, NOT_READY) },
	{ S(NOT_READY, NEEDS_START) },
	{ S(NOT_READY, NO_MEDIUM) },
	{ S(NOT_READY, STATE_TRANSITION) },
	{ S(NOT_READY, PORT_STANDBY) },
	{ S(NOT_READY, PORT_UNAVAILABLE) },
	{ S(NOT_READY, OFFLINE) },
	{ S(HARDWARE_ERROR, SET_TPGS_FAILED) },
	{ S(NOT_READY, FORMATTING) },
	{ S(NOT_READY, SANITIZING) },
	{ S(MEDIUM_ERROR, FORMAT_CORRUPTED) },
	{ S(MEDIUM_ERROR, FORMAT_FAILED) },
	{ S(MEDIUM_ERROR, SANITIZE_FAILED) },
	{ S(MEDIUM_ERROR, WRITE_ERROR) },
	{ S(MEDIUM_ERROR, UNRECOVERED_READ) },
	{ S(HARDWARE_ERROR, TARGET_FAILURE) },
	{ S(ILLEGAL_REQUEST, INVALID_FIELD_IN_IU) },
	{ S(ILLEGAL_REQUEST, PARAMETER_LIST_LENGTH) },
	{ S(ILLEGAL_REQUEST, INVALID_OPCODE) },
	{ S(ILLEGAL_REQUEST, LBA_OUT_OF_RANGE) },
	{ S(ILLEGAL_REQUEST, TOKEN_UNKNOWN) },
	{ S(ILLEGAL_REQUEST, TOKEN_CANCELLED) },
	{ S(ILLEGAL_REQUEST, TOKEN_EXPIRED) },
	{ S(ILLEGAL_REQUEST, TOKEN_DELETED) },
	{ S(ILLEGAL_REQUEST, TOKEN_LENGTH) },
	{ S(ILLEGAL_REQUEST, TOKEN_TYPE) },
	{ S(ILLEGAL_REQUEST, NO_TOKEN_RESOURCES) },
	{ S(COPY_ABORTED, NONE) },
	{ S(COPY_ABORTED, NOT_READY) },
	{ S(COPY_ABORTED, STATE_TRANSITION) },
	{ S(COPY_ABORTED, PORT_STANDBY) },
	{ S(COPY_ABORTED, PORT_UNAVAILABLE) },
	{ S(COPY_ABORTED, OFFLINE) },
	{ S(COPY_ABORTED, THIRD_PARTY_FAILURE) },
	{ S(COPY_ABORTED, COPY_NOT_REACHABLE) },
	{ S(COPY_ABORTED, COPY_DEVICE_TYPE) },
	{ S(COPY_ABORTED, INEXACT_SEGMENT) },
	{ S(COPY_ABORTED, COPY_GRANULARITY) },
	{ S(COPY_ABORTED, WRITE_PROTECTED) },
	{ S(COPY_ABORTED, SPACE_ALLOCATION_FAILED) },
	{ S(ILLEGAL_REQUEST, OPERATION_IN_PROGRESS) },
	{ S(ILLEGAL_REQUEST, TOO_MANY_TARGETS) },
	{ S(ILLEGAL_REQUEST, TARGET_TYPE) },
	{ S(ILLEGAL_REQUEST, TOO_MANY_SEGMENTS) },
	{ S(ILLEGAL_REQUEST, SEGMENT_TYPE) },
	{ S(ILLEGAL_REQUEST, INVALID_FIELD_IN_CDB) },
	{ S(ILLEGAL_REQUEST, LUN_NOT_SUPPORTED) },
	{ S(ILLEGAL_REQUEST, INVALID_FIELD_IN_PARAMETERS) },
	{ S(ILLEGAL_REQUEST, INVALID_RELEASE) },
	{ S(ILLEGAL_REQUEST, SAVING_NOT_SUPPORTED) },
	{ S(ILLEGAL_REQUEST, REMOVAL_PREVENTED) },
	{ S(ILLEGAL_REQUEST, INVALID_MESSAGE) },
	{ S(DATA_PROTECT, WRITE_PROTECTED) },
	{ S(DATA_PROTECT, SPACE_ALLOCATION_FAILED) },
	{ S(ABORTED_COMMAND, NONE) },
	{ S(ABORTED_COMMAND, COMMAND_TIMEOUT) },
	{ S(ABORTED_COMMAND, DATA_PHASE) },
	{ S(MISCOMPARE, MISCOMPARE) },
};
#undef S

static const struct point ports[] = {
	{ COVER_PORT_LOGIN, "login" },
	{ COVER_PORT_RESOURCES, "no-resources" },
	{ COVER_PORT_CHANNEL_LIMIT, "channel-limit" },
	{ COVER_PORT_FIRST, "first-channel" },
	{ COVER_PORT_TERMINATED, "others-terminated" },
	{ COVER_PORT_CONTINUE, "others-continue" },
	{ COVER_PORT_LATE_RESOURCES, "refused-late" },
	{ COVER_PORT_OVERTAKEN, "overtaken" },
	{ COVER_PORT_EVICTED, "told-evicted" },
	{ COVER_PORT_DISABLED, "told-disabled" },
	{ COVER_PORT_SESSION, "told-session-closed" },
	{ COVER_PORT_LIMIT, "told-limit" },
};

static const char *const pr_out[] = { "REGISTER", "RESERVE",           "RELEASE",
				      "CLEAR",    "PREEMPT",           "PREEMPT-AND-ABORT",
				      "IGNORE",   "REGISTER-AND-MOVE", "REPLACE-LOST" };
static const char *const pr_in[] = { "READ-KEYS", "READ-RESERVATION", "REPORT-CAPABILITIES",
				     "READ-FULL-STATUS" };
static const struct point pr_types[] = {
	{ 1, "WRITE-EXCLUSIVE" },     { 3, "EXCLUSIVE-ACCESS" },   { 5, "WRITE-EXCLUSIVE-RO" },
	{ 6, "EXCLUSIVE-ACCESS-RO" }, { 7, "WRITE-EXCLUSIVE-AR" }, { 8, "EXCLUSIVE-ACCESS-AR" },
};
static const struct point reserves[] = {
	{ 0, "RESERVE" },
	{ 1, "RESERVE-of-another" },
	{ 2, "RESERVE-compatible" },
	{ 3, "RESERVE-of-registrants" },
	{ 4, "RELEASE" },
	{ 6, "RELEASE-compatible" },
	{ 7, "RELEASE-of-registrants" },
	{ COVER_RESERVE_LOST, "lost-with-nexus" },
	{ COVER_RESERVE_RESET, "reset" },
};

static const struct point kept[] = {
	{ COVER_KEPT_REGISTRATIONS, "registrations" },
	{ COVER_KEPT_RESERVATION, "reservation" },
	{ COVER_KEPT_MODE, "mode-pages" },
	{ COVER_KEPT_ATTENTION, "attention" },
	{ COVER_KEPT_ACCESS, "access-state" },
	{ COVER_KEPT_IDENT, "identifier" },
};

static const char *const ichan_events[ICHAN_EV_COUNT] = {
	"START",  "RESOLVED", "RESOLVE_FAILED", "ESTABLISHED", "REJECTED", "UNREACHABLE",
	"SUBMIT", "TASK",     "RECV",           "SENT",        "EXPIRE",   "DISCONNECTED",
	"FAILED", "LOGOUT",   "DROP",           "DEADLINE",    "DRAINED",
};

#define E(e) BIT(ICHAN_EV_##e)
#define ASKS (E(SUBMIT) | E(TASK) | E(LOGOUT) | E(DROP))
/* The cells of the initiator's table that are no bug of its caller. */
static const unsigned ichan_legal[ICHAN_STATE_COUNT] = {
	[ICHAN_IDLE] = E(START) | ASKS,
	[ICHAN_RESOLVING] = E(RESOLVED) | E(RESOLVE_FAILED) | E(DEADLINE) | ASKS,
	[ICHAN_CONNECTING] = E(ESTABLISHED) | E(REJECTED) | E(UNREACHABLE) | E(RECV) |
			     E(DISCONNECTED) | E(FAILED) | E(DEADLINE) | ASKS,
	[ICHAN_LIVE] = E(RECV) | E(SENT) | E(EXPIRE) | E(DISCONNECTED) | E(FAILED) | ASKS,
	[ICHAN_DRAINING] = E(RECV) | E(SENT) | E(EXPIRE) | E(DISCONNECTED) | E(FAILED) |
			   E(DEADLINE) | E(DRAINED) | ASKS,
	[ICHAN_CLOSED] = E(RESOLVED) | E(RESOLVE_FAILED) | E(EXPIRE) | ASKS,
};
#undef E

/* --- counting --- */

void cover_init(void)
{
	counters = world_shared(sizeof(*counters));
}

void cover_hit(enum cover_group g, unsigned what)
{
	if (counters && what < POINTS_MAX)
		atomic_fetch_add_explicit(&counters->n[g][what], 1, memory_order_relaxed);
}

void cover_ichan(unsigned state, unsigned event)
{
	cover_hit(COVER_ICHAN, state * EVENTS + event);
}

unsigned cover_reject(const uint8_t *priv, size_t len)
{
	struct cur in = cur_of(priv, priv ? len : 0);
	struct srp_login_rej rej;
	unsigned i = REJECTS;

	if (!srp_login_rej_decode(&in, &rej) && rej.reason - SRP_REJ_UNSPECIFIED < REJECTS)
		i = rej.reason - SRP_REJ_UNSPECIFIED;
	cover_hit(COVER_REJ, i);
	return i;
}

static unsigned find(const struct point *p, unsigned n, unsigned what)
{
	unsigned i = 0;

	while (i < n && p[i].what != what)
		i++;
	return i;
}

void cover_sense(uint8_t status, uint8_t key, uint16_t asc)
{
	unsigned i = find(senses, ARRAY_SIZE(senses), (unsigned)key << 16 | asc);

	cover_hit(COVER_STATUS, status);
	if (!key || key == SENSE_UNIT_ATTENTION || !counters)
		return;
	if (i < ARRAY_SIZE(senses))
		cover_hit(COVER_SENSE, i);
	else
		atomic_fetch_add(&counters->unknown_sense, 1);
}

/* --- the report --- */

struct report {
	FILE *out;
	bool all;
	char excuse[EXCUSES][NAME_MAX * 2];
	bool used[EXCUSES];
	unsigned n_excuses;
	unsigned n_points, n_seen, n_excused, n_holes;
};

/* "group name", up to the first '|', without blanks at its end. */
static void read_excuses(struct report *r, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[512];

	if (!f) {
		(void)fprintf(r->out, "cannot read %s\n", path);
		return;
	}
	while (fgets(line, sizeof(line), f) && r->n_excuses < EXCUSES) {
		char *bar = strchr(line, '|');

		if (line[0] == '#' || !bar)
			continue;
		while (bar > line && bar[-1] == ' ')
			bar--;
		*bar = 0;
		(void)snprintf(r->excuse[r->n_excuses++], sizeof(r->excuse[0]), "%.127s", line);
	}
	(void)fclose(f);
}

static bool is_excused(struct report *r, const char *name)
{
	for (unsigned i = 0; i < r->n_excuses; i++) {
		size_t len = strlen(r->excuse[i]);
		bool prefix = len && r->excuse[i][len - 1] == '*';

		if (prefix ? !strncmp(name, r->excuse[i], len - 1) : !strcmp(name, r->excuse[i])) {
			r->used[i] = true;
			return true;
		}
	}
	return false;
}

static void point(struct report *r, enum cover_group g, const char *name, unsigned n)
{
	char full[NAME_MAX * 2];

	(void)snprintf(full, sizeof(full), "%s %s", group_name[g], name);
	r->n_points++;
	if (n) {
		r->n_seen++;
	} else if (is_excused(r, full)) {
		r->n_excused++;
	} else {
		r->n_holes++;
		if (r->all)
			(void)fprintf(r->out, "  never seen: %s\n", full);
	}
}

static void points(struct report *r, enum cover_group g, const struct point *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		point(r, g, p[i].name,
		      atomic_load(&counters->n[g][g == COVER_SENSE ? i : p[i].what]));
}

static void report_chan(struct report *r)
{
	char name[NAME_MAX];

	for (unsigned e = 0; e < CHAN_EV_COUNT; e++)
		for (unsigned s = 0; s < CHAN_STATE_COUNT; s++) {
			if (chan_table[e][s].kind == CHAN_CELL_BUG)
				continue;
			(void)snprintf(name, sizeof(name), "%s %s", chan_ev_text((enum chan_ev)e),
				       chan_state_text((enum chan_state)s));
			point(r, COVER_CHAN, name,
			      atomic_load(&counters->n[COVER_CHAN][e * STATES + s]));
		}
}

static void report_ichan(struct report *r)
{
	char name[NAME_MAX];

	for (unsigned s = 0; s < ICHAN_STATE_COUNT; s++)
		for (unsigned e = 0; e < ICHAN_EV_COUNT; e++) {
			if (!(ichan_legal[s] & BIT(e)))
				continue;
			(void)snprintf(name, sizeof(name), "%s %s", ichan_events[e],
				       ichan_state_text((enum ichan_state)s));
			point(r, COVER_ICHAN, name,
			      atomic_load(&counters->n[COVER_ICHAN][s * EVENTS + e]));
		}
}

static void report_pr(struct report *r)
{
	static const char *const outcome[] = { "GOOD", "CONFLICT", "refused" };
	static const char *const role[] = { "holder", "registrant", "stranger" };
	char name[NAME_MAX];

	for (unsigned i = 0; i < ARRAY_SIZE(pr_out) * 3; i++) {
		(void)snprintf(name, sizeof(name), "%s %s", pr_out[i / 3], outcome[i % 3]);
		point(r, COVER_PR_OUT, name, atomic_load(&counters->n[COVER_PR_OUT][i]));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(pr_in) * 2; i++) {
		(void)snprintf(name, sizeof(name), "%s %s", pr_in[i / 2], outcome[i % 2]);
		point(r, COVER_PR_IN, name, atomic_load(&counters->n[COVER_PR_IN][i]));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(pr_types) * 6; i++) {
		unsigned what = pr_types[i / 6].what * 6 + i % 6;

		/* Of all registrants: there is none who is no holder. */
		if (pr_types[i / 6].what >= 7 && i % 6 / 2 == 1)
			continue;
		(void)snprintf(name, sizeof(name), "%s %s %s", pr_types[i / 6].name,
			       role[i % 6 / 2], i % 2 ? "WRITE" : "READ");
		point(r, COVER_RESERVED, name, atomic_load(&counters->n[COVER_RESERVED][what]));
	}
	points(r, COVER_RESERVE, reserves, ARRAY_SIZE(reserves));
}

unsigned cover_report(FILE *out, const char *justified, bool all)
{
	static struct report r;

	r = (struct report){ .out = out, .all = all };
	read_excuses(&r, justified);
	report_chan(&r);
	report_ichan(&r);
	points(&r, COVER_IU_SENT, sent, ARRAY_SIZE(sent));
	points(&r, COVER_IU_GOT, got, ARRAY_SIZE(got));
	points(&r, COVER_REJ, rejects, ARRAY_SIZE(rejects));
	points(&r, COVER_RSP_CODE, rsp_codes, ARRAY_SIZE(rsp_codes));
	points(&r, COVER_TMF, functions, ARRAY_SIZE(functions));
	points(&r, COVER_UA, attentions, ARRAY_SIZE(attentions));
	points(&r, COVER_SENSE, senses, ARRAY_SIZE(senses));
	points(&r, COVER_STATUS, statuses, ARRAY_SIZE(statuses));
	points(&r, COVER_PORT, ports, ARRAY_SIZE(ports));
	report_pr(&r);
	points(&r, COVER_KEPT, kept, ARRAY_SIZE(kept));
	for (unsigned i = 0; i < r.n_excuses; i++)
		if (!r.used[i])
			(void)fprintf(out, "  seen after all, or unknown: \"%s\" of %s\n",
				      r.excuse[i], justified);
	if (atomic_load(&counters->unknown_sense))
		(void)fprintf(out, "  %u sense codes were given that sim/cover.c does not know\n",
			      atomic_load(&counters->unknown_sense));
	(void)fprintf(out, "coverage: %u of %u points seen, %u cannot be, %u holes\n", r.n_seen,
		      r.n_points, r.n_excused, r.n_holes);
	return r.n_holes + (atomic_load(&counters->unknown_sense) ? 1 : 0);
}
