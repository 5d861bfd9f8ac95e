# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Sessions that do anything: valid and broken IUs, commands of every kind with descriptors of every kind, aborts,
resets, data given late or never, ends at any point. Each checks what an initiator can see: a command is answered
at most once, credits are conserved, no RDMA for a command that has ended, nobody else's bytes. A good session runs
beside them. SRPTD_RANDOM_SEED repeats a run's decisions (the order in which threads run stays the machine's),
SRPTD_RANDOM_SECS sets how long."""
import os
import random
import select
import socket
import struct
import threading
import time

import lib

SECS = float(os.environ.get("SRPTD_RANDOM_SECS", "12"))
SEED = int(os.environ.get("SRPTD_RANDOM_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
N_THREADS = 6
NEXUSES = [b"random%02d" % i for i in range(3)]
LUNS = 3  # RAM, null, file
BLOCKS = 16 << 11  # of each
SECRET = b"the good session's secret bytes."
quit_ = threading.Event()
problems = []
totals = {"logins": 0, "commands": 0, "answers": 0, "aborted": 0, "clean ends": 0, "other ends": 0}
totals_lock = threading.Lock()


class Secretive(lib.Steady):
    """The good session; its data must be seen by nobody else."""

    def one(self):
        n = 256 if self.rounds % 3 == 0 else 8
        lba = self.rounds * 256 % 8192
        data = (SECRET * 16 * n)[:-8] + struct.pack(">Q", self.rounds)
        r = self.peer.write_blocks(lba, data, imm=n == 8)
        lib.expect(r["status"] == 0, f"a good WRITE, got {r}")
        r = self.peer.read_blocks(lba, n)
        lib.expect(r["status"] == 0 and r["data"] == data, f"block {lba} reads back as written, status {r['status']}")
        self.rounds += 1


class Wrong(Exception):
    """The target did what it must not do."""


def wrong_if(cond, what):
    if cond:
        raise Wrong(what)


class Command:
    def __init__(self, lun):
        self.lun = lun
        self.out_len = self.in_len = 0
        self.zeroes = False
        self.wild = False  # its descriptors may mean anything


class Chaos(lib.Raw):
    """One channel of a nexus that does anything."""

    def __init__(self, port, rnd):
        self.rnd = rnd
        self.name = rnd.choice(NEXUSES)
        # single-channel logins throw the others of the nexus out
        flags = 0x80 if rnd.random() < 0.1 else 0x81
        imm = rnd.choice((68, 68, 0, 512))
        super().__init__(port, lib.login_req(initiator=bytes(8) + self.name, flags=flags if imm else flags & 1, imm=imm),
                         ird=rnd.choice((0, 1, 4, 16)))
        self.ok = self.rsp is not None
        if not self.ok:
            return
        self.imm = imm
        self.limit = self.credits = struct.unpack(">i", self.rsp[4:8])[0]
        self.tag = 0
        self.open = {}      # tag: Command
        self.tmfs = {}      # tag: set of tags it aborts
        self.held = []      # Read Requests not answered yet
        self.stags = {}     # STag: (tag, bytes of data-in, bytes of data-out)
        self.inbuf = b""
        self.outbuf = b""
        self.seen = []      # what was done, for the report of a failure
        self.dead = False

    # --- out: gathered, so that one segment carries many ---

    def fpdu(self, ulpdu):
        self.outbuf += struct.pack(">H", len(ulpdu)) + ulpdu + bytes(-(2 + len(ulpdu)) % 4) + bytes(4)

    def flush(self):
        data, self.outbuf = self.outbuf, b""
        while data and not self.dead:
            _, w, _ = select.select([], [self.s], [], 0.5)
            if w:
                try:
                    data = data[self.s.send(data):]
                except (ConnectionError, socket.timeout):
                    self.dead = True
            else:
                self.pump(0)  # the target may be waiting for us to read

    # --- in ---

    def pump(self, secs):
        """Take what comes within @secs; False when the target has ended the connection."""
        while not self.dead and select.select([self.s], [], [], secs)[0]:
            secs = 0
            try:
                more = self.s.recv(1 << 18)
            except ConnectionError:
                more = b""
            if not more:
                self.dead = True
                break
            self.inbuf += more
            at = 0
            while len(self.inbuf) - at >= 2:
                n = struct.unpack_from(">H", self.inbuf, at)[0]
                end = at + 2 + n + -(2 + n) % 4 + 4
                if len(self.inbuf) < end:
                    break
                self.message(self.inbuf[at + 2:at + 2 + n])
                at = end
            self.inbuf = self.inbuf[at:]
        return not self.dead

    def message(self, u):
        op = u[1] & 0x0F
        if op == 0:
            self.rdma_write(*struct.unpack(">IQ", u[2:14]), u[14:])
        elif op == 1:
            self.rdma_read(u)
        elif op == 7:
            self.dead = True
        else:
            self.iu(u[18:])

    def region(self, stag, to, n, which):
        if any(c.wild for c in self.open.values()):
            return None
        wrong_if(stag not in self.stags, f"RDMA for STag {stag:#x}, whose command has ended or never was")
        wrong_if(to + n > self.stags[stag][which], f"RDMA of {n} bytes at {to} of {self.stags[stag]}")
        return self.open[self.stags[stag][0]]

    def rdma_write(self, stag, to, data):
        c = self.region(stag, to, len(data), 1)
        wrong_if(SECRET in data, "an RDMA Write with bytes of another session")
        wrong_if(c and c.zeroes and any(data), "a READ of the null disk that is not zero")

    def rdma_read(self, u):
        sink, sink_to, n, stag, to = struct.unpack(">IQIIQ", u[18:46])
        self.region(stag, to, n, 2)
        self.held.append((sink, sink_to, n))
        if self.rnd.random() < 0.8:
            self.give()

    def give(self):
        for sink, to, n in self.held:
            at = 0
            while True:
                piece = min(n - at, 32768)
                last = at + piece == n
                self.fpdu(struct.pack(">BBIQ", 0xC1 if last else 0x81, 0x42, sink, to + at) + bytes(piece))
                at += piece
                if last:
                    break
        self.held = []

    def iu(self, iu):
        if iu[0] == 0x80:  # T_LOGOUT: the end comes
            return
        delta, tag = struct.unpack(">iQ", iu[4:16])
        self.credits += delta
        wrong_if(self.credits > self.limit, f"{self.credits} credits of {self.limit}")
        if iu[0] == 0x81:
            self.send(struct.pack(">B7xQ", 0x41, tag))
            return
        wrong_if(iu[0] != 0xC1, f"an IU of type {iu[0]:#x}")
        totals["answers"] += 1
        if tag in self.tmfs:
            for gone in self.tmfs.pop(tag):
                self.end(gone)
            return
        wrong_if(tag not in self.open, f"a second answer, or one to nothing, for tag {tag}: {iu.hex()}")
        self.end(tag)

    def end(self, tag):
        self.open.pop(tag, None)
        for stag in [s for s, r in self.stags.items() if r[0] == tag]:
            del self.stags[stag]

    # --- commands ---

    def cdb(self):
        """A CDB, and how many bytes it moves in and out."""
        r = self.rnd
        lba = r.randrange(BLOCKS) if r.random() < 0.9 else r.randrange(1 << 32)
        n = r.choice((0, 1, 1, 2, 8, 8, 8, 16, 64, 256, 2048, 4096))
        if r.random() < 0.9:
            lba = min(lba, BLOCKS - n)
        bits = r.choice((0, 0, 0, 8, 16, 24, 0xFF))
        kind = r.randrange(20)
        if kind < 4:
            return r.choice((struct.pack(">BBIBHB", 0x28, bits, lba, 0, n, 0),
                             struct.pack(">BBQIBB", 0x88, bits, lba, n, 0, 0))), n * 512, 0
        if kind < 8:
            return r.choice((struct.pack(">BBIBHB", 0x2A, bits, lba, 0, n, 0),
                             struct.pack(">BBQIBB", 0x8A, bits, lba, n, 0, 0))), 0, n * 512
        if kind == 8:
            op, moved = r.choice(((0x08, (n * 512, 0)), (0x0A, (0, n * 512))))
            return struct.pack(">BBHBB", op, 0, lba & 0xFFFF, n & 0xFF, 0), *moved
        if kind == 9:
            check = r.choice((0, 2))
            return struct.pack(">BBIBHB", 0x2F, check, lba, 0, n, 0), 0, n * 512 if check else 0
        if kind == 10:
            return struct.pack(">BBIBHB", 0x35, 0, lba, 0, 0, 0), 0, 0
        if kind == 11:
            return struct.pack(">BBQIBB", 0x93, r.choice((0, 8, 1, 9)), lba, n, 0, 0), 0, 512
        if kind == 12:
            return struct.pack(">BB5xHB", 0x42, 0, r.choice((0, 7, 8, 24, 40, 65535)), 0), 0, r.choice((8, 24, 40, 4096))
        if kind == 13:
            return struct.pack(">BBBHB", 0x12, r.choice((0, 1)), r.choice((0, 0x80, 0x83, 0xB0)), 255, 0), 255, 0
        if kind == 14:
            return r.choice((struct.pack(">B3xB1x", 0x03, 252), struct.pack(">BBBBBB", 0x1A, 0, 0x3F, 0, 255, 0),
                             struct.pack(">B9x", 0x25), struct.pack(">BB8xIxx", 0x9E, 0x10, 32),
                             struct.pack(">BB4xI2x", 0xA0, 0, 2048), struct.pack(">BBBBHI2x", 0xA3, 0x0C, 0, 0, 0, 4096)
                             )), 4096, 0
        if kind == 15:
            return struct.pack(">B3xBx", 0x1B, r.choice((0, 1, 1, 1))), 0, 0
        if kind == 16:
            return bytes(r.randrange(256) for _ in range(16)), r.choice((0, 4096)), r.choice((0, 4096))
        return bytes(6), 0, 0

    def descriptor(self, stag, size):
        """Format, count and bytes of one descriptor that means @size bytes; broken sometimes."""
        r = self.rnd
        if not size and r.random() < 0.5:
            return 0, 0, b""
        if r.random() < 0.6:
            return 1, 0, struct.pack(">QII", 0, stag, size)
        n = r.choice((1, 2, 3, 8, 32, 40))
        cuts = sorted(r.randrange(size + 1) for _ in range(n - 1))
        descs = b"".join(struct.pack(">QII", a, stag, b - a) for a, b in zip([0] + cuts, cuts + [size]))
        table, total, count = 16 * n, size, n
        broken = r.random()
        if broken < 0.03:
            total += r.choice((-1, 1, 512, 1 << 31))
        elif broken < 0.06:
            count = r.choice((0, n - 1, 255))
        elif broken < 0.08:
            table = r.choice((0, 15, 16 * n + 16, 0xFFFFFFF0))
        self.wild |= broken < 0.08
        return 2, count, struct.pack(">QII", 0, stag, table & 0xFFFFFFFF) + struct.pack(">I", total & 0xFFFFFFFF) + descs

    def size(self, moved):
        """Mostly what the CDB moves; else less, more, nothing or something odd."""
        r = self.rnd
        return moved if r.random() < 0.8 else r.choice((0, moved // 2, moved + 512, moved * 2, r.randrange(5000)))

    def command(self):
        r = self.rnd
        c = Command(r.choice((0, 0, 1, 2, 2, 2, 7)) if r.random() < 0.95 else r.randrange(1 << 16))
        cdb, moved_in, moved_out = self.cdb()
        if r.random() < 0.03:
            moved_in, moved_out = moved_out, moved_in
        if r.random() < 0.02:
            moved_in = moved_out = max(moved_in, moved_out)
        c.in_len, c.out_len = self.size(moved_in), self.size(moved_out)
        c.zeroes = c.lun == 1 and cdb[0] in (0x28, 0x88, 0x08)
        self.tag += 1
        stag = 0x10000000 + 2 * self.tag
        self.wild = False
        imm = 0 < c.out_len <= 4096 and self.imm and r.random() < 0.5
        if imm:
            out = 3, 0, struct.pack(">I", c.out_len if r.random() < 0.97 else r.randrange(1 << 32))
        else:
            out = self.descriptor(stag, c.out_len)
        in_ = self.descriptor(stag + 1, c.in_len)
        formats = [out[0], in_[0]]
        if r.random() < 0.02:
            formats[r.randrange(2)] = r.randrange(16)
            c.wild = True
        c.wild |= self.wild
        iu = lib.cmd_iu(self.tag, cdb, c.lun, out_fmt=formats[0], in_fmt=formats[1], out_cnt=out[1], in_cnt=in_[1],
                        descs=out[2] + in_[2])
        if imm:
            iu = iu.ljust(self.imm, b"\0") + bytes(c.out_len)
        self.open[self.tag] = c
        # a direction that was broken may use what the other one means
        self.stags[stag] = (self.tag, max(c.in_len, c.out_len), max(c.in_len, c.out_len))
        self.stags[stag + 1] = self.stags[stag]
        self.credits -= 1
        totals["commands"] += 1
        self.seen.append((self.tag, c.lun, cdb.hex(), c.in_len, c.out_len))
        self.send(iu[:8276])

    def tmf(self):
        r = self.rnd
        function = r.choice((1, 1, 1, 1, 2, 4, 8, 0x40, 0x20))
        lun = r.randrange(LUNS)
        victims = set()
        task = 0
        if function == 1 and self.open:
            task = r.choice(list(self.open))
            if r.random() < 0.9:
                lun = self.open[task].lun
            victims = {task} if self.open[task].lun == lun and lun < LUNS else set()
        elif function in (2, 4, 8):
            victims = {t for t, c in self.open.items() if c.lun == lun}
        self.tag += 1
        self.tmfs[self.tag] = victims
        self.credits -= 1
        totals["aborted"] += len(victims)
        self.seen.append((self.tag, "tmf", function, lun, task))
        self.send(struct.pack(">B7sQ4xQHBB Q 8x", 1, bytes(7), self.tag, lun << 48, 0, function, 0, task))

    # --- ends ---

    def clear_aca(self):
        """A CDB of random bytes with NACA stops its unit's set until we say so."""
        for lun in range(min(LUNS, self.credits)):
            self.tag += 1
            self.tmfs[self.tag] = set()
            self.credits -= 1
            self.send(struct.pack(">B7sQ4xQHBB Q 8x", 1, bytes(7), self.tag, lun << 48, 0, 0x40, 0, 0))

    def clean(self):
        """Let everything come to an end: all credits must be back then, and the channel must live. Commands that
        another channel's function took away have no answer, but their credits come back."""
        end = time.monotonic() + 25
        clear = time.monotonic() + 3
        while self.credits < self.limit or self.tmfs:
            if time.monotonic() > clear:
                clear = end
                self.clear_aca()
            self.give()
            self.flush()
            if not self.pump(0.1):
                return  # thrown out by a login of the same nexus
            wrong_if(time.monotonic() > end, f"credits {self.credits} of {self.limit}, functions {self.tmfs}, "
                     f"commands {[s for s in self.seen if s[0] in self.open]} without an end")
        for tag in list(self.open):
            self.end(tag)
        self.tag += 1
        self.open[self.tag] = Command(0)
        self.credits -= 1
        self.send(lib.cmd_iu(self.tag, bytes(6)))
        while self.open:
            self.flush()
            if not self.pump(0.1):
                return
            if self.open and self.credits == self.limit:
                return  # no answer, but its credit: another channel's function took it while it waited for its turn
            wrong_if(time.monotonic() > end, f"the channel is dead after all, credits {self.credits} of {self.limit}")
        totals["clean ends"] += 1

    def broken(self):
        """Break a rule; the target must end the connection."""
        r = self.rnd
        how = r.randrange(6)
        if how == 0:
            self.send(bytes([r.choice((0, 4, 0x7F, 0xC1))]) + bytes(r.randrange(60)))
        elif how == 1:
            self.fpdu(bytes(20))
        elif how == 2:
            self.msn += 3
            self.send(lib.cmd_iu(1, bytes(6)))
        elif how == 3:
            self.write(r.randrange(1 << 32), 0, bytes(64))
        elif how == 4:
            self.send(b"\x02" + bytes(r.randrange(40)))
        else:
            for i in range(self.credits + 1):
                self.send(lib.cmd_iu(1 << 32 | i, bytes(6)))
                self.open[1 << 32 | i] = Command(0)
        self.flush()
        self.limit = 1 << 30
        end = time.monotonic() + 20
        # What is answered in between gives credits back, so too many need not have been too many.
        while self.pump(0.2) and how < 5:
            wrong_if(time.monotonic() > end, f"the connection lives after breach {how}")

    def finish(self):
        r = self.rnd
        how = r.random()
        if how < 0.4:
            self.clean()
            return
        totals["other ends"] += 1
        if how < 0.65:
            self.broken()
        elif how < 0.75:
            self.send(struct.pack(">B7xQ", 3, 0))
            self.flush()
            self.pump(r.choice((0, 0.05, 0.3)))
        elif how < 0.85:
            self.outbuf = self.outbuf[:r.randrange(len(self.outbuf) + 1)]
            self.flush()
        if r.random() < 0.5:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def run(self):
        r = self.rnd
        for _ in range(r.choice((1, 20, 100, 300))):
            if quit_.is_set() or self.dead:
                break
            if self.credits > 1 and r.random() < 0.9:
                self.command()
            if self.credits > 0 and r.random() < 0.08:
                self.tmf()
            if len(self.outbuf) > 1 << 16 or r.random() < 0.2:
                self.flush()
            if r.random() < 0.3:
                self.pump(r.choice((0, 0, 0.001, 0.02)))
            if r.random() < 0.1:
                self.give()
        self.finish()


def worker(port, i):
    rnd = random.Random(SEED * 1000 + i)
    while not quit_.is_set() and not problems:
        p = None
        try:
            p = Chaos(port, rnd)
            totals["logins"] += p.ok
            if p.ok:
                p.run()
        except Wrong as e:
            with totals_lock:
                problems.append(f"thread {i}, {p.s.getsockname()}: {e}\n  last: {p.seen[-12:]}")
        except (OSError, EOFError) as e:
            # The handshake may be cut short by nothing but the daemon's end.
            if p is None:
                problems.append(f"thread {i}: a login failed: {type(e).__name__} {e}")
        finally:
            if p is not None:
                p.close()


def main():
    print(f"seed {SEED}")
    img = lib.tempfile.NamedTemporaryFile(prefix="srptd-img-")
    img.truncate(16 << 20)
    # Sessions on two workers use the same blocks at once. That is what a disk is for, but to the thread sanitizer
    # memory that is copied so is a race.
    ram0 = (lib.ram("ram0", 16) if lib.sanitizer() != "thread" else
            "HANDLER vdisk_nullio {\n\tDEVICE ram0 {\n\t\tsize 16M\n\t}\n}\n")
    devices = (ram0 + lib.ram("secret", 16) + lib.file_dev("file0", img.name) +
               "HANDLER vdisk_nullio {\n\tDEVICE null0 {\n\t\tsize 16M\n\t}\n}\n")
    luns = "\t\tLUN 0 ram0\n\t\tLUN 1 null0\n\t\tLUN 2 file0\n"
    group = "\t\tGROUP good {\n\t\t\tLUN 0 secret\n\t\t\tINITIATOR 0x*7374656164793031\n\t\t}\n"
    with lib.Target(devices, luns, group + lib.ANY, "workers 2\n") as t:
        steady = Secretive(t.port)
        threads = [threading.Thread(target=worker, args=(t.port, i), daemon=True) for i in range(N_THREADS)]
        for th in threads:
            th.start()
        end = time.monotonic() + SECS
        while time.monotonic() < end and not problems and not steady.problem:
            time.sleep(0.2)
            t.sessions()
        quit_.set()
        for th in threads:
            th.join(60)
        print(totals, f"{steady.rounds} good rounds")
        lib.expect(not problems, f"nothing wrong with seed {SEED}, got:\n" + "\n".join(problems))
        lib.expect(not any(th.is_alive() for th in threads), f"every session comes to an end, seed {SEED}")
        steady.check()
        t.wait_channels(1, 30)
        steady.stop()
        t.wait_channels(0)
        lib.expect(totals["clean ends"] > 3 and totals["other ends"] > 3 and totals["commands"] > 500,
                   f"it got somewhere: {totals}")


main()
