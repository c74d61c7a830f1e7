"""What is particular to the managed plugin: privileges, disable and enable, settings, state."""

import json
import os
import re
import threading
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


def promises(stack):
    """All that viaduct has written down of networks and addresses."""
    return {table: stack.rows(table) for table in ("network", "endpoint", "pool", "address")}


@pytest.mark.core
def test_needs_nothing_on_the_host(stack):
    """Scenario 23: no folder of the host's to be made first, no device, two capabilities; it ran from its first enable on. The one
    mount is of what every kernel has: the settings by which forwarding is switched on."""
    settings = stack.driver.inspect()
    assert [mount["Source"] for mount in settings["Settings"]["Mounts"]] == ["/proc/sys/net"]
    assert settings["Settings"]["Devices"] == []
    assert settings["Config"]["Linux"]["Capabilities"] == ["CAP_NET_ADMIN", "CAP_NET_RAW"]
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
    records = promises(stack)
    ping = stack.long_ping("two", f"{subnet}.9")
    stack.docker("plugin", "disable", "-f", stack.driver.name)
    assert stack.world.pids_of("viaductd") == []
    assert promises(stack) == records
    stack.docker("plugin", "enable", stack.driver.name)
    sent, lost = stack.stop_ping(ping)
    assert sent > 5 and lost <= 2, f"{lost} of {sent} lost"
    assert promises(stack) == records
    stack.run("three", "net")
    assert stack.pings("three", f"{subnet}.9")


@pytest.mark.core
@pytest.mark.parametrize("fresh_stack", ["managed"], indirect=True)
def test_a_new_engine_is_known_by_what_it_listens_at(fresh_stack):
    """A managed plugin does not see its engine's process. A restart of the engine begins an epoch of both spaces, its kill as well; one
    of the plugin alone begins none."""
    stack = fresh_stack

    def epoch():
        return json.loads(stack.query("SELECT value FROM meta WHERE key = 'epoch'")[0]["value"])

    def settled():
        """The record once it names the socket of the engine that runs."""
        listening = re.findall(r"/libnetwork/(\w+)\.sock", stack.world.run("cat", "/proc/net/unix"))
        wait_until(lambda: epoch().get("listener") in listening, 30, "the engine's listener on record")
        return epoch()

    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    stack.run("one", "net")
    first = settled()
    stack.engine.restart()
    second = settled()
    assert (second["local"], second["global"]) == (first["local"] + 1, first["global"] + 1)
    assert second["local_witnessed"] and second["global_witnessed"]
    stack.engine.kill()
    stack.engine.start()
    third = settled()
    assert (third["local"], third["global"]) == (second["local"] + 1, second["global"] + 1)
    stack.driver.kill_and_start()
    stack.run("two", "net")
    assert settled() == third, "viaductd alone was restarted"


@pytest.mark.parametrize("fresh_stack", ["managed"], indirect=True)
def test_disabled_without_force_after_an_engine_restart(fresh_stack):
    """Trap T33: a restarted engine has forgotten that networks use the plugin, and disables it without -f. What was promised is
    kept; the next enable serves it again."""
    stack, subnet = fresh_stack, fresh_stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("one", "net", "--restart", "always", "--ip", f"{subnet}.9")
    stack.run("two", "net", "--restart", "always")
    stack.engine.restart()
    wait_until(lambda: all(stack.engine.inspect("container", name)["State"]["Running"] for name in ("one", "two")), 60,
               "restart of the containers")
    wait_until(lambda: len(stack.rows("endpoint")) == 2, 30, "end of the former endpoints")
    records = promises(stack)
    ping = stack.long_ping("two", f"{subnet}.9")
    stack.docker("plugin", "disable", stack.driver.name)
    assert stack.world.pids_of("viaductd") == []
    assert promises(stack) == records
    stack.docker("plugin", "enable", stack.driver.name)
    sent, lost = stack.stop_ping(ping)
    assert sent > 5 and lost <= 2, f"{lost} of {sent} lost"
    assert promises(stack) == records
    stack.run("three", "net")
    assert stack.pings("three", f"{subnet}.9") and stack.pings("three", OUTSIDE4)
    stack.assert_nothing_left()


@pytest.mark.parametrize("fresh_stack", ["installed"], indirect=True)
def test_upgrade_keeps_the_state(fresh_stack):
    """docker plugin upgrade from a registry replaces the root file system and the configuration; networks, addresses and running
    containers are as before, also the plugin's settings."""
    stack, subnet = fresh_stack, fresh_stack.subnet()
    driver = stack.driver
    driver.stop()
    stack.docker("plugin", "set", driver.name, "VIADUCT_POOLS=10.77.0.0/16:26")
    driver.start()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("one", "net", "--ip", f"{subnet}.9")
    stack.run("two", "net")
    records, identity, ping = promises(stack), driver.inspect()["Id"], stack.long_ping("two", f"{subnet}.9")
    driver.stop()
    stack.docker("plugin", "upgrade", "--grant-all-permissions", "--skip-remote-check", driver.name, driver.reference("2"),
                 timeout=180)
    assert driver.inspect()["Config"]["Description"].endswith("version 2") and driver.inspect()["Id"] == identity
    assert promises(stack) == records
    driver.start()
    sent, lost = stack.stop_ping(ping)
    assert sent > 5 and lost <= 2, f"{lost} of {sent} lost"
    assert promises(stack) == records
    stack.run("three", "net")
    assert stack.address("three", "net") not in {stack.address(name, "net") for name in ("one", "two")}
    assert stack.pings("three", f"{subnet}.9") and stack.pings("three", OUTSIDE4)
    stack.network("automatic")
    assert stack.engine.inspect("network", "automatic")["IPAM"]["Config"][0]["Subnet"].startswith("10.77.")
    stack.assert_nothing_left()


def started_at(stack, pid):
    """When a process of the world was started, on the clock of file times: the kernel counts from its boot."""
    fields = stack.world.run("cat", f"/proc/{pid}/stat").rpartition(")")[2].split()
    since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return since_boot + time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def test_listens_before_the_engines_first_probe(stack):
    """The engine looks for the socket half a second after the start, then every three seconds. From the kernel's own records of
    both events; the best of several starts, so that a busy machine does not fail it."""
    stack.network("net")
    stack.run("one", "net")
    delays = []
    for _ in range(5):
        stack.driver.kill_and_start()
        bound = float(stack.world.run("stat", "-c", "%.Z", stack.driver.socket()))
        delays.append(bound - started_at(stack, stack.driver.pid()))
        if delays[-1] < 0.5:
            break
    assert min(delays) < 0.5, delays


def test_disable_is_quick(stack):
    """As process 1 of its namespace viaductd has to handle SIGTERM itself; otherwise each disable takes 10 s. Its process is
    watched, not the command: an engine that has just restarted a plugin may learn of its end by its own time limit alone."""
    disabling = threading.Thread(target=stack.driver.stop)
    disabling.start()
    try:
        stack.world.wait_until(lambda: not stack.world.pids_of("viaductd"), 5, "end of viaductd")
    finally:
        disabling.join()
    stack.driver.start()


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
    wait_until(lambda: stack.driver.inspect()["Enabled"], 30, "the plugin being enabled")
    stack.run("two", "net")
    assert stack.pings("two", stack.address("one", "net"))


def test_admin_socket_lies_beside_the_plugins(stack):
    """viaductctl on the host reaches the plugin's daemon through the plugin's own folder."""
    assert stack.driver.admin_socket() == f"/run/docker/plugins/{stack.driver.id}/viaduct-admin.sock"
    stack.network("net")
    assert stack.network_id("net") in stack.ctl("--json", "network", "ls")
    away = stack.world.run(str(BIN / "viaductctl"), "--socket", "unix:///run/nobody.sock", "status", check=False)
    assert away.returncode == 3


def test_a_second_name_serves_networks_of_this_host_beside_those_of_a_swarm():
    """Both scopes from one process: what the engine asks under the second name is in the same state, under the same rules."""
    with open_stack("managed") as stack:
        driver, world = stack.driver, stack.world
        driver.stop()
        stack.docker("plugin", "set", driver.name, "VIADUCT_SCOPE=global", "VIADUCT_LISTEN=unix:///run/docker/plugins/viaduct.sock,"
                     "local=unix:///run/docker/plugins/viaduct-local.sock")
        driver.start()
        done = stack.network("refused", check=False)
        assert done.returncode != 0 and "swarm" in done.stderr, done.stderr
        # Of the world alone: the folder is there, for the registry's package has its settings below it.
        world.run("mount", "-t", "tmpfs", "tmpfs", "/etc/docker")
        world.run("mkdir", "/etc/docker/plugins")
        world.run("sh", "-c", f"echo unix:///run/docker/plugins/{driver.id}/viaduct-local.sock > /etc/docker/plugins/viaduct-local.spec")
        stack.docker("network", "create", "-d", "viaduct-local", "--ipam-driver", "viaduct-local", "--subnet", "10.78.0.0/24", "net")
        stack.run("one", "net")
        assert stack.pings("one", OUTSIDE4)
        assert "10.78.0.0/24" in stack.ctl("network", "ls")
        stack.engine.remove_everything()
        stack._made.clear()
        stack.assert_nothing_left()
