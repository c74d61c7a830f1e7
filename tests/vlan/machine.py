"""The virtual machine itself as a world (lab/world.py): it has no namespaces to be entered, and what is left in it ends with it."""

import os
import shutil
import subprocess
from pathlib import Path

from lab import Process, World
from lab.engine import Engine


class OwnProcess(Process):
    """A command without an nsenter around it."""

    def __init__(self, argv, log, env):
        self.argv, self.log = list(argv), Path(log)
        with self.log.open("ab") as out:
            self._entered = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env,
                                             start_new_session=True)
        self._pid = self._entered.pid


class Machine(World):
    """Its folder is where the lab's folders are; process ids are the machine's."""

    def __enter__(self):
        self.dir = Path(os.environ["VIADUCT_LAB_DIR"]) / "viaduct-machine"
        self.dir.mkdir()
        self.name = self.dir.name
        self.init_pid = os.getpid()
        self.engine = Engine(self, self.engine_version)
        return self

    def close(self):
        """Keep the logs; nothing else has to be done."""
        if self.keep_logs is not None:
            self.keep_logs.mkdir(parents=True, exist_ok=True)
            for log in self.dir.glob("*.log"):
                shutil.copy(log, self.keep_logs)

    def enter(self, target=None):
        return ["nsenter", "--target", str(target), "--net", "--"] if target else []

    def spawn(self, argv, log=None, env=None, target=None):
        environment = dict(env or {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"})
        return OwnProcess([*self.enter(target), *argv], self.dir / (log or f"{Path(argv[0]).name}.log"), environment)
