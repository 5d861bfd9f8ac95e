/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * iSCSI (RFC 7143), as much as a load needs: one login without authentication, READ(16) and WRITE(16) to LUN 1 with all
 * of a write's data in its command, no digests. The target is set up so that it takes that much.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cur.h"
#include "load.h"

#define BHS             48u
#define OP_SCSI_CMD     0x01
#define OP_LOGIN        0x43 /* an immediate command */
#define OP_SCSI_RSP     0x21
#define OP_LOGIN_RSP    0x23
#define OP_DATA_IN      0x25
#define OP_MASK         0x3f
#define FINAL           0x80
#define CMD_READ        0x40
#define CMD_WRITE       0x20
#define DATA_STATUS     0x01 /* a Data-In that ends its command */
#define LOGIN_LAST      0x87 /* from negotiation, which is at its end, to full feature phase */
#define ISCSI_DEPTH     128u /* commands that tgt lets one connection have */
#define LOGIN_TEXT      4096u
#define LOGIN_STEPS     4
#define TEST_UNIT_TRIES 8
#define BLOCK           512u

/* What is offered; zeroes end the keys. */
static const char keys[] = "InitiatorName=iqn.2000-01.org.example:load\0"
			   "SessionType=Normal\0"
			   "HeaderDigest=None\0"
			   "DataDigest=None\0"
			   "InitialR2T=Yes\0"
			   "ImmediateData=Yes\0"
			   "MaxRecvDataSegmentLength=16776192\0"
			   "MaxBurstLength=16776192\0"
			   "FirstBurstLength=4194304\0"
			   "DefaultTime2Wait=0\0"
			   "DefaultTime2Retain=0\0"
			   "MaxOutstandingR2T=1\0"
			   "MaxConnections=1\0"
			   "ErrorRecoveryLevel=0";

static uint32_t data_len(const uint8_t *bhs)
{
	return get_be32(bhs + 4) & 0xffffffu;
}

static uint32_t padded(uint32_t len)
{
	return (len + 3) & ~3u;
}

/* The number behind @key in the @len bytes of @text; @otherwise when it is not there. */
static uint32_t key_number(const char *text, size_t len, const char *key, uint32_t otherwise)
{
	for (size_t at = 0; at < len; at += strlen(text + at) + 1)
		if (!strncmp(text + at, key, strlen(key)))
			return (uint32_t)strtoul(text + at + strlen(key), NULL, 10);
	return otherwise;
}

/* One PDU; its data, closed by a zero, to @text. Return: bytes of data. */
static uint32_t recv_pdu(struct load_conn *c, uint8_t *bhs, char *text)
{
	uint32_t len;

	load_recv(c, bhs, BHS);
	len = data_len(bhs);
	if (padded(len) > LOGIN_TEXT)
		load_refused(c, "a long answer during the login");
	load_recv(c, text, padded(len));
	text[len] = 0;
	c->exp_stat_sn = get_be32(bhs + 24) + 1;
	return len;
}

/* Send the keys. Return: bytes of text to send. */
static uint32_t login_text(const struct load_conn *c, char *text)
{
	int n;

	memcpy(text, keys, sizeof(keys));
	n = snprintf(text + sizeof(keys), LOGIN_TEXT - sizeof(keys), "TargetName=%s", c->l->name);
	return (uint32_t)(sizeof(keys) + (size_t)n + 1);
}

/* Offer the keys, then nothing, until the target goes on to full feature phase, too. */
static void negotiate(struct load_conn *c)
{
	uint8_t bhs[BHS] = { 0 };
	char text[LOGIN_TEXT + 1] = { 0 };
	uint32_t segment = 8192; /* what holds when the target does not say */
	uint32_t burst = 65536;
	uint32_t len = login_text(c, text);

	for (int i = 0; i < LOGIN_STEPS && !(i && bhs[1] & FINAL); i++) {
		memset(bhs, 0, sizeof(bhs));
		bhs[0] = OP_LOGIN;
		bhs[1] = LOGIN_LAST;
		put_be32(bhs + 4, len);
		put_be32(bhs + 8, 0x80000000u); /* ISID: a random one, */
		put_be16(bhs + 12,
			 (uint16_t)(c - c->l->conns + 1)); /* so each connection is a session */
		put_be32(bhs + 28, c->exp_stat_sn);
		load_send(c, bhs, sizeof(bhs));
		load_send(c, text, padded(len));
		len = recv_pdu(c, bhs, text);
		if ((bhs[0] & OP_MASK) != OP_LOGIN_RSP || get_be16(bhs + 36))
			load_refused(c, "the login was refused");
		segment = key_number(text, len, "MaxRecvDataSegmentLength=", segment);
		burst = key_number(text, len, "FirstBurstLength=", burst);
		len = 0;
	}
	if (!(bhs[1] & FINAL))
		load_refused(c, "the login does not end");
	c->immediate_max = min_u32(segment, burst);
	c->cmd_sn = get_be32(bhs + 28); /* ExpCmdSN */
}

static struct stream_msg *command(struct load_conn *c, uint32_t tag)
{
	struct stream_msg *m = stream_queue(&c->s);

	memset(m, 0, sizeof(*m));
	m->head_len = BHS;
	m->head[0] = OP_SCSI_CMD;
	m->head[1] = FINAL;
	m->head[9] = 1; /* LUN */
	put_be32(m->head + 16, tag);
	put_be32(m->head + 24, c->cmd_sn++);
	put_be32(m->head + 28, c->exp_stat_sn);
	return m;
}

/* TEST UNIT READY until it is: the first commands of a session hear of unit attentions. */
static void wait_ready(struct load_conn *c)
{
	char text[LOGIN_TEXT + 1];
	uint8_t bhs[BHS];

	for (int i = 0; i < TEST_UNIT_TRIES; i++) {
		(void)command(c, 0);
		if (!stream_flush(&c->s))
			die("login, send");
		(void)recv_pdu(c, bhs, text);
		if ((bhs[0] & OP_MASK) == OP_SCSI_RSP && !bhs[3])
			return;
	}
	load_refused(c, "the unit does not get ready");
}

static void iscsi_login(struct load_conn *c)
{
	negotiate(c);
	wait_ready(c);
	if (c->l->write && c->l->bs > c->immediate_max)
		load_refused(c, "it takes less data with a command than --bs says");
}

static uint32_t iscsi_payload(struct stream *s, const uint8_t *head)
{
	const struct load_conn *c = s->user;
	const uint8_t op = head[0] & OP_MASK;
	const bool status = op == OP_SCSI_RSP || (op == OP_DATA_IN && head[1] & DATA_STATUS);

	if (op != OP_SCSI_RSP && op != OP_DATA_IN)
		load_refused(c, "an answer of an unexpected kind");
	if (status && head[3])
		load_refused(c, "a command failed");
	return padded(data_len(head));
}

static void iscsi_message(struct stream *s, const uint8_t *head)
{
	struct load_conn *c = s->user;

	if ((head[0] & OP_MASK) == OP_DATA_IN && !(head[1] & DATA_STATUS))
		return;
	c->exp_stat_sn = get_be32(head + 24) + 1;
	load_answered(c, get_be32(head + 16));
}

static void iscsi_request(struct load_conn *c, uint32_t tag, uint64_t off_bytes)
{
	const struct load *l = c->l;
	struct stream_msg *m = command(c, tag);

	m->head[1] |= l->write ? CMD_WRITE : CMD_READ;
	m->pay_len = l->write ? l->bs : 0;
	put_be32(m->head + 4, m->pay_len);
	put_be32(m->head + 20, l->bs);
	m->head[32] = l->write ? 0x8a : 0x88; /* WRITE(16), READ(16) */
	put_be64(m->head + 34, off_bytes / BLOCK);
	put_be32(m->head + 42, l->bs / BLOCK);
}

const struct load_proto load_iscsi = {
	.name = "iscsi",
	.stream = { .head_len = BHS, .payload = iscsi_payload, .message = iscsi_message },
	.max_depth = ISCSI_DEPTH,
	.login = iscsi_login,
	.request = iscsi_request,
};
