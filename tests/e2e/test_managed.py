"""What is particular to the managed plugin: privileges, disable and enable, settings, state."""

import json
import time
from pathlib import Path

import pytest

from driver import BIN, ROOT
from lab import OUTSIDE4, wait_until
from stack import open_stack


@pytest.fixture(scope="module")
def shared():
    with open_stack("managed") as made:
        yield made


@pytest.fixture
def stack(shared):
    yield shared
    shared.assert_nothing_left()


def test_needs_nothing_on_the_host(stack):
    """Scenario 23: no mount of the host's folders, no device, one capability; it ran from its first enable on."""
    settings = stack.driver.inspect()
    assert settings["Settings"]["Mounts"] == [] and settings["Settings"]["Devices"] == []
    assert settings["Config"]["Linux"]["Capabilities"] == ["CAP_NET_ADMIN"]
    assert not settings["Config"]["Linux"]["AllowAllDevices"]
    assert not settings["Config"]["PidHost"] and not settings["Config"]["IpcHost"]
    assert settings["Config"]["PropagatedMount"] == "/var/lib/viaduct"
    assert stack.world.run("ls", "/run/docker/plugins").split() == [stack.driver.id], "a socket outside the plugin's own folder"
    stack.network("net")
    stack.run("one", "net")
    assert stack.pings("one", OUTSIDE4)


def test_config_has_settable_built_in_defaults():
    """Settings survive an upgrade while defaults in config.json do not: all but the admin socket's place are left to the daemon."""
    config = json.loads((ROOT / "plugin/config.json").read_text())
    assert config["interface"]["types"] == ["docker.networkdriver/1.0", "docker.ipamdriver/1.0"]
    assert Path(config["entrypoint"][0]).is_absolute()
    assert len("viaduct.sock") <= 22 and config["interface"]["socket"] == "viaduct.sock"
    for entry in config["env"]:
        assert entry["settable"] == ["value"] and entry["description"]
        assert entry["value"] is None or entry["name"] == "VIADUCT_ADMIN"


def test_disable_needs_force_while_in_use_and_state_survives(stack):
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("one", "net", "--ip", f"{subnet}.9")
    stack.run("two", "net")
    refused = stack.docker("plugin", "disable", stack.driver.name, check=False)
    assert refused.returncode != 0 and "in use" in refused.stderr
    records = stack.rows("network"), stack.rows("endpoint"), stack.rows("address")
    ping = stack.long_ping("two", f"{subnet}.9")
    stack.docker("plugin", "disable", "-f", stack.driver.name)
    assert stack.world.pids_of("viaductd") == []
    assert (stack.rows("network"), stack.rows("endpoint"), stack.rows("address")) == records
    stack.docker("plugin", "enable", stack.driver.name)
    sent, lost = stack.stop_ping(ping)
    assert sent > 5 and lost <= 2, f"{lost} of {sent} lost"
    assert (stack.rows("network"), stack.rows("endpoint"), stack.rows("address")) == records
    stack.run("three", "net")
    assert stack.pings("three", f"{subnet}.9")


def test_disable_is_quick(stack):
    """As process 1 of its namespace viaductd has to handle SIGTERM itself; otherwise each disable takes 10 s."""
    begun = time.monotonic()
    stack.driver.stop()
    took = time.monotonic() - begun
    stack.driver.start()
    assert took < 5


def test_settings_reach_the_daemon(stack):
    """docker plugin set VIADUCT_POOLS: the next automatic subnet comes from there."""
    stack.driver.stop()
    stack.docker("plugin", "set", stack.driver.name, "VIADUCT_POOLS=10.77.0.0/16:26", "VIADUCT_LOG_LEVEL=debug",
                 "VIADUCT_LOG_FORMAT=json")
    stack.driver.start()
    stack.network("net")
    subnet = stack.engine.inspect("network", "net")["IPAM"]["Config"][0]["Subnet"]
    assert subnet.startswith("10.77.") and subnet.endswith("/26")


def test_crash_is_mended_by_the_engine(stack):
    stack.network("net")
    stack.run("one", "net")
    old = stack.driver.pid()
    stack.driver.kill_and_start()
    assert stack.driver.pid() != old
    wait_until(lambda: stack.driver.inspect()["Enabled"], 5, "the plugin being enabled")
    stack.run("two", "net")
    assert stack.pings("two", stack.address("one", "net"))


def test_admin_socket_lies_beside_the_plugins(stack):
    """viaductctl on the host reaches the plugin's daemon through the plugin's own folder."""
    socket = f"/run/docker/plugins/{stack.driver.id}/viaduct-admin.sock"
    stack.network("net")
    listed = stack.world.run(str(BIN / "viaductctl"), "--socket", f"unix://{socket}", "--json", "network", "ls")
    assert stack.network_id("net") in listed
    away = stack.world.run(str(BIN / "viaductctl"), "--socket", "unix:///run/nobody.sock", "status", check=False)
    assert away.returncode == 3
