/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/hcmd_pr.h"

#include "sim/check.h"
#include "sim/dice.h"
#include "sim/model_pr.h"
#include "sim/proc.h"
#include "wire/sense.h"

#define LIST_BYTES 24u
#define IDS_MAX    3u
#define OWN_KEY    0xa0u /* + host */
#define SHARED_KEY 0xeeu

/* --- what is sensible just now --- */

/* The state of the unit as it is, which a host would have to ask for; nothing, where nobody has been yet. */
static const struct mpr *state_of(const struct hcmd *cmd)
{
	static const struct mpr nothing;
	const struct mpr *m = check_pr_state(cmd->disk);

	return m ? m : &nothing;
}

static uint64_t new_key(const struct hchan *c)
{
	return dice_below(4) ? OWN_KEY + c->h->index : SHARED_KEY;
}

static uint64_t any_key(const struct mpr *m)
{
	return m->n && dice_below(8) ? m->reg[dice_below(m->n)].key : dice_below(3);
}

static uint8_t pick_type(void)
{
	static const uint8_t types[] = { 1, 3, 5, 6, 7, 8 };

	return dice_below(24) ? types[dice_below(ARRAY_SIZE(types))] : (uint8_t)dice_below(16);
}

static uint8_t pick_action(const struct mpr *m, const struct mpr_nexus *own)
{
	static const unsigned stranger[] = { [SCSI_PR_OUT_REGISTER] = 60,
					     [SCSI_PR_OUT_REGISTER_AND_IGNORE] = 25,
					     [SCSI_PR_OUT_RESERVE] = 3,
					     [SCSI_PR_OUT_RELEASE] = 3,
					     [SCSI_PR_OUT_CLEAR] = 2,
					     [SCSI_PR_OUT_PREEMPT] = 2,
					     [SCSI_PR_OUT_PREEMPT_AND_ABORT] = 2,
					     [SCSI_PR_OUT_REGISTER_AND_MOVE] = 2,
					     [SCSI_PR_OUT_REPLACE_LOST] = 1 };
	static const unsigned registered[] = { [SCSI_PR_OUT_REGISTER] = 10,
					       [SCSI_PR_OUT_REGISTER_AND_IGNORE] = 5,
					       [SCSI_PR_OUT_RESERVE] = 40,
					       [SCSI_PR_OUT_RELEASE] = 3,
					       [SCSI_PR_OUT_CLEAR] = 4,
					       [SCSI_PR_OUT_PREEMPT] = 16,
					       [SCSI_PR_OUT_PREEMPT_AND_ABORT] = 16,
					       [SCSI_PR_OUT_REGISTER_AND_MOVE] = 2,
					       [SCSI_PR_OUT_REPLACE_LOST] = 1 };
	static const unsigned holder[] = { [SCSI_PR_OUT_REGISTER] = 8,
					   [SCSI_PR_OUT_REGISTER_AND_IGNORE] = 4,
					   [SCSI_PR_OUT_RESERVE] = 5,
					   [SCSI_PR_OUT_RELEASE] = 40,
					   [SCSI_PR_OUT_CLEAR] = 8,
					   [SCSI_PR_OUT_PREEMPT] = 8,
					   [SCSI_PR_OUT_PREEMPT_AND_ABORT] = 8,
					   [SCSI_PR_OUT_REGISTER_AND_MOVE] = 15,
					   [SCSI_PR_OUT_REPLACE_LOST] = 1 };

	return (uint8_t)dice_pick(mpr_holds(m, own) ? holder
				  : mpr_key(m, own) ? registered
						    : stranger,
				  ARRAY_SIZE(holder));
}

/* --- parameter lists --- */

static void put_id(uint8_t *to)
{
	struct srp_port_id id;

	memset(to, 0, TRANSPORT_ID_BYTES);
	to[0] = TRANSPORT_ID_SRP;
	proc_host_id(dice_below(HOSTS_MAX), &id);
	memcpy(to + 8, &id, sizeof(id));
}

static void put_move(struct hchan *c, struct hcmd *cmd)
{
	cmd->buf[17] = (uint8_t)(dice_below(2) ? 0x02 : 0); /* UNREG */
	if (proc_config()->keeps && dice_below(2))
		cmd->buf[17] |= 0x01; /* APTPL */
	put_be16(cmd->buf + 18, dice_below(8) ? c->h->port : (uint16_t)dice_below(4));
	put_be32(cmd->buf + 20, TRANSPORT_ID_BYTES);
	put_id(cmd->buf + LIST_BYTES);
	cmd->len = LIST_BYTES + TRANSPORT_ID_BYTES;
}

static void put_register(struct hcmd *cmd, uint8_t action)
{
	unsigned n = 1 + dice_below(IDS_MAX);

	if (dice_below(4) == 0)
		cmd->buf[20] |= 0x04; /* ALL_TG_PT */
	if (dice_below(proc_config()->keeps ? 2 : 32) == 0)
		cmd->buf[20] |= 0x01; /* APTPL */
	if (dice_below(action == SCSI_PR_OUT_REGISTER ? 4 : 32))
		return;
	cmd->buf[20] |= 0x08; /* SPEC_I_PT */
	cmd->len = LIST_BYTES + 4 + n * TRANSPORT_ID_BYTES;
	put_be32(cmd->buf + LIST_BYTES, n * TRANSPORT_ID_BYTES);
	for (unsigned i = 0; i < n; i++)
		put_id(cmd->buf + LIST_BYTES + 4 + (size_t)i * TRANSPORT_ID_BYTES);
}

static uint64_t pick_sa_key(struct hchan *c, const struct mpr *m, uint8_t action)
{
	switch (action) {
	case SCSI_PR_OUT_REGISTER:
	case SCSI_PR_OUT_REGISTER_AND_IGNORE:
	case SCSI_PR_OUT_REGISTER_AND_MOVE:
		return dice_below(4) ? new_key(c) : 0;
	case SCSI_PR_OUT_PREEMPT:
	case SCSI_PR_OUT_PREEMPT_AND_ABORT:
		return m->type >= 7 && dice_below(2)             ? 0
		       : m->type && m->type < 7 && dice_below(2) ? mpr_key(m, &m->holder)
								 : any_key(m);
	default:
		return any_key(m);
	}
}

static void put_cdb(struct hcmd *cmd, uint8_t action, uint8_t type)
{
	cmd->out = true;
	cmd->cdb[0] = SCSI_OP_PERSISTENT_RESERVE_OUT;
	cmd->cdb[1] = action;
	cmd->cdb[2] = type;
	put_be32(cmd->cdb + 5, cmd->len);
}

void make_pr_out(struct hchan *c, struct hcmd *cmd)
{
	const struct mpr *m = state_of(cmd);
	struct mpr_nexus own = check_pr_name(c->h);
	uint8_t action = pick_action(m, &own);
	uint8_t type =
		action == SCSI_PR_OUT_RELEASE && dice_below(8) ? (uint8_t)m->type : pick_type();

	cmd->len = LIST_BYTES;
	memset(cmd->buf, 0, 256);
	put_be64(cmd->buf, dice_below(12) ? mpr_key(m, &own) : any_key(m));
	put_be64(cmd->buf + 8, pick_sa_key(c, m, action));
	if (action == SCSI_PR_OUT_REGISTER_AND_MOVE)
		put_move(c, cmd);
	else if (action == SCSI_PR_OUT_REGISTER || action == SCSI_PR_OUT_REGISTER_AND_IGNORE)
		put_register(cmd, action);
	if (dice_below(40) == 0)
		cmd->len += 4;
	if (dice_below(40) == 0)
		type |= 0x10; /* scope: an element, which a disk has none of */
	put_cdb(cmd, action, type);
	/* It may take commands from others; until it is known what became of it. */
	if (action == SCSI_PR_OUT_PREEMPT_AND_ABORT)
		check_taker_begins(cmd->disk);
}

void make_pr_in(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	cmd->cdb[0] = SCSI_OP_PERSISTENT_RESERVE_IN;
	cmd->cdb[1] = (uint8_t)dice_below(4);
	cmd->len = dice_below(4) ? 2048 : (uint32_t)dice_range(0, 100);
	put_be16(cmd->cdb + 7, (uint16_t)cmd->len);
}

void make_reserve(struct hchan *c, struct hcmd *cmd)
{
	static const uint8_t ops[2][2] = { { SCSI_OP_RELEASE_6, SCSI_OP_RELEASE_10 },
					   { SCSI_OP_RESERVE_6, SCSI_OP_RESERVE_10 } };
	const struct mpr *m = state_of(cmd);
	struct mpr_nexus own = check_pr_name(c->h);
	bool has = m->reserved && mpr_same(&m->reserver, &own);

	/* Who has it gives it back soon: nobody else can do anything. */
	cmd->cdb[0] = ops[dice_below(8) ? !has : has][dice_below(2)];
}

void make_pr_probe(struct hchan *c, struct hcmd *cmd, bool clear)
{
	struct mpr_nexus own = check_pr_name(c->h);

	cmd->op = HOP_PR_OUT;
	cmd->len = LIST_BYTES;
	memset(cmd->buf, 0, LIST_BYTES);
	if (clear)
		put_be64(cmd->buf, mpr_key(state_of(cmd), &own));
	else
		put_be64(cmd->buf + 8, OWN_KEY + c->h->index);
	put_cdb(cmd, clear ? SCSI_PR_OUT_CLEAR : SCSI_PR_OUT_REGISTER_AND_IGNORE, 0);
}

/* --- parameter data --- */

#define HEADER_BYTES 8u

static uint64_t hash(const uint8_t *p, uint32_t len)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (uint32_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	return h;
}

/* Of the whole of it; registrations count in whatever order they stand. */
static uint64_t digest(uint8_t service_action, const uint8_t *data, uint32_t len)
{
	uint32_t item = service_action == SCSI_PR_IN_READ_KEYS          ? 8
			: service_action == SCSI_PR_IN_READ_FULL_STATUS ? 48
									: len;
	uint64_t sum = hash(data, min_u32(len, HEADER_BYTES));

	for (uint32_t at = HEADER_BYTES; at < len; at += item)
		sum += hash(data + at, min_u32(item, len - at));
	return sum;
}

void hcmd_pr_expect(struct hcmd *cmd, const struct mpr *m)
{
	static uint8_t data[MPR_IN_MAX];
	uint8_t action = cmd->cdb[1] & 0x1f;

	if (m->wild)
		return;
	cmd->want.len = mpr_in(m, action, data);
	cmd->want.header = get_be64(data);
	cmd->want.digest = digest(action, data, cmd->want.len);
}

const char *hcmd_pr_judge(const struct hcmd *cmd, uint32_t got)
{
	if (!cmd->want.len)
		return NULL;
	if (got != min_u32(cmd->want.len, cmd->len))
		return "it brought more or less than there is";
	if (got >= HEADER_BYTES && get_be64(cmd->buf) != cmd->want.header)
		return "the header of what it brought is wrong";
	if (got == cmd->want.len && digest(cmd->cdb[1] & 0x1f, cmd->buf, got) != cmd->want.digest)
		return "what it brought is wrong";
	return NULL;
}
