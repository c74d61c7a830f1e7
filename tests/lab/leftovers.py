"""What a world leaves outside its namespaces: its folder and its control groups; and the sweep of worlds that were killed."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from lab.wait import wait_until

PREFIX = "viaduct-lab-"


def lab_root():
    """Where worlds keep their folders: on a real disk, because the engine's overlay mounts want one."""
    return Path(os.environ.get("VIADUCT_LAB_DIR", "/var/tmp"))


def make_folder():
    """A fresh folder and the lock that marks it as alive for as long as this process holds it."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=lab_root()))
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


def make_control_groups(name):
    """A group NAME/engine in every hierarchy, for the processes of the world; the cgroup.procs files to join them by.

    The engine puts a managed plugin's group beneath the one that it runs in itself, so it has to run in one that is ours.
    """
    joins = []
    root = Path("/sys/fs/cgroup")
    for hierarchy in [root, *(entry for entry in root.iterdir() if entry.is_dir() and not entry.is_symlink())]:
        if not (hierarchy / "cgroup.procs").exists():
            continue
        for group in (hierarchy / name, hierarchy / name / "engine"):
            group.mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group of version 1, and nothing may join it so
                if (group / "tasks").exists() and (group / setting).exists():
                    (group / setting).write_text((group.parent / setting).read_text())
        joins.append(hierarchy / name / "engine" / "cgroup.procs")
        if hierarchy == root:
            break  # version 2: what else lies there are groups, not hierarchies
    return joins


def control_groups(name):
    """The world's control groups in every hierarchy (version 1 has one per controller, version 2 a single one)."""
    root = Path("/sys/fs/cgroup")
    return [path for path in [root / name, *(hierarchy / name for hierarchy in root.iterdir() if hierarchy.is_dir())] if path.is_dir()]


def remove_control_groups(folder):
    """Remove those of the world with this folder, from the leaves up; waits for the kernel to let go of dead processes.

    Where versions 1 and 2 are mounted together, runc makes a managed plugin's group at the top of version 2 all the same:
    its name is the plugin's id, which the engine's data-root tells.
    """
    names = [folder.name, *(entry.name for entry in folder.glob("data/plugins/*") if len(entry.name) == 64)]

    def empty():
        groups = [group for name in names for group in control_groups(name)]
        for group in groups:
            for inner, _, _ in os.walk(group, topdown=False):
                os.rmdir(inner)
        return True
    wait_until(empty, 30, f"removal of control groups of {folder.name}")


def remove_folder(folder):
    """Remove the folder. A mount that was kept by a dying namespace makes this fail for an instant."""
    def gone():
        if folder.exists():
            shutil.rmtree(folder)
        return True
    wait_until(gone, 30, f"removal of {folder}")


def sweep():
    """Remove what worlds of killed test runs left: those whose lock nobody holds."""
    for folder in lab_root().glob(PREFIX + "*"):
        try:
            with (folder / "lock").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_control_groups(folder)
                remove_folder(folder)
        except OSError:
            continue  # alive, being made, or being swept by a parallel run
