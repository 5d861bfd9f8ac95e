# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Target port groups: two targets and a port of another node; what is reported, what a standby port refuses, SET TARGET
PORT GROUPS with a program that succeeds, fails, hangs or asks srptctl itself, an aborted SET, an operator, a reload, and
kill -9."""
import json
import os
import pathlib
import signal
import struct
import tempfile
import threading
import time

import lib
from queue_peer import BUSY, CHECK, GOOD, Queue

ACTIVE, NONOPTIMIZED, STANDBY, UNAVAILABLE, LBA_DEPENDENT, OFFLINE = 0, 1, 2, 3, 4, 14
STATE_CHANGED = (6, 0x2A, 6)
IN_STANDBY = (2, 4, 0x0B)
SET_FAILED = (4, 0x67, 0x0A)
ABORT_TASK = 1
GROUPS = {"here": 10, "there": 20}
ID2 = "0002c90300a0dd02"
TARGET2 = bytes.fromhex(ID2 + lib.IOC_GUID)


def conf(t, dirs, there="standby", hook=True, numbers=(1, 2), limit=60, segments=""):
    """Two targets, t0 in group here and t1 in group there, with a port of another node beside it."""
    ids = ((lib.ID_EXT, numbers[0]), (ID2, numbers[1]))
    devices = "".join(f"HANDLER vdisk_fileio {{\n\tDEVICE d{i} {{\n\t\tfilename {dirs}/disk{i}\n\t\texpl_alua 1\n\t}}\n}}\n" for i in (0, 1))
    targets = "".join(f"""	TARGET t{i} {{
		listen 127.0.0.1:{t.port}
		id_ext {ext}
		ioc_guid {lib.IOC_GUID}
		rel_tgt_id {number}
		allow_any 1
		LUN 0 d0
		LUN 1 d1
		enabled 1
	}}
""" for i, (ext, number) in enumerate(ids))
    t.conf.write_text(f"""control_socket {t.ctl}
workers 2
state_dir {dirs}
{devices}TARGET_DRIVER iwarp {{
{targets}}}
DEVICE_GROUP dg {{
	DEVICE d0
	DEVICE d1
	{f"on_stpg {dirs}/hook" if hook else ""}
	on_stpg_timeout {limit}
	TARGET_GROUP here {{
		group_id {GROUPS["here"]}
		preferred 1
		TARGET t0
	}}
	TARGET_GROUP there {{
		group_id {GROUPS["there"]}
		state {there}
		{segments}
		TARGET t1
		TARGET other-node {{
			rel_tgt_id 77
		}}
	}}
}}
""")


def peer(t, second=False, name=b"alua-001"):
    return Queue(t.port, name, target=TARGET2 if second else lib.TARGET_ID)


def report(p, extended=False):
    """{group: (state, preferred, status, [ports])}"""
    r = p.command(struct.pack(">BB4xI2x", 0xA3, 0x2A if extended else 0x0A, 512), n_in=512)
    lib.expect(r["status"] == GOOD, f"REPORT TARGET PORT GROUPS, got {r}")
    data = r["data"]
    n = struct.unpack(">I", data[:4])[0] + 4
    lib.expect(n == 512 - r["in_res"], f"as long as it says, got {r}")
    at, found = 4, {}
    if extended:
        lib.expect(data[4] == 0x10, "the extended header says so")
        at = 8
    while at < n:
        state, supported, group, status, count = data[at], data[at + 1], *struct.unpack(">HxBxB", data[at + 2:at + 8])
        lib.expect(supported in (0xCF, 0xDF), f"all states, with segments LBA-dependent, too, got {supported:#x}")
        ports = [struct.unpack(">2xH", data[at + 8 + 4 * i:at + 12 + 4 * i])[0] for i in range(count)]
        found[group] = (state & 15, bool(state & 0x80), status, ports)
        at += 8 + 4 * count
    return found


def stpg(p, **wants):
    out = bytes(4) + b"".join(struct.pack(">BxH", s, GROUPS[g]) for g, s in wants.items())
    return p.issue(struct.pack(">BB4xI2x", 0xA4, 0x0A, len(out)), out)


def tur(p, lun=0):
    r = p.command(bytes(6), lun, retry=False)
    return GOOD if r["status"] == GOOD else lib.sense(r)


def quiet(p):
    for lun in (0, 1):
        lib.until(lambda: tur(p, lun) in (GOOD, IN_STANDBY), "no more news")


def ctl(t, *args, code=0):
    done = lib.tool("srptctl", "--socket", t.ctl, *args, check=False)
    lib.expect(done.returncode == code, f"srptctl {args}: exit {code}, got {done.returncode}: {done.out}{done.err}")
    return done


def state(t, group):
    groups = json.loads(ctl(t, "group", "list", "--json").out)["device_groups"][0]["target_groups"]
    return next(g["state"] for g in groups if g["name"] == group)


def hook(dirs, text):
    path = pathlib.Path(dirs) / "hook"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def began(dirs):
    lib.until(lambda: (pathlib.Path(dirs) / "began").exists(), "the program runs")


def reload(t, log="reload: done"):
    since = len(t.text())
    t.proc.send_signal(signal.SIGHUP)
    t.wait_log(log, since=since)
    t.wait_log("reload: done", since=since)


def killed(t):
    t.proc.send_signal(signal.SIGKILL)
    t.proc.wait()
    t.start()


def reported(t):
    a, b = peer(t), peer(t, True)
    want = {10: (ACTIVE, True, 0, [1]), 20: (STANDBY, False, 0, [2, 77])}
    for p in (a, b):
        lib.expect(report(p) == want and report(p, True) == want, f"the groups as configured, got {report(p)}")
    r = b.command(struct.pack(">BBBHx", 0x12, 0, 0, 96), n_in=96)
    lib.expect(r["data"][5] & 0x30 == 0x30, "implicit and explicit")
    page = b.command(struct.pack(">BBBHx", 0x12, 1, 0x83, 255), n_in=255)["data"]
    lib.expect(bytes([0x41, 0x94, 0, 4, 0, 0, 0, 2, 0x41, 0x95, 0, 4, 0, 0, 0, 20]) in page, f"number and group of port t1, got {page.hex()}")
    page = a.command(struct.pack(">BBBHx", 0x12, 1, 0x88, 255), n_in=255)["data"]
    lib.expect(struct.pack(">2xH8x", 77) in page, "the other node's port is one of the SCSI ports")
    lib.expect(a.read_blocks(0, 1)["status"] == GOOD, "an active port reads")
    r = b.read_blocks(0, 1)
    lib.expect(r["status"] == CHECK and lib.sense(r) == IN_STANDBY, f"a standby port does not, got {r}")
    r = b.command(struct.pack(">BB8xI2x", 0x9E, 0x10, 32), n_in=32)
    lib.expect(r["status"] == GOOD, f"but tells of the unit, got {r}")
    text = ctl(t, "group", "list").out
    lib.expect("there" in text and "standby" in text and "2 77" in text, f"srptctl shows it, got {text}")
    a.close()
    b.close()


def set_by_hook(t, dirs):
    """The program gets the wanted states; when it says yes, they are so, and whom it concerns hears of it."""
    out = pathlib.Path(dirs) / "told"
    hook(dirs, f'echo "$@" $SRPTD_DEVICE $SRPTD_TARGET $SRPTD_INITIATOR $SRPTD_SOCKET > {out}\nread x && exit 9\nexit 0\n')
    a, b = peer(t), peer(t, True, b"alua-002")
    quiet(a)
    quiet(b)
    r = b.answer(stpg(b, here=STANDBY, there=ACTIVE))
    lib.expect(r["status"] == GOOD, f"SET TARGET PORT GROUPS, got {r}")
    want = f"dg here=standby there=active d0 t1 0x{(bytes(8) + b'alua-002').hex()} {t.ctl}\n"
    lib.expect(out.read_text() == want, f"what the program is told: {want!r}, got {out.read_text()!r}")
    lib.expect(tur(b) == GOOD, "who asked is not told")
    lib.expect(tur(b, 1) == STATE_CHANGED, "but of the other unit, at which it did not ask")
    lib.expect(tur(a) == STATE_CHANGED and tur(a) == IN_STANDBY, "others are, then refused")
    lib.expect(report(a) == {10: (STANDBY, True, 1, [1]), 20: (ACTIVE, False, 1, [2, 77])}, f"as it is reported, got {report(a)}")
    lib.expect(b.read_blocks(0, 1)["status"] == GOOD, "the other port reads now")
    os.unlink(out)
    lib.expect(b.status(stpg(b, there=ACTIVE)) == GOOD and not out.exists(), "what is so needs no program")
    a.close()
    b.close()


def hook_fails(t, dirs):
    conf(t, dirs, limit=3)
    reload(t, "reload: device group dg: another on_stpg_timeout")
    a, b = peer(t, True), peer(t, True, b"alua-002")
    for text, log in (("exit 3\n", "ended with status 3"), ("kill -9 $$\n", "ended by signal 9"), ("sleep 60 & sleep 60\n", "has not finished within 3 s")):
        hook(dirs, text)
        since, begin = len(t.text()), time.monotonic()
        tag = stpg(a, there=NONOPTIMIZED)
        if "sleep" in text:
            time.sleep(0.3)
            lib.expect(a.read_blocks(0, 1)["status"] == GOOD, "meanwhile nothing has changed")
            lib.expect(b.status(stpg(b, there=UNAVAILABLE)) == BUSY, "and nobody else may set states")
        r = a.answer(tag)
        lib.expect(r["status"] == CHECK and lib.sense(r) == SET_FAILED, f"{text!r}: the command fails, got {r}")
        lib.expect(time.monotonic() - begin < 10, "in time")
        t.wait_log(log, since=since)
    os.unlink(pathlib.Path(dirs) / "hook")
    r = a.answer(stpg(a, there=NONOPTIMIZED))
    lib.expect(lib.sense(r) == SET_FAILED, f"no program there, got {r}")
    lib.expect(state(t, "there") == "active", "nothing has changed")
    a.close()
    b.close()
    conf(t, dirs)
    reload(t, "reload: device group dg: another on_stpg_timeout")


def hook_asks_back(t, dirs):
    """It may set states by srptctl while it runs: others see them before the command has ended."""
    hook(dirs, f"""{lib.BUILD}/srptctl --socket $SRPTD_SOCKET group set $1 there transitioning || exit 5
: > {dirs}/began
while [ ! -e {dirs}/go ]; do sleep 0.05; done
""")
    a = peer(t, True)
    quiet(a)
    tag = stpg(a, there=NONOPTIMIZED)
    began(dirs)
    lib.expect(state(t, "there") == "transitioning", "as the program said")
    b = peer(t, True, b"alua-002")
    lib.expect(tur(b) == (2, 4, 0x0A), f"and so hosts are told, got {tur(b)}")
    (pathlib.Path(dirs) / "go").write_text("")
    lib.expect(a.status(tag) == GOOD and state(t, "there") == "nonoptimized", "then it is what was asked for")
    a.close()
    b.close()


def aborted(t, dirs):
    """What was begun comes to its end without the command, and who aborted it hears of it."""
    os.unlink(pathlib.Path(dirs) / "go")
    os.unlink(pathlib.Path(dirs) / "began")
    hook(dirs, f": > {dirs}/began\nwhile [ ! -e {dirs}/go ]; do sleep 0.05; done\n")
    a = peer(t, True)
    quiet(a)
    tag = stpg(a, there=ACTIVE)
    began(dirs)
    lib.expect(a.tmf(ABORT_TASK, tag) == 0, "ABORT TASK does not wait for the program")
    lib.expect(tag not in a.answers and tur(a) == GOOD, "the command has no answer")
    (pathlib.Path(dirs) / "go").write_text("")
    lib.until(lambda: state(t, "there") == "active", "the state comes nevertheless")
    lib.expect(tur(a) == STATE_CHANGED, "and is news")
    ctl(t, "group", "set", "dg", "there", "active")  # comes after it: until that is kept, another SET is told BUSY
    os.unlink(pathlib.Path(dirs) / "go")
    os.unlink(pathlib.Path(dirs) / "began")
    tag = stpg(a, there=NONOPTIMIZED)
    began(dirs)
    a.close()  # the same without a word
    b = peer(t, True, b"alua-002")
    (pathlib.Path(dirs) / "go").write_text("")
    lib.until(lambda: state(t, "there") == "nonoptimized", "nor does it need the initiator")
    b.close()


def operator(t, dirs):
    a, b = peer(t), peer(t, True)
    quiet(a)
    quiet(b)
    ctl(t, "group", "set", "dg", "there", "offline")
    lib.expect(tur(b) == STATE_CHANGED and tur(b) == (2, 4, 0x12), "offline")
    lib.expect(tur(a) in (GOOD, IN_STANDBY), "the other group hears nothing")
    ctl(t, "group", "set", "dg", "there", "optimised", code=2)
    ctl(t, "group", "set", "dg", "nowhere", "active", code=4)
    ctl(t, "group", "set", "nothing", "there", "active", code=4)
    ctl(t, "group", "set", "dg", code=2)
    ctl(t, "group", "set", "dg", "there", "active")
    ctl(t, "group", "set", "dg", "here", "nonoptimized")
    # a reload that changes nothing about states leaves them; one that does counts
    reload(t, "reload: done, 0 changes")
    lib.expect((state(t, "here"), state(t, "there")) == ("nonoptimized", "active"), "as the operator said")
    conf(t, dirs, there="unavailable", hook=False)
    quiet(b)
    reload(t, "reload: device group dg: another on_stpg")
    lib.expect((state(t, "here"), state(t, "there")) == ("nonoptimized", "unavailable"), "as the file says")
    lib.expect(tur(b) == STATE_CHANGED and tur(b) == (2, 4, 0x0C), "unavailable")
    lib.expect(b.status(stpg(b, there=ACTIVE)) == GOOD and tur(b) == GOOD, "without a program it is so at once, also from there")
    a.close()
    b.close()


def all_at_once(t):
    """Several groups in one step: nobody ever sees one of them changed and another not yet."""
    ctl(t, "group", "set", "dg", "here=standby", "there=active")
    lib.expect(ctl(t, "group", "get", "dg").out == "here=standby\nthere=active\n", "group get says it as group set takes it")
    a, stop, seen = peer(t), threading.Event(), set()
    quiet(a)

    def swap():
        for i in range(40):
            ctl(t, "group", "set", "dg", *(("here=active", "there=standby"), ("here=standby", "there=active"))[i % 2])
        stop.set()
    th = threading.Thread(target=swap)
    th.start()
    while not stop.is_set():
        r = report(a)
        seen.add((r[10][0], r[20][0]))
    th.join()
    lib.expect(seen == {(ACTIVE, STANDBY), (STANDBY, ACTIVE)}, f"one or the other, got {seen}")
    ctl(t, "group", "set", "dg", "here=active", "nowhere=standby", code=4)
    ctl(t, "group", "set", "dg", "here=active", "there=bad", code=2)
    ctl(t, "group", "set", "dg", "here=active", "there", code=2)
    ctl(t, "group", "set", "dg", code=2)
    ctl(t, "group", "get", "nothing", code=4)
    ctl(t, "group", "get", code=2)
    lib.expect(state(t, "here") == "standby", "a list with an error changes nothing")
    a.close()


def begun_with(t):
    """Who starts it says what the states are; what was kept counts no more, neither now nor later."""
    ctl(t, "group", "set", "dg", "here=active", "there=active")
    t.args = ["--access-state", "dg/here=unavailable", "--access-state", "dg/there=nonoptimized"]
    killed(t)
    a = peer(t)
    lib.expect((report(a)[10][0], report(a)[20][0]) == (UNAVAILABLE, NONOPTIMIZED), f"as on the command line, got {report(a)}")
    a.close()
    t.args = []
    ctl(t, "group", "set", "dg", "there=standby")  # kept in order, so what came before is kept as well
    killed(t)
    lib.expect((state(t, "here"), state(t, "there")) == ("unavailable", "standby"), "kept like any other change")
    for bad in ("dg/here", "dg/here=bad", "/here=active", "here=active"):
        done = lib.tool("srptd", "-c", t.conf, "--access-state", bad, check=False)
        lib.expect(done.returncode == 2 and "--access-state" in done.err, f"{bad}: exit 2, got {done.returncode} {done.err}")
    done = lib.tool("srptd", "-c", t.conf, "--control-socket", f"{t.ctl}2", "--access-state", "dg/nowhere=active", check=False)
    lib.expect(done.returncode == 1 and "no such group" in done.err, f"exit 1, got {done.returncode} {done.err}")
    done = lib.tool("srptd", "-c", t.conf, "--control-socket", f"{t.ctl}2", "--access-state", "dg/here=lba_dependent", check=False)
    lib.expect(done.returncode == 1 and "has a SEGMENT" in done.err, f"exit 1, got {done.returncode} {done.err}")


def upgraded(t, dirs):
    """Another program takes over: the states are what they were, also when no file keeps them and whatever the command line
    said once."""
    whole = t.conf.read_text()
    t.stop()
    conf(t, dirs, hook=False)
    t.conf.write_text("".join(line for line in t.conf.read_text().splitlines(True) if not line.startswith("state_dir")))
    t.args = ["--access-state", "dg/here=standby"]
    t.start()
    lib.expect((state(t, "here"), state(t, "there")) == ("standby", "standby"), "as on the command line, and in the file")
    ctl(t, "group", "set", "dg", "here=active", "there=unavailable")
    ctl(t, "--timeout", "30", "upgrade")
    lib.expect((state(t, "here"), state(t, "there")) == ("active", "unavailable"), "as they were")
    # edited meanwhile: the file means it
    t.conf.write_text(t.conf.read_text().replace("state standby", "state nonoptimized"))
    ctl(t, "--timeout", "30", "upgrade")
    lib.expect((state(t, "here"), state(t, "there")) == ("active", "nonoptimized"), "as they were, and as the file says")
    t.stop()
    t.args = []
    t.conf.write_text(whole)
    t.start()
    ctl(t, "group", "set", "dg", "here=active", "there=active")


def reload_asked(t, dirs):
    """srptctl reload waits for the end, and tells how it went."""
    whole = t.conf.read_text()
    lib.expect(ctl(t, "reload").out == "0 changes\n", "nothing to do")
    t.conf.write_text(whole + "\nbogus 1\n")
    done = ctl(t, "reload", code=1)
    lib.expect("bogus" in done.err and "stays" in done.err, f"the error is told, got {done.err}")
    t.conf.write_text(whole.replace("workers 2", "workers 1"))
    lib.expect(ctl(t, "reload").out == "1 changes, 1 wait for the next start\n", "that has to wait")
    t.conf.write_text(whole + f"HANDLER vdisk_fileio {{\n DEVICE none {{\n filename {dirs}/none\n }}\n}}\n")
    done = ctl(t, "reload", code=1)
    lib.expect("could not be made" in done.err, f"what is missing is told, got {done.err}")
    pathlib.Path(dirs, "none").write_bytes(bytes(1 << 20))
    lib.expect(json.loads(ctl(t, "reload", "--json").out) == {"changes": 0, "waiting": 0, "failed": 0}, "it is there at the next try")
    t.conf.write_text(whole)
    ctl(t, "reload")
def by_block(t, dirs):
    """Group there reaches the first 100 blocks, and others only for who asks what is where."""
    conf(t, dirs, there="active", hook=False, segments="SEGMENT 0 active; SEGMENT 100 standby")
    reload(t, "reload: device group dg: another state")
    ctl(t, "group", "set", "dg", "here", "active")
    a, b = peer(t), peer(t, True)
    quiet(a)
    quiet(b)
    lib.expect(b.read_blocks(100, 1)["status"] == GOOD, "while it is active, all is active")
    ctl(t, "group", "set", "dg", "there", "lba_dependent")
    lib.expect(tur(b) == STATE_CHANGED and tur(b) == GOOD, "the unit is ready")
    lib.expect(report(a)[20][0] == LBA_DEPENDENT, "and reported so")
    lib.expect(b.read_blocks(99, 1)["status"] == GOOD and a.read_blocks(100, 1)["status"] == GOOD, "what each has")
    for lba, n in ((99, 2), (100, 1), (4096, 8)):
        r = b.read_blocks(lba, n)
        lib.expect(r["status"] == CHECK and lib.sense(r) == IN_STANDBY, f"{n} blocks at {lba} are standby, got {r}")
    r = b.command(struct.pack(">BBQIxx", 0x9E, 0x13, 0, 255), n_in=255)
    want = (struct.pack(">2xH3xBQQBxHBxH", 56, 2, 0, 99, ACTIVE, 10, ACTIVE, 20)
            + struct.pack(">3xBQQBxHBxH", 2, 100, (4 << 20) // 512 - 1, ACTIVE, 10, STANDBY, 20))
    lib.expect(r["status"] == GOOD and r["data"][:len(want)] == want, f"REPORT REFERRALS, got {r}")
    killed(t)
    b.close()
    b = peer(t, True)
    lib.expect(state(t, "there") == "lba_dependent" and b.read_blocks(100, 1)["status"] == CHECK, "after a kill as well")
    conf(t, dirs, there="active", hook=False)
    reload(t, "reload: device group dg: another SEGMENT")
    lib.expect(state(t, "there") == "active", "without segments it is what the file says")
    ctl(t, "group", "set", "dg", "there", "lba_dependent", code=2)
    a.close()
    b.close()


def kept(t, dirs):
    a = peer(t)
    lib.expect(a.status(stpg(a, here=UNAVAILABLE, there=NONOPTIMIZED)) == GOOD, "SET")
    killed(t)
    a, b = peer(t), peer(t, True)
    lib.expect(report(a)[10][:3] == (UNAVAILABLE, True, 1) and report(a)[20][:3] == (NONOPTIMIZED, False, 1), f"after a kill, got {report(a)}")
    lib.expect(tur(a) == (2, 4, 0x0C) and tur(b) == GOOD, "and they count")
    ctl(t, "group", "set", "dg", "here", "active")
    killed(t)
    lib.expect((state(t, "here"), state(t, "there")) == ("active", "nonoptimized"), "what an operator set, too")
    # edited while it was down: the file counts, also when the old text comes back
    t.proc.send_signal(signal.SIGKILL)
    t.proc.wait()
    conf(t, dirs, there="standby", hook=False)
    t.start()
    lib.expect((state(t, "here"), state(t, "there")) == ("active", "standby"), "as the file says now")
    time.sleep(0.3)
    t.proc.send_signal(signal.SIGKILL)
    t.proc.wait()
    conf(t, dirs, there="unavailable", hook=False)
    t.start()
    lib.expect((state(t, "here"), state(t, "there")) == ("active", "unavailable"), "and now")


def nobody_keeps(t, dirs):
    """What no device can keep is in effect, and whoever ordered it is told; what devices kept before does not come back."""
    files = [pathlib.Path(dirs) / f"d{i}.state" for i in (0, 1)]
    ctl(t, "group", "set", "dg", "here", "unavailable")
    whole = t.conf.read_text()
    t.conf.write_text(whole.replace("\tDEVICE d0\n\tDEVICE d1\n", ""))
    reload(t, "reload: device group dg: another DEVICE")
    before = [f.read_bytes() for f in files]
    done = ctl(t, "group", "set", "dg", "here", "nonoptimized", code=1)
    lib.expect("not saved" in done.err and state(t, "here") == "nonoptimized", f"in effect, and told, got {done.err}")
    t.conf.write_text(whole)
    reload(t, "reload: device group dg: another DEVICE")
    lib.expect(state(t, "here") == "nonoptimized", "devices that come bring nothing")
    lib.until(lambda: all(f.read_bytes() != b for f, b in zip(files, before)), "they keep what is so now")
    killed(t)
    lib.expect(state(t, "here") == "nonoptimized", f"and in the next process, got {state(t, 'here')}")
    ctl(t, "group", "set", "dg", "here", "active")


def numbered_anew(t, dirs):
    """Another rel_tgt_id is another port: sessions of it end, and the groups have it."""
    conf(t, dirs, there="active", hook=False, numbers=(1, 300))
    reload(t)
    b = peer(t, True)
    lib.expect(report(b)[20] == (ACTIVE, False, 2, [300, 77]), f"the new number, got {report(b)}")
    lib.expect(b.read_blocks(0, 1)["status"] == GOOD, "and it reads")
    # without the groups there is nothing of all that
    t.conf.write_text(t.conf.read_text().split("DEVICE_GROUP")[0])
    reload(t, "reload: device group dg: remove")
    lib.expect(tur(b) == (6, 0x3F, 3), "INQUIRY data have changed")
    r = b.command(struct.pack(">BBBHx", 0x12, 0, 0, 96), n_in=96)
    lib.expect(r["data"][5] & 0x30 == 0, "no groups")
    r = b.command(struct.pack(">BB4xI2x", 0xA3, 0x0A, 512), n_in=512)
    lib.expect(lib.sense(r) == (5, 0x24, 0), f"and no report, got {r}")
    b.close()


def stopped_meanwhile(t, dirs):
    """An end does not wait for a program."""
    conf(t, dirs, there="active")
    hook(dirs, f": > {dirs}/began\nsleep 60\n")
    reload(t, "reload: device group dg: add")
    pathlib.Path(dirs, "began").unlink(missing_ok=True)
    a = peer(t)
    stpg(a, here=STANDBY)
    began(dirs)
    a.close()
    begin = time.monotonic()
    t.stop()
    lib.expect(time.monotonic() - begin < 1.9, "srptd ended at once")


with tempfile.TemporaryDirectory() as tmp:
    for n in (0, 1):
        (pathlib.Path(tmp) / f"disk{n}").write_bytes(bytes(4 << 20))
    with lib.Target(start=False) as t:
        conf(t, tmp)
        t.start()
        reported(t)
        set_by_hook(t, tmp)
        hook_fails(t, tmp)
        hook_asks_back(t, tmp)
        aborted(t, tmp)
        operator(t, tmp)
        all_at_once(t)
        begun_with(t)
        upgraded(t, tmp)
        reload_asked(t, tmp)
        by_block(t, tmp)
        kept(t, tmp)
        nobody_keeps(t, tmp)
        numbered_anew(t, tmp)
        stopped_meanwhile(t, tmp)
print("ok: access states are reported, refused, set, kept and told")
