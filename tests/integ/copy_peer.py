# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What the tests of copies share: a peer that is ready, and blocks that are written and read."""
import struct

import lib
from queue_peer import CHECK, GOOD, Queue

MIB = 1 << 20
COPY_ABORTED = 0xA
ILLEGAL_REQUEST = 0x5


def naa(p, lun):
    """The NAA designator of VPD page 83h."""
    r = p.answer(p.issue(bytes([0x12, 1, 0x83, 2, 0, 0]), n_in=512, lun=lun))
    lib.expect(r["status"] == GOOD, f"INQUIRY of LUN {lun}, got {r}")
    at, d = 4, r["data"]
    while d[at + 1] & 0x3F != 3:
        at += 4 + d[at + 3]
    return d[at + 4:at + 4 + d[at + 3]]


def expect_sense(p, tag, asc, key=COPY_ABORTED):
    r = p.answer(tag)
    lib.expect(r["status"] == CHECK and lib.sense(r) == (key, asc >> 8, asc & 255), f"sense {key:x}/{asc:04x}, got {r}")


def pattern(n, seed):
    return b"".join(struct.pack(">II", seed, i) * 64 for i in range(n // 512))


def fill(p, lun, lba, data):
    for at in range(0, len(data), 65536):
        piece = data[at:at + 65536]
        cdb = struct.pack(">BBIBHB", 0x2A, 0, lba + at // 512, 0, len(piece) // 512, 0)
        lib.expect(p.status(p.issue(cdb, piece, imm=False, lun=lun)) == GOOD, "a WRITE")


def get(p, lun, lba, n):
    got = b""
    for at in range(0, n, 65536):
        now = min(n - at, 65536)
        r = p.answer(p.issue(struct.pack(">BBIBHB", 0x28, 0, lba + at // 512, 0, now // 512, 0), n_in=now, lun=lun))
        lib.expect(r["status"] == GOOD, "a READ")
        got += r["data"]
    return got


def peer(t, name, luns=2):
    p = Queue(t.port, name)
    for lun in range(luns):  # unit attentions passed over
        while p.status(p.issue(bytes(6), lun=lun)) == CHECK:
            pass
    return p


# Who may read and write all of it, and who may only read one disk and does not have another.
GROUPS = """		GROUP admins {
			LUN 0 d0
			LUN 1 d1
			LUN 2 d2
			INITIATOR 0x????????????????61646d696e*
		}
		GROUP backup {
			LUN 0 d0
			LUN 1 d1 {
				read_only 1
			}
			INITIATOR 0x????????????????6261636b*
		}
"""
