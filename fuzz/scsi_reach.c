/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Do the seeds of the scsi target reach everything? scsi_reach CORPUS_FOLDER runs each file once and wants every
 * command of the command table, and every form of parameter list and parameter data below, to have ended
 * well at least once. A fuzzer changes what it is given; what no seed does, it finds by luck only.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "scsi/cmd.h"
#include "scsi_fuzz.h"

#define SEED_MAX (64u << 10)

/* A command that ended well with these bits in its CDB, or in its parameter list. */
struct form {
	uint8_t opcode, service_action;
	bool in_list;
	uint16_t at;
	uint8_t mask, value;
	const char *name;
};

static const struct form forms[] = {
	{ 0x04, 0, true, 1, 0x08, 0x08, "initialization pattern" },
	{ 0x12, 0, false, 2, 0xff, 0x80, "VPD page 80h" },
	{ 0x12, 0, false, 2, 0xff, 0x83, "VPD page 83h" },
	{ 0x12, 0, false, 2, 0xff, 0x86, "VPD page 86h" },
	{ 0x12, 0, false, 2, 0xff, 0x87, "VPD page 87h" },
	{ 0x12, 0, false, 2, 0xff, 0x88, "VPD page 88h" },
	{ 0x12, 0, false, 2, 0xff, 0x8f, "VPD page 8Fh" },
	{ 0x12, 0, false, 2, 0xff, 0xb0, "VPD page B0h" },
	{ 0x12, 0, false, 2, 0xff, 0xb1, "VPD page B1h" },
	{ 0x12, 0, false, 2, 0xff, 0xb2, "VPD page B2h" },
	{ 0x12, 0, false, 2, 0xff, 0xb3, "VPD page B3h" },
	{ 0x15, 0, true, 4, 0x7f, 0x01, "page 01h" },
	{ 0x15, 0, true, 4, 0x7f, 0x02, "page 02h" },
	{ 0x15, 0, true, 4, 0x7f, 0x07, "page 07h" },
	{ 0x15, 0, true, 4, 0x7f, 0x08, "page 08h" },
	{ 0x15, 0, true, 4, 0x7f, 0x0a, "page 0Ah" },
	{ 0x15, 0, true, 4, 0x7f, 0x4a, "page 0Ah/01h" },
	{ 0x15, 0, true, 4, 0x7f, 0x1a, "page 1Ah" },
	{ 0x15, 0, true, 4, 0x7f, 0x1c, "page 1Ch" },
	{ 0x15, 0, true, 4, 0x7f, 0x5c, "page 1Ch/01h" },
	{ 0x15, 0, false, 1, 0x01, 0x01, "SP" },
	{ 0x15, 0, true, 3, 0xff, 0x08, "block descriptor" },
	{ 0x1b, 0, false, 4, 0x03, 0x02, "LOEJ" },
	{ 0x1b, 0, false, 4, 0xf0, 0x20, "power condition idle" },
	{ 0x1d, 0, false, 1, 0xe0, 0x20, "self-test code" },
	{ 0x2f, 0, false, 1, 0x06, 0x06, "BYTCHK 11b" },
	{ 0x3b, 0, false, 1, 0x1f, 0x02, "mode 02h" },
	{ 0x3b, 0, false, 1, 0x1f, 0x0a, "mode 0Ah" },
	{ 0x3c, 0, false, 1, 0x1f, 0x02, "mode 02h" },
	{ 0x3c, 0, false, 1, 0x1f, 0x03, "mode 03h" },
	{ 0x3c, 0, false, 1, 0x1f, 0x0a, "mode 0Ah" },
	{ 0x3c, 0, false, 1, 0x1f, 0x0b, "mode 0Bh" },
	{ 0x41, 0, false, 1, 0x08, 0x08, "UNMAP" },
	{ 0x42, 0, true, 3, 0xf0, 0x20, "two descriptors" },
	{ 0x48, 1, true, 0, 0x80, 0x80, "INVERT" },
	{ 0x4c, 0, false, 1, 0x02, 0x02, "PCR" },
	{ 0x4d, 0, false, 2, 0x3f, 0x02, "page 02h" },
	{ 0x4d, 0, false, 2, 0x3f, 0x03, "page 03h" },
	{ 0x4d, 0, false, 2, 0x3f, 0x05, "page 05h" },
	{ 0x4d, 0, false, 2, 0x3f, 0x06, "page 06h" },
	{ 0x4d, 0, false, 2, 0x3f, 0x0c, "page 0Ch" },
	{ 0x4d, 0, false, 2, 0x3f, 0x0d, "page 0Dh" },
	{ 0x4d, 0, false, 2, 0x3f, 0x0e, "page 0Eh" },
	{ 0x4d, 0, false, 2, 0x3f, 0x10, "page 10h" },
	{ 0x4d, 0, false, 2, 0x3f, 0x15, "page 15h" },
	{ 0x4d, 0, false, 2, 0x3f, 0x19, "page 19h" },
	{ 0x4d, 0, false, 2, 0x3f, 0x2f, "page 2Fh" },
	{ 0x55, 0, true, 8, 0x7f, 0x5c, "page 1Ch/02h" },
	{ 0x55, 0, true, 4, 0x01, 0x01, "LONGLBA" },
	{ 0x5a, 0, false, 1, 0x10, 0x10, "LLBAA" },
	{ 0x5f, 0, true, 20, 0x08, 0x08, "SPEC_I_PT" },
	{ 0x5f, 0, true, 20, 0x04, 0x04, "ALL_TG_PT" },
	{ 0x5f, 0, true, 20, 0x01, 0x01, "APTPL" },
	{ 0x5f, 6, true, 20, 0x04, 0x04, "ALL_TG_PT" },
	{ 0x5f, 7, true, 17, 0x02, 0x02, "UNREG" },
	{ 0x83, 0, true, 16, 0xff, 0xe4, "identification descriptor" },
	{ 0x83, 1, true, 48, 0xff, 0xe4, "identification descriptor" },
	{ 0x83, 0x11, true, 16, 0xff, 0x00, "a token of a unit" },
	{ 0x83, 0x11, true, 16, 0xff, 0xff, "block device zero" },
	{ 0x8f, 0, false, 1, 0x06, 0x02, "BYTCHK 01b" },
	{ 0x8f, 0, false, 1, 0x06, 0x06, "BYTCHK 11b" },
	{ 0x93, 0, false, 1, 0x01, 0x01, "NDOB" },
	{ 0x93, 0, false, 1, 0x08, 0x08, "UNMAP" },
	{ 0xa0, 0, false, 2, 0xff, 0x01, "SELECT REPORT 01h" },
	{ 0xa0, 0, false, 2, 0xff, 0x02, "SELECT REPORT 02h" },
	{ 0xa0, 0, false, 2, 0xff, 0x10, "SELECT REPORT 10h" },
	{ 0xa0, 0, false, 2, 0xff, 0x11, "SELECT REPORT 11h" },
	{ 0xa0, 0, false, 2, 0xff, 0x12, "SELECT REPORT 12h" },
	{ 0xa3, 0x05, false, 10, 0xfe, 0x04, "text" },
	{ 0xa3, 0x0a, false, 1, 0xe0, 0x20, "extended header" },
	{ 0xa3, 0x0c, false, 2, 0x07, 0x00, "all commands" },
	{ 0xa3, 0x0c, false, 2, 0x07, 0x01, "one opcode" },
	{ 0xa3, 0x0c, false, 2, 0x07, 0x02, "opcode and service action" },
	{ 0xa3, 0x0c, false, 2, 0x07, 0x03, "either" },
	{ 0xa3, 0x0c, false, 2, 0x80, 0x80, "RCTD" },
	{ 0xa3, 0x0d, false, 2, 0x80, 0x80, "REPD" },
	{ 0xa4, 0x06, false, 10, 0xfe, 0x04, "text" },
	{ 0xaf, 0, false, 1, 0x06, 0x06, "BYTCHK 11b" },
};

static bool form_seen[ARRAY_SIZE(forms)];
static bool cmd_seen[256]; /* by place in the command table */

static bool has_form(const struct scsi_task *t, const struct form *f)
{
	if (f->opcode != t->cdb[0] ||
	    (t->cmd->flags & SCSI_CMD_SA && f->service_action != t->cmd->service_action))
		return false;
	if (!f->in_list)
		return (t->cdb[f->at] & f->mask) == f->value;
	return t->data && t->out_len > f->at && (t->data[f->at] & f->mask) == f->value;
}

static bool ended_well(const struct scsi_task *t)
{
	return !t->aborted &&
	       (t->status == SCSI_STATUS_GOOD || t->status == SCSI_STATUS_CONDITION_MET);
}

/* A parameter list of length 0 is GOOD without being looked at: what may move data must have. */
static bool moved(const struct scsi_task *t)
{
	int64_t bytes = (int64_t)(t->in_len + t->out_len) + t->in_resid + t->out_resid;

	return bytes > 0 || !(t->cmd->flags & (SCSI_CMD_IN | SCSI_CMD_OUT)) ||
	       t->cmd->opcode == SCSI_OP_LOG_SELECT; /* takes no list but an empty one */
}

static void watch(const struct scsi_task *t)
{
	const struct scsi_cmd *cmd;

	if (!ended_well(t))
		return;
	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++)
		cmd_seen[i] |= cmd == t->cmd && moved(t);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		form_seen[i] |= has_form(t, &forms[i]);
}

static int run_file(const char *path)
{
	static uint8_t buf[SEED_MAX];
	FILE *f = fopen(path, "rbe");
	size_t len;
	bool bad;

	if (!f)
		return -1;
	len = fread(buf, 1, sizeof(buf), f);
	bad = ferror(f) || len == sizeof(buf);
	(void)fclose(f);
	if (bad)
		return -1;
	(void)LLVMFuzzerTestOneInput(buf, len);
	return 0;
}

/* The number of files, or -1. */
static int run_all(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int n = 0;

	while (d && n >= 0 && (e = readdir(d))) {
		char path[1024];

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		n = run_file(path) ? -1 : n + 1;
		if (n < 0)
			perror(path);
	}
	if (d)
		(void)closedir(d);
	else
		perror(folder);
	return d ? n : -1;
}

static void say(const char *what, uint8_t opcode, uint8_t service_action)
{
	const uint8_t cdb[2] = { opcode, service_action };

	printf("no seed: %02X/%02X %s: %s\n", opcode, service_action, cdb_opcode_text(cdb), what);
}

int main(int argc, char **argv)
{
	const struct scsi_cmd *cmd;
	unsigned missing = 0;
	int n;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
		return 2;
	}
	scsi_fuzz_watch = watch;
	n = run_all(argv[1]);
	if (n <= 0)
		return 1;
	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
		if (cmd_seen[i])
			continue;
		say("the command, ended well", cmd->opcode, cmd->service_action);
		missing++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (form_seen[i])
			continue;
		say(forms[i].name, forms[i].opcode, forms[i].service_action);
		missing++;
	}
	printf("%d seeds, %u missing\n", n, missing);
	return missing != 0;
}
