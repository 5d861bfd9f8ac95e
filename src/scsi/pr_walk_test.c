/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Random PERSISTENT RESERVE OUT commands from six nexuses (three initiators at two target ports, which come and go)
 * against a model that holds a key for each nexus and little more. After every command: its status, PERSISTENT
 * RESERVE IN in all its forms, the unit attentions of everybody, and who may read and write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "scsi/answer.h"
#include "scsi/scsi.h"

#include <stdlib.h>
#include <string.h>

#define N_INI   3
#define N_PORTS 2
#define N       6 /* N_INI * N_PORTS; nexus i: initiator i / N_PORTS, port i % N_PORTS */
#define STEPS   60000
#define ALL     (-2)
#define NOBODY  (-1)

_Static_assert(N == N_INI * N_PORTS, "a nexus for each initiator and port");

/* The model. */
struct model {
	uint64_t key[N]; /* 0: not registered */
	unsigned type;
	int holder; /* nexus, NOBODY or ALL */
	uint32_t generation;
	uint16_t ua[N][4]; /* owed since the last look, without duplicates */
	unsigned n_ua[N];
};

struct op {
	unsigned nexus;
	uint8_t sa;
	uint64_t key, sa_key;
	uint8_t scope, type;
	bool spec, all_ports, aptpl, unreg;
	unsigned also;     /* SPEC_I_PT: a bit for each initiator */
	unsigned dest_ini; /* REGISTER AND MOVE */
	uint16_t dest_port;
};

static struct world {
	struct scsi_lu lu;
	struct scsi_ports ports;
	struct scsi_nexus nexus[N];
	bool here[N];
	struct model m;
	_Alignas(8) uint8_t data[SCSI_DATA_LONG_BYTES];
	uint8_t list[512];
	struct scsi_task t;
	unsigned victims; /* bits, of the last PREEMPT AND ABORT */
	unsigned done[9]; /* GOOD, by service action; of REPLACE LOST RESERVATION refused */
	unsigned preempted;
} * w;

/* --- the core --- */

static struct scsi_port port_of(unsigned i, bool target)
{
	struct scsi_port p = { .protocol = 4, .name_len = 16 };

	p.relative_id = target ? (uint16_t)(i % N_PORTS + 1) : 0;
	p.name[15] = (uint8_t)(target ? 0 : i / N_PORTS + 1);
	return p;
}

static void login(unsigned i)
{
	struct scsi_port ini = port_of(i, false), target = port_of(i, true);
	struct scsi_map_entry map = { &w->lu, 0, false };

	assert_int_equal(scsi_nexus_init(&w->nexus[i], &ini, &target, &map, 1), 0);
	assert_int_equal(scsi_uas_pop(&w->nexus[i].lun[0].uas), SCSI_UA_POWER_ON);
	w->here[i] = true;
	w->m.n_ua[i] = 0;
}

/* Run @cdb of nexus @i to its end, @list_len bytes of w->list its data-out. Returns its status. */
static uint8_t run(unsigned i, const uint8_t *cdb, size_t list_len)
{
	struct scsi_view v;
	struct scsi_event ev = { .type = SCSI_EV_START };
	struct scsi_act a;

	w->t = (struct scsi_task){ .nexus = &w->nexus[i],
				   .in_len = sizeof(w->data),
				   .out_len = list_len };
	memcpy(w->t.cdb, cdb, 10);
	w->victims = 0;
	scsi_view_build(&w->nexus[i], &v);
	assert_int_equal(scsi_route(&v, &w->t), SCSI_ROUTE_HOME);
	for (a = scsi_task_step(&w->t, &ev); a.type != SCSI_ACT_COMPLETE;
	     a = scsi_task_step(&w->t, &ev)) {
		struct scsi_tmf m;

		w->t.data = w->data;
		w->t.data_cap = scsi_task_data_bytes(&w->t);
		switch (a.type) {
		case SCSI_ACT_ROOM:
			ev = (struct scsi_event){ .type = SCSI_EV_ROOM };
			break;
		case SCSI_ACT_FETCH:
			memcpy(w->data, w->list, list_len);
			ev = (struct scsi_event){ .type = SCSI_EV_DATA };
			break;
		case SCSI_ACT_CLEAR:
			assert_int_equal(a.changed, SCSI_CHANGED_LU);
			scsi_task_clear(&m, &w->t);
			for (unsigned k = 0; k < N; k++) {
				struct scsi_task other = { .nexus = &w->nexus[k] };

				if (w->here[k] && scsi_tmf_means(&m, &other, &w->lu))
					w->victims |= BIT(k);
			}
			(void)scsi_tmf_finish(&m);
			ev = (struct scsi_event){ .type = SCSI_EV_CLEARED };
			break;
		default:
			fail();
		}
	}
	return w->t.status;
}

/* --- the model --- */

static void owe(unsigned i, uint16_t ua)
{
	for (unsigned k = 0; k < w->m.n_ua[i]; k++)
		if (w->m.ua[i][k] == ua)
			return;
	if (w->here[i])
		w->m.ua[i][w->m.n_ua[i]++] = ua;
}

static void owe_registered(uint16_t ua, unsigned except)
{
	for (unsigned i = 0; i < N; i++)
		if (w->m.key[i] && i != except)
			owe(i, ua);
}

static bool all_type(unsigned type)
{
	return type == 7 || type == 8;
}

static bool only_type(unsigned type)
{
	return type == 5 || type == 6;
}

static bool valid_type(unsigned type)
{
	return type == 1 || type == 3 || only_type(type) || all_type(type);
}

static unsigned n_keys(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N; i++)
		n += w->m.key[i] != 0;
	return n;
}

static bool holds(unsigned i)
{
	return w->m.key[i] && (w->m.holder == ALL || w->m.holder == (int)i);
}

static void no_reservation(void)
{
	w->m.type = 0;
	w->m.holder = NOBODY;
}

/* @i is no longer registered, because @by said so. */
static void forget(unsigned i, unsigned by)
{
	unsigned type = w->m.type;

	w->m.key[i] = 0;
	if (w->m.holder == (int)i) {
		no_reservation();
		if (only_type(type))
			owe_registered(SCSI_UA_RESERVATIONS_RELEASED, by);
	}
	if (w->m.holder == ALL && !n_keys())
		no_reservation();
}

/* The model's answers: a status, or an additional sense code of ILLEGAL REQUEST. */
#define CONFLICT 0x18

static unsigned m_register(const struct op *o)
{
	bool ignore = o->sa == 6;
	uint64_t *key = w->m.key;
	unsigned ini = o->nexus / N_PORTS;

	if (!ignore && o->key != key[o->nexus])
		return CONFLICT;
	if (o->aptpl)
		return 0x2600;
	if (!key[o->nexus] && !o->sa_key)
		return 0;
	if (key[o->nexus] && o->spec)
		return 0x2600;
	for (unsigned i = 0; i < N; i++) {
		bool mine = i / N_PORTS == ini || (o->spec && o->also >> i / N_PORTS & 1);
		bool here = i % N_PORTS == o->nexus % N_PORTS || o->all_ports;

		if (!mine || !here || i == o->nexus)
			continue;
		if (!key[i] && o->sa_key)
			key[i] = o->sa_key;
		else if (key[i] && key[o->nexus] && (ignore || key[i] == o->key)) {
			if (o->sa_key)
				key[i] = o->sa_key;
			else
				forget(i, o->nexus);
		}
	}
	if (o->sa_key)
		key[o->nexus] = o->sa_key;
	else
		forget(o->nexus, o->nexus);
	w->m.generation++;
	return 0;
}

static unsigned m_reserve(const struct op *o)
{
	if (w->m.type && !holds(o->nexus))
		return CONFLICT;
	if (o->scope || !valid_type(o->type))
		return 0x2400;
	if (w->m.type)
		return w->m.type == o->type ? 0 : CONFLICT;
	w->m.type = o->type;
	w->m.holder = all_type(o->type) ? ALL : (int)o->nexus;
	return 0;
}

static unsigned m_release(const struct op *o)
{
	unsigned type = w->m.type;

	if (!type || !holds(o->nexus))
		return 0;
	if (o->scope || o->type != type)
		return 0x2604;
	no_reservation();
	if (only_type(type) || all_type(type))
		owe_registered(SCSI_UA_RESERVATIONS_RELEASED, o->nexus);
	return 0;
}

static unsigned m_clear(const struct op *o)
{
	owe_registered(SCSI_UA_RESERVATIONS_PREEMPTED, o->nexus);
	memset(w->m.key, 0, sizeof(w->m.key));
	no_reservation();
	w->m.generation++;
	return 0;
}

static unsigned m_preempt(const struct op *o, unsigned *ret_victims)
{
	unsigned was = w->m.type;
	bool takes = (w->m.holder == ALL && !o->sa_key) ||
		     (w->m.holder >= 0 && o->sa_key && w->m.key[w->m.holder] == o->sa_key);
	unsigned victims = 0;

	if (!o->sa_key && w->m.holder != ALL)
		return 0x2600;
	if (takes && (o->scope || !valid_type(o->type)))
		return 0x2400;
	for (unsigned i = 0; i < N; i++)
		if (w->m.key[i] && (!o->sa_key || w->m.key[i] == o->sa_key) &&
		    !(takes && i == o->nexus))
			victims |= BIT(i);
	if (!takes && !victims)
		return CONFLICT;
	for (unsigned i = 0; i < N; i++) {
		if (!(victims >> i & 1))
			continue;
		w->m.key[i] = 0;
		if (i != o->nexus)
			owe(i, SCSI_UA_REGISTRATIONS_PREEMPTED);
	}
	if (takes) {
		w->m.type = o->type;
		w->m.holder = all_type(o->type) ? ALL : (int)o->nexus;
		if (was != o->type)
			owe_registered(SCSI_UA_RESERVATIONS_RELEASED, o->nexus);
		w->preempted++;
	} else if (w->m.holder == ALL && !n_keys()) {
		no_reservation();
	}
	w->m.generation++;
	*ret_victims = victims;
	return 0;
}

static unsigned m_move(const struct op *o)
{
	unsigned dest = o->dest_ini * N_PORTS + (unsigned)(o->dest_port - 1);

	if (!holds(o->nexus) || w->m.holder == ALL)
		return CONFLICT;
	if (!o->sa_key || o->aptpl || o->dest_port < 1 || o->dest_port > N_PORTS ||
	    dest == o->nexus)
		return 0x2600;
	w->m.key[dest] = o->sa_key;
	w->m.holder = (int)dest;
	if (o->unreg)
		w->m.key[o->nexus] = 0;
	w->m.generation++;
	return 0;
}

static unsigned m_op(const struct op *o, unsigned *ret_victims)
{
	*ret_victims = 0;
	if (o->sa != 7 && o->spec && o->sa != 0)
		return 0x2600;
	if (o->sa == 0 || o->sa == 6)
		return m_register(o);
	if (o->sa == 8) /* nothing is lost */
		return 0x2604;
	if (!w->m.key[o->nexus] || w->m.key[o->nexus] != o->key)
		return CONFLICT;
	switch (o->sa) {
	case 1:
		return m_reserve(o);
	case 2:
		return m_release(o);
	case 3:
		return m_clear(o);
	case 7:
		return m_move(o);
	default:
		return m_preempt(o, ret_victims);
	}
}

/* --- comparing --- */

static void put_id(uint8_t *at, unsigned ini)
{
	memset(at, 0, TRANSPORT_ID_BYTES);
	at[0] = TRANSPORT_ID_SRP;
	at[23] = (uint8_t)(ini + 1);
}

static size_t put_list(const struct op *o)
{
	size_t len = 24;

	memset(w->list, 0, sizeof(w->list));
	put_be64(w->list, o->key);
	put_be64(w->list + 8, o->sa_key);
	if (o->sa == 7) {
		w->list[17] = (uint8_t)(o->unreg << 1 | o->aptpl);
		put_be16(w->list + 18, o->dest_port);
		put_be32(w->list + 20, TRANSPORT_ID_BYTES);
		put_id(w->list + 24, o->dest_ini);
		return 48;
	}
	w->list[20] = (uint8_t)(o->spec << 3 | o->all_ports << 2 | o->aptpl);
	if (!o->spec)
		return len;
	len += 4;
	for (unsigned i = 0; i < N_INI; i++) {
		if (!(o->also >> i & 1))
			continue;
		put_id(w->list + len, i);
		len += TRANSPORT_ID_BYTES;
	}
	put_be32(w->list + 24, (uint32_t)(len - 28));
	return len;
}

static void check_answer(unsigned want)
{
	struct sense s;

	if (want < 0x100) {
		assert_int_equal(w->t.status, want);
		return;
	}
	assert_int_equal(w->t.status, SCSI_STATUS_CHECK_CONDITION);
	assert_int_equal(sense_decode(w->t.sense, w->t.sense_len, &s), 0);
	assert_int_equal(s.key, SENSE_ILLEGAL_REQUEST);
	assert_int_equal(s.asc, want);
}

static void check_uas(void)
{
	for (unsigned i = 0; i < N; i++) {
		uint16_t ua;
		unsigned n = 0;

		while (w->here[i] && (ua = scsi_uas_pop(&w->nexus[i].lun[0].uas))) {
			bool found = false;

			for (unsigned k = 0; k < w->m.n_ua[i]; k++)
				found |= w->m.ua[i][k] == ua;
			assert_true(found);
			n++;
		}
		assert_int_equal(n, w->here[i] ? w->m.n_ua[i] : 0);
		w->m.n_ua[i] = 0;
	}
}

static void check_keys(unsigned by)
{
	uint64_t want = 0, got = 0;

	assert_int_equal(run(by, (const uint8_t[10]){ 0x5e, 0, [8] = 255 }, 0), 0);
	assert_int_equal(get_be32(w->data), w->m.generation);
	assert_int_equal(get_be32(w->data + 4), n_keys() * 8);
	for (unsigned i = 0; i < N; i++)
		want += w->m.key[i];
	for (unsigned i = 0; i < n_keys(); i++)
		got += get_be64(w->data + 8 + 8 * (size_t)i);
	assert_int_equal(want, got);
}

static void check_reservation(unsigned by)
{
	assert_int_equal(run(by, (const uint8_t[10]){ 0x5e, 1, [8] = 255 }, 0), 0);
	assert_int_equal(w->t.data_len, w->m.type ? 24 : 8);
	if (!w->m.type)
		return;
	assert_int_equal(get_be64(w->data + 8), w->m.holder == ALL ? 0 : w->m.key[w->m.holder]);
	assert_int_equal(w->data[21], w->m.type);
}

static void check_full(unsigned by)
{
	assert_int_equal(run(by, (const uint8_t[10]){ 0x5e, 3, [7] = 32 }, 0), 0);
	assert_int_equal(get_be32(w->data + 4), n_keys() * 48);
	for (size_t at = 8; at < w->t.data_len; at += 48) {
		const uint8_t *d = w->data + at;
		unsigned i =
			(unsigned)(d[24 + 23] - 1) * N_PORTS + (unsigned)(get_be16(d + 18) - 1);

		assert_true(i < N);
		assert_int_equal(get_be64(d), w->m.key[i]);
		assert_int_equal(d[12], holds(i));
		assert_int_equal(d[13], holds(i) ? w->m.type : 0);
		assert_int_equal(get_be32(d + 20), TRANSPORT_ID_BYTES);
	}
}

/* What views say is what SPC-5 table 67 says of READ and WRITE. */
static void check_access(void)
{
	for (unsigned i = 0; i < N; i++) {
		bool we = w->m.type == 1 || w->m.type == 5 || w->m.type == 7;
		bool ok = !w->m.type || holds(i) || (only_type(w->m.type) && w->m.key[i]);
		uint32_t flags;

		if (!w->here[i])
			continue;
		flags = scsi_nexus_at(&w->nexus[i], 0).flags;
		assert_int_equal(!!(flags & SCSI_VIEW_RES_WRITE), !ok);
		assert_int_equal(!!(flags & SCSI_VIEW_RES_READ), !ok && !we);
	}
}

static struct op random_op(struct prng *rnd)
{
	struct op o = { .nexus = (unsigned)prng_below(rnd, N),
			.sa = (uint8_t)prng_below(rnd, 9),
			.sa_key = prng_below(rnd, 4),
			.type = (uint8_t)prng_below(rnd, 9),
			.dest_ini = (unsigned)prng_below(rnd, N_INI),
			.dest_port = (uint16_t)(prng_below(rnd, 8) ? 1 + prng_below(rnd, 2)
								   : prng_below(rnd, 4)),
			.unreg = prng_below(rnd, 2) };

	while (!w->here[o.nexus])
		o.nexus = (o.nexus + 1) % N;
	if (o.sa == 3 && prng_below(rnd, 4))
		o.sa = 0; /* not too often back to nothing */
	o.key = prng_below(rnd, 5) ? w->m.key[o.nexus] : prng_below(rnd, 4);
	if (o.sa == 2 && prng_below(rnd, 2))
		o.type = (uint8_t)w->m.type;
	o.scope = prng_below(rnd, 16) == 0;
	o.spec = prng_below(rnd, 6) == 0;
	o.all_ports = prng_below(rnd, 6) == 0;
	o.aptpl = prng_below(rnd, 16) == 0;
	o.also = (unsigned)prng_below(rnd, 1 << N_INI);
	return o;
}

static void come_and_go(struct prng *rnd)
{
	unsigned i = (unsigned)prng_below(rnd, N), n = 0;

	for (unsigned k = 0; k < N; k++)
		n += w->here[k];
	if (!w->here[i]) {
		login(i);
	} else if (n > 1) {
		scsi_nexus_deinit(&w->nexus[i]);
		w->here[i] = false;
	}
}

/* Saved and given to a unit again, it is the same; what is not sound is refused. */
static void check_restore(struct prng *rnd)
{
	struct scsi_lu_params p = {
		.serial = "2", .naa = { 0x31, 2 }, .block_bytes = 512, .size_bytes = 512
	};
	struct scsi_pr bad = w->lu.pr;
	static struct scsi_lu lu;

	assert_int_equal(scsi_lu_init(&lu, &p), 0);
	assert_int_equal(scsi_lu_restore_pr(&lu, &w->lu.pr), 0);
	assert_memory_equal(&lu.pr, &w->lu.pr, sizeof(lu.pr));
	switch (prng_below(rnd, 6)) {
	case 0:
		bad.n = SCSI_PR_MAX + 1;
		break;
	case 1:
		bad.type = 2;
		break;
	case 2:
		bad.holder = bad.n ? bad.n : 1;
		break;
	case 4:
		if (!bad.n)
			return;
		bad.lost = true;
		break;
	case 3:
		if (bad.n < 2)
			return;
		bad.reg[1].nexus = bad.reg[0].nexus;
		break;
	default:
		if (!bad.n)
			return;
		bad.reg[bad.n - 1].key = 0;
	}
	assert_int_equal(scsi_lu_restore_pr(&lu, &bad), -22);
	scsi_lu_deinit(&lu);
}

static void one(struct prng *rnd)
{
	struct op o = random_op(rnd);
	uint8_t cdb[10] = { 0x5f, o.sa, (uint8_t)(o.scope << 4 | o.type) };
	size_t len = put_list(&o);
	unsigned victims, want = m_op(&o, &victims);

	put_be32(cdb + 5, (uint32_t)len);
	run(o.nexus, cdb, len);
	check_answer(want);
	if (o.sa == 5 && !want) {
		for (unsigned i = 0; i < N; i++)
			if (!w->here[i])
				victims &= ~BIT(i);
		assert_int_equal(w->victims, victims);
	}
	w->done[o.sa] += !want || o.sa == 8;
	check_uas();
	check_keys(o.nexus);
	check_reservation(o.nexus);
	check_full(o.nexus);
	check_access();
}

static void walk(void **state)
{
	struct scsi_lu_params p = {
		.serial = "1", .naa = { 0x31, 1 }, .block_bytes = 512, .size_bytes = 1 << 20
	};
	struct prng rnd = prng_of(5);

	(void)state;
	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	w->ports = (struct scsi_ports){ .n = N_PORTS, .id = { 1, 2 } };
	p.ports = &w->ports;
	assert_int_equal(scsi_lu_init(&w->lu, &p), 0);
	w->m.holder = NOBODY;
	for (unsigned i = 0; i < N; i++)
		login(i);
	for (unsigned i = 0; i < STEPS; i++) {
		if (prng_below(&rnd, 16) == 0)
			come_and_go(&rnd);
		one(&rnd);
		if (i % 16 == 0)
			check_restore(&rnd);
	}
	/* the walk must get somewhere */
	for (unsigned sa = 0; sa < 9; sa++)
		assert_true(w->done[sa] > 100);
	assert_true(w->preempted > 100);
	for (unsigned i = 0; i < N; i++)
		if (w->here[i])
			scsi_nexus_deinit(&w->nexus[i]);
	scsi_lu_deinit(&w->lu);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(walk) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
