"""The engine ends and comes back, gracefully and by kill -9, with and without live-restore."""

import pytest

from lab import OUTSIDE4, wait_until
from stack import open_stack


@pytest.fixture(params=["socket", "managed"])
def stack(request):
    """A stack of the test's own: engine restarts change what later tests would see."""
    with open_stack(request.param) as made:
        yield made
        made.assert_nothing_left()


def populate(stack):
    """A network with a fixed-address, an automatic and a not restarting container; returns the subnet's three octets."""
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("fixed", "net", "--restart", "always", "--ip", f"{subnet}.20")
    stack.run("auto", "net", "--restart", "always")
    return subnet


def assert_running_and_reachable(stack, subnet):
    def runs():
        return all(stack.engine.inspect("container", name)["State"]["Running"] for name in ("fixed", "auto"))
    wait_until(runs, 60, "restart of the containers")
    assert stack.address("fixed", "net") == f"{subnet}.20"
    assert stack.pings("auto", f"{subnet}.20")
    assert stack.pings("fixed", OUTSIDE4)
    wait_until(lambda: len(stack.host_veths()) == 2 and len(stack.rows("endpoint")) == 2, 30, "end of the former endpoints")


def assert_addresses_free(stack, subnet, others=0):
    """No address is held by anything that is gone: those of gateway, two endpoints and `others`; a fixed one is free once its
    owner left."""
    assert len(stack.rows("address")) == 3 + others, stack.rows("address")
    stack.docker("rm", "-f", "fixed")
    stack.run("heir", "net", "--ip", f"{subnet}.20")
    assert "already in use" not in stack.engine.log().lower()


@pytest.mark.core
def test_graceful_restart(stack):
    subnet = populate(stack)
    stack.engine.restart()
    assert_running_and_reachable(stack, subnet)
    assert_addresses_free(stack, subnet)


@pytest.mark.core
def test_live_restore_keeps_containers_and_traffic(stack):
    subnet = stack.subnet()
    stack.engine.restart(live_restore=True)
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("fixed", "net", "--restart", "always", "--ip", f"{subnet}.20")
    stack.run("auto", "net", "--restart", "always")
    endpoint = stack.endpoint("auto", "net")["EndpointID"]
    ping = stack.long_ping("auto", f"{subnet}.20")
    stack.engine.restart()
    assert_running_and_reachable(stack, subnet)
    sent, lost = stack.stop_ping(ping)
    assert lost <= 2, f"{lost} of {sent} lost"
    assert stack.endpoint("auto", "net")["EndpointID"] == endpoint
    assert_addresses_free(stack, subnet)


@pytest.mark.parametrize("live_restore", [False, True], ids=["plain", "live-restore"])
def test_engine_killed(stack, live_restore):
    """Scenario 19: kill -9 of the engine, with and without live-restore, twice: no "Address already in use", nothing leaks."""
    if live_restore:
        stack.engine.restart(live_restore=True)
    subnet = populate(stack)
    for _ in range(2):
        stack.engine.kill()
        stack.engine.start()
        assert_running_and_reachable(stack, subnet)
    assert_addresses_free(stack, subnet)


def test_engine_and_driver_killed_together(stack):
    """Both die at once, as when memory runs out; what comes back is consistent."""
    subnet = populate(stack)
    if stack.form == "socket":
        stack.driver.kill()
        stack.engine.kill()
        stack.driver.start()
    else:
        stack.engine.kill()
        for pid in stack.world.pids_of("viaductd"):
            stack.world.run("kill", "-9", pid, check=False)
    stack.engine.start()
    assert_running_and_reachable(stack, subnet)
    assert_addresses_free(stack, subnet)


def shut_down(stack):
    stack.engine.stop()
    if stack.form == "socket":
        stack.driver.stop()
    stack.reboot_kernel()
    assert stack.own_links() == []


def come_up(stack):
    """viaductd, which the managed form's engine starts, then the engine. With a viaductd of our own we see what it did alone."""
    if stack.form == "socket":
        stack.driver.start()
        assert stack.bridges() and not stack.host_veths(), "the bridges must be there before the engine asks"
        assert stack.rows("endpoint") == [], "endpoints of the last boot are kept"
        assert len(stack.rows("address")) == 1, "addresses of the last boot's endpoints are held"
    stack.engine.start()
    assert "-P FORWARD DROP" in stack.world.run("iptables", "-S", "FORWARD"), "the host forwards what no rule accepts"


def test_reboot(stack):
    """Links and rules are gone and the kernel's id is another, the database stays: networks are back before the engine asks, and
    the endpoints of the last boot are forgotten; the containers that always restart get theirs anew. Nothing piles up."""
    subnet = populate(stack)
    stack.run("once", "net", "--ip", f"{subnet}.30")
    bridge = stack.bridges()
    for _ in range(3):
        shut_down(stack)
        come_up(stack)
        assert stack.bridges() == bridge
        assert_running_and_reachable(stack, subnet)
        assert not stack.engine.inspect("container", "once")["State"]["Running"]
        assert len(stack.rows("address")) == 3, "gateway and two running containers: " + str(stack.rows("address"))
        stack.docker("start", "once")
        assert stack.address("once", "net") == f"{subnet}.30"
        assert stack.pings("once", stack.address("auto", "net"))
    assert_addresses_free(stack, subnet, others=1)


def test_address_of_the_last_boot_is_free_to_others(stack):
    """A container that does not restart has no claim on its former address: another one gets it after the reboot."""
    subnet = populate(stack)
    stack.run("once", "net", "--ip", f"{subnet}.30")
    shut_down(stack)
    come_up(stack)
    assert_running_and_reachable(stack, subnet)
    stack.run("heir-of-once", "net", "--ip", f"{subnet}.30")
    assert stack.pings("auto", f"{subnet}.30")
    refused = stack.docker("start", "once", check=False)
    assert refused.returncode != 0 and f"{subnet}.30" in refused.stderr


def test_power_loss(stack):
    """As a reboot, but nobody was stopped in good order: engine, driver and containers vanish in mid-flight."""
    subnet = populate(stack)
    if stack.form == "socket":
        stack.driver.kill()
    stack.engine.kill()
    for name in ("viaductd", "sleep", "containerd-shim-runc-v2", "containerd-shim"):
        for pid in stack.world.pids_of(name):
            stack.world.run("kill", "-9", pid, check=False)
    wait_until(lambda: not stack.world.pids_of("sleep"), 30, "end of the containers")
    stack.reboot_kernel()
    if stack.form == "socket":
        stack.driver.start()
    stack.engine.start()
    assert_running_and_reachable(stack, subnet)
    assert_addresses_free(stack, subnet)
