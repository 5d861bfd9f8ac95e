# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Boot a guest for some scenarios and give back how each ended."""
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import time

import lab

# Never KVM: what runs here must run the same on any machine, CI included.
QEMU = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "3072", "-nodefaults",
        "-no-user-config", "-display", "none", "-no-reboot", "-parallel", "none"]
# A machine with much to do does not deliver the timer interrupts that a kernel wants to see at its start: no_timer_check.
CMDLINE = "console=ttyS0 panic=-1 oops=panic mitigations=off nokaslr no_timer_check quiet log_buf_len=4M"
BOOT_S = 90  # a boot, or what comes between two scenarios; each takes about 10 s on a machine that is ours
# All limits are multiplied by it, for a machine that others use as well.
SLOW = int(os.environ.get("VM_SLOW", "1"))
NICE = os.environ.get("VM_NICE", "10")


@dataclasses.dataclass
class Job:
    """A scenario with one choice of its variants."""
    name: str  # of its directory of results
    title: str
    scenario: str  # its file below tests/vm, without .sh
    target: str
    rdma: str
    cpus: str
    timeout: int


@dataclasses.dataclass
class Outcome:
    status: int = -1  # exit status of the scenario; 124: time limit; -1: the guest ended without one
    secs: float = 0.0
    out: str = ""
    why: str = ""


def share(tag, path, readonly):
    return ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none,multidevs=remap,id={tag}" +
            (",readonly=on" if readonly else "")]


def command(image, results, build, cpus, words):
    """The qemu command line; @words become vm.NAME=VALUE on the kernel's."""
    vmlinuz, _ = lab.kernel(lab.release())
    cmdline = " ".join([CMDLINE, *(f"vm.{k}={v}" for k, v in words.items())])
    return [*QEMU, "-smp", cpus, "-kernel", str(vmlinuz), "-initrd", str(image), "-append", cmdline,
            "-serial", f"file:{results}/console.log",
            "-device", "virtio-serial-pci", "-chardev", "stdio,id=out,signal=off", "-device", "virtconsole,chardev=out",
            "-netdev", "user,id=net0,ipv6=off", "-device", "virtio-net-pci,netdev=net0,romfile=",
            *share("project", lab.ROOT, True), *share("build", build, True), *share("results", results, False)]


def read(path):
    return path.read_text(errors="replace") if path.exists() else ""


class Reader:
    """Follows what the guest says: which scenario it is in, and what that prints."""

    def __init__(self, jobs, echo):
        self.jobs = {j.name: j for j in jobs}
        self.echo = echo
        self.now = None  # the job that runs, and what is known of it
        self.outcome = None
        self.ended = []
        self.mark = time.monotonic()
        self.rest = ""

    def limit(self):
        return self.mark + BOOT_S * SLOW + (self.now.timeout if self.now else 0)

    def feed(self, text):
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            m = re.search(r"@@(begin|end) (\S+) ?(-?\d*)", line)
            if m:
                self._marker(*m.groups())
            elif self.now:
                self.outcome.out += line + "\n"
                if self.echo:
                    self.echo(line)

    def _marker(self, what, name, status):
        if what == "begin":
            self.mark = time.monotonic()
            self.now, self.outcome = self.jobs[name], Outcome()
        else:
            self.outcome.status = int(status)
            self._end()

    def _end(self):
        self.outcome.secs = time.monotonic() - self.mark
        self.ended.append((self.now, self.outcome))
        self.now = None
        self.mark = time.monotonic()

    def give_up(self, why):
        """The guest is gone; so is what it ran."""
        if self.now:
            self.outcome.out += self.rest
            self.outcome.why = why
            self._end()


def watch(proc, log, reader):
    """Read what the guest says until it ends; gives each job with its outcome when that is known."""
    os.set_blocking(proc.stdout.fileno(), False)
    alive = True
    while alive:
        piece = proc.stdout.read() or b""
        log.write(piece)
        reader.feed(piece.decode(errors="replace"))
        if not piece and proc.poll() is not None:
            reader.give_up(f"the guest ended without a result (qemu: {proc.returncode})")
            alive = False
        elif time.monotonic() > reader.limit():
            reader.give_up("the guest is stuck")
            alive = False
        while reader.ended:
            yield reader.ended.pop(0)
        time.sleep(0.05)


def keep_results(guest_dir, job, outcome):
    """Move what a scenario left to its own place."""
    to = guest_dir.parent / job.name
    shutil.rmtree(to, ignore_errors=True)
    if (guest_dir / job.name).exists():
        (guest_dir / job.name).rename(to)
    to.mkdir(parents=True, exist_ok=True)
    (to / "out.log").write_text(outcome.out)
    if outcome.status:
        shutil.copy(guest_dir / "console.log", to)
        shutil.copy(guest_dir / "qemu.log", to)


def guest_dir(jobs):
    """Where a guest leaves what it has while it runs @jobs."""
    return lab.LAB / "results" / f"guest-{jobs[0].name}"


def boot(image, build, jobs, words=None, echo=None):
    """Run @jobs (all of one `cpus`) in a fresh guest, one after the other, until one fails. @echo: called with each line
    they print. Gives (job, outcome) of those that were begun: none when the guest did not come up."""
    results = guest_dir(jobs)
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    (results / "plan").write_text("".join(f"{j.name} {j.scenario} {j.rdma} {j.timeout}\n" for j in jobs))
    own = {k[3:].lower(): v for k, v in os.environ.items() if k.startswith("VM_") and k not in ("VM_SLOW", "VM_NICE")}
    cmd = command(image, results, build, jobs[0].cpus, {"target": jobs[0].target, **own, **(words or {})})
    with open(results / "qemu.log", "wb") as err, open(results / "out.log", "wb", buffering=0) as log:
        proc = subprocess.Popen(["nice", "-n", NICE, *cmd], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err)
        try:
            for job, outcome in watch(proc, log, Reader(jobs, echo)):
                keep_results(results, job, outcome)
                yield job, outcome
        finally:
            proc.kill()
            proc.wait()


def post_mortem(results):
    """The last words of a guest in which something failed."""
    text = read(results / "console.log")
    if text.strip():
        return "--- kernel console\n" + "\n".join(text.splitlines()[-12:])
    return read(results / "qemu.log")[-2000:]
