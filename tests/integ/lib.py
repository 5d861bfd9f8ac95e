# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What the integration tests share: a target process with a configuration of its own, the tools, and a
raw MPA peer for bad input."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

BUILD = pathlib.Path(os.environ["SRPTD_BUILD"])
ID_EXT = "0002c90300a0dd01"
IOC_GUID = "0002c90300a0dd00"
TARGET_ID = bytes.fromhex(ID_EXT + IOC_GUID)
# What a sanitizer or a failed check() leaves in a log.
REPORT = re.compile(r"^.*(ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|runtime error:|panic: ).*$", re.M)


def sanitizer():
    """Which sanitizer the build has: "" for none."""
    for option in json.loads((BUILD / "meson-info" / "intro-buildoptions.json").read_text()):
        if option["name"] == "b_sanitize":
            return "" if option["value"] in ("none", []) else str(option["value"])
    return ""


def skip(reason):
    print(reason)
    sys.exit(77)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(true, what, secs=20):
    """Wait until @true() is so; @what says in an error what did not come."""
    end = time.monotonic() + secs
    while not true():
        if time.monotonic() > end:
            sys.exit(f"not within {secs} s: {what}")
        time.sleep(0.02)


def tool(*args, check=True, timeout=120, stdin=None):
    """Run build/ARGS[0]; return the finished process. With @check a failure ends the test."""
    cmd = [str(BUILD / args[0]), *map(str, args[1:])]
    done = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, input=stdin, check=False)
    done.out = done.stdout.decode(errors="replace")
    done.err = done.stderr.decode(errors="replace")
    if REPORT.search(done.err):
        sys.exit(f"{' '.join(cmd)}: a sanitizer complains\n{done.err}")
    if check and done.returncode:
        sys.exit(f"{' '.join(cmd)}: exit {done.returncode}\n{done.out}\n{done.err}")
    return done


class Target:
    """A running srptd. Use as a context manager; leaving it stops the daemon and demands exit 0."""

    def __init__(self, devices="", luns="", target="", options="", args=(), demo=False, start=True):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="srptd-"))
        self.port = free_port()
        self.ctl = self.dir / "ctl"
        self.conf = self.dir / "srptd.conf"
        self.log_path = self.dir / "log"
        self.args = list(args)
        self.demo = demo
        self.proc = None
        if not demo:
            self.write_conf(devices, luns, target, options)
        if start:
            self.start()

    def write_conf(self, devices, luns, target="", options=""):
        self.conf.write_text(f"""control_socket {self.ctl}
{options}
{devices}
TARGET_DRIVER iwarp {{
	TARGET t0 {{
		listen 127.0.0.1:{self.port}
		id_ext {ID_EXT}
		ioc_guid {IOC_GUID}
		default_target 1
		enabled 1
{luns}
{target}
	}}
}}
""")

    def start(self):
        cmd = [str(BUILD / "srptd")]
        cmd += ["--demo", "--control-socket", str(self.ctl)] if self.demo else ["-c", str(self.conf)]
        since = len(self.text())
        self.log = open(self.log_path, "ab")
        self.proc = subprocess.Popen(cmd + self.args, stdout=self.log, stderr=self.log)
        port = 5555 if self.demo else self.port
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.proc.poll() is not None:
                sys.exit(f"srptd ended with {self.proc.returncode}:\n{self.text()}")
            if ", ready" in self.text()[since:]:
                break
            time.sleep(0.02)
        else:
            sys.exit(f"srptd did not become ready on port {port}:\n{self.text()}")
        self.port = port

    def start_again(self, secs=5):
        """Start behind one that was killed: the kernel takes its rings apart a little later, and with them sockets and locks."""
        end = time.monotonic() + secs
        while True:
            self.log_path.write_text("")
            try:
                self.start()
                return
            except SystemExit:
                expect(time.monotonic() < end, f"it can start again within {secs} s:\n{self.text()}")
                time.sleep(0.1)

    def text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, pattern, secs=10, since=0):
        """Wait for a log line that matches @pattern behind offset @since; return it."""
        end = time.monotonic() + secs
        while time.monotonic() < end:
            m = re.search(f"^.*(?:{pattern}).*$", self.text()[since:], re.M)
            if m:
                return m.group(0)
            time.sleep(0.02)
        sys.exit(f"no log line matches {pattern!r} within {secs} s:\n{self.text()[since:]}")

    def url(self, lun=None, ids=True):
        return f"srp://127.0.0.1:{self.port}" + (f"/{ID_EXT}:{IOC_GUID}" if ids else "") + ("" if lun is None else f"/{lun}")

    def status(self):
        return json.loads(tool("srptctl", "--socket", self.ctl, "status", "--json").out)

    def sessions(self):
        return json.loads(tool("srptctl", "--socket", self.ctl, "session", "list", "--json").out)["sessions"]

    def wait_channels(self, n, secs=15):
        end = time.monotonic() + secs
        while time.monotonic() < end:
            got = self.status()["channels_total"]
            if got == n:
                return
            time.sleep(0.05)
        sys.exit(f"the target still has {got} channels, wanted {n}\n{json.dumps(self.sessions(), indent=1)}\n{self.text()}")

    def rss_kib(self):
        for line in pathlib.Path(f"/proc/{self.proc.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def n_fds(self):
        return len(os.listdir(f"/proc/{self.proc.pid}/fd"))

    def stop(self, secs=30):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(secs)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
                sys.exit(f"srptd did not stop within {secs} s of SIGTERM:\n{self.text()}")
        return self.proc.returncode if self.proc else 0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            code = self.stop()
            text = self.text()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)
        if kind is None and code != 0:
            sys.exit(f"srptd ended with {code}:\n{text}")
        if kind is None and REPORT.search(text):
            sys.exit(f"a sanitizer complains in srptd's log:\n{text}")
        if kind is not None:
            print(text, file=sys.stderr)
        return False


def ram(name="ram0", mib=64, extra=""):
    return f"HANDLER vdisk_ram {{\n\tDEVICE {name} {{\n\t\tsize {mib}M\n{extra}\n\t}}\n}}\n"


def file_dev(name, path, extra=""):
    return f"HANDLER vdisk_fileio {{\n\tDEVICE {name} {{\n\t\tfilename {path}\n{extra}\n\t}}\n}}\n"


ANY = "\t\tallow_any 1\n"


def whole_target(where):
    """A target with all that a file can have: state that is kept, thin provisioning, a target port group. @where is an
    empty directory for it."""
    disk = pathlib.Path(where) / "disk"
    disk.touch()
    os.truncate(disk, 256 << 20)
    (pathlib.Path(where) / "state").mkdir()
    group = "\tTARGET_GROUP here {\n\t\tgroup_id 7\n\t\tTARGET t0\n\t}\n"
    return Target(file_dev("disk0", disk, "\t\tthin_provisioned 1\n\t\texpl_alua 1"), "\t\tLUN 0 disk0\n", ANY,
                  f"state_dir {where}/state\nDEVICE_GROUP dg {{\n\tDEVICE disk0\n{group}}}\n")


# --- a raw peer, for input no honest initiator sends ---

def login_req(target=TARGET_ID, initiator=bytes(8) + b"rawpeer1", iu_len=8276, flags=0, fmt=6, imm=0, opcode=0):
    return struct.pack(">8sHBBI16s16sH6x", b"\0" * 8, fmt, flags, opcode, iu_len, initiator, target, imm)


def mpa_req(priv, rev=2, flags=0x10, ird=4, ord_=0, key=b"MPA ID Req Frame"):
    words = struct.pack(">HH", ird, ord_) if flags & 0x10 else b""
    return key + struct.pack(">BBH", flags, rev, len(words) + len(priv)) + words + priv


class Raw:
    """A TCP connection that speaks MPA and DDP by hand."""

    def __init__(self, port, priv=None, **kw):
        self.s = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.msn = 0
        self.rej = self.rsp = None
        if priv is not None:
            self.s.sendall(mpa_req(priv, **kw))
            head = self.exactly(20)
            self.flags, self.rev, n = struct.unpack(">BBH", head[16:])
            body = self.exactly(n)
            body = body[4:] if self.flags & 0x10 else body
            if self.flags & 0x20:
                self.rej = body
            else:
                self.rsp = body

    def exactly(self, n):
        got = b""
        while len(got) < n:
            more = self.s.recv(n - len(got))
            if not more:
                raise EOFError(f"peer closed after {len(got)} of {n} bytes")
            got += more
        return got

    def fpdu(self, ulpdu):
        pad = -(2 + len(ulpdu)) % 4
        self.s.sendall(struct.pack(">H", len(ulpdu)) + ulpdu + bytes(pad) + bytes(4))

    def send(self, iu):
        self.msn += 1
        for at in range(0, len(iu) or 1, 32768):
            last = at + 32768 >= len(iu)
            self.fpdu(struct.pack(">BBIIII", 0x41 if last else 0x01, 0x43, 0, 0, self.msn, at) + iu[at:at + 32768])

    def write(self, stag, offset, data):
        """An RDMA Write of one segment."""
        self.fpdu(struct.pack(">BBIQ", 0xC1, 0x40, stag, offset) + data)

    def read_request(self, stag, offset, n, msn=1):
        self.fpdu(struct.pack(">BBIIII", 0x41, 0x41, 0, 1, msn, 0) + struct.pack(">IQIIQ", 7, 0, n, stag, offset))

    def recv_fpdu(self):
        n = struct.unpack(">H", self.exactly(2))[0]
        body = self.exactly(n + -(2 + n) % 4 + 4)
        return body[:n]

    def recv_send(self):
        """Payload of the next Send; other messages (Writes) are stepped over; None when it was a Terminate."""
        while True:
            u = self.recv_fpdu()
            op = u[1] & 0x0F
            if op in (3, 4, 5, 6):
                return u[18:]
            if op == 7:
                self.term = u[18:]
                return None

    def closed(self, secs=10):
        """Whether the target ends the connection within @secs; what it still sends is discarded."""
        self.s.settimeout(secs)
        with contextlib.suppress(ConnectionError):
            while True:
                try:
                    if not self.s.recv(65536):
                        return True
                except socket.timeout:
                    return False
        return True

    def close(self):
        self.s.close()


def cmd_iu(tag, cdb, lun=0, out_fmt=0, in_fmt=0, descs=b"", out_cnt=0, in_cnt=0, add_cdb=b"", sol_not=0, attr=0):
    return struct.pack(">BBHBBBB8s4xHHI B B B B16s", 2, sol_not, 0, 0, out_fmt << 4 | in_fmt, out_cnt, in_cnt,
                       struct.pack(">Q", tag), lun, 0, 0, 0, attr, 0, len(add_cdb) & 0xFC, cdb.ljust(16, b"\0")) + add_cdb + descs


def tsk_mgmt(tag, function, lun=0, task_tag=0, sol_not=0, raw_lun=None):
    where = lun << 48 if raw_lun is None else raw_lun
    return struct.pack(">BB6sQ4xQHBB Q 8x", 1, sol_not, bytes(6), tag, where, 0, function, 0, task_tag)


def answer_iu(op, tag):
    """A CRED_RSP (0x41), AER_RSP (0x42) or I_LOGOUT (0x03)."""
    return struct.pack(">B7x8s", op, tag)


def descriptors(*pieces):
    """Memory descriptors of (stag, offset, length)."""
    return b"".join(struct.pack(">QII", at, stag, n) for stag, at, n in pieces)


class Peer(Raw):
    """An honest initiator in a few lines, independent of libsrp: one command at a time, its buffer under one
    STag. Serves the target's RDMA Writes and Read Requests."""
    STAG = 0x5EED0100

    def __init__(self, port, name=b"goodpeer", flags=0x81, iu_len=8276, target=TARGET_ID, **kw):
        super().__init__(port, login_req(target, bytes(8) + name, flags=flags, imm=68, iu_len=iu_len), **kw)
        expect(self.rsp is not None and self.rsp[0] == 0xC0, f"a LOGIN_RSP, got {self.rej or self.rsp!r}")
        self.credits = struct.unpack(">i", self.rsp[4:8])[0]
        self.tag = 0
        self.mem = {}  # STag -> bytearray
        self.solicited = False  # the last IU came with the solicited event

    @property
    def buf(self):
        return self.mem.get(self.STAG, b"")

    @buf.setter
    def buf(self, value):
        self.mem[self.STAG] = value

    def memory(self, stag, at, n, what):
        expect(stag in self.mem and at + n <= len(self.mem[stag]), f"an RDMA {what} inside the buffer")
        return self.mem[stag]

    def reply(self):
        """The next IU of the target; RDMA that comes before it is served."""
        while True:
            u = self.recv_fpdu()
            op = u[1] & 0x0F
            if op == 0:
                stag, to = struct.unpack(">IQ", u[2:14])
                self.memory(stag, to, len(u) - 14, "Write")[to:to + len(u) - 14] = u[14:]
            elif op == 1:
                sink, sink_to, n, stag, to = struct.unpack(">IQIIQ", u[18:46])
                self.read_response(sink, sink_to, bytes(self.memory(stag, to, n, "Read")[to:to + n]))
            elif op == 7:
                sys.exit(f"the target sent Terminate {u[18:22].hex()} to an honest peer")
            else:
                self.solicited = op in (5, 6)
                return u[18:]

    def read_response(self, sink, to, data):
        at = 0
        while True:
            piece = data[at:at + 32768]
            last = at + len(piece) == len(data)
            self.fpdu(struct.pack(">BBIQ", 0xC1 if last else 0x81, 0x42, sink, to + at) + piece)
            at += len(piece)
            if last:
                return

    def command(self, cdb, lun=0, n_in=0, out=b"", imm=False, retry=True):
        """Run a command; the answer as rsp() decodes it, with `data`. Unit attentions are retried."""
        while True:
            self.tag += 1
            self.buf = bytearray(out or n_in)
            desc = struct.pack(">QII", 0, self.STAG, len(self.buf))
            if out and imm:
                iu = cmd_iu(self.tag, cdb, lun, out_fmt=3, descs=struct.pack(">I", len(out)))
                iu = iu.ljust(68, b"\0") + out
            elif out:
                iu = cmd_iu(self.tag, cdb, lun, out_fmt=1, descs=desc)
            else:
                iu = cmd_iu(self.tag, cdb, lun, in_fmt=1 if n_in else 0, descs=desc if n_in else b"")
            self.send(iu)
            u = self.reply()
            while u[0] in (0x81, 0x82):  # a request of the target's own comes in between
                self.send(answer_iu(u[0] & 0x3F | 0x40, u[8:16]))
                u = self.reply()
            expect(u[0] == 0xC1, f"an RSP for tag {self.tag}, got {u.hex()}")
            r = rsp(u)
            expect(r["tag"] == self.tag, f"an RSP for tag {self.tag}, got {r}")
            r["data"] = bytes(self.buf) if n_in else b""
            if not (retry and r["status"] == 2 and sense(r)[0] == 6):
                return r

    def ready(self):
        """TEST UNIT READY, unit attentions passed over."""
        return self.command(b"\0" * 6)

    def write_blocks(self, lba, data, lun=0, imm=False):
        return self.command(struct.pack(">BBIBHB", 0x2A, 0, lba, 0, len(data) // 512, 0), lun, out=data, imm=imm)

    def read_blocks(self, lba, n, lun=0):
        return self.command(struct.pack(">BBIBHB", 0x28, 0, lba, 0, n, 0), lun, n_in=n * 512)


def quiet(p, secs):
    """Nothing comes from the target for so long."""
    p.s.settimeout(secs)
    try:
        p.s.recv(1, socket.MSG_PEEK)
        return False
    except socket.timeout:
        return True
    finally:
        p.s.settimeout(10)


class Steady(threading.Thread):
    """A good session with verified I/O, to run beside something that must not disturb it."""

    def __init__(self, port, lba=0, blocks=256):
        super().__init__(daemon=True)
        self.peer = Peer(port, b"steady01")
        self.lba, self.blocks = lba, blocks
        self.quit = threading.Event()
        self.rounds = 0
        self.problem = None
        self.start()

    def run(self):
        try:
            while not self.quit.is_set():
                self.one()
        except (Exception, SystemExit) as e:  # whatever ends the thread is the finding
            self.problem = f"{type(e).__name__}: {e}"

    def one(self):
        n = 16 if self.rounds % 2 else 8
        lba = self.lba + self.rounds * 16 % self.blocks
        data = os.urandom(n * 512)
        r = self.peer.write_blocks(lba, data, imm=n == 8)
        expect(r["status"] == 0, f"a good WRITE, got {r}")
        r = self.peer.read_blocks(lba, n)
        expect(r["status"] == 0 and r["data"] == data, f"block {lba} reads back as written, status {r['status']}")
        self.rounds += 1

    def stop(self):
        """End it; it must have worked, still work, and have got somewhere."""
        self.check()
        end = time.monotonic() + 20
        while self.rounds <= 10 and not self.problem and time.monotonic() < end:
            time.sleep(0.01)  # what it ran beside was over quickly; it goes on
        self.quit.set()
        self.join(30)
        expect(not self.is_alive() and not self.problem, f"the good session ends well: {self.problem}")
        expect(self.rounds > 10, f"the good session got somewhere, {self.rounds} rounds")
        self.peer.close()

    def check(self):
        expect(not self.problem, f"the good session is undisturbed: {self.problem}")


def sense(r):
    """(key, asc, ascq) of an answer with sense data."""
    s = r["sense"]
    expect(len(s) >= 4, f"sense data in {r}")
    return (s[1] & 15, s[2], s[3]) if s[0] & 0x7F in (0x72, 0x73) else (s[2] & 15, s[12], s[13])


def answered(p, u):
    """Answer @u, which the target sent of itself."""
    p.send(answer_iu(u[0] & 0x3F | 0x40, u[8:16]))


def event_report(p, asc, lun=0):
    """The next IU is a report of the unit attention @asc (ASC, ASCQ) at @lun; it is answered."""
    u = p.reply()
    expect(u[0] == 0x82, f"an AER_REQ, got {u.hex()}")
    delta, tag, where = struct.unpack(">i8s4xH", u[4:22])
    data = u[36:36 + struct.unpack(">I", u[28:32])[0]]
    got = sense({"sense": data})
    expect(delta == 0 and where == lun and got == (6, *asc), f"a report of {asc} at LUN {lun}, got {where} {got}")
    expect(p.solicited and u[1] == 1, "a solicited one")
    answered(p, u)


def rsp(iu):
    """Decode an SRP_RSP into a dict."""
    delta, tag = struct.unpack(">i8s", iu[4:16])
    flags, status = iu[18], iu[19]
    slen, rlen = struct.unpack(">II", iu[28:36])
    return {"op": iu[0], "delta": delta, "tag": struct.unpack(">Q", tag)[0], "flags": flags, "status": status,
            "sense": iu[36 + rlen:36 + rlen + slen] if flags & 2 else b"", "code": iu[39] if flags & 1 else None,
            "out_res": struct.unpack(">I", iu[20:24])[0], "in_res": struct.unpack(">I", iu[24:28])[0]}


def expect(cond, what):
    if not cond:
        sys.exit(f"expected: {what}")
