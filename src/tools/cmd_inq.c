/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cur.h"
#include "tools/srp_disk.h"
#include "tools/srp_main1.h"
#include "wire/cdb.h"

#define PAGE_BYTES 1024u

static const struct opt_help help = {
	.usage = "srp inq [OPTION]... URL",
	.text = "Show what a LUN says about itself: INQUIRY data and its vital product data (VPD)\n"
		"pages, decoded. With --page only that page, with --hex as bytes.",
	.example = "  srp inq srp://127.0.0.1/0\n  srp inq --page 0xb0 --hex srp://127.0.0.1/0",
};

struct inq_args {
	struct conn_args conn;
	uint64_t page;
	bool hex;
};

static void print_hex(const uint8_t *p, size_t len)
{
	for (size_t at = 0; at < len; at += 16) {
		size_t n = min_size(16, len - at);

		(void)printf("  %04zx ", at);
		for (size_t i = 0; i < 16; i++)
			(void)printf(i < n ? " %02x" : "   ", i < n ? p[at + i] : 0);
		(void)printf("  ");
		for (size_t i = 0; i < n; i++)
			(void)putchar(isprint(p[at + i]) ? p[at + i] : '.');
		(void)putchar('\n');
	}
}

static void print_text(const char *name, const uint8_t *p, size_t len)
{
	(void)printf("  %-22s ", name);
	for (size_t i = 0; i < len; i++)
		(void)putchar(isprint(p[i]) ? p[i] : '.');
	(void)putchar('\n');
}

static void print_number(const char *name, uint64_t v, const char *unit)
{
	(void)printf("  %-22s %llu%s%s\n", name, ull(v), *unit ? " " : "", unit);
}

static void print_standard(struct cur c)
{
	uint8_t b[8];

	cur_copy(&c, b, sizeof(b));
	(void)printf("standard INQUIRY\n");
	(void)printf("  %-22s 0x%02x%s\n", "device type", b[0] & 0x1f,
		     b[0] >> 5            ? " (no LUN here)"
		     : (b[0] & 0x1f) == 0 ? " (disk)"
					  : "");
	print_number("SPC version", b[2], "");
	(void)printf("  %-22s %s%s%s%s\n", "flags", b[1] & 0x80 ? "removable " : "",
		     b[3] & 0x20 ? "NormACA " : "", b[7] & 0x02 ? "CmdQue " : "",
		     b[5] & 0x01 ? "PROTECT" : "");
	print_text("vendor", cur_left(&c) >= 28 ? c.p + 8 : b, cur_left(&c) >= 28 ? 8 : 0);
	print_text("product", cur_left(&c) >= 28 ? c.p + 16 : b, cur_left(&c) >= 28 ? 16 : 0);
	print_text("revision", cur_left(&c) >= 28 ? c.p + 32 : b, cur_left(&c) >= 28 ? 4 : 0);
}

static void print_designator(uint8_t code_set, uint8_t type, const uint8_t *p, size_t len)
{
	static const char *const name[] = { "vendor specific", "T10 vendor id", "EUI-64",   "NAA",
					    "relative port",   "port group",    "LU group", "MD5",
					    "SCSI name" };

	(void)printf("  %-22s ", type < ARRAY_SIZE(name) ? name[type] : "designator");
	for (size_t i = 0; i < len; i++) {
		if (code_set >= 2)
			(void)putchar(isprint(p[i]) ? p[i] : '.');
		else
			(void)printf("%02x", p[i]);
	}
	(void)putchar('\n');
}

static void print_designators(struct cur c)
{
	while (cur_left(&c) >= 4) {
		uint8_t code_set = cur_u8(&c) & 0x0f;
		uint8_t type = cur_u8(&c) & 0x0f;
		uint8_t len;
		const uint8_t *p;

		cur_skip(&c, 1);
		len = cur_u8(&c);
		p = cur_take(&c, len);
		if (p)
			print_designator(code_set, type, p, len);
	}
}

static void print_limits(struct cur c)
{
	cur_skip(&c, 2);
	print_number("optimal granularity", cur_be16(&c), "blocks");
	print_number("maximum transfer", cur_be32(&c), "blocks (0: no limit)");
	print_number("optimal transfer", cur_be32(&c), "blocks");
	cur_skip(&c, 4);
	print_number("maximum UNMAP", cur_be32(&c), "blocks");
	print_number("UNMAP descriptors", cur_be32(&c), "");
	print_number("UNMAP granularity", cur_be32(&c), "blocks");
	cur_skip(&c, 4);
	print_number("maximum WRITE SAME", (uint64_t)cur_be32(&c) << 32 | cur_be32(&c), "blocks");
}

static void print_characteristics(struct cur c)
{
	uint16_t rate = cur_be16(&c);

	if (rate == 1)
		(void)printf("  %-22s %s\n", "medium", "does not rotate");
	else
		print_number("rotation rate", rate, "rpm (0: not reported)");
}

static void print_provisioning(struct cur c)
{
	uint8_t flags;

	cur_skip(&c, 1);
	flags = cur_u8(&c);
	(void)printf("  %-22s %s%s%s%s\n", "unmap by", flags & 0x80 ? "UNMAP " : "",
		     flags & 0x40 ? "WRITE SAME(16) " : "", flags & 0x20 ? "WRITE SAME(10) " : "",
		     flags & 0xe0 ? "" : "nothing");
	(void)printf("  %-22s %s\n", "unmapped blocks read",
		     flags & 0x1c ? "as zeroes" : "as anything");
	print_number("provisioning type", cur_u8(&c) & 7, "(1 full, 2 thin)");
}

static void print_page(uint8_t code, const uint8_t *page, size_t len)
{
	struct cur c = cur_of(page + 4, len - 4);

	switch (code) {
	case 0x00:
		(void)printf("supported VPD pages\n  ");
		while (cur_left(&c))
			(void)printf(" %02x", cur_u8(&c));
		(void)putchar('\n');
		break;
	case 0x80:
		(void)printf("unit serial number (80)\n");
		print_text("serial number", page + 4, len - 4);
		break;
	case 0x83:
		(void)printf("device identification (83)\n");
		print_designators(c);
		break;
	case 0xb0:
		(void)printf("block limits (b0)\n");
		print_limits(c);
		break;
	case 0xb1:
		(void)printf("block device characteristics (b1)\n");
		print_characteristics(c);
		break;
	case 0xb2:
		(void)printf("logical block provisioning (b2)\n");
		print_provisioning(c);
		break;
	default:
		(void)printf("VPD page %02x, %zu bytes\n", code, len);
		print_hex(page, len);
		break;
	}
}

/* Fetch page @code (-1: standard data). Return: 0, or an exit code after a complaint. */
static int fetch(struct sess *s, int code, uint8_t *page, size_t *ret_len)
{
	struct srp_io io = { 0 };
	char text[160];
	int r;

	io.cdb_len = (uint8_t)cdb_put_inquiry(io.cdb, code, PAGE_BYTES);
	r = disk_in(s, srp_lun(s->url->lun), &io, page, PAGE_BYTES);
	if (r)
		return r;
	if (!io_ok(&io))
		return complain(s->url->text, "page %02x: %s", code < 0 ? 0 : code,
				io_text(&io, text, sizeof(text)));
	*ret_len = code < 0 ? 5u + page[4] : 4u + get_be16(page + 2);
	*ret_len = min_size(*ret_len, PAGE_BYTES - (size_t)(io.residual > 0 ? io.residual : 0));
	if (*ret_len < 4 || (code >= 0 && page[1] != code))
		return complain(s->url->text, "the answer for page %02x is not that page",
				code < 0 ? 0 : code);
	return 0;
}

static int show(struct sess *s, int code, bool hex)
{
	uint8_t page[PAGE_BYTES];
	size_t len = 0;
	int r = fetch(s, code, page, &len);

	if (r)
		return r;
	if (hex)
		print_hex(page, len);
	else if (code < 0)
		print_standard(cur_of(page, len));
	else
		print_page((uint8_t)code, page, len);
	return 0;
}

static int work(struct sess *s, void *user)
{
	const struct inq_args *a = user;
	uint8_t pages[PAGE_BYTES];
	size_t n = 0;
	int r;

	if (a->page != UINT64_MAX)
		return show(s, (int)a->page, a->hex);
	r = show(s, -1, a->hex);
	if (r)
		return r;
	r = fetch(s, 0, pages, &n);
	for (size_t i = 4; i < n && !r; i++)
		r = show(s, pages[i], a->hex);
	return r;
}

int cmd_inq(int argc, char **argv)
{
	struct inq_args a = { .page = UINT64_MAX };
	const struct opt opts[] = {
		{ "page", 'p', OPT_NUMBER, &a.page, "CODE", "only this VPD page" },
		{ "hex", 'x', OPT_FLAG, &a.hex, NULL, "show bytes" },
		OPT_CONN(&a.conn),
		{ 0 },
	};
	const struct main1 m = { "inq", opts, &help, &a.conn, work, &a };

	(void)argc;
	return main1_run(&m, argv);
}
