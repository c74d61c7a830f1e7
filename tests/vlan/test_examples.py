"""docs/examples.md as it stands: each example is pasted into a shell, and the kernel and the LAN are looked at beside it."""

import pytest

from lab.examples import example
from lan import NIC


@pytest.fixture
def host(stack):
    """The stack, with the image that the examples take."""
    stack.tag("busybox")
    return stack


def test_a_home_server_with_vlans(host, lan):
    networks, containers, looks, away = example("A home server with VLANs")
    host.paste(networks)
    host.paste(containers)
    with lan.watch() as wire:
        told = host.paste(looks)
        assert told.startswith("hello\n")
        assert "192.168.10.140" in told and "vlan protocol 802.1Q id 10" in told
        assert lan.pings("192.168.10.140") and lan.pings("192.168.10.129")
        assert wire.wait_for("192.168.20.1: ICMP echo request") == {("0x8100", 20)}
        assert wire.wait_for("192.168.10.140 > 192.168.10.1: ICMP echo reply") == {("0x8100", 10)}
    host.paste(away)
    host.wait_gone("eth1.10", "eth1.20")


def test_a_lab_with_a_trunk(host, lan):
    networks, containers, looks, away = example("A lab with a trunk")
    lan.join(31)
    lan.batch("addr del 192.168.31.1/24 dev lan.31", "addr add 192.168.31.77/24 dev lan.31",
              "route add 192.168.30.0/24 via 192.168.31.1")
    host.paste(networks)
    host.paste(containers)
    with lan.watch() as wire:
        told = host.paste(looks)
        assert told.count("0% packet loss") == 2
        assert not wire.lines("192.168.30.10 > 192.168.31.10"), "between containers it stays on this host"
        # A host at the switch has the router as its gateway too.
        assert lan.pings("192.168.30.10")
        assert wire.wait_for("192.168.31.77 > 192.168.30.10: ICMP echo request") == {("0x8100", 31)}
    port = host.vlans("ve" + host.endpoint("router", "edge")["EndpointID"][:13])
    assert {vlan: sorted(words) for vlan, words in port.items()} == {10: ["Egress Untagged", "PVID"], 30: [], 31: []}
    assert {10, 30, 31} <= set(host.vlans(NIC))
    host.paste(away)
    host.wait_gone("vd-eth1")
