"""viaductctl as operators run it."""

import json
import os
import subprocess
from pathlib import Path

from .world import binary


def program():
    """The viaductctl under test: $VIADUCTCTL, or the one beside viaductd."""
    path = Path(os.environ.get("VIADUCTCTL", binary().parent / "viaductctl"))
    assert path.is_file(), f"no viaductctl at {path}; build it or set VIADUCTCTL"
    return path


def run(*words, environment=None, input=""):
    # VIADUCT_ADMIN of whoever runs the tests is none of theirs.
    clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(environment or {})}
    return subprocess.run([str(program()), *map(str, words)], input=input, capture_output=True, text=True, timeout=30,
                          env=clean)


class Ctl:
    """viaductctl with one world's admin socket."""

    def __init__(self, path):
        self.socket = f"unix://{path}"

    def run(self, *words, input=""):
        return run("--socket", self.socket, *words, input=input)

    def text(self, *words, input=""):
        done = self.run(*words, input=input)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert done.stdout.isascii() and done.stdout.endswith("\n")
        return done.stdout

    def json(self, *words, input=""):
        return json.loads(self.text(*words, "--json", input=input))

    def refused(self, *words, input=""):
        """The sentence of a command that the daemon refuses."""
        done = self.run(*words, input=input)
        assert done.returncode == 1 and done.stdout == "", done
        assert done.stderr.startswith("viaductctl: ") and done.stderr.count("\n") == 1, done.stderr
        return done.stderr
