# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Every call of the login and close paths that can fail does so once, in the real daemon, beside a steady session.

A scenario is run a few times while the shim notes from where the functions below are called; then once more for
each of these places, for its first hits and for each errno, with that one call failing. Expected each time: the login
(or the end) goes as before, or it is refused or dropped with a log line; descriptors and channels are as before;
the steady session's verified I/O goes on; the next login works. At the end no memory has been lost."""
import errno
import json
import mmap
import os
import pathlib
import re
import socket
import struct
import subprocess
import tempfile
import time

import lib
from torture import Control, Target, flat, sanitizer_env

SHORT = -1
MEMORY = (errno.ENOMEM,)
ENTER = (errno.EAGAIN, errno.EBUSY, errno.EINTR)
# In the order of enum function in faultshim.c. The first errno is tried at every hit, the others at the first.
FUNCTIONS = (
    ("malloc", MEMORY), ("calloc", MEMORY), ("realloc", MEMORY), ("aligned_alloc", MEMORY), ("mmap", MEMORY),
    ("accept4", (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED, errno.EINTR)),
    ("setsockopt", (errno.ENOBUFS,)), ("shutdown", (errno.ENOTCONN,)),
    ("recv", (errno.ECONNRESET, errno.ENOMEM, errno.EINTR)),
    ("recvmsg", (errno.ECONNRESET, errno.ENOMEM, errno.ETIMEDOUT, errno.EINTR)),
    ("send", (errno.ENOBUFS, errno.ECONNRESET, errno.EPIPE, errno.EAGAIN, SHORT)),
    ("sendmsg", (errno.ENOBUFS, errno.ECONNRESET, errno.EPIPE, errno.EINTR, SHORT, errno.EAGAIN)),
    ("close", (errno.EIO, errno.EINTR)), ("epoll_create1", (errno.EMFILE,)), ("getrandom", (errno.EAGAIN,)),
    ("io_uring_submit", ENTER), ("io_uring_submit_and_get_events", ENTER),
    ("io_uring_submit_and_wait_timeout", ENTER + (errno.ETIME,)), ("io_uring_get_events", ENTER),
)
HITS = 3
MISSES = 3
RING_MISSES = 40  # whether a worker submits before it looks or before it sleeps depends on how busy it is
RECORDINGS = 4
PATIENCE_S = 8  # more than any deadline of the daemon but that of an initiator that takes nothing


# --- scenarios: each ends with no connection of its own; the ports it used go to @ports ---

def peer(t, ports, name, **kw):
    p = lib.Peer(t.port, name, **kw)
    p.s.settimeout(PATIENCE_S)
    ports.append(p.s.getsockname()[1])
    return p


def raw(t, ports, priv=None, **kw):
    r = lib.Raw(t.port, None)
    ports.append(r.s.getsockname()[1])
    if priv is None:
        return r
    r.s.settimeout(PATIENCE_S)
    r.s.sendall(lib.mpa_req(priv, **kw))
    head = r.exactly(20)
    r.body = r.exactly(struct.unpack(">H", head[18:])[0])
    r.refused = head[16] & 0x20
    return r


def gone(p):
    lib.expect(p.closed(PATIENCE_S), "the target ends the connection")
    p.close()


def reset(p):
    p.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    p.close()


def io_and_logout(t, ports):
    p = peer(t, ports, b"victim01")
    p.ready()
    data = os.urandom(4096)
    lib.expect(p.write_blocks(40000, data)["status"] == 0, "a good WRITE")
    r = p.read_blocks(40000, 8)
    lib.expect(r["status"] == 0 and r["data"] == data, "what was written")
    p.send(lib.answer_iu(3, bytes(8)))
    gone(p)


def fin_in_flight(t, ports):
    p = peer(t, ports, b"victim02")
    p.ready()
    p.send(lib.cmd_iu(77, struct.pack(">BBIBHB", 0x2A, 0, 50000, 0, 64, 0), out_fmt=1, descs=lib.descriptors((p.STAG, 0, 32768))))
    p.s.shutdown(socket.SHUT_WR)
    gone(p)


def reset_in_flight(t, ports):
    p = peer(t, ports, b"victim03")
    p.ready()
    p.send(lib.cmd_iu(77, struct.pack(">BBIBHB", 0x28, 0, 0, 0, 2048, 0), in_fmt=1, descs=lib.descriptors((p.STAG, 0, 1 << 20))))
    p.reply_started = p.s.recv(1)
    reset(p)


def evicted(t, ports):
    a = peer(t, ports, b"victim04")
    a.ready()
    b = peer(t, ports, b"victim04", flags=0x80)
    gone(a)
    b.ready()
    b.close()


def refused(t, ports):
    r = raw(t, ports, lib.login_req(target=bytes(15) + b"\1"))
    lib.expect(r.refused and r.body[4] == 0xC2, "a LOGIN_REJ")
    gone(r)


def markers(t, ports):
    r = raw(t, ports, lib.login_req(), flags=0x90)
    lib.expect(r.refused, "an MPA reject")
    gone(r)


def garbage(t, ports):
    r = raw(t, ports)
    r.s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    gone(r)


def violation(t, ports):
    p = peer(t, ports, b"victim05")
    p.ready()
    p.send(b"\x7f" + bytes(47))
    u = p.recv_send()
    lib.expect(u is not None and u[0] == 0x80, "a T_LOGOUT")
    gone(p)


def protocol_error(t, ports):
    p = peer(t, ports, b"victim06")
    p.ready()
    p.write(0x4711, 0, bytes(64))
    lib.expect(p.recv_send() is None, "a Terminate")
    gone(p)


def no_request(t, ports):
    r = raw(t, ports)
    r.s.sendall(lib.mpa_req(lib.login_req())[:33])
    gone(r)


def half_open(t, ports):
    r = raw(t, ports)
    r.s.sendall(lib.mpa_req(lib.login_req())[:33])
    time.sleep(0.002)
    r.close()


SCENARIOS = (io_and_logout, evicted, fin_in_flight, reset_in_flight, violation, protocol_error, refused, markers, garbage,
             half_open, no_request)


def attempt(t, scenario):
    """Run it; return what went wrong ("" when nothing did) and the ports it used."""
    ports = []
    try:
        scenario(t, ports)
    except (SystemExit, EOFError, OSError, struct.error) as e:
        return f"{type(e).__name__}: {e}", ports
    return "", ports


# --- the shim ---

class Shim:
    OFF, RECORD, INJECT = range(3)

    def __init__(self):
        fd, self.path = tempfile.mkstemp(prefix="srptd-shim-")
        os.ftruncate(fd, mmap.PAGESIZE * 16)
        self.ctl = Control.from_buffer(mmap.mmap(fd, mmap.PAGESIZE * 16))
        os.close(fd)

    def arm(self, mode, key=0, nth=0, fault=0):
        c = self.ctl
        c.key, c.nth, c.fault, c.fired, c.seen = key, nth, fault, 0, 0
        c.epoch += 1
        c.mode = mode

    def off(self):
        self.ctl.mode = self.OFF
        return bool(self.ctl.fired)

    def take_sites(self):
        """Places and hits noted since the last time."""
        sites = {s.key: s.hits for s in self.ctl.site if s.key}
        for s in self.ctl.site:
            s.key = s.hits = 0
        self.ctl.n_sites = 0
        return sites

    def name(self, key):
        """function@caller, as far as the symbol table tells."""
        module, offset = key >> 48 & 0xFF, key & 0xFFFFFFFFFFFF
        what = FUNCTIONS[key >> 56][0]
        if module >= self.ctl.n_modules:
            return f"{what}@?"
        path = self.ctl.module[module].name.decode() or str(lib.BUILD / "srptd")
        done = subprocess.run(["addr2line", "-f", "-e", path, hex(offset - 1)], capture_output=True, text=True, check=False)
        return f"{what}@{done.stdout.splitlines()[0] if done.returncode == 0 else pathlib.Path(path).name}+{offset:#x}"

    def close(self):
        os.unlink(self.path)


# --- one fault ---

class Bench:
    """The daemon under the shim with its steady session, and the books."""

    def __init__(self):
        self.shim = Shim()
        env = sanitizer_env()
        env["LD_PRELOAD"] = str(lib.BUILD / "tests" / "torture" / "faultshim.so")
        env["FAULTSHIM"] = self.shim.path
        env["ASAN_OPTIONS"] += ":verify_asan_link_order=0"
        self.t = Target("max_logins_per_second 0\nhandshake_ms 500\nworkers 2\n", env=env)
        self.steady = lib.Steady(self.t.port)
        time.sleep(0.2)
        lib.expect(self.shim.ctl.magic == 0x66617531, "the shim is in the daemon")
        self.fds = self.t.n_fds()
        self.rss = []
        self.injections = self.refused = 0
        self.reached = set()
        self.problems = []

    def channels(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(self.t.ctl))
            s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n')
            text = b""
            while not text.endswith(b"\n"):
                text += s.recv(65536)
        return json.loads(text)["result"]["channels_total"]

    def wait_channels(self, n):
        end = time.monotonic() + 8
        while self.channels() != n and time.monotonic() < end:
            time.sleep(0.01)
        return self.channels()

    def log_since(self, offset):
        with open(self.t.log_path, "rb") as f:
            f.seek(offset)
            return f.read().decode(errors="replace")

    def logged(self, offset, ports):
        """Whether a log line tells of one of @ports, or of a connection that was not even taken."""
        end = time.monotonic() + 0.5
        wanted = re.compile("cannot accept|" + "|".join(f"127\\.0\\.0\\.1:{p}\\b" for p in ports))
        while True:
            if wanted.search(self.log_since(offset)):
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.01)

    def record(self, scenario):
        """Places that @scenario goes through, with the most hits in one run; those of one run only are chance."""
        most, runs = {}, {}
        for _ in range(RECORDINGS):
            self.shim.arm(Shim.RECORD)
            wrong, _ = attempt(self.t, scenario)
            self.t.settle(self.fds)
            time.sleep(0.005)
            self.shim.off()
            lib.expect(not wrong, f"{scenario.__name__} works without faults: {wrong}")
            for key, hits in self.shim.take_sites().items():
                most[key] = max(most.get(key, 0), hits)
                runs[key] = runs.get(key, 0) + 1
        return {key: hits for key, hits in most.items() if runs[key] > 1}

    def once(self, scenario, key, nth, fault):
        """Return (fired, what is wrong)."""
        offset = self.t.log_path.stat().st_size
        self.shim.arm(Shim.INJECT, key, nth, fault)
        wrong, ports = attempt(self.t, scenario)
        fds = self.t.settle(self.fds)
        time.sleep(0.002)
        fired = self.shim.off()
        if self.t.proc.poll() is not None:
            return fired, f"the daemon ended with {self.t.proc.returncode}"
        if fds != self.fds:
            return fired, f"{fds} descriptors, {self.fds} before"
        n = self.wait_channels(1)
        if n != 1:
            return fired, f"{n - 1} channels are left"
        if self.steady.problem:
            return fired, f"the steady session is disturbed: {self.steady.problem}"
        if wrong and not fired:
            return fired, f"it went wrong although nothing failed: {wrong}"
        if wrong and not self.logged(offset, ports):
            return fired, f"no log line says why: {wrong}"
        self.refused += bool(wrong)
        wrong, _ = attempt(self.t, io_and_logout)
        if wrong:
            return fired, f"the next login fails: {wrong}"
        self.t.settle(self.fds)
        self.rss.append(self.t.rss_kib())
        return fired, ""

    def inject(self, scenario, key, nth, fault):
        """A fault, tried again when it was not reached, or when the log may have been thinned out."""
        missed = silent = 0
        patience = RING_MISSES if FUNCTIONS[key >> 56][0].startswith("io_uring") and nth == 1 else MISSES
        while True:
            fired, wrong = self.once(scenario, key, nth, fault)
            silent += wrong.startswith("no log line")
            missed += not fired and not wrong
            if wrong.startswith("no log line") and silent < 4:
                time.sleep(1.1)  # the log thins more than 20 lines a second of one kind
            elif fired or wrong or missed == patience:
                break
        what = f"{scenario.__name__}: {self.shim.name(key)} hit {nth}, {'short' if fault == SHORT else errno.errorcode[fault]}"
        self.injections += fired
        if wrong:
            self.problems.append(f"{what}: {wrong}")
        if fired:
            self.reached.add(key)
        return fired

    def stop(self):
        if self.t.proc.poll() is None:
            self.steady.stop()
            self.t.wait_channels(0)
            self.t.__exit__(None, None, None)
        self.shim.close()


def plan(sites, known, brief):
    """What to try at each place: its first hits with the first errno, and at new places all the others."""
    for key, hits in sorted(sites.items()):
        faults = FUNCTIONS[key >> 56][1]
        for nth in range(1, min(hits, 1 if brief else HITS) + 1):
            yield key, nth, faults[0]
        if key not in known and not brief:
            for fault in faults[1:]:
                yield key, 1, fault


def faults(tally, scenarios, brief=False, verbose=False):
    b = Bench()
    known = set()
    for scenario in scenarios:
        start, before, refused_before = time.monotonic(), b.injections, b.refused
        sites = b.record(scenario)
        problems = len(b.problems)
        todo = [x for x in plan(sites, known, brief) if not brief or x[0] not in known]
        hit = set()
        for key, nth, fault in todo:
            if b.inject(scenario, key, nth, fault):
                hit.add(key)
            if b.t.proc.poll() is not None:
                break
        known |= set(sites)
        if verbose:
            for key in sorted(sites):
                print(f"       {b.shim.name(key)}: {sites[key]} hits")
        tally.note(f"faults in {scenario.__name__}", len(b.problems) == problems and b.t.proc.poll() is None,
                   f"{b.injections - before} injections at {len(hit)} of {len(sites)} call sites, "
                   f"{b.refused - refused_before} refused or dropped, {time.monotonic() - start:.0f} s")
        for text in b.problems[problems:]:
            print(f"       {text}")
        if b.t.proc.poll() is not None:
            print(b.t.text()[-3000:])
            return
    missed = [b.shim.name(key) for key in known - b.reached]
    tally.note(f"faults: each of {len(known)} call sites had one", not missed, f"{b.injections} injections" + "".join(
        f"; not {name}" for name in missed))
    if len(b.rss) >= 10 and not lib.sanitizer():
        early, late, ok = flat(b.rss)
        tally.note("faults: RSS is flat", ok, f"first {b.rss[0]}, last {b.rss[-1]} KiB; median of the second fifth {early:.0f}, "
                   f"of the last {late:.0f} KiB")
    rounds = b.steady.rounds
    b.stop()
    tally.note("faults: the steady session went on and the daemon ended in order", True, f"{rounds} verified rounds")
