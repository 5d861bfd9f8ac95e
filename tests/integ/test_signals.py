# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""SIGTERM and SIGINT: initiators are logged out while their I/O runs, the daemon ends with 0 in time."""
import signal
import threading
import time

import lib


def loop(p, base, seen):
    """Verified I/O on blocks of its own, until the target says something else than RSP."""
    n = 0
    try:
        while True:
            data = bytes([n % 251]) * 4096
            lba = base + n % 64 * 8
            if p.write_blocks(lba, data)["status"] or p.read_blocks(lba, 8)["data"] != data:
                seen.append("a wrong answer")
                return
            n += 1
    except SystemExit as e:
        seen.append(str(e))
    except (EOFError, OSError) as e:
        seen.append(repr(e))


def ended(t, number, secs):
    """Send @number; how long the daemon took to end."""
    t.proc.send_signal(number)
    begin = time.monotonic()
    try:
        code = t.proc.wait(secs)
    except lib.subprocess.TimeoutExpired:
        lib.sys.exit(f"srptd did not end within {secs} s\n{t.text()}")
    lib.expect(code == 0, f"exit 0 after signal {number}, got {code}\n{t.text()}")
    return time.monotonic() - begin


def under_load(number):
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY, "workers 2\n") as t:
        quiet = lib.Peer(t.port, b"quiet001")
        quiet.ready()
        peers = [lib.Peer(t.port, b"busy%04d" % i) for i in range(4)]
        seen = []
        for p in peers:
            p.ready()
        threads = [threading.Thread(target=loop, args=(p, 1024 * i, seen), daemon=True) for i, p in enumerate(peers)]
        for th in threads:
            th.start()
        time.sleep(0.3)
        lib.expect(not seen, f"good I/O before the signal, got {seen}")
        took = []
        stop = threading.Thread(target=lambda: took.append(ended(t, number, 20)))
        stop.start()
        u = quiet.recv_send()
        lib.expect(u is not None and u[0] == 0x80, f"T_LOGOUT for a session without I/O, got {u and u.hex()}")
        lib.expect(quiet.closed(), "its connection is closed")
        quiet.close()
        for th in threads:
            th.join(10)
        for p in peers:
            p.close()
        stop.join(25)
        # A busy peer sees the T_LOGOUT where it waits for an answer, or the end of the connection.
        lib.expect(len(seen) == len(peers) and not any("wrong" in s for s in seen), f"no wrong answer, got {seen}")
        lib.expect(took and took[0] < 5, f"initiators that leave do not make it wait, {took} s")


def deaf():
    """One that neither answers nor leaves cannot hold the daemon for ever."""
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY) as t:
        p = lib.Peer(t.port, b"deafpeer")
        p.ready()
        took = ended(t, signal.SIGTERM, 25)
        lib.expect(took < 15, f"the deadline holds, {took:.1f} s")
        p.close()


def idle():
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY) as t:
        lib.expect(ended(t, signal.SIGTERM, 10) < 3, "an idle daemon ends at once")
        lib.expect(not t.ctl.exists(), "the control socket is gone")


def reload_after():
    """What a SIGHUP would make after SIGTERM nobody would end any more: it is not looked at."""
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY, "workers 2\n") as t:
        p = lib.Peer(t.port, b"lingerer")
        p.ready()
        t.proc.send_signal(signal.SIGTERM)
        t.wait_log("logging out")
        for i in range(600):
            if t.proc.poll() is not None:
                break
            t.write_conf(lib.ram() + lib.ram("ram1"), "\t\tLUN 0 ram0\n\t\tLUN 1 ram1\n",
                         lib.ANY + f"\t\tlisten 127.0.0.1:{lib.free_port()}\n", "workers 2\n")
            t.proc.send_signal(signal.SIGHUP)
            if i == 30:
                p.close()
            time.sleep(0.002)
        lib.expect(t.proc.wait(20) == 0, f"exit 0, got {t.proc.returncode}\n{t.text()}")
        lib.expect("reload" not in t.text(), "nothing was reloaded")


idle()
reload_after()
under_load(signal.SIGTERM)
under_load(signal.SIGINT)
deaf()
