"""Builds call_timer.cc and runs it in a world."""

import collections
import json
import os
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("call_timer.cc")
FOLDER = SOURCE.parents[2] / "build/bench"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wold-style-cast", "-Werror"]


def build():
    """Compile unless the program is there and newer than its sources; the program."""
    newest = max(path.stat().st_mtime for path in (SOURCE, SOURCE.with_name("bare_links.h")))
    FOLDER.mkdir(parents=True, exist_ok=True)
    program = FOLDER / "call_timer"
    if not program.exists() or program.stat().st_mtime <= newest:
        made = FOLDER / f"call_timer.{os.getpid()}"
        subprocess.run(["g++", "-std=c++20", "-O2", *WARNINGS, "-pthread", str(SOURCE), "-o", str(made)], check=True, timeout=300)
        made.replace(program)
    return program


def step(label, verb, body=None):
    """A line of a script; label "-" for steps that are not measured."""
    return " ".join([label, verb, *([json.dumps(body, separators=(",", ":"))] if body is not None else [])])


class Timer:
    """The program with one daemon's socket. Its files to flush lie in the world's folder, on the disk of the state."""

    def __init__(self, world, socket):
        self.world, self.socket = world, socket
        self.program = build()

    def run(self, sections, *, rounds=None, seconds=None, callers=1, timeout=120):
        """Run a script, [(section, [line, …]), …]; label → list of nanoseconds, "elapsed" among them."""
        script = "".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections)
        length = ["--rounds", rounds] if rounds is not None else ["--seconds", seconds]
        text = self.world.run(self.program, *length, "--callers", callers, "--socket", self.socket, "--folder", self.world.dir,
                              stdin=script, timeout=timeout)
        found = collections.defaultdict(list)
        for line in text.splitlines():
            label, _, value = line.partition(" ")
            found[label].append(int(value))
        return found
