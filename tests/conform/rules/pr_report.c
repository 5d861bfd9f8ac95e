/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.15.4, 6.15.5: REPORT CAPABILITIES, READ FULL STATUS; 5.13.8: REGISTER AND MOVE; SPEC_I_PT, ALL_TG_PT, APTPL. */
#include <string.h>

#include "pr.h"

RULE(pr, capabilities, SAFE,
     "REPORT CAPABILITIES: 8 bytes, a type mask that matches what RESERVE takes")
{
	struct cmd *c = pr_in(nexus_a(t), 2, 64);

	need_op(t, 0x5e, 2);
	expect_good(c);
	EXPECT(t, got_in(c) == 8 && get_be16(c->in) == 8, "%u bytes, LENGTH %u; both are 8",
	       got_in(c), get_be16(c->in));
	EXPECT(t, c->in[3] & 0x80, "TMV is 0: the type mask is not valid");
	EXPECT(t, (c->in[4] & 0x4a) == 0x4a - 0 || c->in[4], "no type at all");
	EXPECT(t, !(c->in[4] & 0x15) && !(c->in[5] & 0xfe), "reserved types are claimed: %02x %02x",
	       c->in[4], c->in[5]);
}

RULE(pr, type_mask, DESTROYS, "RESERVE takes the types of the type mask and no others")
{
	static const struct {
		uint8_t type;
		uint8_t byte;
		uint8_t bit;
	} of[] = { { 1, 4, 0x02 }, { 3, 4, 0x08 }, { 5, 4, 0x20 },
		   { 6, 4, 0x40 }, { 7, 4, 0x80 }, { 8, 5, 0x01 } };
	struct cmd *c;
	struct nexus *a;

	pr_begin(t);
	need_op(t, 0x5e, 2);
	a = nexus_a(t);
	c = pr_in(a, 2, 64);
	expect_good(c);
	for (unsigned i = 0; i < ARRAY_SIZE(of); i++) {
		pr_register(a, KEY_A);
		if (c->in[of[i].byte] & of[i].bit)
			expect_good(pr_out(a, PR_RESERVE, of[i].type, KEY_A, 0));
		else
			expect_bad_cdb(pr_out(a, PR_RESERVE, of[i].type, KEY_A, 0), 2);
		expect_good(pr_out(a, PR_CLEAR, 0, KEY_A, 0));
	}
}

RULE(pr, full_status, DESTROYS,
     "READ FULL STATUS: each registration with key, holder, type, port and an SRP TransportID")
{
	struct nexus *a;
	struct nexus *b;
	struct cmd *c;
	unsigned n = 0;

	pr_begin(t);
	need_op(t, 0x5e, 3);
	a = nexus_a(t);
	b = nexus_b(t);
	pr_register(a, KEY_A);
	pr_register(b, KEY_B);
	expect_good(pr_out(b, PR_RESERVE, EXCLUSIVE_ACCESS, KEY_B, 0));
	c = pr_in(a, 3, 4096);
	expect_good(c);
	EXPECT(t, get_be32(c->in + 4) + 8 == got_in(c), "ADDITIONAL LENGTH says %u bytes, %u came",
	       get_be32(c->in + 4) + 8, got_in(c));
	for (uint32_t at = 8; at + 24 <= got_in(c); at += 24 + get_be32(c->in + at + 20), n++) {
		const uint8_t *d = c->in + at;
		bool of_a = get_be64(d) == KEY_A;
		const struct nexus *who = of_a ? a : b;

		EXPECT(t, of_a || get_be64(d) == KEY_B, "a key that nobody registered");
		EXPECT(t, (d[12] & 1) == !of_a, "R_HOLDER of %s is %u", of_a ? "A" : "B",
		       d[12] & 1);
		EXPECT(t, of_a || d[13] == EXCLUSIVE_ACCESS,
		       "scope and type of the holder are %02x", d[13]);
		EXPECT(t, get_be16(d + 18), "the relative target port is 0");
		EXPECT(t, get_be32(d + 20) == 24 && (d[24] & 0x0f) == 4,
		       "a TransportID of %u bytes, protocol %u", get_be32(d + 20), d[24] & 0x0f);
		EXPECT(t, !memcmp(d + 32, who->id, 16),
		       "the TransportID of %s names another initiator port", of_a ? "A" : "B");
	}
	EXPECT(t, n == 2, "%u registrations, there are 2", n);
}

/* PR OUT with 24 bytes, then a TransportID list or whatever else follows. */
static struct cmd *long_out(struct nexus *n, uint8_t action, uint8_t type, uint64_t key,
			    uint64_t service_key, uint32_t more)
{
	struct cmd *c = CMD(n, 0x5f, action, type, 0, 0, 0, 0, 0, (uint8_t)(24 + more), 0);
	uint8_t *p = data_out(c, NULL, 24 + more);

	put_be64(p, key);
	put_be64(p + 8, service_key);
	return c;
}

static void transport_id(uint8_t *p, const struct nexus *n)
{
	p[0] = 0x04;
	memcpy(p + 8, n->id, 16);
}

static uint8_t capability(struct test *t)
{
	struct cmd *c = pr_in(nexus_a(t), 2, 64);

	expect_good(c);
	return c->in[2];
}

RULE(pr, spec_i_pt, DESTROYS,
     "REGISTER with SPEC_I_PT registers the named initiator ports, too, and refuses lists that are "
     "none")
{
	struct nexus *a;
	struct cmd *c;

	pr_begin(t);
	if (!(capability(t) & 0x08))
		skip(t, "SIP_C is 0");
	a = nexus_a(t);
	c = long_out(a, PR_REGISTER, 0, 0, KEY_A, 28);
	c->out[20] = 0x08;
	put_be32(c->out + 24, 24);
	transport_id(c->out + 28, nexus_b(t));
	expect_good(c);
	EXPECT(t, pr_n_keys(a) == 2, "%u keys, there are 2", pr_n_keys(a));
	expect_good(pr_out(nexus_b(t), PR_RESERVE, WRITE_EXCLUSIVE, KEY_A, 0));
	expect_good(pr_out(a, PR_CLEAR, 0, KEY_A, 0));
	c = long_out(a, PR_REGISTER, 0, 0, KEY_A, 28);
	c->out[20] = 0x08;
	put_be32(c->out + 24, 48); /* more than there is */
	transport_id(c->out + 28, nexus_b(t));
	expect_key(c, ILLEGAL_REQUEST);
	EXPECT(t, pr_n_keys(a) == 0, "a list that is refused registers %u", pr_n_keys(a));
}

RULE(pr, all_tg_pt, DESTROYS, "ALL_TG_PT is taken where ATP_C is 1, else it is an invalid field")
{
	struct nexus *a;
	struct cmd *c;

	pr_begin(t);
	a = nexus_a(t);
	c = pr_out(a, PR_REGISTER, 0, 0, KEY_A);
	c->out[20] = 0x04;
	if (capability(t) & 0x04) {
		expect_good(c);
		EXPECT(t, pr_has_key(a, KEY_A), "nothing was registered");
	} else {
		expect_bad_parameter(c, 20);
	}
}

RULE(pr, aptpl, DESTROYS,
     "APTPL is taken where PTPL_C is 1, and PTPL_A tells of it; else it is an invalid field")
{
	struct nexus *a;
	struct cmd *c;

	pr_begin(t);
	a = nexus_a(t);
	c = pr_out(a, PR_REGISTER, 0, 0, KEY_A);
	c->out[20] = 0x01;
	if (!(capability(t) & 0x01)) {
		expect_bad_parameter(c, 20);
		EXPECT(t, !pr_n_keys(a), "it was registered all the same");
		return;
	}
	expect_good(c);
	c = pr_in(a, 2, 64);
	expect_good(c);
	EXPECT(t, c->in[3] & 1, "PTPL_A is 0 though APTPL was 1");
	expect_good(pr_out(a, PR_REGISTER, 0, KEY_A, KEY_A));
	c = pr_in(a, 2, 64);
	expect_good(c);
	EXPECT(t, !(c->in[3] & 1), "PTPL_A is 1 though the last APTPL was 0");
}

RULE(pr, move, DESTROYS,
     "REGISTER AND MOVE gives the reservation to a named initiator port, which holds it then")
{
	struct nexus *a;
	struct nexus *b;
	struct cmd *c;
	uint64_t key = 0;
	uint16_t port;

	pr_begin(t);
	need_op(t, 0x5f, PR_REGISTER_AND_MOVE);
	need_op(t, 0x5e, 3);
	a = nexus_a(t);
	b = nexus_b(t);
	pr_register(a, KEY_A);
	c = pr_in(a, 3, 256);
	expect_good(c);
	port = get_be16(c->in + 8 + 18);
	expect_good(pr_out(a, PR_RESERVE, EXCLUSIVE_ACCESS, KEY_A, 0));
	c = long_out(a, PR_REGISTER_AND_MOVE, EXCLUSIVE_ACCESS, KEY_A, KEY_B, 24);
	c->out[17] = 0x02; /* UNREG */
	put_be16(c->out + 18, port);
	put_be32(c->out + 20, 24);
	transport_id(c->out + 24, b);
	expect_good(c);
	EXPECT(t, pr_reserved(b, &key) == EXCLUSIVE_ACCESS && key == KEY_B, "type %u, key %llx",
	       pr_reserved(b, NULL), (unsigned long long)key);
	EXPECT(t, pr_n_keys(b) == 1, "UNREG left %u registrations", pr_n_keys(b));
	expect_status(read_new(a, 10, 0, 1), RESERVATION_CONFLICT);
	expect_good(read_new(b, 10, 0, 1));
}

RULE(pr, move_errors, DESTROYS,
     "REGISTER AND MOVE: no key, itself, or by who does not hold it is refused")
{
	struct nexus *a;
	struct nexus *b;

	pr_begin(t);
	need_op(t, 0x5f, PR_REGISTER_AND_MOVE);
	a = nexus_a(t);
	b = nexus_b(t);
	pr_register(a, KEY_A);
	pr_register(b, KEY_B);
	expect_good(pr_out(a, PR_RESERVE, EXCLUSIVE_ACCESS, KEY_A, 0));
	for (unsigned i = 0; i < 3; i++) {
		struct nexus *by = i == 2 ? b : a;
		struct cmd *c = long_out(by, PR_REGISTER_AND_MOVE, EXCLUSIVE_ACCESS,
					 i == 2 ? KEY_B : KEY_A, i == 0 ? 0 : 0x77, 24);

		put_be16(c->out + 18, 1);
		put_be32(c->out + 20, 24);
		transport_id(c->out + 24, i == 0 ? b : a);
		cmd_run(c);
		if (i == 2)
			EXPECT(t, c->status == RESERVATION_CONFLICT, "by another nexus: %s",
			       cmd_text(c));
		else
			EXPECT(t, c->status == CHECK_CONDITION && c->key == ILLEGAL_REQUEST,
			       "%s: %s", i ? "to itself" : "without a key", cmd_text(c));
	}
	EXPECT(t, pr_reserved(a, NULL) == EXCLUSIVE_ACCESS && pr_n_keys(a) == 2,
	       "something was changed");
}
