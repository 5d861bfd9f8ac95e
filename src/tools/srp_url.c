/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/srp_url.h"

#include <string.h>

#define SCHEME       "srp://"
#define DEFAULT_PORT 5555
#define LUN_MAX      16383u

bool url_is(const char *text)
{
	return strncmp(text, SCHEME, sizeof(SCHEME) - 1) == 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool parse_hex(const char *p, size_t len, uint64_t *ret)
{
	uint64_t v = 0;

	if (len > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		p += 2;
		len -= 2;
	}
	if (!len || len > 16)
		return false;
	for (size_t i = 0; i < len; i++) {
		int d = hex_digit(p[i]);

		if (d < 0)
			return false;
		v = v << 4 | (unsigned)d;
	}
	*ret = v;
	return true;
}

static bool parse_decimal(const char *p, size_t len, unsigned max, unsigned *ret)
{
	unsigned v = 0;

	if (!len || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(p[i] - '0');
	}
	*ret = v;
	return v <= max;
}

bool url_parse_ids(const char *text, size_t len, uint64_t *ret_ext, uint64_t *ret_guid)
{
	const char *colon = memchr(text, ':', len);

	return colon && parse_hex(text, (size_t)(colon - text), ret_ext) &&
	       parse_hex(colon + 1, len - (size_t)(colon - text) - 1, ret_guid);
}

/* Return: what follows the host and port, or NULL with *@fault set. */
static const char *parse_authority(const char *p, struct url *u, const char **fault)
{
	const char *host = p;
	size_t len;
	unsigned port = DEFAULT_PORT;

	if (*p == '[') {
		host = p + 1;
		len = strcspn(host, "]");
		p = host + len;
		if (*p++ != ']') {
			*fault = "the address has no closing bracket";
			return NULL;
		}
	} else {
		len = strcspn(host, ":/");
		p = host + len;
	}
	if (!len || len >= sizeof(u->host)) {
		*fault = "the host is missing or too long";
		return NULL;
	}
	memcpy(u->host, host, len);
	if (*p == ':') {
		size_t n = strcspn(++p, "/");

		if (!parse_decimal(p, n, 65535, &port) || !port) {
			*fault = "the port must be a number from 1 to 65535 (IPv6 addresses need "
				 "brackets)";
			return NULL;
		}
		p += n;
	}
	u->port = (uint16_t)port;
	return p;
}

const char *url_parse(const char *text, struct url *ret)
{
	struct url u = { .text = text };
	const char *fault = NULL;
	const char *p;

	if (!url_is(text))
		return "a target address starts with srp://";
	p = parse_authority(text + sizeof(SCHEME) - 1, &u, &fault);
	if (!p)
		return fault;
	if (*p && *p != '/')
		return "a bracket is followed by :port, /path or nothing";
	while (*p == '/' && p[1]) {
		size_t n = strcspn(++p, "/");

		if (u.has_lun)
			return "something follows the LUN";
		if (memchr(p, ':', n)) {
			if (!url_parse_ids(p, n, &u.id_ext, &u.ioc_guid))
				return "target ids are id_ext:ioc_guid, up to 16 hex digits each";
		} else {
			if (!parse_decimal(p, n, LUN_MAX, &u.lun))
				return "the LUN must be a number from 0 to 16383";
			u.has_lun = true;
		}
		p += n;
	}
	*ret = u;
	return NULL;
}
