/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Initiators that do not follow the rules. */
#pragma once

#include "base/util.h"

/* Is what fabric_who() gave one of them? */
bool rogue_is(const void *who);
