# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What the integration tests share: a target process with a configuration of its own, the tools, and a
raw MPA peer for bad input."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(os.environ["SRPTD_BUILD"])
ID_EXT = "0002c90300a0dd01"
IOC_GUID = "0002c90300a0dd00"
TARGET_ID = bytes.fromhex(ID_EXT + IOC_GUID)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tool(*args, check=True, timeout=120, stdin=None):
    """Run build/ARGS[0]; return the finished process. With @check a failure ends the test."""
    cmd = [str(BUILD / args[0]), *map(str, args[1:])]
    done = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, input=stdin, check=False)
    done.out = done.stdout.decode(errors="replace")
    done.err = done.stderr.decode(errors="replace")
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
        self.log = open(self.log_path, "ab")
        self.proc = subprocess.Popen(cmd + self.args, stdout=self.log, stderr=self.log)
        port = 5555 if self.demo else self.port
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.proc.poll() is not None:
                sys.exit(f"srptd ended with {self.proc.returncode}:\n{self.text()}")
            if "ready" in self.text():
                break
            time.sleep(0.02)
        else:
            sys.exit(f"srptd did not become ready on port {port}:\n{self.text()}")
        self.port = port

    def text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

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
        code = self.stop()
        text = self.text()
        shutil.rmtree(self.dir, ignore_errors=True)
        if kind is None and code != 0:
            sys.exit(f"srptd ended with {code}:\n{text}")
        if kind is not None:
            print(text, file=sys.stderr)
        return False


def ram(name="ram0", mib=64, extra=""):
    return f"HANDLER vdisk_ram {{\n\tDEVICE {name} {{\n\t\tsize {mib}M\n{extra}\n\t}}\n}}\n"


def file_dev(name, path, extra=""):
    return f"HANDLER vdisk_fileio {{\n\tDEVICE {name} {{\n\t\tfilename {path}\n{extra}\n\t}}\n}}\n"


ANY = "\t\tallow_any 1\n"


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
        self.fpdu(struct.pack(">BBIIII", 0x41, 0x43, 0, 0, self.msn, 0) + iu)

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


def cmd_iu(tag, cdb, lun=0, out_fmt=0, in_fmt=0, descs=b"", out_cnt=0, in_cnt=0, add_cdb=b""):
    return struct.pack(">BBHBBBB8s4xHHI B B B B16s", 2, 0, 0, 0, out_fmt << 4 | in_fmt, out_cnt, in_cnt,
                       struct.pack(">Q", tag), lun, 0, 0, 0, 0, 0, len(add_cdb) & 0xFC, cdb.ljust(16, b"\0")) + add_cdb + descs


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
