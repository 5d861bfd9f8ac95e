# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Faults on demand: each kind hits whom it is to hit and nobody else, is counted, and ends; aborts, resets, relogins, reloads and
a shutdown work under each."""
import json
import signal
import time

import lib
from queue_peer import BUSY, GOOD, TASK_ABORTED, Queue

TASK_SET_FULL = 0x28
ABORT_TASK, LUN_RESET = 0x01, 0x08
USAGE, NOT_FOUND, NOT_PERMITTED = 2, 4, 7  # exit codes of srptctl
DEVICES = lib.ram("ram0", 16) + lib.ram("ram1", 16)
LUNS = "\t\tLUN 0 ram0\n\t\tLUN 1 ram1\n"


def ctl(t, *args, code=0):
    done = lib.tool("srptctl", "--socket", t.ctl, *args, check=False)
    lib.expect(done.returncode == code, f"srptctl {args}: exit {code}, got {done.returncode}: {done.out}{done.err}")
    return done


def add(t, *words):
    """A fault that outlives a test on a slow machine, where @words do not say how long it is to live."""
    if not any(w.startswith("expires=") for w in words):
        words += ("expires=3600",)
    return json.loads(ctl(t, "fault", "add", *words, "--json").out)["id"]


def faults(t):
    return {f["id"]: f for f in json.loads(ctl(t, "fault", "list", "--json").out)["faults"]}


def clear(t):
    return json.loads(ctl(t, "fault", "clear", "--json").out)["cleared"]


def port_id(name):
    return "0x" + (bytes(8) + name).hex()


def wait_hits(t, fault, n):
    lib.until(lambda: faults(t)[fault]["hits"] == n, f"{n} hits of fault {fault}: {faults(t)}")


def words(t):
    """What is refused, and what a list and its table show."""
    for args, says in ((["gremlin"], "kind: must be black-hole"), (["delay"], "milliseconds"), (["delay", "0"], "milliseconds"),
                       (["delay", "600001"], "milliseconds"), (["error", "11/00"], "KEY/ASC/ASCQ"),
                       (["error", "medium-error/111/00"], "KEY/ASC/ASCQ"), (["error", "medium-error/gremlin"], "KEY/ASC/ASCQ"),
                       (["busy", "5"], "no value"), (["credits", "1"], "2 or more"), (["reject-login", "0x00020000"], "LOGIN_REJ"),
                       (["busy", "on=tmf"], "on: must be"), (["corrupt", "on=write"], "on: must be"), (["busy", "on=x"], "on: must be"),
                       (["busy", "lba=9-8"], "lba: must be"), (["busy", "initiator=0x12"], "initiator: must be"),
                       (["busy", "lun=256"], "0 to 255"), (["busy", "expires=0"], "expires_s: must be"),
                       (["busy", "expires=86401"], "expires_s: must be"), (["busy", "percent=101"], "percent: must be"),
                       (["busy", "count=x"], "number"), (["busy", "colour=red"], "none of device="), ([], "which?")):
        done = ctl(t, "fault", "add", *args, code=USAGE)
        lib.expect(says in done.err, f"{args}: {says!r} in {done.err!r}")
    ctl(t, "fault", "add", "busy", "device=nobody", code=NOT_FOUND)
    ctl(t, "fault", "add", "busy", "target=nobody", code=NOT_FOUND)
    ctl(t, "fault", "clear", "77", code=NOT_FOUND)
    lib.expect(faults(t) == {} and clear(t) == 0, "nothing was made")
    a = add(t, "error", "medium-error/unrecovered-read-error", "device=ram1", "lun=1", "lba=8-9", "on=read,0x2f", "target=t0",
            "initiator=" + port_id(b"nobody01"), "count=3", "every=2", "percent=50", "seed=9", "expires=100")
    got = faults(t)[a]
    want = {"kind": "error", "value": "MEDIUM ERROR/11/00 UNRECOVERED READ ERROR", "device": "ram1", "lun": 1, "lba": "8-9",
            "initiator": port_id(b"nobody01"), "target": "t0", "on": "read,0x2f", "count": 3, "every": 2, "percent": 50, "seed": 9,
            "seen": 0, "hits": 0, "spent": False}
    lib.expect({k: got[k] for k in want} == want and 0 < got["expires_s"] <= 100, f"{want}, got {got}")
    table = ctl(t, "fault", "list").out
    lib.expect("every=2 percent=50 count=3" in table and "ram1" in table, f"the table, got {table}")
    lib.expect("1 cleared" in ctl(t, "fault", "clear", str(a)).out and not faults(t), "it is gone")
    f = int(ctl(t, "fault", "add", "busy").out.split()[1])
    lib.expect(0 < faults(t)[f]["expires_s"] <= 60, "none lives for ever by mistake")
    clear(t)


def statuses(t):
    """busy, task-set-full, error: how often, of what, whose."""
    a, b = Queue(t.port, b"status-1"), Queue(t.port, b"status-2")
    f = add(t, "busy", "device=ram0", "initiator=" + port_id(b"status-1"), "on=read", "count=2")
    lib.expect([a.status(a.read(1)) for _ in range(3)] == [BUSY, BUSY, GOOD], "two READs are hit")
    lib.expect(b.status(b.read(1)) == GOOD, "nobody else is")
    lib.expect((faults(t)[f]["hits"], faults(t)[f]["spent"]) == (2, True), f"so it is listed, got {faults(t)}")
    t.wait_log(f"status|fault {f} \\(busy\\) hits for the first time")
    t.wait_log(f"fault {f} \\(busy\\): has hit 2 times")
    clear(t)
    f = add(t, "task-set-full", "every=3", "on=other,write", "lun=0")
    lib.expect([a.status(a.tur()) for _ in range(6)] == [GOOD, GOOD, TASK_SET_FULL] * 2, "each third is hit")
    lib.expect(a.status(a.read(1)) == GOOD, "a READ is none of those")
    lib.expect(a.command(bytes(6), lun=1)["status"] == GOOD, "nor what is for another LUN")
    lib.expect((faults(t)[f]["seen"], faults(t)[f]["hits"]) == (6, 2), f"so it is listed, got {faults(t)}")
    clear(t)
    add(t, "error", "MEDIUM ERROR/11/00", "lba=100-107", "on=read")
    for lba, n, bad in ((90, 10, None), (90, 11, 100), (104, 1, 104), (108, 1, None)):
        r = a.answer(a.read(lba, n))
        lib.expect((r["status"] == GOOD) if bad is None else lib.sense(r) == (3, 0x11, 0), f"READ of {n} at {lba}, got {r}")
        if bad is not None:
            lib.expect(r["sense"][0] & 0x80 and int.from_bytes(r["sense"][3:7], "big") == bad, f"the bad block, got {r}")
    lib.expect(a.status(a.write(100, bytes(512))) == GOOD, "a WRITE there")
    clear(t)
    before = a.answer(a.read(100))["data"]
    add(t, "error", "hardware-error/44/00", "on=0x2a")
    r = a.answer(a.write(100, b"\xdd" * 512))
    lib.expect(lib.sense(r) == (4, 0x44, 0), f"the sense data asked for, got {r}")
    lib.expect(a.answer(a.read(100))["data"] == before, "a WRITE that failed has written nothing")
    lib.expect(clear(t) == 1 and a.status(a.write(100, b"\xdd" * 512)) == GOOD, "it is over")
    a.close()
    b.close()
    t.wait_channels(0)


def delay(t):
    """Answers come late, those of others do not; a WRITE that was aborted meanwhile writes nothing."""
    a, b = Queue(t.port, b"delayed1"), Queue(t.port, b"delayed2")
    f = add(t, "delay", "1500", "initiator=" + port_id(b"delayed1"))
    start = time.monotonic()
    late = a.write(200, b"\xa1" * 512)
    wait_hits(t, f, 1)
    lib.expect(a.status(late) == GOOD and time.monotonic() >= start + 1.5, "1.5 s later, no sooner")
    lib.expect(b.answer(b.read(200))["data"] == b"\xa1" * 512, "then it is written")
    clear(t)
    f = add(t, "delay", "600000", "initiator=" + port_id(b"delayed1"))
    before = b.answer(b.read(201))["data"]
    tags = [a.write(201 + i, b"\xa2" * 512) for i in range(4)] + [a.read(200), a.tur()]
    wait_hits(t, f, 6)
    lib.expect(b.answer(b.read(201))["data"] == before, "the other one is not delayed, and nothing is written")
    lib.expect(a.tmf(ABORT_TASK, tags[0]) == 0, "ABORT TASK of one that is delayed")
    lib.expect(b.tmf(LUN_RESET) == 0, "LUN RESET by another initiator")
    lib.expect(clear(t) == 1, "the fault is over, but what it delayed stays so")
    lib.expect(a.ready()["status"] == GOOD and b.ready()["status"] == GOOD, "both go on")
    lib.expect(not any(tag in a.answers for tag in tags), "those that were aborted are not answered")
    for i in range(4):
        lib.expect(b.answer(b.read(201 + i))["data"] != b"\xa2" * 512, "nor written")
    # an ORDERED command behind one that is delayed waits for it
    add(t, "delay", "700", "on=write", "count=1")
    first, second = a.write(300, b"\x01" * 512), a.write(300, b"\x02" * 512, attr=2)
    lib.expect(a.status(second) == GOOD and first in a.answers, "in the order they were sent")
    lib.expect(b.answer(b.read(300))["data"] == b"\x02" * 512, "the later one has the last word")
    a.close()
    b.close()
    t.wait_channels(0)
    clear(t)


def black_hole(t):
    """What falls in is not answered until it is aborted or its session ends."""
    a, b = Queue(t.port, b"hole-001"), Queue(t.port, b"hole-002")
    f = add(t, "black-hole", "initiator=" + port_id(b"hole-001"), "count=3", "device=ram0")
    write, read, tur = a.write(400, b"\xb1" * 512), a.read(400), a.tur()
    wait_hits(t, f, 3)
    lib.expect(a.status(a.tur()) == GOOD, "it was to swallow three")
    lib.expect(b.status(b.write(400, b"\xb2" * 512)) == GOOD, "others work")
    # One that needs the whole medium, or its order, is not held up by what was lost.
    lib.expect(b.status(b.write(401, b"\xb3" * 512, attr=2)) == GOOD, "ORDERED")
    lib.expect(sum(s["in_flight"] for s in t.sessions()) == 3, f"three in flight, got {t.sessions()}")
    lib.expect(a.tmf(ABORT_TASK, read) == 0, "ABORT TASK of one")
    lib.expect(a.status(a.tur()) == GOOD and clear(t) == 1, "it goes on")
    lib.expect(a.tmf(LUN_RESET) == 0, "LUN RESET ends the others")
    lib.expect(a.ready()["status"] == GOOD and not a.answers, "and nothing answers them")
    lib.expect(sum(s["in_flight"] for s in t.sessions()) == 0, f"none in flight, got {t.sessions()}")
    lib.expect(a.answer(a.read(400))["data"] == b"\xb2" * 512, f"what was aborted is not written ({write} {tur})")
    # with TAS the one who is aborted by another is told
    b.ready()
    a.mode(b5=0x40)
    b.ready()
    f = add(t, "black-hole", "on=read", "initiator=" + port_id(b"hole-001"))
    read = a.read(400)
    wait_hits(t, f, 1)
    lib.expect(b.tmf(LUN_RESET) == 0 and a.status(read) == TASK_ABORTED, "TASK ABORTED")
    a.ready()
    a.mode()
    b.ready()
    # its session ends, and the next one does not wait for it
    for _ in range(8):
        a.read(400)
    wait_hits(t, f, 9)
    a.close()
    a = Queue(t.port, b"hole-001")
    lib.expect(a.status(a.write(400, bytes(512))) == GOOD and clear(t) == 1, "a new session")
    # ... nor one of the same nexus that replaces it while it lives
    f = add(t, "black-hole", "on=read", "initiator=" + port_id(b"hole-001"))
    a.read(400)
    wait_hits(t, f, 1)
    again = Queue(t.port, b"hole-001", flags=0x80)
    lib.expect(again.status(again.tur()) == GOOD and a.closed(), "the old one was replaced")
    clear(t)
    again.close()
    b.close()
    t.wait_channels(0)


def functions(t):
    """Task management that is lost, late, or the last of its connection."""
    a = Queue(t.port, b"function")
    f = add(t, "black-hole", "on=tmf", "count=1", "device=ram0")
    a.tag += 1
    a.send(lib.tsk_mgmt(a.tag, LUN_RESET, 0))
    wait_hits(t, f, 1)
    lib.expect(lib.quiet(a, 0.3), "no answer")
    lib.expect(a.status(a.tur()) == GOOD, "commands go on, nothing was reset")
    lib.expect(a.tmf(LUN_RESET) == 0, "the next function is carried out")
    a.close()
    t.wait_channels(0)
    a = Queue(t.port, b"function")
    add(t, "delay", "700", "on=tmf", "count=1")
    start = time.monotonic()
    lib.expect(a.tmf(ABORT_TASK, 5) == 0 and time.monotonic() >= start + 0.7, "late, and done")
    f = add(t, "delay", "600000", "on=tmf")
    a.tag += 1
    a.send(lib.tsk_mgmt(a.tag, LUN_RESET, 0))
    wait_hits(t, f, 1)
    a.close()
    t.wait_channels(0)
    clear(t)
    for on in ("tmf", "read"):
        a = Queue(t.port, b"function")
        f = add(t, "drop", "on=" + on, "count=1")
        a.read(1)
        if on == "tmf":
            a.send(lib.tsk_mgmt(99, LUN_RESET, 0))
        lib.expect(a.closed(), f"the connection ends at the {on}")
        lib.expect(faults(t)[f]["hits"] == 1, f"one hit, got {faults(t)}")
        t.wait_channels(0)
    a = Queue(t.port, b"function")
    lib.expect(a.status(a.read(1)) == GOOD, "and the next session is well")
    a.close()
    t.wait_channels(0)
    clear(t)


def corrupt(t):
    """One byte of each block, the same each time; the medium has what was written."""
    a, b = Queue(t.port, b"corrupt1"), Queue(t.port, b"corrupt2")
    data = bytes(range(256)) * 2 * 40
    lib.expect(a.status(a.write(500, data, imm=False)) == GOOD, "a WRITE")
    add(t, "corrupt", "initiator=" + port_id(b"corrupt1"), "seed=5")
    seen = [a.answer(a.read(500, 40))["data"] for _ in range(2)]
    wrong = [i for i in range(len(data)) if seen[0][i] != data[i]]
    lib.expect(sorted(i // 512 for i in wrong) == list(range(40)), f"one byte of each block, got {wrong}")
    lib.expect(seen[0] == seen[1], "the same ones again")
    lib.expect(a.answer(a.read(503, 2))["data"] == seen[0][3 * 512:5 * 512], "also in another READ")
    lib.expect(b.answer(b.read(500, 40))["data"] == data, "the other one sees what is there")
    clear(t)
    lib.expect(a.answer(a.read(500, 40))["data"] == data, "and so does this one in the end")
    a.close()
    b.close()
    t.wait_channels(0)


def logins(t):
    f = add(t, "reject-login", "0x00010001", "initiator=" + port_id(b"rejected"), "target=t0", "count=1")
    raw = lib.Raw(t.port, lib.login_req(initiator=bytes(8) + b"rejected", imm=68, flags=0x81))
    lib.expect(raw.rsp is None and raw.rej and raw.rej[4:8] == bytes.fromhex("00010001"), f"LOGIN_REJ, got {raw.rej!r}")
    raw.close()
    lib.expect(faults(t)[f]["hits"] == 1, "it is counted")
    lib.Peer(t.port, b"rejected").close()
    t.wait_channels(0)
    clear(t)


def credits_(t):
    a = Queue(t.port, b"starving")
    add(t, "credits", "2", "initiator=" + port_id(b"starving"))
    lib.until(lambda: [s["limit"] for s in t.sessions()] == [2] or a.ready() is None, "the limit shrinks")
    clear(t)
    lib.until(lambda: [s["limit"] for s in t.sessions()] == [129] or a.ready() is None, "and grows again when that is over")
    a.close()
    t.wait_channels(0)


def forbidden(t):
    """The configuration may say that there are none."""
    add(t, "busy", "on=read")
    for option in ("faults 0\n", ""):
        t.write_conf(DEVICES, LUNS, lib.ANY, "workers 2\n" + option)
        since = len(t.text())
        t.proc.send_signal(signal.SIGHUP)
        t.wait_log("reload: done, 1 changes", since=since)
        lib.expect("needs a restart" not in t.text()[since:], "at once")
        lib.until(lambda: not faults(t), "those there were are gone")
        if option:
            lib.expect("faults 0" in ctl(t, "fault", "add", "busy", code=NOT_PERMITTED).err, "it says why")
    add(t, "busy")
    clear(t)


def ends(t):
    """Faults expire; a device goes with those that it keeps; a target stops although there are some."""
    a = Queue(t.port, b"expires1")
    f = add(t, "busy", "on=read", "expires=5")
    lib.expect(a.status(a.read(1)) == BUSY, "it hits")
    lib.until(lambda: f not in faults(t), "it expires")
    t.wait_log(f"fault {f} \\(busy\\): expired; it has hit 1 times")
    lib.expect(a.status(a.read(1)) == GOOD, "and is over")
    f = add(t, "black-hole", "device=ram1", "count=2")
    g = add(t, "delay", "600000", "device=ram1")
    tags = [a.issue(bytes(6), lun=1) for _ in range(4)]
    wait_hits(t, f, 2)
    wait_hits(t, g, 2)
    t.write_conf(lib.ram("ram0", 16), "\t\tLUN 0 ram0\n", lib.ANY, "workers 2\n")
    t.proc.send_signal(signal.SIGHUP)
    for tag in tags:
        lib.expect(lib.sense(a.answer(tag)) == (5, 0x25, 0), "LOGICAL UNIT NOT SUPPORTED")
    t.wait_log("device ram1: closed")
    lib.expect(faults(t) == {}, f"its faults went with it, got {faults(t)}")
    f = add(t, "black-hole", "count=2", "on=read,write,other,tmf")
    g = add(t, "delay", "600000", "on=read,write,other,tmf")
    a.read(1)
    a.send(lib.tsk_mgmt(9999, LUN_RESET, 0))
    wait_hits(t, f, 2)
    a.write(1, bytes(512))
    a.send(lib.tsk_mgmt(9998, LUN_RESET, 0))
    wait_hits(t, g, 2)
    # the target stops, with all of that


with lib.Target(DEVICES, LUNS, lib.ANY, "workers 2\n") as t:
    words(t)
    for test in (statuses, delay, black_hole, functions, corrupt, logins, credits_, forbidden, ends):
        test(t)
        print(test.__name__, flush=True)
print("ok: faults on demand")
