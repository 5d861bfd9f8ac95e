/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srp://host[:port][/id_ext:ioc_guid][/lun], IPv6 addresses in brackets. */
#pragma once

#include "base/util.h"

struct url {
	const char *text; /* as given; borrowed */
	char host[256];
	uint16_t port;
	uint64_t id_ext; /* both 0: the target's default target */
	uint64_t ioc_guid;
	bool has_lun;
	unsigned lun;
};

/* Return: NULL, or what is wrong with @text. */
const char *url_parse(const char *text, struct url *ret);
/* @text starts with srp:// */
bool url_is(const char *text);
/* "ext:guid" in hex, up to 16 digits each. Return: whether it is one. */
bool url_parse_ids(const char *text, size_t len, uint64_t *ret_ext, uint64_t *ret_guid);
