"""Who reaches whom: containers, gateway, outside; the kinds of separation."""

import threading

import pytest

from lab import OUTSIDE4, OUTSIDE6, UPLINK4, UPLINK6, wait_until


ASK_BY_UDP = """
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(3)
sock.sendto(b"hello", ("{}", 7))
print(sock.recv(64).decode())
"""


def two_containers(stack, *network_options, subnet=None):
    """Network "net" with containers "one" and "two"; their IPv4 addresses."""
    subnet = subnet or stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24", *network_options)
    stack.run("one", "net")
    stack.run("two", "net")
    return stack.address("one", "net"), stack.address("two", "net")


@pytest.mark.core
def test_containers_reach_each_other_and_the_gateway(stack):
    one, two = two_containers(stack)
    assert one != two
    assert stack.pings("one", two) and stack.pings("two", one)
    gateway = stack.endpoint("one", "net")["Gateway"]
    assert stack.pings("one", gateway)
    assert stack.world.run("ping", "-c1", "-W3", one, check=False).returncode == 0, "the host does not reach the container"
    assert gateway in {info["local"] for link in stack.world.ip_json("addr") for info in link["addr_info"]}


@pytest.mark.core
def test_containers_find_each_other_by_name(stack):
    two_containers(stack)
    assert stack.pings("one", "two")


@pytest.mark.core
def test_outside_sees_the_hosts_address(stack):
    """NAT: TCP, UDP and ICMP get out and back; the outside host, which has no route to the subnet, sees the uplink's address."""
    two_containers(stack)
    assert stack.engine.execute("one", "wget", "-qO-", f"http://{OUTSIDE4}/", check=True) == UPLINK4
    pid = stack.engine.container_pid("one")
    asked = stack.world.run("nsenter", "--target", pid, "--net", "/usr/bin/python3", "-c", ASK_BY_UDP.format(OUTSIDE4))
    assert asked.strip() == UPLINK4
    assert stack.pings("one", OUTSIDE4)


def test_source_address_on_the_wire(stack):
    """The same for ICMP, read off the outside host's wire with tcpdump."""
    two_containers(stack)
    seen = []
    sniffer = threading.Thread(target=lambda: seen.append(stack.world.outside(
        "tcpdump", "-n", "-l", "-c", "1", "-i", "world", "icmp[icmptype] == icmp-echo", check=False, timeout=20).stdout))
    sniffer.start()
    wait_until(lambda: stack.pings("one", OUTSIDE4) and seen, 60, "tcpdump's first packet")
    sniffer.join()
    assert f"IP {UPLINK4} > {OUTSIDE4}: ICMP echo request" in seen[0]


def test_no_masquerade_option_keeps_source(stack):
    """enable_ip_masquerade=false: the packet leaves with the container's address, so no answer finds its way back."""
    two_containers(stack, "-o", "com.docker.network.bridge.enable_ip_masquerade=false")
    assert not stack.pings("one", OUTSIDE4, wait=1)


def test_engine_policy_drop_does_not_stop_traffic(stack):
    """The engine's own firewall is on and drops what is forwarded by default (viaductd, which runs first, has not kept it from
    that); viaduct's traffic passes, bridged and routed."""
    assert "-P FORWARD DROP" in stack.world.run("iptables", "-S", "FORWARD")
    assert stack.world.run("cat", "/proc/sys/net/bridge/bridge-nf-call-iptables").strip() == "1"
    _, two = two_containers(stack)
    assert stack.pings("one", two)
    assert stack.pings("one", OUTSIDE4)


def test_rules_at_rest_are_left_alone(stack):
    """With nothing going on viaduct does not write its rules again and again: the kernel announces no change of any rule set."""
    two_containers(stack)
    monitor = stack.world.spawn(["stdbuf", "-oL", "nft", "monitor"], log="monitor.log")
    try:
        def heard():
            stack.world.run("nft", "add", "table", "ip", "sign")
            stack.world.run("nft", "delete", "table", "ip", "sign")
            return "sign" in monitor.output()
        wait_until(heard, 30, "the monitor's first line")
        for turn in range(5):
            assert stack.pings("one", stack.address("two", "net"))
            seen = [line for line in monitor.output().splitlines() if "viaduct" in line]
            assert seen == [], f"after {turn + 1} pings"
    finally:
        monitor.stop()


@pytest.mark.core
def test_ipv6_between_containers_and_gateway(stack):
    prefix = stack.subnet6()
    two_containers(stack, "--ipv6", "--subnet", f"{prefix}::/64")
    two = stack.address6("two", "net")
    assert two.startswith(prefix.partition(":")[0])
    assert stack.pings("one", two)
    endpoint = stack.endpoint("one", "net")
    assert endpoint["IPv6Gateway"] and stack.pings("one", endpoint["IPv6Gateway"])
    routes = stack.container_ip_json("one", "-6", "route")
    assert any(route["dst"] == "default" and route["gateway"] == endpoint["IPv6Gateway"] for route in routes)


@pytest.mark.core
def test_outside_sees_the_hosts_ipv6_address(stack):
    """The same over IPv6, for which nobody but viaduct switches forwarding on: in the managed form through its own mount."""
    two_containers(stack, "--ipv6", "--subnet", f"{stack.subnet6()}::/64")
    assert stack.pings("one", OUTSIDE6)
    assert stack.engine.execute("one", "wget", "-qO-", f"http://[{OUTSIDE6}]/", check=True) == UPLINK6
    assert stack.world.run("cat", "/proc/sys/net/ipv6/conf/all/forwarding").strip() == "1"


def test_no_masquerade_option_keeps_ipv6_source(stack):
    two_containers(stack, "--ipv6", "--subnet", f"{stack.subnet6()}::/64", "-o", "com.docker.network.bridge.enable_ip_masquerade=false")
    assert not stack.pings("one", OUTSIDE6, wait=1)


@pytest.mark.core
def test_internal_network_has_no_way_out(stack):
    _, two = two_containers(stack, "--internal")
    assert stack.pings("one", two)
    assert not stack.pings("one", OUTSIDE4, wait=1)
    assert not [route for route in stack.container_ip_json("one", "route") if route["dst"] == "default"]
    # A route added by hand in the container does not open a way either.
    pid = stack.engine.container_pid("one")
    gateway = stack.engine.inspect("network", "net")["IPAM"]["Config"][0].get("Gateway")
    if gateway:
        stack.world.run("nsenter", "--target", pid, "--net", "ip", "route", "add", "default", "via", gateway, check=False)
        assert not stack.pings("one", OUTSIDE4, wait=1)


@pytest.mark.core
def test_networks_are_isolated_from_each_other(stack):
    one, _ = two_containers(stack)
    stack.network("other", "--subnet", f"{stack.subnet()}.0/24")
    stack.run("stranger", "other")
    assert not stack.pings("stranger", one, wait=1)
    assert not stack.pings("one", stack.address("stranger", "other"), wait=1)


def test_isolated_from_the_engines_bridge(stack):
    one, _ = two_containers(stack)
    stack.engine.run("stranger")
    assert not stack.pings("stranger", one, wait=1)
    assert not stack.pings("one", stack.engine.inspect("container", "stranger")["NetworkSettings"]["IPAddress"], wait=1)


def test_icc_false_separates_containers(stack):
    """enable_icc=false: containers of the network do not reach each other, but gateway and outside."""
    one, two = two_containers(stack, "-o", "com.docker.network.bridge.enable_icc=false")
    assert not stack.pings("one", two, wait=1) and not stack.pings("two", one, wait=1)
    assert stack.pings("one", stack.endpoint("one", "net")["Gateway"])
    assert stack.pings("one", OUTSIDE4)


def test_mtu_option_reaches_container_and_bridge(stack):
    two_containers(stack, "-o", "com.docker.network.driver.mtu=1400")
    link = next(link for link in stack.container_ip_json("one", "link") if link["ifname"] == "eth0")
    assert link["mtu"] == 1400
    assert {link["mtu"] for link in stack.world.ip_json("link") if link["ifname"] in stack.own_links()} == {1400}


def test_interface_prefix_option(stack):
    two_containers(stack, "-o", "com.docker.network.container_iface_prefix=lan")
    names = {link["ifname"] for link in stack.container_ip_json("one", "link")}
    assert "lan0" in names and "eth0" not in names


def test_unknown_option_is_refused_by_name(stack):
    done = stack.network("net", "-o", "com.docker.network.driver.mut=1400", check=False)
    assert done.returncode != 0
    assert "mut" in done.stderr and "mtu" in done.stderr


@pytest.mark.core
def test_no_second_interface_appears(stack):
    """Scenario 12: the engine adds no docker_gwbridge interface to a container of a viaduct network, internal or not."""
    two_containers(stack)
    stack.network("inner", "--internal", "--subnet", f"{stack.subnet()}.0/24")
    stack.run("three", "inner")
    for name in ("one", "three"):
        assert {link["ifname"] for link in stack.container_ip_json(name, "link")} == {"lo", "eth0"}
    assert "docker_gwbridge" not in stack.world.link_names()


@pytest.mark.parametrize("kind", ["bridge", "veth"])
def test_links_carry_names_and_ids(stack, kind):
    """Bridges are vd- and the network id's first 12, host veths ve and the endpoint id's first 13; the alias has the full id."""
    two_containers(stack)
    if kind == "bridge":
        whole = stack.network_id("net")
        name = "vd-" + whole[:12]
    else:
        whole = stack.endpoint("one", "net")["EndpointID"]
        name = "ve" + whole[:13]
    link = next(link for link in stack.world.ip_json("-d", "link") if link["ifname"] == name)
    assert whole in link.get("ifalias", "")
    assert link["linkinfo"]["info_kind"] == kind
