/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <stdio.h>

#include "base/cur.h"
#include "tools/srp_disk.h"
#include "tools/srp_main1.h"
#include "wire/cdb.h"

#define LUNS_MAX 1024u

static const struct opt_help help = {
	.usage = "srp ls [OPTION]... URL",
	.text = "List the LUNs of a target: number, size, block size, vendor, product, revision.\n"
		"A LUN that is there but not ready is listed with the reason instead of a size.",
	.example = "  srp ls srp://127.0.0.1:5555\n"
		   "  srp ls srp://[fe80::1%eth0]:5555/2c4a9e0000000001:2c4a9e0000000001",
};

static void print_lun(const struct disk *d, int not_ready, const char *why)
{
	char size[32];

	if (not_ready)
		(void)printf("%5u %11s %6s  %-8s %-16s %-4s  %s\n", d->lun_number, "-", "-",
			     d->vendor, d->product, d->revision, why);
	else
		(void)printf("%5u %11s %6u  %-8s %-16s %-4s\n", d->lun_number,
			     size_text(d->n_blocks * d->block, size, sizeof(size)), d->block,
			     d->vendor, d->product, d->revision);
}

static int list_lun(struct sess *s, const uint8_t *entry)
{
	unsigned number =
		(get_be16(entry) & 0xc000) == 0x4000 ? get_be16(entry) & 0x3fff : entry[1];
	struct disk d;
	char why[160];
	int r;

	/* Single level, peripheral or flat addressing: everything else is no disk of ours to name. */
	if ((entry[0] >> 6 != 1 && entry[0]) || get_be16(entry + 2) || get_be32(entry + 4)) {
		(void)printf("%016llx  (this kind of LUN cannot be addressed)\n",
			     ull(get_be64(entry)));
		return 0;
	}
	r = disk_identify(&d, s, number);
	if (r)
		return r;
	r = disk_size(&d, why, sizeof(why));
	if (r < 0)
		return -1 - r;
	print_lun(&d, r, why);
	return 0;
}

static int list(struct sess *s, void *user)
{
	static uint8_t luns[8 + LUNS_MAX * 8];
	struct srp_io io = { 0 };
	char text[160];
	uint32_t n;
	int r;

	(void)user;
	io.cdb_len = (uint8_t)cdb_put_report_luns(io.cdb, 0, sizeof(luns));
	r = disk_in(s, 0, &io, luns, sizeof(luns));
	if (r)
		return r;
	if (!io_ok(&io))
		return complain(s->url->text, "%s", io_text(&io, text, sizeof(text)));
	n = min_u32(get_be32(luns) / 8, LUNS_MAX);
	if (!n) {
		(void)printf("no LUNs: the target shows none to this initiator\n");
		return 0;
	}
	(void)printf("%5s %11s %6s  %-8s %-16s %-4s\n", "LUN", "SIZE", "BLOCK", "VENDOR", "PRODUCT",
		     "REV");
	for (uint32_t i = 0; i < n && !r; i++)
		r = list_lun(s, luns + 8 + (size_t)i * 8);
	return r;
}

int cmd_ls(int argc, char **argv)
{
	struct conn_args args = { 0 };
	const struct opt opts[] = { OPT_CONN(&args), { 0 } };
	const struct main1 m = { "ls", opts, &help, &args, list, NULL };

	(void)argc;
	return main1_run(&m, argv);
}
