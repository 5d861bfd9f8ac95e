# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Two srptd under the OCF agent, in the order in which Pacemaker calls it: both nodes' ports report the same states after each
step, never more than one group as active, the data and the reservations move along, and so on through crashes of either node, a
node that comes back, one that cannot learn what was agreed, hosts that ask for a move, and notifications that do not come."""
import struct
import subprocess
import threading
import time
import xml.etree.ElementTree as ET

import ha_cluster
import lib
from ha_cluster import CONFIGURED, FAILED_PROMOTED, GENERIC, GROUPS, INSTALLED, NOT_RUNNING, PROMOTED, SUCCESS, peer, report, reported, stpg
from queue_peer import BUSY, CHECK, GOOD, Queue

ACTIVE, NONOPTIMIZED, STANDBY, UNAVAILABLE, TRANSITIONING = 0, 1, 2, 3, 15
SET_FAILED = (4, 0x67, 0x0A)
KEY = 0x1122334455667788


def agreed(cluster, want, what):
    for node in cluster.up:
        got = reported(node)
        lib.expect(got == want, f"{what}: {node.name} reports {want}, got {got}\n{node.text()[-2000:]}")


def comes(cluster, want, what):
    """The same of a move that is under way."""
    end = time.monotonic() + 60
    while not all(reported(n) == want for n in cluster.nodes):
        if time.monotonic() > end:
            agreed(cluster, want, f"{what}; {cluster.asked()} {cluster.problem} {cluster.mover}")
        time.sleep(0.05)


class Watch(threading.Thread):
    """A host that asks both nodes all the time; nodes may be away, but no answer has two groups that take I/O."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.quit, self.bad, self.seen = cluster, threading.Event(), [], set()
        self.start()

    def run(self):
        while not self.quit.is_set():
            for node in self.cluster.nodes:
                try:
                    p = Queue(node.port, b"ha-watch", target=node.target)
                    states = report(p)
                    p.close()
                except (OSError, EOFError, SystemExit):
                    continue  # a node that is down, or goes down under us
                self.seen.add((node.name, states))
                if sum(s in (ACTIVE, NONOPTIMIZED) for s in states) > 1:
                    self.bad.append((node.name, states))
            time.sleep(0.02)

    def end(self):
        self.quit.set()
        self.join(30)
        lib.expect(not self.bad, f"never two active groups in one answer, got {self.bad[:5]}")
        lib.expect(len(self.seen) > 6, f"and it has seen moves, got {self.seen}")


def pr_out(p, action, pr_type, key, new_key, flags=0):
    return p.command(struct.pack(">BBB2xIx", 0x5F, action, pr_type, 24), out=struct.pack(">QQ4xB3x", key, new_key, flags))


def keys(p):
    return p.command(struct.pack(">BB5xHx", 0x5E, 0, 64), n_in=64)["data"][8:16]


def described(c):
    meta = ET.fromstring(c.alpha.call("meta-data").stdout)
    actions = {a.get("name") for a in meta.iter("action")}
    lib.expect(actions >= {"start", "stop", "monitor", "promote", "demote", "notify", "validate-all", "meta-data", "reload-agent"}, f"actions, got {actions}")
    lib.expect({p.get("name") for p in meta.iter("parameter")} >= {"config", "config_promoted", "device_group", "groups"}, "parameters")
    c.alpha.call("validate-all")
    c.alpha.call("validate-all", INSTALLED, OCF_RESKEY_groups="gamma=tpga beta=tpgb")
    c.alpha.call("validate-all", CONFIGURED, OCF_RESKEY_device_group="")
    c.alpha.call("validate-all", INSTALLED, OCF_RESKEY_device_group="nothing")
    c.alpha.call("validate-all", INSTALLED, OCF_RESKEY_config="/nonexistent/srptd.conf")
    c.alpha.call("validate-all", CONFIGURED, OCF_RESKEY_other_state="active")
    c.alpha.call("monitor", NOT_RUNNING, OCF_RESKEY_groups="gamma=tpga beta=tpgb")
    c.alpha.call("bogus", 3)


def started(c):
    c.alpha.call("monitor", NOT_RUNNING)
    c.start(c.alpha)
    c.alpha.call("start")
    c.start(c.beta)
    agreed(c, (STANDBY, STANDBY), "nobody is promoted")
    for n in c.nodes:
        n.call("monitor", SUCCESS)
        lib.expect(c.attribute(f"{n.name}.promotion") == "10", "it can be promoted")


def promoted(c):
    c.notify("pre", "promote", c.alpha)
    agreed(c, (TRANSITIONING, STANDBY), "before the promotion")
    c.alpha.call("promote")
    lib.expect(c.beta.states() == ("transitioning", "standby") and c.alpha.states() == ("active", "standby"), "not notified yet")
    c.notify("post", "promote", c.alpha)
    agreed(c, (ACTIVE, STANDBY), "promoted")
    c.alpha.call("monitor", PROMOTED)
    c.beta.call("monitor", SUCCESS)
    lib.expect(c.attribute("alpha.promotion") == "100", "it stays where it is")
    p = peer(c.alpha)
    lib.expect(p.write_blocks(8, b"moved" * 512 + bytes(512))["status"] == GOOD, "the disk is written")
    lib.expect(pr_out(p, 0, 0, 0, KEY, 1)["status"] == GOOD, "a registration that outlives a power loss")
    p.close()
    b = peer(c.beta)
    lib.expect(b.read_blocks(8, 1)["status"] == CHECK, "a standby port does not read")
    b.close()


def moved(c):
    """A planned one: demote here, promote there."""
    c.notify("pre", "demote", c.alpha)
    agreed(c, (TRANSITIONING, STANDBY), "before the move")
    c.alpha.call("demote")
    c.notify("post", "demote", c.alpha)
    agreed(c, (STANDBY, STANDBY), "in the middle of it")
    c.alpha.call("monitor", SUCCESS)
    c.promote(c.beta)
    agreed(c, (STANDBY, ACTIVE), "moved")
    c.alpha.call("monitor", SUCCESS)
    c.beta.call("monitor", PROMOTED)
    p = peer(c.beta)
    lib.expect(p.read_blocks(8, 1)["data"] == (b"moved" * 103)[:512], "the disk has moved along")
    lib.expect(keys(p) == struct.pack(">Q", KEY), "and the registration")
    p.close()


def active_crashes(c):
    """Pacemaker finds it dead: demote, stop, then the other node is promoted and the first one comes back."""
    c.beta.kill()
    c.beta.call("monitor", NOT_RUNNING)
    c.demote(c.beta)
    agreed(type("X", (), {"up": [c.alpha]}), (STANDBY, STANDBY), "nobody is active")
    c.stop(c.beta)
    c.promote(c.alpha)
    agreed(c, (ACTIVE, STANDBY), "the other one")
    c.start(c.beta)
    agreed(c, (ACTIVE, STANDBY), "the one that crashed is back")


def active_restarts(c):
    """The same, but Pacemaker starts it again where it was."""
    c.alpha.kill()
    c.demote(c.alpha)
    c.stop(c.alpha)
    c.start(c.alpha)
    agreed(c, (STANDBY, STANDBY), "restarted")
    c.promote(c.alpha)
    agreed(c, (ACTIVE, STANDBY), "and promoted again")
    p = peer(c.alpha)
    lib.expect(keys(p) == struct.pack(">Q", KEY), "the registration is there")
    p.close()


def standby_crashes(c):
    """It serves nothing before it knows what was agreed: its first answer is right."""
    c.beta.kill()
    c.beta.call("monitor", NOT_RUNNING)
    c.beta.call("stop")
    c.beta.call("start")
    agreed(c, (ACTIVE, STANDBY), "back")
    c.alpha.call("monitor", PROMOTED)
    c.beta.call("monitor", SUCCESS)


def active_is_fenced(c):
    c.fenced(c.alpha)
    agreed(c, (STANDBY, STANDBY), "alpha is fenced")
    c.promote(c.beta)
    agreed(c, (STANDBY, ACTIVE), "beta has it")
    c.alpha.call("monitor", NOT_RUNNING)
    c.start(c.alpha)
    agreed(c, (STANDBY, ACTIVE), "alpha comes back and does as was agreed without it")


def fenced_without_a_word(c):
    """Not even the notification comes; the record says that the dead node is active until another one is."""
    c.beta.kill()
    c.up.remove(c.beta)
    c.promote(c.alpha)
    agreed(c, (ACTIVE, STANDBY), "alpha has it")
    # the one that comes back thinks that it is what it was
    c.beta.call("start")
    c.up.append(c.beta)
    agreed(c, (ACTIVE, STANDBY), "beta is back")


def cut_off(c):
    """A node that cannot learn what was agreed has no usable port, and is not promoted."""
    c.stop(c.beta)
    c.cut_off(c.beta, True)
    c.beta.call("start")
    lib.expect(reported(c.beta) == (STANDBY, UNAVAILABLE), f"it does not know, got {reported(c.beta)}")
    c.beta.call("promote", GENERIC)
    c.beta.call("monitor", SUCCESS)
    lib.expect(reported(c.beta)[1] not in (ACTIVE, NONOPTIMIZED), "and is not active")
    c.cut_off(c.beta, False)
    c.beta.call("monitor", SUCCESS)
    c.up.append(c.beta)
    agreed(c, (ACTIVE, STANDBY), "it has learned")


def older_record(c):
    """The cluster's configuration was put back to an earlier one: what it says is not believed, and the next record counts more."""
    c.stop(c.beta)
    now = c.attribute("srptd-agreed-dg")
    c.attribute("srptd-agreed-dg", "1:beta")
    c.beta.call("start")
    lib.expect(reported(c.beta) == (STANDBY, UNAVAILABLE), f"not believed, got {reported(c.beta)}")
    c.alpha.call("monitor", PROMOTED)
    lib.expect(reported(c.alpha) == (ACTIVE, STANDBY), "nor by the active one")
    c.up.append(c.beta)
    c.demote(c.alpha)
    c.promote(c.alpha)
    agreed(c, (ACTIVE, STANDBY), "agreed anew")
    lib.expect(int(c.attribute("srptd-agreed-dg").split(":")[0]) > int(now.split(":")[0]), "with a higher number")


def notification_missed(c):
    c.beta.call("notify", OCF_RESKEY_CRM_meta_notify_type="pre", OCF_RESKEY_CRM_meta_notify_operation="demote", OCF_RESKEY_CRM_meta_notify_demote_uname="alpha")
    c.alpha.call("notify", OCF_RESKEY_CRM_meta_notify_type="pre", OCF_RESKEY_CRM_meta_notify_operation="demote", OCF_RESKEY_CRM_meta_notify_demote_uname="alpha")
    agreed(c, (TRANSITIONING, STANDBY), "on the move")
    c.alpha.call("monitor", PROMOTED)  # but it does not go
    c.beta.call("monitor", SUCCESS)
    agreed(c, (ACTIVE, STANDBY), "put right by the monitors")
    # somebody sets the state of a node by hand: two would be active
    lib.tool("srptctl", "--socket", c.beta.ctl, "group", "set", "dg", "tpga=standby", "tpgb=active")
    c.beta.call("monitor", FAILED_PROMOTED)
    c.beta.call("demote")
    agreed(c, (ACTIVE, STANDBY), "it is demoted")


def reloads(c):
    """Changed parameters and files reach a running daemon; it stays what it is."""
    c.alpha.call("reload-agent")
    c.beta.call("reload")
    agreed(c, (ACTIVE, STANDBY), "reloaded")
    since, path = len(c.alpha.text()), c.alpha.dir / "active.conf"
    whole = path.read_text()
    path.write_text(whole.replace("allow_any 1", "allow_any 1\n\t\tmax_channels 99"))
    c.alpha.call("reload")
    lib.expect("change max_channels" in c.alpha.text()[since:], f"it has read the file, got {c.alpha.text()[since:]}")
    path.write_text("bogus")
    c.alpha.call("reload", GENERIC)
    path.write_text(whole)
    c.alpha.call("reload")


def hosts_ask(c):
    """SET TARGET PORT GROUPS at either node's port moves the master, and is answered when both nodes say so."""
    for at, to, want in ((c.beta, "beta", (STANDBY, ACTIVE)), (c.beta, "alpha", (ACTIVE, STANDBY)), (c.alpha, "beta", (STANDBY, ACTIVE)), (c.beta, "beta", (STANDBY, ACTIVE))):
        p, asked = peer(at, b"ha-asker"), len(c.asked())
        p.s.settimeout(60)
        p.ready()
        before = reported(at)
        r = p.answer(stpg(p, **{to: ACTIVE}))
        while r["status"] == BUSY and reported(at) == before and len(c.asked()) == asked:
            r = p.answer(stpg(p, **{to: ACTIVE}))  # the program that the one before had begun is about to end
        if before == want:
            lib.expect(r["status"] == GOOD and len(c.asked()) == asked, "it is so: nobody has to move")
        else:
            # with the disk that leaves the node, or comes to it, what the host asked goes: it is to ask again
            lib.expect(r["status"] == BUSY, f"SET at {at.name} for {to}, got {r}\n{at.text()[-3000:]}")
            comes(c, want, f"moved as {at.name} was asked")
            r = p.answer(stpg(p, **{to: ACTIVE}))
            while r["status"] == CHECK and lib.sense(r)[0] == 6:
                r = p.answer(stpg(p, **{to: ACTIVE}))
            lib.expect(r["status"] == GOOD, f"asked again, got {r}")
        agreed(c, want, f"a host asked {at.name} for {to}")
        if before != want:
            lib.until(lambda: c.asked()[asked:] == [to, "clear"], f"moved, and the constraint taken back, got {c.asked()[asked:]}")
        p.close()


def hosts_ask_in_vain(c):
    p = peer(c.beta, b"ha-asker")
    p.ready()
    asked = len(c.asked())
    for wants in ({"alpha": NONOPTIMIZED}, {"beta": STANDBY}, {"alpha": ACTIVE, "beta": NONOPTIMIZED}, {"alpha": ACTIVE, "beta": UNAVAILABLE}):
        r = p.answer(stpg(p, **wants))
        lib.expect(r["status"] == CHECK and lib.sense(r) == SET_FAILED, f"{wants}: this cluster has no such states, got {r}")
    lib.expect(len(c.asked()) == asked, "the cluster is not asked")
    (c.cib / "refuse").touch()
    r = p.answer(stpg(p, alpha=ACTIVE, beta=STANDBY))
    lib.expect(r["status"] == CHECK and lib.sense(r) == SET_FAILED, f"the cluster refuses, got {r}")
    (c.cib / "refuse").unlink()
    lib.expect(len(c.asked()) == asked, "nothing is to be taken back")
    # it agrees and does not come to it: the program gives up before srptd does, and takes its wish back
    c.refuse_moves = True
    env = dict(c.beta.env, SRPTD_STPG_SECONDS="1", SRPTD_SOCKET=str(c.beta.ctl), SRPTD_HA_RESOURCE="srp", SRPTD_HA_RECORD="srptd-agreed-dg",
               SRPTD_HA_GROUPS=c.beta.env["OCF_RESKEY_groups"], SRPTD_HA_OTHER="standby")
    done = subprocess.run([str(ha_cluster.HA / "srptd-stpg"), "dg", "tpga=active"], env=env, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    lib.expect(done.returncode == 1 and "was not promoted" in done.stderr, f"too late, got {done}")
    c.refuse_moves = False
    lib.expect(c.asked()[asked:] == ["alpha", "clear"], f"asked, and taken back, got {c.asked()[asked:]}")
    agreed(c, (STANDBY, ACTIVE), "nothing has changed")
    p.close()


def stopped(c):
    c.demote(c.beta)
    agreed(c, (STANDBY, STANDBY), "demoted")
    for n in c.nodes:
        c.stop(n)
        n.call("monitor", NOT_RUNNING)
        n.call("stop")
        lib.expect(c.attribute(f"{n.name}.promotion") is None, "cannot be promoted")
    lib.expect(c.attribute("srptd-agreed-dg").endswith(":-"), "nobody is active")


cluster = ha_cluster.Cluster()
cluster.configure(ha_cluster.HA / "srptd-stpg")
try:
    described(cluster)
    watch, begin = Watch(cluster), time.monotonic()
    for step in (started, promoted, moved, active_crashes, active_restarts, standby_crashes, active_is_fenced, fenced_without_a_word,
                 cut_off, older_record, reloads, hosts_ask, hosts_ask_in_vain):
        print(f"{step.__name__} after {time.monotonic() - begin:.1f} s", flush=True)
        step(cluster)
    watch.end()
    cluster.demote(cluster.beta)
    cluster.promote(cluster.alpha)
    notification_missed(cluster)
    cluster.demote(cluster.alpha)
    cluster.promote(cluster.beta)
    stopped(cluster)
finally:
    cluster.end()
print("ok: two nodes agree")
