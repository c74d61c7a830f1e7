"""World: namespaces with a Docker engine in them and an outside host beside them."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

from lab import leftovers, state
from lab.engine import Engine
from lab.process import Process, children_of
from lab.suite import engine_version
from lab.wait import wait_until

UPLINK4, UPLINK6 = "198.18.0.2", "2001:db8:18::2"          # the world's own addresses on its uplink
GATEWAY4, GATEWAY6 = "198.18.0.1", "2001:db8:18::1"        # the outside host on the same wire
OUTSIDE4, OUTSIDE6 = "203.0.113.10", "2001:db8:113::10"    # the outside host beyond the default route
BOOT_ID = "/proc/sys/kernel/random/boot_id"
PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"


class World:
    """Own process-id, network, mount, UTS and IPC namespaces; /run is private, hence the engine's plugin folder too.

    Use as a context manager. Leaving it, an exception, and the death of this process all end everything in the world. Several
    worlds live side by side: no name outside the namespaces is fixed. `keep_logs` names a folder that receives the world's
    *.log files at the end. `engine` names the engine's version (suite.py); without it VIADUCT_ENGINE does.
    """

    def __init__(self, keep_logs=None, engine=None):
        self.engine_version = engine or engine_version()
        self.keep_logs = Path(keep_logs) if keep_logs else None
        self.dir = None
        self.name = None
        self.engine = None
        self._lock = None
        self._joins = []
        self._holder = None
        self.init_pid = None
        self.outside_pid = None

    def __enter__(self):
        leftovers.sweep()
        self.dir, self._lock = leftovers.make_folder()
        self.name = self.dir.name
        atexit.register(self.close)
        try:
            self._joins = leftovers.make_control_groups(self.name)
            self.engine = Engine(self, self.engine_version)
            self._open_namespaces()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _open_namespaces(self):
        settings = {"uplink4": f"{UPLINK4}/24", "uplink6": f"{UPLINK6}/64", "gateway4": f"{GATEWAY4}/24",
                    "gateway6": f"{GATEWAY6}/64", "outside4": f"{OUTSIDE4}/32", "outside6": f"{OUTSIDE6}/128"}
        init = Path(__file__).with_name("init.py")
        with (self.dir / "init.log").open("ab") as errors:
            self._holder = subprocess.Popen(
                ["unshare", "--fork", "--kill-child=KILL", "--pid", "--mount", "--net", "--uts", "--ipc",
                 sys.executable, "-I", str(init), json.dumps(settings)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
                env={"PATH": PATH, "LANG": "C.UTF-8"})
        ready = self._holder.stdout.readline()
        if not ready:
            raise RuntimeError("the world did not start:\n" + (self.dir / "init.log").read_text())
        pids = json.loads(ready)
        self.init_pid, self.outside_pid = pids["init"], pids["outside"]

    def close(self):
        """End every process of the world, then remove its folder and control groups. Safe to call again."""
        if self.dir is None:
            return
        if self._holder is not None:
            self._holder.stdin.close()      # process 1 sees the end of its input and goes; the kernel kills the rest
            try:
                self._holder.wait(20)
            except subprocess.TimeoutExpired:
                for pid in children_of(self._holder.pid):
                    os.kill(pid, 9)
                self._holder.wait(20)
            self._holder.stdout.close()
        if self.keep_logs is not None:
            self.keep_logs.mkdir(parents=True, exist_ok=True)
            for log in self.dir.glob("*.log"):
                shutil.copy(log, self.keep_logs / f"{self.name}-{log.name}")
        leftovers.remove_control_groups(self.dir)
        leftovers.remove_folder(self.dir)
        self._lock.close()
        self.dir = None
        atexit.unregister(self.close)

    # Commands in the world and in the outside host.

    def enter(self, target=None):
        """The command prefix that runs something inside the world; with `target`, in the namespaces of that process of it."""
        return ["nsenter", "--target", str(target or self.init_pid), "--mount", "--net", "--pid", "--uts", "--ipc", "--"]

    def spawn(self, argv, log=None, env=None, target=None):
        """Start a command in the world that runs until it is stopped or the world ends. Output goes to `log` in the folder;
        `target` as for enter()."""
        environment = dict(env or {"PATH": PATH, "LANG": "C.UTF-8"})
        join = ["/bin/sh", "-c", 'for group in $JOIN; do echo 0 >"$group"; done; unset JOIN; exec "$@"', "sh"]
        environment["JOIN"] = " ".join(map(str, self._joins))
        return Process([*join, *self.enter(target)], argv, self.dir / (log or f"{Path(argv[0]).name}.log"), env=environment)

    def run(self, *argv, check=True, timeout=60, stdin=None, env=None):
        """Run a command in the world; its standard output. With check=False the CompletedProcess."""
        return self._finish([*self.enter(), *map(str, argv)], check, timeout, stdin, env)

    def outside(self, *argv, check=True, timeout=60):
        """Run a command on the outside host (its network namespace; the world's files)."""
        prefix = ["nsenter", "--target", str(self.outside_pid), "--net", "--"]
        return self._finish([*prefix, *map(str, argv)], check, timeout, None, None)

    @staticmethod
    def _finish(argv, check, timeout, stdin, env):
        done = subprocess.run(argv, input=stdin or "", capture_output=True, text=True, timeout=timeout,
                              env={"PATH": PATH, "LANG": "C.UTF-8", **(env or {})})
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout if check else done

    def pids_of(self, name):
        """Process ids (the world's own numbering) of the processes with this name."""
        done = self.run("pgrep", "-x", name, check=False)
        return [int(line) for line in done.stdout.split()]

    # What exists, by the kernel's own tools.

    def ip_json(self, *args):
        """`ip -j ARGS` as objects."""
        return [entry for entry in json.loads(self.run("ip", "-j", *args) or "[]") if entry]

    def bridge_json(self, *args):
        """`bridge -j ARGS` as objects."""
        return json.loads(self.run("bridge", "-j", *args) or "[]")

    def nft_json(self, *args):
        """`nft -j ARGS` as objects, the list under "nftables"."""
        return json.loads(self.run("nft", "-j", *args) or '{"nftables": []}')["nftables"]

    def link_names(self, prefix=""):
        return sorted(link["ifname"] for link in self.ip_json("link") if link["ifname"].startswith(prefix))

    def snapshot(self):
        return state.snapshot(self)

    def boot_id(self):
        """The id of the running kernel, as processes of the world read it."""
        return self.run("cat", BOOT_ID).strip()

    def change_boot_id(self):
        """Another one from now on, as after a reboot. Processes with a /proc of their own, as in containers, see the real one."""
        file = self.dir / "boot_id"
        mounted = file.exists()
        file.write_text(f"{uuid.uuid4()}\n")
        if not mounted:
            self.run("mount", "--bind", file, BOOT_ID)

    def docker(self, *args, **options):
        return self.engine.docker(*args, **options)

    def wait_until(self, condition, timeout, what="condition"):
        return wait_until(condition, timeout, what)
