/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* NBD: the fixed newstyle handshake with NBD_OPT_GO, simple replies. */
#include "base/cur.h"
#include "load.h"

#define NBD_MAGIC       0x4e42444d41474943u /* "NBDMAGIC" */
#define NBD_OPT_MAGIC   0x49484156454f5054u /* "IHAVEOPT" */
#define NBD_REP_MAGIC   0x0003e889045565a9u
#define NBD_REQ_MAGIC   0x25609513u
#define NBD_REPLY_MAGIC 0x67446698u
#define NBD_OPT_GO      7u
#define NBD_REP_ACK     1u
#define NBD_REP_ERROR   BIT(31)
#define NBD_FLAGS       3u /* fixed newstyle, no zeroes */
#define NBD_CMD_READ    0u
#define NBD_CMD_WRITE   1u
#define NBD_CMD_DISC    2u
#define NBD_REQ_LEN     28u
#define NBD_REPLY_LEN   16u

/* Receive and forget @n bytes. */
static void nbd_skip(struct load_conn *c, size_t n)
{
	uint8_t sink[256];

	while (n) {
		size_t step = min_size(n, sizeof(sink));

		load_recv(c, sink, step);
		n -= step;
	}
}

static void nbd_login(struct load_conn *c)
{
	const size_t name_len = strlen(c->l->name);
	uint8_t buf[512];
	uint32_t type;

	load_recv(c, buf, 18);
	if (get_be64(buf) != NBD_MAGIC || get_be64(buf + 8) != NBD_OPT_MAGIC)
		load_refused(c, "no NBD server of the newstyle kind");
	if (name_len > 256)
		load_refused(c, "the name of the export is too long");
	put_be32(buf, NBD_FLAGS);
	put_be64(buf + 4, NBD_OPT_MAGIC);
	put_be32(buf + 12, NBD_OPT_GO);
	put_be32(buf + 16, (uint32_t)name_len + 6);
	put_be32(buf + 20, (uint32_t)name_len);
	memcpy(buf + 24, c->l->name, name_len);
	put_be16(buf + 24 + name_len, 0); /* nothing more is asked */
	load_send(c, buf, 26 + name_len);
	do {
		load_recv(c, buf, 20);
		type = get_be32(buf + 12);
		if (get_be64(buf) != NBD_REP_MAGIC || type & NBD_REP_ERROR)
			load_refused(c, "the export was refused");
		nbd_skip(c, get_be32(buf + 16));
	} while (type != NBD_REP_ACK);
}

static uint32_t nbd_payload(struct stream *s, const uint8_t *head)
{
	const struct load_conn *c = s->user;

	if (get_be32(head) != NBD_REPLY_MAGIC || get_be32(head + 4))
		load_refused(c, "a request failed");
	return c->l->write ? 0 : c->l->bs;
}

static void nbd_message(struct stream *s, const uint8_t *head)
{
	load_answered(s->user, (uint32_t)get_be64(head + 8));
}

static struct stream_msg *nbd_command(struct load_conn *c, unsigned type, uint32_t tag)
{
	struct stream_msg *m = stream_queue(&c->s);

	memset(m, 0, sizeof(*m));
	m->head_len = NBD_REQ_LEN;
	put_be32(m->head, NBD_REQ_MAGIC);
	put_be16(m->head + 6, (uint16_t)type);
	put_be64(m->head + 8, tag);
	return m;
}

static void nbd_request(struct load_conn *c, uint32_t tag, uint64_t off_bytes)
{
	const struct load *l = c->l;
	struct stream_msg *m = nbd_command(c, l->write ? NBD_CMD_WRITE : NBD_CMD_READ, tag);

	m->pay_len = l->write ? l->bs : 0;
	put_be64(m->head + 16, off_bytes);
	put_be32(m->head + 24, l->bs);
}

static void nbd_logout(struct load_conn *c)
{
	(void)nbd_command(c, NBD_CMD_DISC, 0);
	(void)stream_flush(&c->s); /* there is no answer to it */
}

const struct load_proto load_nbd = {
	.name = "nbd",
	.stream = { .head_len = NBD_REPLY_LEN, .payload = nbd_payload, .message = nbd_message },
	.login = nbd_login,
	.logout = nbd_logout,
	.request = nbd_request,
};
