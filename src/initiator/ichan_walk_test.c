/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The random walk: any event that the world may deliver, in any order, with any bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "initiator/ichan_rig.h"

struct walk {
	struct world w;
	struct prng r;
	uint64_t tag[4096]; /* every tag that ever went out */
	unsigned n_tags;
	unsigned live[ICHAN_SLOTS_MAX]; /* commands the user has out, by slot */
	unsigned n_out;
	bool sent[ICHAN_SLOTS_MAX]; /* a SEND with report is under way */
	bool armed;
	bool opened;
	bool resolving;
	bool task_out;
	unsigned n_down;
	uint8_t cdb[32];
};

static void user_gets(struct walk *k, uint16_t slot)
{
	assert_int_equal(k->live[slot], 1); /* exactly once */
	k->live[slot] = 0;
	k->n_out--;
}

static void carry_out(struct walk *k, const struct ichan_event *ev)
{
	enum ichan_outcome outcome;
	uint16_t slot;

	for (unsigned i = 0; i < k->w.out.count; i++) {
		const struct ichan_action *a = &k->w.out.act[i];

		switch (a->type) {
		case ICHAN_ACT_SEND:
			assert_in_range(a->len, 16, k->w.c.it_iu_len);
			if (k->n_tags < 4096)
				k->tag[k->n_tags++] = srp_tag_get(k->w.iu + 8);
			if (ev->type == ICHAN_EV_SUBMIT) {
				assert_int_equal(k->live[a->slot], 0);
				k->live[a->slot] = 1;
				k->n_out++;
			}
			if (a->flags & ICHAN_SEND_REPORT)
				k->sent[a->slot] = true;
			k->task_out |= ev->type == ICHAN_EV_TASK;
			break;
		case ICHAN_ACT_FINISH:
			user_gets(k, a->slot);
			break;
		case ICHAN_ACT_FINISH_MANY:
			while (ichan_take_over(&k->w.c, &slot, &outcome))
				user_gets(k, slot);
			break;
		case ICHAN_ACT_TASK_DONE:
		case ICHAN_ACT_TASK_LOST:
			assert_true(k->task_out);
			k->task_out = false;
			break;
		case ICHAN_ACT_ARM:
			k->armed = true;
			break;
		case ICHAN_ACT_DISARM:
			k->armed = false;
			break;
		case ICHAN_ACT_OPEN:
			k->opened = true;
			break;
		case ICHAN_ACT_DESTROY:
			memset(k->sent, 0, sizeof(k->sent));
			k->opened = false;
			break;
		case ICHAN_ACT_RESOLVE:
			k->resolving = true;
			break;
		case ICHAN_ACT_DOWN:
			assert_int_equal(k->n_down++, 0);
			break;
		default:
			break;
		}
	}
}

static void send_event(struct walk *k, struct ichan_event ev)
{
	step(&k->w, ev);
	carry_out(k, &ev);
	ichan_check(&k->w.c);
}

static void walk_recv(struct walk *k)
{
	uint8_t b[64];
	size_t len = prng_below(&k->r, sizeof(b) + 1);
	static const uint8_t ops[] = { SRP_OP_RSP, SRP_OP_RSP, SRP_OP_RSP, SRP_OP_CRED_REQ,
				       SRP_OP_AER_REQ };

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = prng_below(&k->r, 3) ? 0 : (uint8_t)prng_u64(&k->r);
	b[0] = ops[prng_below(&k->r, sizeof(ops))];
	b[4] = b[5] = b[6] = 0; /* delta */
	b[7] = (uint8_t)prng_below(&k->r, 3);
	if (prng_below(&k->r, 4))
		b[18] = 0; /* no sense, no response data, so that it is whole */
	if (prng_below(&k->r, 60) == 0)
		b[0] = (uint8_t)prng_u64(&k->r);
	if (prng_below(&k->r, 30))
		len = sizeof(b);
	if (k->n_tags && prng_below(&k->r, 8)) {
		unsigned back = (unsigned)prng_below(&k->r, k->n_tags < 6 ? k->n_tags : 6);

		srp_tag_put(b + 8, k->tag[k->n_tags - 1 - back]);
	}
	send_event(k, (struct ichan_event){ .type = ICHAN_EV_RECV, .data = b, .len = len });
}

static void walk_submit(struct walk *k)
{
	bool room = ichan_room(&k->w.c);
	bool out = prng_below(&k->r, 2);
	struct srp_mem_desc piece[2] = { { 1, 2, 3000 }, { 4, 5, 1096 } };
	struct ichan_cmd cmd = {
		.lun = prng_below(&k->r, 2), .cdb = k->cdb, .cdb_len = 10, .out = out
	};

	if (prng_below(&k->r, 4)) {
		cmd.len = 4096;
		cmd.immediate = out && ichan_immediate_fits(&k->w.c, 4096, 10);
		cmd.n_pieces = cmd.immediate ? 0 : 2;
		cmd.piece = piece;
	}
	send_event(k, (struct ichan_event){ .type = ICHAN_EV_SUBMIT, .cmd = &cmd });
	assert_int_equal(find(&k->w, ICHAN_ACT_SEND) != NULL, room);
}

static void walk_task(struct walk *k)
{
	static const uint8_t fn[] = { 1, 2, 4, 8, 0x40 };
	struct ichan_task task = { .lun = prng_below(&k->r, 2),
				   .function = fn[prng_below(&k->r, 5)],
				   .victim = (uint16_t)prng_below(&k->r, N_SLOTS) };

	send_event(k, (struct ichan_event){ .type = ICHAN_EV_TASK, .task = &task });
}

static void walk_sent(struct walk *k)
{
	for (uint16_t i = 0; i < N_SLOTS; i++) {
		if (!k->sent[i] || prng_below(&k->r, 2))
			continue;
		k->sent[i] = false;
		send_event(k, (struct ichan_event){ .type = ICHAN_EV_SENT, .slot = i });
		return;
	}
}

static void walk_opened(struct walk *k)
{
	struct srp_login_rsp rsp;
	bool connecting = k->w.c.state == ICHAN_CONNECTING;
	bool draining = k->w.c.state == ICHAN_DRAINING;

	if (connecting && prng_below(&k->r, 8)) {
		rsp = good_login(&k->w);
		rsp.req_lim_delta = (int32_t)prng_below(&k->r, 8) + 1;
		establish(&k->w, &rsp, SRP_LOGIN_RSP_BYTES);
		carry_out(k, &(struct ichan_event){ .type = ICHAN_EV_ESTABLISHED });
		return;
	}
	switch (prng_below(&k->r, connecting || draining ? 8 : 200)) {
	case 0:
		send_event(k, (struct ichan_event){ .type = ICHAN_EV_DISCONNECTED });
		break;
	case 1:
		send_event(k, (struct ichan_event){ .type = ICHAN_EV_FAILED, .error = -EIO });
		break;
	case 2:
		if (connecting)
			send_event(k, (struct ichan_event){ .type = ICHAN_EV_UNREACHABLE });
		break;
	case 3:
		if (draining && k->w.c.marker)
			send_event(k, (struct ichan_event){ .type = ICHAN_EV_DRAINED });
		break;
	case 4:
		if (draining)
			walk_recv(k);
		break;
	default:
		if (k->w.c.state == ICHAN_LIVE)
			walk_recv(k);
		break;
	}
}

static void walk_user(struct walk *k)
{
	switch (prng_below(&k->r, 24)) {
	case 0:
		walk_task(k);
		break;
	case 1:
		if (k->w.c.state >= ICHAN_LIVE)
			send_event(k, (struct ichan_event){
					      .type = ICHAN_EV_EXPIRE,
					      .slot = (uint16_t)prng_below(&k->r, N_SLOTS) });
		break;
	case 2:
		if (prng_below(&k->r, 10) == 0)
			send_event(k, (struct ichan_event){ .type = ICHAN_EV_LOGOUT });
		break;
	case 3:
		if (prng_below(&k->r, 10) == 0)
			send_event(k, (struct ichan_event){ .type = ICHAN_EV_DROP });
		break;
	default:
		walk_submit(k);
		break;
	}
}

static void walk_once(uint64_t seed, unsigned *reached)
{
	static struct walk k;

	memset(&k, 0, sizeof(k));
	k.r = prng_of(seed);
	world_init(&k.w, seed & 1);
	walk_user(&k);
	if (k.w.c.state == ICHAN_IDLE)
		send_event(&k, (struct ichan_event){ .type = ICHAN_EV_START });
	for (unsigned i = 0; i < 3000 && !(k.w.c.state == ICHAN_CLOSED && !k.resolving); i++) {
		*reached |= BIT(k.w.c.state);
		if (k.resolving && prng_below(&k.r, 3) == 0) {
			k.resolving = false;
			send_event(&k,
				   (struct ichan_event){
					   .type = prng_below(&k.r, 9) ? ICHAN_EV_RESOLVED
								       : ICHAN_EV_RESOLVE_FAILED });
		} else if (k.armed && prng_below(&k.r, 30) == 0) {
			send_event(&k, (struct ichan_event){ .type = ICHAN_EV_DEADLINE });
		} else if (prng_below(&k.r, 3) == 0) {
			walk_user(&k);
		} else if (k.opened && prng_below(&k.r, 2)) {
			walk_sent(&k);
		} else if (k.opened) {
			walk_opened(&k);
		}
	}
	/* However it went: an end gives everything back, once. */
	send_event(&k, (struct ichan_event){ .type = ICHAN_EV_DROP });
	if (k.w.c.state == ICHAN_DRAINING)
		send_event(&k, (struct ichan_event){ .type = ICHAN_EV_DRAINED });
	*reached |= BIT(k.w.c.state);
	assert_int_equal(k.w.c.state, ICHAN_CLOSED);
	assert_int_equal(k.n_out, 0);
	assert_int_equal(k.n_down, 1);
	assert_false(k.task_out || k.armed || k.opened);
}

static void test_walk(void **state)
{
	unsigned reached = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 600; seed++)
		walk_once(seed, &reached);
	assert_int_equal(reached | BIT(ICHAN_IDLE), BIT(ICHAN_STATE_COUNT) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_walk) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
