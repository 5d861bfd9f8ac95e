/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptctl: what an administrator asks a running srptd. */
#include "tools/srptctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"

/* Options without a letter. */
enum {
	OPT_DEADLINE = 0x100,
	OPT_FOR,
};

struct command {
	const char *noun;
	const char *verb; /* NULL: the noun is the command */
	const char *args; /* for --help */
	unsigned max_args;
	const char *help;
	enum srptctl_exit (*run)(const struct srptctl *s);
};

static const struct command commands[] = {
	{ "status", NULL, "", 0, "version, targets, devices and workers at a glance",
	  srptctl_status },
	{ "session", "list", "", 0, "who is logged in: state, credits, commands in flight, bytes",
	  srptctl_session_list },
	{ "login-info", NULL, " [TARGET]", 1,
	  "the lines a Linux host writes to add_target to log in", srptctl_login_info },
	{ "device", "eject", " DEVICE", 1, "take the medium of a removable device out",
	  srptctl_device_eject },
	{ "device", "insert", " DEVICE", 1, "put it in again", srptctl_device_insert },
	{ "device", "suspend", " DEVICE", 1,
	  "let commands wait and flush the store, to snapshot or move it", srptctl_device_suspend },
	{ "device", "resume", " DEVICE", 1, "go on with what waits", srptctl_device_resume },
	{ "device", "reservations", " DEVICE", 1,
	  "who has registered with a device and reserved it; or, with --restore, who has again",
	  srptctl_device_reservations },
	{ "group", "list", "", 0, "target port groups: access states, who set them, ports",
	  srptctl_group_list },
	{ "group", "get", " DEVICE_GROUP", 1, "its access states, in words that group set takes",
	  srptctl_group_get },
	{ "group", "set", " DEVICE_GROUP TARGET_GROUP=STATE...", 33,
	  "give target port groups other access states, all at once", srptctl_group_set },
	{ "reload", NULL, "", 0, "read the configuration again and carry out the differences",
	  srptctl_reload },
	{ "fault", "add", " KIND [VALUE] [WHOM=...]", 13,
	  "make a fault on demand; it expires (see below)", srptctl_fault_add },
	{ "fault", "list", "", 0, "faults on demand: whom they hit, how often they did",
	  srptctl_fault_list },
	{ "fault", "clear", " [ID]", 1, "end this fault, or all", srptctl_fault_clear },
	{ "upgrade", NULL, "", 0,
	  "go over to the srptd that is installed now, without an I/O error", srptctl_upgrade },
	{ "rpc", NULL, " METHOD [PARAMS]", 2,
	  "call a method with JSON parameters, print its result", srptctl_rpc },
};

void srptctl_error(const char *object, const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(stderr, "srptctl: %s: ", object);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

static enum srptctl_exit exit_of_code(int code)
{
	switch (code) {
	case JSONRPC_NOT_FOUND:
		return SRPTCTL_NOT_FOUND;
	case JSONRPC_EXISTS:
		return SRPTCTL_EXISTS;
	case JSONRPC_BUSY:
		return SRPTCTL_BUSY;
	case JSONRPC_NOT_PERMITTED:
		return SRPTCTL_NOT_PERMITTED;
	case JSONRPC_TIMEOUT:
		return SRPTCTL_TIMEOUT;
	case JSONRPC_PARAMS:
		return SRPTCTL_USAGE;
	default:
		return SRPTCTL_FAILED;
	}
}

static enum srptctl_exit connect_failed(const struct srptctl *s, int r)
{
	switch (r) {
	case -ENOENT:
	case -ECONNREFUSED:
		srptctl_error(s->socket, "no srptd answers here; is it running, with this "
					 "control_socket?");
		return SRPTCTL_NO_DAEMON;
	case -EACCES:
	case -EPERM:
		srptctl_error(s->socket, "permission denied; the socket belongs to the user that "
					 "runs srptd");
		return SRPTCTL_NOT_PERMITTED;
	case -ETIMEDOUT:
		srptctl_error(s->socket, "no answer within %u ms", s->timeout_ms);
		return SRPTCTL_TIMEOUT;
	case -ECONNRESET:
		srptctl_error(s->socket, "srptd closed the connection");
		return SRPTCTL_NO_DAEMON;
	default:
		srptctl_error(s->socket, "%s", strerrordesc_np(-r));
		return SRPTCTL_FAILED;
	}
}

enum srptctl_exit srptctl_call(const struct srptctl *s, const char *method, json_t *params,
			       json_t **ret_result)
{
	CLEANUP(ctl_client) struct ctl_client *c = NULL;
	struct ctl_client_error err = { 0 };
	int r = ctl_client_new(&c, s->socket, s->timeout_ms);

	if (r) {
		json_decref(params);
		return connect_failed(s, r);
	}
	r = ctl_client_call(c, method, params, ret_result, &err);
	if (r < 0)
		return connect_failed(s, r);
	if (!r)
		return SRPTCTL_OK;
	if (r == CTL_CLIENT_E_PROTOCOL) {
		srptctl_error(s->socket, "the answer makes no sense: %s", err.text);
		return SRPTCTL_FAILED;
	}
	srptctl_error(method, "%s (code %d)", err.text, err.code);
	return exit_of_code(err.code);
}

enum srptctl_exit srptctl_show(const struct srptctl *s, const char *method, json_t *params,
			       enum srptctl_exit (*show)(const json_t *result))
{
	json_t *result = NULL;
	enum srptctl_exit r = srptctl_call(s, method, params, &result);

	if (r)
		return r;
	r = s->json ? srptctl_print_json(result) : show(result);
	json_decref(result);
	return r;
}

enum srptctl_exit srptctl_do(const struct srptctl *s, const char *method, json_t *params)
{
	json_t *result = NULL;
	enum srptctl_exit r = srptctl_call(s, method, params, &result);

	json_decref(result);
	return r;
}

enum srptctl_exit srptctl_print_json(const json_t *v)
{
	if (json_dumpf(v, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) || putchar('\n') == EOF) {
		srptctl_error("output", "cannot write");
		return SRPTCTL_FAILED;
	}
	return SRPTCTL_OK;
}

const char *srptctl_str(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

long long srptctl_int(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return json_is_real(v) ? (long long)json_real_value(v) : json_integer_value(v);
}

void srptctl_join(const json_t *array, char *buf, size_t len)
{
	size_t at = 0;
	size_t i;
	json_t *v;

	buf[0] = '\0';
	json_array_foreach(array, i, v)
	{
		const char *gap = i ? " " : "";
		int n = json_is_integer(v)
				? snprintf(buf + at, len - at, "%s%lld", gap,
					   (long long)json_integer_value(v))
				: snprintf(buf + at, len - at, "%s%s", gap,
					   json_is_string(v) ? json_string_value(v) : "?");

		if (n < 0 || (size_t)n >= len - at)
			return;
		at += (size_t)n;
	}
}

enum srptctl_exit srptctl_rpc(const struct srptctl *s)
{
	json_t *params = NULL;

	if (!s->n_args) {
		srptctl_error("rpc", "which METHOD? \"srptctl rpc rpc.describe\" lists them");
		return SRPTCTL_USAGE;
	}
	if (s->n_args > 1) {
		char err[200];

		params = jsonrpc_value(s->args[1], strlen(s->args[1]), err, sizeof(err));
		if (!params || (!json_is_object(params) && !json_is_array(params))) {
			srptctl_error(s->args[1], "%s",
				      params ? "PARAMS must be a JSON object or array" : err);
			json_decref(params);
			return SRPTCTL_USAGE;
		}
	}
	return srptctl_show(s, s->args[0], params, srptctl_print_json);
}

static void help(FILE *f)
{
	(void)fputs("usage: srptctl [OPTIONS] COMMAND\n\nAsks a running srptd about itself.\n\n"
		    "Commands:\n",
		    f);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];
		char text[64];

		(void)snprintf(text, sizeof(text), "%s%s%s%s", c->noun, c->verb ? " " : "",
			       c->verb ? c->verb : "", c->args);
		(void)fprintf(f, "  %-22s %s\n", text, c->help);
	}
	(void)fprintf(
		f,
		"\nOptions (anywhere on the line):\n"
		"  -s, --socket PATH      the daemon's control socket; else $SRPTD_SOCKET, else\n"
		"                         %s\n"
		"  -j, --json             print the daemon's answer as JSON\n"
		"  -r, --restore FILE     device reservations: what --json printed (-: standard "
		"input)\n"
		"  -t, --timeout SECONDS  give up after so long (default 10; 0: never)\n"
		"      --deadline SECONDS device suspend: fail when commands in flight take "
		"longer\n"
		"                         (default 10)\n"
		"      --for SECONDS      device suspend: resume it by itself after so long\n"
		"                         (default 20; 0: never)\n"
		"  -V, --version          print the version\n"
		"  -h, --help             this text\n"
		"\nExit codes: 0 ok, 1 failed, 2 usage, 3 no daemon, 4 not found, 5 exists, 6 "
		"busy,\n"
		"7 not permitted, 8 timeout.\n"
		"\nFaults, to see how hosts and clusters take them:\n"
		"  black-hole         a command is taken and never answered; it ends when aborted\n"
		"  delay MS           it begins so much later\n"
		"  drop               the connection ends at it\n"
		"  busy, task-set-full, error KEY/ASC/ASCQ    it ends so\n"
		"  corrupt            what it reads is changed on the way, not on the medium\n"
		"  credits N          channels get so few\n"
		"  reject-login REASON    0x00010000 to 0x00010006\n"
		"  whom: device= initiator= target= lun= lba=FIRST-LAST\n"
		"        on=read,write,other,tmf,0xOPCODE (functions only when named)\n"
		"  how often: count= every= percent= seed=; how long: expires=SECONDS (60)\n"
		"\nExamples:\n"
		"  srptctl status\n"
		"  srptctl session list --json | jq '.sessions[].initiator'\n"
		"  srptctl login-info > lines   # then on the host, as root, for each line:\n"
		"  echo LINE > /sys/class/infiniband_srp/srp-DEVICE-PORT/add_target\n"
		"  srptctl fault add error medium-error/11/00 device=disk1 lba=100-107 on=read\n"
		"  srptctl fault add black-hole initiator=0x... count=1\n"
		"\nSee srptctl(8).\n",
		CTL_SOCKET_DEFAULT);
}

static int usage(const char *object, const char *reason)
{
	srptctl_error(object, "%s; try \"srptctl --help\"", reason);
	return SRPTCTL_USAGE;
}

static int seconds_of(const char *text, unsigned long *ret)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || v > 86400)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* An option whose value is seconds; 0, or what srptctl ends with. */
static int take_seconds(struct srptctl *s, int option, const char *text)
{
	unsigned long v = 0;

	if (seconds_of(text, &v))
		return usage(text, "not a number of seconds from 0 to 86400");
	if (option == 't')
		s->timeout_ms = (unsigned)v * 1000;
	else if (option == OPT_DEADLINE)
		s->deadline_s = (int)v;
	else
		s->for_s = (int)v;
	return 0;
}

/* Find the command that @argv (@n words) names and run it with the words behind it. */
static int run(struct srptctl *s, unsigned n, char **argv)
{
	bool noun_known = false;

	if (!n)
		return usage("command", "none given");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];
		unsigned words = c->verb ? 2 : 1;

		if (strcmp(c->noun, argv[0]) != 0)
			continue;
		noun_known = true;
		if (c->verb && (n < 2 || strcmp(c->verb, argv[1]) != 0))
			continue;
		s->n_args = n - words;
		s->args = argv + words;
		if (s->restore && c->run != srptctl_device_reservations)
			return usage("--restore", "is of \"device reservations\"");
		if ((s->deadline_s >= 0 || s->for_s >= 0) && c->run != srptctl_device_suspend)
			return usage(s->for_s >= 0 ? "--for" : "--deadline",
				     "goes with \"device suspend\" only");
		if (s->n_args > c->max_args)
			return usage(s->args[c->max_args], "one word too many");
		return (int)c->run(s);
	}
	if (noun_known)
		return usage(argv[0], n < 2 ? "needs a verb" : "has no such verb");
	return usage(argv[0], "no such command");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "timeout", required_argument, NULL, 't' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ "restore", required_argument, NULL, 'r' },
		{ "deadline", required_argument, NULL, OPT_DEADLINE },
		{ "for", required_argument, NULL, OPT_FOR },
		{ NULL, 0, NULL, 0 },
	};
	const char *env = getenv("SRPTD_SOCKET");
	struct srptctl s = { .socket = env && *env ? env : CTL_SOCKET_DEFAULT,
			     .timeout_ms = 10000,
			     .deadline_s = -1,
			     .for_s = -1 };
	int c;
	int r;

	while ((c = getopt_long(argc, argv, "s:jr:t:Vh", options, NULL)) != -1)
		switch (c) {
		case 's':
			s.socket = optarg;
			break;
		case 'j':
			s.json = true;
			break;
		case 'r':
			s.restore = optarg;
			break;
		case 't':
		case OPT_DEADLINE:
		case OPT_FOR:
			r = take_seconds(&s, c, optarg);
			if (r)
				return r;
			break;
		case 'V':
			(void)puts("srptctl " SRPTD_VERSION);
			return SRPTCTL_OK;
		case 'h':
			help(stdout);
			return SRPTCTL_OK;
		default:
			(void)fputs("Try \"srptctl --help\".\n", stderr);
			return SRPTCTL_USAGE;
		}
	r = run(&s, (unsigned)(argc - optind), argv + optind);
	if (fflush(stdout) && !r) {
		srptctl_error("output", "%s", strerrordesc_np(errno));
		r = SRPTCTL_FAILED;
	}
	return r;
}
