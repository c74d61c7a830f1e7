"""mode=vlan without a VLAN: containers on the LAN of a link, seen from a host of that LAN and with tools of others."""

import json

import pytest

from flat_lan import LAN, Lan
from lab import wait_until


@pytest.fixture
def lan(stack):
    made = Lan(stack.world)
    try:
        yield made
    finally:
        stack.engine.remove_everything()
        # Only then does the stack compare links.
        made.close()


def link(stack, name):
    found = [entry for entry in json.loads(stack.world.run("ip", "-j", "-d", "link")) if entry["ifname"] == name]
    return found[0] if found else None


def flat(stack, name, *options, **more):
    return stack.network(name, "--subnet", f"{LAN}.0/24", "--ip-range", f"{LAN}.128/25", "--gateway", f"{LAN}.1",
                         "-o", "mode=vlan", "-o", "parent=nic0", *options, **more)


@pytest.mark.core
def test_containers_are_hosts_of_the_lan(stack, lan):
    flat(stack, "net", "--ipv6", "--subnet", "fd77::/64", "--gateway", "fd77::1")
    stack.run("one", "net")
    stack.run("two", "net")
    one = stack.address("one", "net")
    assert stack.pings("one", f"{LAN}.1") and stack.pings("one", "fd77::1"), "the LAN's router"
    assert lan.pings(one) and lan.pings(stack.address6("one", "net")), "from the LAN, without a port published"
    assert stack.pings("one", stack.address("two", "net")), "one another"
    (route,) = [entry for entry in stack.container_ip_json("one", "route") if entry["dst"] == "default"]
    assert route["gateway"] == f"{LAN}.1"
    nic = link(stack, "nic0")
    assert nic["master"] == "vd-nic0" and nic["linkinfo"]["info_slave_kind"] == "bridge"
    assert not json.loads(stack.world.run("ip", "-j", "addr", "show", "dev", "vd-nic0"))[0]["addr_info"]
    # Whoever is on the LAN does not reach the host by the bridge's MAC, whatever address of the host's it asks for.
    lan.ip("route", "add", "10.78.0.1/32", "dev", "wire0")
    stack.world.run("ip", "addr", "add", "10.78.0.1/32", "dev", "lo")
    lan.ip("neigh", "replace", "10.78.0.1", "lladdr", link(stack, "vd-nic0")["address"], "dev", "wire0")
    assert not lan.pings("10.78.0.1")
    stack.world.run("ip", "addr", "del", "10.78.0.1/32", "dev", "lo")
    stack.docker("rm", "-f", "one", "two")
    stack.docker("network", "rm", "net")
    wait_until(lambda: link(stack, "vd-nic0") is None, 10, "end of the bridge")
    assert "master" not in link(stack, "nic0")


@pytest.mark.core
def test_a_network_without_an_ipv6_subnet_gives_addresses_made_of_the_ipv4_ones(stack, lan):
    """As in a Swarm, which allocates one address a task."""
    flat(stack, "net", "-o", "ipv6_prefix=fd77::/64")
    stack.run("one", "net", "--ip", f"{LAN}.140")
    address = "fd77::a4d:8c"
    assert address in [known["local"] for known in stack.container_ip_json("one", "addr", "show", "dev", "eth0")[0]["addr_info"]]
    assert lan.pings(address) and stack.pings("one", "fd77::1")
    assert stack.address6("one", "net") == address
    stack.docker("restart", "-t", "0", "one")
    assert lan.pings(address)
    stack.docker("rm", "-f", "one")
    stack.run("two", "net", "--ip", f"{LAN}.140")
    assert lan.pings(address)


@pytest.mark.core
def test_the_host_has_the_address_that_it_was_given(stack, lan):
    done = flat(stack, "net", "-o", "host_access=true", check=False)
    assert "--aux-address HostIPv4=ADDRESS" in done.stderr
    flat(stack, "net", "-o", "host_access=true", "--aux-address", f"HostIPv4={LAN}.130")
    stack.run("one", "net")
    assert stack.world.run("ping", "-c1", "-W3", stack.address("one", "net"), check=False).returncode == 0
    assert stack.pings("one", f"{LAN}.130") and lan.pings(f"{LAN}.130")
    assert stack.address("one", "net") != f"{LAN}.130"


def test_an_address_that_a_host_of_the_lan_has_is_passed(stack, lan):
    """Scenario 31: the host has no address on that LAN, and asks all the same."""
    lan.ip("addr", "add", f"{LAN}.128/24", "dev", "wire0")
    lan.ip("addr", "add", f"{LAN}.129/24", "dev", "wire0")
    flat(stack, "net")
    stack.run("one", "net")
    assert stack.address("one", "net") == f"{LAN}.130"
    shown = stack.ctl("address", "ls")
    assert f"{LAN}.128" in shown and f"{LAN}.129" in shown, shown


@pytest.mark.core
def test_a_parent_that_goes_and_comes_back_is_taken_back(stack, lan):
    """Scenario 49: the NIC is unplugged and plugged in again; nobody says a word to viaduct."""
    flat(stack, "net")
    stack.run("one", "net")
    one = stack.address("one", "net")
    assert lan.pings(one)
    lan.unplug()
    assert "link nic0, its parent, is gone" in stack.world.run(
        *stack.ctl_command().split(), "fsck", check=False, env={"DOCKER_HOST": f"unix://{stack.engine.socket}"}).stdout
    lan.plug()
    wait_until(lambda: lan.pings(one), 15, "the container's return to the LAN")
    assert "state, kernel and rules agree" in stack.ctl("fsck")


def test_a_parent_that_macvlan_has_is_refused(stack, lan):
    """Scenario 48: one of the two drivers has a link; which one, and what to do, is said up front."""
    stack.docker("network", "create", "-d", "macvlan", "-o", "parent=nic0", "--subnet", "10.79.0.0/24", "mac")
    stack.run("taker", "mac")
    done = flat(stack, "net", check=False)
    assert done.returncode != 0
    assert "link nic0 has a macvlan" in done.stderr and "give another parent=" in done.stderr, done.stderr
    assert link(stack, "vd-nic0") is None
    stack.docker("rm", "-f", "taker")
    stack.docker("network", "rm", "mac")
    flat(stack, "net")


def test_a_bridge_of_the_hosts_gets_ports_and_stays_as_it_is(stack, lan):
    run = stack.world.run
    run("ip", "link", "add", "br0", "type", "bridge")
    try:
        run("ip", "link", "set", "nic0", "master", "br0", "up")
        run("ip", "addr", "add", f"{LAN}.2/24", "dev", "br0")
        run("ip", "link", "set", "br0", "up")
        done = flat(stack, "net", check=False)
        assert "link nic0 is a port of br0; give parent=br0" in done.stderr, done.stderr
        flat(stack, "net", "-o", "parent=br0")
        stack.run("one", "net")
        one = stack.address("one", "net")
        assert lan.pings(one) and stack.pings("one", f"{LAN}.1") and stack.pings("one", f"{LAN}.2"), "the host, too"
        assert lan.pings(f"{LAN}.2"), "the host is reached as before"
        stack.docker("rm", "-f", "one")
        stack.docker("network", "rm", "net")
        bridge = link(stack, "br0")
        assert bridge["operstate"] == "UP" and "ifalias" not in bridge
        assert link(stack, "nic0")["master"] == "br0"
    finally:
        stack.engine.remove_everything()
        run("ip", "link", "del", "br0")


def test_the_host_makes_no_noise_on_the_lan(stack, lan):
    """No router solicitation, multicast report or spanning tree of the host's: nothing but the question whether an address is free."""
    watch = stack.world.spawn(["ip", "netns", "exec", "lan", "tcpdump", "-n", "-e", "-l", "-Q", "in", "-i", "wire0"], log="tcpdump-noise.log")
    wait_until(lambda: "listening on" in watch.output(), 30, "tcpdump's start")
    flat(stack, "net", "--ipv6", "--subnet", "fd77::/64", "--gateway", "fd77::1")
    stack.run("one", "net")
    mac, address = stack.endpoint("one", "net")["MacAddress"], stack.address("one", "net")
    # The last announcement is three seconds after the start: whatever a link of the host's had to say has been said by then.
    announced = f"{mac} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has {address} tell {address}"
    wait_until(lambda: len([line for line in watch.output().splitlines() if announced in line]) >= 3, 20, "the announcements")
    watch.kill()
    frames = [line for line in watch.output().splitlines() if " ethertype " in line or "802.3" in line]
    own = [line for line in frames if f" {mac} > " not in line]
    noise = [line for line in own if "tell 0.0.0.0" not in line and ":: > ff02::1:ff" not in line]
    assert own and not noise, "\n".join(noise)
