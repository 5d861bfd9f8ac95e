# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What one initiator lets the target wait for must not keep another waiting: data that are never given, data that are
never taken, and task management functions that wait for either."""
import struct
import time

import lib


def big(p, tag, opcode, lun=0):
    """READ or WRITE of 1 MiB."""
    desc = struct.pack(">QII", 0, p.STAG, 1 << 20)
    p.send(lib.cmd_iu(tag, struct.pack(">BBIBHB", opcode, 0, 0, 0, 2048, 0), lun, descs=desc,
                      out_fmt=opcode == 0x2A, in_fmt=opcode == 0x28))


def served(p, secs, lun=0):
    """A session is served within @secs: a command with parameters, and big data both ways."""
    begin = time.monotonic()
    p.s.settimeout(secs)
    r = p.command(struct.pack(">BBBHB", 0x12, 0, 0, 255, 0), lun, n_in=255)
    lib.expect(r["status"] == 0, f"a good INQUIRY, got {r}")
    data = bytes(range(256)) * 4096
    lib.expect(p.write_blocks(100, data, lun)["status"] == 0, "a good WRITE")
    lib.expect(p.read_blocks(100, 2048, lun)["data"] == data, "and READ")
    lib.expect(time.monotonic() - begin < secs, f"served within {secs} s")


def hoarders(t, opcode, lun, name):
    """Sessions that ask for as much as they may and then do nothing."""
    good = lib.Peer(t.port, b"victim01")
    good.ready()
    served(good, 10, lun)
    hogs = [lib.Peer(t.port, name + b"%02d" % i) for i in range(3)]
    for p in hogs:
        p.command(bytes(6), lun)
        for i in range(100):
            big(p, 100 + i, opcode, lun)
    time.sleep(0.5)
    served(good, 10, lun)
    for p in hogs + [good]:
        p.close()
    t.wait_channels(0)


def deaf_aborts(t):
    """Functions that wait for peers that read nothing have a deadline in common, and so have those behind them."""
    deaf = [lib.Peer(t.port, b"deafmg%02d" % i) for i in range(4)]
    good = lib.Peer(t.port, b"goodmgmt")
    good.ready()
    for p in deaf:
        p.ready()
        for i in range(100):
            big(p, 100 + i, 0x28)
    time.sleep(0.5)
    for p in deaf:
        p.send(lib.tsk_mgmt(999, 2))
    time.sleep(0.2)
    good.send(lib.tsk_mgmt(5, 1, task_tag=77))
    begin = time.monotonic()
    good.s.settimeout(20)
    r = lib.rsp(good.reply())
    lib.expect(r["tag"] == 5 and r["code"] == 0, f"the function's answer, got {r}")
    lib.expect(time.monotonic() - begin < 5, f"within the 5 s Linux waits, got {time.monotonic() - begin:.1f}")
    t.wait_log("the initiator does not take what we send")
    for p in deaf + [good]:
        p.close()
    t.wait_channels(0)


with lib.tempfile.NamedTemporaryFile(prefix="srptd-img-") as img:
    img.truncate(16 << 20)
    with lib.Target(lib.ram("ram0", 32) + lib.file_dev("file0", img.name), "\t\tLUN 0 ram0\n\t\tLUN 1 file0\n", lib.ANY,
                    "workers 1\n") as t:
        hoarders(t, 0x2A, 0, b"giver0")
        hoarders(t, 0x28, 1, b"taker1")
        deaf_aborts(t)
