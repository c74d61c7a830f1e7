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
    wait_until(runs, 30, "restart of the containers")
    assert stack.address("fixed", "net") == f"{subnet}.20"
    assert stack.pings("auto", f"{subnet}.20")
    assert stack.pings("fixed", OUTSIDE4)
    wait_until(lambda: len(stack.host_veths()) == 2 and len(stack.rows("endpoint")) == 2, 10, "end of the former endpoints")


def assert_addresses_free(stack, subnet):
    """No address is held by anything that is gone: gateway and two endpoints, and a fixed one is free once its owner left."""
    assert len(stack.rows("address")) == 3, stack.rows("address")
    stack.docker("rm", "-f", "fixed")
    stack.run("heir", "net", "--ip", f"{subnet}.20")
    assert "already in use" not in stack.engine.log().lower()


def test_graceful_restart(stack):
    subnet = populate(stack)
    stack.engine.restart()
    assert_running_and_reachable(stack, subnet)
    assert_addresses_free(stack, subnet)


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


def test_reboot(stack):
    """Links and rules are gone, the database stays: networks are back before the engine asks, containers after it."""
    subnet = populate(stack)
    bridge = stack.bridges()[0]
    stack.engine.stop()
    if stack.form == "socket":
        stack.driver.stop()
    stack.reboot_kernel()
    assert stack.own_links() == []
    if stack.form == "socket":
        stack.driver.start()
        assert stack.bridges() == [bridge], "the bridge must be there before the engine asks"
    stack.engine.start()
    assert stack.bridges() == [bridge]
    assert_running_and_reachable(stack, subnet)
    assert_addresses_free(stack, subnet)


def test_power_loss(stack):
    """As a reboot, but nobody was stopped in good order: engine, driver and containers vanish in mid-flight."""
    subnet = populate(stack)
    if stack.form == "socket":
        stack.driver.kill()
    stack.engine.kill()
    for name in ("viaductd", "sleep", "containerd-shim-runc-v2", "containerd-shim"):
        for pid in stack.world.pids_of(name):
            stack.world.run("kill", "-9", pid, check=False)
    wait_until(lambda: not stack.world.pids_of("sleep"), 10, "end of the containers")
    stack.reboot_kernel()
    if stack.form == "socket":
        stack.driver.start()
    stack.engine.start()
    assert_running_and_reachable(stack, subnet)
    assert_addresses_free(stack, subnet)
