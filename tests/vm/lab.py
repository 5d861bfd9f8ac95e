# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The guest: Debian's own kernel, its siw module (which Debian leaves out, so it is built from Debian's own
source of that kernel) and an initramfs with a userland copied from this machine. Everything is kept in build-vm/ and
made again when what it came from changes."""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

import cpio

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LAB = ROOT / "build-vm"
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

# Kernel modules, with what they depend on. Those of INIT are loaded before anything else runs.
INIT = ["virtio_pci", "virtio_console", "9p", "9pnet_virtio"]
MODULES = INIT + ["virtio_net", "virtio_blk", "dummy", "veth", "ib_srp", "ib_srpt", "rdma_rxe", "ib_uverbs", "rdma_ucm", "ib_umad",
                  "target_core_mod", "target_core_file", "target_core_iblock", "sd_mod", "sg", "ext4", "crc32c_generic", "crc32_generic", "crc32-pclmul",
                  "crc32c-intel", "libcrc32c", "loop", "null_blk", "dm_multipath", "dm_mod", "iw_cm", "tcp_diag", "inet_diag"]

PROGRAMS = """basename bash cat chmod cksum cmp comm cp cut date dd df diff dirname du echo env expr false find grep awk head hostname id
    kill ln ls md5sum mkdir mkfifo mknod mktemp mv nice nproc od paste printf ps pgrep pkill pidof pwd readlink realpath rm rmdir sed seq
    setsid sh shuf sleep sort stat stdbuf stty sync tail tar tee test timeout touch tr true truncate uname uniq wc xargs
    mount umount lsblk blockdev dmesg losetup free modprobe insmod rmmod lsmod depmod ip rdma ss
    mkfs.ext4 mke2fs e2fsck fsck.ext4 tune2fs fio lsscsi sg_inq sg_luns sg_turs sg_reset sg_raw sg_readcap sg_vpd
    sg_write_same sg_unmap sg_opcodes sg_persist iscsi-test-cu ibv_devices ibv_devinfo ibv_rc_pingpong rping setpriv strace""".split()
OPTIONAL = {"strace", "hostname"}

# Found at run time by dlopen() only.
PLUGINS = ["/etc/libibverbs.d/siw.driver", "/etc/libibverbs.d/rxe.driver", "/usr/lib/*/libibverbs/libsiw-*.so", "/usr/lib/*/libibverbs/librxe-*.so"]
LIBRARIES = ["/usr/lib/*/libgcc_s.so.1", "/usr/lib/*/libasan.so.8", "/usr/lib/*/libubsan.so.1", "/usr/lib/*/libtsan.so.2",
             "/usr/lib/*/libstdbuf.so", "/usr/libexec/coreutils/libstdbuf.so", "/usr/lib/*/libibverbs.so.1",
             "/usr/lib/*/librdmacm.so.1", "/usr/lib/*/liburing.so.2", "/usr/lib/*/libjansson.so.4",
             "/usr/lib/*/libisal.so.2", "/usr/lib/*/libcmocka.so.0"]


class Missing(Exception):
    """What the lab needs and this machine has not."""


def sh(*cmd, cwd=None):
    env = dict(os.environ, PATH=PATH)
    done = subprocess.run([str(c) for c in cmd], cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, cmd))}: exit {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def need(*programs):
    for p in programs:
        if not shutil.which(p, path=PATH):
            raise Missing(f"{p} is not installed (scripts/deps vm installs what the lab needs)")


# --- the kernel ---

def release():
    """Release of the kernel to boot: the newest whose headers are installed, as 6.1.0-56-amd64."""
    found = [p.name[len("linux-headers-"):] for p in pathlib.Path("/usr/src").glob("linux-headers-*-amd64")]
    if not found:
        raise Missing("no linux-headers-*-amd64 is installed (scripts/deps vm)")
    return max(found, key=lambda r: [int(n) for n in re.findall(r"\d+", r)])


def kernel(rel):
    """Unpack Debian's kernel image; return (vmlinuz, module directory)."""
    tree = LAB / f"kernel-{rel}"
    if not (tree / "done").exists():
        debs = sorted((LAB / "cache").glob(f"linux-image-{rel}_*.deb"))
        if not debs:
            raise Missing(f"package linux-image-{rel} is not in build-vm/cache (scripts/deps vm fetches it)")
        shutil.rmtree(tree, ignore_errors=True)
        sh("dpkg-deb", "-x", debs[-1], tree)
        sh("depmod", "-b", tree, rel)
        (tree / "done").touch()
    mods = next(p for p in (tree / "lib/modules", tree / "usr/lib/modules") if p.exists()) / rel
    return tree / f"boot/vmlinuz-{rel}", mods


def version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip()


def siw(rel):
    """Build siw.ko for this kernel from the source package of the same version."""
    base = re.match(r"\d+\.\d+", rel).group(0)
    headers, source = version(f"linux-headers-{rel}"), version(f"linux-source-{base}")
    built = LAB / f"siw-{rel}-{headers}"
    ko = built / "siw.ko"
    if ko.exists():
        return ko
    if headers != source:
        raise Missing(f"linux-headers-{rel} is {headers or 'missing'}, linux-source-{base} is {source or 'missing'}: "
                      "both must be of one version")
    tars = [pathlib.Path(f"/usr/src/linux-source-{base}.tar.{x}") for x in ("xz", "zst", "gz")]
    tar = next((t for t in tars if t.exists()), None)
    if not tar:
        raise Missing(f"package linux-source-{base} is not installed (scripts/deps vm)")
    need("gcc", "make")
    shutil.rmtree(built, ignore_errors=True)
    built.mkdir(parents=True)
    sh("tar", "-xf", tar, "-C", built, "--strip-components=5", f"linux-source-{base}/drivers/infiniband/sw/siw")
    (built / "Kbuild").write_text("obj-m := siw.o\nsiw-y := " + " ".join(
        sorted(f"{p.stem}.o" for p in built.glob("*.c"))) + "\n")
    sh("make", "-C", f"/usr/src/linux-headers-{rel}", f"M={built}", "modules")
    return ko


def module_files(mods, names):
    """Paths below @mods of the modules @names and of all they need."""
    deps = {}
    for line in (mods / "modules.dep").read_text().splitlines():
        path, _, need_ = line.partition(":")
        deps[path] = need_.split()
    by_name = {re.sub(r"\.ko.*", "", os.path.basename(p)).replace("-", "_"): p for p in deps}
    want = []
    for name in names:
        path = by_name.get(name.replace("-", "_"))
        if path:  # else it is built in
            want += [path, *deps[path]]
    return sorted(set(want))


# --- the initramfs ---

def libraries(paths):
    """Shared libraries of these programs, as the loader of this machine finds them."""
    found = set()
    for path in paths:
        done = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        found |= set(re.findall(r"(/\S+) \(0x", done.stdout))
    return found


def userland():
    """Files to copy, name in the guest -> file here."""
    files = {}
    for name in PROGRAMS:
        exe = shutil.which(name, path=PATH)
        if exe:
            files["/usr/bin/" + name] = os.path.realpath(exe)
        elif name not in OPTIONAL:
            raise Missing(f"{name} is not installed (scripts/deps vm installs what the lab needs)")
    files["/usr/bin/sh"] = files["/usr/bin/bash"]
    for pattern in PLUGINS + LIBRARIES:
        for p in pathlib.Path("/").glob(pattern[1:]):
            files[str(p)] = str(p.resolve())
    for lib in libraries(sorted(set(files.values()))):
        files[re.sub(r"^/(lib\w*)/", r"/usr/\1/", lib)] = os.path.realpath(lib)
    return files


def stage_modules(mods, rel, ko, stage):
    to = stage / "lib/modules" / rel
    for path in module_files(mods, MODULES):
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(mods / path, to / path)
    (to / "extra").mkdir()
    shutil.copy(ko, to / "extra/siw.ko")
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copy(mods / name, to / name)
    sh("depmod", "-b", stage, rel)


def initramfs(rel):
    """Make (or find) the initramfs; return its path."""
    _, mods = kernel(rel)
    ko = siw(rel)
    files = userland()
    seed = hashlib.sha256()
    for name in sorted(files):
        st = os.stat(files[name])
        seed.update(f"{name} {files[name]} {st.st_size} {st.st_mtime_ns}\n".encode())
    for p in (pathlib.Path(__file__), HERE / "cpio.py", HERE / "guest/init", ko):
        seed.update(p.read_bytes())
    image = LAB / f"initramfs-{rel}-{seed.hexdigest()[:16]}.cpio"
    if image.exists():
        return image
    for old in LAB.glob("initramfs-*"):
        old.unlink()
    stage = LAB / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    (stage / "lib").mkdir(parents=True)
    stage_modules(mods, rel, ko, stage)
    with cpio.Writer(image.with_suffix(".new")) as out:
        for d in ("dev", "proc", "sys", "run", "tmp", "root", "etc", "mnt", "project", "results", "build", "usr"):
            out.directory(d)
        for link in ("bin", "sbin", "lib", "lib64"):
            out.symlink(link, "usr/" + ("bin" if "bin" in link else link))
        out.symlink("usr/sbin", "bin")
        for name in sorted(files):
            out.file(name.lstrip("/"), files[name])
        for p in sorted(stage.rglob("*")):
            if p.is_file():
                out.file("usr/" + str(p.relative_to(stage)), p)
        out.data("etc/passwd", b"root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n")
        out.data("etc/group", b"root:x:0:\nnogroup:x:65534:\n")
        out.data("etc/hosts", b"127.0.0.1 localhost\n")
        out.data("etc/modules", ("\n".join(INIT) + "\n").encode())
        out.symlink("etc/mtab", "/proc/self/mounts")
        out.file("init", HERE / "guest/init", mode=0o755)
    image.with_suffix(".new").rename(image)
    shutil.rmtree(stage)
    return image
