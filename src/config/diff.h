/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What has to be done to get from one configuration to another: the list of operations behind a
 * reload. Objects are the same when their names are.
 */
#pragma once

#include "config/config.h"

/*
 * In the order in which they stand in a list: first what new LUN maps need, then the maps and the
 * targets, at last what nothing uses any more. Carrying them out in that order never leaves a LUN
 * without its device.
 */
enum config_op_type {
	CONFIG_OP_OPTIONS,       /* words at the top of the file differ; `what` says which */
	CONFIG_OP_DEVICE_ADD,    /* open device[1] */
	CONFIG_OP_DEVICE_RESIZE, /* only the size differs: CAPACITY DATA HAS CHANGED */
	CONFIG_OP_DEVICE_REPLACE, /* anything else differs (`what`): open device[1], put it in the place
				   * of device[0] in every LUN map, close device[0] */
	CONFIG_OP_TARGET_REMOVE,  /* log every session out, close target[0] */
	CONFIG_OP_TARGET_DISABLE, /* was enabled: log every session out, stop listening */
	CONFIG_OP_TARGET_CHANGE,  /* ids, driver, default_target or max_channels differ (`what`) */
	CONFIG_OP_TARGET_LIMITS,  /* what an initiator may have differs (`what`): sessions stay */
	CONFIG_OP_LISTEN_REMOVE,  /* stop accepting on `listen` of target[0]; sessions stay */
	CONFIG_OP_LISTEN_ADD, /* accept on `listen` of target[1]; both only where it stays enabled */
	CONFIG_OP_GROUP_REMOVE,  /* group[0] is gone */
	CONFIG_OP_GROUP_ADD,     /* group[1] is new */
	CONFIG_OP_GROUP_ACCESS,  /* patterns, order of groups or allow_any differ: ask
				   * config_match_group() again for every session */
	CONFIG_OP_GROUP_LUNS,    /* the map differs: REPORTED LUNS DATA HAS CHANGED */
	CONFIG_OP_TARGET_ADD,    /* make target[1] with all its groups; listen when it is enabled */
	CONFIG_OP_TARGET_ENABLE, /* was disabled: start listening */
	CONFIG_OP_DEVICE_EXPL_ALUA, /* initiators may, or may no longer, set access states of device[1] */
	CONFIG_OP_DGROUP_REMOVE, /* dgroup[0] is gone: its devices are reached through all ports alike */
	CONFIG_OP_DGROUP_ADD,    /* dgroup[1] is new */
	CONFIG_OP_DGROUP_CHANGE, /* it has other devices, groups, ports, states or programs (`what`) */
	CONFIG_OP_DEVICE_REMOVE, /* close device[0]; no LUN of the new model names it */
	CONFIG_OP_COUNT
};

/* [0] is of the old model and [1] of the new one; NULL where there is none or it does not apply. */
struct config_op {
	enum config_op_type type;
	const struct config_device *device[2];
	const struct config_target *target[2];
	const struct config_group *group[2];
	const struct config_listen *listen;
	const struct config_dgroup *dgroup[2];
	const char *what; /* the word that differs (the first, when several do), or NULL; static */
};

struct config_diff {
	struct config_op *ops; /* borrows from both models */
	unsigned n;            /* 0: the models mean the same */
};

/**
 * config_diff() - compare two models
 * @ret: set on success; release with config_diff_free() while both models still live
 *
 * A target that is added or removed brings no operations for its groups and listeners; the groups of a
 * target that changes do. The map of any_group is compared like a group's (its name is "").
 *
 * Return: 0 or -ENOMEM.
 * Context: any thread.
 */
must_check int config_diff(struct config_diff *ret, const struct config *from,
			   const struct config *to);
void config_diff_free(struct config_diff *d);

/* One line for logs and `srptctl`: "device disk01: resize to 1073741824 bytes"; cut to @len. */
void config_op_format(const struct config_op *op, char *buf, size_t len);
