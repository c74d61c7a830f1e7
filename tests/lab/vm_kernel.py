"""A kernel for virtual machines that has what this machine's own may lack: VLANs, modules of every sort.

It is Debian's linux-image-cloud-amd64, unpacked and not installed (an installed kernel would be in the machine's boot menu), once,
and kept in build/vm for every later run. Remove the folder to have the newest one.
"""

import fcntl
import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / "build" / "vm"
PACKAGE = "linux-image-cloud-amd64"


class Kernel:
    """An unpacked kernel package: `image`, `version`, and the folder `modules` that belongs at /lib/modules/VERSION."""

    def __init__(self, folder):
        self.folder = folder
        [self.modules] = (folder / "lib/modules").iterdir()
        self.version = self.modules.name
        self.image = folder / "boot" / f"vmlinuz-{self.version}"

    def with_dependencies(self, names):
        """The files of these modules and of those that they need, in the order in which they have to be loaded."""
        files = []
        for name in names:
            told = _run("modprobe", "--dirname", self.folder, "--set-version", self.version, "--show-depends", name)
            for line in told.splitlines():
                word, *rest = line.split()
                if word == "insmod" and rest[0] not in files:
                    files.append(rest[0])
        return [Path(file) for file in files]


def kernel():
    """The kernel, downloaded now if it is not there. Processes that ask at the same time wait for the one that does it; the folder
    appears under its name only when it is whole."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder, part = CACHE / "kernel", CACHE / "kernel.part"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            _unpack(part)
            part.rename(folder)
    return Kernel(folder)


def _run(*argv, **options):
    argv = [str(word) for word in argv]
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _newest():
    """The package that the one without a version in its name stands for; None when apt's lists do not know it."""
    done = subprocess.run(["apt-cache", "depends", PACKAGE], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    found = [line.split()[1] for line in done.stdout.splitlines() if line.strip().startswith("Depends: linux-image-")]
    return found[0] if found else None


def _unpack(folder):
    package = _newest()
    if package is None:
        _run("apt-get", "-qq", "update")
        package = _newest()
    if package is None:
        raise RuntimeError(f"apt knows no {PACKAGE}: virtual machines need it, on amd64; add a Debian archive to apt's sources")
    _run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package, cwd=folder)
    [archive] = folder.glob("*.deb")
    _run("dpkg-deb", "--extract", archive, folder)
    archive.unlink()
    shutil.rmtree(folder / "usr", ignore_errors=True)
    _run("depmod", "--basedir", folder, Kernel(folder).version)
