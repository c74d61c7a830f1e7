"""Endpoints that get several VLANs with their tags, as a router or a firewall in a container wants them."""

import pytest

from lan import NIC

REQUEST, REPLY = "ICMP echo request", "ICMP echo reply"


def sub_interface(stack, container, link, vlan, address):
    """The container's own sub-interface on its link."""
    name = f"tagged{vlan}"
    stack.inside(container, "ip", "link", "add", "link", link, "name", name, "type", "vlan", "id", str(vlan))
    stack.inside(container, "ip", "addr", "add", f"{address}/24", "dev", name)
    stack.inside(container, "ip", "link", "set", name, "up")


def untagged(stack, container, network, address=None, **options):
    """Connected; the address and the name of the link that has it."""
    found = stack.connect(container, network, address, **options)["IPAddress"]
    return found, stack.link_with(container, found)


def test_a_trunk_endpoint_sends_and_receives_tags(stack, lan):
    """A network with trunk= (which implies vlan_aware): its own VLAN untagged, and those of the trunk tagged."""
    stack.vlan("router", 10, options={"trunk": "20,30-32"})
    stack.vlan("v20", 20, aware=True)
    own, link = untagged(stack, "ten", "router")
    other = stack.connect("twenty", "v20")["IPAddress"]
    sub_interface(stack, "ten", link, 20, "192.168.20.50")
    with lan.watch() as wire, stack.watch("ten", link) as inside:
        assert stack.pings("ten", "192.168.20.1"), "the LAN by its tag"
        assert stack.pings("ten", other) and stack.pings("twenty", "192.168.20.50"), "a container of that VLAN"
        assert stack.pings("ten", "192.168.10.1") and lan.pings(own), "its own VLAN without a tag"
        assert inside.wait_for(f"192.168.20.1 > 192.168.20.50: {REPLY}") == {("0x8100", 20)}
        assert inside.wait_for(f"192.168.10.1 > {own}: {REPLY}") == {None}
        assert wire.wait_for(f"192.168.20.50 > 192.168.20.1: {REQUEST}") == {("0x8100", 20)}
        assert wire.wait_for(f"{own} > 192.168.10.1: {REQUEST}") == {("0x8100", 10)}
    port = stack.vlans(stack.port_of("ten", "router"))
    assert {vlan: sorted(words) for vlan, words in port.items()} == \
        {10: ["Egress Untagged", "PVID"], 20: [], 30: [], 31: [], 32: []}
    assert set(stack.vlans(NIC)) == {10, 20, 30, 31, 32}
    # A VLAN outside the trunk is not heard, and not let in.
    lan.join(40)
    sub_interface(stack, "ten", link, 40, "192.168.40.50")
    with lan.watch() as wire:
        assert not stack.pings("ten", "192.168.40.1", wait=1)
        assert not wire.lines("192.168.40.50")


def test_trunk_and_native_of_one_endpoint(stack, lan):
    """--driver-opt trunk= and native= of `network connect`: for this endpoint alone, and instead of the network's."""
    stack.vlan("v10", 10, aware=True)
    own, link = untagged(stack, "ten", "v10", trunk="10,20", native="none")
    plain = stack.connect("tenth", "v10")["IPAddress"]
    assert not stack.pings("ten", "192.168.10.1", wait=1), "without a tag nothing is let in"
    # Its address of VLAN 10 belongs on the link with that tag.
    stack.inside("ten", "ip", "addr", "flush", "dev", link)
    sub_interface(stack, "ten", link, 10, own)
    sub_interface(stack, "ten", link, 20, "192.168.20.50")
    assert stack.pings("ten", "192.168.10.1") and stack.pings("ten", "192.168.20.1") and stack.pings("ten", plain)
    assert set(stack.vlans(stack.port_of("ten", "v10"))) == {10, 20}
    assert not any(stack.vlans(stack.port_of("ten", "v10")).values()), "none of them untagged"
    assert set(stack.vlans(stack.port_of("tenth", "v10"))) == {10}
    stack.disconnect("ten", "v10")
    assert set(stack.vlans(NIC)) == {10}, "VLAN 20 goes with the endpoint that wanted it"


@pytest.mark.parametrize("options, sentence", [
    ({"trunk": "20", "vlan_aware": "false"}, "vlan_aware=true"),
    ({"trunk": "20-10"}, "20-10"),
    ({"trunk": "4095"}, "4095"),
    ({"native": "all"}, "or none"),
])
def test_what_is_no_trunk_is_refused(stack, options, sentence):
    said = stack.refused(stack.vlan, "net", 10, options=options)
    assert sentence in said, said
    assert stack.link("vd-eth1") is None and stack.link("vd-eth1.10") is None


def test_a_trunk_endpoint_of_a_network_without_is_refused(stack, lan):
    stack.vlan("v10", 10)
    said = stack.refused(stack.connect, "ten", "v10", trunk="20")
    assert "vlan_aware=true" in said, said
