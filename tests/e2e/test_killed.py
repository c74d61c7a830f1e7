"""kill -9 of a container's process. (That of viaductd: test_driver_restart.py; of the engine: test_engine_restart.py.)"""

import pytest

from lab import OUTSIDE4, wait_until
from stack import IMAGE, open_stack


def kill_process_of(stack, container):
    """kill -9 of a container's first process, from the host; its process id."""
    pid = stack.engine.container_pid(container)
    stack.world.run("kill", "-9", pid)
    return pid


def test_killed_container_gives_its_endpoint_back(stack):
    """Without a restart policy: link, endpoint and address go, and the next one may have the address."""
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("neighbour", "net")
    before = stack.rows("address")
    stack.run("victim", "net", "--ip", f"{subnet}.60")
    kill_process_of(stack, "victim")
    wait_until(lambda: len(stack.host_veths()) == 1 and len(stack.rows("endpoint")) == 1 and stack.rows("address") == before, 30,
               "return of the endpoint and its address")
    assert not stack.engine.inspect("container", "victim")["State"]["Running"]
    stack.run("heir", "net", "--ip", f"{subnet}.60")
    assert stack.pings("neighbour", f"{subnet}.60")


def test_killed_container_restarts_with_its_address(stack):
    """With --restart: again and again it comes back, reachable for its neighbour, and nothing of its former lives stays.

    The engine chooses another MAC each time and nobody announces it, so that the neighbour may send to the former one until its
    kernel doubts the entry: hence the patience.
    """
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("neighbour", "net")
    stack.run("victim", "net", "--ip", f"{subnet}.61", "--restart", "always")
    for _ in range(3):
        killed = kill_process_of(stack, "victim")
        wait_until(lambda: stack.engine.container_pid("victim") not in (0, killed), 60, "restart of the container")
        wait_until(lambda: stack.pings("neighbour", f"{subnet}.61"), 120, "reach of the restarted container")
        assert stack.pings("victim", OUTSIDE4)
        wait_until(lambda: len(stack.host_veths()) == 2 and len(stack.rows("endpoint")) == 2, 30, "end of the former endpoint")
    assert len(stack.rows("address")) == 3, stack.rows("address")


@pytest.fixture
def live_restoring_stack():
    with open_stack("socket", **{"live-restore": True}) as made:
        yield made


def test_container_dies_while_the_engine_is_dead(live_restoring_stack):
    """The container's process dies while nobody is there to see it: the engine's next life gives back what it had."""
    stack, subnet = live_restoring_stack, live_restoring_stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("one", "net", "--ip", f"{subnet}.20")
    stack.run("two", "net")
    pid = stack.engine.container_pid("one")
    stack.engine.kill()
    stack.world.run("kill", "-9", pid)
    stack.engine.start()
    wait_until(lambda: not stack.engine.inspect("container", "one")["State"]["Running"], 60, "the engine's notice of the death")
    wait_until(lambda: len(stack.rows("endpoint")) == 1 and len(stack.host_veths()) == 1, 30, "end of the dead one's endpoint")
    stack.docker("run", "--rm", "--network", "net", "--ip", f"{subnet}.20", IMAGE, "true")
    assert stack.pings("two", OUTSIDE4)
    stack.assert_nothing_left()
