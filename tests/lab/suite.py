"""Engines that this machine does not have: each the docker.io of a Debian suite, in a root folder of its own.

Root folders are made by debootstrap from the mirror that this machine's apt uses, once, and kept in build/engines for every
world and every later run; worlds see them beneath an overlay and never write to them. VIADUCT_ENGINE names the engine of worlds
that are not told otherwise.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / "build" / "engines"
SUITES = {"20.10": None, "26.1": "trixie", "28.5": "sid"}   # None: the engine of this machine, Debian 12
PACKAGES = "docker.io,docker-cli,iptables,iproute2,nftables,ca-certificates"
LOADER, LIBRARIES = "lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu"
ENTER = Path(__file__).with_name("enter_suite.sh")


def engine_version():
    """The engine that the environment asks for, a key of SUITES; the machine's own when it says nothing."""
    version = os.environ.get("VIADUCT_ENGINE", "20.10")
    if version not in SUITES:
        raise ValueError(f"VIADUCT_ENGINE is {version!r}; choose one of {', '.join(SUITES)}")
    return version


def mirror():
    """The address of Debian's main archive in this machine's apt sources."""
    told = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)|$(LABEL)", "Created-By: Packages"],
                          capture_output=True, text=True, check=True).stdout.split("\n")
    targets = [line.split("|") for line in told if "|" in line]
    # Without package lists (as in fresh images) apt knows no labels.
    found = [site for site, label in targets if label == "Debian"] or [site for site, _ in targets if "security" not in site]
    if not found:
        raise RuntimeError("apt's sources name no Debian archive, from which an engine could be had: add one and run apt-get update")
    return found[0]


def apt_proxies():
    """The proxies of apt as environment variables, which debootstrap's downloads heed."""
    found = {}
    for kind in ("http", "https"):
        told = subprocess.run(["apt-config", "shell", "PROXY", f"Acquire::{kind}::Proxy"], capture_output=True, text=True,
                              check=True).stdout
        address = told.partition("=")[2].strip().strip("'")
        if address:
            found[f"{kind}_proxy"] = address
    return found


def root_of(version):
    """The root folder of the engine, made now if it is not there (about 40 s); None for the machine's own engine.

    Processes that ask at the same time wait for the one that makes it. A folder appears under its name only when it is whole.
    """
    suite = SUITES[version]
    if suite is None:
        return None
    CACHE.mkdir(parents=True, exist_ok=True)
    root, part = CACHE / suite, CACHE / f"{suite}.part"
    with (CACHE / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            if part.exists():
                shutil.rmtree(part)
            _bootstrap(suite, part)
            (part / "lab-version").write_text(_version(part))
            part.rename(root)
    found = (root / "lab-version").read_text()
    if not found.startswith(version + "."):
        raise RuntimeError(f"Debian {suite} has engine {found} and no longer {version}: name the suite that has it in SUITES of "
                           f"tests/lab/suite.py, or the engine that the suite has, and remove {root}")
    return root


def _bootstrap(suite, folder):
    # In a mount namespace of its own: what it mounts in the folder is gone when it ends, however it ends.
    done = subprocess.run(["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(folder),
                           mirror()], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, **apt_proxies()})
    if done.returncode != 0:
        raise RuntimeError(f"debootstrap of {suite} failed; it wrote {folder}/debootstrap/debootstrap.log:\n"
                           f"{done.stdout[-2000:]}{done.stderr}")
    shutil.rmtree(folder / "var/cache/apt/archives", ignore_errors=True)
    shutil.rmtree(folder / "var/lib/apt/lists", ignore_errors=True)


def _version(root):
    """The engine's version as its client tells it, such as 28.5.2."""
    told = subprocess.run([*client_command(root), "--version"], capture_output=True, text=True, check=True).stdout
    return told.split()[2].rstrip(",").partition("+")[0]


def client_command(root):
    """The words that run the suite's docker client outside its root folder, by the suite's own loader and libraries."""
    return [str(root / LOADER), "--library-path", str(root / LIBRARIES), str(root / "usr/bin/docker")]


def write_client(root, file):
    """Make `file` a program that is the suite's client."""
    file.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in client_command(root)) + ' "$@"\n')
    file.chmod(0o755)
    return file


def holder_command(root, world_folder):
    """A command for a world that makes a mount namespace with the suite's root folder, prints "ready" and keeps it."""
    return ["unshare", "--mount", "/bin/sh", str(ENTER), str(root), str(world_folder)]
