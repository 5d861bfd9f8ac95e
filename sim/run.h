/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One run: the world is made, goes its way, comes to rest, and must be left clean. */
#pragma once

#include "base/util.h"

struct fab;
struct host;
struct scenario;

/* A run of @s; returns when all is well. */
void run_scenario(const struct scenario *s);
/* The same world, but what happens in it is said by @play. */
void run_script(const struct scenario *s, void (*play)(struct host **all));
/* Go on until @done, for @within_ns at most. Return: whether it is. */
bool run_until(uint64_t within_ns, bool (*done)(void));
/* It must be. */
void run_must(uint64_t within_ns, bool (*done)(void), const char *what);
struct fab *run_fabric(void);
