"""Processes inside a world. Each runs under an nsenter that outlives it by nothing."""

import os
import signal
import subprocess
from pathlib import Path

from lab.wait import wait_until


def children_of(pid):
    """The direct children of a process, from /proc (the `children` file is a kernel option, `stat` always exists)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


class Process:
    """A command in a world: its outer process id, its log file, its end.

    nsenter forks to enter the process-id namespace, so the command is nsenter's child; signals go to the command itself and
    nsenter passes its exit status on.
    """

    def __init__(self, enter, argv, log, env=None, stdin=subprocess.DEVNULL, pass_fds=()):
        self.argv = list(argv)
        self.log = Path(log)
        with self.log.open("ab") as out:
            self._entered = subprocess.Popen([*enter, *self.argv], stdin=stdin, stdout=out, stderr=subprocess.STDOUT, env=env,
                                             start_new_session=True, pass_fds=pass_fds)
        self._pid = None
        wait_until(lambda: self.pid or not self.running, 30, f"start of {self.argv[0]}", interval=0.005)

    @property
    def pid(self):
        """The process id as the tests see it; None after the command has ended before it was looked at."""
        if self._pid is None:
            inner = children_of(self._entered.pid)
            self._pid = inner[0] if inner else None
        return self._pid

    @property
    def running(self):
        return self._entered.poll() is None

    @property
    def returncode(self):
        return self._entered.poll()

    def output(self):
        """All that the command has written so far."""
        return self.log.read_text(errors="replace")

    def signal(self, number):
        """Send a signal; a command that has already ended is left in peace."""
        if self.running and self.pid:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass

    def wait(self, timeout):
        """The exit status; subprocess.TimeoutExpired when the command still runs after `timeout` seconds."""
        return self._entered.wait(timeout)

    def stop(self, timeout=10):
        """SIGTERM, then SIGKILL once `timeout` has passed. Returns the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        """SIGKILL and wait."""
        self.signal(signal.SIGKILL)
        return self.wait(10)
