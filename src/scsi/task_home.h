/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What task.c and task_home.c share. */
#pragma once

#include "scsi/answer.h"

/* scsi_task_step() of a task that was routed home. */
struct scsi_act task_home_step(struct scsi_task *t, const struct scsi_event *ev);

/* Nothing stands in the way of the command but what is in its CDB, whose bits are allowed. */
struct scsi_act task_start_cmd(struct scsi_task *t);
/* The action under way has ended as @ev says. */
struct scsi_act task_continue(struct scsi_task *t, const struct scsi_event *ev);
void task_nothing_moved(struct scsi_task *t);
