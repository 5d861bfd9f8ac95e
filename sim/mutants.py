# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Bugs that scripts/mutants puts into a copy of the target, one at a time, to see that a run finds them.

An edit is a file, a text that is there exactly once, and what replaces it. Keep the text short, so that changes
nearby leave it alone. `source` says whose bug it was: a commit of SCST's ib_srpt (its history is public), one of
Linux, or the invariant (INV-n, docs/spec/session.md) that it breaks. `walk`: it is in the pure core of a channel, so
`make prove` looks at it, too."""
import collections

CLASSES = {
    "end": "The end of a channel",
    "login": "Logins",
    "command": "Commands and their answers",
    "data": "Data",
    "atomic": "Commands that read and write in one",
    "tmf": "Task management",
    "set": "Task sets and reservations",
    "news": "Unit attentions, views and reloads",
    "unit": "Units and the end of the daemon",
    "fence": "Units that are fenced",
    "keep": "What outlives the process",
    "access": "Access states",
    "mode": "The control mode page",
    "erase": "Erasing",
    "medium": "Removable media",
    "suspend": "Suspended disks",
    "ident": "Identifying information and the timestamp",
    "tas": "Commands that others have aborted",
    "copy": "Copies inside the target",
    "size": "Stores that change",
}

Mutant = collections.namedtuple("Mutant", "name kind source bug edits walk")
MUTANTS = []

def mutant(kind, name, source, bug, *edits, walk=False):
    MUTANTS.append(Mutant(name, kind, source, bug, edits, walk))

CHANNEL = "src/target/channel.c"
COMMAND = "src/target/command.c"
DATA = "src/target/data.c"
DATA_COMPARE = "src/target/data_compare.c"
DATA_MOVE = "src/target/data_move.c"
HOME = "src/target/home.c"
LOGIN = "src/target/login.c"
TMF = "src/target/tmf.c"
TPORT = "src/target/port.c"
TGT = "src/target/tgt.c"
EVENT = "src/target/event.c"
GATHER = "src/target/gather.c"
FENCE = "src/target/fence.c"
CHAN = "src/srp/chan.c"
CHAN_IO = "src/srp/chan_io.c"
CREDIT = "src/srp/chan_credit.c"
CMD_TABLE = "src/scsi/cmd_table.c"
PORT = "src/srp/port.c"
NEXUS = "src/scsi/nexus.c"
SET = "src/scsi/set.c"
SAVED = "src/scsi/saved.c"
KEEP = "src/target/keep.c"
ALUA = "src/target/alua.c"
S_ALUA = "src/scsi/alua.c"
LU = "src/scsi/lu.c"
WATCH = "src/target/watch.c"
SEGMENT = "src/scsi/segment.c"

# --- the end of a channel ---

mutant("end", "marker_not_posted", "SCST fe6ad820d", "the drain marker is skipped: nothing says that the flush is over",
       (CHANNEL, "\tif (ch->t->ops->post_send(ch->conn, &wr, 1))\n\t\tchannel_step(ch, CHAN_EV_MARKER_POST_FAILED",
        "\tif (wr.flags == 0)\n\t\tchannel_step(ch, CHAN_EV_MARKER_POST_FAILED"))
mutant("end", "marker_failure_untold", "INV-28", "a marker that cannot be posted is waited for",
       (CHANNEL, "\t\tchannel_step(ch, CHAN_EV_MARKER_POST_FAILED, 0, NULL, NULL);", "\t\t;"))
mutant("end", "flush_ends_early", "SCST c43bf7e43", "completions are looked at only until the channel closes, not until its flush is over",
       (CHANNEL, "i < n && ch->chan.state < CHAN_DISCONNECTED", "i < n && ch->chan.state < CHAN_DRAINING"))
mutant("end", "lost_completions", "SCST e72f83a05", "responses whose completion the device never reports are waited for, after the queue pair has gone",
       (CHANNEL, "\t\tif (c->is.responding) {\n\t\t\tchannel_paid", "\t\tif (false) {\n\t\t\tchannel_paid"))
mutant("end", "lost_data_completions", "SCST e72f83a05", "likewise data of commands",
       (CHANNEL, "\t\t} else if (c->is.posted) {", "\t\t} else if (false) {"))
mutant("end", "completions_after_the_end", "INV-11", "completions are handled although the marker came before them",
       (CHANNEL, "i < n && ch->chan.state < CHAN_DISCONNECTED", "i < n"),
       (CHANNEL, "\t\tif (ch->chan.state >= CHAN_DISCONNECTED)\n\t\t\treturn;\n", ""))
mutant("end", "timer_left", "SCST 36a77c370", "the timer of a channel that is gone is not cancelled",
       (CHANNEL, "\tworker_timer_stop(w, &ch->timer);\n\tworker_timer_stop(w, &ch->stall);\n\tworker_undefer",
        "\tworker_timer_stop(w, &ch->stall);\n\tworker_undefer"))
mutant("end", "deadline_forgotten", "INV-28, INV-29", "no timer runs for the deadlines of a channel",
       (CHANNEL, "if (want != ch->timer.deadline_ns && !ch->chan.released)", "if (want == 1)"))
mutant("end", "session_kept", "SCST 3c2957284", "one of the ways to close forgets to unregister the session",
       (CHAN, "\tact(out, CHAN_ACT_DESTROY_QP, 0);\n\tact(out, CHAN_ACT_UNREGISTER_SESSION, 0);\n",
        "\tact(out, CHAN_ACT_DESTROY_QP, 0);\n"), walk=True)
mutant("end", "id_before_queue_pair", "SCST 6e55334a9", "id and queue pair are destroyed in the wrong order",
       (CHAN, "\tif (!c->qp_destroyed)\n\t\tact(out, CHAN_ACT_DESTROY_QP, 0);\n\tc->qp_destroyed = true;\n"
        "\tact(out, CHAN_ACT_DESTROY_ID, 0);\n",
        "\tact(out, CHAN_ACT_DESTROY_ID, 0);\n\tif (!c->qp_destroyed)\n\t\tact(out, CHAN_ACT_DESTROY_QP, 0);\n"
        "\tc->qp_destroyed = true;\n"), walk=True)
mutant("end", "id_destroyed_twice", "SCST f50ce1786", "two owners destroy the id of a connection",
       (CHANNEL, "\t\tops->destroy(ch->conn);\n\t\tch->conn = NULL;", "\t\tops->destroy(ch->conn);\n\t\tops->destroy(ch->conn);"))
mutant("end", "released_twice", "INV-18", "a channel is taken out of the registry twice",
       (LOGIN, "\tlogin_leave(ch);\n\tlogin_drain(p);\n\t/* A view", "\tlogin_leave(ch);\n\tlogin_leave(ch);\n\tlogin_drain(p);\n\t/* A view"))
mutant("end", "freed_under_a_view", "SCST 24a453bc1", "a channel is freed while its worker still has to take a view of it",
       (LOGIN, "\tif (ch->view_posted)\n\t\tt->n_viewing++;\n\telse\n\t\tlogin_free(ch);", "\tch->view_posted = false;\n\tlogin_free(ch);"))
mutant("end", "receives_freed_first", "SCST 3abcc849d", "the memory of receives is given back before the queue pair is destroyed",
       (CHANNEL, "#include <errno.h>\n", "#include <errno.h>\n#include <sys/mman.h>\n"),
       (CHANNEL, "\tcase CHAN_ACT_CLOSING:\n\t\tlog_debug", "\tcase CHAN_ACT_CLOSING:\n\t\t(void)mprotect(ch->rx_mem, ch->n_rx * ch->rx_stride / 4096 * 4096, PROT_NONE);\n"
        "\t\tch->rx_mem = NULL;\n\t\tlog_debug"))
mutant("end", "unregistered_under_tasks", "SCST ec2e19906", "a session is unregistered while it has commands",
       (CHANNEL, "\tif (!ch->unregister || ch->unregistered || ch->chan.n_tasks || remote_is_in(ch))", "\tif (!ch->unregister || ch->unregistered)"))
mutant("end", "runs_after_the_end", "SCST 5c208ca26", "commands that arrive while the channel closes are executed",
       (CHAN_IO, "\tact_iu(out, CHAN_ACT_DROP, ev->iu);\n\treturn c->state;\n}\n\nenum chan_state chan_on_kick",
        "\tsubmit(c, ev->iu, out);\n\treturn c->state;\n}\n\nenum chan_state chan_on_kick"), walk=True)
mutant("end", "waits_for_silent_peer", "SCST 8995f1c24", "a disabled port waits for the answer of a peer whose cable is unplugged",
       (CHAN, "\tif (c->state != CHAN_DISCONNECTING)\n\t\tact(out, CHAN_ACT_DISCONNECT, 0);\n\treturn drain_qp(c, out);",
        "\tif (c->state != CHAN_DISCONNECTING)\n\t\treturn chan_disconnect(c, out, CHAN_NO_LOGOUT);\n\treturn c->state;"), walk=True)
mutant("end", "end_is_not_final", "SCST 3f76f4e79, Linux", "iWARP: an answer to our disconnect is waited for after DISCONNECTED, the last event there is",
       (CHAN, "\tif (c->dreq_handshake && c->accepted)\n", "\tif (c->accepted)\n"), walk=True)
mutant("end", "dreq_unanswered", "SCST 907bc8222", "DREQs that cross are not answered",
       (CHAN, "\tif (!c->unregistered)\n\t\tact(out, CHAN_ACT_SEND_DREP, 0);\n", ""), walk=True)
mutant("end", "connecting_not_closed", "SCST eae031851", "what closes a channel does nothing before it is connected",
       (CHANNEL, "\tif (ch->built)\n\t\tchannel_step(ch, why,", "\tif (ch->built && ch->chan.state >= CHAN_LIVE)\n\t\tchannel_step(ch, why,"))
mutant("end", "one_command_aborted", "INV-13", "when a channel closes only its first command is aborted",
       (CHANNEL, "\tlist_for_each_safe (pos, tmp, &ch->cmds)\n\t\tcmd_abort(list_entry(pos, struct cmd, node), false);",
        "\tpos = ch->cmds.next;\n\ttmp = pos;\n\tif (tmp != &ch->cmds)\n\t\tcmd_abort(list_entry(pos, struct cmd, node), false);"))
mutant("end", "waiting_not_aborted", "INV-13", "commands that wait for their turn in a task set outlive their channel",
       (CHANNEL, "\tif (!ch->aborted_all)\n\t\tworker_post(tgt_home(ch->t), &ch->to_home_abort);", ""))
mutant("end", "quiet_too_early", "INV-25", "a channel says that it is quiet while its commands still run",
       (CHANNEL, "\tif (!ch->chan.left || ch->chan.n_tasks || ch->quiet || remote_is_in(ch))", "\tif (!ch->chan.left || ch->quiet)"))

# --- logins ---

mutant("login", "reject_without_reason", "SCST 3630f4ba6", "a login is rejected with reason 0",
       (LOGIN, ".reason = reason, .buf_fmt", ".reason = 0, .buf_fmt"))
mutant("login", "late_reject_without_reason", "SCST 3630f4ba6, Linux", "likewise one that was refused after its channel was built",
       (CHANNEL, "\t\t\t\t     .reason = reason,\n", "\t\t\t\t     .reason = 0,\n"))
mutant("login", "rejected_id_kept", "SCST 84cbe52cf", "the id of a connection that was rejected is not destroyed",
       (LOGIN, "\t(void)t->ops->reject(conn, iu, sizeof(iu));\n\tt->ops->destroy(conn);", "\t(void)t->ops->reject(conn, iu, sizeof(iu));"))
mutant("login", "id_points_to_nothing", "SCST 6ee7d621d", "the id of a login that failed goes on pointing to the channel, which is freed",
       (CHANNEL, "\t\tchannel_reject(ch, SRP_REJ_RESOURCES);\n\t\tch->t->ops->destroy(ch->conn);", "\t\tchannel_reject(ch, SRP_REJ_RESOURCES);"))
mutant("login", "stepped_before_built", "SCST 31403966b", "an event that comes before its channel is built is handled as any other",
       (CHANNEL, "\tif (!ch->built) {\n\t\tch->down_early", "\tif (!ch) {\n\t\tch->down_early"))
mutant("login", "admitted_too_early", "INV-25", "a login is answered while commands of the channel it replaces can still do something",
       (PORT, "\telse if (!older_works(pc))", "\telse"))
mutant("login", "old_channels_stay", "INV-25", "a single-channel login does not close the other channels of its nexus",
       (PORT, "\t\tcondemn(other, PORT_CLOSE_EVICTED);\n", ""))
mutant("login", "admitted_when_disabled", "SCST b9f4ee7bc, 2553057f7", "whether a port is enabled is looked at before the login is built, and not again when it is answered",
       (PORT, "\tif (!pc->reject && (!p->enabled || pc->close", "\tif (!pc->reject && (pc->close"),
       (PORT, "\tif (!pc->port->enabled || pc->close == PORT_CLOSE_DISABLED)\n", "\tif (false)\n"),
       (PORT, "\tif (pc->close == why || pc->close == PORT_CLOSE_DISABLED ||", "\tif (!pc->admission_decided || pc->close == why || pc->close == PORT_CLOSE_DISABLED ||"))
mutant("login", "login_while_stopping", "SCST 2553057f7", "logins are taken while the target shuts down",
       (LOGIN, "p->port.enabled && !t->stopping,", "p->port.enabled,"),
       (TPORT, "\t\tport_unlisten_all(p);\n\t\tlist_for_each (n", "\t\tlist_for_each (n"))
mutant("login", "session_leaked", "Linux ib_srpt", "the nexus of an initiator is not freed with its last channel",
       (LOGIN, "\t\tsession_free(user);\n", "\t\t(void)user;\n"))
mutant("login", "few_receives", "INV-5", "the reply is sent before all receives are posted",
       (CHANNEL, "i < ch->n_rx && !r; i++", "i < ch->n_rx / 2 && !r; i++"))
mutant("login", "too_much_granted", "SCST dc80bce26", "the reply grants more than there are receives",
       (CHANNEL, ".req_lim_delta = (int32_t)ch->chan.limit,", ".req_lim_delta = (int32_t)ch->n_rx + 1,"))
mutant("login", "initial_limit_twice", "SCST e1de778c3", "a limit that changes before the reply is granted twice, by the reply and after it",
       (CREDIT, "\t\tc->limit = c->want;\n\t\treturn c->state;", "\t\tc->saved += c->want - c->limit;\n\t\tc->limit = c->want;\n\t\treturn c->state;"), walk=True)
mutant("login", "accept_failure_ignored", "Linux ib_srpt", "a channel whose reply cannot be sent stays as it is",
       (CHANNEL, "\t\tchannel_step(ch, CHAN_EV_ACCEPT_FAILED, 0, NULL, NULL);", "\t\t;"))
mutant("login", "refusal_ignored", "Linux ib_srpt", "when the initiator refuses the reply, or does not acknowledge it, the channel stays",
       (CHANNEL, "[FAB_EV_REJECTED] = CHAN_EV_REJECTED", "[FAB_EV_REJECTED] = CHAN_EV_COUNT"),
       (CHANNEL, "[FAB_EV_UNREACHABLE] = CHAN_EV_UNREACHABLE", "[FAB_EV_UNREACHABLE] = CHAN_EV_COUNT"),
       (CHANNEL, "if (want != ch->timer.deadline_ns &&", "if (ch->chan.state > CHAN_CONNECTING && want != ch->timer.deadline_ns &&"))
mutant("login", "named_by_own_address", "Linux ib_srpt", "sessions are named after the target's own address",
       (LOGIN, "\tt->ops->peer_addr(conn, &ok.peer);\n", "\tok.peer = l->addr;\n"))
mutant("login", "denied_stays", "-", "an initiator that a reload denies is not logged out",
       (TPORT, "\t\t\tport_close_nexus(n);\n", ""))

# --- commands and their answers ---

mutant("command", "overtakes", "SCST 91358f846", "a new command overtakes those on the wait list",
       (CHAN_IO, "\tif (c->n_parked)\n\t\tpark(c, iu);", "\tif (c->stalled)\n\t\tpark(c, iu);"), walk=True)
mutant("command", "wait_list_forgotten", "SCST a7648c418", "what arrived before the connection was established waits for the next request",
       (CHAN, "\tchan_drain_parked(c, out);\n\tc->deadline_ns = UINT64_MAX; /* of the login", "\tc->deadline_ns = UINT64_MAX; /* of the login"), walk=True)
mutant("command", "kick_lost", "INV-10", "the rest of a long wait list is not gone on with",
       (CHANNEL, "\t\tch->kick = true;\n\t\tworker_defer(ch->tw->w, &ch->job);", "\t\tch->kick = true;"))
mutant("command", "resources_untold", "INV-10", "that a command context is free again is not told to those who wait for one",
       (CHANNEL, "void channel_resources(struct tchan *ch)\n{\n\tif (", "void channel_resources(struct tchan *ch)\n{\n\tif (!ch && "))
mutant("command", "answered_twice", "INV-14", "a response is sent twice",
       (COMMAND, "\tif (ch->t->ops->post_send(ch->conn, &wr, 1)) {", "\twr.flags = 0;\n\t(void)ch->t->ops->post_send(ch->conn, &wr, 1);\n"
        "\twr.flags = FAB_WR_SIGNALED;\n\tif (ch->t->ops->post_send(ch->conn, &wr, 1)) {"))
mutant("command", "never_answered", "INV-14", "a response that cannot be posted is forgotten, and the channel lives on",
       (COMMAND, "\t\tchannel_broke(ch, \"a response could not be posted\");\n", ""))
mutant("command", "wrong_tag", "-", "an answer bears the tag that its command context had first",
       (COMMAND, "\tc->tag = req.tag;\n", "\tif (!c->tag)\n\t\tc->tag = req.tag;\n"))
mutant("command", "aborted_is_answered", "INV-14", "a command that was aborted is answered all the same",
       (COMMAND, "\tif (t->aborted)\n\t\tcmd_end_aborted(c);\n\telse if (!t->data_len)", "\tif (!t->data_len)"))
mutant("command", "credit_of_aborted_lost", "SCST c7472c2aa", "the credit of a command that was aborted is not given back",
       (CREDIT, "\tc->saved++;\n\tlimit_adjust(c);\n", "\tc->limit--;\n"), walk=True)
mutant("command", "aborted_not_counted", "INV-22", "the core is not told that a task was aborted",
       (COMMAND, "\tcmd_free(c);\n\tchannel_step(ch, CHAN_EV_TASK_ABORTED, 0, NULL, NULL);\n}", "\tcmd_free(c);\n}"))
mutant("command", "ask_failure_ignored", "SCST d124f1cc8", "the books count a CRED_REQ that could not be sent",
       (CHANNEL, "\t\tchannel_step(ch, CHAN_EV_ASK_FAILED, (uint32_t)delta, NULL, NULL);", "\t\t;"),
       (CHANNEL, "\tif (kind == WR_ASK)\n\t\tchannel_broke(", "\tif (!kind)\n\t\tchannel_broke("))
mutant("command", "cred_req_grows_twice", "SCST 02cfb1240", "a CRED_REQ gives what a response has given already",
       (CHANNEL, ".req_lim_delta = delta };\n\tstruct pen pen = pen_of(ch->ask_iu, sizeof", ".req_lim_delta = delta > 0 ? 2 * delta : delta };\n\tstruct pen pen = pen_of(ch->ask_iu, sizeof"))
mutant("command", "credits_kept", "SCST c7472c2aa", "credits that were withheld are not given out when no response will bring them",
       (CREDIT, "\treturn c->n_tasks || c->n_parked ? 0 : (int32_t)c->saved;\n", "\treturn 0;\n"), walk=True)
mutant("command", "residual_missing", "-", "a residual is not told",
       (COMMAND, "\t\trsp->flags |= SRP_RSP_DIUNDER;\n", ""))
mutant("command", "sense_dropped", "-", "sense data are left out of the response",
       (COMMAND, "\t\trsp.sense_len = t->sense_len;\n", ""))
mutant("command", "context_given_back_twice", "SCST 66ccc6d61", "the context of a command is given back twice",
       (COMMAND, "\tcmd_give_rx(c);\n\tcmd_free(c);\n", "\tcmd_give_rx(c);\n\tcmd_free(c);\n\tcmd_free(c);\n"))
mutant("command", "receive_posted_early", "SCST 3b69f969f", "a receive is posted again while the command in it is still used",
       (COMMAND, "\t\tchannel_post_rx(ch, c->rx);\n", "\t\t;\n"),
       (COMMAND, "\tch->commands++;\n", "\tch->commands++;\n\tchannel_post_rx(ch, rx);\n"))
mutant("command", "ended_under_its_io", "SCST 33a4bccc3", "an abort ends a command whose I/O is under way, and its completion ends it again",
       (COMMAND, "\t\tfence_cancel(c);\n", "\t\tcmd_event(c, SCSI_EV_IO_DONE, -ECANCELED);\n"))

# --- data ---

mutant("data", "read_failure_ignored", "-", "an RDMA READ that failed counts as done",
       (DATA_MOVE, "\tif (status != FAB_WC_OK)\n\t\tmove_end(c, -EPIPE);\n\telse if", "\tif"))
mutant("data", "chain_ends_early", "SCST 8681a0124", "when one of several work requests fails, those behind it are not waited for",
       (CHANNEL, "\tcase WR_MID:\n\t\tbreak;", "\tcase WR_MID:\n\t\tif (wc->status != FAB_WC_OK && c->is.posted)\n\t\t\tdata_wc(c, wc->status);\n\t\tbreak;"))
mutant("data", "slots_not_counted", "SCST 166c12eb4", "RDMA requests are not counted in the send queue's slots",
       (CHANNEL, "\t\t\t\t   .sq_depth = attr.sq_depth,", "\t\t\t\t   .sq_depth = 8 * attr.sq_depth,"))
mutant("data", "slots_lost", "SCST 172c21117", "slots of the send queue do not come back",
       (DATA_MOVE, "\tchan_sq_release(&ch->chan, c->slots);\n\tif (status", "\tif (status"))
mutant("data", "refused_and_forgotten", "SCST 36d3ac305", "a command whose data are refused because its channel closes never ends",
       (DATA_MOVE, "\t\tmove_end(c, c->is.abort ? -ECANCELED : -EPIPE);\n", ""))
mutant("data", "beyond_the_buffer", "-", "data are written beyond the end of a piece of the initiator's buffer",
       ("src/target/xfer.c", "min_u32(len - done, m.len - pos->off)", "len - done"))
mutant("data", "buffer_back_too_early", "SCST 66ccc6d61", "a buffer is used again while RDMA still reads from it",
       (DATA, "\tif (!keep)\n\t\tdata_put_buf(c, &c->buf);", "\tdata_put_buf(c, &c->buf);"))
mutant("data", "buffer_lost", "INV-12", "the buffer of a descriptor table does not come back",
       (COMMAND, "\tdata_put_buf(c, &c->table);\n", ""))
mutant("data", "wake_up_lost", "INV-10", "who waits for a buffer is not woken",
       (DATA_MOVE, "\t\t\tworker_defer(tw->w, &tw->buf_job);\n\t\t\treturn;", "\t\t\treturn;"))
mutant("data", "slot_wake_up_lost", "INV-10", "who waits for slots of the send queue is not woken",
       (DATA_MOVE, "\tif (ch->chan.state != CHAN_LIVE)\n\t\treturn;\n\twhile", "\tif (ch->chan.state <= CHAN_LIVE)\n\t\treturn;\n\twhile"))
mutant("data", "wrong_offset", "-", "the second burst of a long READ is read from where the first was",
       (DATA, "\tuint64_t off = c->act.off_bytes + c->done_bytes;\n\tvoid *addr;", "\tuint64_t off = c->act.off_bytes;\n\tvoid *addr;"))
mutant("data", "fua_ignored", "-", "FUA is ignored",
       (DATA, "c->act.fua ? BACKEND_IO_FUA : 0", "0"))
mutant("data", "flush_skipped", "-", "SYNCHRONIZE CACHE does nothing",
       (DATA, "\t\tplain_start(c, BACKEND_FLUSH);", "\t\tdata_end(c, 0, false);"))
mutant("data", "through_the_cache", "-", "a unit with write_through writes to the cache, and hides it from hosts",
       (NEXUS, "\tif (lu->write_through || (lu->write_cache && !lu->mode.wce))", "\tif (lu->write_cache && !lu->mode.wce)"))
mutant("data", "difference_not_found", "-", "VERIFY that compares finds no difference",
       (DATA_COMPARE, "\t\tresult = differs(c, given, given + c->burst_bytes, c->done_bytes);\n", "\t\t(void)differs(c, given, given + c->burst_bytes, c->done_bytes);\n"))
mutant("data", "stall_without_deadline", "INV-32", "an initiator that does not answer RDMA READs is waited for without end",
       (CHANNEL, "\tif (!channel_is_armed(&ch->stall))\n\t\tchannel_stall_set(ch, TGT_STALL_NS);", ""),
       (CHANNEL, "\tif (ch->stall.deadline_ns > soon_ns)\n", "\tif (soon_ns == 1)\n"))
mutant("data", "deadline_overflows", "SCST 4963e2a4c", "the deadline of an RDMA request overflows to 0",
       (CHANNEL, "worker_now_ns(ch->tw->w) + after_ns);", "worker_now_ns(ch->tw->w) + (after_ns >> 40));"))

# --- commands that read and write in one ---

mutant("atomic", "swap_beside_others", "-", "others touch the medium while COMPARE AND WRITE compares and writes",
       (CMD_TABLE, "[CMD_COMPARE_AND_WRITE] = { 0x89, 0, ALONE,", "[CMD_COMPARE_AND_WRITE] = { 0x89, 0, WRITES,"))
mutant("atomic", "orwrite_beside_others", "-", "likewise ORWRITE: what was written in between is lost",
       (CMD_TABLE, "[CMD_ORWRITE_16] = { 0x8b, 0, ALONE,", "[CMD_ORWRITE_16] = { 0x8b, 0, WRITES,"))
mutant("atomic", "first_block_compared", "-", "COMPARE AND WRITE looks at its first block only",
       (DATA_COMPARE, "\treturn differs(c, given, medium, 0);", "\treturn memcmp(given, medium, c->lu->block_bytes) ? -EILSEQ : 0;"))
mutant("atomic", "swap_without_compare", "-", "COMPARE AND WRITE writes although the comparison failed",
       (DATA_COMPARE, "\t\tresult = alone_judge(c, &from);", "\t\t(void)alone_judge(c, &from);"))
mutant("atomic", "held_off_by_one", "-", "commands count as apart although they have a block in common",
       ("src/scsi/range.h", "return a.lba < b.end && b.lba < a.end;", "return a.lba + 1 < b.end && b.lba + 1 < a.end;"))
mutant("atomic", "held_not_looked_at", "-", "a worker lets a command run although its blocks are held",
       ("src/scsi/task.c", "i < v->n_holds &&", "i < v->n_holds && !at->lu &&"))
mutant("atomic", "held_not_waited_for", "-", "commands that run where they arrived are not waited for, although they overlap",
       (GATHER, "return !u->gather_some || scsi_local_overlaps(&c->task, &u->gather_holds);", "return !u->gather_some && c->unit;"))
mutant("atomic", "held_is_everything", "-", "commands wait for a COMPARE AND WRITE of other blocks",
       ("src/scsi/range.h", "return a.lba < b.end && b.lba < a.end;", "return a.lba <= a.end && b.lba <= b.end;"))
mutant("atomic", "orwrite_writes", "-", "ORWRITE writes what it was given",
       (DATA_COMPARE, "\t\t\tgiven[i] |= medium[i];", "\t\t\tgiven[i] |= 0;"))

# --- task management ---

mutant("tmf", "tmf_unanswered", "SCST 6dc8835e7", "a function that fails gets no response",
       (TMF, "\t\t\ttmf_answer(c);\n\t\t\tcontinue;", "\t\t\tcontinue;"))
mutant("tmf", "tmf_does_not_wait", "INV-15", "a function is answered while a command it aborts can still reach the medium",
       (TMF, "\t\tc->is.tmf_counted = true;\n\t\ttw->tmf_left++;\n", ""))
mutant("tmf", "tmf_at_one_channel", "INV-15", "of several channels of a worker a function looks at the first only",
       (TMF, "\tlist_for_each (pos, &tw->chans)\n\t\ttmf_abort_matching", "\tpos = tw->chans.next;\n\tif (pos != &tw->chans)\n\t\ttmf_abort_matching"))
mutant("tmf", "tmf_at_one_worker", "INV-15", "a function reaches the commands of one worker only",
       (TMF, "\t\tt->tmf_workers = t->n_workers;\n\t\tt->tmf_unmarked = t->n_workers;\n\t\tfor (unsigned i = 0; i < t->n_workers; i++)",
        "\t\tt->tmf_workers = 1;\n\t\tt->tmf_unmarked = 1;\n\t\tfor (unsigned i = 0; i < 1; i++)"))
mutant("tmf", "channel_not_on_the_list", "SCST 48fc76ecb", "a channel serves before it is on the list that others walk",
       (CHANNEL, "\tlist_push(&ch->tw->chans, &ch->tw_node);", "\tlist_init(&ch->tw_node);"))
mutant("tmf", "newer_commands_aborted", "-", "commands that were sent behind a function are aborted, too, and not answered",
       (TMF, " && !(tmf_is_asked(m) && tmf_is_newer(m, c))", ""))
mutant("tmf", "waiting_not_found", "INV-15", "commands that wait for their turn in a task set are not aborted",
       (TMF, "\t\t\thome_abort_waiting(ch, &t->tmf->tmf);", "\t\t\t;"))
mutant("tmf", "tmf_unpublished", "-", "what a LUN RESET changed is not told to the workers",
       (TMF, "\t\thome_publish_lu(t, c->tmf.lu);\n", ""))
mutant("tmf", "reset_told_to_others_only", "-", "who resets a unit gets no unit attention, the others do",
       ("src/scsi/tmf.c", "SCSI_UA_BUS_DEVICE_RESET, NULL);", "SCSI_UA_BUS_DEVICE_RESET, m->nexus);"))
mutant("tmf", "reset_told_to_one", "-", "of several nexuses only one gets the unit attention of a reset",
       (NEXUS, "\t\tif (itl->nexus != except)\n\t\t\tscsi_uas_add(&itl->uas, ua);\n", "\t\tif (itl->nexus != except) {\n\t\t\tscsi_uas_add(&itl->uas, ua);\n\t\t\tbreak;\n\t\t}\n"))

# --- task sets and reservations ---

mutant("set", "ordered_does_not_wait", "-", "an ORDERED command begins while older ones run",
       (SET, "\t\treturn scsi_lu_is_gathered(s->lu) && !head_waits(s) &&\n\t\t       s->n_started == (alone_in_line(t) ? s->n_yielding : 0);", "\t\treturn scsi_lu_is_gathered(s->lu);"))
mutant("set", "ordered_before_gathered", "-", "an ORDERED command begins while commands that run where they arrived are not known at home",
       (SET, "\t\treturn scsi_lu_is_gathered(s->lu) && !head_waits(s) &&\n\t\t       s->n_started == (alone_in_line(t) ? s->n_yielding : 0);", "\t\treturn s->n_started == (alone_in_line(t) ? s->n_yielding : 0);"))
mutant("set", "gathered_too_early", "-", "a unit counts as gathered while commands run where they arrived",
       (GATHER, "\tk->wanted = k->left;\n\tif (!k->left)", "\tk->wanted = false;\n\tif (k->unit)"))
mutant("set", "simple_overtakes_ordered", "-", "a SIMPLE command begins while an older ORDERED one runs",
       (SET, "\t\treturn !s->n_barriers &&", "\t\treturn"))
mutant("set", "dormant_overtaken", "-", "a new command begins although older ones wait for their turn",
       (SET, "\tif ((at_once || first) && may_start(s, t))", "\tif (may_start(s, t))"))
mutant("set", "channel_overtaken", "SCST 936f08031", "what follows an ORDERED command on its channel does not go the same way, and comes to the task set before it",
       (COMMAND, "\t} else if (ch->n_ordered) {", "\t} else if (!c->ch) {"))
mutant("set", "head_of_queue_waits", "-", "a HEAD OF QUEUE command waits for its turn",
       (SET, "\tbool at_once = place == SCSI_PLACE_HEAD ||", "\tbool at_once ="))
mutant("set", "turn_forgotten", "INV-10", "who waits for its turn is not looked for when another command ends",
       (HOME, "\tnow = c->task.lu;\n\thome_carry(c);\n\thome_drain(was);", "\tnow = c->task.lu;\n\thome_carry(c);"))
mutant("set", "conflict_not_checked", "-", "a command that conflicts with a reservation is executed",
       ("src/scsi/task_home.c", "\tif (pr_conflicts(t, itl))", "\tif (pr_conflicts(t, itl) && !t->nexus)"))
mutant("set", "denied_at_home_only", "-", "commands that need not go home are not checked for a reservation",
       (NEXUS, "\tv.flags |= pr_denied(itl);\n", ""))

# --- unit attentions, views and reloads ---

mutant("news", "attention_told_twice", "-", "a unit attention stays when it has been told",
       ("src/scsi/ua.c", "\tif (first)\n\t\t(void)scsi_uas_drop(u, first);\n", ""))
mutant("news", "power_on_untold", "-", "a new nexus is not told of POWER ON",
       (NEXUS, "\tscsi_uas_add(&itl->uas, SCSI_UA_POWER_ON);\n", ""))
mutant("news", "luns_changed_untold", "-", "that a reload changed the units is not told",
       (NEXUS, "\tif (units)\n\t\tscsi_nexus_ua(n, SCSI_UA_LUNS_CHANGED);\n", ""))
mutant("news", "report_unasked", "-", "event reports are sent to who did not ask for them",
       (EVENT, "ch->login.solnt & SRP_LOGIN_AESOLNT && ", ""))
mutant("news", "reports_stop", "-", "after the first event report of a session no other follows",
       (EVENT, "\tch->session->reporter = NULL;\n\tevent_check(ch->session);", "\t;"))
mutant("news", "old_view", "-", "after a reload the workers use their view of the old configuration",
       (TPORT, "\t\tif (scsi_nexus_remap(&s->nexus, map, (size_t)n_map) > 0)\n\t\t\thome_publish_nexus(s);\n\t}\n\thome_drain_all",
        "\t\t(void)scsi_nexus_remap(&s->nexus, map, (size_t)n_map);\n\t}\n\thome_drain_all"))
mutant("news", "view_lost", "-", "a view that is due while another is under way is forgotten",
       (HOME, "\t} else if (ch->view_dirty) {", "\t} else if (false) {"))
mutant("news", "read_only_ignored", "-", "a unit that is mapped read-only is written to",
       (NEXUS, "\tif (itl->read_only || lu->read_only", "\tif (lu->read_only"))

# --- units and the end of the daemon ---

mutant("unit", "freed_under_tasks", "SCST 2610bf1d0", "a device is closed while commands use it",
       (TGT, "\tu->busy = u->tasks[worker_index(w)].n != 0 || u->tasks[worker_index(w)].orphans != 0;", "\tu->busy = false;"))
mutant("unit", "gathering_never_ends", "-", "that the last command of a unit has ended where it arrived is not told",
       (GATHER, "\tif (--k->left == 0)", "\tif (--k->left == 0 && !k->unit)"))
mutant("unit", "channel_left_at_sigterm", "-", "SIGTERM leaves channels alone, and waits for their hosts to go",
       (TPORT, "\t\t\tport_close_nexus(list_entry(n, struct port_nexus, node));\n", "\t\t\t;\n"))

# --- units that are fenced ---

mutant("fence", "lifted_early", "-", "a unit is served again while the disk is still at work on what was given up",
       (FENCE, "\tif (!k->orphans)\n\t\tfence_answer(k);", "\tfence_answer(k);"))
mutant("fence", "buffer_reused", "-", "the buffer of a command that was given up is given to others at once",
       (FENCE, ".buf = c->buf };", "};"),
       (FENCE, "\tc->buf = NULL;\n", ""))
mutant("fence", "given_up_before", "-", "commands are given up, and their aborts answered, before all workers refuse new ones",
       (FENCE, "\tfence_round(u, fence_close);", "\tif (u->t)\n\t\tfence_closed(&u->fence.views);\n\telse\n\t\tfence_round(u, fence_close);"))
mutant("fence", "never", "INV-15", "a disk that does not give back what was cancelled is waited for",
       (FENCE, "\t\tfence_ask(tw, fence_unit_of(c));\n", "\t\tif (!tw->t)\n\t\t\tfence_ask(tw, fence_unit_of(c));\n"))

# --- what outlives the process ---

mutant("keep", "answered_unsaved", "-", "PERSISTENT RESERVE OUT is answered before what it changed is saved",
       ("src/scsi/spc_pr_out.c", "\t\tif (pr_out_saves(o))\n", "\t\tif (pr_out_saves(o) && !t->lu)\n"))
mutant("keep", "aptpl_off_unsaved", "-", "that registrations are kept no more is not saved",
       ("src/scsi/spc_pr_out.h", "\treturn o->pr->aptpl || o->was_kept;", "\treturn o->pr->aptpl;"))
mutant("keep", "reservation_lost", "-", "the type of a reservation is not saved",
       (SAVED, "\tpen_u8(out, pr->type);", "\tpen_u8(out, 0);"))
mutant("keep", "owed_forgotten", "-", "unit attentions that were owed are not told after a restart",
       (SAVED, "\tif (!lu->n_owed)\n", "\tif (lu)\n"))
mutant("keep", "saved_pages_unused", "-", "a unit begins with default mode pages, whatever was saved",
       (SAVED, "\t(void)scsi_lu_set_mode(lu, &lu->mode_saved);\n", ""))
mutant("keep", "pages_unsaved", "-", "MODE SELECT with SP does not wait for the save",
       ("src/scsi/spc_select.c", "\tif (!(t->cdb[1] & SELECT_SP))\n\t\treturn answer_good(t);\n\tt->lu->mode_saved = s.mode;\n\tt->lu->mode_is_saved = true;\n\treturn answer_act(t, SCSI_ACT_SAVE, answer_good);",
        "\tif (t->cdb[1] & SELECT_SP)\n\t\tt->lu->mode_saved = s.mode;\n\tt->lu->mode_is_saved = true;\n\treturn answer_good(t);"))

# --- access states ---

mutant("access", "served_where_it_arrived", "-", "commands that need not go home are served whatever the access state is",
       (NEXUS, "\tif (alua_restricts(itl))", "\tif (alua_restricts(itl) && !itl->lu)"))
mutant("access", "standby_lets_in", "-", "standby and unavailable keep nothing out",
       (S_ALUA, "\treturn !rule->flag ||", "\treturn rule->flag != SCSI_CMD_IN_ANY_STATE ||"))
mutant("access", "segment_of_first", "-", "where the state depends on the block, only the first block of a command is looked at",
       (SEGMENT, "\tif (ret->lba != ret->end)\n", "\tif (ret->lba != ret->end && (ret->end = ret->lba + 1))\n"))
mutant("access", "segment_one_late", "-", "the last block of a command is not looked at",
       (SEGMENT, "all->segment[i].lba < r.end; i++)", "all->segment[i].lba + 1 < r.end; i++)"))
mutant("access", "segment_not_of_lists", "-", "commands that name blocks in a list are let in whatever the states of those are",
       (SEGMENT, "\t\treturn cmd->flags & (SCSI_CMD_WRITE | SCSI_CMD_COPY | SCSI_CMD_ALONE);", "\t\treturn false;"))
mutant("access", "access_unpublished", "-", "a state that an initiator set is not told to the workers",
       (ALUA, "\t\talua_publish(a);\n\t}\n\top_start(a, &a->set_op", "\t}\n\top_start(a, &a->set_op"))
mutant("access", "access_untold", "-", "that the state is another one is told to nobody",
       (S_ALUA, "\talua_tell(a, changed, except_at);", "\t;"))
mutant("access", "access_told_to_asker", "-", "who sets a state is told of it as news, where he did that",
       (S_ALUA, "\talua_tell(a, changed, except_at);", "\talua_tell(a, changed, NULL);"))
mutant("access", "access_unsaved", "-", "access states are not saved",
       (ALUA, "\t\tu->access_dirty = u->keep.to.save != NULL;", "\t\tu->access_dirty = false;"))
mutant("access", "groups_leave_first", "-", "a reload takes the groups of a device away before its nexuses have lost it",
       ("src/daemon/groups.c", "\t\tif (is_leaving(d, dev))\n", "\t\tif (is_leaving(d, dev) && !dev)\n"))

# --- the control mode page ---

mutant("mode", "swp_ignored", "-", "a unit that its initiators have write protected is written to",
       (NEXUS, "\tif (itl->read_only || lu->read_only || lu->mode.swp)", "\tif (itl->read_only || lu->read_only)"))
mutant("mode", "interlock_ignored", "-", "a unit attention goes when it was told, whatever UA_INTLCK_CTRL says",
       ("src/scsi/task_home.c", "\tif (t->lu->mode.ua_intlck == SCSI_UA_INTLCK_CLEAR) {", "\tif (t->lu) {"))
mutant("mode", "select_unpublished", "-", "who changed a mode page is told before the workers know it",
       ("src/scsi/spc_select.c", "\t\tt->changed = SCSI_CHANGED_LU;\n", "\t\t;\n"))
mutant("mode", "mode_change_untold", "-", "that mode pages have changed is told to nobody",
       ("src/scsi/spc_select.c", "\t\tscsi_lu_ua(t->lu, SCSI_UA_MODE_CHANGED, t->nexus);\n", ""))

# --- erasing ---

mutant("erase", "served_while_erased", "-", "commands are served while a unit is erased",
       ("src/scsi/ready.c", "\tif (!lu->erase.failed)\n\t\treturn true;", "\tif (!lu->erase.failed)\n\t\treturn false;"),
       ("src/scsi/ready.c", "\telse if (lu->erase.kind)\n", "\telse if (lu->erase.failed)\n"))
mutant("erase", "erasing_unflushed", "-", "what was erased is not flushed before that is told",
       ("src/scsi/erase.c", "\tif (e->stage == STAGE_FLUSH && !lu->write_cache && !lu->write_through)", "\tif (e->stage == STAGE_FLUSH)"))
mutant("erase", "half_erased", "-", "the second half of a unit is not erased",
       ("src/scsi/erase.c", "\tuint64_t left = (lu->n_blocks - e->next_block) << lu->block_shift;", "\tuint64_t left = ((lu->n_blocks - e->next_block) << lu->block_shift) / 8192 * 4096;"))
mutant("erase", "no_progress", "-", "who is told that a unit is being erased is not told how far it has come",
       ("src/scsi/ready.c", "\ts.progress_valid = true;", "\ts.progress_valid = false;"))

# --- removable media ---

MEDIUM = "src/scsi/medium.c"
START = "src/scsi/sbc_start.c"

mutant("medium", "served_without_medium", "-", "commands are served while the medium is out",
       ("src/scsi/ready.c", "\telse if (lu->ejected)\n", "\telse if (lu->ejected && lu->stopped)\n"))
mutant("medium", "prevention_ignored", "-", "a medium is taken out although a nexus prevents that",
       (MEDIUM, "\t\tif (container_of(pos, const struct scsi_itl, lu_node)->prevents)\n", "\t\tif (false)\n"))
mutant("medium", "prevented_for_ever", "-", "what a nexus prevents it prevents after a LUN RESET, too",
       ("src/scsi/tmf.c", "\t\tmedium_allow(m->lu, NULL);\n", ""))
mutant("medium", "medium_untold", "-", "that a medium was put in is told to nobody",
       (MEDIUM, "\t\tscsi_lu_ua(lu, SCSI_UA_MEDIUM_CHANGED, by);\n", "\t\t;\n"))
mutant("medium", "medium_told_to_loader", "-", "who puts a medium in is told of it as news",
       (MEDIUM, "SCSI_UA_MEDIUM_CHANGED, by)", "SCSI_UA_MEDIUM_CHANGED, by ? NULL : by)"))
mutant("medium", "eject_unpublished", "-", "that an initiator took the medium out is not told to the workers",
       (START, "\tcheck(!r); /* no command runs while the unit is erased */\n\treturn changed(t);", "\tcheck(!r);\n\treturn answer_good(t);"))
mutant("medium", "operator_unpublished", "-", "that an operator took the medium out is not told to the workers",
       ("src/target/medium.c", "\thome_publish_lu(u->t, &u->lu);\n", ""))

# --- suspended disks ---

SUSPEND = "src/scsi/suspend.c"
T_SUSPEND = "src/target/suspend.c"

mutant("suspend", "suspended_serves", "-", "commands begin at a unit that is suspended",
       ("src/scsi/set.c", "\tif (suspend_is_on(s->lu) && !suspend_lets(t))\n", "\tif (suspend_is_on(s->lu) && !suspend_lets(t) && s->aca)\n"))
mutant("suspend", "copies_go_on", "-", "copies of other units are carried out at a unit that is suspended",
       ("src/scsi/visit.c", "\treturn lu->order.holds.n || suspend_is_on(lu);", "\treturn lu->order.holds.n;"))
mutant("suspend", "suspend_waits_for_none", "-", "a unit is said to be suspended while commands are at work",
       (SUSPEND, "lu->order.n_enabled ||", "!lu->order.n_reasons ||"))
mutant("suspend", "suspend_gathers_not", "-", "a unit is said to be suspended while commands are at work that need not go home",
       (SUSPEND, "\t    !scsi_lu_is_gathered(lu) || is_erased(lu))", "\t    is_erased(lu))"))
mutant("suspend", "suspend_unflushed", "-", "a unit is said to be suspended before it is flushed",
       (T_SUSPEND, ".op = BACKEND_FLUSH,", ".op = BACKEND_PREFETCH,"))
mutant("suspend", "suspended_for_ever", "-", "a suspended unit is not resumed by itself",
       (T_SUSPEND, "\tint r = worker_timer_start(w, &u->suspend.until, end);", "\tint r = worker_timer_start(w, &u->suspend.until, UINT64_MAX);"))
mutant("suspend", "suspend_deadline_ignored", "-", "who suspends a unit is not told when that takes too long",
       (T_SUSPEND, "min_u64(now + deadline_ns, end)", "min_u64(now + 1000 * deadline_ns, end)"))
mutant("suspend", "resume_forgets", "-", "a unit that is resumed does not go on with those who wait",
       ("src/scsi/set.c", "\t\to->n_reasons--;\n\t\ttouch_all(lu);\n", "\t\to->n_reasons--;\n"))

# --- identifying information and the timestamp ---

IDENT = "src/scsi/spc_ident.c"

mutant("ident", "identifier_untold", "-", "that identifying information has changed is told to nobody",
       (IDENT, "\tscsi_lu_ua(t->lu, SCSI_UA_IDENTIFIER_CHANGED, t->nexus);\n", ""))
mutant("ident", "identifier_unsaved", "-", "SET IDENTIFYING INFORMATION does not wait for the save",
       (IDENT, "\treturn answer_act(t, SCSI_ACT_SAVE, answer_good);", "\treturn answer_good(t);"))
mutant("ident", "text_lost", "-", "text identifying information is not saved",
       (SAVED, "\tpen_copy(out, i->text, i->text_len);", "\tpen_copy(out, i->text, 0);"))
mutant("ident", "clock_untold", "-", "that the timestamp was set is told to nobody",
       ("src/scsi/spc_time.c", "\tscsi_lu_ua(lu, SCSI_UA_TIMESTAMP_CHANGED, t->nexus);\n", ""))
mutant("ident", "clock_stands", "-", "a timestamp that was set does not go on",
       ("src/scsi/spc_time.c", "lu->counters.on_ms + lu->timestamp_ahead_ms", "lu->timestamp_ahead_ms"))

# --- commands that others have aborted ---

S_TMF = "src/scsi/tmf.c"

mutant("tas", "tas_ignored", "-", "commands that another nexus has aborted end without a word, whatever TAS is",
       (S_TMF, "\treturn m->tas && nexus != m->nexus;", "\treturn m->tas && nexus != m->nexus && !m->nexus;"))
mutant("tas", "told_without_tas", "-", "commands that another nexus has aborted end with TASK ABORTED, whatever TAS is",
       (S_TMF, "\treturn m->tas && nexus != m->nexus;", "\treturn nexus != m->nexus;"))
mutant("tas", "own_told", "-", "commands end with TASK ABORTED also when their own nexus has aborted them",
       (S_TMF, "\treturn m->tas && nexus != m->nexus;", "\treturn m->tas;"))

# --- copies inside the target ---

mutant("copy", "copy_one_less", "-", "EXTENDED COPY copies a block less than it was told",
       ("src/scsi/spc_copy.c", "\t\tret->len_bytes = (uint64_t)s->n_blocks\n", "\t\tret->len_bytes = (uint64_t)(s->n_blocks - (s->n_blocks > 1))\n"))
mutant("copy", "copy_despite_reservation", "-", "reservations of the unit that a copy visits are not looked at",
       ("src/scsi/spc_copy.c", "\tif (at.flags & (SCSI_VIEW_RES_ALL |", "\tif (!write && at.flags & (SCSI_VIEW_RES_ALL |"))
mutant("copy", "copy_to_protected", "-", "EXTENDED COPY writes to a unit that is write protected",
       ("src/scsi/spc_copy.c", "\tif (write && at.flags & SCSI_VIEW_READ_ONLY)", "\tif (write && !itl->lu && at.flags & SCSI_VIEW_READ_ONLY)"))
mutant("copy", "copy_beside_alone", "-", "a copy writes to a unit that another command has for itself",
       ("src/scsi/visit.c", "\tif (claimed(b))\n\t\tbusy = b;\n", ""))
mutant("copy", "copy_keeps_buffer", "-", "a copy that waits keeps its list in a buffer that those need for which it waits",
       (DATA, "\tif (!r && scsi_task_is_copy(&c->task))", "\tif (!r && !c->ch)"))
mutant("copy", "token_outlives_writes", "-", "a token is not cancelled when its blocks are written",
       ("src/scsi/token.c", "\ttokens_changed(lu, off_bytes >> lu->block_shift, len_bytes >> lu->block_shift);", "\t(void)lu;\n\t(void)off_bytes;\n\t(void)len_bytes;"))
mutant("copy", "token_told_nobody", "-", "commands that write stay where they came although there are tokens",
       (NEXUS, "\tif (lu->tokens.n_valid)\n", "\tif (lu->tokens.n_valid && !lu->n_blocks)\n"))
mutant("copy", "token_second_range", "-", "of a token only the first range is watched",
       ("src/scsi/token.c", "\tfor (unsigned i = 0; i < k->n_ranges; i++) {\n\t\tconst struct scsi_token_range", "\tfor (unsigned i = 0; i < 1; i++) {\n\t\tconst struct scsi_token_range"))

# --- stores that change ---

mutant("size", "size_untold", "-", "that the capacity has changed is not told",
       (LU, "\tscsi_lu_ua(lu, SCSI_UA_CAPACITY_CHANGED, NULL);\n", ""))
mutant("size", "size_unpublished", "-", "workers go on by the size that a unit had",
       (WATCH, "\tif (changed)\n\t\thome_publish_lu", "\tif (changed && u->t->stopping)\n\t\thome_publish_lu"))
mutant("size", "size_looked_at_once", "-", "a store that was looked at once is never looked at again",
       (WATCH, "\tu->watch.busy = false;\n", ""))
mutant("size", "size_unknown_to_store", "-", "what a store has gained is refused by the range check in front of it",
       (WATCH, "\tbackend_resize(u->backend, u->watch.now.size_bytes);\n", ""))
mutant("size", "size_grows_only", "-", "a store that has become shorter is taken for as long as it was",
       (LU, "if (!n_blocks || n_blocks == lu->n_blocks)", "if (!n_blocks || n_blocks <= lu->n_blocks)"))
mutant("size", "store_is_back_unnoticed", "-", "a unit whose store was away stays away",
       (LU, "\tlu->gone = !present;", "\tlu->gone |= !present;"))
mutant("size", "threshold_untold", "-", "that little space is left is not told",
       (LU, "\tscsi_lu_ua(lu, SCSI_UA_SOFT_THRESHOLD, NULL);\n", ""))
mutant("size", "threshold_again", "-", "that little space is left is told at each look",
       (LU, "\tif (lu->space_low)\n\t\treturn false;\n", ""))
