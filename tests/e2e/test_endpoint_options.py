"""Options of one endpoint and what a network says of all of its: names of links, routes, rate limits, as the container has them."""

import json

import pytest


def links(stack, container):
    return sorted(link["ifname"] for link in stack.container_ip_json(container, "link") if link["ifname"] != "lo")


def test_interface_name_is_the_asked_one_on_this_engine(stack):
    """Scenario 13: a whole name becomes the prefix to which engines append the first number (trap T11)."""
    stack.network("first")
    stack.network("second")
    stack.run("one", "first")
    stack.docker("network", "connect", "--driver-opt", "ifname=lan0", "second", "one")
    assert links(stack, "one") == ["eth0", "lan0"]
    # It is so after every start.
    stack.docker("restart", "one")
    assert links(stack, "one") == ["eth0", "lan0"]


def test_two_networks_that_ask_for_one_name(stack):
    """Scenario 13: equal names in one container are numbered in the order in which the engine joins them."""
    for name in ("first", "second"):
        stack.network(name, "-o", "iface_prefix=lan")
    stack.run("one", "first")
    stack.docker("network", "connect", "second", "one")
    assert links(stack, "one") == ["lan0", "lan1"]
    subnets = {link["ifname"]: link["addr_info"][0]["local"] for link in stack.container_ip_json("one", "addr") if link["ifname"] != "lo"}
    assert subnets == {"lan0": stack.address("one", "first"), "lan1": stack.address("one", "second")}
    stack.docker("network", "disconnect", "first", "one")
    stack.docker("network", "connect", "--driver-opt", "ifname=lan0", "first", "one")
    assert links(stack, "one") == ["lan1", "lan2"], "no number of a prefix comes twice while the container runs"


def test_routes_of_network_and_endpoint(stack):
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24", "-o", f"route=10.201.0.0/16 via {subnet}.9, 10.202.0.0/16")
    stack.run("one", "net")
    routes = {route["dst"]: route.get("gateway") for route in stack.container_ip_json("one", "route")}
    assert routes["10.201.0.0/16"] == f"{subnet}.9"
    assert "10.202.0.0/16" in routes and routes["10.202.0.0/16"] is None
    assert routes["default"] == f"{subnet}.1"


@pytest.mark.parametrize("option, sentence", [
    ("route=10.201.0.0/16 via 192.0.2.1", "outside the network's subnets"),
    ("route=0.0.0.0/0", "the way to everywhere"),
    ("route=fd09::/64", "no IPv6 subnet"),
    ("rate_in=fast", "from 8kbit to 100gbit"),
    ("mac=eui64", "give address, random or name"),
])
def test_what_is_no_option_makes_no_network(stack, option, sentence):
    subnet = stack.subnet()
    refused = stack.network("net", "--subnet", f"{subnet}.0/24", "-o", option, check=False)
    assert refused.returncode != 0 and sentence in refused.stderr
    assert stack.rows("network") == []


def test_rates_of_a_network_bind_each_container(stack):
    stack.network("net", "-o", "rate_in=8mbit", "-o", "rate_out=16mbit")
    stack.run("one", "net")
    [host_end] = stack.host_veths()
    queues = json.loads(stack.world.run("tc", "-j", "qdisc", "show", "dev", host_end))
    assert [queue["options"]["rate"] for queue in queues if queue["kind"] == "tbf"] == [1_000_000]
    [queue] = json.loads(stack.world.run("tc", "-j", "qdisc", "show", "dev", "vf" + host_end[2:]))
    assert queue["kind"] == "tbf" and queue["options"]["rate"] == 2_000_000
    stack.docker("rm", "-f", "one")
