# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Two nodes that run srptd by the OCF agent, and a cluster that calls it as Pacemaker does. Stand-ins are the programs by which
the agent asks the cluster (ha_stand_in.sh, first in PATH); the agent, srptd, srptctl and srptd-stpg are real."""
import os
import pathlib
import signal
import struct
import subprocess
import tempfile
import threading
import time

import lib
from queue_peer import GOOD, Queue

HERE = pathlib.Path(__file__).resolve().parent
HA = HERE.parents[1] / "contrib" / "ha"
TOOLS = ("crm_attribute", "crm_node", "crm_resource")
SUCCESS, GENERIC, INSTALLED, CONFIGURED, NOT_RUNNING, PROMOTED, FAILED_PROMOTED = 0, 1, 5, 6, 7, 8, 9


GROUPS = {"alpha": 10, "beta": 20}


def conf(cluster, node, active, on_stpg):
    """The shared disk where the node is active; else a disk of the same name for hosts, with nothing in it."""
    name = "disk" if active else f"passive{node.number}"
    size = f"filename {cluster.dir}/disk" if active else "size 1M"
    other = cluster.beta if node is cluster.alpha else cluster.alpha
    groups = "".join(f"	TARGET_GROUP {g} {{\n group_id {GROUPS[n.name]}\n state standby\n TARGET {'t' if n is node else f't-other {{ rel_tgt_id {other.number} }}'}\n }}\n"
                     for g, n in (("tpga", cluster.alpha), ("tpgb", cluster.beta)))
    (node.dir / ("active.conf" if active else "passive.conf")).write_text(f"""workers 1
state_dir {cluster.dir}/state
HANDLER {'vdisk_fileio' if active else 'vdisk_nullio'} {{
	DEVICE {name} {{
	{size}
	usn shared-disk
	expl_alua 1
	}}
}}
TARGET_DRIVER iwarp {{
	TARGET t {{
		listen 127.0.0.1:{node.port}
		id_ext {node.id_ext}
		ioc_guid {lib.IOC_GUID}
		rel_tgt_id {node.number}
		allow_any 1
		LUN 0 {name}
		enabled 1
	}}
}}
DEVICE_GROUP dg {{
	DEVICE {name}
	on_stpg {on_stpg}
	on_stpg_timeout 60
{groups}}}
""")


def peer(node, name=b"ha-host1"):
    return Queue(node.port, name, target=node.target)


def report(p):
    """(alpha's, beta's) state in one answer."""
    r = p.command(struct.pack(">BB4xI2x", 0xA3, 0x0A, 512), n_in=512)
    lib.expect(r["status"] == GOOD, f"REPORT TARGET PORT GROUPS, got {r}")
    data, at, found = r["data"], 4, {}
    while at < struct.unpack(">I", r["data"][:4])[0] + 4:
        found[struct.unpack(">H", data[at + 2:at + 4])[0]] = data[at] & 15
        at += 8 + 4 * data[at + 7]
    return found[10], found[20]


def reported(node):
    p = peer(node)
    states = report(p)
    p.close()
    return states


def stpg(p, **wants):
    out = bytes(4) + b"".join(struct.pack(">BxH", s, GROUPS[g]) for g, s in wants.items())
    return p.issue(struct.pack(">BB4xI2x", 0xA4, 0x0A, len(out)), out)


class Node:
    def __init__(self, cluster, name, number):
        self.cluster, self.name = cluster, name
        self.dir = cluster.dir / name
        self.dir.mkdir()
        self.port, self.ctl, self.number = lib.free_port(), self.dir / "ctl", number
        self.id_ext = f"0002c90300a0dd{number:02x}"
        self.target = bytes.fromhex(self.id_ext + lib.IOC_GUID)
        self.log = self.dir / "log"
        self.score = None
        self.env = dict(
            os.environ, PATH=f"{cluster.dir / 'bin'}:{lib.BUILD}:{os.environ['PATH']}", HA_NODE=name, HA_CIB=str(cluster.cib), OCF_ROOT="/usr/lib/ocf",
            OCF_RESOURCE_INSTANCE="srp", OCF_RESKEY_device_group="dg", OCF_RESKEY_groups="alpha=tpga beta=tpgb", OCF_RESKEY_socket=str(self.ctl),
            OCF_RESKEY_config=str(self.dir / "passive.conf"), OCF_RESKEY_config_promoted=str(self.dir / "active.conf"),
            OCF_RESKEY_directory=str(self.dir / "agent"), OCF_RESKEY_user=os.popen("id -un").read().strip(), OCF_RESKEY_log=str(self.log),
            OCF_RESKEY_CRM_meta_timeout="30000", SRPTD_STPG_SECONDS="50")

    def call(self, action, want=SUCCESS, **env):
        """Call the agent; @want: the exit status, None: any."""
        done = subprocess.run([str(HA / "srptd"), action], env=dict(self.env, **env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=90, check=False)
        lib.expect(want is None or done.returncode == want, f"{action} on {self.name}: exit {want}, got {done.returncode}\n{done.stderr}\n{self.text()[-3000:]}")
        return done

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def pid(self):
        return int((self.dir / "agent" / "srp.pid").read_text())

    def kill(self):
        """A crash."""
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)

        def gone():
            try:
                return not pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                return True
        lib.until(gone, f"srptd of {self.name} has ended")

    def states(self):
        out = lib.tool("srptctl", "--socket", self.ctl, "group", "get", "dg").out
        return tuple(line.split("=")[1] for line in out.split())


class Cluster:
    """Alpha and beta, and the order in which Pacemaker calls the agent (clone options notify=true, promoted-max=1)."""

    def __init__(self):
        self.tmp = tempfile.TemporaryDirectory(prefix="srptd-ha-")
        self.dir = pathlib.Path(self.tmp.name)
        self.cib = self.dir / "cib"
        for name in ("attributes", "cut_off"):
            (self.cib / name).mkdir(parents=True)
        (self.dir / "bin").mkdir()
        for name in TOOLS:
            (self.dir / "bin" / name).symlink_to(HERE / "ha_stand_in.sh")
        self.alpha, self.beta = (Node(self, n, i + 1) for i, n in enumerate(("alpha", "beta")))
        self.nodes = (self.alpha, self.beta)
        self.up = []
        self.refuse_moves = False
        self.ending = False
        self.mover = threading.Thread(target=self.moves, daemon=True)
        self.problem = None
        self.mover.start()

    def configure(self, on_stpg):
        """The disk, and both files of both nodes."""
        (self.dir / "state").mkdir()
        (self.dir / "disk").write_bytes(bytes(1 << 20))
        for node in self.nodes:
            for active in (False, True):
                conf(self, node, active, on_stpg)

    def attribute(self, name, to=None):
        """What it is, or what it becomes; None: there is none."""
        path = self.cib / "attributes" / name
        if to is not None:
            path.write_text(to + "\n")
        return path.read_text().strip() if path.exists() else None

    def cut_off(self, node, so):
        path = self.cib / "cut_off" / node.name
        path.touch() if so else path.unlink()

    def asked(self):
        """What crm_resource was called for: names of nodes to move to, "clear"."""
        path = self.cib / "asked"
        return path.read_text().split() if path.exists() else []

    def notify(self, kind, operation, node):
        for n in self.up:
            n.call("notify", **{"OCF_RESKEY_CRM_meta_notify_type": kind, "OCF_RESKEY_CRM_meta_notify_operation": operation,
                                f"OCF_RESKEY_CRM_meta_notify_{operation}_uname": node.name})

    def start(self, node):
        self.notify("pre", "start", node)
        node.call("start")
        self.up.append(node)
        self.notify("post", "start", node)

    def promote(self, node, want=SUCCESS):
        self.notify("pre", "promote", node)
        node.call("promote", want)
        self.notify("post", "promote", node)

    def demote(self, node, want=SUCCESS):
        self.notify("pre", "demote", node)
        node.call("demote", want)
        self.notify("post", "demote", node)

    def stop(self, node):
        self.notify("pre", "stop", node)
        node.call("stop")
        self.up.remove(node)
        self.notify("post", "stop", node)

    def fenced(self, node):
        """It is gone, by power; the others hear of what it would have done."""
        node.kill()
        self.up.remove(node)
        for path in (self.cib / "attributes").glob(f"{node.name}.*"):
            path.unlink()
        self.notify("post", "demote", node)
        self.notify("post", "stop", node)

    def moves(self):
        """Do what crm_resource --move asks for."""
        done = 0
        while not self.ending:
            asked = self.asked()
            for what in asked[done:]:
                if what == "clear" or self.refuse_moves:
                    continue
                there = next(n for n in self.nodes if n.name == what)
                try:
                    self.demote(next(n for n in self.nodes if n is not there))
                    self.promote(there)
                except SystemExit as e:  # a thread's ends only the thread
                    self.problem = str(e)
            done = len(asked)
            time.sleep(0.05)

    def end(self):
        self.ending = True
        self.mover.join(60)
        for n in self.nodes:
            if (n.dir / "agent" / "srp.pid").exists():
                n.call("stop", None)
        for n in self.nodes:
            found = lib.REPORT.search(n.text())
            lib.expect(not found, f"no complaint in the log of {n.name}: {found and n.text()[found.start():][:6000]}")
        lib.expect(not self.problem, f"moves go well: {self.problem}")
        self.tmp.cleanup()
