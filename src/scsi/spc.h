/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Handlers of the primary commands (SPC-5) and what their files share. Home worker. */
#pragma once

#include "scsi/answer.h"

struct scsi_act spc_test_unit_ready(struct scsi_task *t); /* any worker */
struct scsi_act spc_request_sense(struct scsi_task *t);
struct scsi_act spc_inquiry(struct scsi_task *t);
struct scsi_act spc_mode_sense_6(struct scsi_task *t);
struct scsi_act spc_mode_sense_10(struct scsi_task *t);
struct scsi_act spc_mode_select(struct scsi_task *t);
struct scsi_act spc_reserve(struct scsi_task *t);
struct scsi_act spc_release(struct scsi_task *t);
struct scsi_act spc_pr_read_keys(struct scsi_task *t);
struct scsi_act spc_pr_read_reservation(struct scsi_task *t);
struct scsi_act spc_pr_capabilities(struct scsi_task *t);
struct scsi_act spc_pr_full_status(struct scsi_task *t);
struct scsi_act spc_pr_out(struct scsi_task *t);
struct scsi_act spc_read_buffer(struct scsi_task *t);
struct scsi_act spc_write_buffer(struct scsi_task *t);
struct scsi_act spc_send_diagnostic(struct scsi_task *t);
struct scsi_act spc_log_sense(struct scsi_task *t);
struct scsi_act spc_log_select(struct scsi_task *t);
struct scsi_act spc_report_luns(struct scsi_task *t);
struct scsi_act spc_report_opcodes(struct scsi_task *t);
struct scsi_act spc_report_tpgs(struct scsi_task *t);
struct scsi_act spc_set_tpgs(struct scsi_task *t);
struct scsi_act spc_report_tmfs(struct scsi_task *t);
struct scsi_act spc_report_ident(struct scsi_task *t);
struct scsi_act spc_set_ident(struct scsi_task *t);
struct scsi_act spc_report_timestamp(struct scsi_task *t);
struct scsi_act spc_set_timestamp(struct scsi_task *t);

/* INQUIRY with EVPD 1. */
struct scsi_act spc_vpd(struct scsi_task *t);
/* First byte of INQUIRY data: peripheral qualifier and device type of where @t is addressed to. */
uint8_t spc_peripheral(const struct scsi_task *t);
/* @text, then spaces up to @width bytes (at least as many as @text has). */
void spc_put_text(struct pen *out, const char *text, size_t width);
