/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is played again and again while each call fails in turn: two hosts, all
 * that may happen to a channel. */
#pragma once

#include "sim/host.h"
#include "sim/scenario.h"

/* The world it is played in; @dreq: as struct scenario's. */
void script_scene(struct scenario *s, bool dreq);
void script_play(struct host **hosts);
