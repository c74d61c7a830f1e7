"""kill -9 at every system call that reaches the kernel's links, its packet filter or the disk: the engine's next attempt finds no
trace of the last one, and at the end nothing is left."""

import os
import subprocess
from pathlib import Path

import pytest
from harness import wait
from harness.calls import Network
from harness.http import Closed

MOST_POINTS = 60


class Surviving:
    """A caller that starts viaductd again when it died under a call, and then makes the same call once more, as the engine does."""

    def __init__(self, world):
        self.world, self.deaths = world, 0
        self.client = world.client()

    def call(self, method, arguments=None):
        try:
            return self.client.call(method, arguments)
        except (Closed, ConnectionError):
            self.world.daemon.wait_exit()
            self.deaths += 1
            self.world.start()
            self.client = self.world.client()
            return self.client.call(method, arguments)


def kill_at(world, call, count):
    """strace sends SIGKILL as the daemon enters this system call for the count-th time."""
    pid = world.daemon.pid
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid), "-e", f"trace={call}",
                               "-e", f"inject={call}:signal=KILL:when={count}"], stderr=subprocess.DEVNULL)

    def traced():
        assert tracer.poll() is None, "strace ended"
        return all("TracerPid:\t0" not in (task / "status").read_text() for task in Path(f"/proc/{pid}/task").iterdir())

    wait.until(traced, "strace at work")
    return tracer


def whole_life(caller):
    """One network with a container that publishes a port, from RequestPool to DeleteNetwork."""
    network = Network(caller, "10.50.0.0/24").create()
    endpoint, _ = network.joined()
    caller.call("NetworkDriver.ProgramExternalConnectivity", {**endpoint.ids, "Options": {"com.docker.network.portmap": [
        {"Proto": 6, "IP": "", "Port": 80, "HostIP": "", "HostPort": 8080, "HostPortEnd": 8080}]}})
    caller.call("NetworkDriver.RevokeExternalConnectivity", endpoint.ids)
    network.remove_endpoint(endpoint)
    network.remove()


def durable_write(folder):
    """The system call that makes a commit durable there: store/sqlite_wal.h."""
    path = Path(folder) / "probe"
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600))
    except OSError:
        return "fdatasync"
    finally:
        path.unlink(missing_ok=True)
    return "pwritev2"


@pytest.mark.parametrize("call", ["sendmsg", "durable write", "bind"])
def test_killed_at_every_call(world, call):
    """Scenario 18. (A pool whose reply was lost counts one reference more, for nothing tells the repeated request from another
    network's; it goes when the engine begins anew.)"""
    call = durable_write(world.folder) if call == "durable write" else call
    world.start()
    empty = world.kernel()
    for count in range(1, MOST_POINTS):
        tracer = kill_at(world, call, count)
        caller = Surviving(world)
        try:
            whole_life(caller)
        finally:
            world.daemon.kill()
            tracer.wait(10)
        world.start()
        world.wait_reaped()
        assert world.kernel() == empty, f"{call} number {count}"
        assert world.state.rows("network") == [] and world.state.rows("endpoint") == [], f"{call} number {count}"
        held = [row for row in world.state.rows("address") if row["rest"] is None and row["class"] != "gateway"]
        assert held == [], f"{call} number {count}"
        if caller.deaths == 0:
            assert count > 1, "nothing was ever killed"
            return
    raise AssertionError(f"one life has more than {MOST_POINTS} times {call}")
