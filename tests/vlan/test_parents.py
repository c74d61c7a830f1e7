"""The link that networks stand on: shared, somebody else's, gone and back, unfit."""

import json

import pytest

from lab import wait_until
from lan import NIC

REQUEST = "ICMP echo request"
FORMS = {"sub-interface": False, "vlan-aware": True}
aware = pytest.mark.parametrize("aware", FORMS.values(), ids=FORMS.keys())


@pytest.fixture
def host_link(stack):
    """make("ip words…"): a link of the host's own, made by hand; gone at the end, whatever became of it."""
    made = []

    def make(name, *words):
        made.append(name)
        stack.world.run("ip", "link", "add", *words[:words.index("type")], "name", name, *words[words.index("type"):])
        stack.world.run("ip", "link", "set", name, "up")
    yield make
    stack.clear()
    for name in reversed(made):
        stack.world.run("ip", "link", "del", name, check=False)


@aware
def test_two_networks_share_a_vlan_and_one_is_removed(stack, lan, aware):
    """Scenario 49: the VLAN stays for the one that is left; the last takes what viaduct made."""
    stack.vlan("first", 10, aware)
    stack.vlan("second", 10, aware, subnet="192.168.110.0/24", gateway="192.168.110.1")
    one = stack.connect("ten", "first")["IPAddress"]
    two = stack.connect("tenth", "second")["IPAddress"]
    lan.batch("addr add 192.168.110.1/24 dev lan.10")
    assert lan.pings(one) and lan.pings(two)
    bridge = stack.link(stack.port_of("ten", "first"))["master"]
    assert stack.link(stack.port_of("tenth", "second"))["master"] == bridge
    stack.disconnect("ten", "first")
    stack.remove("first")
    assert lan.pings(two) and stack.pings("tenth", "192.168.110.1")
    stack.clear()
    stack.wait_gone(bridge, *([] if aware else ["eth1.10"]))
    assert "master" not in stack.link(NIC)


@pytest.mark.parametrize("name", ["eth1.10", "office"])
def test_a_sub_interface_of_the_users_is_used_and_left(stack, lan, host_link, name):
    """Scenario 49: made by hand before, under whatever name; nothing of it is changed but that it is a port for a while."""
    host_link(name, "link", NIC, "type", "vlan", "id", "10")
    before = stack.link(name)
    stack.vlan("v10", 10)
    one = stack.connect("ten", "v10")["IPAddress"]
    assert lan.pings(one)
    assert stack.link(name)["master"] == "vd-eth1.10"
    assert [link["ifname"] for link in stack.world.ip_json("-d", "link", "show", "type", "vlan")] == [name]
    stack.clear()
    stack.wait_gone("vd-eth1.10")
    after = stack.link(name)
    kept = ("ifindex", "mtu", "address", "group", "ifalias", "master")
    assert "UP" in after["flags"]
    assert {key: after.get(key) for key in kept} == {key: before.get(key) for key in kept}
    assert after["linkinfo"]["info_data"] == before["linkinfo"]["info_data"]


@aware
def test_a_parent_that_goes_and_comes_back_is_taken_back(stack, lan, aware):
    """Scenario 49: the NIC is unplugged and plugged in again; nobody says a word to viaduct, and no container is touched."""
    stack.vlan("v10", 10, aware)
    one = stack.connect("ten", "v10")["IPAddress"]
    two = stack.connect("tenth", "v10")["IPAddress"]
    assert lan.pings(one)
    lan.unplug()
    assert stack.pings("ten", two), "containers of the network still reach one another"
    said = stack.world.run(*stack.ctl_command().split(), "fsck", check=False,
                           env={"DOCKER_HOST": f"unix://{stack.engine.socket}"}).stdout
    assert "eth1" in said and "gone" in said, said
    lan.plug()
    with lan.watch() as watch:
        wait_until(lambda: lan.pings(one, wait=1), 30, "the container's return to the LAN")
        assert watch.wait_for(f"192.168.10.1 > {one}: {REQUEST}") == {("0x8100", 10)}
    assert stack.pings("ten", "192.168.10.1")
    assert "state, kernel and rules agree" in stack.ctl("fsck")


@aware
def test_the_parent_comes_back_while_viaductd_is_away(stack, lan, aware):
    """Scenario 49, at start."""
    stack.vlan("v10", 10, aware)
    one = stack.connect("ten", "v10")["IPAddress"]
    stack.driver.stop()
    lan.unplug()
    lan.plug()
    stack.driver.start()
    wait_until(lambda: lan.pings(one, wait=1), 30, "the container's return to the LAN")


def test_a_sub_interface_taken_away_by_hand_comes_back_by_fsck(stack, lan):
    stack.vlan("v10", 10)
    one = stack.connect("ten", "v10")["IPAddress"]
    stack.world.run("ip", "link", "del", "eth1.10")
    wait_until(lambda: stack.link("eth1.10") or "repaired" in stack.ctl("fsck", "--repair"), 30, "the sub-interface's return")
    wait_until(lambda: lan.pings(one, wait=1), 30, "the container's return to the LAN")


@pytest.mark.parametrize("kind", ["macvlan", "ipvlan"])
def test_a_parent_that_the_engines_drivers_have_is_refused(stack, lan, kind):
    """Scenario 48: a network of the engine's macvlan or ipvlan driver on the same link takes all that comes in by it."""
    # The engine makes its link when the first container joins.
    stack.create("taken", subnet="192.168.10.0/24", driver=kind, options={"parent": "eth1.10"})
    stack.connect("ten", "taken")
    for parent, vlan in (("eth1", "10"), ("eth1.10", None)):
        said = stack.refused(stack.vlan, "v10", 10, options={"parent": parent, "vlan": vlan})
        assert "eth1.10" in said and kind in said and "parent=" in said, said
    assert stack.link("vd-eth1.10") is None
    # Another VLAN of the same parent is free, and so is this one once the other driver has let go of it.
    stack.vlan("v20", 20)
    twenty = stack.connect("twenty", "v20")["IPAddress"]
    assert lan.pings(twenty)
    stack.disconnect("ten", "taken")
    stack.remove("taken")
    stack.vlan("v10", 10)
    assert lan.pings(stack.connect("ten", "v10")["IPAddress"])


def test_a_port_of_another_bridge_is_refused(stack, lan, host_link):
    """What the operator's own bridge has, viaduct does not take; the VLANs of that bridge are to be had by its name."""
    host_link("br0", "type", "bridge")
    stack.world.run("ip", "link", "set", NIC, "master", "br0")
    for form in FORMS.values():
        said = stack.refused(stack.vlan, "v10", 10, form)
        assert f"link {NIC} is a port of br0; give parent=br0" in said, said
    assert stack.link(NIC)["master"] == "br0" and stack.link("eth1.10") is None
    stack.vlan("v10", 10, options={"parent": "br0"})
    one = stack.connect("ten", "v10")["IPAddress"]
    assert stack.link("br0.10")["master"] == "vd-br0.10"
    with lan.watch() as watch:
        assert stack.pings("ten", "192.168.10.1") and lan.pings(one)
        assert watch.wait_for(f"{one} > 192.168.10.1: {REQUEST}") == {("0x8100", 10)}
    stack.clear()
    stack.wait_gone("br0.10", "vd-br0.10")
    bridge = stack.link("br0")
    assert "ifalias" not in bridge and "master" not in bridge and bridge["operstate"] == "UP"
    assert stack.link(NIC)["master"] == "br0"


@aware
def test_a_bond_is_a_parent_and_what_is_in_it_is_none(stack, lan, host_link, aware):
    run = stack.world.run
    host_link("bond7", "type", "bond", "mode", "active-backup", "miimon", "100")
    # A link joins a bond while it is down.
    run("ip", "link", "set", NIC, "down")
    run("ip", "link", "set", NIC, "master", "bond7")
    assert "give parent=bond7" in stack.refused(stack.vlan, "v10", 10, aware)
    stack.vlan("v10", 10, aware, options={"parent": "bond7"})
    one = stack.connect("ten", "v10")["IPAddress"]
    wait_until(lambda: stack.pings("ten", "192.168.10.1", wait=1), 15, "the bond's link")
    with lan.watch() as watch:
        assert lan.pings(one)
        assert watch.wait_for(f"{one} > 192.168.10.1: ICMP echo reply") == {("0x8100", 10)}
    assert stack.link(NIC)["master"] == "bond7"


def test_a_sub_interface_that_is_a_port_of_another_bridge_is_refused(stack, lan, host_link):
    host_link("br0", "type", "bridge")
    host_link("eth1.10", "link", NIC, "type", "vlan", "id", "10")
    stack.world.run("ip", "link", "set", "eth1.10", "master", "br0")
    said = stack.refused(stack.vlan, "v10", 10)
    assert "link eth1.10 is a port of br0" in said, said
    assert stack.link("eth1.10")["master"] == "br0"


def test_a_link_with_addresses_of_the_hosts_is_refused(stack, lan, host_link):
    """A port of a bridge hears nothing at its own addresses: the host would be cut off."""
    stack.world.run("ip", "addr", "add", "192.168.1.2/24", "dev", NIC)
    for options in ({"vlan": None}, {"vlan_aware": "true"}):
        said = stack.refused(stack.vlan, "net", 10, options=options)
        assert f"link {NIC} has address 192.168.1.2" in said, said
    host_link("eth1.10", "link", NIC, "type", "vlan", "id", "10")
    stack.world.run("ip", "addr", "add", "192.168.10.2/24", "dev", "eth1.10")
    said = stack.refused(stack.vlan, "v10", 10)
    assert "link eth1.10 has address 192.168.10.2" in said, said
    assert lan.pings("192.168.1.2") and lan.pings("192.168.10.2"), "the host is reached as before"
    # A VLAN of its own leaves the NIC's untagged frames to the host.
    stack.vlan("v20", 20)
    assert lan.pings(stack.connect("twenty", "v20")["IPAddress"]) and lan.pings("192.168.1.2")


@pytest.mark.parametrize("by_hand", [True, False], ids=["made by hand", "not there"])
def test_dockers_spelling_of_a_vlan(stack, lan, host_link, by_hand):
    """parent=eth1.10 is that link, or VLAN 10 of eth1: one LAN with the networks that say parent=eth1 and vlan=10."""
    if by_hand:
        host_link("eth1.10", "link", NIC, "type", "vlan", "id", "10")
    stack.vlan("dotted", 10, options={"parent": "eth1.10", "vlan": None})
    stack.vlan("spelled", 10, subnet="192.168.110.0/24", gateway="192.168.110.1")
    one = stack.connect("ten", "dotted")["IPAddress"]
    stack.connect("tenth", "spelled")
    assert stack.link(stack.port_of("ten", "dotted"))["master"] == "vd-eth1.10"
    assert stack.link(stack.port_of("tenth", "spelled"))["master"] == "vd-eth1.10"
    with lan.watch() as watch:
        assert stack.pings("ten", "192.168.10.1")
        assert watch.wait_for(f"{one} > 192.168.10.1: {REQUEST}") == {("0x8100", 10)}
    stack.clear()
    stack.wait_gone("vd-eth1.10")
    assert (stack.link("eth1.10") is not None) == by_hand


def test_the_parents_mtu_is_the_containers(stack, lan):
    stack.world.run("ip", "link", "set", NIC, "mtu", "1400")
    stack.vlan("v10", 10)
    stack.connect("ten", "v10")
    assert stack.link("eth1.10")["mtu"] == 1400 and stack.link("vd-eth1.10")["mtu"] == 1400
    own = stack.link_with("ten", stack.endpoint("ten", "v10")["IPAddress"])
    assert json.loads(stack.inside("ten", "ip", "-j", "link", "show", "dev", own))[0]["mtu"] == 1400
    stack.vlan("small", 20, options={"mtu": "1300"})
    small = stack.connect("twenty", "small")["IPAddress"]
    own = stack.link_with("twenty", small)
    assert json.loads(stack.inside("twenty", "ip", "-j", "link", "show", "dev", own))[0]["mtu"] == 1300


@pytest.mark.parametrize("more, sentence", [
    ({"options": {"parent": None}}, "parent="),
    ({"options": {"parent": "eth9"}}, "link eth9"),
    ({"options": {"vlan": "0"}}, "from 1 to 4094"),
    ({"options": {"vlan": "4095"}}, "from 1 to 4094"),
    ({"options": {"vlan_proto": "802.1x"}}, "802.1Q or 802.1ad"),
    ({"internal": True}, "internal"),
    ({"aux": {"HostIPv4": "192.168.10.5"}}, "host_access=true"),
    ({"options": {"com.docker.network.bridge.enable_ip_masquerade": "true"}}, "mode=vlan"),
])
def test_what_cannot_be_is_refused_with_the_reason(stack, more, sentence):
    said = stack.refused(stack.vlan, "net", 10, **more)
    assert sentence in said, said
    assert stack.link("vd-eth1.10") is None and stack.link("eth1.10") is None
    assert len(stack.rows("network")) == 1, "the base"
