/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What operator.c needs of the process. */
#pragma once

#include "sim/proc.h"

struct daemon;

/* Have @fn called in a round of the control worker, once however often it is asked for before; nobody calls it when the
 * process is not there. It finds out itself whether SIGTERM has come since. */
void proc_ask(void (*fn)(void));
/* Until SIGTERM is taken; else NULL. */
const struct daemon *proc_daemon(void);
/* The unit of disk @disk; NULL: it has none. */
struct tgt_unit *proc_unit(unsigned disk);
