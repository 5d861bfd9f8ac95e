# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Write a cpio archive in the "newc" format, which is what a kernel unpacks as its initramfs."""
import pathlib
import stat


class Writer:
    def __init__(self, path):
        self.out = open(path, "wb")
        self.ino = 0
        self.dirs = set()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self._entry("TRAILER!!!", 0, b"")
        self.out.close()
        return False

    def _entry(self, name, mode, body):
        self.ino += 1
        raw = name.encode() + b"\0"
        fields = [self.ino, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(raw), 0]
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        self.out.write(head + bytes(-len(head) % 4) + body + bytes(-len(body) % 4))

    def _parents(self, name):
        for p in list(pathlib.PurePosixPath(name).parents)[-2::-1]:
            self.directory(str(p))

    def directory(self, name):
        if name in self.dirs:
            return
        self._parents(name)
        self.dirs.add(name)
        self._entry(name, stat.S_IFDIR | 0o755, b"")

    def symlink(self, name, to):
        self._parents(name)
        self.dirs.add(name)
        self._entry(name, stat.S_IFLNK | 0o777, to.encode())

    def data(self, name, body, mode=0o644):
        self._parents(name)
        self._entry(name, stat.S_IFREG | mode, body)

    def file(self, name, source, mode=None):
        source = pathlib.Path(source)
        if mode is None:
            mode = stat.S_IMODE(source.stat().st_mode) | 0o444
        self.data(name, source.read_bytes(), mode)
