# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Two nodes without a cluster's manager: srptd-move by hand and as on_stpg. DRBD and ssh are stand-ins."""
import os
import subprocess
import time

import ha_cluster
import lib
from ha_cluster import HA, HERE, peer, reported, stpg
from queue_peer import BUSY, CHECK, GOOD

ACTIVE, NONOPTIMIZED, STANDBY = 0, 1, 2
TRANSITION = (2, 4, 0x0A)


def env_of(c, node):
    return dict(os.environ, HA_DIR=str(c.dir), HA_NODE=node.name, SRPTD_MOVE_CONF=str(node.dir / "move.conf"), SRPTD_SOCKET=str(node.ctl),
                PATH=f"{c.dir / 'storage'}:{HA}:{lib.BUILD}:{os.environ['PATH']}")


def start(c, node, here, there, other):
    """srptd reads a link that srptd-move turns; a supervisor's business is to start it."""
    link = node.dir / "srptd.conf"
    link.symlink_to(node.dir / "passive.conf")
    (node.dir / "move.conf").write_text(f"STORAGE=drbd NAME=r0 GROUP=dg HERE={here} THERE={there} PEER={other.name}\n"
                                        f"ACTIVE={node.dir}/active.conf PASSIVE={node.dir}/passive.conf LINK={link}\n")
    with open(node.log, "ab") as log:
        proc = subprocess.Popen([str(lib.BUILD / "srptd"), "-c", str(link), "--control-socket", str(node.ctl)], env=env_of(c, node), stdout=log, stderr=log)
    lib.until(lambda: ", ready" in node.text() or proc.poll() is not None, f"srptd of {node.name} is ready")
    return proc


def move(c, node, what, want=0):
    done = subprocess.run([str(HA / "srptd-move"), what], env=env_of(c, node), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    lib.expect(done.returncode == want, f"srptd-move {what} on {node.name}: exit {want}, got {done.returncode}\n{done.stdout}")


def agreed(c, want, what):
    end = time.monotonic() + 40
    while not all(reported(n) == want for n in c.nodes):
        logs = "".join(f"\n{n.name} {n.states()}:\n{n.text()[-3000:]}" for n in c.nodes)
        lib.expect(time.monotonic() < end, f"{what}: both report {want}{logs}")
        time.sleep(0.05)


def by_hand(c):
    move(c, c.alpha, "here")
    agreed(c, (ACTIVE, STANDBY), "alpha is active")
    p = peer(c.alpha)
    lib.expect(p.write_blocks(0, b"\xa5" * 512)["status"] == GOOD, "the disk is written")
    p.close()
    move(c, c.beta, "here")
    agreed(c, (STANDBY, ACTIVE), "moved to beta")
    p = peer(c.beta)
    lib.expect(p.read_blocks(0, 1)["data"] == b"\xa5" * 512, "with the disk")
    p.close()
    move(c, c.alpha, "nonsense", 2)


def again(r):
    """As hosts do: while another one is carried out, on the way, and after news."""
    return r["status"] == BUSY or (r["status"] == CHECK and (lib.sense(r)[0] == 6 or lib.sense(r) == TRANSITION))


def by_hosts(c):
    for at, to, want in ((c.alpha, "alpha", (ACTIVE, STANDBY)), (c.alpha, "beta", (STANDBY, ACTIVE))):
        p = peer(at, b"ha-asker")
        p.s.settimeout(60)
        p.ready()
        r = p.answer(stpg(p, **{to: ACTIVE}))
        end = time.monotonic() + 40
        # with the disk that leaves, or comes, what was asked goes; and one SET at a time: hosts ask again
        while again(r) and time.monotonic() < end:
            time.sleep(0.1)
            r = p.answer(stpg(p, **{to: ACTIVE}))
        lib.expect(r["status"] == GOOD, f"SET at {at.name} for {to}, got {r}\n{at.text()[-3000:]}")
        agreed(c, want, f"as a host asked {at.name}")
        p.close()
    p = peer(c.beta, b"ha-asker")
    p.ready()
    p.s.settimeout(60)
    r = p.answer(stpg(p, alpha=NONOPTIMIZED))
    while again(r):  # the program of the one before has not ended
        r = p.answer(stpg(p, alpha=NONOPTIMIZED))
    lib.expect(r["status"] == CHECK and lib.sense(r) == (4, 0x67, 0x0A), f"no such state here, got {r}")
    p.close()


def storage_refuses(c):
    """Another node has it: nobody is active, and nobody is on the move."""
    move(c, c.beta, "give")
    (c.dir / "primary").write_text("gamma\n")
    move(c, c.alpha, "take", 11)
    lib.expect(reported(c.alpha) == (STANDBY, STANDBY), f"not taken, got {reported(c.alpha)}")
    (c.dir / "primary").unlink()
    move(c, c.alpha, "take")
    lib.expect(reported(c.alpha) == (ACTIVE, STANDBY), f"taken, got {reported(c.alpha)}")


cluster = ha_cluster.Cluster()
cluster.configure(HA / "srptd-move")
(cluster.dir / "storage").mkdir()
for name in ("drbdadm", "ssh"):
    (cluster.dir / "storage" / name).symlink_to(HERE / "ha_stand_in_storage.sh")
running = []
try:
    running.append(start(cluster, cluster.alpha, "tpga", "tpgb", cluster.beta))
    running.append(start(cluster, cluster.beta, "tpgb", "tpga", cluster.alpha))
    by_hand(cluster)
    by_hosts(cluster)
    storage_refuses(cluster)
finally:
    for proc in running:
        proc.terminate()
    codes = [proc.wait(30) for proc in running]
    cluster.end()
lib.expect(codes == [0, 0], f"srptd ends well, got {codes}")
print("ok: moved by hand and by hosts")
