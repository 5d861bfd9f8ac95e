/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What of a unit outlives the process: mode pages that were saved (MODE SELECT with SP), persistent reservations
 * while APTPL is on, access states of target port groups that were changed, that it
 * is being erased or that this has failed, identifying information, that reservations are lost, and the unit attentions that tell of such changes and were not heard yet. As bytes that the
 * caller keeps; when, says SCSI_ACT_SAVE.
 */
#pragma once

#include "scsi/lu.h"

/* Longest that scsi_lu_save() writes. */
#define SCSI_SAVED_MAX (16u << 10)

/**
 * scsi_lu_save() - write down what is to be kept of @lu now
 * @buf: SCSI_SAVED_MAX bytes
 *
 * Return: number of bytes. Context: home worker.
 */
size_t scsi_lu_save(const struct scsi_lu *lu, uint8_t *buf);

/**
 * scsi_lu_restore() - give a unit what scsi_lu_save() wrote
 *
 * Before any nexus maps it. What a unit attention is owed to gets it when it comes, behind POWER ON. Return: 0, or
 * -EINVAL when it is nothing scsi_lu_save() writes; then nothing changed. Context: home worker.
 */
must_check int scsi_lu_restore(struct scsi_lu *lu, const uint8_t *buf, size_t len);

/* --- for the files of this folder --- */

/* @itl has come to its unit: what it is owed from before is in its queue now. */
void saved_owed_take(struct scsi_itl *itl);
