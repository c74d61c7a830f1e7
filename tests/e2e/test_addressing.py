"""Addresses, asked for and chosen; refusals that name the reason; viaduct's IPAM and other network drivers, and the reverse."""

import ipaddress
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.mark.core
def test_fixed_address_and_mac(stack):
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("one", "net", "--ip", f"{subnet}.77", "--mac-address", "02:42:ac:11:00:99")
    assert stack.address("one", "net") == f"{subnet}.77"
    link = next(link for link in stack.container_ip_json("one", "addr") if link["ifname"] == "eth0")
    assert link["address"] == "02:42:ac:11:00:99"
    assert [(info["local"], info["prefixlen"]) for info in link["addr_info"] if info["family"] == "inet"] == [(f"{subnet}.77", 24)]
    stack.run("two", "net")
    assert stack.pings("two", f"{subnet}.77")


def test_mac_differs_between_containers_and_lives_in_the_sandbox(stack):
    stack.network("net")
    for name in ("one", "two"):
        stack.run(name, "net")
    macs = {name: stack.endpoint(name, "net")["MacAddress"] for name in ("one", "two")}
    assert macs["one"] != macs["two"]
    for name, mac in macs.items():
        link = next(link for link in stack.container_ip_json(name, "link") if link["ifname"] == "eth0")
        assert link["address"] == mac or not mac


def test_automatic_subnets_do_not_overlap(stack):
    """Subnets that viaduct chooses overlap neither each other nor what the host has routes to."""
    for number in range(6):
        stack.network(f"auto{number}")
    chosen = [ipaddress.ip_network(stack.engine.inspect("network", f"auto{number}")["IPAM"]["Config"][0]["Subnet"])
              for number in range(6)]
    # A network's own bridge has a route to its own subnet: the others are those that do not run over viaduct's links.
    routed = [ipaddress.ip_network(route["dst"]) for route in stack.world.ip_json("route")
              if route["dst"] != "default" and not route["dev"].startswith("vd-")]
    for index, subnet in enumerate(chosen):
        assert not [other for other in chosen[index + 1:] + routed if subnet.overlaps(other)]


def test_range_gateway_and_auxiliary_addresses(stack):
    """--ip-range bounds what is chosen; gateway and auxiliary addresses may lie outside and are never given to containers."""
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24", "--ip-range", f"{subnet}.128/29", "--gateway", f"{subnet}.254",
                  "--aux-address", f"printer={subnet}.129", "--aux-address", f"router={subnet}.9")
    addresses = []
    for number in range(3):
        stack.run(f"in{number}", "net")
        addresses.append(stack.address(f"in{number}", "net"))
    inside = ipaddress.ip_network(f"{subnet}.128/29")
    assert all(ipaddress.ip_address(address) in inside for address in addresses)
    assert f"{subnet}.129" not in addresses and len(set(addresses)) == 3
    assert stack.endpoint("in0", "net")["Gateway"] == f"{subnet}.254"
    assert stack.pings("in0", f"{subnet}.254")


def test_auxiliary_address_is_refused_to_a_container(stack):
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24", "--aux-address", f"printer={subnet}.9")
    done = stack.docker("run", "-d", "--name", "thief", "--network", "net", "--ip", f"{subnet}.9", "viaduct-busybox", "true",
                        check=False)
    assert done.returncode != 0
    assert f"{subnet}.9" in done.stderr


def test_same_address_twice_is_refused(stack):
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("one", "net", "--ip", f"{subnet}.50")
    done = stack.docker("run", "-d", "--name", "two", "--network", "net", "--ip", f"{subnet}.50", "viaduct-busybox", "true",
                        check=False)
    assert done.returncode != 0
    assert f"{subnet}.50" in done.stderr
    assert stack.engine.execute("one", "true").returncode == 0


def test_small_pool_fills_and_says_so(stack):
    """A /29 holds five containers beside its gateway; the sixth is refused with the pool's name; a freed address serves again."""
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/29")
    for number in range(5):
        stack.run(f"full{number}", "net")
    assert len({stack.address(f"full{number}", "net") for number in range(5)}) == 5
    done = stack.docker("run", "-d", "--name", "late", "--network", "net", "viaduct-busybox", "true", check=False)
    assert done.returncode != 0
    assert f"{subnet}.0/29" in done.stderr
    stack.docker("rm", "-f", "full2", "late")
    stack.run("next", "net")


@pytest.mark.core
def test_same_subnet_twice_names_the_holder(stack):
    """The second network with a subnet is refused with a message that names it; the first one is none the worse."""
    subnet = stack.subnet()
    stack.network("first", "--subnet", f"{subnet}.0/24")
    stack.run("one", "first")
    refused = stack.network("second", "--subnet", f"{subnet}.0/24", check=False)
    assert refused.returncode != 0
    assert subnet in refused.stderr
    stack.run("two", "first")
    assert stack.address("two", "first") != stack.address("one", "first")
    assert stack.pings("one", stack.address("two", "first"))


@pytest.mark.parametrize("overlapping", ["{}.0/25", "{}.128/26", "10.0.0.0/8"])
def test_overlapping_subnet_names_the_holder(stack, overlapping):
    subnet = stack.subnet()
    stack.network("first", "--subnet", f"{subnet}.0/24")
    refused = stack.network("second", "--subnet", overlapping.format(subnet), check=False)
    assert refused.returncode != 0
    assert f"{subnet}.0/24" in refused.stderr


@pytest.mark.core
def test_viaduct_ipam_under_the_bridge_driver(stack):
    subnet = stack.subnet()
    stack.docker("network", "create", "-d", "bridge", "--ipam-driver", stack.driver.name, "--subnet", f"{subnet}.0/24", "net")
    stack.run("one", "net")
    stack.run("two", "net")
    assert ipaddress.ip_address(stack.address("two", "net")) in ipaddress.ip_network(f"{subnet}.0/24")
    assert stack.pings("one", stack.address("two", "net"))
    assert stack.own_links() == []
    assert stack.rows("pool") and not stack.rows("network")


def test_viaduct_ipam_under_macvlan(stack, parent):
    subnet = stack.subnet()
    stack.docker("network", "create", "-d", "macvlan", "-o", f"parent={parent}", "--ipam-driver", stack.driver.name,
                 "--subnet", f"{subnet}.0/24", "--gateway", f"{subnet}.1", "net")
    stack.run("one", "net")
    stack.run("two", "net")
    assert stack.pings("one", stack.address("two", "net"))


@pytest.mark.core
def test_default_ipam_under_viaduct(stack):
    """A viaduct network with the engine's own IPAM, with and without a chosen subnet."""
    subnet = stack.subnet()
    stack.docker("network", "create", "-d", stack.driver.name, "--subnet", f"{subnet}.0/24", "net")
    stack.docker("network", "create", "-d", stack.driver.name, "auto")
    for network in ("net", "auto"):
        stack.run(f"one-{network}", network)
        stack.run(f"two-{network}", network)
        assert stack.pings(f"one-{network}", stack.address(f"two-{network}", network))
    assert stack.rows("pool") == []


def test_null_ipam_under_viaduct_is_refused_or_works(stack):
    """--ipam-driver null gives a network no address at all: either a clear refusal or a container with a link and no address."""
    done = stack.docker("network", "create", "-d", stack.driver.name, "--ipam-driver", "null", "net", check=False)
    if done.returncode != 0:
        assert "subnet" in done.stderr or "address" in done.stderr or "ipam" in done.stderr.lower()
        return
    stack.run("one", "net")
    link = next(link for link in stack.container_ip_json("one", "addr") if link["ifname"] == "eth0")
    assert [info for info in link["addr_info"] if info["family"] == "inet"] == []


def test_many_containers_at_once(stack):
    """Started together, all get addresses of their own and reach the gateway."""
    count = 8
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    with ThreadPoolExecutor(max_workers=count) as pool:
        list(pool.map(lambda number: stack.run(f"many{number}", "net"), range(count)))
    addresses = {stack.address(f"many{number}", "net") for number in range(count)}
    assert len(addresses) == count
    gateway = stack.endpoint("many0", "net")["Gateway"]
    assert all(stack.pings(f"many{number}", gateway) for number in range(count))
