/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a rule file sees. A rule is a function that logs in (or uses the nexuses that stand already), sends
 * commands and information units, and demands what the standards say of the answers. The first demand
 * that is not met ends the rule: fail() and skip() do not return.
 *
 *	RULE(read, lba_wraps, SAFE, "READ(16) of a range that wraps around 2^64 is out of range")
 *	{
 *		struct cmd *c = CMD(nexus_a(t), 0x88, 0, 0xff, 0xff, ...);
 *
 *		data_in(c, 512);
 *		expect_sense(c, ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
 *	}
 *
 * Whatever a rule takes (commands, buffers, nexuses of its own) is taken back when it has ended, however it
 * ended; state of the unit that others would see is restored by functions that it gave to at_end().
 */
#pragma once

#include <libsrp/raw.h>

#include "base/cur.h"
#include "codes.h"

struct test;
struct nexus;

/* --- rules --- */

#define SAFE     0u
#define DESTROYS BIT(0) /* changes data or settings of the unit: needs --yes-destroy-data */
#define ALONE    BIT(1) /* disturbs other initiators that use the unit, such as a reset does */

struct rule {
	const char *family;
	const char *name;
	const char *text; /* what must hold */
	const char *file; /* its file, for --list */
	unsigned line;
	unsigned needs;
	void (*run)(struct test *t);
	struct rule *next;
};

void rule_register(struct rule *r);

#define RULE(family_, name_, needs_, text_)                                    \
	static void rule_##family_##_##name_(struct test *t);                  \
	__attribute__((constructor)) static void reg_##family_##_##name_(void) \
	{                                                                      \
		static struct rule r = { .family = #family_,                   \
					 .name = #name_,                       \
					 .text = (text_),                      \
					 .file = __FILE__,                     \
					 .line = __LINE__,                     \
					 .needs = (needs_),                    \
					 .run = rule_##family_##_##name_ };    \
                                                                               \
		rule_register(&r);                                             \
	}                                                                      \
	static void rule_##family_##_##name_(struct test *t)

_Noreturn void fail(struct test *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void skip(struct test *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Demand @cond; the words say what was expected and, with their values, what was got instead. */
#define EXPECT(t, cond, ...)                    \
	do {                                    \
		if (!(cond))                    \
			fail((t), __VA_ARGS__); \
	} while (0)
/* Call @fn when the rule has ended, last first; it may send commands, and what goes wrong there is ignored. */
void at_end(struct test *t, void (*fn)(struct test *t));
/* A printf() whose text lives as long as the rule. */
const char *text_of(struct test *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- the unit under test --- */

struct unit {
	uint64_t lun;    /* wire form, of the URL */
	uint64_t no_lun; /* one at which there is no unit */
	uint8_t inquiry[96];
	bool is_disk;
	bool removable;
	uint32_t block; /* bytes */
	uint64_t n_blocks;
	bool lbpme;
	bool lbprz;
	bool has_rsoc;
	bool reads_rsoc_timeouts;
	uint32_t n_ops;
	struct op {
		uint8_t opcode;
		bool has_sa;
		uint16_t sa;
		uint16_t cdb_len;
		uint8_t usage[32];
	} op[256];
	uint8_t vpd[256]; /* which pages there are */
	/* Block Limits; 0: none given */
	uint32_t max_transfer; /* blocks */
	uint32_t max_unmap;
	uint32_t max_unmap_desc;
	uint64_t max_same;
	uint8_t max_caw;
	uint32_t max_atomic;
	uint32_t atomic_align;
	uint32_t atomic_grain;
	uint32_t max_atomic_boundary; /* the longest WRITE ATOMIC with one */
	uint32_t max_boundary;
	bool wsnz;
	/* Logical Block Provisioning */
	bool lbpu;
	bool lbpws;
	bool lbpws10;
};

const struct unit *unit_of(const struct test *t);
/* The unit has this command: of REPORT SUPPORTED OPERATION CODES. */
const struct op *op_find(const struct test *t, uint8_t opcode, int sa);
/* Skip the rule unless the unit has it; @sa -1: the command has none. */
void need_op(struct test *t, uint8_t opcode, int sa);
/* Skip the rule unless it has the VPD page. */
void need_vpd(struct test *t, uint8_t page);
/* A block range that rules may write: from @lba on there are at least 4096 blocks. Skips where the unit is smaller. */
uint64_t scratch(struct test *t);

/* --- nexuses and channels --- */

/* What a login says; zero members mean the usual. */
struct login {
	char who;            /* initiator port 'a', 'b', 'c' ...; 0: one that nobody else uses */
	uint8_t flags;       /* req_flags */
	uint16_t fmt;        /* req_buf_fmt; 0: direct and indirect */
	uint32_t iu_len;     /* 0: 8276 */
	uint16_t imm_offset; /* 0: 68 with the immediate flag */
	uint64_t id_ext;     /* both 0: the target's of the URL */
	uint64_t ioc_guid;
	uint8_t opcode;
	size_t len;      /* bytes of it that are sent; 0: all */
	bool no_confirm; /* do not look whether it came up */
};

#define LOGIN_SINGLE  0x00
#define LOGIN_MULTI   0x01
#define LOGIN_AESOLNT 0x40
#define LOGIN_IMMED   0x80

struct nexus {
	struct test *t;
	struct srp_ctx *ctx; /* its own, so that it can be held while others go on */
	struct srp_raw *raw;
	struct nexus *next;
	bool keep; /* lives longer than the rule */
	bool held;
	bool up;
	bool down;
	enum srp_down_reason why;
	char why_text[128];
	struct login login;
	uint8_t id[16];
	uint8_t answer[64]; /* LOGIN_RSP, or LOGIN_REJ where it was refused */
	size_t answer_len;
	bool rejected;
	uint32_t max_it_iu; /* of the LOGIN_RSP */
	int32_t credits;    /* left */
	bool immediate;
	uint64_t next_tag;
	struct cmd *cmds; /* all of this rule, newest first */
	/* what came that answers no command */
	unsigned n_cred_req;
	unsigned n_aer_req;
	unsigned n_logout;
	unsigned n_stray;
	uint32_t logout_reason;
	uint64_t aer_lun;
	uint8_t aer_sense[64];
	uint8_t aer_sense_len;
	bool mute; /* do not answer the target's requests */
	/* memory that is open to the target */
	uint8_t *arena;
	uint32_t key;
	size_t used;
};

#define ARENA_BYTES (16u << 20)

/* The two nexuses that stand all the time, with different initiator ports. Unit attentions were heard. */
struct nexus *nexus_a(struct test *t);
struct nexus *nexus_b(struct test *t);
/* A login of the rule's own; nexus_free()d at its end. Fails the rule unless it comes up (or no_confirm). */
struct nexus *nexus_new(struct test *t, const struct login *l);
/* LOGIN_REJ reason of a login that must be refused; 0 when the target gave none. Fails if it came up. */
uint32_t login_refused(struct test *t, const struct login *l);
/* Log out (or, @abrupt, vanish) and wait until it is over. */
void nexus_end(struct nexus *n, bool abrupt);
void nexus_free(struct nexus *n);
/* Hear all unit attentions that wait. */
void nexus_settle(struct nexus *n);

/* Process what happens for at most @ms, until all that was sent is answered (nexuses that are held do not count). */
void pump(struct test *t, unsigned ms);
/* Process what happens for @ms, whatever comes. */
void idle(struct test *t, unsigned ms);
/* Send what waits to be sent on @n, but look at nothing that comes until it is let go: RDMA READs of the target
 * find no answer, so a WRITE of it stays under way. */
void hold(struct nexus *n);
void let_go(struct nexus *n);
/* Bytes at @n's memory that the target may use; live as long as the rule. */
uint8_t *mem(struct nexus *n, size_t len);

/* --- commands --- */

enum shape {
	SHAPE_USUAL, /* immediate if negotiated and small, else direct */
	SHAPE_DIRECT,
	SHAPE_INDIRECT, /* @n_pieces of about equal length, the table in the IU */
	SHAPE_EXTERNAL, /* the same, the table only in memory */
	SHAPE_IMMEDIATE
};

struct cmd {
	struct nexus *n;
	struct cmd *next;
	/* request */
	uint64_t lun;
	uint8_t cdb[260];
	unsigned cdb_len;
	uint8_t attr;
	uint8_t sol_not;
	uint8_t *in; /* NULL: none */
	uint32_t in_len;
	uint8_t *out;
	uint32_t out_len;
	enum shape shape;
	unsigned n_pieces;
	bool keep_ua; /* a unit attention is the answer; else the command is repeated after one */
	bool is_tmf;
	uint8_t function;
	uint64_t tag;
	/* answer */
	bool sent;
	bool done;
	bool lost;      /* the channel ended first */
	unsigned order; /* answers of all nexuses are numbered as they come, from 1 */
	uint8_t flags;  /* RSP_* */
	uint8_t status;
	uint32_t in_res;
	uint32_t out_res;
	uint8_t code; /* response code of a task management function */
	uint8_t sense[252];
	uint8_t sense_len;
	uint8_t key; /* decoded sense */
	uint16_t asc;
	bool info_valid;
	uint64_t info;
	bool field_valid; /* sense key specific: field pointer */
	bool field_in_cdb;
	uint16_t field;
};

struct cmd *cmd_new(struct nexus *n, const uint8_t *cdb, unsigned len);
#define CMD(n, ...) \
	cmd_new((n), (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
/* Buffers: what a target does not write keeps the byte FILL, which is checked. */
#define FILL 0xa5
uint8_t *data_in(struct cmd *c, uint32_t len);
/* @data NULL: zeroes. */
uint8_t *data_out(struct cmd *c, const void *data, uint32_t len);

/* Start it. */
void cmd_send(struct cmd *c);
/* Wait until it is answered; the rule fails where no answer comes. */
void cmd_wait(struct cmd *c);
/* Both; repeated after a unit attention unless keep_ua. */
void cmd_run(struct cmd *c);
/* Run it (unless it was sent: then wait) and demand an end of this kind. */
void expect_good(struct cmd *c);
void expect_status(struct cmd *c, uint8_t status);
void expect_sense(struct cmd *c, uint8_t key, uint16_t asc);
/* CHECK CONDITION with this key, whatever the additional code. */
void expect_key(struct cmd *c, uint8_t key);
/* INVALID FIELD IN CDB, and if the sense data point at a byte, at this one. */
void expect_bad_cdb(struct cmd *c, unsigned byte);
void expect_bad_parameter(struct cmd *c, unsigned byte);
/* Bytes that were moved, of the data-in buffer. */
uint32_t got_in(const struct cmd *c);
/* "READ(10)" and the like, and what became of it. */
const char *cmd_text(struct cmd *c);
/* Ended with CHECK CONDITION and this. */
bool is_sense(const struct cmd *c, uint8_t key, uint16_t asc);

/* A task management function; expect_code() waits. */
struct cmd *tmf_send(struct nexus *n, uint8_t function, uint64_t lun, uint64_t task_tag);
struct cmd *tmf_run(struct nexus *n, uint8_t function, uint64_t lun, uint64_t task_tag);
void expect_code(struct cmd *tmf, uint8_t code);

/* The fixed part and the descriptors of a CMD IU as cmd_send() would send it. Return: its length. */
size_t cmd_encode(struct cmd *c, uint8_t *iu, size_t size);
/* Send any bytes. */
void iu_send(struct nexus *n, const void *iu, size_t len);
/* Send bytes made by cmd_encode() and changed by the rule. */
void cmd_send_iu(struct cmd *c, const void *iu, size_t len);

/* --- the usual commands --- */

struct cmd *read_new(struct nexus *n, unsigned cdb_len, uint64_t lba, uint32_t blocks);
struct cmd *write_new(struct nexus *n, unsigned cdb_len, uint64_t lba, uint32_t blocks,
		      const void *data);
/* A block-range command of 6, 10, 12 or 16 bytes without data. */
struct cmd *range_new(struct nexus *n, uint8_t opcode, uint8_t flags, uint64_t lba,
		      uint32_t blocks);
uint8_t *read_blocks(struct nexus *n, uint64_t lba, uint32_t blocks);
void write_blocks(struct nexus *n, uint64_t lba, uint32_t blocks, const void *data);
void expect_blocks(struct nexus *n, uint64_t lba, uint32_t blocks, const void *data,
		   const char *what);
/* @len bytes that depend on @seed; live as long as the rule. */
uint8_t *pattern(struct test *t, uint64_t seed, size_t len);
struct cmd *tur_new(struct nexus *n);
/* Run one that does not get over a unit attention: what the nexus hears. */
struct cmd *attention(struct nexus *n);
/* VPD page (or, -1, standard data) with 4096 bytes of room. */
struct cmd *inquiry_run(struct nexus *n, int page);
/* MODE SENSE(10) with DBD; returns the page's bytes, skips the rule if the unit has none. @pc: 0 current, 1 changeable, ... */
uint8_t *mode_page(struct nexus *n, uint8_t pc, uint8_t page, uint8_t subpage);
/* MODE SELECT(10) of one page (as mode_page() gave it, changed). */
struct cmd *mode_select(struct nexus *n, const uint8_t *page, bool save);
/* Bytes of a mode page, its header included. */
unsigned mode_page_len(const uint8_t *page);
/* Change bits of a byte of a page for the rest of the rule; skips where they are not changeable. */
void mode_set(struct test *t, uint8_t page, unsigned byte, uint8_t mask, uint8_t value);
