/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One run: the world is made, goes its way, comes to rest, and must be left clean. */
#pragma once

#include "base/util.h"

struct fab;
struct scenario;

/* A run of @s; returns when all is well. */
void run_scenario(const struct scenario *s);
struct fab *run_fabric(void);
