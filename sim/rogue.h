/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Initiators that do not follow the rules: private data of any kind, logins in storms and under the name of
 * another host, more requests than they have credit for, units that are cut off, contradict themselves or
 * answer nothing, memory that is not there, silence, and going at any time. The target may do with their
 * connections what it likes; but it must live on, and the others must not notice.
 */
#pragma once

#include "fabric/fabric.h"

#define ROGUES_MAX 4u

void rogue_new(unsigned index, struct fab *f);
/* Stop: no connection is left afterwards. */
void rogue_free(unsigned index);
/* Is what fabric_who() gave one of them? */
bool rogue_is(const void *who);
