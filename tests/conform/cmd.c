/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands: their information units, sending, waiting. */
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define CMD_BYTES       48u
#define DESC_BYTES      16u
#define IMMEDIATE_BYTES 8192u
#define UA_RETRIES      16u

struct cmd *cmd_new(struct nexus *n, const uint8_t *cdb, unsigned len)
{
	struct cmd *c = calloc(1, sizeof(*c));

	if (!c || len > sizeof(c->cdb))
		abort();
	c->n = n;
	c->lun = n->t->unit.lun;
	memcpy(c->cdb, cdb, len);
	c->cdb_len = len;
	c->next = n->cmds;
	n->cmds = c;
	return c;
}

bool cmds_free(struct nexus *n)
{
	bool pending = false;

	while (n->cmds) {
		struct cmd *c = n->cmds;

		pending = pending || (c->sent && !c->done);
		n->cmds = c->next;
		free(c);
	}
	return pending;
}

uint8_t *data_in(struct cmd *c, uint32_t len)
{
	c->in = mem(c->n, len);
	c->in_len = len;
	memset(c->in, FILL, len);
	return c->in;
}

uint8_t *data_out(struct cmd *c, const void *data, uint32_t len)
{
	c->out = mem(c->n, len);
	c->out_len = len;
	if (data)
		memcpy(c->out, data, len);
	else
		memset(c->out, 0, len);
	return c->out;
}

/* --- descriptors, SRP 6.8.4 --- */

static void desc_put(struct pen *p, const struct nexus *n, const uint8_t *at, uint32_t len)
{
	pen_be64(p, (uintptr_t)at);
	pen_be32(p, n->key);
	pen_be32(p, len);
}

/* @n_pieces descriptors of the buffer. */
static void pieces_put(struct pen *p, const struct cmd *c, const uint8_t *at, uint32_t len)
{
	uint32_t each = len / c->n_pieces;

	for (unsigned i = 0; i < c->n_pieces; i++) {
		uint32_t n = i + 1 < c->n_pieces ? each : len - each * i;

		desc_put(p, c->n, at, n);
		at += n;
	}
}

/* The descriptors of a direction. Return: format in the low nibble, descriptors counted << 8. */
static unsigned data_put(struct pen *p, struct cmd *c, const uint8_t *at, uint32_t len, bool out)
{
	enum shape s = c->shape;

	if (!at)
		return 0;
	if (s == SHAPE_USUAL)
		s = out && c->n->immediate && len <= IMMEDIATE_BYTES && c->cdb_len <= 16
			    ? SHAPE_IMMEDIATE
			    : SHAPE_DIRECT;
	if (s == SHAPE_IMMEDIATE && out) {
		pen_be32(p, len);
		return 3;
	}
	if (s == SHAPE_INDIRECT || s == SHAPE_EXTERNAL) {
		uint32_t table_len = c->n_pieces * DESC_BYTES;
		uint8_t *table = mem(c->n, table_len);
		struct pen t = pen_of(table, table_len);

		pieces_put(&t, c, at, len);
		desc_put(p, c->n, table, table_len);
		pen_be32(p, len);
		if (s == SHAPE_EXTERNAL)
			return 2;
		pen_copy(p, table, table_len);
		return 2 | c->n_pieces << 8;
	}
	desc_put(p, c->n, at, len);
	return 1;
}

size_t cmd_encode(struct cmd *c, uint8_t *iu, size_t size)
{
	unsigned add = c->cdb_len > 16 ? c->cdb_len - 16 : 0;
	struct pen p = pen_of(iu, size);
	unsigned out;
	unsigned in;

	if (!c->tag)
		c->tag = c->n->next_tag++;
	pen_zero(&p, CMD_BYTES);
	iu[0] = IU_CMD;
	iu[1] = c->sol_not;
	put_be64(iu + 8, c->tag);
	put_be64(iu + 20, c->lun);
	iu[29] = c->attr;
	iu[31] = (uint8_t)((add + 3) & ~3u);
	memcpy(iu + 32, c->cdb, c->cdb_len - add);
	pen_copy(&p, c->cdb + 16, add);
	pen_zero(&p, -add & 3);
	out = data_put(&p, c, c->out, c->out_len, true);
	in = data_put(&p, c, c->in, c->in_len, false);
	iu[5] = (uint8_t)((out & 0xf) << 4 | (in & 0xf));
	iu[6] = (uint8_t)(out >> 8);
	iu[7] = (uint8_t)(in >> 8);
	if ((out & 0xf) == 3) {
		pen_zero(&p, c->n->login.imm_offset - p.pos);
		pen_copy(&p, c->out, c->out_len);
	}
	if (p.bad)
		abort();
	return p.pos;
}

/* --- sending and waiting --- */

void iu_send(struct nexus *n, const void *iu, size_t len)
{
	int r = srp_raw_send(n->raw, iu, len);

	EXPECT(n->t, r == 0, "the channel does not take an IU: %s",
	       n->down ? n->why_text : strerror(-r));
}

void cmd_send_iu(struct cmd *c, const void *iu, size_t len)
{
	struct nexus *n = c->n;

	if (n->credits < 1 && !n->held)
		pump(n->t, ANSWER_MS);
	EXPECT(n->t, n->credits > 0, "no credit is left, and none comes");
	n->credits--;
	c->sent = true;
	c->done = c->lost = false;
	iu_send(n, iu, len);
}

void cmd_send(struct cmd *c)
{
	static uint8_t iu[1u << 17];

	c->tag = 0;
	cmd_send_iu(c, iu, cmd_encode(c, iu, sizeof(iu)));
}

void cmd_wait(struct cmd *c)
{
	struct test *t = c->n->t;

	await(c, ANSWER_MS);
	EXPECT(t, !c->lost, "%s: the channel ended instead of an answer: %s", cmd_text(c),
	       c->n->why_text);
	EXPECT(t, c->done, "%s: no answer within %u s", cmd_text(c), ANSWER_MS / 1000);
}

void cmd_run(struct cmd *c)
{
	for (unsigned i = 0; i < UA_RETRIES; i++) {
		cmd_send(c);
		cmd_wait(c);
		if (c->keep_ua || c->status != CHECK_CONDITION || c->key != UNIT_ATTENTION)
			return;
	}
	fail(c->n->t, "%s: %u unit attentions in turn", cmd_text(c), UA_RETRIES);
}

uint32_t got_in(const struct cmd *c)
{
	return c->flags & RSP_DIUNDER ? c->in_len - min_u32(c->in_res, c->in_len) : c->in_len;
}

/* --- task management, SRP 6.7 --- */

struct cmd *tmf_send(struct nexus *n, uint8_t function, uint64_t lun, uint64_t task_tag)
{
	struct cmd *c = cmd_new(n, (const uint8_t[]){ 0 }, 1);
	uint8_t iu[48] = { IU_TSK_MGMT };

	c->is_tmf = true;
	c->function = function;
	c->tag = n->next_tag++;
	put_be64(iu + 8, c->tag);
	put_be64(iu + 20, lun);
	iu[30] = function;
	put_be64(iu + 32, task_tag);
	cmd_send_iu(c, iu, sizeof(iu));
	return c;
}

struct cmd *tmf_run(struct nexus *n, uint8_t function, uint64_t lun, uint64_t task_tag)
{
	struct cmd *c = tmf_send(n, function, lun, task_tag);

	cmd_wait(c);
	return c;
}
