/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "storm_plan.h"

#include "base/check.h"
#include "wire/cdb.h"
#include "wire/ddp.h"
#include "wire/mpa.h"
#include "wire/srp_cmd.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_login_req.h"
#include "wire/srp_logout.h"

#define IU_LEN    8276u
#define STAG      0x5eed0100u
#define REPLY_LEN 76u /* of a LOGIN_RSP: MPA head, enhanced words, 52 bytes */
#define RSP_FPDU  60u /* of a RSP without sense data; with it a little more */

struct kind {
	const char *name;
	unsigned weight;
	void (*make)(struct plan *p, const struct plan_target *t, struct prng *r);
};

/* --- bytes --- */

static void step(struct plan *p, enum step_type type, size_t arg)
{
	check(p->n_steps < PLAN_STEPS);
	p->step[p->n_steps++] = (struct step){ type, arg };
}

static struct pen pen_at_end(struct plan *p)
{
	return pen_of(p->out + p->out_len, sizeof(p->out) - p->out_len);
}

static struct srp_login_req login_of(const struct plan *p, const struct plan_target *t)
{
	return (struct srp_login_req){ .tag = p->tag,
				       .req_it_iu_len = IU_LEN,
				       .req_buf_fmt = SRP_BUF_FMT_DIRECT | SRP_BUF_FMT_INDIRECT,
				       .req_flags = SRP_LOGIN_MULTI,
				       .initiator = p->initiator,
				       .target = t->id };
}

static struct mpa_frame frame_of(const void *priv, size_t len)
{
	return (struct mpa_frame){
		.flags = MPA_S, .rev = 2, .enhanced = true, .ird = 4, .priv = priv, .priv_len = len
	};
}

static void put_frame(struct plan *p, const struct mpa_frame *f)
{
	struct pen out = pen_at_end(p);

	mpa_frame_encode(&out, f);
	check(!out.bad);
	p->out_len += out.pos;
}

static void put_login(struct plan *p, const struct srp_login_req *q)
{
	uint8_t priv[SRP_LOGIN_REQ_CM_BYTES];
	struct pen pen = pen_of(priv, sizeof(priv));
	struct mpa_frame f = frame_of(priv, sizeof(priv));

	check(srp_login_req_cm_encode(q, &pen) == 0);
	put_frame(p, &f);
}

static void put_send(struct plan *p, uint32_t msn, const uint8_t *iu, size_t len)
{
	struct pen out = pen_at_end(p);
	uint8_t *hdr = pen_take(&out, DDP_UNTAGGED_LEN);

	check(hdr);
	ddp_untagged_put(hdr, RDMAP_SEND, true, (uint32_t)len, 0, DDP_QN_SEND);
	ddp_untagged_seq(hdr, msn, 0);
	pen_copy(&out, iu, len);
	pen_zero(&out, fpdu_pad((unsigned)(DDP_UNTAGGED_BODY + len)) + FPDU_CRC_LEN);
	check(!out.bad);
	p->out_len += out.pos;
}

/* A command whose data are in our memory, which we never serve; @blocks 0: without data. */
static void put_command(struct plan *p, bool write, uint16_t blocks)
{
	uint8_t cdb[CDB_MAX_BYTES] = { 0 };
	uint8_t desc[SRP_MEM_DESC_BYTES];
	uint8_t iu[128];
	struct pen pen = pen_of(iu, sizeof(iu));
	struct srp_cmd c = { .tag = p->tag, .cdb = cdb, .cdb_len = sizeof(cdb) };
	struct srp_data d = {
		.fmt = SRP_FMT_DIRECT, .len = blocks * 512u, .n_desc = 1, .n_table = 1, .desc = desc
	};
	struct srp_cmd_data data = { 0 };

	srp_mem_desc_put(desc, &(struct srp_mem_desc){ .key = STAG, .len = d.len });
	if (blocks) {
		(void)cdb_put_rw(cdb, write ? SCSI_OP_WRITE_10 : SCSI_OP_READ_10, 0,
				 (struct cdb_range){ 64, blocks });
		*(write ? &data.out : &data.in) = d;
	}
	check(srp_cmd_encode(&c, &data, 0, &pen) == 0);
	put_send(p, 1, iu, pen.pos);
	p->talked = true;
}

static void put_logout(struct plan *p)
{
	uint8_t iu[SRP_LOGOUT_BYTES];
	struct pen pen = pen_of(iu, sizeof(iu));

	check(srp_i_logout_encode(&(struct srp_i_logout){ .tag = 9 }, &pen) == 0);
	put_send(p, p->talked ? 2 : 1, iu, pen.pos);
	p->talked = true;
}

static void begin(struct plan *p, struct prng *r)
{
	*p = (struct plan){ .tag = prng_u64(r) };
	put_be64(p->initiator.guid, prng_u64(r) | 1);
}

/* --- logins that are refused --- */

static void refused(struct plan *p, uint32_t reason)
{
	p->expect = EXPECT_REJ;
	p->reason = reason;
	step(p, STEP_SEND, p->out_len);
	step(p, STEP_REPLY, 0);
	step(p, STEP_END, 0);
}

static void wrong_target(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	q.target.ext[prng_below(r, 8)] ^= (uint8_t)(1 + prng_below(r, 255));
	put_login(p, &q);
	refused(p, SRP_REJ_NEXUS);
}

static void denied(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	(void)r;
	q.target = t->denied;
	put_login(p, &q);
	refused(p, SRP_REJ_NEXUS);
}

static void short_request(struct plan *p, const struct plan_target *t, struct prng *r)
{
	uint8_t priv[SRP_LOGIN_REQ_CM_BYTES];
	struct pen pen = pen_of(priv, sizeof(priv));
	struct srp_login_req q = login_of(p, t);
	struct mpa_frame f = frame_of(priv, prng_below(r, sizeof(priv)));

	check(srp_login_req_cm_encode(&q, &pen) == 0);
	put_frame(p, &f);
	refused(p, SRP_REJ_UNSPECIFIED);
}

/* Private data of any length and content; the opcode is no LOGIN_REQ's. */
static void other_private_data(struct plan *p, const struct plan_target *t, struct prng *r)
{
	uint8_t priv[MPA_PRIV_MAX - MPA_WORDS_LEN];
	struct mpa_frame f = frame_of(priv, prng_below(r, sizeof(priv) + 1));

	(void)t;
	for (size_t i = 0; i < sizeof(priv); i++)
		priv[i] = (uint8_t)prng_u64(r);
	priv[11] |= 1; /* the opcode in the RDMA/CM form; LOGIN_REQ is 0 */
	put_frame(p, &f);
	refused(p, SRP_REJ_UNSPECIFIED);
}

static void bad_length(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	q.req_it_iu_len = prng_below(r, 2)
				  ? (uint32_t)prng_below(r, 64)
				  : (1u << 17) + (uint32_t)prng_below(r, UINT32_MAX - (1u << 17));
	put_login(p, &q);
	refused(p, SRP_REJ_IT_IU_LEN);
}

static void bad_format(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	q.req_buf_fmt = (uint16_t)(8u << prng_below(r, 13) | (uint16_t)prng_u64(r));
	put_login(p, &q);
	refused(p, SRP_REJ_BUF_FMT);
}

static void bad_action(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	q.req_flags = (uint8_t)(2 + prng_below(r, 2));
	put_login(p, &q);
	refused(p, SRP_REJ_UNSPECIFIED);
}

/* --- what is no MPA request we take --- */

static void dropped(struct plan *p, enum expect expect)
{
	p->expect = expect;
	step(p, STEP_SEND, p->out_len);
	if (expect == EXPECT_REFUSED)
		step(p, STEP_REPLY, 0);
	step(p, STEP_END, 0);
}

static void garbage(struct plan *p, const struct plan_target *t, struct prng *r)
{
	(void)t;
	p->out_len = 1 + prng_below(r, 300);
	for (size_t i = 0; i < p->out_len; i++)
		p->out[i] = (uint8_t)prng_u64(r);
	p->out[0] ^= p->out[0] == 'M';
	dropped(p, EXPECT_SILENCE);
}

static void wrong_key(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	put_login(p, &q);
	p->out[prng_below(r, 16)] ^= (uint8_t)(1 + prng_below(r, 255));
	dropped(p, EXPECT_SILENCE);
}

static void long_private_data(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	put_login(p, &q);
	put_be16(p->out + 18, (uint16_t)(MPA_PRIV_MAX + 1 + prng_below(r, 65535 - MPA_PRIV_MAX)));
	dropped(p, EXPECT_SILENCE);
}

static void data_behind(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	put_login(p, &q);
	p->out_len += 1 + prng_below(r, 400);
	dropped(p, EXPECT_SILENCE);
}

static void short_words(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct mpa_frame f = frame_of(NULL, 0);
	size_t n = prng_below(r, MPA_WORDS_LEN);

	(void)t;
	put_frame(p, &f);
	put_be16(p->out + 18, (uint16_t)n);
	p->out_len = MPA_HEAD_LEN + n;
	dropped(p, EXPECT_SILENCE);
}

static void markers(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	(void)r;
	put_login(p, &q);
	p->out[16] |= MPA_M;
	dropped(p, EXPECT_REFUSED);
}

static void new_revision(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	put_login(p, &q);
	p->out[17] = (uint8_t)(MPA_REV_MAX + 1 + prng_below(r, 255 - MPA_REV_MAX));
	dropped(p, EXPECT_REFUSED);
}

static void no_rtr_kind(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	(void)r;
	put_login(p, &q);
	p->out[20] |= 0x80; /* an RTR frame will be sent, but of no kind */
	dropped(p, EXPECT_REFUSED);
}

/* --- half of it, or until it is told --- */

/* The whole of it is sent only up to a random byte. */
static size_t some_of(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	put_login(p, &q);
	p->expect = EXPECT_ANYTHING;
	return prng_below(r, p->out_len);
}

static void half_fin(struct plan *p, const struct plan_target *t, struct prng *r)
{
	step(p, STEP_SEND, some_of(p, t, r));
	step(p, STEP_FIN, 0);
	step(p, STEP_END, 0);
}

static void half_rst(struct plan *p, const struct plan_target *t, struct prng *r)
{
	step(p, STEP_SEND, some_of(p, t, r));
	step(p, STEP_RST, 0);
}

/* Nothing more comes: the target ends it at its deadline. */
static void half_open(struct plan *p, const struct plan_target *t, struct prng *r)
{
	step(p, STEP_SEND, some_of(p, t, r));
	p->expect = EXPECT_SILENCE;
	step(p, STEP_END, 0);
}

/* Refused, but the peer does not care: gone before, amid or after the LOGIN_REJ. */
static void refused_and_gone(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);

	q.target.guid[0] ^= 1;
	put_login(p, &q);
	p->expect = EXPECT_ANYTHING;
	step(p, STEP_SEND, p->out_len);
	step(p, STEP_READ, prng_below(r, 57));
	step(p, prng_below(r, 2) ? STEP_RST : STEP_CLOSE, 0);
}

static const struct kind rejects[] = {
	{ "wrong target", 36, wrong_target },
	{ "access denied", 30, denied },
	{ "request cut short", 24, short_request },
	{ "other private data", 24, other_private_data },
	{ "IU length", 24, bad_length },
	{ "descriptor format", 18, bad_format },
	{ "multi-channel action", 12, bad_action },
	{ "garbage", 24, garbage },
	{ "wrong key", 18, wrong_key },
	{ "too much private data", 12, long_private_data },
	{ "data behind", 12, data_behind },
	{ "words cut short", 9, short_words },
	{ "markers", 9, markers },
	{ "new revision", 9, new_revision },
	{ "no RTR kind", 9, no_rtr_kind },
	{ "half open, FIN", 30, half_fin },
	{ "half open, RST", 30, half_rst },
	{ "half open, deadline", 1, half_open },
	{ "refused and gone", 24, refused_and_gone },
};

/* --- logins that are accepted --- */

enum traffic {
	IDLE,
	ANSWERED,
	READ_IN_FLIGHT,
	WRITE_IN_FLIGHT,
	TRAFFIC_COUNT
};

static void log_in(struct plan *p, const struct plan_target *t, enum traffic traffic)
{
	struct srp_login_req q = login_of(p, t);

	put_login(p, &q);
	p->expect = EXPECT_LIVE;
	step(p, STEP_SEND, p->out_len);
	step(p, STEP_REPLY, 0);
	if (traffic == IDLE)
		return;
	put_command(p, traffic == WRITE_IN_FLIGHT, traffic == ANSWERED ? 0 : 64);
	step(p, STEP_SEND, p->out_len);
	if (traffic == ANSWERED)
		step(p, STEP_ANSWER, 0);
}

static void end_logout(struct plan *p, const struct plan_target *t, struct prng *r)
{
	log_in(p, t, (enum traffic)prng_below(r, TRAFFIC_COUNT));
	put_logout(p);
	step(p, STEP_SEND, p->out_len);
	step(p, STEP_END, 0);
}

static void end_fin(struct plan *p, const struct plan_target *t, struct prng *r)
{
	log_in(p, t, (enum traffic)prng_below(r, TRAFFIC_COUNT));
	step(p, STEP_FIN, 0);
	step(p, STEP_END, 0);
}

static void end_rst(struct plan *p, const struct plan_target *t, struct prng *r)
{
	log_in(p, t, (enum traffic)prng_below(r, TRAFFIC_COUNT));
	step(p, STEP_RST, 0);
}

static void end_evicted(struct plan *p, const struct plan_target *t, struct prng *r)
{
	log_in(p, t, (enum traffic)prng_below(r, TRAFFIC_COUNT));
	step(p, STEP_RIVAL, 0);
	step(p, STEP_END, 0);
}

/* Gone at any byte of login, reply, command and answer. */
static void end_anywhere(struct plan *p, const struct plan_target *t, struct prng *r)
{
	struct srp_login_req q = login_of(p, t);
	size_t login;
	size_t at;

	put_login(p, &q);
	login = p->out_len;
	put_command(p, false, 0);
	p->expect = EXPECT_ANYTHING;
	at = prng_below(r, p->out_len + REPLY_LEN + RSP_FPDU);
	step(p, STEP_SEND, min_size(at, login));
	if (at > login) {
		step(p, STEP_READ, min_size(at - login, REPLY_LEN));
		at -= login + min_size(at - login, REPLY_LEN);
		step(p, STEP_SEND, login + min_size(at, p->out_len - login));
		if (at > p->out_len - login)
			step(p, STEP_READ, REPLY_LEN + at - (p->out_len - login));
	}
	step(p, prng_below(r, 2) ? STEP_RST : STEP_CLOSE, 0);
}

static const struct kind cycles[] = {
	{ "I_LOGOUT", 30, end_logout }, { "FIN", 20, end_fin },           { "RST", 20, end_rst },
	{ "evicted", 15, end_evicted }, { "any byte", 15, end_anywhere },
};

static const struct kind *pick(const struct kind *k, size_t n, struct prng *r)
{
	uint64_t all = 0;
	uint64_t at;
	size_t i;

	for (i = 0; i < n; i++)
		all += k[i].weight;
	at = prng_below(r, all);
	for (i = 0; at >= k[i].weight; i++)
		at -= k[i].weight;
	return &k[i];
}

void plan_reject(struct plan *p, const struct plan_target *t, struct prng *r)
{
	const struct kind *k = pick(rejects, ARRAY_SIZE(rejects), r);

	begin(p, r);
	p->kind = k->name;
	k->make(p, t, r);
}

void plan_cycle(struct plan *p, const struct plan_target *t, struct prng *r, uint64_t unique)
{
	const struct kind *k = pick(cycles, ARRAY_SIZE(cycles), r);

	begin(p, r);
	p->kind = k->name;
	put_be64(p->initiator.guid, unique + 1); /* a nexus of its own, or of the rival too */
	k->make(p, t, r);
}

void plan_cap(struct plan *p, const struct plan_target *t, uint64_t unique)
{
	*p = (struct plan){ .kind = "login", .tag = unique, .reason = SRP_REJ_RESOURCES };
	put_be64(p->initiator.guid, unique + 1);
	log_in(p, t, IDLE);
	p->expect = EXPECT_EITHER;
	put_logout(p);
	step(p, STEP_SEND, p->out_len);
	step(p, STEP_END, 0);
}

void plan_rival(struct plan *p, const struct plan_target *t, const struct plan *first)
{
	struct srp_login_req q;

	*p = (struct plan){ .kind = "rival", .tag = ~first->tag, .rival = true };
	p->initiator = first->initiator;
	q = login_of(p, t);
	q.req_flags = SRP_LOGIN_SINGLE;
	put_login(p, &q);
	p->expect = EXPECT_LIVE;
	step(p, STEP_SEND, p->out_len);
	step(p, STEP_REPLY, 0);
	put_logout(p);
	step(p, STEP_SEND, p->out_len);
	step(p, STEP_END, 0);
}
