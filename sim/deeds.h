/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What somebody in charge, or fate, does to the target: now and then, and in the middle of things. A deed
 * that can be undone is undone after a while; several may be under way at a time.
 */
#pragma once

#include "sim/scenario.h"

#define DEEDS_FORCE_NS (10 * NSEC_PER_SEC) /* what srptd gives its initiators on SIGTERM */

/* Start the target, and begin. */
void deeds_begin(const struct scenario *s, struct fab *f);
/* No more of them. */
void deeds_rest(void);
/* ... and what was not undone is undone. The target may still have to come up again. */
void deeds_end(void);
bool deeds_are_undone(void);
/* SIGTERM, and start again. */
void deeds_term(void);
/* Something begins, right now, that a deed could spoil. From anywhere. */
void deeds_moment(enum moment m);
