# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Task management under I/O: resets by one initiator while another works, and commands that are stuck."""
import struct
import threading
import time

import lib


def stuck_write(p, tag, lba):
    """A WRITE whose data we never give."""
    p.send(lib.cmd_iu(tag, struct.pack(">BBIBHB", 0x2A, 0, lba, 0, 8, 0), out_fmt=1,
                      descs=struct.pack(">QII", 0, p.STAG, 4096)))


def next_iu(p):
    u = p.recv_send()
    lib.expect(u is not None, "an IU, not a Terminate")
    return u


def read_request(p):
    """Wait for the target's RDMA Read Request."""
    while True:
        u = p.recv_fpdu()
        if u[1] & 0x0F == 1:
            return struct.unpack(">IQIIQ", u[18:46])


def abort(t):
    """ABORT TASK of a WRITE whose data are on their way. RDMA cannot be called back, so the answer comes when
    the data are there, and they go nowhere."""
    p = lib.Peer(t.port, b"aborter1")
    p.ready()
    before = p.read_blocks(2000, 8)["data"]
    stuck_write(p, 7001, 2000)
    sink, sink_to, n, _, _ = read_request(p)
    lib.expect(t.sessions()[0]["in_flight"] == 1, f"one in flight, got {t.sessions()}")
    p.send(lib.tsk_mgmt(7002, 0x01, task_tag=7001))
    lib.expect(lib.quiet(p, 0.3), "no answer while the target's memory is still open to the data")
    p.read_response(sink, sink_to, b"\xee" * n)
    r = lib.rsp(next_iu(p))
    lib.expect(r["tag"] == 7002 and r["code"] == 0, f"the abort's answer, got {r}")
    lib.expect(r["delta"] == 2, f"with the credit of both, got {r}")
    lib.expect(p.read_blocks(2000, 8)["data"] == before, "the aborted WRITE wrote nothing")
    p.close()
    t.wait_channels(0)


def codes(t):
    p = lib.Peer(t.port, b"asker001")
    p.ready()
    for function, lun, code in ((0x01, 0, 0), (0x02, 0, 0), (0x04, 0, 0), (0x08, 0, 0), (0x20, 0, 4), (0x00, 0, 4),
                                (0x08, 9, 5)):
        p.send(lib.tsk_mgmt(1, function, lun, task_tag=12345))
        r = lib.rsp(next_iu(p))
        lib.expect(r["code"] == code, f"function {function:#x}: code {code}, got {r}")
        lib.expect(r["delta"] == 1, f"the credit comes back, got {r}")
    lib.expect(p.ready()["status"] == 0, "the channel lives")
    for raw in (0x0001000100000000, 0x0100 << 48, 0x8000 << 48, 0xC102 << 48):
        p.send(lib.tsk_mgmt(9, 0x08, raw_lun=raw))
        r = lib.rsp(next_iu(p))
        lib.expect(r["code"] == 2, f"a LUN field {raw:#x} of no form we know: code 2, got {r}")
    p.close()


def reset_under_load(t):
    """LUN resets while others do verified I/O: commands may be aborted, none may give wrong data."""
    quit_ = threading.Event()
    bad = []
    done = [0] * 3

    def work(i):
        p = lib.Peer(t.port, b"worker%02d" % i)
        n = 0
        try:
            while not quit_.is_set():
                data = bytes([n % 255 + 1]) * 4096
                lba = 8192 * (i + 1) + n % 32 * 8
                if p.write_blocks(lba, data, imm=n % 2 == 0)["status"] == 0:
                    r = p.read_blocks(lba, 8)
                    if r["status"] == 0 and r["data"] != data:
                        bad.append(f"worker {i}: LBA {lba} does not read back")
                        return
                    done[i] += 1
                n += 1
        except lib.socket.timeout:
            # Without ABORTED COMMAND (TAS is 0) an aborted command is not answered: log in again.
            bad.append("timeout")
        except (SystemExit, OSError, EOFError) as e:
            bad.append(f"worker {i}: {e}")

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(3)]
    for th in threads:
        th.start()
    for _ in range(15):
        done_tool = lib.tool("srp", "reset", t.url(1), check=False)
        lib.expect(done_tool.returncode == 0, f"srp reset: {done_tool.err}")
        time.sleep(0.02)
    lib.tool("srp", "reset", "--abort", t.url(0))
    quit_.set()
    for th in threads:
        th.join(15)
    lib.expect(not bad, f"resets of LUN 1 leave LUN 0 alone, got {bad}")
    lib.expect(min(done) > 5, f"the workers got somewhere, {done}")


def reset_of_stuck(t):
    """A LUN reset ends what another initiator has under way, at the latest when that one goes."""
    p, q = lib.Peer(t.port, b"stuck001"), lib.Peer(t.port, b"reset001")
    p.ready()
    q.ready()
    before = q.read_blocks(3000, 8)["data"]
    stuck_write(p, 7001, 3000)
    read_request(p)
    q.send(lib.tsk_mgmt(1, 0x08))
    lib.expect(lib.quiet(q, 0.3), "no answer while the WRITE may still be given its data")
    p.close()
    r = lib.rsp(next_iu(q))
    lib.expect(r["code"] == 0, f"the reset is answered, got {r}")
    lib.expect(q.read_blocks(3000, 8)["data"] == before, "and the WRITE wrote nothing")
    q.close()


with lib.Target(lib.ram("ram0", 32) + lib.ram("ram1", 8), "\t\tLUN 0 ram0\n\t\tLUN 1 ram1\n", lib.ANY, "workers 2\n") as t:
    codes(t)
    t.wait_channels(0)
    reset_under_load(t)
    t.wait_channels(0)
    abort(t)
    reset_of_stuck(t)
    t.wait_channels(0)
