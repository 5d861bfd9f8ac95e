/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PERSISTENT RESERVE OUT: REGISTER, REGISTER AND IGNORE EXISTING KEY (SPC-5 5.13.7), REGISTER AND MOVE
 * (5.13.8). Each happens whole or not at all.
 */
#include "scsi/spc_pr_out.h"

#define IDS_AT 28 /* TransportIDs, behind their length */

#define MOVE_FLAGS_AT 17
#define MOVE_UNREG    0x02
#define MOVE_PORT_AT  18
#define MOVE_LEN_AT   20

/* The ports that @o speaks for: all there are, or its own. */
struct port_range {
	const struct scsi_ports *all; /* NULL: only */
	uint16_t own;
};

static struct port_range ports_of(const struct pr_out *o)
{
	bool all = o->t->data[PR_FLAGS_AT] & PR_ALL_TG_PT;

	return (struct port_range){ .all = all ? o->lu->ports : NULL,
				    .own = o->t->nexus->target.relative_id };
}

static unsigned n_ports(const struct port_range *r)
{
	return r->all ? r->all->n : 1;
}

static uint16_t port_at(const struct port_range *r, unsigned i)
{
	return r->all ? r->all->id[i] : r->own;
}

static bool port_exists(const struct pr_out *o, uint16_t port)
{
	const struct scsi_ports *p = o->lu->ports;

	if (!p)
		return port == o->t->nexus->target.relative_id;
	for (unsigned i = 0; i < p->n; i++)
		if (p->id[i] == port)
			return true;
	return false;
}

static struct scsi_act no_room(const struct pr_out *o)
{
	return answer_fail(o->t, SENSE_ILLEGAL_REQUEST, ASC_NO_REGISTRATIONS);
}

/* --- registering new nexuses --- */

/* Register @initiator at every port of @r where it is not; false: there is no room. */
static bool add_initiator(struct scsi_pr *pr, const struct port_range *r,
			  const struct transport_id *initiator, uint64_t key)
{
	for (unsigned i = 0; i < n_ports(r); i++) {
		struct scsi_pr_nexus nexus = { .port = port_at(r, i), .initiator = *initiator };

		if (pr_find(pr, &nexus) >= 0)
			continue;
		if (pr->n == SCSI_PR_MAX)
			return false;
		pr_add(pr, &nexus, key);
	}
	return true;
}

/* A fault in the list of TransportIDs, answered in @ret; else false and the cursor at the first of them. */
static bool bad_ids(const struct pr_out *o, struct cur *ids, struct scsi_act *ret)
{
	uint32_t len;

	*ids = cur_of(o->t->data, o->list_len);
	cur_skip(ids, IDS_AT - 4);
	len = cur_be32(ids);
	if (ids->bad || len != cur_left(ids) || len % TRANSPORT_ID_BYTES) {
		*ret = answer_fail(o->t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
		return true;
	}
	return false;
}

static struct scsi_act register_new(const struct pr_out *o)
{
	struct scsi_pr_nexus own = pr_nexus_of(o->t->nexus);
	struct port_range r = ports_of(o);
	uint16_t n_before = o->pr->n;
	struct transport_id id;
	struct scsi_act a;
	struct cur ids = { 0 };

	if (o->t->data[PR_FLAGS_AT] & PR_SPEC_I_PT && bad_ids(o, &ids, &a))
		return a;
	/* New ones stand behind the others, so what was done is undone by forgetting them. */
	if (!add_initiator(o->pr, &r, &own.initiator, o->sa_key)) {
		o->pr->n = n_before;
		return no_room(o);
	}
	while (cur_left(&ids)) {
		size_t at = ids.pos;

		if (transport_id_decode(&ids, &id)) {
			o->pr->n = n_before;
			return answer_bad_param(o->t, (unsigned)at);
		}
		if (!add_initiator(o->pr, &r, &id, o->sa_key)) {
			o->pr->n = n_before;
			return no_room(o);
		}
	}
	o->pr->generation++;
	o->pr->aptpl = o->t->data[PR_FLAGS_AT] & PR_APTPL;
	return pr_out_good(o, true);
}

/* --- changing what is registered --- */

static void unregister(const struct pr_out *o, unsigned i)
{
	uint8_t type = o->pr->type;
	struct scsi_pr_nexus own = pr_nexus_of(o->t->nexus);

	if (pr_remove(o->pr, i) && pr_is_registrants_only(type))
		pr_ua_all(o->lu, SCSI_UA_RESERVATIONS_RELEASED, pr_find(o->pr, &own));
}

/* At one port. REGISTER leaves alone what is registered there with another key than was given. */
static void change_at(const struct pr_out *o, const struct scsi_pr_nexus *nexus)
{
	int i = pr_find(o->pr, nexus);
	bool may = i >= 0 && (o->service_action == SCSI_PR_OUT_REGISTER_AND_IGNORE ||
			      o->pr->reg[i].key == o->key);

	if (i < 0 && o->sa_key)
		pr_add(o->pr, nexus, o->sa_key);
	else if (may && o->sa_key)
		o->pr->reg[i].key = o->sa_key;
	else if (may)
		unregister(o, (unsigned)i);
}

static struct scsi_act register_again(const struct pr_out *o)
{
	struct scsi_pr_nexus nexus = pr_nexus_of(o->t->nexus);
	struct port_range r = ports_of(o);
	unsigned missing = 0;

	if (o->t->data[PR_FLAGS_AT] & PR_SPEC_I_PT)
		return answer_bad_param(o->t, PR_FLAGS_AT);
	for (unsigned i = 0; o->sa_key && i < n_ports(&r); i++) {
		nexus.port = port_at(&r, i);
		missing += pr_find(o->pr, &nexus) < 0;
	}
	if (o->pr->n + missing > SCSI_PR_MAX)
		return no_room(o);
	/* its own last: who loses its registration with it need not hear of the reservation that goes */
	for (unsigned i = 0; i < n_ports(&r); i++) {
		nexus.port = port_at(&r, i);
		if (nexus.port != r.own)
			change_at(o, &nexus);
	}
	nexus.port = r.own;
	change_at(o, &nexus);
	o->pr->generation++;
	o->pr->aptpl = o->t->data[PR_FLAGS_AT] & PR_APTPL;
	return pr_out_good(o, true);
}

struct scsi_act pr_out_register(const struct pr_out *o)
{
	bool ignore = o->service_action == SCSI_PR_OUT_REGISTER_AND_IGNORE;
	uint64_t key = o->own >= 0 ? o->pr->reg[o->own].key : 0;

	if (!ignore && o->key != key)
		return pr_out_conflict(o);
	if (o->t->data[PR_FLAGS_AT] & PR_APTPL && !o->lu->keeps) /* PTPL_C is 0 */
		return answer_bad_param(o->t, PR_FLAGS_AT);
	if (o->own >= 0)
		return register_again(o);
	return o->sa_key ? register_new(o) : pr_out_good(o, false);
}

/* --- REGISTER AND MOVE --- */

/* The nexus that is to hold the reservation; true and @ret when the list is at fault. */
static bool bad_destination(const struct pr_out *o, struct scsi_pr_nexus *dest,
			    struct scsi_act *ret)
{
	struct scsi_pr_nexus own = pr_nexus_of(o->t->nexus);
	struct cur in = cur_of(o->t->data, o->list_len);
	uint32_t len;

	cur_skip(&in, MOVE_PORT_AT);
	dest->port = cur_be16(&in);
	len = cur_be32(&in);
	if (in.bad || len != cur_left(&in) || len != TRANSPORT_ID_BYTES)
		*ret = answer_fail(o->t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	else if (!o->sa_key)
		*ret = answer_bad_param(o->t, 8);
	else if (o->t->data[MOVE_FLAGS_AT] & PR_APTPL && !o->lu->keeps)
		*ret = answer_bad_param(o->t, MOVE_FLAGS_AT);
	else if (!port_exists(o, dest->port))
		*ret = answer_bad_param(o->t, MOVE_PORT_AT);
	else if (transport_id_decode(&in, &dest->initiator) || pr_nexus_eq(&own, dest))
		*ret = answer_bad_param(o->t, MOVE_LEN_AT + 4);
	else
		return false;
	return true;
}

struct scsi_act pr_out_move(const struct pr_out *o)
{
	struct scsi_pr *pr = o->pr;
	bool unreg = o->t->data[MOVE_FLAGS_AT] & MOVE_UNREG;
	struct scsi_pr_nexus dest;
	struct scsi_act a;
	int to;

	if (!pr_holds(pr, o->own) || pr_is_all_registrants(pr->type))
		return pr_out_conflict(o);
	if (bad_destination(o, &dest, &a))
		return a;
	to = pr_find(pr, &dest);
	if (to < 0 && !unreg && pr->n == SCSI_PR_MAX)
		return no_room(o);
	pr->aptpl = o->t->data[MOVE_FLAGS_AT] & PR_APTPL;
	if (to < 0 && unreg) {
		/* it takes the place of the old one, which needs no room of its own */
		pr->reg[o->own] = (struct scsi_pr_reg){ .key = o->sa_key, .nexus = dest };
		pr->generation++;
		return pr_out_good(o, true);
	}
	if (to < 0) {
		to = pr->n;
		pr_add(pr, &dest, o->sa_key);
	}
	pr->reg[to].key = o->sa_key;
	pr->holder = (uint16_t)to;
	if (unreg)
		(void)pr_remove(pr, (unsigned)o->own);
	pr->generation++;
	return pr_out_good(o, true);
}
