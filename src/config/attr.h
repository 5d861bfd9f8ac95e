/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Values of attributes: one word of text to one value. Each returns NULL or what is allowed, in words. */
#pragma once

#include "config/config.h"

const char *attr_bool(const char *text, bool *ret);
/* Decimal digits only. NULL, or "a whole number"; the range is the caller's matter. */
const char *attr_uint(const char *text, uint64_t *ret);
/* A whole number above 0 with an optional K, M, G or T (powers of 1024). */
const char *attr_size(const char *text, uint64_t *ret);
/* 1 to 16 hex digits, "0x" in front allowed. */
const char *attr_hex64(const char *text, uint64_t *ret);
const char *attr_block_size(const char *text, uint32_t *ret);
const char *attr_physical_size(const char *text, uint32_t *ret);
const char *attr_log_level(const char *text, enum log_level *ret);
const char *attr_access(const char *text, enum config_access *ret);
/* ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT. Fills addr and addr_len. */
const char *attr_listen(const char *text, struct config_listen *ret);
/* The name of a device, target or group. */
const char *attr_name(const char *text);
/* Check an INITIATOR word and lower its case in place. */
const char *attr_pattern(char *text);

/* "error", "warn", "info", "debug". */
const char *attr_log_level_name(enum log_level level);
