/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Tokens (docs/design/0021): POPULATE TOKEN, RECEIVE ROD TOKEN INFORMATION, WRITE USING TOKEN. A host that has got one
 * hands it to all others. What is copied by it is what the blocks held when it was made: if one of them was written
 * since, the copy must fail. When it has run out, or was used for the last time, it must, too; and when it is said to be
 * worth nothing there must be a reason.
 */
#include "base/check.h"
#include "sim/check.h"
#include "sim/dice.h"
#include "sim/hcmd_copy.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "wire/sense.h"

#define TOKENS      64u /* that are remembered */
#define UNIT_TOKENS 32u /* a unit forgets those that were used least recently */
#define TOKEN_BYTES 512u
#define RANGES      2u
#define USE_HEADER  536u
#define MAKE_HEADER 16u
#define STATUS      32u
#define INFO_BYTES  1024u
/* Time is looked at once a second, for one second no more than what was used then. */
#define SLACK_NS (4 * NSEC_PER_SEC)

enum stage {
	ASKED, /* POPULATE TOKEN is under way */
	MADE,  /* it was answered with GOOD */
	KNOWN, /* and what it is has been told */
};

static struct token {
	uint64_t nth; /* of the run; 0: none */
	uint64_t asked_tick, asked_ns;
	uint64_t made_tick;
	uint64_t used_ns;      /* the last time that it can have been used */
	uint64_t deleted_tick; /* when its end was answered; 0: it was not */
	struct {
		uint64_t lba;
		uint32_t n;
	} range[RANGES];
	enum stage stage;
	unsigned host;
	uint32_t list_id;
	unsigned n;
	uint32_t blocks;
	uint32_t timeout_s;
	unsigned n_starts; /* of the process that made it */
	uint16_t lun;
	bool deletes; /* somebody has asked for its end */
	uint8_t bytes[TOKEN_BYTES];
} tokens[TOKENS];
static uint64_t n_tokens;

/* --- making --- */

static void put_range(uint8_t *d, uint64_t lba, uint32_t n)
{
	put_be64(d, lba);
	put_be32(d + 8, n);
	put_be32(d + 12, 0);
}

static void put_out(struct hcmd *cmd, uint8_t action, uint32_t header, unsigned n_ranges)
{
	cmd->out = true;
	cmd->len = header + 16 * n_ranges;
	put_be16(cmd->buf, (uint16_t)(cmd->len - 2));
	put_be16(cmd->buf + header - 2, (uint16_t)(16 * n_ranges));
	memset(cmd->cdb, 0, sizeof(cmd->cdb));
	cmd->cdb[0] = SCSI_OP_THIRD_PARTY_COPY_OUT;
	cmd->cdb[1] = action;
	put_be32(cmd->cdb + 6, cmd->copy.list_id);
	put_be32(cmd->cdb + 10, cmd->len);
}

/* One range, or two; the second lies behind the first. */
static void roll_ranges(struct hchan *c, struct hcmd *cmd, struct token *k)
{
	uint64_t size = proc_lun_blocks(cmd->disk);
	uint64_t end;

	hcmd_copy_range(c, cmd->disk, HCMD_COPY_MAX / 2, &k->range[0].lba, &k->range[0].n);
	k->n = 1;
	end = k->range[0].lba + k->range[0].n;
	if (end < size && dice_below(3) == 0) {
		k->range[1].lba = dice_range(end, size - 1);
		k->range[1].n =
			(uint32_t)dice_range(1, min_u64(HCMD_COPY_MAX / 2, size - k->range[1].lba));
		k->n = 2;
	}
	for (unsigned i = 0; i < k->n; i++)
		k->blocks += k->range[i].n;
}

static void make_promise(struct hchan *c, struct hcmd *cmd)
{
	unsigned at = (unsigned)(n_tokens % TOKENS);
	struct token *k = &tokens[at];

	*k = (struct token){ .nth = ++n_tokens,
			     .host = c->h->index,
			     .lun = cmd->lun,
			     .list_id = hcmd_copy_new_id(),
			     .timeout_s = dice_below(2) ? 300 : (uint32_t)dice_log(1, 60),
			     .asked_tick = sched_tick(),
			     .asked_ns = sched_now_ns(),
			     .n_starts = proc_n_starts() };
	roll_ranges(c, cmd, k);
	cmd->copy.what = HCMD_COPY_PROMISE;
	cmd->copy.token = at;
	cmd->copy.uses = k->nth;
	cmd->copy.list_id = k->list_id;
	memset(cmd->buf, 0, MAKE_HEADER);
	put_be32(cmd->buf + 4, k->timeout_s);
	if (dice_below(3) == 0) { /* RTV */
		cmd->buf[2] = 0x02;
		put_be32(cmd->buf + 8, dice_below(2) ? 0x00800000 : 0x0080ffff);
	}
	for (unsigned i = 0; i < k->n; i++)
		put_range(cmd->buf + MAKE_HEADER + 16 * (size_t)i, k->range[i].lba, k->range[i].n);
	put_out(cmd, SCSI_COPY_OUT_POPULATE_TOKEN, MAKE_HEADER, k->n);
}

/* One that @host, whoever it is, may do this with; -1: there is none. */
static int pick(enum stage stage, const struct host *h)
{
	unsigned from = dice_below(TOKENS);

	for (unsigned i = 0; i < TOKENS; i++) {
		const struct token *k = &tokens[(from + i) % TOKENS];

		if (k->nth && k->stage == stage && (stage == KNOWN || k->host == h->index))
			return (int)((from + i) % TOKENS);
	}
	return -1;
}

static void make_fetch(struct hcmd *cmd, unsigned at)
{
	const struct token *k = &tokens[at];

	hcmd_copy_aim(cmd, k->lun);
	cmd->copy.what = HCMD_COPY_FETCH;
	cmd->copy.token = at;
	cmd->copy.uses = k->nth;
	cmd->copy.list_id = k->list_id;
	cmd->cdb[0] = SCSI_OP_THIRD_PARTY_COPY_IN;
	cmd->cdb[1] = SCSI_COPY_IN_TOKEN;
	put_be32(cmd->cdb + 2, k->list_id);
	cmd->len = dice_below(8) ? INFO_BYTES : 40; /* too short: it may be asked again */
	put_be32(cmd->cdb + 10, cmd->len);
}

/* Block @i of what the token stands for. */
static uint64_t block_of(const struct token *k, uint32_t i)
{
	return i < k->range[0].n ? k->range[0].lba + i : k->range[1].lba + i - k->range[0].n;
}

/* It is copied to one range, which may be told as two. */
static void make_use(struct hchan *c, struct hcmd *cmd, unsigned at)
{
	struct token *k = &tokens[at];
	uint32_t offset = dice_below(2) ? 0 : dice_below(k->blocks);
	struct model_source from[HCMD_COPY_MAX];
	uint8_t *p = cmd->buf;
	unsigned n_ranges;
	uint32_t want, first;

	hcmd_copy_range(c, cmd->disk, HCMD_COPY_MAX, &cmd->lba, &want);
	cmd->n = min_u32(want, k->blocks - offset);
	first = want > 1 && dice_below(3) == 0 ? 1 + dice_below(want - 1) : want;
	n_ranges = first < want ? 2 : 1;
	cmd->copy.what = HCMD_COPY_USE;
	cmd->copy.token = at;
	cmd->copy.uses = k->nth;
	cmd->copy.list_id = hcmd_copy_new_id();
	cmd->copy.from = BIT(k->lun);
	cmd->copy.to = cmd->disk;
	memset(p, 0, USE_HEADER);
	if (dice_below(8) == 0) {
		p[2] = 0x02; /* DEL_TKN */
		k->deletes = true;
	}
	put_be64(p + 8, offset);
	memcpy(p + 16, k->bytes, TOKEN_BYTES);
	put_range(p + USE_HEADER, cmd->lba, first);
	if (n_ranges == 2)
		put_range(p + USE_HEADER + 16, cmd->lba + first, want - first);
	put_out(cmd, SCSI_COPY_OUT_USING_TOKEN, USE_HEADER, n_ranges);
	for (uint32_t i = 0; i < cmd->n; i++)
		from[i] = (struct model_source){ .disk = k->lun, .lba = block_of(k, offset + i) };
	cmd->write =
		model_copy((unsigned)cmd->disk, cmd->lba, cmd->n, from, k->made_tick, c->h->name);
}

void hcmd_token_make(struct hchan *c, struct hcmd *cmd)
{
	int made = pick(MADE, c->h);
	int known = pick(KNOWN, c->h);

	if (made >= 0 && dice_below(4))
		make_fetch(cmd, (unsigned)made);
	else if (known >= 0 && proc_lun_block_bytes(tokens[known].lun) == cmd->block &&
		 dice_below(4))
		make_use(c, cmd, (unsigned)known);
	else
		make_promise(c, cmd);
}

/* --- what must fail --- */

/* One block by the token @k; what is wrong with it comes after. */
static void put_use(struct hcmd *cmd, const struct token *k)
{
	cmd->copy.list_id = hcmd_copy_new_id();
	memset(cmd->buf, 0, USE_HEADER);
	memcpy(cmd->buf + 16, k->bytes, TOKEN_BYTES);
	put_range(cmd->buf + USE_HEADER, 0, 1);
	put_out(cmd, SCSI_COPY_OUT_USING_TOKEN, USE_HEADER, 1);
}

void hcmd_token_bad(struct hchan *c, struct hcmd *cmd)
{
	int known = pick(KNOWN, c->h);
	const struct token *k;

	if (known < 0) {
		make_promise(c, cmd);
		tokens[cmd->copy.token].nth = 0;
		put_range(cmd->buf + MAKE_HEADER, proc_lun_blocks(cmd->disk), 1);
		cmd->copy.what = HCMD_COPY_NOTHING;
		return;
	}
	k = &tokens[known];
	put_use(cmd, k);
	switch (dice_below(4)) {
	case 0:
		put_be32(cmd->buf + 16, 0x00800002);
		break;
	case 1:
		put_be16(cmd->buf + 22, 0x1f0);
		break;
	case 2: /* of a smaller block one that is not whole here; else behind its end */
		if (proc_lun_block_bytes(k->lun) < cmd->block && k->blocks < 8)
			break;
		put_be64(cmd->buf + 8, k->blocks);
		break;
	default: /* what nobody can guess */
		cmd->buf[16 + 256 + dice_below(256)] ^= (uint8_t)(1u << dice_below(8));
		break;
	}
}

/* --- answers --- */

static struct token *token_of(const struct hcmd *cmd)
{
	struct token *k = &tokens[cmd->copy.token];

	return k->nth && k->nth == cmd->copy.uses ? k : NULL;
}

static const char *fetched(struct hcmd *cmd, struct token *k, uint32_t got)
{
	const uint8_t *d = cmd->buf;
	uint32_t at;

	if (got < STATUS || d[4] != SCSI_COPY_OUT_POPULATE_TOKEN || d[5] != 1 || d[13] ||
	    get_be64(d + 16) != k->blocks)
		return "what is told of a token is wrong";
	at = STATUS + d[13];
	if (got < at + 6 + TOKEN_BYTES)
		return NULL; /* it was not wanted, or is forgotten */
	if (get_be32(d + at) != 2 + TOKEN_BYTES)
		return "a token has another length";
	memcpy(k->bytes, d + at + 6, TOKEN_BYTES);
	k->stage = KNOWN;
	return NULL;
}

static const char *used(const struct hcmd *cmd, struct token *k)
{
	uint64_t life_ns = k->timeout_s * NSEC_PER_SEC + SLACK_NS;
	const char *bad = NULL;

	if (k->deleted_tick && k->deleted_tick < cmd->sent_tick)
		bad = "it was done by a token that had been deleted";
	if (cmd->sent_ns > k->used_ns + life_ns && !excused_any(BIT(EXCUSE_SLOW), -1, k->made_tick))
		bad = "it was done by a token that had expired";
	k->used_ns = sched_now_ns();
	if (cmd->buf[2] & 0x02)
		k->deleted_tick = sched_tick();
	return bad;
}

const char *hcmd_token_good(struct hchan *c, struct hcmd *cmd, uint32_t got)
{
	struct token *k = token_of(cmd);

	(void)c;
	if (!k)
		return NULL;
	switch (cmd->copy.what) {
	case HCMD_COPY_PROMISE:
		k->stage = MADE;
		k->made_tick = sched_tick();
		k->used_ns = sched_now_ns();
		return NULL;
	case HCMD_COPY_FETCH:
		return fetched(cmd, k, got);
	case HCMD_COPY_USE:
		return used(cmd, k);
	default:
		return NULL;
	}
}

/* A unit that goes takes its tokens with it, and so does the process. */
static bool may_be_unknown(const struct hchan *c, const struct token *k)
{
	return n_tokens - k->nth >= UNIT_TOKENS || k->n_starts != proc_n_starts() ||
	       !proc_lun_mapped(c->h->index, k->lun) ||
	       excused_any(BIT(EXCUSE_REMAP) | BIT(EXCUSE_MEMORY) | BIT(EXCUSE_DIED), k->lun,
			   k->asked_tick);
}

bool hcmd_token_may_fail(const struct hchan *c, const struct hcmd *cmd, uint16_t asc)
{
	const struct token *k = token_of(cmd);

	if (cmd->copy.what != HCMD_COPY_USE)
		return false;
	if (!k) /* nobody remembers it */
		return true;
	switch (asc) {
	case ASC_TOKEN_UNKNOWN:
		return may_be_unknown(c, k);
	case ASC_TOKEN_EXPIRED:
		return sched_now_ns() >= k->asked_ns + k->timeout_s * NSEC_PER_SEC;
	case ASC_TOKEN_DELETED:
		return k->deletes;
	case ASC_TOKEN_CANCELLED:
		return may_be_unknown(c, k) || check_medium_was_out(k->lun, k->asked_tick) ||
		       !model_is_quiet(k->lun, k->range[0].lba, k->range[0].n, k->asked_tick) ||
		       (k->n == 2 &&
			!model_is_quiet(k->lun, k->range[1].lba, k->range[1].n, k->asked_tick));
	default:
		return false;
	}
}
