/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any argument of the tools as an address, as target ids and as a number: what is accepted, written out in
 * full, is accepted as the same. */
#include <inttypes.h>
#include <stdio.h>

#include "fuzz.h"
#include "tools/srp_tool.h"
#include "tools/srp_url.h"

static void url(const char *text)
{
	char full[512];
	struct url u = { .port = 1 };
	struct url v;
	const char *rest;
	bool v6;

	if (url_parse(text, &u)) {
		check(u.port == 1 && !u.text); /* untouched */
		return;
	}
	check(url_is(text) && u.text == text && u.port && u.host[0] && u.lun <= 16383);
	check(u.has_lun || !u.lun);
	check(memchr(u.host, 0, sizeof(u.host)));
	/* Nothing is stepped over: a port, a path or the end is behind the host. */
	rest = text + strlen("srp://");
	rest += *rest == '[' ? strlen(u.host) + 2 : strlen(u.host);
	check(*rest == '\0' || *rest == ':' || *rest == '/');
	v6 = strpbrk(u.host, ":/") != NULL;
	(void)snprintf(full, sizeof(full), "srp://%s%s%s:%u/%016" PRIx64 ":%016" PRIx64,
		       v6 ? "[" : "", u.host, v6 ? "]" : "", u.port, u.id_ext, u.ioc_guid);
	if (u.has_lun)
		(void)snprintf(full + strlen(full), sizeof(full) - strlen(full), "/%u", u.lun);
	/* A host that begins with a bracket but has none to end it was no host in brackets. */
	if (u.host[0] == '[')
		return;
	check(!url_parse(full, &v));
	check(strcmp(u.host, v.host) == 0 && u.port == v.port);
	check(u.id_ext == v.id_ext && u.ioc_guid == v.ioc_guid);
	check(u.has_lun == v.has_lun && u.lun == v.lun);
}

static void ids(const char *text)
{
	uint64_t ext = 1;
	uint64_t guid = 2;
	uint64_t ext2;
	uint64_t guid2;
	char full[48];
	int n;

	if (!url_parse_ids(text, strlen(text), &ext, &guid))
		return;
	n = snprintf(full, sizeof(full), "0x%" PRIX64 ":%016" PRIx64, ext, guid);
	check(n > 0 && url_parse_ids(full, (size_t)n, &ext2, &guid2));
	check(ext2 == ext && guid2 == guid);
}

static void number(const char *text)
{
	uint64_t v = 0xabcdef;
	uint64_t again;
	char full[32];

	if (!opt_number(text, &v)) {
		check(v == 0xabcdef);
		return;
	}
	check(text[0] >= '0' && text[0] <= '9');
	(void)snprintf(full, sizeof(full), "%" PRIu64, v);
	check(opt_number(full, &again) && again == v);
	/* Plain digits are taken as they stand, never as another number. */
	if (text[0] != '0' && strspn(text, "0123456789") == strlen(text))
		check(strcmp(full, text) == 0);
	if (v % 1024 == 0 && v) {
		(void)snprintf(full, sizeof(full), "%" PRIu64 "kiB", v / 1024);
		check(opt_number(full, &again) && again == v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);

	url(text);
	ids(text);
	number(text);
	free(text);
	return 0;
}
