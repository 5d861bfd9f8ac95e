/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The methods of the control socket; result shapes are described in src/ctl/README.md. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cur.h"
#include "daemon/daemon.h"

json_t *port_id_text(const struct srp_port_id *id)
{
	char text[2 + 32 + 1];

	(void)snprintf(text, sizeof(text), "0x%016" PRIx64 "%016" PRIx64, get_be64(id->ext),
		       get_be64(id->guid));
	return json_string(text);
}

bool daemon_is_stopping(struct ctl_call *call)
{
	const struct daemon *d = ctl_call_ctx(call);

	if (d->stopping)
		ctl_fail(call, JSONRPC_BUSY, "srptd is stopping");
	return d->stopping;
}

static json_t *workers_json(const struct daemon *d)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < d->n_workers; i++) {
		struct worker_stats s = worker_stats(d->workers[i]);

		(void)json_array_append_new(
			a, json_pack("{s:i,s:I,s:I,s:I,s:I}", "index", (int)i, "rounds",
				     (json_int_t)s.rounds, "sleeps", (json_int_t)s.sleeps, "events",
				     (json_int_t)s.events, "messages", (json_int_t)s.messages));
	}
	return a;
}

static json_t *target_json(const struct config_target *c, const struct dport *p)
{
	struct tgt_port_info i = tgt_port_info(p->port);
	json_t *listen = json_array();
	char text[64];
	char ext[17];
	char guid[17];

	for (unsigned k = 0; c && k < c->n_listens; k++) {
		config_listen_format(&c->listens[k], text, sizeof(text));
		(void)json_array_append_new(listen, json_string(text));
	}
	(void)snprintf(ext, sizeof(ext), "%016" PRIx64, c ? c->id_ext : 0);
	(void)snprintf(guid, sizeof(guid), "%016" PRIx64, c ? c->ioc_guid : 0);
	return json_pack("{s:s,s:b,s:o,s:s,s:s,s:i,s:I,s:I}", "name", i.name, "enabled", i.enabled,
			 "listen", listen, "id_ext", ext, "ioc_guid", guid, "channels",
			 (int)i.n_chans, "logins", (json_int_t)i.logins, "rejects",
			 (json_int_t)i.rejects);
}

static json_t *targets_json(const struct daemon *d)
{
	json_t *a = json_array();
	struct list *pos;

	list_for_each (pos, &d->ports) {
		struct dport *p = list_entry(pos, struct dport, node);

		(void)json_array_append_new(a, target_json(config_target_find(d->cfg, p->name), p));
	}
	return a;
}

static const char *device_state(const struct scsi_lu *lu)
{
	if (lu->remote)
		return "proxied";
	if (lu->fenced)
		return "fenced";
	if (lu->suspend == SCSI_SUSPEND_SUSPENDED)
		return "suspended";
	if (lu->suspend != SCSI_SUSPEND_SERVING)
		return "suspending";
	if (lu->gone)
		return "gone";
	if (lu->ejected)
		return "ejected";
	if (lu->erase.kind)
		return lu->erase.failed ? "erasing failed" : "erasing";
	return lu->stopped ? "stopped" : "ready";
}

/* What it says of itself is known where it is. */
static json_int_t device_bytes(const struct scsi_lu *lu)
{
	return lu->remote ? 0 : (json_int_t)lu->n_blocks * lu->block_bytes;
}

static json_t *devices_json(const struct daemon *d)
{
	json_t *a = json_array();
	struct list *pos;

	list_for_each (pos, &d->devices) {
		struct ddevice *dev = list_entry(pos, struct ddevice, node);
		const struct config_device *c = config_device_find(d->cfg, dev->name);
		const struct scsi_lu *lu = tgt_unit_lu(dev->unit);
		const struct tgt_unit_looks looks = tgt_unit_looks(dev->unit);

		(void)json_array_append_new(
			a, json_pack("{s:s,s:s,s:I,s:i,s:b,s:s,s:o,s:i,s:{s:I,s:I}}", "name",
				     dev->name, "handler",
				     c ? config_handler_name(c->handler) : "?", "size_bytes",
				     device_bytes(lu), "block_size", (int)lu->block_bytes,
				     "read_only", lu->read_only, "state", device_state(lu),
				     "resumes_in_s", device_left_json(dev->unit), "stuck_ios",
				     (int)tgt_unit_stuck(dev->unit), "store_looks", "told",
				     (json_int_t)looks.told, "polled", (json_int_t)looks.polled));
	}
	return a;
}

static void method_status(struct ctl_call *call, json_t *params)
{
	const struct daemon *d = ctl_call_ctx(call);

	(void)params;
	ctl_reply(call, json_pack("{s:s,s:i,s:I,s:{s:s},s:o,s:o,s:o,s:i,s:i,s:b}", "version",
				  SRPTD_VERSION, "pid", (int)getpid(), "uptime_s",
				  (json_int_t)((worker_clock_ns() - d->started_ns) / NSEC_PER_SEC),
				  "io_uring", "engine", worker_engine(d->workers[0]), "workers",
				  workers_json(d), "targets", targets_json(d), "devices",
				  devices_json(d), "closing", (int)tgt_n_closing(d->tgt),
				  "channels_total", (int)tgt_n_chans(d->tgt), "upgrading",
				  d->upgrade.checking || d->upgrade.going));
}

static json_t *session_json(const struct tgt_chan_info *i)
{
	return json_pack("{s:i,s:s,s:o,s:s,s:s,s:f,s:i,s:i,s:i,s:i,s:i,s:I,s:I,s:I,s:I}", "id",
			 (int)i->id, "target", i->target, "initiator", port_id_text(&i->initiator),
			 "peer", i->peer, "state", i->state, "state_s", (double)i->state_ns / 1e9,
			 "channel", (int)i->id, "worker", (int)i->worker, "credits",
			 (int)i->credits, "limit", (int)i->limit, "in_flight", (int)i->in_flight,
			 "read_bytes", (json_int_t)i->read_bytes, "write_bytes",
			 (json_int_t)i->write_bytes, "commands", (json_int_t)i->commands, "errors",
			 (json_int_t)i->errors);
}

static void sessions_done(void *ctx, const struct tgt_report *r)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < r->n_chans; i++)
		(void)json_array_append_new(a, session_json(&r->chans[i]));
	if (r->error) {
		json_decref(a);
		a = NULL;
	}
	ctl_reply(ctx, a ? json_pack("{s:o}", "sessions", a) : NULL);
}

static void method_session_list(struct ctl_call *call, json_t *params)
{
	struct daemon *d = ctl_call_ctx(call);

	(void)params;
	if (tgt_report(d->tgt, sessions_done, call))
		ctl_reply(call, NULL);
}

static void method_upgrade(struct ctl_call *call, json_t *params)
{
	(void)params;
	upgrade_start(ctl_call_ctx(call), call);
}

static const struct ctl_param group_set_params[] = {
	{ .name = "device_group", .type = CTL_STRING, .help = "Name of the DEVICE_GROUP." },
	{ .name = "target_group", .type = CTL_STRING, .help = "Name of its TARGET_GROUP." },
	{ .name = "state", .type = CTL_STRING, .help = CONFIG_ACCESS_STATES "." },
};

static const struct ctl_param group_set_all_params[] = {
	{ .name = "device_group", .type = CTL_STRING, .help = "Name of the DEVICE_GROUP." },
	{ .name = "states",
	  .type = CTL_OBJECT,
	  .help = "States by names of its TARGET_GROUPs; one that is not named stays." },
};

static const struct ctl_param medium_params[] = {
	{ .name = "device", .type = CTL_STRING, .help = "Name of a DEVICE with removable 1." },
};

static const struct ctl_param suspend_params[] = {
	{ .name = "device", .type = CTL_STRING, .help = "Name of a DEVICE." },
	{ .name = "deadline",
	  .type = CTL_INTEGER,
	  .optional = true,
	  .help = "Seconds for the commands in flight to end and the flush; 10." },
	{ .name = "for",
	  .type = CTL_INTEGER,
	  .optional = true,
	  .help = "Resume it so many seconds after the call; 20; 0: never." },
};

static const struct ctl_param device_params[] = {
	{ .name = "device", .type = CTL_STRING, .help = "Name of a DEVICE." },
};

static const struct ctl_param fault_params[] = {
	{ .name = "kind",
	  .type = CTL_STRING,
	  .help = "black-hole, delay, drop, busy, task-set-full, error, corrupt, credits or "
		  "reject-login." },
	{ .name = "value",
	  .type = CTL_STRING,
	  .optional = true,
	  .help = "delay: milliseconds; error: KEY/ASC/ASCQ; credits: how many; reject-login: the "
		  "reason." },
	{ .name = "device", .type = CTL_STRING, .optional = true, .help = "Name of a DEVICE." },
	{ .name = "initiator",
	  .type = CTL_STRING,
	  .optional = true,
	  .help = "Initiator port, 0x and 32 hex digits." },
	{ .name = "target", .type = CTL_STRING, .optional = true, .help = "Name of a TARGET." },
	{ .name = "lun", .type = CTL_INTEGER, .optional = true, .help = "0 to 255." },
	{ .name = "lba",
	  .type = CTL_STRING,
	  .optional = true,
	  .help = "Commands that name one of these blocks, FIRST-LAST." },
	{ .name = "on",
	  .type = CTL_STRING,
	  .optional = true,
	  .help = "read, write, other, tmf and opcodes like 0x28, parted by commas." },
	{ .name = "count",
	  .type = CTL_INTEGER,
	  .optional = true,
	  .help = "It hits so often, then no more." },
	{ .name = "every", .type = CTL_INTEGER, .optional = true, .help = "It hits each n-th." },
	{ .name = "percent",
	  .type = CTL_INTEGER,
	  .optional = true,
	  .help = "It hits each with this probability." },
	{ .name = "seed",
	  .type = CTL_INTEGER,
	  .optional = true,
	  .help = "Of what is random: the same seed does the same." },
	{ .name = "expires_s",
	  .type = CTL_INTEGER,
	  .optional = true,
	  .help = "Seconds until it is gone, up to 86400; 60 when not given." },
};

static const struct ctl_param fault_clear_params[] = {
	{ .name = "id", .type = CTL_INTEGER, .optional = true, .help = "Which; else all." },
};

static const struct ctl_param restore_params[] = {
	{ .name = "device", .type = CTL_STRING, .help = "Name of a DEVICE." },
	{ .name = "reservations",
	  .type = CTL_OBJECT,
	  .help = "What device.reservations gave, of this device or another." },
};

const struct ctl_method daemon_methods[] = {
	{ .name = "status",
	  .help = "The daemon, its workers, targets and devices.",
	  .result = "{version, pid, uptime_s, workers, targets, devices, closing, channels_total, "
		    "upgrading}",
	  .call = method_status },
	{ .name = "session.list",
	  .help = "Every channel: who, in which state, how busy.",
	  .result = "{sessions: [{id, target, initiator, peer, state, state_s, worker, credits, "
		    "in_flight, ...}]}",
	  .call = method_session_list },
	{ .name = "device.eject",
	  .help = "Take the medium out; answers when no new command reaches it.",
	  .params = medium_params,
	  .n_params = ARRAY_SIZE(medium_params),
	  .result = "{}",
	  .call = method_device_eject },
	{ .name = "device.insert",
	  .help = "Put the medium in again; answers when it is there for everybody.",
	  .params = medium_params,
	  .n_params = ARRAY_SIZE(medium_params),
	  .result = "{}",
	  .call = method_device_insert },
	{ .name = "device.suspend",
	  .help = "Let commands wait, end those in flight, flush the store; answers when nothing "
		  "reaches "
		  "it any more.",
	  .params = suspend_params,
	  .n_params = ARRAY_SIZE(suspend_params),
	  .result = "{device, state, already, resumes_in_s}",
	  .call = method_device_suspend },
	{ .name = "device.resume",
	  .help = "What waits goes on.",
	  .params = device_params,
	  .n_params = ARRAY_SIZE(device_params),
	  .result = "{device, was_suspended}",
	  .call = method_device_resume },
	{ .name = "device.reservations",
	  .help = "Who has registered with a device, and who holds it reserved.",
	  .params = device_params,
	  .n_params = ARRAY_SIZE(device_params),
	  .result = "{device, generation, type, aptpl, lost, reserved_by, registrations: [{key, "
		    "initiator, port, holder}]}",
	  .call = method_device_reservations },
	{ .name = "device.reservations_restore",
	  .help = "Give a device these persistent reservations instead of those it has; answers "
		  "when they are kept and every worker acts by them.",
	  .params = restore_params,
	  .n_params = ARRAY_SIZE(restore_params),
	  .result = "{}",
	  .call = method_device_reservations_restore },
	{ .name = "group.list",
	  .help = "Device groups with their target groups and access states.",
	  .result = "{device_groups: [{name, devices, asking, target_groups: [{name, group_id, "
		    "state, "
		    "preferred, changed_by, ports}]}]}",
	  .call = method_group_list },
	{ .name = "group.set",
	  .help = "Give a target group another access state; answers when it is so everywhere.",
	  .params = group_set_params,
	  .n_params = ARRAY_SIZE(group_set_params),
	  .result = "{}",
	  .call = method_group_set },
	{ .name = "group.set_all",
	  .help = "Give target groups other access states, all of them in the same moment.",
	  .params = group_set_all_params,
	  .n_params = ARRAY_SIZE(group_set_all_params),
	  .result = "{}",
	  .call = method_group_set_all },
	{ .name = "reload",
	  .help = "Read the configuration again and carry out the differences, as SIGHUP does.",
	  .result = "{changes, waiting, failed}: waiting for the next start; that should be there "
		    "and are not",
	  .call = method_reload },
	{ .name = "fault.add",
	  .help = "Make a fault on demand; answers when every worker acts by it.",
	  .params = fault_params,
	  .n_params = ARRAY_SIZE(fault_params),
	  .result = "{id}",
	  .call = method_fault_add },
	{ .name = "fault.list",
	  .help = "Faults on demand: whom they hit, how often they did, when they expire.",
	  .result = "{faults: [{id, kind, value, device, lun, lba, initiator, target, on, count, "
		    "every, percent, seed, seen, hits, spent, expires_s}]}",
	  .call = method_fault_list },
	{ .name = "fault.clear",
	  .help = "End a fault or all of them; answers when no worker acts by it.",
	  .params = fault_clear_params,
	  .n_params = ARRAY_SIZE(fault_clear_params),
	  .result = "{cleared}",
	  .call = method_fault_clear },
	{ .name = "upgrade",
	  .help = "Check the configuration with the installed srptd, log everybody out, become it.",
	  .result = "{pid, replaces}: agreed and begun",
	  .call = method_upgrade },
};
const unsigned daemon_n_methods = ARRAY_SIZE(daemon_methods);
