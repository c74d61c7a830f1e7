"""Order of starting, and the engine without its driver: no stalls, no hanging."""

import time

import pytest

from driver import PLUGIN_SOCKET
from lab import OUTSIDE4, wait_until
from stack import open_stack

# What the engine logs when it does not find a plugin, or cannot connect to it, and waits (1, 2, 4, 8 s).
STALLED = "retrying in"
# How long it waits in all before it gives an absent plugin up, in seconds.
STALL = 15


@pytest.fixture
def stack():
    with open_stack("socket") as made:
        yield made


def timed(action):
    """How many seconds an action took."""
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


def running(stack, *names):
    return all(stack.engine.inspect("container", name)["State"]["Running"] for name in names)


def test_engine_starts_first_with_socket_activation(stack):
    """Scenario 14: after a reboot the engine comes first and finds the socket, held by the activator; viaductd starts with the
    first question (fd://). No 15 s stall, every restart=always container comes up."""
    names = [f"always{number}" for number in range(3)]
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    for name in names:
        stack.run(name, "net", "--restart", "always")
    stack.engine.stop()
    stack.driver.stop()
    stack.reboot_kernel()
    stack.world.run("rm", "-f", PLUGIN_SOCKET)
    activator = stack.world.spawn(["systemd-socket-activate", "--listen", PLUGIN_SOCKET, *stack.driver.arguments(listen="fd://")],
                                  log="viaductd.log")
    wait_until(lambda: stack.world.run("test", "-S", PLUGIN_SOCKET, check=False).returncode == 0, 30, "the activator's socket")
    assert stack.world.pids_of("viaductd") == [], "viaductd runs before it is asked for"
    logged = len(stack.engine.log())
    stack.engine.start()
    wait_until(lambda: running(stack, *names), 60, "start of the containers")
    assert STALLED not in stack.engine.log()[logged:]
    assert stack.pings(names[0], stack.address(names[1], "net"))
    assert stack.pings(names[0], OUTSIDE4)
    stack.engine.remove_everything()
    wait_until(lambda: stack.own_links() == [], 30, "removal of the links")
    assert activator.stop(5) == 0
    assert stack.world.run("test", "-S", PLUGIN_SOCKET, check=False).returncode == 0, "the activator's socket is not viaductd's to remove"


def test_engine_without_its_driver(stack):
    """Scenario 15: viaductd is stopped. docker ps and other containers' start are unaffected; engine stop and start end."""
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    stack.run("one", "net")
    stack.engine.run("other")
    stack.driver.stop()
    assert timed(lambda: stack.docker("ps")) < STALL
    assert timed(lambda: stack.engine.run("unrelated")) < STALL
    assert timed(lambda: stack.docker("restart", "other")) < STALL
    refused = stack.docker("run", "-d", "--name", "needs-it", "--network", "net", "viaduct-busybox", "true", check=False, timeout=60)
    assert refused.returncode != 0
    # Each call of the engine to an absent plugin is given up after about 15 s: Leave, DeleteEndpoint, ReleaseAddress.
    assert timed(lambda: stack.engine.stop(timeout=90)) < 75
    assert timed(stack.engine.start) < 75
    assert timed(lambda: stack.docker("ps")) < STALL
    assert timed(lambda: stack.docker("start", "other")) < STALL
    stack.driver.start()
    stack.docker("start", "one")
    assert stack.pings("one", OUTSIDE4)
    stack.assert_nothing_left()


LISTEN_AND_IGNORE = """
import socket
server = socket.socket(socket.AF_UNIX)
server.bind("/run/docker.sock")
server.listen(8)
print("ready", flush=True)
server.accept()
print("connected", flush=True)
server.accept()
"""


def test_driver_never_calls_the_engine(stack):
    """Scenario 17: the engine's API socket, in its usual place, accepts and never answers. Every call works, nobody connects."""
    trap = stack.world.spawn(["/usr/bin/python3", "-c", LISTEN_AND_IGNORE], log="trap.log")
    wait_until(lambda: "ready" in trap.output(), 30, "the silent socket")
    stack.driver.restart()
    stack.network("net", "--ipv6", "--subnet", f"{stack.subnet()}.0/24", "--subnet", f"{stack.subnet6()}::/64")
    stack.run("one", "net")
    stack.network("second")
    stack.docker("network", "connect", "second", "one")
    stack.docker("network", "disconnect", "second", "one")
    stack.docker("restart", "one")
    assert stack.pings("one", OUTSIDE4)
    stack.assert_nothing_left()
    assert trap.running and "connected" not in trap.output()
    trap.stop()


def test_stale_socket_does_not_stop_a_start(stack):
    """kill -9 leaves the socket's file; the next start takes its place, and the engine does not notice."""
    stack.driver.kill()
    assert stack.world.run("test", "-S", PLUGIN_SOCKET, check=False).returncode == 0
    stack.driver.start()
    stack.network("net")
    stack.assert_nothing_left()


def test_second_daemon_is_refused(stack):
    """Two daemons would both promise the same addresses: the second ends, naming the first, which goes on."""
    first = stack.world.pids_of("viaductd")
    second = stack.world.spawn(stack.driver.arguments(listen="unix:///run/second.sock"), log="second.log")
    assert second.wait(10) != 0
    assert f"(pid {first[0]})" in second.output() and "stop it" in second.output()
    stack.network("net")
    stack.assert_nothing_left()


def test_removal_while_away_is_caught_up(stack):
    """A container is removed while viaduct is away (the engine gives up on its calls); the network can still be removed and its
    address pool used again."""
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("one", "net")
    stack.driver.stop()
    stack.docker("rm", "-f", "one", timeout=120, check=False)
    stack.driver.start()
    stack.docker("rm", "-f", "one", check=False)
    stack.docker("network", "rm", "net")
    wait_until(lambda: stack.own_links() == [] and stack.rows("pool") == [], 30, "removal of the network")
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("two", "net")
    assert stack.pings("two", OUTSIDE4)
    stack.assert_nothing_left()
