/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * `srp inq` and `srp ls` against a target that answers anything. No command asks for more than there is
 * memory for, and what is printed is plain text, so a target cannot write escapes to a terminal.
 * Input: a byte that says which tool and which page, then answers: a status byte, a residual (4 bytes), a length
 * (2 bytes) and that much data-in.
 */
#include <stdio.h>

#include "fuzz.h"
#include "tools/srp_disk.h"
#include "tools/srp_main1.h"
#include "wire/cdb.h"

static struct cur answers;
static uint8_t choice;
static unsigned n_commands;

/* --- in the place of srp_main1.c, srp_opt.c and srp_sess.c --- */

int complain(const char *what, const char *fmt, ...)
{
	check(what && fmt);
	return EXIT_FAILED;
}

/* The bytes of data-in that the CDB asks for. */
static size_t asked_for(const uint8_t *cdb)
{
	switch (cdb[0]) {
	case SCSI_OP_INQUIRY:
		return get_be16(cdb + 3);
	case SCSI_OP_REPORT_LUNS:
		return get_be32(cdb + 6);
	case SCSI_OP_READ_CAPACITY_10:
		return 8;
	case SCSI_OP_SERVICE_ACTION_IN_16:
		return get_be32(cdb + 10);
	default:
		check_unreachable();
	}
}

int sess_exec(struct sess *s, struct srp_io *io)
{
	size_t room = io->one.iov_len;
	size_t n;
	uint8_t status = cur_u8(&answers);

	check(s && io->dir == SRP_DIR_READ && io->n_iov == 1 && !io->iov);
	check(io->cdb_len == cdb_len(io->cdb[0]) && asked_for(io->cdb) <= room);
	if (!cur_left(&answers) || n_commands++ > 3000)
		return EXIT_UNREACHABLE;
	io->outcome = status & 0x40 ? SRP_IO_ABORTED : SRP_IO_DONE;
	io->status = status & 0x3f;
	io->rsp_code = status >> 7;
	io->residual = (int32_t)cur_be32(&answers);
	if (io->residual > (int64_t)room) /* the library's promise */
		io->residual = (int64_t)room;
	n = min_size(cur_be16(&answers), cur_left(&answers));
	cur_copy(&answers, io->one.iov_base, min_size(n, room));
	cur_skip(&answers, n - min_size(n, room));
	return 0;
}

const char *io_text(const struct srp_io *io, char *buf, size_t size)
{
	(void)io;
	(void)snprintf(buf, size, "failed");
	return buf;
}

int main1_run(const struct main1 *m, char **argv)
{
	static const struct url url = { .text = "srp://fuzz", .port = 1, .lun = 3 };
	struct sess s = { .url = &url, .args = m->args };

	check(argv && m->name && m->help);
	for (const struct opt *o = m->opts; o->name; o++) {
		if (strcmp(o->name, "page") == 0 && choice & 2)
			*(uint64_t *)o->to = choice >> 3;
		if (strcmp(o->name, "hex") == 0)
			*(bool *)o->to = choice & 4;
	}
	return m->work(&s, m->user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *argv[] = { NULL };
	FILE *terminal = stdout;
	char *text = NULL;
	size_t text_len = 0;
	FILE *out = open_memstream(&text, &text_len);

	check(out);
	answers = cur_of(data, len);
	choice = cur_u8(&answers);
	n_commands = 0;
	stdout = out;
	(void)(choice & 1 ? cmd_ls(0, argv) : cmd_inq(0, argv));
	stdout = terminal;
	check(fclose(out) == 0);
	for (size_t i = 0; i < text_len; i++)
		check((text[i] >= ' ' && text[i] < 0x7f) || text[i] == '\n');
	free(text);
	return 0;
}
