/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Two configurations and the operations between them, as a reload has them. Input: two texts with a zero byte
 * between. Operations come in their order, name what is there, and those of the way back undo them; between
 * two models that are written alike there are none.
 */
#include "fuzz.h"
#include "config/diff.h"

static bool has_device(const struct config *c, const struct config_device *d)
{
	return d >= c->devices && d < c->devices + c->n_devices;
}

static bool has_target(const struct config *c, const struct config_target *t)
{
	return t >= c->targets && t < c->targets + c->n_targets;
}

static bool has_group(const struct config_target *t, const struct config_group *g)
{
	return g == &t->any_group || (g >= t->groups && g < t->groups + t->n_groups);
}

static bool has_dgroup(const struct config *c, const struct config_dgroup *dg)
{
	return dg >= c->dgroups && dg < c->dgroups + c->n_dgroups;
}

static bool has_listen(const struct config_target *t, const struct config_listen *l)
{
	return l >= t->listens && l < t->listens + t->n_listens;
}

static void judge_op(const struct config_op *op, const struct config *from, const struct config *to)
{
	const struct config *side[2] = { from, to };
	char line[200];
	char tiny[3];

	check(op->type < CONFIG_OP_COUNT);
	for (unsigned i = 0; i < 2; i++) {
		check(!op->device[i] || has_device(side[i], op->device[i]));
		check(!op->target[i] || has_target(side[i], op->target[i]));
		check(!op->group[i] || has_group(op->target[i], op->group[i]));
		check(!op->dgroup[i] || has_dgroup(side[i], op->dgroup[i]));
	}
	if (op->type == CONFIG_OP_LISTEN_REMOVE)
		check(has_listen(op->target[0], op->listen));
	if (op->type == CONFIG_OP_LISTEN_ADD)
		check(has_listen(op->target[1], op->listen));
	config_op_format(op, line, sizeof(line));
	check(line[0] && memchr(line, 0, sizeof(line)));
	config_op_format(op, tiny, sizeof(tiny));
	check(memchr(tiny, 0, sizeof(tiny)) && strncmp(tiny, line, strlen(tiny)) == 0);
}

static void count(const struct config_diff *d, unsigned n[CONFIG_OP_COUNT])
{
	for (unsigned i = 0; i < d->n; i++)
		n[d->ops[i].type]++;
}

/* The way back: what is added there is removed here. */
static void judge_back(const struct config_diff *there, const struct config_diff *back)
{
	static const enum config_op_type pair[][2] = {
		{ CONFIG_OP_DEVICE_ADD, CONFIG_OP_DEVICE_REMOVE },
		{ CONFIG_OP_TARGET_ADD, CONFIG_OP_TARGET_REMOVE },
		{ CONFIG_OP_TARGET_ENABLE, CONFIG_OP_TARGET_DISABLE },
		{ CONFIG_OP_LISTEN_ADD, CONFIG_OP_LISTEN_REMOVE },
		{ CONFIG_OP_GROUP_ADD, CONFIG_OP_GROUP_REMOVE },
		{ CONFIG_OP_TARGET_CHANGE, CONFIG_OP_TARGET_CHANGE },
		{ CONFIG_OP_TARGET_LIMITS, CONFIG_OP_TARGET_LIMITS },
		{ CONFIG_OP_OPTIONS, CONFIG_OP_OPTIONS },
		{ CONFIG_OP_DEVICE_EXPL_ALUA, CONFIG_OP_DEVICE_EXPL_ALUA },
		{ CONFIG_OP_DGROUP_ADD, CONFIG_OP_DGROUP_REMOVE },
		{ CONFIG_OP_DGROUP_CHANGE, CONFIG_OP_DGROUP_CHANGE },
	};
	unsigned a[CONFIG_OP_COUNT] = { 0 };
	unsigned b[CONFIG_OP_COUNT] = { 0 };

	count(there, a);
	count(back, b);
	for (size_t i = 0; i < ARRAY_SIZE(pair); i++) {
		check(a[pair[i][0]] == b[pair[i][1]]);
		check(a[pair[i][1]] == b[pair[i][0]]);
	}
}

static void judge(const struct config *from, const struct config *to)
{
	struct config_diff there;
	struct config_diff back;
	char *a = NULL;
	char *b = NULL;

	check(config_diff(&there, from, to) == 0 && config_diff(&back, to, from) == 0);
	for (unsigned i = 0; i < there.n; i++) {
		judge_op(&there.ops[i], from, to);
		/* Targets are gone through one after the other, between the devices. */
		check(!i || there.ops[i].type != CONFIG_OP_DEVICE_ADD ||
		      there.ops[i - 1].type <= CONFIG_OP_DEVICE_REPLACE);
		check(!i || there.ops[i - 1].type != CONFIG_OP_DEVICE_REMOVE ||
		      there.ops[i].type == CONFIG_OP_DEVICE_REMOVE);
	}
	judge_back(&there, &back);
	check(config_format(from, &a) == 0 && config_format(to, &b) == 0);
	check(strcmp(a, b) != 0 || (there.n == 0 && back.n == 0));
	free(a);
	free(b);
	config_diff_free(&there);
	config_diff_free(&back);
}

static struct config *model(const char *text, size_t len)
{
	struct config_errors errs;
	struct config *c = NULL;

	return config_parse(&c, text, len, "fuzz", &errs) ? NULL : c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *zero = len ? memchr(data, 0, len) : NULL;
	struct config_diff diff;
	struct config *a;
	struct config *b;

	if (!zero)
		return 0;
	a = model((const char *)data, (size_t)(zero - data));
	b = model((const char *)zero + 1, len - (size_t)(zero - data) - 1);
	if (a) {
		check(config_diff(&diff, a, a) == 0 && diff.n == 0);
		config_diff_free(&diff);
	}
	if (a && b)
		judge(a, b);
	config_free(a);
	config_free(b);
	return 0;
}
