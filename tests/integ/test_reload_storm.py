# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Reloads one after the other under I/O: devices, LUNs, groups, listeners and whole targets come, go and change in
any order while sessions use them, and in the end SIGTERM amid logins, reloads and questions to the control socket.
A good session on a target that stays is undisturbed. SRPTD_RANDOM_SEED repeats a run's decisions."""
import contextlib
import json
import os
import random
import signal
import socket
import struct
import threading
import time

import lib

SEED = int(os.environ.get("SRPTD_RANDOM_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
ROUNDS = 60
quit_ = threading.Event()
problems = []
IDS = ["0002c90300a0de%02x" % i for i in range(2)]


def config(t, rnd, ports, img):
    """A configuration by chance; target t0 with LUN 0 of the good session is in all of them."""
    devices = {"good": lib.ram("good", 8)}
    for i in range(3):
        if rnd.random() < 0.7:
            devices[f"ram{i}"] = lib.ram(f"ram{i}", 4)
    if rnd.random() < 0.7:
        devices["file0"] = lib.file_dev("file0", img)
    others = [d for d in devices if d != "good"]

    def luns():
        return "".join(f"\t\tLUN {i} {d}\n" for i, d in enumerate(rnd.sample(others, rnd.randrange(len(others) + 1)), 1))

    group = "\t\tGROUP g {\n\t\t\tINITIATOR *\n" + luns() + "\t\t}\n"
    text = "".join(devices.values()) + "TARGET_DRIVER iwarp {\n"
    text += f"\tTARGET t0 {{\n\t\tlisten 127.0.0.1:{t.port}\n"
    if rnd.random() < 0.5:
        text += f"\t\tlisten 127.0.0.1:{ports[0]}\n"
    text += (f"\t\tid_ext {lib.ID_EXT}\n\t\tioc_guid {lib.IOC_GUID}\n\t\tdefault_target 1\n\t\tenabled 1\n"
             f"\t\tLUN 0 good\n{luns()}\t\tallow_any 1\n\t}}\n")
    for i in range(2):
        if rnd.random() < 0.7:
            # The first may share the address of t0, the second has one of its own.
            text += f"\tTARGET s{i} {{\n\t\tlisten 127.0.0.1:{t.port if not i and rnd.random() < 0.5 else ports[1 + i]}\n"
            text += f"\t\tid_ext {IDS[rnd.randrange(2)] if not i else '0002c90300a0df00'}\n\t\tioc_guid {lib.IOC_GUID}\n"
            text += f"\t\tmax_channels {rnd.choice((16, 32))}\n\t\tenabled {rnd.choice((0, 1, 1, 1))}\n"
            text += (group if rnd.random() < 0.5 else luns() + "\t\tLUN 9 good\n\t\tallow_any 1\n") + "\t}\n"
    return f"control_socket {t.ctl}\nworkers 2\n" + text + "}\n"


def user(i, ports):
    """Logs in wherever it can and does I/O there until it is thrown out."""
    rnd = random.Random(SEED * 100 + i)
    ids = [lib.TARGET_ID] + [bytes.fromhex(x + lib.IOC_GUID) for x in IDS + ["0002c90300a0df00"]]
    while not quit_.is_set():
        raw = None
        try:
            raw = lib.Raw(rnd.choice(ports), lib.login_req(target=rnd.choice(ids), initiator=bytes(8) + b"user%04d" % i,
                                                           flags=0x81, imm=68))
            raw.s.settimeout(5)
            if raw.rsp is None:
                time.sleep(0.01)
                continue
            p = lib.Peer.__new__(lib.Peer)
            p.__dict__.update(raw.__dict__, tag=0, buf=b"", credits=1)
            for _ in range(rnd.randrange(200)):
                lun = rnd.randrange(1, 5)
                lba = 1600 * i + rnd.randrange(1300)  # nobody else's: to the thread sanitizer RAM is memory
                what = rnd.randrange(4)
                if what == 0:
                    p.read_blocks(lba, rnd.choice((1, 8, 256)), lun)
                elif what == 1:
                    p.write_blocks(lba, bytes(512 * rnd.choice((1, 8, 256))), lun, imm=False)
                elif what == 2:
                    p.command(struct.pack(">BBBBBBIBB", 0xA0, 0, 0, 0, 0, 0, 512, 0, 0), n_in=512)
                else:
                    p.command(bytes(6), lun)
        except (OSError, EOFError):
            pass
        except SystemExit as e:
            # T_LOGOUT comes where the answer to a command was awaited
            if "an RSP for tag" not in str(e):
                problems.append(str(e))
        finally:
            if raw:
                raw.close()


def asker(t):
    """Asks the control socket and goes away at any point."""
    line = b"".join(json.dumps({"jsonrpc": "2.0", "id": i, "method": m}).encode() + b"\n"
                    for i, m in enumerate(("status", "session.list", "rpc.describe", "nothing") * 8))
    n = 0
    while not quit_.is_set():
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(str(t.ctl))
            s.sendall(line)
            n += 1
            if n % 3:
                s.recv(1 << 16)
            continue
        time.sleep(0.01)


def reload(t):
    since = len(t.text())
    t.proc.send_signal(signal.SIGHUP)
    t.wait_log("reload: (done|.*everything stays)", since=since, secs=20)


def main():
    print(f"seed {SEED}")
    rnd = random.Random(SEED)
    img = lib.tempfile.NamedTemporaryFile(prefix="srptd-img-")
    img.truncate(4 << 20)
    with lib.Target(start=False) as t:
        ports = [lib.free_port() for _ in range(3)]
        t.conf.write_text(config(t, rnd, ports, img.name))
        t.start()
        steady = lib.Steady(t.port)
        threads = [threading.Thread(target=user, args=(i, [t.port, t.port] + ports), daemon=True) for i in range(5)]
        threads.append(threading.Thread(target=asker, args=(t,), daemon=True))
        for th in threads:
            th.start()
        for _ in range(ROUNDS):
            t.conf.write_text(config(t, rnd, ports, img.name))
            if rnd.random() < 0.1:
                t.conf.write_text(t.conf.read_text() + "nonsense\n")
            reload(t)
            steady.check()
            time.sleep(0.06)  # the log thins more than 20 lines a second of one kind
        lib.expect(not problems, f"the users saw nothing wrong, seed {SEED}: {problems}")
        done = t.text().count("reload: done")
        lib.expect(done > ROUNDS // 2, f"most were carried out, {done}")
        steady.stop()

        # Everything else goes on while it ends.
        t.proc.send_signal(signal.SIGTERM)
        for _ in range(200):
            if t.proc.poll() is not None:
                break
            t.conf.write_text(config(t, rnd, ports, img.name))
            t.proc.send_signal(signal.SIGHUP)
            time.sleep(0.005)
        t.proc.wait(30)
        quit_.set()
        for th in threads:
            th.join(20)


main()
