# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""srptctl upgrade and SIGUSR2: another program takes the process over; nobody is refused, and nothing happens when it
cannot be."""
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import lib


def file_disk(path):
    return f"HANDLER vdisk_fileio {{\n DEVICE file0 {{\n filename {path}\n size 8M\n }}\n}}\n"


def target(options="workers 2\nmax_handshakes_per_peer 1024\n"):
    t = lib.Target(start=False)
    t.write_conf(file_disk(t.dir / "file0.img"), "\t\tLUN 0 file0\n", lib.ANY, options)
    t.start()
    return t


def listening_inode(t):
    """The socket behind the target's port: another one would have refused somebody."""
    at = f"0100007F:{t.port:04X}"
    for line in open("/proc/net/tcp", encoding="ascii"):
        words = line.split()
        if words[1] == at and words[3] == "0A":
            return words[9]
    return None


def connects(t, stop, refused):
    """Somebody tries all the time; one that waits for an answer is no failure, one that is refused is. A reset means
    that the login was under way when it was cut off, as those are that are complete."""
    n = 0
    while not stop.is_set():
        try:
            with socket.create_connection(("127.0.0.1", t.port), timeout=10):
                n += 1
        except ConnectionResetError:
            n += 1
        except OSError as e:
            refused.append(repr(e))
        time.sleep(0.005)
    refused.append(n)


def n_fds(t):
    return len(os.listdir(f"/proc/{t.proc.pid}/fd"))


def upgraded(t, do):
    """Upgrade by @do while somebody is logged in and others connect."""
    p = lib.Peer(t.port, b"upgrade1")
    p.ready()
    data = bytes(range(256)) * 16
    lib.expect(p.write_blocks(0, data)["status"] == 0, "a write")
    inode, ready = listening_inode(t), t.text().count("ready")
    lib.expect(inode is not None, "a listening socket")
    stop, refused = threading.Event(), []
    th = threading.Thread(target=connects, args=(t, stop, refused))
    th.start()
    try:
        do()
        u = p.recv_send()
        lib.expect(u is not None and u[0] == 0x80, f"T_LOGOUT, got {u and u.hex()}")
        lib.expect(p.closed(), "the connection ends")
        p.close()
        end = time.monotonic() + 20
        while t.text().count("ready") == ready:
            lib.expect(time.monotonic() < end and t.proc.poll() is None, f"the next one comes up\n{t.text()}")
            time.sleep(0.01)
    finally:
        stop.set()
        th.join()
    tries = refused.pop()
    lib.expect(not refused and tries > 3, f"nobody is refused, {tries} tries: {refused[:3]}")
    lib.expect(listening_inode(t) == inode, "the socket is the same")
    p = lib.Peer(t.port, b"upgrade1")
    p.ready()
    lib.expect(p.read_blocks(0, 8)["data"] == data, "the data are there")
    p.close()
    t.wait_channels(0)


def by_srptctl(t):
    """srptctl returns when the new one is there."""
    out = []
    th = threading.Thread(target=lambda: out.append(lib.tool("srptctl", "--socket", t.ctl, "upgrade").out))
    upgraded(t, th.start)
    th.join()
    lib.expect(out and f"pid {t.proc.pid}," in out[0], f"the same process, got {out}")


def again_and_again():
    with target() as t:
        upgraded(t, lambda: t.proc.send_signal(signal.SIGUSR2))
        t.wait_channels(0)
        before = n_fds(t)
        for _ in range(3):
            by_srptctl(t)
        upgraded(t, lambda: t.proc.send_signal(signal.SIGUSR2))
        lib.expect(abs(n_fds(t) - before) <= 2, f"no descriptor is left behind: {before}, then {n_fds(t)}")


def reservation_out(p, action, key=0, sa_key=0, kind=0):
    data = struct.pack(">QQ8x", key, sa_key)
    r = p.command(struct.pack(">BBBHIB", 0x5F, action, kind, 0, len(data), 0), out=data)
    lib.expect(r["status"] == 0, f"PERSISTENT RESERVE OUT {action}, got {r}")


def full_status(p):
    """Generation, and key, holder and type, port and name of each registration."""
    return p.command(struct.pack(">BB5xHB", 0x5E, 3, 512, 0), n_in=512)["data"]


def two_targets(t, first):
    """The target of every test behind another one, or, with @first False, alone."""
    other = ("TARGET_DRIVER iwarp {\n TARGET other {\n listen 127.0.0.1:%d\n id_ext 1\n ioc_guid 2\n allow_any 1\n LUN 0 file0\n enabled 1\n }\n}\n"
             % t.port)
    t.write_conf(file_disk(t.dir / "file0.img"), "\t\tLUN 0 file0\n", lib.ANY, "workers 2\n" + (other if first else ""))


def reservations():
    """They survive, under the same names: those of the initiator and of the port, which is the second of two and stays
    it when the first is taken away; and a port that comes then does not get a number that was given before."""
    t = lib.Target(start=False)
    two_targets(t, True)
    t.start()
    with t:
        a, b = (lib.Peer(t.port, name) for name in (b"holder--", b"stranger"))
        for p, key in ((a, 0xABCDEF0123456789), (b, 2)):
            p.ready()
            reservation_out(p, 0, sa_key=key)
        reservation_out(a, 1, key=0xABCDEF0123456789, kind=3)  # EXCLUSIVE ACCESS
        before = full_status(a)
        lib.expect(before[8:16].hex() == "abcdef0123456789" and before[26:28] == b"\0\2", f"registered by port 2, got {before.hex()}")
        two_targets(t, False)
        t.proc.send_signal(signal.SIGHUP)
        t.wait_log("reload: done")
        for _ in range(2):
            ready = t.text().count("ready")
            t.proc.send_signal(signal.SIGUSR2)
            for p in (a, b):
                lib.expect(p.recv_send() is not None and p.closed(), "logged out")
                p.close()
            while t.text().count("ready") == ready:
                time.sleep(0.01)
            a, b = (lib.Peer(t.port, name) for name in (b"holder--", b"stranger"))
            a.ready()
            lib.expect(full_status(a) == before, f"all is as it was, got {full_status(a).hex()}")
            lib.expect(a.read_blocks(0, 1)["status"] == 0, "the holder reads")
            r = b.command(bytes(6), retry=False)
            lib.expect(lib.sense(r)[1:] == (0x29, 0), f"POWER ON, RESET..., got {r}")
            lib.expect(b.read_blocks(0, 1)["status"] == 0x18, "another gets RESERVATION CONFLICT")
        two_targets(t, True)
        t.proc.send_signal(signal.SIGHUP)
        t.wait_log("reload: done, 1 changes", since=t.text().rindex("ready"))
        c = lib.Peer(t.port, b"third---", target=struct.pack(">QQ", 1, 2))
        c.ready()
        reservation_out(c, 0, sa_key=3)
        third = full_status(a)[8 + 2 * 48:]
        lib.expect(third[:8] == struct.pack(">Q", 3) and third[18:20] == b"\0\3", f"registered by port 3, got {third[:48].hex()}")
        for p in (a, b, c):
            p.close()


def refusals():
    """A configuration that is wrong, and data that would be lost: nothing changes."""
    with target() as t:
        p = lib.Peer(t.port, b"staying1")
        p.ready()
        good = t.conf.read_text()
        t.conf.write_text(good + "nonsense 1\n")
        done = lib.tool("srptctl", "--socket", t.ctl, "upgrade", check=False)
        lib.expect(done.returncode == 1 and "does not agree" in done.err, f"a refusal, got {done.returncode} {done.err}")
        t.wait_log("nonsense")
        t.conf.write_text(good)
        lib.expect(p.read_blocks(0, 8)["status"] == 0, "who is logged in goes on")
        p.close()
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY) as t:
        p = lib.Peer(t.port, b"staying2")
        p.ready()
        t.proc.send_signal(signal.SIGUSR2)
        t.wait_log("no upgrade: the data of RAM disk ram0")
        lib.expect(p.read_blocks(0, 8)["status"] == 0, "who is logged in goes on")
        p.close()


def stopped_meanwhile():
    """SIGTERM while the upgrade logs out: the process ends."""
    with target() as t:
        p = lib.Peer(t.port, b"lingerer")
        p.ready()
        t.proc.send_signal(signal.SIGUSR2)
        t.wait_log("logging out")
        t.proc.send_signal(signal.SIGTERM)
        t.wait_log("instead of upgrading")
        p.close()
        lib.expect(t.proc.wait(20) == 0, f"exit 0, got {t.proc.returncode}\n{t.text()}")
        lib.expect(listening_inode(t) is None, "its socket is gone")


def from_the_manager():
    """Sockets of a service manager, as sd_listen_fds(3) has them: one that fits, one that nobody wants."""
    t = lib.Target(start=False)
    t.write_conf(file_disk(t.dir / "file0.img"), "\t\tLUN 0 file0\n", lib.ANY)
    with socket.socket() as s, socket.socket() as other:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", t.port))
        s.listen()
        other.bind(("127.0.0.1", 0))
        other.listen()
        inode = listening_inode(t)

        def place():
            a, b = os.dup(s.fileno()), os.dup(other.fileno())
            a, b = os.dup(a), os.dup(b)
            os.dup2(a, 3)
            os.dup2(b, 4)
        script = f'exec env LISTEN_PID=$$ LISTEN_FDS=2 {lib.BUILD / "srptd"} -c {t.conf}'
        with open(t.log_path, "ab") as log:
            t.proc = subprocess.Popen(["sh", "-c", script], stdout=log, stderr=log, preexec_fn=place, pass_fds=(3, 4))
    with t:
        t.wait_log("ready")
        t.wait_log("1 sockets were handed to us that no target listens on")
        lib.expect(listening_inode(t) == inode, "the socket is the manager's")
        p = lib.Peer(t.port, b"manager1")
        p.ready()
        p.close()


again_and_again()
reservations()
refusals()
stopped_meanwhile()
from_the_manager()
