/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A fuzz target without a fuzzer: run one target on every file of a corpus folder, on every
 * truncation of it and on single-byte mutations of it, all from copies that end where their
 * allocation ends. Nothing is random, so a failure repeats.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define INPUT_MAX  (1u << 20) /* a longer file is a mistake */
#define CUT_MAX    4096u      /* truncations to this length and shorter */
#define MUTATE_MAX 512u       /* mutated bytes at the start of a file */

static char current[1200]; /* what runs now, for the report of a crash */
static size_t n_runs;

/* Async-signal-safe: says which input it was, then dies as the signal wanted. */
static void on_crash(int sig)
{
	ssize_t ignored = write(STDERR_FILENO, current, strlen(current));

	(void)ignored;
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void run(const char *file, const char *what, size_t at, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	if (!copy) {
		perror("malloc");
		exit(1);
	}
	(void)snprintf(current, sizeof(current), "crash on %s, %s %zu\n", file, what, at);
	memcpy(copy + 1, data, len);
	(void)LLVMFuzzerTestOneInput(copy + 1, len);
	free(copy);
	n_runs++;
}

static void run_all(const char *file, uint8_t *data, size_t len)
{
	static const uint8_t pattern[] = { 0x00, 0xff, 0x7f };

	run(file, "whole", len, data, len);
	for (size_t n = 0; n < len && n <= CUT_MAX; n++)
		run(file, "cut to", n, data, n);
	for (size_t at = 0; at < len && at < MUTATE_MAX; at++) {
		uint8_t was = data[at];

		for (unsigned int bit = 0; bit < 8; bit++) {
			data[at] = (uint8_t)(was ^ 1u << bit);
			run(file, "flipped a bit of byte", at, data, len);
		}
		for (size_t i = 0; i < sizeof(pattern); i++) {
			data[at] = pattern[i];
			run(file, "overwrote byte", at, data, len);
		}
		data[at] = was;
	}
}

static int replay(const char *path)
{
	uint8_t *data = malloc(INPUT_MAX + 1);
	FILE *f = fopen(path, "rbe");
	int r = -1;

	if (data && f) {
		size_t len = fread(data, 1, INPUT_MAX + 1, f);

		if (!ferror(f) && len <= INPUT_MAX) {
			run_all(path, data, len);
			r = 0;
		}
	}
	if (r)
		(void)fprintf(stderr, "%s: cannot read it, or longer than %u bytes\n", path,
			      INPUT_MAX);
	if (f)
		(void)fclose(f);
	free(data);
	return r;
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **entry;
	size_t failed = 0;
	size_t passed = 0;
	int n;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
		return 2;
	}
	n = scandir(argv[1], &entry, visible, alphasort);
	if (n < 0) {
		(void)fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	(void)signal(SIGABRT, on_crash);
	(void)signal(SIGSEGV, on_crash);
	for (int i = 0; i < n; i++) {
		char path[1024];

		(void)snprintf(path, sizeof(path), "%s/%s", argv[1], entry[i]->d_name);
		if (replay(path))
			failed++;
		else
			passed++;
		free(entry[i]);
	}
	free(entry);
	printf("%zu runs\n%zu passed, %zu failed\n", n_runs, passed, failed);
	return failed || !passed;
}
