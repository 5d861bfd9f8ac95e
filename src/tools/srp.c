/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srp: the initiator tool. This file knows the subcommands; each has a file of its own. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tools/srp_tool.h"

static const struct tool_cmd cmds[] = {
	{ "ls", "list the LUNs of a target", cmd_ls },
	{ "inq", "show what a LUN says about itself", cmd_inq },
	{ "read", "read blocks of a LUN to a file", cmd_read },
	{ "write", "write a file or a test pattern to a LUN", cmd_write },
	{ "copy", "copy between files and LUNs", cmd_copy },
	{ "bench", "measure IOPS, throughput and latency", cmd_bench },
	{ "ping", "measure the time of a login and of an empty command", cmd_ping },
	{ "reset", "reset a LUN, or abort its commands", cmd_reset },
	{ "stress", "verified I/O while connections come and go", cmd_stress },
};

static void help(void)
{
	(void)printf(
		"Usage: srp COMMAND [OPTION]... URL...\n\n"
		"Talk to an SRP (SCSI RDMA Protocol) storage target over iWARP in user space.\n\n"
		"Commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		(void)printf("  %-8s %s\n", cmds[i].name, cmds[i].summary);
	(void)printf(
		"\nURL is srp://HOST[:PORT][/ID_EXT:IOC_GUID][/LUN], an IPv6 address in brackets. "
		"Without ids the\n"
		"target's default target is meant, without a LUN LUN 0, without a port 5555.\n\n"
		"  srp ls srp://127.0.0.1               what is there\n"
		"  srp copy disk.img srp://127.0.0.1/0  put an image on LUN 0\n"
		"  srp COMMAND --help                   all about one command\n\n"
		"Exit code: 0 done, 1 failed, 2 wrong usage, 3 target unreachable, 4 login "
		"refused,\n"
		"5 verification found a difference.\n");
}

int main(int argc, char **argv)
{
	(void)signal(SIGPIPE, SIG_IGN); /* a closed pipe or socket is an error like any other */
	if (argc < 2) {
		help();
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help();
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)printf("srp %s\n", srp_version());
		return EXIT_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		if (strcmp(argv[1], cmds[i].name) == 0)
			return cmds[i].run(argc - 1, argv + 1);
	(void)fprintf(stderr, "srp: there is no command '%s'\nTry 'srp --help'.\n", argv[1]);
	return EXIT_USAGE;
}
