"""What the gateway of a network lets in and out, and bridges that the user names."""

import contextlib

import pytest
from services import Service, from_host, from_outside

from lab import GATEWAY4, GATEWAY6, OUTSIDE4, UPLINK4, UPLINK6

PREFIX = "com.docker.network.bridge."


@contextlib.contextmanager
def routes_to(stack, *subnets):
    """The outside host has routes to the networks' subnets by the world's uplink."""
    def change(verb, subnet):
        family, via = ("-6", UPLINK6) if ":" in subnet else ("-4", UPLINK4)
        stack.world.outside("ip", family, "route", verb, subnet, "via", via)
    for subnet in subnets:
        change("add", subnet)
    try:
        yield
    finally:
        for subnet in subnets:
            change("del", subnet)


def address(link):
    return [info["local"] for info in link["addr_info"] if info["family"] == "inet"]


def outside_pings(stack, address):
    return stack.world.outside("ping", "-c1", "-W1", address, check=False).returncode == 0


def test_nat_unprotected_lets_in_what_has_a_route(stack, services):
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24", "-o", PREFIX + "gateway_mode_ipv4=nat-unprotected")
    service = Service(stack, "web", "net", "-p", "8080:81")
    services.append(service)
    with routes_to(stack, f"{subnet}.0/24"):
        assert from_outside(stack, f"http://{service.address}/") == GATEWAY4
    assert stack.engine.execute("web", "wget", "-qO-", f"http://{OUTSIDE4}/", check=True) == UPLINK4


def test_routed_opens_published_ports_on_the_containers_address(stack, services):
    subnet, prefix = stack.subnet(), stack.subnet6()
    stack.network("net", "--subnet", f"{subnet}.0/24", "--ipv6", "--subnet", f"{prefix}::/64",
                  "-o", PREFIX + "gateway_mode_ipv4=routed", "-o", PREFIX + "gateway_mode_ipv6=routed")
    web = Service(stack, "web", "net", "-p", "8080:80")
    closed = Service(stack, "closed", "net")
    services.extend([web, closed])
    with routes_to(stack, f"{subnet}.0/24", f"{prefix}::/64"):
        assert from_outside(stack, f"http://{web.address}/") == GATEWAY4
        assert from_outside(stack, f"http://[{web.address6}]/") == GATEWAY6
        assert from_outside(stack, f"http://{closed.address}/") is None
        assert outside_pings(stack, closed.address) and outside_pings(stack, closed.address6)
        assert stack.engine.execute("web", "wget", "-qO-", f"http://{OUTSIDE4}/", check=True) == web.address
    assert from_outside(stack, f"http://{UPLINK4}:8080/") is None
    assert "(at the container's address)" in stack.ctl("port", "web")


def test_isolated_leaves_the_host_outside(stack):
    subnet = stack.subnet()
    refused = stack.network("net", "-o", PREFIX + "gateway_mode_ipv4=isolated", check=False)
    assert refused.returncode != 0 and "--internal" in refused.stderr
    stack.network("net", "--subnet", f"{subnet}.0/24", "--internal", "-o", PREFIX + "gateway_mode_ipv4=isolated")
    stack.run("one", "net")
    stack.run("two", "net")
    assert stack.pings("one", stack.address("two", "net"))
    bridge = "vd-" + stack.network_id("net")[:12]
    link = next(link for link in stack.world.ip_json("addr", "show", bridge))
    assert [info for info in link["addr_info"] if info["family"] == "inet"] == []
    assert stack.world.run("ping", "-c1", "-W1", stack.address("one", "net"), check=False).returncode != 0


def test_trusted_links_reach_published_ports_directly(stack, services):
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24", "-o", PREFIX + "trusted_host_interfaces=uplink:other0")
    web, closed = Service(stack, "web", "net", "-p", "8080:80"), Service(stack, "closed", "net")
    services.extend([web, closed])
    with routes_to(stack, f"{subnet}.0/24"):
        assert from_outside(stack, f"http://{web.address}/") == GATEWAY4
        assert from_outside(stack, f"http://{closed.address}/") is None


def test_addresses_of_the_host(stack, services):
    """host_binding_ipv4: where ports are published; host_ipv4: what containers leave with."""
    other = "198.18.0.77"
    stack.world.run("ip", "addr", "add", f"{other}/24", "dev", "uplink")
    try:
        stack.network("net", "--subnet", f"{stack.subnet()}.0/24", "-o", PREFIX + f"host_binding_ipv4={other}",
                      "-o", f"com.docker.network.host_ipv4={other}")
        services.append(Service(stack, "web", "net", "-p", "8080:80"))
        assert from_outside(stack, f"http://{other}:8080/") == GATEWAY4
        assert from_outside(stack, f"http://{UPLINK4}:8080/") is None
        assert stack.engine.execute("web", "wget", "-qO-", f"http://{OUTSIDE4}/", check=True) == other
    finally:
        stack.world.run("ip", "addr", "del", f"{other}/24", "dev", "uplink")


def test_isolate_separates_containers(stack):
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24", "-o", "isolate=true")
    stack.run("one", "net")
    stack.run("two", "net")
    assert not stack.pings("one", stack.address("two", "net"), wait=1)
    assert stack.pings("one", OUTSIDE4)


def test_gateway_may_be_another_host(stack):
    """Scenario 12: DefaultGatewayIPv4 beside a bridge without IPv4 address: the containers' default route leads there, no second interface."""
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24", "--aux-address", f"DefaultGatewayIPv4={subnet}.200",
                  "-o", PREFIX + "inhibit_ipv4=true")
    stack.run("one", "net")
    stack.run("router", "net", "--ip", f"{subnet}.201")
    routes = stack.container_ip_json("one", "route")
    assert [route["gateway"] for route in routes if route["dst"] == "default"] == [f"{subnet}.200"]
    bridge = "vd-" + stack.network_id("net")[:12]
    assert not [info for info in stack.world.ip_json("addr", "show", bridge)[0]["addr_info"] if info["family"] == "inet"]
    assert stack.pings("one", f"{subnet}.201")
    assert {link["ifname"] for link in stack.container_ip_json("one", "link")} == {"lo", "eth0"}


@pytest.mark.parametrize("whose", ["viaduct's", "somebody else's"])
def test_bridge_of_a_given_name(stack, services, whose):
    subnet = stack.subnet()
    if whose != "viaduct's":
        stack.world.run("ip", "link", "add", "br-lab", "type", "bridge")
        stack.world.run("ip", "link", "set", "br-lab", "address", "02:00:00:00:00:77", "mtu", "1450", "up")
        stack.world.run("ip", "addr", "add", f"{subnet}.1/24", "dev", "br-lab")
    try:
        before = stack.world.ip_json("-d", "addr", "show", "br-lab")[0] if whose != "viaduct's" else None
        stack.network("net", "--subnet", f"{subnet}.0/24", "-o", PREFIX + "name=br-lab")
        services.append(Service(stack, "web", "net", "-p", "8080:80"))
        stack.run("one", "net")
        assert from_outside(stack, f"http://{UPLINK4}:8080/") == GATEWAY4
        assert stack.pings("one", stack.address("web", "net")) and stack.pings("one", OUTSIDE4)
        stack.driver.restart()
        assert from_outside(stack, f"http://{UPLINK4}:8080/") == GATEWAY4
        stack.docker("rm", "-f", "web", "one")
        stack.docker("network", "rm", "net")
        if whose == "viaduct's":
            stack.world.wait_until(lambda: "br-lab" not in stack.world.link_names(), 30, "the bridge's removal")
            return
        after = stack.world.ip_json("-d", "addr", "show", "br-lab")[0]
        assert [after.get(key) for key in ("mtu", "address", "group", "promiscuity")] == \
            [before.get(key) for key in ("mtu", "address", "group", "promiscuity")]
        # The link-local address is the kernel's doing, once a port is up.
        assert address(after) == address(before)
        assert "ifalias" not in after
    finally:
        if whose != "viaduct's":
            stack.engine.remove_everything()
            stack.world.run("ip", "link", "del", "br-lab")
