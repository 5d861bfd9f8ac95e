/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/model_pr.h"

#include "scsi/ua.h"
#include "wire/cdb.h"
#include "wire/sense.h"

#define LIST_BYTES 24u
#define SPEC_I_PT  0x08 /* byte 20 */
#define ALL_TG_PT  0x04
#define APTPL      0x01
#define UNREG      0x02 /* byte 17 of REGISTER AND MOVE */

/* --- the state --- */

bool mpr_same(const struct mpr_nexus *a, const struct mpr_nexus *b)
{
	return a->port == b->port && !memcmp(a->initiator, b->initiator, sizeof(a->initiator));
}

static int find(const struct mpr *m, const struct mpr_nexus *who)
{
	for (unsigned i = 0; i < m->n; i++)
		if (mpr_same(&m->reg[i].who, who))
			return (int)i;
	return -1;
}

uint64_t mpr_key(const struct mpr *m, const struct mpr_nexus *who)
{
	int i = find(m, who);

	return i < 0 ? 0 : m->reg[i].key;
}

static bool is_all(unsigned type)
{
	return type == 7 || type == 8;
}

static bool is_registrants_only(unsigned type)
{
	return type == 5 || type == 6;
}

static bool is_type(unsigned type)
{
	return type == 1 || type == 3 || (type >= 5 && type <= 8);
}

bool mpr_holds(const struct mpr *m, const struct mpr_nexus *who)
{
	return m->type && mpr_key(m, who) && (is_all(m->type) || mpr_same(&m->holder, who));
}

static void set_key(struct mpr *m, const struct mpr_nexus *who, uint64_t key)
{
	int i = find(m, who);

	if (i < 0 && m->n == MPR_REGS_MAX) {
		m->wild = true;
		return;
	}
	if (i < 0) {
		i = (int)m->n++;
		m->reg[i].who = *who;
	}
	m->reg[i].key = key;
}

static void drop(struct mpr *m, unsigned i)
{
	bool held = m->type && !is_all(m->type) && mpr_same(&m->holder, &m->reg[i].who);

	m->n--;
	memmove(&m->reg[i], &m->reg[i + 1], (m->n - i) * sizeof(m->reg[0]));
	if (held || !m->n)
		m->type = 0;
}

/* --- whom a reservation keeps out: SPC-5 table 67, SBC-4 table 13 --- */

enum sort {
	SORT_UNKNOWN,
	SORT_ANY,      /* nobody is kept from it */
	SORT_BASIC,    /* likewise, and by RESERVE neither */
	SORT_READ,     /* by Exclusive Access */
	SORT_WRITE,    /* by Write Exclusive, too */
	SORT_RESERVES, /* has rules of its own */
	SORT_RELEASES,
	SORT_PERSISTENT
};

static const struct {
	uint8_t opcode;
	uint8_t sort;
} sorts[] = {
	{ SCSI_OP_INQUIRY, SORT_BASIC },
	{ SCSI_OP_REPORT_LUNS, SORT_BASIC },
	{ SCSI_OP_REQUEST_SENSE, SORT_BASIC },
	{ SCSI_OP_TEST_UNIT_READY, SORT_ANY },
	{ SCSI_OP_READ_CAPACITY_10, SORT_ANY },
	{ SCSI_OP_READ_6, SORT_READ },
	{ SCSI_OP_READ_10, SORT_READ },
	{ SCSI_OP_READ_12, SORT_READ },
	{ SCSI_OP_READ_16, SORT_READ },
	{ SCSI_OP_VERIFY_10, SORT_READ },
	{ SCSI_OP_VERIFY_16, SORT_READ },
	{ SCSI_OP_MODE_SENSE_6, SORT_READ },
	{ SCSI_OP_MODE_SENSE_10, SORT_READ },
	{ SCSI_OP_WRITE_6, SORT_WRITE },
	{ SCSI_OP_WRITE_10, SORT_WRITE },
	{ SCSI_OP_WRITE_12, SORT_WRITE },
	{ SCSI_OP_WRITE_16, SORT_WRITE },
	{ SCSI_OP_WRITE_SAME_10, SORT_WRITE },
	{ SCSI_OP_WRITE_SAME_16, SORT_WRITE },
	{ SCSI_OP_UNMAP, SORT_WRITE },
	{ SCSI_OP_COMPARE_AND_WRITE, SORT_WRITE },
	{ SCSI_OP_ORWRITE_16, SORT_WRITE },
	{ SCSI_OP_SYNCHRONIZE_CACHE_10, SORT_WRITE },
	{ SCSI_OP_SYNCHRONIZE_CACHE_16, SORT_WRITE },
	{ SCSI_OP_MODE_SELECT_6, SORT_WRITE },
	{ SCSI_OP_MODE_SELECT_10, SORT_WRITE },
	{ SCSI_OP_RESERVE_6, SORT_RESERVES },
	{ SCSI_OP_RESERVE_10, SORT_RESERVES },
	{ SCSI_OP_RELEASE_6, SORT_RELEASES },
	{ SCSI_OP_RELEASE_10, SORT_RELEASES },
	{ SCSI_OP_PERSISTENT_RESERVE_IN, SORT_PERSISTENT },
	{ SCSI_OP_PERSISTENT_RESERVE_OUT, SORT_PERSISTENT },
};

static enum sort sort_of(const uint8_t *cdb)
{
	uint8_t action = cdb[1] & 0x1f;

	switch (cdb[0]) {
	case SCSI_OP_START_STOP_UNIT:
		return cdb[4] & 1 ? SORT_ANY : SORT_WRITE;
	case SCSI_OP_PREVENT_ALLOW:
		return cdb[4] & 1 ? SORT_WRITE : SORT_BASIC;
	case SCSI_OP_SERVICE_ACTION_IN_16:
		return action == SCSI_SA_READ_CAPACITY_16 ? SORT_ANY : SORT_UNKNOWN;
	case SCSI_OP_THIRD_PARTY_COPY_OUT:
		if (action == SCSI_COPY_OUT_POPULATE_TOKEN)
			return SORT_READ;
		return SORT_WRITE;
	case SCSI_OP_THIRD_PARTY_COPY_IN:
		return SORT_ANY;
	case SCSI_OP_MAINTENANCE_IN:
		return action == SCSI_SA_REPORT_SUPPORTED_OPS ||
				       action == SCSI_SA_REPORT_SUPPORTED_TMFS
			       ? SORT_READ
			       : SORT_UNKNOWN;
	default:
		break;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(sorts); i++)
		if (sorts[i].opcode == cdb[0])
			return (enum sort)sorts[i].sort;
	return SORT_UNKNOWN;
}

/* Does the persistent reservation keep @who from reading, or (@write) from writing? */
static bool keeps_out(const struct mpr *m, const struct mpr_nexus *who, bool write)
{
	if (!m->type || mpr_holds(m, who) || (is_registrants_only(m->type) && mpr_key(m, who)))
		return false;
	/* the odd ones are Write Exclusive, but 3 */
	return write || m->type == 3 || m->type == 6 || m->type == 8;
}

enum mpr_verdict mpr_judge(const struct mpr *m, const struct mpr_nexus *who, const uint8_t *cdb)
{
	enum sort sort = sort_of(cdb);

	if (m->wild || sort == SORT_UNKNOWN)
		return MPR_UNKNOWN;
	/* RESERVE and persistent reservations keep out each other, also of the same nexus. */
	if (m->reserved && sort == SORT_PERSISTENT)
		return MPR_CONFLICT;
	if (m->reserved && !mpr_same(&m->reserver, who))
		return sort == SORT_BASIC || sort == SORT_RELEASES ? MPR_FREE : MPR_CONFLICT;
	if (sort == SORT_READ || sort == SORT_WRITE)
		return keeps_out(m, who, sort == SORT_WRITE) ? MPR_CONFLICT : MPR_FREE;
	return MPR_FREE;
}

/* --- RESERVE and RELEASE --- */

/* Where somebody is registered: GOOD, without effect, for who may do everything by that (SPC-3 5.6.3). */
static enum mpr_verdict compatible(const struct mpr *m, const struct mpr_nexus *who)
{
	if (!m->type || !mpr_key(m, who))
		return MPR_CONFLICT;
	return is_all(m->type) || is_registrants_only(m->type) || mpr_holds(m, who) ? MPR_FREE
										    : MPR_CONFLICT;
}

enum mpr_verdict mpr_reserve(struct mpr *m, const struct mpr_nexus *who)
{
	if (m->n)
		return compatible(m, who);
	m->reserved = true;
	m->reserver = *who;
	return MPR_FREE;
}

enum mpr_verdict mpr_release(struct mpr *m, const struct mpr_nexus *who)
{
	if (m->n)
		return compatible(m, who);
	if (m->reserved && mpr_same(&m->reserver, who))
		m->reserved = false;
	return MPR_FREE;
}

/* --- PERSISTENT RESERVE OUT --- */

/* One that is under way. */
struct out {
	struct mpr *m;
	const struct mpr_nexus *who;
	const uint8_t *list;
	uint32_t len;
	const struct mpr_ports *ports;
	struct mpr_result *ret;
	uint8_t action, scope, type;
	uint64_t key, sa_key;
	uint64_t own; /* the key that @who is registered with */
};

static void conflict(const struct out *o)
{
	o->ret->status = SCSI_STATUS_RESERVATION_CONFLICT;
}

static void fail(const struct out *o, uint16_t asc)
{
	o->ret->status = SCSI_STATUS_CHECK_CONDITION;
	o->ret->asc = asc;
}

static void tell(const struct out *o, const struct mpr_nexus *whom, uint16_t asc)
{
	if (!mpr_same(whom, o->who))
		o->ret->told[o->ret->n_told++] = (struct mpr_told){ *whom, asc };
}

static void tell_registered(const struct out *o, uint16_t asc)
{
	for (unsigned i = 0; i < o->m->n; i++)
		tell(o, &o->m->reg[i].who, asc);
}

static void unregister(const struct out *o, const struct mpr_nexus *whom)
{
	unsigned type = o->m->type;

	drop(o->m, (unsigned)find(o->m, whom));
	if (!o->m->type && is_registrants_only(type))
		tell_registered(o, SCSI_UA_RESERVATIONS_RELEASED);
}

/* At one nexus that REGISTER speaks for. */
static void register_at(const struct out *o, const struct mpr_nexus *at)
{
	uint64_t key = mpr_key(o->m, at);

	/* A registration with another key than was given is somebody else's affair; new ones touch none. */
	if (key && (!o->own || (o->action == SCSI_PR_OUT_REGISTER && key != o->key)))
		return;
	if (o->sa_key)
		set_key(o->m, at, o->sa_key);
	else if (key)
		unregister(o, at);
}

static void register_initiator(const struct out *o, const uint8_t *initiator)
{
	bool all = o->list[20] & ALL_TG_PT;
	struct mpr_nexus at = *o->who;

	memcpy(at.initiator, initiator, TRANSPORT_ID_NAME_BYTES);
	for (unsigned i = 0; all && i < o->ports->n; i++) {
		at.port = o->ports->id[i];
		if (at.port != o->who->port)
			register_at(o, &at);
	}
	/* Last, so that who gives up his own registration is not told of the reservation that goes with another. */
	at.port = o->who->port;
	register_at(o, &at);
}

/* Where the TransportIDs are, and how many; false: the list is wrong. */
static bool find_ids(const struct out *o, const uint8_t **ret, unsigned *ret_n)
{
	*ret_n = 0;
	if (!(o->list[20] & SPEC_I_PT))
		return true;
	if (o->len < 28 || get_be32(o->list + 24) != o->len - 28 ||
	    (o->len - 28) % TRANSPORT_ID_BYTES) {
		fail(o, ASC_PARAMETER_LIST_LENGTH);
		return false;
	}
	*ret = o->list + 28;
	*ret_n = (o->len - 28) / TRANSPORT_ID_BYTES;
	return true;
}

static void do_register(const struct out *o)
{
	const uint8_t *ids = NULL;
	unsigned n_ids = 0;

	if (o->action == SCSI_PR_OUT_REGISTER && o->key != o->own)
		conflict(o);
	else if ((o->list[20] & APTPL && !o->m->keeps) || (o->own && o->list[20] & SPEC_I_PT))
		fail(o, ASC_INVALID_FIELD_IN_PARAMETERS);
	else if ((o->own || o->sa_key) && find_ids(o, &ids, &n_ids)) {
		register_initiator(o, o->who->initiator);
		for (unsigned i = 0; i < n_ids; i++)
			register_initiator(o, ids + (size_t)i * TRANSPORT_ID_BYTES + 8);
		o->m->aptpl = o->list[20] & APTPL;
		o->m->generation++;
	}
}

static void do_reserve(const struct out *o)
{
	struct mpr *m = o->m;

	if (m->type && !mpr_holds(m, o->who)) {
		conflict(o);
		return;
	}
	if (o->scope || !is_type(o->type)) {
		fail(o, ASC_INVALID_FIELD_IN_CDB);
		return;
	}
	if (m->type && m->type != o->type)
		conflict(o);
	if (m->type)
		return;
	m->type = o->type;
	m->holder = *o->who;
}

static void do_release(const struct out *o)
{
	struct mpr *m = o->m;
	unsigned type = m->type;

	if (!mpr_holds(m, o->who))
		return;
	if (o->scope || o->type != type) {
		fail(o, ASC_INVALID_RELEASE);
		return;
	}
	m->type = 0;
	if (is_registrants_only(type) || is_all(type))
		tell_registered(o, SCSI_UA_RESERVATIONS_RELEASED);
}

static void do_clear(const struct out *o)
{
	tell_registered(o, SCSI_UA_RESERVATIONS_PREEMPTED);
	o->m->n = 0;
	o->m->type = 0;
	o->m->generation++;
}

/* Whose registrations go: those with the key, or all; but not the own one when the reservation is taken over. */
static void preempt(const struct out *o, bool takes)
{
	struct mpr *m = o->m;

	for (unsigned i = 0; i < m->n;) {
		struct mpr_nexus who = m->reg[i].who;

		if ((o->sa_key && m->reg[i].key != o->sa_key) ||
		    (takes && mpr_same(&who, o->who))) {
			i++;
			continue;
		}
		tell(o, &who, SCSI_UA_REGISTRATIONS_PREEMPTED);
		o->ret->victim[o->ret->n_victims++] = who;
		drop(m, i);
	}
}

static void do_preempt(const struct out *o)
{
	struct mpr *m = o->m;
	unsigned was = m->type;
	bool takes =
		m->type && (is_all(m->type) ? !o->sa_key : mpr_key(m, &m->holder) == o->sa_key);

	if (!o->sa_key && !is_all(m->type)) {
		fail(o, ASC_INVALID_FIELD_IN_PARAMETERS);
		return;
	}
	if (takes && (o->scope || !is_type(o->type))) {
		fail(o, ASC_INVALID_FIELD_IN_CDB);
		return;
	}
	preempt(o, takes);
	if (!takes && !o->ret->n_victims) {
		conflict(o);
		return;
	}
	m->generation++;
	if (!takes)
		return;
	m->type = o->type;
	m->holder = *o->who;
	if (was != o->type)
		tell_registered(o, SCSI_UA_RESERVATIONS_RELEASED);
}

static bool is_port(const struct out *o, uint16_t port)
{
	for (unsigned i = 0; i < o->ports->n; i++)
		if (o->ports->id[i] == port)
			return true;
	return false;
}

static void do_move(const struct out *o)
{
	struct mpr_nexus to = { .port = get_be16(o->list + 18) };

	if (!mpr_holds(o->m, o->who) || is_all(o->m->type)) {
		conflict(o);
		return;
	}
	if (o->len != LIST_BYTES + TRANSPORT_ID_BYTES ||
	    get_be32(o->list + 20) != TRANSPORT_ID_BYTES) {
		fail(o, ASC_PARAMETER_LIST_LENGTH);
		return;
	}
	memcpy(to.initiator, o->list + LIST_BYTES + 8, sizeof(to.initiator));
	if (!o->sa_key || (o->list[17] & APTPL && !o->m->keeps) || !is_port(o, to.port) ||
	    mpr_same(&to, o->who)) {
		fail(o, ASC_INVALID_FIELD_IN_PARAMETERS);
		return;
	}
	set_key(o->m, &to, o->sa_key);
	o->m->holder = to;
	o->m->aptpl = o->list[17] & APTPL;
	if (o->list[17] & UNREG)
		drop(o->m, (unsigned)find(o->m, o->who));
	o->m->generation++;
}

/* Nothing is ever lost here. */
static void do_replace(const struct out *o)
{
	fail(o, ASC_INVALID_RELEASE);
}

/* Its list is no PERSISTENT RESERVE OUT parameter list. */
static bool is_bad(const struct out *o)
{
	bool spec = o->list[20] & SPEC_I_PT;

	if (o->action == SCSI_PR_OUT_REGISTER_AND_MOVE)
		return false; /* which has one of its own */
	if (spec && o->action != SCSI_PR_OUT_REGISTER)
		fail(o, ASC_INVALID_FIELD_IN_PARAMETERS);
	else if (!spec && o->len != LIST_BYTES)
		fail(o, ASC_PARAMETER_LIST_LENGTH);
	return o->ret->status != SCSI_STATUS_GOOD;
}

static void dispatch(const struct out *o)
{
	static void (*const actions[])(const struct out *) = {
		[SCSI_PR_OUT_REGISTER] = do_register,
		[SCSI_PR_OUT_RESERVE] = do_reserve,
		[SCSI_PR_OUT_RELEASE] = do_release,
		[SCSI_PR_OUT_CLEAR] = do_clear,
		[SCSI_PR_OUT_PREEMPT] = do_preempt,
		[SCSI_PR_OUT_PREEMPT_AND_ABORT] = do_preempt,
		[SCSI_PR_OUT_REGISTER_AND_IGNORE] = do_register,
		[SCSI_PR_OUT_REGISTER_AND_MOVE] = do_move,
		[SCSI_PR_OUT_REPLACE_LOST] = do_replace,
	};

	if (o->m->reserved) {
		conflict(o);
		return;
	}
	if (is_bad(o))
		return;
	/* All others must know their key, where there is one. */
	if (actions[o->action] != do_register && actions[o->action] != do_replace &&
	    (!o->own || o->own != o->key))
		conflict(o);
	else
		actions[o->action](o);
}

void mpr_out(struct mpr *m, const struct mpr_nexus *who, const struct mpr_cmd *cmd,
	     const struct mpr_ports *ports, struct mpr_result *ret)
{
	struct out o = { .m = m,
			 .who = who,
			 .list = cmd->list,
			 .len = cmd->list_len,
			 .ports = ports,
			 .ret = ret,
			 .action = cmd->cdb[1] & 0x1f,
			 .scope = cmd->cdb[2] >> 4,
			 .type = cmd->cdb[2] & 0xf,
			 .key = get_be64(cmd->list),
			 .sa_key = get_be64(cmd->list + 8),
			 .own = mpr_key(m, who) };

	ret->status = SCSI_STATUS_GOOD;
	ret->asc = 0;
	ret->n_told = 0;
	ret->n_victims = 0;
	dispatch(&o);
}

/* --- restarts --- */

void mpr_restart(struct mpr *m)
{
	m->reserved = false;
	if (!m->aptpl)
		*m = (struct mpr){ .keeps = m->keeps, .wild = m->wild };
}

bool mpr_equal(const struct mpr *a, const struct mpr *b)
{
	bool held = a->type && !is_all(a->type);

	for (unsigned i = 0; i < a->n; i++)
		if (mpr_key(b, &a->reg[i].who) != a->reg[i].key)
			return false;
	return a->n == b->n && a->generation == b->generation && a->aptpl == b->aptpl &&
	       a->type == b->type && (!held || mpr_same(&a->holder, &b->holder));
}

/* --- PERSISTENT RESERVE IN --- */

static void put_full(const struct mpr *m, struct pen *out)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct mpr_nexus *who = &m->reg[i].who;
		bool holds = mpr_holds(m, who);

		pen_be64(out, m->reg[i].key);
		pen_zero(out, 4);
		pen_u8(out, holds);
		pen_u8(out, holds ? (uint8_t)m->type : 0);
		pen_zero(out, 4);
		pen_be16(out, who->port);
		pen_be32(out, TRANSPORT_ID_BYTES);
		pen_u8(out, TRANSPORT_ID_SRP);
		pen_zero(out, 7);
		pen_copy(out, who->initiator, sizeof(who->initiator));
	}
}

uint32_t mpr_in(const struct mpr *m, uint8_t service_action, uint8_t ret[MPR_IN_MAX])
{
	const uint8_t capabilities[] = { 0, 8, 0x9c | m->keeps, 0x80 | m->aptpl, 0xea, 0x01, 0, 0 };
	struct pen out = pen_of(ret, MPR_IN_MAX);

	if (service_action == SCSI_PR_IN_REPORT_CAPABILITIES) {
		pen_copy(&out, capabilities, sizeof(capabilities));
		return (uint32_t)out.pos;
	}
	pen_be32(&out, m->generation);
	pen_zero(&out, 4);
	if (service_action == SCSI_PR_IN_READ_KEYS) {
		for (unsigned i = 0; i < m->n; i++)
			pen_be64(&out, m->reg[i].key);
	} else if (service_action == SCSI_PR_IN_READ_FULL_STATUS) {
		put_full(m, &out);
	} else if (m->type) {
		pen_be64(&out, is_all(m->type) ? 0 : mpr_key(m, &m->holder));
		pen_zero(&out, 5);
		pen_u8(&out, (uint8_t)m->type);
		pen_zero(&out, 2);
	}
	put_be32(ret + 4, (uint32_t)out.pos - 8);
	return (uint32_t)out.pos;
}
