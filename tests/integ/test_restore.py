# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Persistent reservations dumped and restored: the same again, on another daemon too; kept before it is answered; who loses
something hears of it; what no dump says is refused and changes nothing."""
import json
import pathlib
import signal
import struct
import tempfile

import lib
from queue_peer import CONFLICT, GOOD, Queue

USAGE, FOUND_NOT, BUSY, NOT_PERMITTED = 2, 4, 6, 7  # exit codes of srptctl


def pr_out(p, action, kind=0, key=0, new=0, flags=0):
    return p.status(p.issue(struct.pack(">BBBHIB", 0x5F, action, kind, 0, 24, 0), struct.pack(">QQ4xB3x", key, new, flags)))


def ctl(t, *args, code=0):
    done = lib.tool("srptctl", "--socket", t.ctl, "device", "reservations", *args, check=False)
    lib.expect(done.returncode == code, f"srptctl {args}: exit {code}, got {done.returncode}: {done.out}{done.err}")
    return done.out + done.err


def dump(t, name="d0"):
    return json.loads(ctl(t, name, "--json"))


def restore(t, what, name="d0", code=0):
    path = t.dir / "dump.json"
    path.write_text(what if isinstance(what, str) else json.dumps(what))
    return ctl(t, name, "--restore", str(path), code=code)


def attention(p):
    """What the peer hears next, None: nothing."""
    r = p.answer(p.tur())
    return None if r["status"] == GOOD else lib.sense(r)


def same_again(t):
    """Two registrations and a reservation, dumped, cleared, restored: as it was, and kept."""
    a, b = Queue(t.port, b"restore1"), Queue(t.port, b"restore2")
    lib.expect(pr_out(a, 0, new=0xA, flags=1) == GOOD and pr_out(b, 0, new=0xB, flags=1) == GOOD, "REGISTER")
    lib.expect(pr_out(a, 1, 1, 0xA) == GOOD, "RESERVE")
    first = dump(t)
    lib.expect(first["type"] == "write exclusive" and len(first["registrations"]) == 2 and first["aptpl"], f"the dump, got {first}")
    text = ctl(t, "d0")
    lib.expect("write exclusive" in text and "0x000000000000000b" in text, f"for people, got {text}")
    lib.expect(pr_out(a, 3, 0, 0xA) == GOOD, "CLEAR")
    lib.expect(attention(b) == (6, 0x2A, 3), "RESERVATIONS PREEMPTED by CLEAR")
    lib.expect(b.status(b.write(5, bytes(512))) == GOOD, "nobody keeps it out")
    restore(t, first)
    lib.expect(dump(t) == first, f"it is the same, got {dump(t)}")
    lib.expect(attention(a) is None and attention(b) is None, "nobody has lost anything")
    lib.expect(b.status(b.write(5, bytes(512))) == CONFLICT, "one is kept out again")
    lib.expect(a.status(a.write(5, bytes(512))) == GOOD, "and one is not")
    t.proc.send_signal(signal.SIGKILL)
    t.proc.wait()
    t.start()
    lib.expect(dump(t) == first, f"it was kept, got {dump(t)}")
    restore(t, first)
    lib.expect(dump(t) == first, "to restore what is there changes nothing")
    return first


def who_loses(t, first):
    """The registration of one goes, and the reservation of the other."""
    a, b = Queue(t.port, b"restore1"), Queue(t.port, b"restore2")
    one = dict(first, registrations=[dict(r, holder=False) for r in first["registrations"] if r["key"].endswith("a")], type=None)
    restore(t, one)
    lib.expect(dump(t) == one, f"one registration is left, got {dump(t)}")
    lib.expect(attention(b) == (6, 0x2A, 5), "REGISTRATIONS PREEMPTED")
    lib.expect(attention(a) == (6, 0x2A, 3), "RESERVATIONS PREEMPTED")
    lib.expect(attention(a) is None and attention(b) is None, "and nothing else")
    restore(t, first)


def refused(t, first):
    """Files that are no dump: each is refused with a reason, and nothing has changed."""
    a, b = first["registrations"]
    cases = [
        ("", "no text"), ("[]", "an array"), ("{", "half a text"), ("{}", "nothing"), ('{"type": null, "type": null}', "a field twice"),
        (dict(first, generation=-1), "generation"), (dict(first, generation=1 << 32), "generation"), (dict(first, generation="1"), "generation"),
        (dict(first, type="write"), "type"), (dict(first, type=1), "type"), (dict(first, aptpl=1), "aptpl"), (dict(first, lost=True), "lost"),
        (dict(first, device=1), "device"), (dict(first, reserved_by=1), "reserved_by"), (dict(first, more=1), "more"),
        (dict(first, registrations={}), "registrations"), (dict(first, registrations=[1]), "registration"),
        (dict(first, registrations=[]), "no holder"), (dict(first, type=None), "holder without type"),
        (dict(first, registrations=[a, dict(b, holder=True)]), "two holders"), (dict(first, registrations=[dict(a, holder=False), b]), "no holder"),
        (dict(first, type="exclusive access, all registrants"), "all hold"), (dict(first, registrations=[a, a]), "twice"),
        (dict(first, registrations=[a] + [dict(b, initiator=f"0x{i:032x}") for i in range(128)]), "129"),
    ]
    for field, values in (("key", ("0x0000000000000000", "0x1", 1, "0x000000000000000G", "000000000000000000", "0x00000000000000010", None)),
                          ("initiator", ("0x1", "", None, "0x" + "0" * 33, "0x" + "0" * 31 + "x")),
                          ("port", (0, 65536, -1, "1", None, 1.5)), ("holder", (0, None, "true")), ("scope", (0,))):
        cases += [(dict(first, registrations=[dict(a, **{field: v}), b]), f"{field} {v}") for v in values]
    for what, why in cases:
        text = restore(t, what, code=USAGE)
        lib.expect(text.startswith("srptctl: ") and len(text) > 20, f"{why}: a reason, got {text}")
        lib.expect(dump(t) == first, f"{why}: nothing has changed")
    lib.expect("no DEVICE" in restore(t, first, name="d9", code=FOUND_NOT), "no such device")
    ctl(t, "d0", "--restore", "/nowhere/dump", code=USAGE)
    ctl(t, code=USAGE)
    done = lib.tool("srptctl", "--socket", t.ctl, "status", "--restore", "x", check=False)
    lib.expect(done.returncode == USAGE, "--restore of another command")


def by_reserve(t, first):
    """While an initiator has it by RESERVE there are no others."""
    empty = dict(first, registrations=[], type=None, aptpl=False)
    restore(t, empty)
    a = Queue(t.port, b"restore1")
    lib.expect(a.status(a.issue(b"\x16" + bytes(5))) == GOOD, "RESERVE")
    lib.expect("RELEASE" in restore(t, first, code=BUSY).upper(), "refused")
    lib.expect(dump(t)["registrations"] == [], "nothing is there")
    lib.expect(a.status(a.issue(b"\x17" + bytes(5))) == GOOD, "RELEASE")
    a.close()
    restore(t, first)


def many(t, first):
    """As many as there can be, and one generation before it wraps."""
    reg = dict(first["registrations"][0])
    full = dict(first, generation=0xFFFFFFFF, type="exclusive access, all registrants",
                registrations=[dict(reg, key=f"0x{i + 1:016x}", initiator=f"0x{i:032x}", port=1 + i % 3, holder=True) for i in range(128)])
    restore(t, full)
    lib.expect(dump(t) == full, "128 registrations")
    restore(t, first)


def lost(t, first, state):
    """A damaged state file: what an operator has kept makes it good."""
    t.proc.send_signal(signal.SIGKILL)
    t.proc.wait()
    bad = bytearray(state.read_bytes())
    bad[9] ^= 0x41
    state.write_bytes(bad)
    t.start()
    now = dump(t)
    lib.expect(now["lost"] and not now["registrations"], f"all is lost, got {now}")
    lib.expect("lost" in ctl(t, "d0"), "for people")
    restore(t, now, code=USAGE)
    restore(t, first)
    lib.expect(dump(t) == first, "it is there again")
    b = Queue(t.port, b"restore2")
    lib.expect(b.status(b.write(5, bytes(512))) == CONFLICT, "and counts")
    b.close()


with tempfile.TemporaryDirectory() as tmp:
    image = pathlib.Path(tmp) / "disk"
    image.write_bytes(bytes(4 << 20))
    with lib.Target(lib.file_dev("d0", image), "\t\tLUN 0 d0\n", lib.ANY, f"workers 2\nstate_dir {tmp}\n") as t:
        first = same_again(t)
        who_loses(t, first)
        refused(t, first)
        by_reserve(t, first)
        many(t, first)
        lost(t, first, pathlib.Path(tmp) / "d0.state")
        second = pathlib.Path(tmp) / "second"
        second.write_bytes(bytes(4 << 20))
        with lib.Target(lib.file_dev("d0", second), "\t\tLUN 0 d0\n", lib.ANY, "workers 2\n") as other:
            lib.expect("state_dir" in restore(other, first, code=NOT_PERMITTED), "there is no place to keep them")
            restore(other, dict(first, aptpl=False))
            lib.expect(dump(other) == dict(first, aptpl=False), "another daemon has them")
print("ok: reservations are dumped and restored")
