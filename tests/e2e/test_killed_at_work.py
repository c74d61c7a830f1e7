"""kill -9 of the engine while it waits for viaduct: it has written nothing down, and will never ask for it again."""

import threading
from contextlib import contextmanager

import pytest

from lab import OUTSIDE4, wait_until
from stack import open_stack


@pytest.fixture(params=["socket", "managed"])
def stack(request):
    """A stack of the test's own: engine restarts change what later tests would see."""
    with open_stack(request.param) as made:
        yield made
        made.assert_nothing_left()


@contextmanager
def slow_disk(stack):
    """Each flush of viaductd's takes two seconds longer, so that the engine can be met while it waits for an answer."""
    pid = stack.world.pids_of("viaductd")[0]
    strace = stack.world.spawn(["strace", "-f", "-p", str(pid), "-e", "trace=fsync,fdatasync,pwritev2",
                                "-e", "inject=fsync,fdatasync,pwritev2:delay_enter=2s"], log="strace.log")
    try:
        wait_until(lambda: "attached" in strace.output(), 30, "strace at work")
        yield
    finally:
        strace.signal(2)
        strace.wait(10)


def pool_rows(stack, subnet):
    return [row for row in stack.rows("pool") if subnet in row["key"]]


def kill_engine_while_it_makes(stack, name, subnet, moment):
    """moment: "pool", it has the pool and waits for the gateway's address; "network", it waits for the network."""
    with slow_disk(stack):
        links = set(stack.own_links())
        create = threading.Thread(target=lambda: stack.network(name, "--subnet", f"{subnet}.0/24", check=False))
        create.start()
        if moment == "pool":
            wait_until(lambda: pool_rows(stack, subnet), 30, "the pool", interval=0.01)
        else:
            wait_until(lambda: set(stack.own_links()) - links, 30, "the bridge", interval=0.01)
        stack.engine.kill()
        create.join(60)
        # What was asked of viaduct it does, whoever waits for it.
        if moment == "network":
            wait_until(lambda: subnet in str(stack.rows("network")), 30, "the record of the network")
    stack.engine.start()
    assert name not in stack.docker("network", "ls", "--format", "{{.Name}}").split()


def test_network_that_was_being_made(stack):
    """Its subnet is free for the same command again; what is not asked for again goes by itself, links and all.

    What the engine knows stays, networks too that were never used.
    """
    kept, idle, foreign, again, lost_pool, lost_network = (stack.subnet() for _ in range(6))
    stack.network("kept", "--subnet", f"{kept}.0/24")
    stack.run("one", "kept", "--restart", "always")
    stack.network("idle", "--subnet", f"{idle}.0/24")
    stack.docker("network", "create", "-d", "bridge", "--ipam-driver", stack.driver.name, "--subnet", f"{foreign}.0/24", "foreign")
    kill_engine_while_it_makes(stack, "lost-pool", lost_pool, "pool")
    kill_engine_while_it_makes(stack, "lost-network", lost_network, "network")
    kill_engine_while_it_makes(stack, "again", again, "network")
    assert len(stack.bridges()) == 4

    stack.network("again", "--subnet", f"{again}.0/24")
    stack.run("two", "again")
    assert stack.pings("two", OUTSIDE4)
    wait_until(lambda: not pool_rows(stack, lost_pool) and not pool_rows(stack, lost_network), 100, "end of what no engine knows")
    assert len(stack.bridges()) == 3 and len(stack.rows("pool")) == 4
    for name in ("idle", "foreign"):
        stack.run(f"in-{name}", name)
        assert stack.pings(f"in-{name}", OUTSIDE4)
    assert stack.pings("one", OUTSIDE4)
    stack.network("heir", "--subnet", f"{lost_network}.0/24")
