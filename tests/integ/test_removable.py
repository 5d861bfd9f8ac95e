# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A removable disk over real connections: initiators and an operator take its medium out and put it in, also while it is
read; who prevents it keeps everybody from it until he allows it or is gone; the rules of tests/conform hold for it."""
import json
import subprocess
import time

import lib
from queue_peer import GOOD, Queue

EJECT, LOAD = bytes([0x1B, 0, 0, 0, 2, 0]), bytes([0x1B, 0, 0, 0, 3, 0])
OUT, CHANGED, KEPT = (2, 0x3A, 0), (6, 0x28, 0), (5, 0x53, 2)
FOUND_NOT, BUSY, NOT_PERMITTED = 4, 6, 7  # exit codes of srptctl


def ctl(t, *args, code=0):
    done = lib.tool("srptctl", "--socket", t.ctl, *args, check=False)
    lib.expect(done.returncode == code, f"srptctl {args}: exit {code}, got {done.returncode}: {done.out}{done.err}")
    return done


def state(t):
    return {d["name"]: d["state"] for d in json.loads(ctl(t, "status", "--json").out)["devices"]}


def hears(p, what):
    r = p.command(bytes(6), retry=False)
    lib.expect((r["status"] == GOOD) if what is None else lib.sense(r) == what, f"expected {what}, got {r}")


def prevent(p, on):
    lib.expect(p.command(bytes([0x1E, 0, 0, 0, on, 0]))["status"] == GOOD, "PREVENT ALLOW MEDIUM REMOVAL")


def by_operator(t, a, b):
    rmb = [p.command(bytes([0x12, 0, 0, 0, 36, 0]), lun, n_in=36)["data"][1] & 0x80 for p in (a, b) for lun in (0, 1)]
    lib.expect(rmb == [0x80, 0, 0x80, 0], f"RMB of both units, got {rmb}")
    lib.expect(a.write_blocks(7, b"medium01" * 64)["status"] == GOOD, "a WRITE")
    ctl(t, "device", "eject", "ram0")
    lib.expect(state(t) == {"ram0": "ejected", "ram1": "ready"}, f"the states, got {state(t)}")
    for p in (a, b):
        hears(p, OUT)
        lib.expect(lib.sense(p.read_blocks(7, 1)) == OUT, "a READ")
        lib.expect(p.read_blocks(7, 1, lun=1)["status"] == GOOD, "the other unit has its own")
    ctl(t, "device", "eject", "ram0")  # it is out: so be it
    ctl(t, "device", "insert", "ram0")
    lib.expect(state(t)["ram0"] == "ready", "it is back")
    for p in (a, b):
        hears(p, CHANGED)
        hears(p, None)
        r = p.read_blocks(7, 1)
        lib.expect(r["status"] == GOOD and r["data"] == b"medium01" * 64, "what was written is there")
    lib.expect("not removable" in ctl(t, "device", "eject", "ram1", code=NOT_PERMITTED).err, "a fixed one has none")
    lib.expect("removable" in ctl(t, "device", "insert", "ram1", code=NOT_PERMITTED).err, "nor gets one")
    ctl(t, "device", "eject", "nobody", code=FOUND_NOT)
    ctl(t, "device", "eject", code=2)


def prevented(t, a, b):
    prevent(b, 1)
    lib.expect("prevents" in ctl(t, "device", "eject", "ram0", code=BUSY).err, "not for an operator")
    lib.expect(lib.sense(a.command(EJECT)) == KEPT, "nor for another initiator")
    prevent(b, 0)
    lib.expect(a.command(EJECT)["status"] == GOOD, "it is allowed")
    hears(b, OUT)
    prevent(b, 1)
    lib.expect("prevents" in ctl(t, "device", "insert", "ram0", code=BUSY).err, "neither in")
    prevent(b, 0)
    lib.expect(a.command(LOAD)["status"] == GOOD, "LOEJ with START")
    hears(a, None)
    hears(b, CHANGED)
    # Whoever is gone prevents nothing.
    prevent(b, 1)
    b.close()
    end = time.monotonic() + 20
    while lib.tool("srptctl", "--socket", t.ctl, "device", "eject", "ram0", check=False).returncode:
        lib.expect(time.monotonic() < end, "20 s after its connection ended it still prevents")
        time.sleep(0.05)
    ctl(t, "device", "insert", "ram0")


def while_it_is_read(t):
    """Every READ brings the data, or says that the medium is out or was; none is lost."""
    p = Queue(t.port, b"remove-3")
    seen = {}
    for i in range(12):
        tags = [p.read(7) for _ in range(16)]
        ctl(t, "device", "insert" if i % 2 else "eject", "ram0")
        tags += [p.read(7) for _ in range(8)]
        for n, tag in enumerate(tags):
            r = p.answer(tag)
            what = GOOD if r["status"] == GOOD else lib.sense(r)
            lib.expect(what in (GOOD, OUT, CHANGED), f"a READ ended with {r}")
            lib.expect(what != GOOD or r["data"] == b"medium01" * 64, "the data are others")
            # Behind the answer to srptctl everybody knows.
            lib.expect(n < 16 or what in ((GOOD, CHANGED) if i % 2 else (OUT,)), f"round {i}, READ {n}: {what}")
            seen[what] = seen.get(what, 0) + 1
    lib.expect(set(seen) == {GOOD, OUT, CHANGED}, f"all three were seen, got {seen}")
    p.close()


def restarted(t):
    ctl(t, "device", "eject", "ram0")
    t.proc.kill()
    t.proc.wait()
    t.start()
    lib.expect(state(t)["ram0"] == "ready", "a new process begins with the medium in")


def rules(t):
    families = [w for f in ("medium", "start_stop", "prevent", "ready") for w in ("-f", f)]
    conform = lib.BUILD / "tests" / "conform" / "conform"
    done = subprocess.run([conform, "--json", "--yes-destroy-data", *families, t.url(0)], capture_output=True, text=True, check=False,
                          timeout=120)
    lib.expect(not lib.REPORT.search(done.stderr), f"a sanitizer complains:\n{done.stderr}")
    got = {f"{r['family']}.{r['rule']}": r for r in json.loads(done.stdout)["rules"]}
    bad = [f"{n}: {r['result']}, {r['reason']}" for n, r in got.items()
           if r["result"] == "failed" or (n.startswith("medium.") and r["result"] != "passed")]
    lib.expect(not bad, "rules:\n" + "\n".join(bad))
    print(f"{len(got)} rules")


with lib.Target(lib.ram(mib=16, extra="\t\tremovable 1") + lib.ram("ram1", 16), "\t\tLUN 0 ram0\n\t\tLUN 1 ram1\n", lib.ANY,
                "workers 2\n") as t:
    one, two = lib.Peer(t.port, b"remove-1"), lib.Peer(t.port, b"remove-2")
    for peer in (one, two):
        for unit in (0, 1):
            peer.command(bytes(6), unit)
    by_operator(t, one, two)
    prevented(t, one, two)
    one.close()
    while_it_is_read(t)
    rules(t)
    restarted(t)
print("ok: a medium goes and comes")
