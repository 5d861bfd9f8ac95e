# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What `make demo` shows: list, write and verify, read back, bench, ping; and `srptd --demo` itself."""
import json
import os
import socket

import lib


def flow(t, ids):
    url = t.url(ids=ids)
    out = lib.tool("srp", "ls", url).out.splitlines()
    lib.expect(len(out) == 3 and out[1].split()[0] == "0" and out[2].split()[0] == "1", f"two LUNs, got {out}")
    lib.tool("srp", "write", f"{url}/0", "--pattern", 1, "--mib", 16, "--verify")
    lib.tool("srp", "write", f"{url}/0", "--pattern", 1, "--mib", 16, "--check-only")
    done = lib.tool("srp", "write", f"{url}/0", "--pattern", 2, "--mib", 16, "--check-only", check=False)
    lib.expect(done.returncode == 5, f"another pattern differs: exit 5, got {done.returncode}")
    inq = lib.tool("srp", "inq", f"{url}/0").out
    lib.expect(len(inq.splitlines()) > 3, f"srp inq tells something, got {inq!r}")
    lib.tool("srp", "ping", "-c", 2, "-i", 0, url)
    # Both RDMA and immediate data end up where they belong.
    small = os.urandom(4096)
    for extra in ([], ["--no-immediate"]):
        lib.tool("srp", "write", "--lba", 40960, *extra, f"{url}/0", stdin=small)
        back = lib.tool("srp", "read", "--lba", 40960, "--blocks", 8, f"{url}/0").stdout
        lib.expect(back == small, "4 KiB read back as written")
        small = small[::-1]
    for rw in ("randread", "randwrite", "read", "write"):
        got = json.loads(lib.tool("srp", "bench", f"{url}/0", "--rw", rw, "--bs", "64k", "--qd", 4, "--secs", 1, "--size",
                                  "16M", "--verify", "--json").out)
        lib.expect(got["errors"] == 0 and got["ios"] > 0 and got["iops"] > 0, f"a verified bench of {rw}, got {got}")


def ipv6():
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        print("no IPv6 here: not tested")
        return
    with lib.Target(lib.ram(mib=16), "\t\tLUN 0 ram0\n", lib.ANY, start=False) as t:
        t.conf.write_text(t.conf.read_text().replace("id_ext", f"listen [::1]:{t.port}\n\t\tid_ext", 1))
        t.start()
        for host in ("127.0.0.1", "[::1]"):
            lib.tool("srp", "write", f"srp://{host}:{t.port}/0", "--pattern", 3, "--mib", 4, "--verify")
        t.wait_log(r"channel \d+ \(\[::1\]:\d+\)")


def trace(t):
    err = lib.tool("srp", "ls", "-v", t.url()).err
    for word in ("LOGIN_REQ", "LOGIN_RSP", "CMD", "RSP"):
        lib.expect(word in err, f"{word} in the trace of -v, got\n{err}")


def errors(t):
    for url, code in ((f"srp://127.0.0.1:{lib.free_port()}", 3), (t.url() + "/77", 1), ("srp://", 2), ("http://x", 2)):
        done = lib.tool("srp", "read", url, "--blocks", 1, check=False)
        lib.expect(done.returncode == code and done.err, f"srp read {url}: exit {code} and why, got {done.returncode}")


def demo():
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", 5555))
        except OSError:
            print("port 5555 is taken: --demo not tested")
            return
    with lib.Target(demo=True) as t:
        line = t.wait_log("add_target")
        lib.expect("id_ext=0002c90300a0dd01,ioc_guid=0002c90300a0dd00,dest=127.0.0.1:5555" in line, f"got {line!r}")
        for url in ("srp://127.0.0.1", "srp://127.0.0.1:5555", f"srp://127.0.0.1/{lib.ID_EXT}:{lib.IOC_GUID}"):
            out = lib.tool("srp", "ls", url).out
            lib.expect("256 MiB" in out and len(out.splitlines()) == 3, f"a RAM disk and a null disk, got {out}")
        lib.tool("srp", "write", "srp://127.0.0.1/0", "--pattern", 1, "--mib", 64, "--verify")


luns = "\t\tLUN 0 ram0\n\t\tLUN 1 null0\n"
null = "HANDLER vdisk_nullio {\n\tDEVICE null0 {\n\t\tsize 1T\n\t}\n}\n"
with lib.Target(lib.ram(mib=64) + null, luns, lib.ANY) as target:
    flow(target, True)
    flow(target, False)
    trace(target)
    errors(target)
    target.wait_channels(0)
ipv6()
demo()
