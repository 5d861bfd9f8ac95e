/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What bench/instr.py counts: a target and an initiator in one thread, taking turns. A burst of commands is sent,
 * then the target has its rounds, all of them inside counted_round(), the only function that callgrind collects.
 * So nothing depends on who was quicker, and the instructions of a command are the same in every run.
 */
#include <arpa/inet.h>
#include <libsrp/libsrp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "fabric/iwarp/fab_iwarp.h"
#include "target/target.h"

#define DISK_BYTES  (16u << 20)
#define BLOCK       512u
#define QD_MAX      64u
#define WARM_BURSTS 8u
#define ROUND_NS    (20 * NSEC_PER_MSEC) /* nobody waits that long but at the end of a burst */

struct load {
	bool write;
	uint32_t bs;
	unsigned qd;
	unsigned n_bursts;
};

static struct worker *w;
static struct scsi_lu *lu;
static struct srp_ctx *ctx;
static struct srp_conn *conn;
static struct srp_io ios[QD_MAX];
static uint8_t *memory; /* of the initiator */
static unsigned done;
static bool up;
static unsigned n_rounds;

/* --- the target --- */

__attribute__((noinline)) static void counted_round(void)
{
	n_rounds++;
	check(worker_run_once(w, ROUND_NS) == 0);
}

static int allow(void *unused, const struct srp_port_id *initiator, const struct sockaddr *peer,
		 struct scsi_map_entry *map, unsigned max)
{
	(void)unused;
	(void)initiator;
	(void)peer;
	check(max > 0);
	map[0] = (struct scsi_map_entry){ .lu = lu };
	return 1;
}

/* A port that is free now; nobody else takes one in the moment between. */
static struct sockaddr_in free_address(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	check(fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0);
	check(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
	close(fd);
	return a;
}

static struct scsi_lu *unit_make(struct tgt *t)
{
	struct backend_params p = { .size_bytes = DISK_BYTES, .block_bytes = BLOCK };
	struct tgt_unit_opts o = { .name = "instr", .handler = "vdisk_ram" };
	struct scsi_lu_params lp = { .serial = "instr", .naa = { 0x60 }, .block_bytes = BLOCK };
	struct tgt_unit *u;
	char err[256];

	check(backend_ram_new(&o.backend, &p, err, sizeof(err)) == 0);
	check(tgt_unit_new(&u, t, &o, &lp) == 0);
	return tgt_unit_lu(u);
}

static uint16_t target_make(void)
{
	struct sockaddr_in a = free_address();
	struct tgt_opts o = { .workers = &w, .n_workers = 1 };
	struct tgt_port_opts po = { .name = "instr",
				    .default_port = true,
				    .max_chans = 1,
				    .limits.max_immediate = TGT_IMMEDIATE_MAX,
				    .acl = allow };
	struct tgt_port *p;
	struct tgt *t;

	check(worker_new(&w, 0, NULL) == 0 && fab_iwarp_new(&o.fab, NULL) == 0);
	check(tgt_new(&t, &o) == 0);
	lu = unit_make(t);
	check(tgt_port_new(&p, t, &po) == 0);
	check(tgt_port_listen(p, (struct sockaddr *)&a, sizeof(a)) == 0);
	tgt_port_enable(p);
	return ntohs(a.sin_port);
}

/* --- the initiator --- */

static void on_up(struct srp_conn *c, void *user)
{
	(void)c;
	(void)user;
	up = true;
}

static void on_down(struct srp_conn *c, void *user, const struct srp_down *why)
{
	(void)c;
	(void)user;
	(void)fprintf(stderr, "instr: the connection has ended: %s\n", why->text);
	exit(1);
}

static void on_done(struct srp_io *io)
{
	done++;
	check(io->outcome == SRP_IO_DONE);
	/* The first command hears of the power on. */
	if (io->status && n_rounds) {
		(void)fprintf(stderr, "instr: a command ended with status %u\n", io->status);
		exit(1);
	}
}

static void login(uint16_t port)
{
	static const struct srp_conn_ops ops = { .up = on_up, .down = on_down };
	struct srp_connect_opts o = { .host = "127.0.0.1", .port = port };

	check(srp_ctx_new(&ctx, NULL) == 0 && srp_connect(&conn, ctx, &o, &ops, NULL) == 0);
	while (!up) {
		check(worker_run_once(w, NSEC_PER_MSEC) == 0);
		check(srp_ctx_process(ctx, 1) == 0);
	}
}

/* READ(10) and WRITE(10), each at the place of its number in the burst. */
static void io_prepare(unsigned i, const struct load *l)
{
	struct srp_io *io = &ios[i];
	uint32_t lba = i * (l->bs / BLOCK);

	*io = (struct srp_io){
		.cdb = { l->write ? 0x2a : 0x28, [7] = (uint8_t)(l->bs / BLOCK >> 8),
			 [8] = (uint8_t)(l->bs / BLOCK) },
		.cdb_len = 10,
		.dir = l->write ? SRP_DIR_WRITE : SRP_DIR_READ,
		.n_iov = 1,
		.one = { memory + (size_t)i * l->bs, l->bs },
		.done = on_done,
	};
	put_be32(io->cdb + 2, lba);
}

/* Submit a burst, then let the target and the initiator have rounds until all is answered. */
static void burst(const struct load *l, void (*round)(void))
{
	done = 0;
	for (unsigned i = 0; i < l->qd; i++) {
		io_prepare(i, l);
		check(srp_submit(conn, &ios[i]) == 0);
	}
	check(srp_ctx_process(ctx, 0) == 0);
	for (unsigned turns = 0; done < l->qd; turns++) {
		check(turns < 1000);
		round();
		while (done < l->qd) {
			unsigned before = done;

			check(srp_ctx_process(ctx, 5) == 0);
			if (done == before)
				break;
		}
	}
}

static void warm_round(void)
{
	check(worker_run_once(w, ROUND_NS) == 0);
}

int main(int argc, char **argv)
{
	struct load l = { 0 };

	if (argc != 5) {
		(void)fprintf(stderr, "usage: instr read|write BYTES QD BURSTS\n");
		return 2;
	}
	l.write = !strcmp(argv[1], "write");
	l.bs = (uint32_t)strtoul(argv[2], NULL, 10);
	l.qd = (unsigned)strtoul(argv[3], NULL, 10);
	l.n_bursts = (unsigned)strtoul(argv[4], NULL, 10);
	if (!l.qd || l.qd > QD_MAX || !l.bs || l.bs % BLOCK || l.bs > DISK_BYTES / QD_MAX)
		return 2;
	memory = calloc(l.qd, l.bs);
	check(memory);
	login(target_make());
	for (unsigned i = 0; i < WARM_BURSTS; i++)
		burst(&l, warm_round);
	for (unsigned i = 0; i < l.n_bursts; i++)
		burst(&l, counted_round);
	printf("%u %u\n", l.n_bursts * l.qd, n_rounds);
	return 0;
}
