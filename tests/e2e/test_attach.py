"""Attachment over a container's life: connect, disconnect, stop, restart, removal."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import OUTSIDE4, wait_until
from lab.api import Api
from lab.image import IMAGE


def network_with(stack, name, *containers):
    stack.network(name, "--subnet", f"{stack.subnet()}.0/24")
    for container in containers:
        stack.run(container, name)


def interfaces(stack, container):
    return {link["ifname"] for link in stack.container_ip_json(container, "link")}


@pytest.mark.core
def test_connect_and_disconnect_a_running_container(stack):
    network_with(stack, "first", "one")
    network_with(stack, "second", "two")
    stack.docker("network", "connect", "second", "one")
    assert interfaces(stack, "one") == {"lo", "eth0", "eth1"}
    assert stack.pings("one", stack.address("two", "second"))
    assert stack.pings("two", stack.address("one", "second"))
    assert stack.pings("one", OUTSIDE4)
    stack.docker("network", "disconnect", "second", "one")
    assert interfaces(stack, "one") == {"lo", "eth0"}
    assert not stack.pings("one", stack.address("two", "second"), wait=1)
    assert stack.pings("one", OUTSIDE4)
    assert len(stack.rows("endpoint")) == 2


def test_connect_with_address_and_again(stack):
    """Ten turns of connect and disconnect with one fixed address: each gets it, none leaves anything."""
    network_with(stack, "first", "one")
    subnet = stack.subnet()
    stack.network("second", "--subnet", f"{subnet}.0/24")
    for _ in range(10):
        stack.docker("network", "connect", "--ip", f"{subnet}.33", "second", "one")
        assert stack.address("one", "second") == f"{subnet}.33"
        stack.docker("network", "disconnect", "second", "one")
    wait_until(lambda: len(stack.host_veths()) == 1, 30, "removal of the veths")
    assert len(stack.rows("endpoint")) == 1


def test_move_from_the_engines_bridge(stack):
    """A container that began on the engine's own bridge and moves to viaduct."""
    stack.engine.run("mover")
    network_with(stack, "net", "one")
    stack.docker("network", "connect", "net", "mover")
    stack.docker("network", "disconnect", "bridge", "mover")
    assert stack.pings("mover", stack.address("one", "net"))
    assert stack.pings("mover", OUTSIDE4)


@pytest.mark.core
def test_restart_of_a_container(stack):
    network_with(stack, "net", "one", "two")
    for _ in range(3):
        stack.docker("restart", "one")
        assert stack.pings("two", stack.address("one", "net")), "the neighbour still sends to the former MAC"
        assert stack.pings("one", OUTSIDE4)
    wait_until(lambda: len(stack.host_veths()) == 2, 30, "removal of the former veths")
    assert len(stack.rows("endpoint")) == 2


@pytest.mark.core
def test_fixed_address_survives_stop_and_start(stack):
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("one", "net", "--ip", f"{subnet}.44")
    stack.docker("stop", "one")
    wait_until(lambda: stack.host_veths() == [], 30, "removal of the veth")
    assert stack.rows("endpoint") == []
    stack.docker("start", "one")
    assert stack.address("one", "net") == f"{subnet}.44"


def test_crash_of_a_container_gives_its_endpoint_back(stack):
    """The container's process ends by itself; --rm removes what is left of it."""
    network_with(stack, "net", "one")
    before = stack.rows("address")
    stack.docker("run", "--rm", "--network", "net", "viaduct-busybox", "sh", "-c", "exit 3", check=False)
    wait_until(lambda: len(stack.rows("endpoint")) == 1 and stack.rows("address") == before, 30, "return of the address")


def test_many_that_leave_at_once_do_not_keep_the_network(stack):
    """Engine 20.10 miscounts the endpoints of a network that end within milliseconds of each other, and then never removes it; a
    driver that is quick has to keep them apart. Without that, one round of six fails."""
    names = [f"many{number}" for number in range(12)]
    for name in names:
        stack.docker("run", "-d", "--stop-signal", "SIGKILL", "--name", name, "--network", "none", IMAGE, "sleep", "3600")
        stack.docker("network", "disconnect", "none", name)
    api = Api(stack.engine.socket)
    for _ in range(8):
        stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
        for name in names:
            api.call("POST", "/networks/net/connect", {"Container": name})
        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(lambda name: api.call("POST", "/networks/net/disconnect", {"Container": name, "Force": False}), names))
        stack.docker("network", "rm", "net")
        assert stack.rows("endpoint") == [] and stack.rows("network") == []


def test_network_in_use_is_not_removed(stack):
    network_with(stack, "net", "one")
    refused = stack.docker("network", "rm", "net", check=False)
    assert refused.returncode != 0 and "active endpoints" in refused.stderr
    assert stack.pings("one", OUTSIDE4)


@pytest.mark.core
def test_removal_leaves_nothing(stack):
    """Engine, kernel, rules and database agree, with a network of every sort having been there."""
    subnet, prefix = stack.subnet(), stack.subnet6()
    stack.network("plain", "--subnet", f"{subnet}.0/24")
    stack.network("dual", "--ipv6", "--subnet", f"{stack.subnet()}.0/24", "--subnet", f"{prefix}::/64")
    stack.network("inner", "--internal")
    stack.network("apart", "-o", "com.docker.network.bridge.enable_icc=false")
    for network in ("plain", "dual", "inner", "apart"):
        stack.run(f"in-{network}", network)
    assert len(stack.bridges()) == 4 and len(stack.host_veths()) == 4
    assert len(stack.rows("network")) == 4 and len(stack.rows("endpoint")) == 4 and len(stack.rows("pool")) == 5
    stack.engine.remove_everything()
    wait_until(lambda: stack.leftovers() == {}, 30, "end of leftovers")
    # The same subnet serves again at once, and under another name.
    stack.network("again", "--subnet", f"{subnet}.0/24")
