/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of srptctl share: its options, its exit codes, its commands, aligned tables. */
#pragma once

#include <stdio.h>

#include <jansson.h>

#include "base/util.h"

/* The exit codes; srptctl(8) documents them. */
enum srptctl_exit {
	SRPTCTL_OK = 0,
	SRPTCTL_FAILED = 1,
	SRPTCTL_USAGE = 2,
	SRPTCTL_NO_DAEMON = 3,
	SRPTCTL_NOT_FOUND = 4,
	SRPTCTL_EXISTS = 5,
	SRPTCTL_BUSY = 6,
	SRPTCTL_NOT_PERMITTED = 7,
	SRPTCTL_TIMEOUT = 8
};

struct srptctl {
	const char *socket;
	unsigned timeout_ms;
	bool json;
	int deadline_s; /* of device suspend, as the next: -1: not given */
	int for_s;
	const char *restore; /* of device reservations; NULL: not given */
	unsigned n_args;     /* what stands behind the command */
	char **args;
};

/**
 * srptctl_call() - call the daemon; failure is told on standard error
 * @params:     the reference is taken over; may be NULL
 * @ret_result: set on SRPTCTL_OK; the caller json_decref()s it
 */
must_check enum srptctl_exit srptctl_call(const struct srptctl *s, const char *method,
					  json_t *params, json_t **ret_result);

/* Likewise, and show its result with @show, or with --json as it is. */
must_check enum srptctl_exit srptctl_show(const struct srptctl *s, const char *method,
					  json_t *params,
					  enum srptctl_exit (*show)(const json_t *result));
/* Likewise, of a method whose result says nothing. */
must_check enum srptctl_exit srptctl_do(const struct srptctl *s, const char *method,
					json_t *params);

/* "srptctl: OBJECT: reason" on standard error. */
void srptctl_error(const char *object, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Print @v as JSON. SRPTCTL_FAILED when standard output does not take it. */
must_check enum srptctl_exit srptctl_print_json(const json_t *v);

/* The commands. */
enum srptctl_exit srptctl_status(const struct srptctl *s);
enum srptctl_exit srptctl_session_list(const struct srptctl *s);
enum srptctl_exit srptctl_login_info(const struct srptctl *s);
enum srptctl_exit srptctl_device_eject(const struct srptctl *s);
enum srptctl_exit srptctl_device_insert(const struct srptctl *s);
enum srptctl_exit srptctl_device_suspend(const struct srptctl *s);
enum srptctl_exit srptctl_device_resume(const struct srptctl *s);
enum srptctl_exit srptctl_fault_add(const struct srptctl *s);
enum srptctl_exit srptctl_fault_list(const struct srptctl *s);
enum srptctl_exit srptctl_fault_clear(const struct srptctl *s);
enum srptctl_exit srptctl_device_reservations(const struct srptctl *s);
enum srptctl_exit srptctl_group_list(const struct srptctl *s);
enum srptctl_exit srptctl_group_set(const struct srptctl *s);
enum srptctl_exit srptctl_group_get(const struct srptctl *s);
enum srptctl_exit srptctl_reload(const struct srptctl *s);
enum srptctl_exit srptctl_upgrade(const struct srptctl *s);
enum srptctl_exit srptctl_rpc(const struct srptctl *s);

/* --- values of an answer; a missing one is "" or 0, so that a newer or older daemon is still shown --- */

const char *srptctl_str(const json_t *object, const char *key);
long long srptctl_int(const json_t *object, const char *key);
/* The strings and numbers of @array joined by a space; those that fit in @len bytes. */
void srptctl_join(const json_t *array, char *buf, size_t len);

/* --- tables: cells are gathered, then printed with columns as wide as their widest cell --- */

#define TABLE_COLUMNS_MAX 16u
#define TABLE_CELL_MAX    160u

struct table {
	unsigned n_columns;
	const char *const *heads; /* a leading '>' aligns the column to the right */
	char **cells;
	size_t n_cells;
	size_t cap;
	bool failed; /* no memory */
};

void table_init(struct table *t, const char *const *heads, unsigned n_columns);
/* Add one cell; control characters are replaced, so a name cannot steer the terminal. "" shows as "-". */
void table_add(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Print to standard output and release. */
enum srptctl_exit table_print(struct table *t);

/* "1.5 GiB"; "2d 03:04:05". @buf of 32 bytes suffices. */
const char *table_bytes(unsigned long long bytes, char *buf, size_t len);
const char *table_seconds(unsigned long long s, char *buf, size_t len);
