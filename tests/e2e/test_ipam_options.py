"""What --ipam-opt promises, on the real engine: under viaduct's networks and under the engine's own drivers."""

import ipaddress

import pytest


@pytest.fixture(params=["viaduct", "macvlan"])
def network(request, stack):
    """`docker network create` with addresses from viaduct, under each driver of networks."""
    if request.param == "viaduct":
        return stack.network
    parent = request.getfixturevalue("parent")

    def create(*options, check=True):
        return stack.docker("network", "create", "-d", "macvlan", "-o", f"parent={parent}", "--ipam-driver", stack.driver.name,
                            *options, check=check)
    return create


def subnet_of(stack, name):
    return ipaddress.ip_network(stack.engine.inspect("network", name)["IPAM"]["Config"][0]["Subnet"])


def test_a_released_address_rests_and_its_mac_gets_it_back(stack, network):
    subnet = stack.subnet()
    network("net", "--subnet", f"{subnet}.0/24")
    fixed = ("--mac-address", "02:42:ac:11:00:77")
    stack.run("one", "net", *fixed)
    former = stack.address("one", "net")
    stack.docker("rm", "-f", "one")
    stack.run("two", "net")
    assert stack.address("two", "net") != former, "it is in quarantine"
    stack.run("three", "net", *fixed)
    assert stack.address("three", "net") == former
    assert stack.pings("two", former)


def test_excluded_addresses_and_the_lowest_policy(stack, network):
    subnet = stack.subnet()
    network("net", "--subnet", f"{subnet}.0/28", "--ipam-opt", f"exclude={subnet}.2-{subnet}.9", "--ipam-opt", "policy=lowest",
            "--ipam-opt", "quarantine=0", "--ipam-opt", "sticky=0")
    stack.run("one", "net")
    assert stack.address("one", "net") == f"{subnet}.10"
    stack.docker("rm", "-f", "one")
    stack.run("two", "net")
    assert stack.address("two", "net") == f"{subnet}.10"
    stack.run("three", "net", "--ip", f"{subnet}.5")
    assert stack.pings("three", f"{subnet}.10")


def test_an_automatic_subnet_of_a_size_and_the_serial_policy(stack, network):
    """With addresses that do not rest, the next one comes all the same."""
    network("net", "--ipam-opt", "size=28", "--ipam-opt", "policy=serial", "--ipam-opt", "quarantine=0", "--ipam-opt", "sticky=0")
    subnet = subnet_of(stack, "net")
    assert subnet.prefixlen == 28
    stack.run("one", "net")
    stack.docker("rm", "-f", "one")
    stack.run("two", "net")
    assert stack.address("two", "net") == str(subnet[3])
    assert stack.endpoint("two", "net")["IPPrefixLen"] == 28


def test_a_reserved_address_is_its_macs_alone(stack, network):
    subnet, mac = stack.subnet(), "02:42:ac:11:00:78"
    stack.ctl("address", "reserve", f"{subnet}.9", "--mac", mac)
    try:
        network("net", "--subnet", f"{subnet}.0/24")
        other = stack.docker("run", "-d", "--name", "other", "--network", "net", "--ip", f"{subnet}.9", "viaduct-busybox", "true",
                             check=False)
        assert other.returncode != 0 and f"is reserved for MAC {mac}" in other.stderr
        stack.run("one", "net", "--mac-address", mac)
        assert stack.address("one", "net") == f"{subnet}.9"
    finally:
        stack.ctl("address", "unreserve", f"{subnet}.9")


def test_a_full_subnet_spills_into_the_next(stack):
    """The docker command sends several subnets in any order: which is the first one is not the user's to say."""
    prefixes = [stack.subnet(), stack.subnet()]
    subnets = [f"{prefix}.0/30" for prefix in prefixes]
    stack.network("net", "--subnet", subnets[0], "--subnet", subnets[1], "--ipam-opt", f"spill={','.join(subnets)}")
    for name in ("one", "two"):
        stack.run(name, "net")
    one, two = stack.address("one", "net"), stack.address("two", "net")
    assert {one, two} == {f"{prefix}.2" for prefix in prefixes}
    assert stack.pings("two", two.removesuffix("2") + "1"), "the gateway of its own subnet"
    assert stack.pings("two", one), "through the host's bridge"
    stack.docker("restart", "-t", "0", "two")
    assert stack.address("two", "net") == two


def test_an_unknown_option_and_a_full_pool_say_what_to_do(stack):
    refused = stack.network("bad", "--ipam-opt", "polcy=lowest", check=False)
    assert refused.returncode != 0 and 'did you mean \"policy\"' in refused.stderr
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/30")
    stack.run("one", "net")
    full = stack.docker("run", "-d", "--name", "two", "--network", "net", "viaduct-busybox", "true", check=False)
    assert full.returncode != 0 and "2 of 2 are held" in full.stderr


def test_under_the_engines_own_driver(stack):
    subnet = stack.subnet()
    stack.docker("network", "create", "-d", "bridge", "--ipam-driver", stack.driver.name, "--subnet", f"{subnet}.0/24",
                 "--ipam-opt", f"exclude={subnet}.2-{subnet}.99", "net")
    stack.run("one", "net")
    former = stack.address("one", "net")
    assert former == f"{subnet}.100"
    stack.docker("rm", "-f", "one")
    stack.run("two", "net")
    assert stack.address("two", "net") == f"{subnet}.101", "the released one rests"
