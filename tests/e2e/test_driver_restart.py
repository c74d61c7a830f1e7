"""viaduct ends and comes back: what runs goes on, what was promised still holds."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import DockerError, OUTSIDE4, wait_until

# Pings go every 50 ms; the links stay, so a restart may cost no more than what a busy machine loses anyway.
MOST_LOST = 2


@pytest.fixture
def pair(stack):
    """Network "net" with containers "one" and "two"."""
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    stack.run("one", "net")
    stack.run("two", "net")
    return stack


@pytest.mark.parametrize("how", ["restart", "kill_and_start"])
def test_running_containers_keep_their_traffic(pair, how):
    inside = pair.long_ping("one", pair.address("two", "net"))
    outward = pair.long_ping("two", OUTSIDE4)
    before = pair.rows("endpoint"), pair.rows("address"), pair.own_rules(), set(pair.own_links())
    getattr(pair.driver, how)()
    assert (pair.rows("endpoint"), pair.rows("address"), pair.own_rules(), set(pair.own_links())) == before
    for ping in (inside, outward):
        answered = ping.output().count("bytes from")
        wait_until(lambda: ping.output().count("bytes from") > answered + 5, 30, "further answers")
        sent, lost = pair.stop_ping(ping)
        assert lost <= MOST_LOST, f"{lost} of {sent} lost"


@pytest.mark.core
@pytest.mark.parametrize("how", ["restart", "kill_and_start"])
def test_work_goes_on_after(pair, how):
    """New containers get other addresses than those in use; old ones can be stopped, started and removed."""
    used = {pair.address(name, "net") for name in ("one", "two")}
    getattr(pair.driver, how)()
    pair.run("three", "net")
    assert pair.address("three", "net") not in used
    assert pair.pings("three", pair.address("one", "net"))
    pair.docker("restart", "one")
    assert pair.pings("two", pair.address("one", "net"))
    pair.docker("rm", "-f", "two")
    wait_until(lambda: len(pair.host_veths()) == 2, 30, "removal of the veth")
    assert len(pair.rows("endpoint")) == 2


def test_links_lost_while_away_come_back(pair):
    """The bridge and the rules vanish while viaduct is away; at its start it repairs them from its database."""
    bridge = pair.bridges()[0]
    rules = pair.own_rules()
    pair.driver.stop()
    pair.world.run("ip", "link", "del", bridge)
    pair.world.run("nft", "delete", "table", "inet", "viaduct")
    pair.driver.start()
    wait_until(lambda: bridge in pair.bridges() and pair.own_rules() == rules, 30, "repair")
    pair.run("three", "net")
    assert pair.pings("three", OUTSIDE4)
    assert pair.pings("three", pair.address("one", "net")), "the old container's veth did not get its port back"


def test_foreign_links_are_left_alone(pair):
    """Links that only look like viaduct's, without its mark, are neither used nor removed at a start."""
    world = pair.world
    world.run("ip", "link", "add", "vd-0123456789ab", "type", "bridge")
    world.run("ip", "link", "add", "ve0123456789abc", "type", "veth", "peer", "name", "foreign-peer")
    try:
        pair.driver.restart()
        assert {"vd-0123456789ab", "ve0123456789abc", "foreign-peer"} <= set(world.link_names())
    finally:
        world.run("ip", "link", "del", "vd-0123456789ab", check=False)
        world.run("ip", "link", "del", "ve0123456789abc", check=False)


@pytest.mark.parametrize("round_number", range(3))
def test_killed_in_the_middle_of_operations(pair, round_number):
    """kill -9 while containers start and stop: some of these operations may fail, but afterwards everything works and nothing leaks."""
    def start_and_stop(number):
        try:
            pair.run(f"busy{number}", "net", timeout=60)
            pair.docker("rm", "-f", f"busy{number}", timeout=60)
        except (DockerError, subprocess.TimeoutExpired):
            return False
        return True

    with ThreadPoolExecutor(max_workers=4) as pool:
        running = [pool.submit(start_and_stop, number) for number in range(4)]
        wait_until(lambda: len(pair.host_veths()) >= 3 + round_number % 2, 30, "operations under way")
        pair.driver.kill_and_start()
        outcomes = [future.result() for future in running]
    assert len(outcomes) == 4
    for number in range(4):
        pair.docker("rm", "-f", f"busy{number}", check=False)
    wait_until(lambda: len(pair.host_veths()) == 2 and len(pair.rows("endpoint")) == 2, 30, "end of the failed attempts' links")
    pair.run("after", "net")
    addresses = [pair.address(name, "net") for name in ("one", "two", "after")]
    assert len(set(addresses)) == 3
    assert pair.pings("after", addresses[0])


def test_a_pool_that_the_engine_forgot_is_named_and_removed(stack):
    """As is left when the engine removes a network of its bridge driver's while viaductd is away: it forgets the network, and never
    releases pool and address. Doctor says so, and an operator removes them."""
    subnet = stack.subnet()
    stack.docker("network", "create", "-d", "bridge", "--ipam-driver", stack.driver.name, "--subnet", f"{subnet}.0/24", "kept")
    stack.network("auto", "--ipv6", "--subnet", f"{stack.subnet6()}::/64")
    forgotten = stack.subnet()
    ctl = f"DOCKER_HOST=unix://{stack.engine.socket} {stack.ctl_command()}"

    def ask(method, body):
        return json.loads(stack.world.run("curl", "-s", "-f", "-m", "9", "--unix-socket", stack.driver.socket(), "-X", "POST",
                                          "-d", json.dumps(body), f"http://viaduct/IpamDriver.{method}"))

    def doctor():
        answer = json.loads(stack.world.run("sh", "-c", f"{ctl} doctor --json; true"))
        return [one["remedy"] for one in answer["advice"] if "no network on that subnet" in one["text"]]

    pool = ask("RequestPool", {"AddressSpace": "local", "Pool": f"{forgotten}.0/24", "SubPool": "", "Options": {}, "V6": False})
    ask("RequestAddress", {"PoolID": pool["PoolID"], "Address": "",
                           "Options": {"com.docker.network.endpoint.macaddress": "02:42:0a:00:00:02"}})
    assert doctor() == [], "the engine may be making its network"
    stack.driver.stop()
    stack.query("UPDATE pool SET value = json_set(value, '$.since', '2026-01-01T00:00:00Z')")
    stack.driver.start()
    assert doctor() == [f"viaductctl pool rm {pool['PoolID']}"]
    refused = stack.world.run("sh", "-c", f"{ctl} pool rm {forgotten}.0/24 2>&1; {ctl} pool rm {subnet}.0/24 2>&1; true")
    assert "1 addresses of pool" in refused and "--with-addresses" in refused
    assert "network kept of the engine stands on pool" in refused
    stack.ctl("pool", "rm", f"{forgotten}.0/24", "--with-addresses")
    assert doctor() == [] and len(stack.rows("pool")) == 3
    stack.run("one", "kept")
