/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/srp_sess.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cur.h"
#include "tools/srp_clock.h"
#include "wire/cdb.h"
#include "wire/sense.h"

#define DEFAULT_TIMEOUT_S 30u
#define RETRIES           16u
#define POLL_US_MAX       1000000u

static void on_trace(void *user, struct srp_conn *conn, bool sent, const void *iu, size_t len,
		     const char *text)
{
	static uint64_t start_ns;
	uint64_t now = clock_ns();

	(void)user, (void)conn, (void)iu;
	if (!start_ns)
		start_ns = now;
	(void)fprintf(stderr, "%10.6f %s %4zu  %s\n", (double)(now - start_ns) / 1e9,
		      sent ? "-->" : "<--", len, text);
}

int sess_ctx_new(struct srp_ctx **ret, const struct conn_args *args, unsigned max_conns)
{
	const struct srp_ctx_opts opts = { .max_conns = max_conns,
					   .poll_us =
						   (unsigned)min_u64(args->poll_us, POLL_US_MAX) };
	int r = srp_ctx_new(ret, &opts);

	if (r == -ENOSYS || r == -EPERM)
		return complain("io_uring",
				"%s: it is missing or forbidden here (see sysctl "
				"kernel.io_uring_disabled, or the container's seccomp profile)",
				strerror(-r));
	if (r)
		return complain("start", "%s", strerror(-r));
	if (args->verbose)
		srp_ctx_set_trace(*ret, on_trace, NULL);
	return 0;
}

int sess_opts(const struct url *url, const struct conn_args *args, struct srp_connect_opts *ret)
{
	struct srp_connect_opts o = {
		.host = url->host,
		.port = url->port,
		.id_ext = url->id_ext,
		.ioc_guid = url->ioc_guid,
		.mode = args->single ? SRP_SINGLE : SRP_MULTI,
		.no_immediate = args->no_immediate,
		.immediate_max = (unsigned)min_u64(args->immediate, 65536),
		.max_response_iu = (unsigned)min_u64(args->response_iu, 65536),
		.connect_timeout_ms = (unsigned)min_u64(args->timeout_s, 86400) * 1000,
	};
	uint64_t ext;
	uint64_t guid;

	if (args->initiator) {
		if (!url_parse_ids(args->initiator, strlen(args->initiator), &ext, &guid))
			return usage_error("--initiator-id",
					   "'%s' is not ext:guid, up to 16 hex digits each",
					   args->initiator);
		put_be64(o.initiator.b, ext);
		put_be64(o.initiator.b + 8, guid);
	}
	*ret = o;
	return 0;
}

/* What to do about an end of a connection. */
static const char *advice(const struct srp_down *why)
{
	switch (why->reason) {
	case SRP_DOWN_UNREACHABLE:
		return "is the target running there, and does no firewall stand between?";
	case SRP_DOWN_REJECTED:
		switch (why->code) {
		case 0x00010003:
			return "check id_ext:ioc_guid in the URL (without them the target needs a "
			       "default "
			       "target)";
		case 0x00010002:
			return "the target takes shorter IUs only, try --no-immediate, or a "
			       "smaller "
			       "--immediate";
		case 0x00010001:
			return "the target is out of resources or disabled, try later";
		case 0x00010006:
			return "the target's access list may not contain this initiator (srp ping "
			       "-v "
			       "shows its id), or there are too many channels";
		default:
			return "the target's log says more";
		}
	case SRP_DOWN_PROTOCOL:
		return "for LIO and SCST give --response-iu 8276; else the target has a fault";
	case SRP_DOWN_LOGGED_OUT:
		return why->code == 4 ? "another login with the same --initiator-id took over"
				      : "try again later";
	default:
		return "try again";
	}
}

int sess_complain_down(const char *url, const struct srp_down *why)
{
	char error[96] = "";

	if (why->error && why->reason == SRP_DOWN_UNREACHABLE)
		(void)snprintf(error, sizeof(error), " (%s)", strerror(-why->error));
	if (why->code)
		(void)snprintf(error, sizeof(error), " (reason 0x%08" PRIx32 ")", why->code);
	switch (why->reason) {
	case SRP_DOWN_UNREACHABLE:
		(void)complain(url, "unreachable: %s%s, %s", why->text, error, advice(why));
		return EXIT_UNREACHABLE;
	case SRP_DOWN_REJECTED:
		(void)complain(url, "login refused: %s%s, %s", why->text, error, advice(why));
		return EXIT_REFUSED;
	default:
		return complain(url, "connection lost: %s%s, %s", why->text, error, advice(why));
	}
}

static void on_up(struct srp_conn *conn, void *user)
{
	(void)conn;
	((struct sess *)user)->up = true;
}

static void on_down(struct srp_conn *conn, void *user, const struct srp_down *why)
{
	struct sess *s = user;

	(void)conn;
	s->up = false;
	s->down = true;
	s->why = *why;
	(void)snprintf(s->why_text, sizeof(s->why_text), "%s", why->text);
	s->why.text = s->why_text;
}

static const struct srp_conn_ops sess_conn_ops = { .up = on_up, .down = on_down };

int sess_wait(struct sess *s)
{
	int r;

	if (s->down)
		return sess_complain_down(s->url->text, &s->why);
	r = srp_ctx_process(s->ctx, -1);
	if (r)
		return complain(s->url->text, "the event loop broke: %s", strerror(-r));
	return 0;
}

int sess_open(struct sess *s, struct srp_ctx *ctx, const struct url *url,
	      const struct conn_args *args, unsigned depth)
{
	struct srp_connect_opts o;
	uint64_t start = clock_ns();
	int r;

	*s = (struct sess){ .ctx = ctx, .url = url, .args = args };
	r = sess_opts(url, args, &o);
	if (r)
		return r;
	o.depth = depth;
	r = srp_connect(&s->conn, ctx, &o, &sess_conn_ops, s);
	if (r)
		return complain(url->text, "cannot log in: %s", strerror(-r));
	while (!s->up) {
		r = sess_wait(s);
		if (r)
			return r;
	}
	s->login_ns = clock_ns() - start;
	return 0;
}

void sess_close(struct sess *s)
{
	if (!s->conn)
		return;
	if (!s->down)
		srp_close(s->conn, SRP_CLOSE_LOGOUT);
	while (!s->down)
		if (srp_ctx_process(s->ctx, -1))
			return;
	srp_conn_free(s->conn);
	s->conn = NULL;
}

static void on_done(struct srp_io *io)
{
	((struct sess *)io->user)->exec_done = true;
}

int sess_exec(struct sess *s, struct srp_io *io)
{
	int r;

	io->done = on_done;
	io->user = s;
	if (!io->timeout_ms)
		io->timeout_ms = (unsigned)min_u64(s->args->timeout_s ? s->args->timeout_s
								      : DEFAULT_TIMEOUT_S,
						   86400) *
				 1000;
	for (unsigned tries = 0; tries < RETRIES; tries++) {
		s->exec_done = false;
		r = srp_submit(s->conn, io);
		if (r && r != -ENOTCONN) /* the end of the connection is reported below */
			return complain(s->url->text, "cannot send a command: %s", strerror(-r));
		while (!s->exec_done) {
			r = sess_wait(s);
			if (r)
				return r;
		}
		if (io->outcome == SRP_IO_LOST)
			while (!s->down && !sess_wait(s))
				;
		if (s->down)
			return sess_complain_down(s->url->text, &s->why);
		if (!io_again(io))
			break;
	}
	if (io->outcome != SRP_IO_DONE) {
		char text[160];

		return complain(s->url->text, "%s", io_text(io, text, sizeof(text)));
	}
	return 0;
}

bool io_again(const struct srp_io *io)
{
	struct sense sense;

	if (io->outcome != SRP_IO_DONE)
		return false;
	if (io->status == SCSI_STATUS_BUSY || io->status == SCSI_STATUS_TASK_SET_FULL)
		return true;
	return io->status == SCSI_STATUS_CHECK_CONDITION &&
	       sense_decode(io->sense, io->sense_len, &sense) == 0 &&
	       sense.key == SENSE_UNIT_ATTENTION;
}

static const char *status_text(uint8_t status)
{
	switch (status) {
	case SCSI_STATUS_BUSY:
		return "BUSY";
	case SCSI_STATUS_RESERVATION_CONFLICT:
		return "RESERVATION CONFLICT: another initiator has reserved the LUN";
	case SCSI_STATUS_TASK_SET_FULL:
		return "TASK SET FULL";
	case SCSI_STATUS_TASK_ABORTED:
		return "TASK ABORTED";
	default:
		return "unexpected status";
	}
}

static void done_text(const struct srp_io *io, const char *name, char *buf, size_t size)
{
	struct sense sense;
	const char *asc;

	if (io->status == 0 && io->rsp_code) {
		(void)snprintf(buf, size, "%s: the target found fault with the request (code %u)",
			       name, io->rsp_code);
		return;
	}
	if (io->status == 0) {
		(void)snprintf(buf, size, "%s: done", name);
		return;
	}
	if (io->status != SCSI_STATUS_CHECK_CONDITION ||
	    sense_decode(io->sense, io->sense_len, &sense)) {
		(void)snprintf(buf, size, "%s: status 0x%02x, %s", name, io->status,
			       status_text(io->status));
		return;
	}
	asc = sense_asc_text(sense.asc);
	(void)snprintf(buf, size, "%s: %s, %s (%02x/%02x)", name, sense_key_text(sense.key),
		       asc ? asc : "additional sense", sense.asc >> 8, sense.asc & 0xff);
}

const char *io_text(const struct srp_io *io, char *buf, size_t size)
{
	const char *name = cdb_opcode_text(io->cdb);

	name = name ? name : "command";
	switch (io->outcome) {
	case SRP_IO_DONE:
		done_text(io, name, buf, size);
		break;
	case SRP_IO_ABORTED:
		(void)snprintf(buf, size, "%s: aborted by task management", name);
		break;
	case SRP_IO_TIMEOUT:
		(void)snprintf(buf, size, "%s: not answered in time (see --timeout)", name);
		break;
	case SRP_IO_LOST:
		(void)snprintf(buf, size, "%s: the connection ended before an answer", name);
		break;
	}
	return buf;
}
