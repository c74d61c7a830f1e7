#!/usr/bin/python3
"""A virtual machine that sees this machine's files and runs one command as root, with a kernel that has VLANs (vm_kernel.py).

usage: vm.py [--deadline SECONDS] [--writable FOLDER]… [--env NAME[=VALUE]]… [--] COMMAND…

What the command prints comes out here, and its exit status is this program's; 124 when the deadline passed, 125 when the machine ended
without one (the end of its console goes to standard error). The guest's root folder is the host's beneath an overlay: what it writes is
gone with it, except in folders named as writable. It has no way to the host's network.

The machine is emulated (about thirty times slower than this one) unless VIADUCT_VM_ACCEL=kvm says that KVM works here.
"""

import argparse
import ctypes
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import leftovers  # noqa: E402  (run as a program, the folder of the package has to be put in the path first)
from lab.vm_initramfs import initramfs  # noqa: E402
from lab.vm_kernel import kernel  # noqa: E402

QEMU, VIRTIOFSD = "/usr/bin/qemu-system-x86_64", "/usr/lib/qemu/virtiofsd"
INIT = Path(__file__).with_name("vm_init.sh")
FIRST_MODULES = ("virtio_pci", "virtiofs", "overlay", "virtio_console")
MEMORY = "3G"
# Emulated AVX costs more than it gives, and five-level page tables cost a walk more each.
EMULATED = ["-accel", "tcg,thread=multi", "-cpu", "max,-avx,-avx2,-la57"]
KVM = ["-accel", "kvm", "-cpu", "host"]
# Nothing here is worth protecting from itself, and an emulated processor misses the deadlines of watchdogs.
APPEND = ("console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable nowatchdog audit=0 selinux=0 apparmor=0 "
          "rcupdate.rcu_cpu_stall_suppress=1 random.trust_cpu=on")
TIMED_OUT, NO_STATUS = 124, 125


class Vm:
    """One run of a machine; a context manager. Leaving it, and the death of this process, end the machine and all that it had."""

    def __init__(self, command, writable=(), environment=None, cwd=None):
        self._command = list(command)
        self._writable = [str(Path(folder).resolve()) for folder in writable]
        self._environment = dict(environment or {})
        self._cwd = str(Path(cwd or Path.cwd()).resolve())
        self._files = self._machine = self._lock = self.folder = None

    def __enter__(self):
        leftovers.sweep()
        self.folder, self._lock = leftovers.make_folder()
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _start(self):
        found = kernel()
        (self.folder / "modules").symlink_to(found.modules)
        (self.folder / "initramfs").write_bytes(initramfs(found.with_dependencies(FIRST_MODULES)))
        (self.folder / "cwd").write_text(self._cwd)
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self._environment.items()]
        (self.folder / "command").write_text("\n".join([*lines, "exec " + shlex.join(self._command)]) + "\n")
        self._start_files()
        # Its standard input stays open: at the end of that, qemu would no longer pass the guest's output on.
        append = f"{APPEND} vm.init={INIT} vm.project={INIT.parents[2]} vm.run={self.folder} vm.writable={':'.join(self._writable)}"
        with (self.folder / "qemu.log").open("wb") as log:
            self._machine = subprocess.Popen(
                [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35",
                 *(KVM if os.environ.get("VIADUCT_VM_ACCEL") == "kvm" else EMULATED), "-smp", str(min(os.cpu_count(), 4)), "-m", MEMORY,
                 "-object", f"memory-backend-memfd,id=memory,size={MEMORY},share=on", "-numa", "node,memdev=memory",
                 "-chardev", f"socket,id=files,path={self.folder}/files.sock",
                 "-device", "vhost-user-fs-pci,chardev=files,tag=host",
                 "-device", "virtio-serial-pci", "-chardev", "stdio,id=output,signal=off", "-device", "virtserialport,chardev=output",
                 "-serial", f"file:{self.folder}/console.log",
                 "-kernel", str(found.image), "-initrd", str(self.folder / "initramfs"), "-append", append],
                stdin=subprocess.PIPE, stderr=log, start_new_session=True, preexec_fn=_die_with_parent)

    def _start_files(self):
        """virtiofsd for the whole of this machine's root folder. It gets a socket that listens: one of its own making would have a
        lock file in /run."""
        with socket.socket(socket.AF_UNIX) as listener, (self.folder / "virtiofsd.log").open("wb") as log:
            listener.bind(str(self.folder / "files.sock"))
            listener.listen(1)
            self._files = subprocess.Popen(
                [VIRTIOFSD, f"--fd={listener.fileno()}", "-o", "source=/,sandbox=chroot,cache=always", "--thread-pool-size=2"],
                pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=_die_with_parent)

    def wait(self, deadline):
        """The command's exit status, once the machine is off; TIMED_OUT, NO_STATUS."""
        try:
            self._machine.wait(deadline)
        except subprocess.TimeoutExpired:
            return TIMED_OUT
        status = self.folder / "status"
        return int(status.read_text()) if status.exists() else NO_STATUS

    def console(self, lines=40):
        """The last lines of the kernel's console and of what qemu and virtiofsd said."""
        logs = [self.folder / name for name in ("console.log", "qemu.log", "virtiofsd.log")]
        told = [line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()]
        return "\n".join(told[-lines:])

    def close(self):
        """End the machine and remove its folder. Safe to call again."""
        for process in (self._machine, self._files):
            if process is not None:
                process.kill()
                process.wait()
        if self._machine is not None:
            self._machine.stdin.close()
        if self.folder is not None:
            leftovers.remove_folder(self.folder)
            self._lock.close()
            self.folder = None


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def environment_of(words):
    """{NAME: VALUE} of the words NAME (this process's value, if it has one) and NAME=VALUE."""
    found = {}
    for word in words:
        name, given, value = word.partition("=")
        if given or name in os.environ:
            found[name] = value if given else os.environ[name]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--deadline", type=float, default=300, help="seconds, 300 by default")
    parser.add_argument("--writable", action="append", default=[], metavar="FOLDER")
    parser.add_argument("--env", action="append", default=[], metavar="NAME[=VALUE]")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    def interrupted(number, _):
        sys.exit(128 + number)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, interrupted)
    started = time.monotonic()
    with Vm(options.command, options.writable, environment_of(options.env)) as machine:
        status = machine.wait(options.deadline)
        if status in (TIMED_OUT, NO_STATUS):
            what = "did not end in time" if status == TIMED_OUT else "ended without a status of its command"
            print(f"vm.py: the machine {what} ({time.monotonic() - started:.0f} s); its console:\n{machine.console()}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
