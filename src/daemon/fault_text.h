/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Faults as words: what operators write and read. No effects. */
#pragma once

#include "target/fault.h"

#define FAULT_TEXT_MAX 160u

/* Each returns NULL, or what is allowed, in words. */
const char *fault_text_value(const char *text,
			     struct fault_spec *ret); /* of its kind: "500", "MEDIUM ERROR/11/00" */
const char *fault_text_on(const char *text, struct fault_spec *ret);    /* "read,write,0x85" */
const char *fault_text_lbas(const char *text, struct fault_spec *ret);  /* "100" or "100-200" */
const char *fault_text_port(const char *text, struct srp_port_id *ret); /* "0x" and 32 hex digits */

/* The other way round; cut to @len. */
void fault_text_put_value(const struct fault_spec *f, char *buf, size_t len);
void fault_text_put_on(const struct fault_spec *f, char *buf, size_t len);
