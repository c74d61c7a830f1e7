"""Who reaches whom on VLANs of one link, in both forms: sub-interfaces with a bridge each, and one bridge that keeps VLANs apart."""

import pytest

from lab import wait_until
from lan import IN_LAN, NIC
from vlan_stack import BASE

FORMS = {"sub-interface": False, "vlan-aware": True}
aware = pytest.mark.parametrize("aware", FORMS.values(), ids=FORMS.keys())
REQUEST, REPLY = "ICMP echo request", "ICMP echo reply"
TAG10, TAG20 = ("0x8100", 10), ("0x8100", 20)


def flags(stack, port):
    return {vlan: sorted(words) for vlan, words in stack.vlans(port).items()}


@aware
def test_containers_reach_their_own_vlan_and_no_other(stack, lan, aware):
    stack.vlan("v10", 10, aware, subnet6="fd10::/64")
    stack.vlan("v20", 20, aware)
    ten, tenth = (stack.connect(name, "v10") for name in ("ten", "tenth"))
    twenty = stack.connect("twenty", "v20")
    one, two, other = ten["IPAddress"], tenth["IPAddress"], twenty["IPAddress"]
    with lan.watch() as watch:
        assert stack.pings("ten", two), "a container of the same network"
        assert stack.pings("ten", "192.168.10.1") and stack.pings("ten", "fd10::1"), "the LAN's router"
        assert lan.pings(one) and lan.pings(ten["GlobalIPv6Address"]), "from the LAN, without a port published"
        assert stack.pings("twenty", "192.168.20.1") and lan.pings(other)
        # Nothing is masqueraded, and each network's frames have its tag.
        assert watch.wait_for(f"{one} > 192.168.10.1: {REQUEST}") == {TAG10}
        assert watch.wait_for(f"{other} > 192.168.20.1: {REQUEST}") == {TAG20}
        assert not watch.lines(f"{one} > {two}: {REQUEST}"), "what containers say to one another stays here"
        # The same subnet on the other VLAN is another LAN: nobody hears the question for the address.
        stack.inside("twenty", "ip", "addr", "add", "192.168.10.77/24", "dev", stack.link_with("twenty", other))
        lan.batch("addr add 192.168.10.78/24 dev lan.20")
        for address in ("192.168.10.77", "192.168.10.78"):
            assert not stack.pings("ten", address, wait=1), f"{address} is on VLAN 20"
        assert watch.wait_for("who-has 192.168.10.78") == {TAG10}
        # Neither host nor gateway has anything to do with these containers.
        assert not stack.host_pings(one, wait=1)
    for bridge in ("vd-eth1",) if aware else ("vd-eth1.10", "vd-eth1.20"):
        addresses = stack.world.ip_json("addr", "show", "dev", bridge)[0]["addr_info"]
        assert addresses == [], f"the host has an address on {bridge}"
    assert stack.endpoint("ten", BASE)["IPAddress"] and stack.pings("ten", stack.endpoint("tenth", BASE)["IPAddress"])
    assert "state, kernel and rules agree" in stack.ctl("fsck")


def test_links_of_the_sub_interface_form(stack, lan):
    stack.vlan("v10", 10)
    stack.connect("ten", "v10")
    sub = stack.link("eth1.10")
    assert sub["linkinfo"]["info_kind"] == "vlan" and sub["linkinfo"]["info_data"]["id"] == 10
    assert sub["linkinfo"]["info_data"]["protocol"] == "802.1Q"
    assert sub["link"] == NIC and sub["master"] == "vd-eth1.10"
    assert stack.link(stack.port_of("ten", "v10"))["master"] == "vd-eth1.10"
    assert "/segment/" in sub["ifalias"] and "/segment/" in stack.link("vd-eth1.10")["ifalias"]
    assert "master" not in stack.link(NIC) and "ifalias" not in stack.link(NIC)
    stack.clear()
    stack.wait_gone("eth1.10", "vd-eth1.10")


def test_links_of_the_vlan_aware_form(stack, lan):
    before = stack.link(NIC)
    stack.vlan("v10", 10, aware=True)
    stack.vlan("v20", 20, aware=True)
    stack.connect("ten", "v10")
    stack.connect("twenty", "v20")
    bridge = stack.link("vd-eth1")
    data = bridge["linkinfo"]["info_data"]
    assert (data["vlan_filtering"], data["vlan_default_pvid"], data["vlan_protocol"]) == (1, 0, "802.1Q")
    assert "/segment/" in bridge["ifalias"]
    assert stack.link("eth1.10") is None and stack.link(NIC)["master"] == "vd-eth1"
    ports = {container: stack.port_of(container, network) for container, network in (("ten", "v10"), ("twenty", "v20"))}
    assert flags(stack, NIC) == {10: [], 20: []}
    assert flags(stack, ports["ten"]) == {10: ["Egress Untagged", "PVID"]}
    assert flags(stack, ports["twenty"]) == {20: ["Egress Untagged", "PVID"]}
    assert flags(stack, "vd-eth1") == {}, "the host is in none of them"
    # A VLAN that no network has any more is not carried any more.
    stack.disconnect("twenty", "v20")
    stack.remove("v20")
    assert flags(stack, NIC) == {10: []}
    stack.clear()
    stack.wait_gone("vd-eth1")
    after = stack.link(NIC)
    assert "master" not in after
    assert [after.get(key) for key in ("mtu", "address", "group", "ifalias", "promiscuity")] == \
        [before.get(key) for key in ("mtu", "address", "group", "ifalias", "promiscuity")]


@aware
def test_the_host_has_the_address_that_it_was_given(stack, lan, aware):
    """host_access=true: the host, its containers and the LAN reach one another on that VLAN."""
    said = stack.refused(stack.vlan, "v10", 10, aware, options={"host_access": "true"})
    assert "HostIPv4" in said
    stack.vlan("v10", 10, aware, options={"host_access": "true"}, aux={"HostIPv4": "192.168.10.5"})
    one = stack.connect("ten", "v10")["IPAddress"]
    with lan.watch() as watch:
        assert stack.host_pings(one) and stack.pings("ten", "192.168.10.5"), "host and container"
        assert stack.host_pings("192.168.10.1") and lan.pings("192.168.10.5"), "host and LAN"
        assert watch.wait_for(f"192.168.10.5 > 192.168.10.1: {REQUEST}") == {TAG10}
    holders = [link["ifname"] for link in stack.world.ip_json("addr")
               if "192.168.10.5" in [info["local"] for info in link["addr_info"]]]
    assert len(holders) == 1 and holders[0] != NIC
    assert stack.pings("ten", "192.168.10.1") and lan.pings(one)
    assert one != "192.168.10.5"
    stack.clear()
    assert not stack.host_pings("192.168.10.1", wait=1)


@aware
def test_tags_of_service_providers(stack, lan, aware):
    """vlan_proto=802.1ad: the frames have 0x88a8, and VLAN 30 by 802.1Q is another one."""
    lan.join(30, "802.1ad")
    stack.vlan("v30", 30, aware, options={"vlan_proto": "802.1ad"})
    one = stack.connect("ten", "v30")["IPAddress"]
    with lan.watch() as watch:
        assert stack.pings("ten", "192.168.30.1") and lan.pings(one)
        assert watch.wait_for(f"{one} > 192.168.30.1: {REQUEST}") == {("0x88a8", 30)}
    lan.batch("link del lan.30")
    lan.join(30)
    assert not lan.pings(one, wait=1)


@aware
def test_isolated_containers_reach_the_lan_alone(stack, lan, aware):
    stack.vlan("v10", 10, aware, options={"isolate": "true"})
    one, two = (stack.connect(name, "v10")["IPAddress"] for name in ("ten", "tenth"))
    assert not stack.pings("ten", two, wait=1) and not stack.pings("tenth", one, wait=1)
    assert stack.pings("ten", "192.168.10.1") and lan.pings(one) and lan.pings(two)


@aware
def test_an_address_that_a_host_of_the_vlan_has_is_passed(stack, lan, aware):
    """Scenario 31: the host has no address on that VLAN, and asks with its tag all the same; who has the address untagged, or on another
    VLAN, is no matter."""
    lan.batch("addr add 192.168.10.2/24 dev lan.10", "addr add 192.168.10.3/24 dev wire1", "addr add 192.168.10.4/24 dev lan.20")
    with lan.watch() as watch:
        stack.vlan("v10", 10, aware)
        assert stack.connect("ten", "v10")["IPAddress"] == "192.168.10.3"
        assert stack.connect("tenth", "v10")["IPAddress"] == "192.168.10.4"
        assert watch.tags("who-has 192.168.10.2") == {TAG10}
    seen = stack.ctl("pool", "show", "local/192.168.10.0/24")
    assert f"foreign hosts are looked for on {'VLAN 10 of eth1' if aware else 'vd-eth1.10'}" in seen


@aware
def test_untagged_networks_stand_beside_tagged_ones(stack, lan, aware):
    stack.vlan("v10", 10, aware)
    stack.vlan("flat", 1, aware, options={"vlan": None})
    one, untagged = stack.connect("ten", "v10")["IPAddress"], stack.connect("twenty", "flat")["IPAddress"]
    with lan.watch() as watch:
        assert stack.pings("twenty", "192.168.1.1") and stack.pings("ten", "192.168.10.1")
        assert watch.wait_for(f"{untagged} > 192.168.1.1: {REQUEST}") == {None}
        assert watch.wait_for(f"{one} > 192.168.10.1: {REQUEST}") == {TAG10}


@aware
def test_a_restart_of_viaductd_disturbs_nobody(stack, lan, aware):
    stack.vlan("v10", 10, aware)
    one = stack.connect("ten", "v10")["IPAddress"]
    assert lan.pings(one)
    port = stack.port_of("ten", "v10")
    before = [stack.link(name) for name in (NIC, port)], stack.vlans(NIC), stack.vlans(port)
    ping = stack.world.spawn([*IN_LAN, "ping", "-n", "-i", "0.1", one], log="restart.log")
    stack.driver.restart()
    assert stack.stop_ping(ping)[1] == 0, ping.output()
    assert ([stack.link(name) for name in (NIC, port)], stack.vlans(NIC), stack.vlans(port)) == before
    two = stack.connect("tenth", "v10")["IPAddress"]
    assert stack.pings("ten", two) and lan.pings(two)


@aware
def test_neighbours_on_the_vlan_learn_which_mac_an_address_has_now(stack, lan, aware):
    """Scenario 29: a host of the LAN that knew the address by the MAC of its last container; told with the tag of that VLAN, no other."""
    lan.batch("neigh add 192.168.10.9 lladdr 02:00:00:00:00:09 dev lan.10 nud stale")
    stack.vlan("v10", 10, aware)
    with lan.watch() as watch:
        mac = stack.connect("ten", "v10", "192.168.10.9")["MacAddress"]
        # Three announcements in three seconds.
        wait_until(lambda: mac in lan.batch("neigh show 192.168.10.9"), 10, "the new MAC at the host of the LAN")
        assert watch.tags("192.168.10.9", mac) == {TAG10}


@aware
def test_the_host_makes_no_noise_on_the_vlan(stack, lan, aware):
    """What the host says there is the question whether an address is free; no multicast report, no router solicitation of its links."""
    with lan.watch() as watch:
        stack.vlan("v10", 10, aware)
        found = stack.connect("ten", "v10")
        mac, address = found["MacAddress"], found["IPAddress"]
        # The last announcement is three seconds after the start: whatever a link had to say has been said by then.
        wait_until(lambda: len(watch.lines(f"{mac} > ", f"who-has {address} tell {address}")) == 3, 20, "the announcements")
        (wire,) = [link["address"] for link in stack.world.ip_json("-n", "lan", "link") if link["ifname"] == "wire1"]
        own = [line for line in watch.lines(" ethertype ") if f" {mac} > " not in line and f" {wire} > " not in line]
        noise = [line for line in own if "tell 0.0.0.0" not in line and ":: > ff02::1:ff" not in line]
        assert own and not noise, "\n".join(noise)
