/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "srp/chan_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct chan c;
struct chan_iu ius[64];
uint64_t now;
static unsigned n_ius;

void start(bool dreq_handshake)
{
	struct chan_config cfg = {
		.now_ns = now,
		.limit = LIMIT,
		.max_limit = MAX_LIMIT,
		.n_recv = MAX_LIMIT + 2,
		.sq_depth = 4,
		.dreq_handshake = dreq_handshake,
	};

	n_ius = 0;
	chan_init(&c, &cfg);
}

static void print_action(FILE *f, const struct chan_action *a)
{
	(void)fprintf(f, " %s", chan_act_text(a->type));
	switch (a->type) {
	case CHAN_ACT_SUBMIT:
	case CHAN_ACT_DROP:
	case CHAN_ACT_REPOST:
		(void)fprintf(f, "#%u", a->iu->seq);
		break;
	case CHAN_ACT_ACCEPT:
	case CHAN_ACT_SEND_RSP:
	case CHAN_ACT_T_LOGOUT:
		(void)fprintf(f, "(%u)", a->value);
		break;
	case CHAN_ACT_SEND_CRED_REQ:
		(void)fprintf(f, "(%d)", (int32_t)a->value);
		break;
	case CHAN_ACT_REJECT:
		(void)fprintf(f, "(%x)", a->value);
		break;
	default:
		break;
	}
}

void step(struct chan_event ev, const char *want)
{
	struct chan_actions out;
	char have[512] = "";
	FILE *f = fmemopen(have, sizeof(have), "w");
	uint32_t i;

	assert_non_null(f);
	ev.now_ns = now;
	chan_step(&c, &ev, &out);
	chan_check_full(&c);
	(void)fprintf(f, "%s:", chan_state_text(c.state));
	for (i = 0; i < out.count; i++)
		print_action(f, &out.a[i]);
	(void)fclose(f);
	if (want)
		assert_string_equal(have, want);
}

void on(enum chan_ev type, const char *want)
{
	step((struct chan_event){ .type = type }, want);
}

void on_value(enum chan_ev type, uint32_t value, const char *want)
{
	step((struct chan_event){ .type = type, .value = value }, want);
}

void recv_iu(enum chan_iu_kind kind, const char *want)
{
	struct chan_iu *iu = &ius[n_ius++ % 64];

	iu->kind = (uint8_t)kind;
	iu->text = "a bad one";
	iu->logout = SRP_LOGOUT_INVALID_IU;
	step((struct chan_event){ .type = CHAN_EV_RECV, .iu = iu }, want);
}

void task_ends(enum chan_ev how, const char *want)
{
	chan_recv_posted(&c);
	on(how, want);
}

void after(uint64_t ns, const char *want)
{
	now += ns;
	on(CHAN_EV_TIMER, want);
}

void go_live(bool dreq_handshake)
{
	start(dreq_handshake);
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	on(CHAN_EV_ESTABLISHED, "live:");
}

void go_live_and_talk(bool dreq_handshake)
{
	go_live(dreq_handshake);
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#0");
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(1)");
}

void ends_from_draining(void)
{
	on(CHAN_EV_MARKER_DONE, "disconnected: UNREGISTER_SESSION");
	on(CHAN_EV_SESSION_UNREGISTERED, "disconnected: DESTROY_QP DESTROY_ID RELEASE");
	assert_true(c.released);
	assert_int_equal(chan_deadline_ns(&c), UINT64_MAX);
}
