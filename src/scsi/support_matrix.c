/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Writes docs/protocol/scsi.md from the command table to standard output; with the name of a file,
 * says instead whether that file is what it would write (exit 0) or not (exit 1).
 */
#include <stdio.h>
#include <stdlib.h>

#include "scsi/cmd.h"

static const char head[] =
	"# SCSI commands of a disk\n\n"
	"Generated from the command table, src/scsi/cmd_table.c, by src/scsi/support_matrix.c; a "
	"test compares\n"
	"the two. Commands that are not listed end with INVALID COMMAND OPERATION CODE.\n\n"
	"* usage: CDB bits that may be set, as REPORT SUPPORTED OPERATION CODES gives them\n"
	"* medium: NOT READY while the unit is stopped or its store is gone\n"
	"* write: refused when the unit is write protected\n"
	"* any LUN: answered where no unit is mapped, too, and not ended by a unit attention\n"
	"* alone: nothing else that touches the blocks it names runs beside it; if it names none, "
	"nothing of the unit\n"
	"* standby, unavailable, any state: access states of the target port group that let it in, "
	"besides the active ones\n"
	"* local: runs on the worker where it arrived, without a hop to the home worker\n\n"
	"| opcode | command | usage | properties | timeout | remarks |\n"
	"| --- | --- | --- | --- | --- | --- |\n";

static void put_usage(FILE *out, const struct scsi_cmd *cmd)
{
	unsigned len = cdb_len(cmd->opcode);

	(void)fprintf(out, "`%02X", cmd->opcode);
	for (unsigned i = 1; i < len; i++) {
		unsigned byte = cmd->mask[i];

		if (i == 1 && cmd->flags & SCSI_CMD_SA)
			byte = (byte & 0xe0) | cmd->service_action;
		(void)fprintf(out, " %02X", byte);
	}
	(void)fputs("`", out);
}

static void put_cmd(FILE *out, const struct scsi_cmd *cmd)
{
	static const struct {
		unsigned flag;
		const char *text;
	} flags[] = {
		{ SCSI_CMD_MEDIUM, "medium" },   { SCSI_CMD_WRITE, "write" },
		{ SCSI_CMD_ANY_LUN, "any LUN" }, { SCSI_CMD_LOCAL, "local" },
		{ SCSI_CMD_ALONE, "alone" },
	};
	static const struct {
		unsigned flag;
		const char *text;
	} states[] = {
		{ SCSI_CMD_IN_ANY_STATE, "any state" },
		{ SCSI_CMD_IN_UNAVAILABLE, "standby and unavailable" },
		{ SCSI_CMD_IN_STANDBY, "standby" },
	};
	const uint8_t first[2] = { cmd->opcode, cmd->service_action };
	const char *sep = "";

	(void)fprintf(out, "| %02X", cmd->opcode);
	if (cmd->flags & SCSI_CMD_SA)
		(void)fprintf(out, "/%02X", cmd->service_action);
	(void)fprintf(out, " | %s | ", cdb_opcode_text(first));
	put_usage(out, cmd);
	(void)fputs(" | ", out);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!(cmd->flags & flags[i].flag))
			continue;
		(void)fprintf(out, "%s%s", sep, flags[i].text);
		sep = ", ";
	}
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (!(cmd->flags & states[i].flag))
			continue;
		(void)fprintf(out, "%s%s", sep, states[i].text);
		break;
	}
	(void)fprintf(out, " | %u s | %s |\n", cmd->timeout_s, cmd->note);
}

static void put_all(FILE *out)
{
	const struct scsi_cmd *cmd;

	(void)fputs(head, out);
	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++)
		put_cmd(out, cmd);
}

/* 0 when the two streams have the same bytes. */
static int compare(FILE *a, FILE *b)
{
	int x, y;

	do {
		x = getc(a);
		y = getc(b);
	} while (x == y && x != EOF);
	return x != y;
}

int main(int argc, char **argv)
{
	FILE *have, *want;
	int r;

	if (argc < 2) {
		put_all(stdout);
		return fflush(stdout) ? 1 : 0;
	}
	have = fopen(argv[1], "re");
	want = tmpfile();
	if (!have || !want) {
		perror(argv[1]);
		return 1;
	}
	put_all(want);
	rewind(want);
	r = compare(have, want);
	if (r)
		(void)fprintf(stderr, "%s is out of date: run %s > it\n", argv[1], argv[0]);
	(void)fclose(have);
	(void)fclose(want);
	return r;
}
