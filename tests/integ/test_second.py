# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A second instance: a clear error, exit 1, and the first one is not touched."""
import lib


def refused(t, config, cause):
    path = t.dir / "second.conf"
    path.write_text(config)
    done = lib.tool("srptd", "-c", path, check=False, timeout=20)
    lib.expect(done.returncode == 1, f"exit 1, got {done.returncode}: {done.err}")
    lib.expect(cause in done.err, f"{cause!r} in {done.err!r}")


def main():
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY) as t:
        p = lib.Peer(t.port)
        p.ready()
        own = t.conf.read_text()
        refused(t, own.replace(str(t.ctl), str(t.dir / "other")), f"127.0.0.1:{t.port} is in use")
        refused(t, own.replace(f":{t.port}", f":{lib.free_port()}"), "another srptd answers on it")
        lib.expect(p.ready()["status"] == 0, "the first one goes on")
        lib.expect(t.status()["channels_total"] == 1, "its control socket too")
        p.close()
    # A socket left behind by one that died is no obstacle.
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY) as t:
        t.proc.kill()
        t.proc.wait()
        lib.expect(t.ctl.exists(), "a killed daemon leaves its socket")
        t.start_again()
        lib.expect(t.status()["channels_total"] == 0, "a new one starts in its place")


main()
