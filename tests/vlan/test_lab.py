"""The lab itself: what it promises to the other tests of this folder."""

from vlan_stack import BASE


def test_containers_of_a_bridge_reach_each_other(stack):
    """mode=bridge on this kernel, with an engine that drops what is forwarded by default."""
    assert "-P FORWARD DROP" in stack.world.run("iptables", "-S", "FORWARD")
    assert stack.world.run("cat", "/proc/sys/net/bridge/bridge-nf-call-iptables").strip() == "1"
    assert stack.pings("ten", stack.address("twenty", BASE)) and stack.pings("twenty", stack.address("ten", BASE))


def test_the_wire_shows_tags(stack, lan):
    """Two hosts with sub-interfaces and no viaduct: tcpdump tells tagged frames from untagged ones."""
    run = stack.world.run
    run("ip", "addr", "add", "192.168.1.2/24", "dev", "eth1")
    run("ip", "link", "add", "link", "eth1", "name", "probe", "type", "vlan", "id", "10")
    run("ip", "addr", "add", "192.168.10.2/24", "dev", "probe")
    run("ip", "link", "set", "probe", "up")
    try:
        with lan.watch() as watch:
            assert lan.pings("192.168.10.2") and lan.pings("192.168.1.2")
            assert watch.wait_for("192.168.10.2 > 192.168.10.1: ICMP echo reply") == {("0x8100", 10)}
            assert watch.wait_for("192.168.1.2 > 192.168.1.1: ICMP echo reply") == {None}
    finally:
        run("ip", "link", "del", "probe")
