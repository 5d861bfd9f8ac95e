/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The configuration of the simulated srptd, as the text that its parser reads. */
#pragma once

#include "config/config.h"
#include "sim/proc.h"

#define PROC_PORT     5555u
#define PROC_ID_EXT   0x0002c90300a0dd01ull
#define PROC_IOC_GUID 0x0002c90300a0dd00ull

/* Write @c as text and read that. Return: 0 and *@ret, to be released with config_free(), or -ENOMEM. */
int proc_parse(const struct proc_config *c, const struct proc_opts *o, struct config **ret);
