/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "config/attr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "config/errors.h"

static bool attr_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The value of a hex digit, or -1. */
static int attr_hex_digit(char c)
{
	c = errors_lower(c);
	if (attr_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool attr_name_char(char c)
{
	return attr_digit(c) || (errors_lower(c) >= 'a' && errors_lower(c) <= 'z') ||
	       (c && strchr("._:@+-", c));
}

const char *attr_bool(const char *text, bool *ret)
{
	if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
		return "0 or 1";
	*ret = text[0] == '1';
	return NULL;
}

/* Digits at the start of @text; returns where they end, NULL when there are none or too many. */
static const char *attr_digits(const char *text, uint64_t *ret)
{
	uint64_t v = 0;

	if (!attr_digit(*text))
		return NULL;
	for (; attr_digit(*text); text++)
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
			return NULL;
	*ret = v;
	return text;
}

const char *attr_uint(const char *text, uint64_t *ret)
{
	uint64_t v;
	const char *end = attr_digits(text, &v);

	if (!end || *end)
		return "a whole number";
	*ret = v;
	return NULL;
}

const char *attr_size(const char *text, uint64_t *ret)
{
	static const char units[] = "kmgt";
	static const char allowed[] = "a size above 0, as 4096, 64K, 512M, 20G or 2T";
	const char *unit;
	uint64_t v;
	const char *end = attr_digits(text, &v);

	if (!end)
		return allowed;
	if (*end) {
		unsigned shift;

		unit = strchr(units, errors_lower(*end));
		if (!unit || end[1])
			return allowed;
		shift = 10u * (unsigned)(unit - units + 1);
		if (v > (uint64_t)INT64_MAX >> shift)
			return "a size below 8 EiB";
		v <<= shift;
	}
	if (v > (uint64_t)INT64_MAX)
		return "a size below 8 EiB";
	if (!v)
		return allowed;
	*ret = v;
	return NULL;
}

const char *attr_hex64(const char *text, uint64_t *ret)
{
	static const char allowed[] = "1 to 16 hex digits, as 0002c90300a0dd01";
	uint64_t v = 0;
	size_t n = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	for (; attr_hex_digit(text[n]) >= 0; n++)
		v = v << 4 | (uint64_t)attr_hex_digit(text[n]);
	if (!n || n > 16 || text[n])
		return allowed;
	*ret = v;
	return NULL;
}

static bool power_of_two(const char *text, uint32_t max, uint32_t *ret)
{
	uint64_t v;

	if (attr_uint(text, &v) || v < 512 || v > max || (v & (v - 1)))
		return false;
	*ret = (uint32_t)v;
	return true;
}

const char *attr_block_size(const char *text, uint32_t *ret)
{
	return power_of_two(text, 4096, ret) ? NULL : "512, 1024, 2048 or 4096";
}

const char *attr_physical_size(const char *text, uint32_t *ret)
{
	return power_of_two(text, 65536, ret) ? NULL : "a power of two from 512 to 65536";
}

static const char *const attr_levels[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

const char *attr_log_level_name(enum log_level level)
{
	return attr_levels[level];
}

const char *attr_log_level(const char *text, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(attr_levels); i++)
		if (!strcmp(text, attr_levels[i])) {
			*ret = (enum log_level)i;
			return NULL;
		}
	return "error, warn, info or debug";
}

const char *attr_access(const char *text, enum config_access *ret)
{
	for (unsigned i = 0; i < CONFIG_ACCESS_COUNT; i++)
		if (!strcmp(text, config_access_name((enum config_access)i))) {
			*ret = (enum config_access)i;
			return NULL;
		}
	return CONFIG_ACCESS_STATES;
}

/* @host to an address with @port; false when it is none. */
static bool attr_address(const char *host, uint16_t port, struct config_listen *ret)
{
	struct config_listen_ib ib = { .family = AF_IB, .port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(&ret->addr, 0, sizeof(ret->addr));
	if (!strcmp(host, "ib")) {
		memcpy(&ret->addr, &ib, sizeof(ib));
		ret->addr_len = sizeof(ib);
		return true;
	}
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		memcpy(&ret->addr, &v4, sizeof(v4));
		ret->addr_len = sizeof(v4);
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
		memcpy(&ret->addr, &v6, sizeof(v6));
		ret->addr_len = sizeof(v6);
		return true;
	}
	return false;
}

const char *attr_listen(const char *text, struct config_listen *ret)
{
	static const char allowed[] =
		"ADDRESS, IPV4:PORT, [IPV6]:PORT or ib:PORT with numeric addresses, as "
		"0.0.0.0:5555 or [fd00::1]:5555";
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t host_len;
	uint64_t port = CONFIG_DEFAULT_PORT;

	if (attr_address(text, CONFIG_DEFAULT_PORT, ret))
		return NULL;
	if (text[0] == '[' && text[strlen(text) - 1] == ']')
		colon = text + strlen(text);
	if (!colon)
		return allowed;
	if (*colon && (attr_uint(colon + 1, &port) || !port || port > 65535))
		return "a port from 1 to 65535";
	host_len = (size_t)(colon - text);
	if (text[0] == '[') {
		if (host_len < 2 || text[host_len - 1] != ']')
			return allowed;
		text++;
		host_len -= 2;
	} else if (memchr(text, ':', host_len)) {
		return "[IPV6]:PORT: the brackets part address and port";
	}
	if (host_len >= sizeof(host))
		return allowed;
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	return attr_address(host, (uint16_t)port, ret) ? NULL : allowed;
}

const char *attr_name(const char *text)
{
	size_t n = strlen(text);

	if (!n || n > CONFIG_NAME_MAX)
		return "a name of 1 to 63 bytes";
	for (; *text; text++)
		if (!attr_name_char(*text))
			return "a name of letters, digits and . _ : @ + -";
	return NULL;
}

const char *attr_pattern(char *text)
{
	const char *body = text[0] == '!' ? text + 1 : text;
	bool in_set = false;

	if (!*body)
		return "a port id as 0x and 32 hex digits or an address, with * ? [ ]";
	if (strlen(text) > 255)
		return "a pattern of at most 255 bytes";
	for (char *p = text; *p; p++)
		*p = errors_lower(*p);
	for (const char *p = body; *p; p++) {
		bool set_char = in_set && strchr("!-", *p);

		if (attr_hex_digit(*p) < 0 && !strchr("x.:*?[]", *p) && !set_char)
			return "a port id as 0x and 32 hex digits or a numeric address, with * ? [ "
			       "]";
		if (*p == '[' && in_set)
			return "one [ to each ]";
		if (*p == ']' && (!in_set || p[-1] == '[' || p[-1] == '!'))
			return "one [ to each ], with something in between";
		in_set = *p == '[' || (in_set && *p != ']');
	}
	return in_set ? "one [ to each ]" : NULL;
}
