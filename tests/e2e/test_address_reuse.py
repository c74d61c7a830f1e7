"""An address that another container had until just now, and neighbours that still know it by that one's MAC."""

import ipaddress

from lab import wait_until

OLD, NEW = "02:42:ac:11:00:0a", "02:42:ac:11:00:0b"


def neighbours(stack, container, address):
    """What a container knows of an address: its MACs by `ip neigh`, usually one."""
    return [entry["lladdr"] for entry in stack.container_ip_json(container, "neigh", "show", address) if "lladdr" in entry]


def listen(stack, container):
    """tcpdump at a container's link, with what it heard so far in output()."""
    pid = str(stack.engine.container_pid(container))
    heard = stack.world.spawn(["nsenter", "--target", pid, "--net", "tcpdump", "-i", "eth0", "-l", "-n", "-e", "arp or icmp6"],
                              log="announcements.log")
    wait_until(lambda: "listening on" in heard.output(), 10, "tcpdump")
    return heard


def test_neighbours_learn_which_mac_an_address_has_now(stack):
    """Scenario 29: within a second, from an ARP announcement and a neighbour advertisement that are seen on the wire."""
    subnet, subnet6 = stack.subnet(), stack.subnet6()
    stack.network("net", "--ipv6", "--subnet", f"{subnet}.0/24", "--subnet", f"{subnet6}::/64")
    addresses = f"{subnet}.50", f"{subnet6}::50"
    fixed = "--ip", addresses[0], "--ip6", addresses[1]
    stack.run("peer", "net")
    stack.run("old", "net", "--mac-address", OLD, *fixed)
    assert all(stack.pings("peer", address) for address in addresses)
    stack.docker("rm", "-f", "old")
    assert [neighbours(stack, "peer", address) for address in addresses] == [[OLD], [OLD]], "it must know the old one still"
    heard = listen(stack, "peer")
    stack.run("new", "net", "--mac-address", NEW, *fixed)
    for address in addresses:
        assert stack.pings("peer", address, wait=1), (address, neighbours(stack, "peer", address))
        assert neighbours(stack, "peer", address) == [NEW]
    heard.signal(2)
    heard.wait(5)
    told = [line for line in heard.output().splitlines() if f"{NEW} > " in line]
    assert any("> ff:ff:ff:ff:ff:ff" in line and addresses[0] in line for line in told), heard.output()
    assert any("> 33:33:00:00:00:01" in line and "neighbor advertisement" in line for line in told), heard.output()
    # The container heard nobody else claim its address.
    (link,) = stack.container_ip_json("new", "addr", "show", "dev", "eth0")
    own = [known for known in link["addr_info"] if known["scope"] == "global"]
    assert {known["local"] for known in own} == {addresses[0], str(ipaddress.ip_address(addresses[1]))}
    assert not [known for known in own if known.get("dadfailed") or known.get("tentative")]


def test_a_container_restarted_at_once_has_its_address_and_mac(stack):
    """Scenario 33: its links of a moment ago are still being removed; killed or stopped, by name and by hand."""
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.run("peer", "net")
    stack.run("one", "net", "--mac-address", OLD, "--ip", f"{subnet}.50")
    for again in (("restart", "-t", "0", "one"), ("kill", "one"), ("start", "one"), ("rm", "-f", "one")):
        stack.docker(*again)
    stack.run("one", "net", "--mac-address", OLD, "--ip", f"{subnet}.50")
    assert (stack.address("one", "net"), stack.endpoint("one", "net")["MacAddress"]) == (f"{subnet}.50", OLD)
    assert stack.pings("peer", f"{subnet}.50", wait=1)
    stack.world.wait_until(lambda: len(stack.host_veths()) == 2, 10, "removal of the old links")
