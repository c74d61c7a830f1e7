"""The lab itself, against the engine's built-in bridge driver: what it promises to the other tests."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import OUTSIDE4, UPLINK4, World, leftovers, state, wait_until


@pytest.fixture(scope="module")
def world():
    with World() as made:
        made.engine.start()
        made.engine.load_image()
        yield made


def processes_of(world_name):
    """Processes anywhere on the machine whose command line names the world's folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if world_name in entry.read_text(errors="replace"):
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


def assert_nothing_left(name):
    assert not (leftovers.lab_root() / name).exists()
    assert leftovers.control_groups(name) == []
    assert name not in Path("/proc/self/mountinfo").read_text()
    wait_until(lambda: not processes_of(name), 30, "end of the world's processes")


def test_container_reaches_outside_through_nat(world):
    world.engine.run("nat")
    assert world.engine.execute("nat", "ping", "-c1", "-W3", OUTSIDE4).returncode == 0
    assert world.engine.execute("nat", "wget", "-qO-", f"http://{OUTSIDE4}/", check=True) == UPLINK4
    world.docker("rm", "-f", "nat")


def test_outside_has_no_route_back(world):
    """Without masquerading nothing comes back: only then does a test of NAT say anything."""
    world.run("ip", "addr", "add", "10.99.0.1/32", "dev", "lo")
    assert world.run("ping", "-c1", "-W1", OUTSIDE4, check=False).returncode == 0
    assert world.run("ping", "-c1", "-W1", "-I", "10.99.0.1", OUTSIDE4, check=False).returncode != 0
    world.run("ip", "addr", "del", "10.99.0.1/32", "dev", "lo")


def test_snapshots_agree_after_container_is_removed(world):
    # With their first published port newer engines make a table that they keep.
    world.engine.run("first", "-p", "8080:80")
    world.docker("rm", "-f", "first")
    before = world.snapshot()
    world.engine.run("gone", "-p", "8080:80")
    assert state.diff(before, world.snapshot()).keys() == {"links", "rules", "mounts"}
    world.docker("rm", "-f", "gone")
    assert state.diff(before, world.snapshot()) == {}


@pytest.mark.parametrize("live_restore", [False, True])
def test_engine_killed_and_started_again(world, live_restore):
    """With live-restore the container's process survives the engine's kill -9; without it, it ends."""
    world.engine.restart(live_restore=live_restore)
    world.engine.run("kept")
    pid = world.engine.container_pid("kept")
    world.engine.kill()
    assert not world.engine.ping()
    world.engine.start()
    assert world.engine.inspect("container", "kept")["State"]["Running"] is live_restore
    if live_restore:
        assert world.engine.container_pid("kept") == pid
    world.docker("rm", "-f", "kept")


def test_worlds_side_by_side_leave_nothing(world):
    namespaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    with World() as other:
        name = other.name
        other.engine.start()
        other.engine.load_image()
        other.engine.run("same", "-p", "8080:80")
        world.engine.run("same", "-p", "8080:80")
        assert other.engine.execute("same", "wget", "-qO-", f"http://{OUTSIDE4}/", check=True) == UPLINK4
    assert world.engine.execute("same", "true").returncode == 0
    world.docker("rm", "-f", "same")
    assert_nothing_left(name)
    assert subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout == namespaces


def test_exception_leaves_nothing():
    names = []
    with pytest.raises(ZeroDivisionError):
        with World() as broken:
            names.append(broken.name)
            broken.engine.start()
            raise ZeroDivisionError
    assert_nothing_left(names[0])


HELD = """
import sys
sys.path.insert(0, {tests!r})
from lab import World
with World() as world:
    world.engine.start()
    world.engine.load_image()
    world.engine.run("held")
    print(world.name, flush=True)
    sys.stdin.read()
"""


def test_killed_test_run_is_swept_by_the_next_world():
    """kill -9 of the test process: its world's processes end with it; files and control groups go with the next world."""
    script = HELD.format(tests=str(Path(__file__).resolve().parent.parent))
    held = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        name = held.stdout.readline().strip()
        assert re.fullmatch(r"viaduct-lab-\w+", name)
    finally:
        os.kill(held.pid, signal.SIGKILL)
        held.communicate()
    wait_until(lambda: not processes_of(name), 30, "end of the killed run's processes")
    with World():
        assert_nothing_left(name)
