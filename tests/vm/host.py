# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""srptd on this machine, for the scenarios whose target is not in the guest: the guest reaches 127.0.0.1 of this
machine as 10.0.2.2."""
import contextlib
import shutil
import signal
import socket
import subprocess
import time

CONF = """control_socket {dir}/ctl
HANDLER vdisk_ram {{
	DEVICE ram0 {{
		size 64M
	}}
}}
HANDLER vdisk_fileio {{
	DEVICE file0 {{
		filename {dir}/file0.img
		size 64M
		thin_provisioned 1
	}}
}}
TARGET_DRIVER iwarp {{
	TARGET t0 {{
		listen 127.0.0.1:{port}
		id_ext 0200000000000001
		ioc_guid 0200000000000001
		allow_any 1
		enabled 1
		LUN 0 ram0
		LUN 1 file0
	}}
}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def target_for(target, build, where):
    """Run srptd while the guest does when @target is the host; gives what the guest must know."""
    if target != "host":
        yield {}
        return
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    port = free_port()
    (where / "srptd.conf").write_text(CONF.format(dir=where, port=port))
    with open(where / "log", "wb") as log:
        proc = subprocess.Popen([build / "srptd", "-c", where / "srptd.conf"], stdout=log, stderr=log)
        try:
            end = time.monotonic() + 20
            while "ready" not in (where / "log").read_text(errors="replace"):
                if proc.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"srptd did not start:\n{(where / 'log').read_text(errors='replace')}")
                time.sleep(0.02)
            yield {"port": port}
        finally:
            proc.send_signal(signal.SIGTERM)
            try:
                proc.wait(30)
            except subprocess.TimeoutExpired:
                proc.kill()
                proc.wait()
