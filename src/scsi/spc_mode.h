/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Mode pages as MODE SENSE and MODE SELECT see them. Home worker. */
#pragma once

#include "scsi/spc.h"

#define MODE_BODY_MAX 0x26
#define MODE_PAGE_SPF \
	0x40 /* of a page's first byte: its header has a subpage and a longer length */

struct mode_page {
	bool (*there)(const struct scsi_lu *lu); /* NULL: every unit has it */
	uint8_t code;
	uint8_t subpage; /* 0: it has the short header, without one */
	uint8_t len;     /* of the body, after code and length */
	/* Write the body, which is all zero before, for unit @lu with settings @m. */
	void (*put)(uint8_t *body, const struct scsi_lu *lu, const struct scsi_mode *m);
	/* Set the bits that MODE SELECT may change; NULL: none. */
	void (*mask)(uint8_t *body, const struct scsi_lu *lu);
	/* Read what may change from a body into @m. Return: the byte whose value there is none, or -1. */
	int (*change)(const uint8_t *body, struct scsi_mode *m);
};

/* The page, or NULL where @lu has none. */
const struct mode_page *mode_page_find(const struct scsi_lu *lu, uint8_t code, uint8_t subpage);
