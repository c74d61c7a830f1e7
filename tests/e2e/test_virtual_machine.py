"""lab/vm.py, the virtual machine of the tier vlan: what its command says and how it ends; nothing left behind, however it ends."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from lab import leftovers, wait_until
from lab.process import children_of

VM = [sys.executable, str(Path(leftovers.__file__).with_name("vm.py"))]


def machines(folder):
    """Processes with the folder in their command line: qemu's."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder) in entry.read_text(errors="replace"):
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def started():
    """A machine whose qemu runs: its vm.py, and its folder."""
    vm = subprocess.Popen([*VM, "--", "sleep", "600"], stdin=subprocess.DEVNULL)

    def folder():
        commands = [Path(f"/proc/{child}/cmdline").read_text() for child in children_of(vm.pid)]
        return next((found[1] for command in commands if (found := re.search(r"vm\.run=(\S+)", command))), None)
    return vm, Path(wait_until(folder, 60, "the machine's start"))


def test_output_status_and_folders(tmp_path):
    script = 'echo told; echo more >&2; echo kept >"$KEPT/file"; echo lost >/var/tmp/viaduct-lost; exit 7'
    done = subprocess.run([*VM, "--writable", str(tmp_path), "--env", f"KEPT={tmp_path}", "--", "sh", "-c", script],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
    assert done.returncode == 7, done.stderr
    assert done.stdout.split() == ["told", "more"]
    assert (tmp_path / "file").read_text() == "kept\n"
    assert not Path("/var/tmp/viaduct-lost").exists()


def test_a_command_that_does_not_end_is_ended():
    begun = time.monotonic()
    done = subprocess.run([*VM, "--deadline", "2", "--", "sleep", "600"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=120)
    assert done.returncode == 124 and "did not end in time" in done.stderr
    assert time.monotonic() - begun < 60


def test_an_interrupted_machine_leaves_nothing():
    vm, folder = started()
    vm.send_signal(signal.SIGTERM)
    assert vm.wait(60) == 128 + signal.SIGTERM
    assert machines(folder) == [] and not folder.exists()


def test_a_killed_machine_is_gone_and_swept_by_the_next():
    vm, folder = started()
    os.kill(vm.pid, signal.SIGKILL)
    vm.wait(10)
    wait_until(lambda: not machines(folder), 30, "the end of qemu")
    leftovers.sweep()
    assert not folder.exists()
