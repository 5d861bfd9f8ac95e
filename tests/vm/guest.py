# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Boot the guest for one scenario and give back how it ended."""
import dataclasses
import os
import pathlib
import shutil
import subprocess
import time

import lab

# Never KVM: what runs here must run the same on any machine, CI included.
QEMU = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "3072", "-nodefaults",
        "-no-user-config", "-display", "none", "-no-reboot", "-parallel", "none"]
CMDLINE = "console=ttyS0 panic=-1 oops=panic mitigations=off nokaslr quiet log_buf_len=4M"
BOOT_S = 60  # on top of the scenario's own limit; a boot takes about 10 s


@dataclasses.dataclass
class Outcome:
    status: int  # exit status of the scenario; 124: time limit; -1: the guest ended without one
    secs: float
    out: str
    why: str = ""


def share(tag, path, readonly):
    return ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none,multidevs=remap,id={tag}" +
            (",readonly=on" if readonly else "")]


def command(image, results, build, words):
    """The qemu command line; @words become vm.NAME=VALUE on the kernel's."""
    vmlinuz, _ = lab.kernel(lab.release())
    cmdline = " ".join([CMDLINE, *(f"vm.{k}={v}" for k, v in words.items())])
    return [*QEMU, "-smp", str(words.get("cpus", 2)), "-kernel", str(vmlinuz), "-initrd", str(image), "-append", cmdline,
            "-serial", f"file:{results}/console.log",
            "-device", "virtio-serial-pci", "-chardev", "stdio,id=out,signal=off", "-device", "virtconsole,chardev=out",
            "-netdev", "user,id=net0,ipv6=off", "-device", "virtio-net-pci,netdev=net0,romfile=",
            *share("project", lab.ROOT, True), *share("build", build, True), *share("results", results, False)]


def read(path):
    return path.read_text(errors="replace") if path.exists() else ""


def boot(image, build, scenario, timeout, words=None, echo=None, results=None):
    """Run @scenario in a fresh guest. @echo: called with each piece of its output."""
    results = results or lab.LAB / "results" / scenario
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    cmd = command(image, results, build, {"scenario": scenario, "timeout": timeout, **(words or {})})
    start = time.monotonic()
    out = b""
    with open(results / "qemu.log", "wb") as err, open(results / "out.log", "wb", buffering=0) as log:
        proc = subprocess.Popen(["nice", "-n", "10", *cmd], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err)
        os.set_blocking(proc.stdout.fileno(), False)
        end = start + timeout + BOOT_S
        why = ""
        while True:
            piece = proc.stdout.read() or b""
            out += piece
            log.write(piece)
            if piece and echo:
                echo(piece.decode(errors="replace"))
            if not piece and proc.poll() is not None:
                break
            if time.monotonic() > end:
                why = f"the guest did not end within {timeout + BOOT_S} s"
                proc.kill()
                proc.wait()
                break
            time.sleep(0.05)
    code = read(results / "status").strip()
    if not code:
        why = why or f"the guest ended without a result (qemu: {proc.returncode})"
    return Outcome(int(code) if code else -1, time.monotonic() - start, out.decode(errors="replace"), why)


def post_mortem(results):
    """The last words of a guest that failed."""
    text = read(results / "console.log")
    if text.strip():
        return "--- kernel console\n" + "\n".join(text.splitlines()[-12:])
    return read(results / "qemu.log")[-2000:]
