# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The servers: how each is started, what load it gets, and what it has used. All of them on processor 0, the clients on 1."""
import atexit
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import time

import cases

HOST = "127.0.0.1"
SERVER_CPU, CLIENT_CPU = 0, 1
POLL_US = 1000
IQN = "iqn.2000-01.org.example:bench"
SRPTD_CONF = """control_socket {ctl}
log_level warn
workers 1
poll_us {poll_us}
max_handshakes_per_peer 2048
HANDLER {handler} {{
	DEVICE disk {{
		{attrs}
	}}
}}
TARGET_DRIVER iwarp {{
	TARGET bench {{
		listen {host}:{port}
		id_ext 1
		ioc_guid 1
		default_target 1
		allow_any 1
		max_channels_per_initiator 2048
		LUN 0 disk
		enabled 1
	}}
}}
"""
# what is behind LUN 0: handler and attributes
DEVICES = {
    "null": ("vdisk_nullio", "size 1T"),
    "ram": ("vdisk_ram", "size {mib}M"),
    "file": ("vdisk_fileio", "filename {file}"),
    "direct": ("vdisk_fileio", "filename {direct}; o_direct 1"),
}


def free_port():
    with socket.socket() as s:
        s.bind((HOST, 0))
        return s.getsockname()[1]


def pinned(cpu, cmd):
    return (["taskset", "-c", str(cpu)] if (os.cpu_count() or 1) > 1 else []) + [str(c) for c in cmd]


def raise_fd_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Failed(Exception):
    """A server or a client did not work; the text says how."""


class Server:
    """A server process, and what it has used over all its threads."""
    needs = None     # the program, where it is a package's
    package = None
    polls = False    # never sleeps: stopped while it is nobody's turn

    def __init__(self, env):
        self.env = env
        self.proc = None
        self.port = None

    def missing(self):
        if self.needs and not shutil.which(self.needs):
            return f"{self.needs} is not installed (Debian package {self.package}, scripts/deps bench)"
        return None

    def command(self):
        raise NotImplementedError

    def prepare(self):
        """When it serves: whatever it needs before the first load."""

    def start(self):
        self.port = free_port()
        log = self.env.dir / f"{self.name.replace(' ', '-')}.log"
        with open(log, "wb") as f:
            self.proc = subprocess.Popen(pinned(SERVER_CPU, self.command()), stdout=f, stderr=f, stdin=subprocess.DEVNULL)
        atexit.register(self.kill)
        end = time.monotonic() + 10
        while time.monotonic() < end and self.proc.poll() is None:
            with socket.socket() as s:
                if s.connect_ex((HOST, self.port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise Failed(f"{self.name} does not serve: {log.read_text(errors='replace')[-300:]}")
        time.sleep(0.1)
        self.prepare()
        self.pause()

    def pause(self):
        if self.polls:
            self.proc.send_signal(signal.SIGSTOP)

    def go_on(self):
        if self.polls:
            self.proc.send_signal(signal.SIGCONT)

    def used(self):
        """Processor time in us and context switches so far, resident MiB and threads now."""
        proc = pathlib.Path(f"/proc/{self.proc.pid}")
        cpu = switches = threads = 0
        for task in (proc / "task").iterdir():
            try:
                cpu += int((task / "schedstat").read_text().split()[0])
                status = (task / "status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
            threads += 1
            switches += sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)
        rss = next(int(line.split()[1]) for line in (proc / "status").read_text().splitlines() if line.startswith("VmRSS:"))
        return {"cpu_us": cpu / 1e3, "csw": switches, "rss_mib": rss / 1024, "threads": threads}

    def kill(self):
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()

    def stop(self):
        """End it in the way it likes. Return: its exit status, None when it was killed."""
        self.kill()

    def client(self, case, secs):
        raise NotImplementedError


class LoadServer(Server):
    """One that gets its load from bench/load."""
    protocol = "rr"
    export = ()

    def client(self, case, secs):
        cmd = [self.env.build / "bench" / "load", self.protocol, HOST, self.port, *self.export, "--bs", case.bs, "--qd", case.qd,
               "--conns", case.conns, "--inflight", case.inflight, "--secs", secs, "--size", cases.REGION_MIB * cases.MIB, "--mark"]
        cmd += ["--write"] if case.rw == "write" else []
        cmd += ["--sequential"] if case.sequential else []
        return cmd + (["--poll"] if self.polls else [])


class Rr(LoadServer):
    name = "rr"
    flags = ()

    def command(self):
        return [self.env.build / "bench" / "rr", *self.flags, HOST, self.port]


class RrPolling(Rr):
    name = "rr polling"
    flags = ("--poll",)
    polls = True


class Threads(Rr):
    name = "threads"
    flags = ("--threads",)


class Nbdkit(LoadServer):
    name = "nbdkit null"
    needs = package = "nbdkit"
    protocol = "nbd"

    def command(self):
        return ["nbdkit", "--foreground", "--exit-with-parent", "--ipaddr", HOST, "--port", self.port, "null", "size=1T"]


class Qsd(LoadServer):
    name = "qsd null"
    needs = "qemu-storage-daemon"
    package = "qemu-system-common"
    protocol = "nbd"
    export = ("d",)
    blockdev = "driver=null-co,size=1099511627776,read-zeroes=off"

    def command(self):
        return ["qemu-storage-daemon", "--blockdev", f"{self.blockdev.format(**self.env.files)},node-name=d", "--nbd-server",
                f"addr.type=inet,addr.host={HOST},addr.port={self.port},max-connections=0", "--export",
                "type=nbd,id=e,node-name=d,name=d,writable=on"]


class QsdFile(Qsd):
    name = "qsd file"
    blockdev = "driver=file,filename={file}"


class QsdDirect(Qsd):
    name = "qsd file direct"
    blockdev = "driver=file,filename={direct},cache.direct=on,aio=native"


class Tgt(LoadServer):
    name = "tgt null"
    needs = "tgtd"
    package = "tgt"
    protocol = "iscsi"
    export = (IQN,)
    store = ("null", "file")

    def __init__(self, env):
        super().__init__(env)
        self.control = None

    def command(self):
        # Its control port is a number that names a socket; one that no other tgtd of the machine is likely to have.
        self.control = os.getpid() % 30000 + 100 + (self.store[0] == "rdwr")
        return ["tgtd", "-f", "-C", self.control, "--iscsi", f"portal={HOST}:{self.port}"]

    def admin(self, *args):
        done = subprocess.run(["tgtadm", "-C", str(self.control), "--lld", "iscsi", *map(str, args)], capture_output=True, text=True,
                              check=False, timeout=20)
        if done.returncode:
            raise Failed(f"tgtadm {' '.join(map(str, args))}: {done.stderr.strip()}")

    def prepare(self):
        self.admin("--mode", "target", "--op", "new", "--tid", 1, "--targetname", IQN)
        # As much data as it likes in one piece: it is not to lose by its defaults.
        for name, value in (("MaxRecvDataSegmentLength", 16776192), ("MaxXmitDataSegmentLength", 16776192),
                            ("MaxBurstLength", 16776192), ("FirstBurstLength", 4194304), ("ImmediateData", "Yes")):
            self.admin("--mode", "target", "--op", "update", "--tid", 1, "--name", name, "--value", value)
        bstype, which = self.store
        self.admin("--mode", "logicalunit", "--op", "new", "--tid", 1, "--lun", 1, "--bstype", bstype, "--backing-store",
                   self.env.files[which])
        self.admin("--mode", "target", "--op", "bind", "--tid", 1, "--initiator-address", "ALL")


class TgtFile(Tgt):
    name = "tgt file"
    store = ("rdwr", "file")


class Srptd(Server):
    name = "srptd null"
    device = "null"
    poll_us = 0

    def command(self):
        handler, attrs = DEVICES[self.device]
        name = self.name.replace(" ", "-")
        conf = self.env.dir / f"{name}.conf"
        conf.write_text(SRPTD_CONF.format(ctl=self.env.dir / f"{name}.ctl", host=HOST, port=self.port, poll_us=self.poll_us,
                                          handler=handler, attrs=attrs.format(mib=cases.REGION_MIB, **self.env.files)))
        return [self.env.build / "srptd", "-c", conf]

    def stop(self):
        self.go_on()
        self.proc.terminate()
        return self.proc.wait(30)

    def url(self):
        return f"srp://{HOST}:{self.port}/0"

    def client(self, case, secs):
        rw = case.rw if case.sequential else "rand" + case.rw
        cmd = [self.env.build / "srp", "bench", self.url(), "--rw", rw, "--bs", case.bs, "--qd", case.qd, "--conns", case.conns,
               "--secs", secs, "--size", f"{cases.REGION_MIB}M", "--json", "--mark"]
        cmd += ["--inflight", case.inflight] if case.inflight < case.qd * case.conns else []
        return cmd + (["--poll-us", POLL_US] if self.polls else [])


class SrptdRam(Srptd):
    name = "srptd ram"
    device = "ram"

    def prepare(self):
        # A RAM disk that was never written has no memory yet: reads would come from one page of zeroes.
        subprocess.run(pinned(CLIENT_CPU, [self.env.build / "srp", "write", self.url(), "--pattern", 1]), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class SrptdFile(Srptd):
    name = "srptd file"
    device = "file"


class SrptdDirect(Srptd):
    name = "srptd file direct"
    device = "direct"


class SrptdPolling(Srptd):
    name = "srptd polling"
    poll_us = POLL_US
    polls = True


SERVERS = [Rr, RrPolling, Threads, Srptd, SrptdRam, SrptdFile, SrptdDirect, SrptdPolling, Tgt, TgtFile, Nbdkit, Qsd, QsdFile, QsdDirect]
