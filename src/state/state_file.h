/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A file that keeps one value across crashes and power cuts: records are appended, each the whole value with a
 * number and a checksum, and stable before save() returns; the last whole one counts. When the file has become
 * long, the value goes to a new file that takes its name.
 *
 *   file    8 bytes "SRPTDST1", then records
 *   record  magic, length of the value, number (8 bytes), CRC32C of the three and the value; then the value
 *
 * Everything here blocks, so it is for the start and for the helper. One user at a time.
 */
#pragma once

#include "base/util.h"

#define STATE_VALUE_MAX   (64u << 10)
#define STATE_COMPACT_LEN (256u << 10) /* a file longer than this is written anew */

struct state_file;

/* What state_file_open() finds. */
struct state_found {
	uint8_t *buf; /* in: room for STATE_VALUE_MAX bytes; gets the value */
	size_t len;   /* of the value; 0: there is none yet */
	size_t cut; /* bytes behind the last whole record, which were cut off: a crash came in between */
	size_t n_damaged; /* records before it that are damaged, which is no loss: each holds the whole value */
	bool lost; /* values that were stable are damaged, and @buf has an older one or none: not by a crash. It is
		    * found again until the next save */
};

/**
 * state_file_open() - open @path, or create it, and find its value
 * @found: what is in it
 * @err:   on failure a sentence for the user, of at most @err_len bytes
 *
 * Return: 0 or -errno (-EBUSY: another program has it; -EINVAL: it is something else).
 */
must_check int state_file_open(struct state_file **ret, const char *path, struct state_found *found,
			       char *err, size_t err_len);

/**
 * state_file_save() - replace the value; it is stable when this returns 0
 * @len: at most STATE_VALUE_MAX
 *
 * Return: 0 or -errno: then the value is the old one or the new one, and the next save() starts a new file.
 */
must_check int state_file_save(struct state_file *f, const void *value, size_t len);

/* NULL is accepted; returns NULL. */
struct state_file *state_file_close(struct state_file *f);

/* For tests: called before each call that changes something on the disk; other than 0: that fails so. */
extern int (*state_file_step)(void);
