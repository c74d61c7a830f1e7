// Networks of mode=vlan: what is made of a LAN or VLAN, shared, healed and taken away, and what is refused.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "unit/net/forwarding_kernel.h"
#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class VlanCalls : public ::testing::Test {
 protected:
  VlanCalls() { put_nic("eth1"); }

  void put_nic(const std::string& name) {
    Link link;
    link.name = name;
    link.mtu = 9000;
    link.mac = Mac::from_text(name);
    link.ethernet = true;
    world.kernel.put_link(link);
  }
  void put_bridge(const std::string& name) {
    Link link;
    link.name = name;
    link.kind = "bridge";
    link.mtu = 1500;
    link.mac = Mac::from_text(name);
    link.up = true;
    world.kernel.put_link(link);
  }
  // Somebody's own sub-interface.
  void put_sub_interface(const std::string& name, const std::string& parent, uint16_t vlan) {
    Link link;
    link.name = name;
    link.kind = "vlan";
    link.mac = Mac::from_text(parent);
    link.mtu = 1500;
    link.lower = world.link(parent)->index;
    link.vlan = vlan;
    world.kernel.put_link(link);
  }
  static CreateNetworkRequest lan(char id, Options options, const std::string& subnet = "10.1.0.0/24") {
    auto request = network_request(id_of(id), subnet);
    request.options = {{"mode", "vlan"}, {"parent", "eth1"}};
    for (auto& [key, value] : options) request.options[key] = value;
    return request;
  }
  Status create(const CreateNetworkRequest& request) {
    return world.service->create_network(request, soon());
  }
  std::string refusal(const CreateNetworkRequest& request) {
    const auto links = world.kernel.contents().links.size();
    const Status made = create(request);
    EXPECT_FALSE(made.ok());
    EXPECT_EQ(world.kernel.contents().links.size(), links);
    EXPECT_EQ(world.stored(store::Table::kNetwork), static_cast<int>(world.service->networks().size()));
    return made.ok() ? "" : made.error().message;
  }
  void remove(char id) { ASSERT_TRUE(world.service->delete_network(id_of(id), soon()).ok()); }
  int index(const std::string& name) { return world.link(name)->index; }
  // Every difference that fsck would tell of.
  std::vector<std::string> seen() {
    std::vector<std::string> all;
    const auto found = world.service->inspect().value();
    for (const Finding& one : found) all.push_back(one.text);
    return all;
  }

  ServiceWorld world;
};

TEST_F(VlanCalls, UntaggedLan_ThePortIsTheParentItself) {
  ASSERT_TRUE(create(lan('a', {})).ok());
  EXPECT_EQ(world.link("eth1")->master, index("vd-eth1"));
  EXPECT_TRUE(world.link("eth1")->up);
  EXPECT_EQ(world.link("eth1")->alias, "") << "it is not viaduct's";
  EXPECT_EQ(world.link("eth1")->group, 0U);
  EXPECT_THAT(world.kernel.contents().addresses["vd-eth1"], IsEmpty()) << "the gateway is the LAN's";
  EXPECT_EQ(world.firewall.in_force().at("vd-eth1").reach, Reach::kBridged);
  ASSERT_TRUE(world.service->create_endpoint(endpoint_request(id_of('a'), id_of('1')), soon()).ok());
  EXPECT_EQ(world.link(kHost)->master, index("vd-eth1"));
  EXPECT_EQ(world.link(kHost)->mtu, 9000) << "the parent's";
  EXPECT_EQ(world.service->join({id_of('a'), id_of('1'), "/s"}, soon()).value().gateway->to_string(),
            "10.1.0.1");
  EXPECT_THAT(seen(), IsEmpty());
  world.reopen();
  EXPECT_THAT(world.service->reconcile().value().repaired, IsEmpty());
  remove('a');
  ASSERT_TRUE(world.reaped());
  EXPECT_EQ(world.link("eth1")->master, 0);
  EXPECT_TRUE(world.empty_after_reaping());
}

TEST_F(VlanCalls, Vlan_HasASubInterfaceOfItsOwnAndGoesWithIt) {
  for (const Options& spelling : {Options{{"vlan", "10"}}, Options{{"parent", "eth1.10"}}}) {
    ASSERT_TRUE(create(lan('a', spelling)).ok());
    const Link port = world.link("eth1.10").value();
    EXPECT_EQ(port.lower, index("eth1"));
    EXPECT_EQ(port.vlan, 10);
    EXPECT_EQ(port.master, index("vd-eth1.10"));
    EXPECT_EQ(mark_from_alias(port.alias)->id, "eth1:10");
    EXPECT_EQ(world.link("eth1")->master, 0);
    EXPECT_TRUE(world.link("eth1")->up);
    EXPECT_THAT(seen(), IsEmpty());
    remove('a');
    EXPECT_TRUE(world.empty_after_reaping());
  }
  ASSERT_TRUE(create(lan('a', {{"vlan", "10"}, {"vlan_proto", "802.1AD"}})).ok());
  EXPECT_EQ(world.link("eth1.10")->vlan_protocol, TagProtocol::k8021ad);
}

TEST_F(VlanCalls, TwoNetworksOfOneVlan_ShareItAndTheLastOneTakesIt) {
  // Scenario 49: one of two networks is removed, and the sub-interface stays.
  ASSERT_TRUE(create(lan('a', {{"vlan", "10"}})).ok());
  ASSERT_TRUE(create(lan('b', {{"parent", "eth1.10"}}, "10.2.0.0/24")).ok());
  EXPECT_EQ(world.service->networks().at(1).bridge, "vd-eth1.10");
  const Link before = world.link("eth1.10").value();
  remove('a');
  ASSERT_TRUE(world.reaped());
  EXPECT_EQ(world.link("eth1.10")->index, before.index);
  EXPECT_EQ(world.link("eth1.10")->master, index("vd-eth1.10"));
  EXPECT_TRUE(world.firewall.in_force().contains("vd-eth1.10"));
  EXPECT_THAT(seen(), IsEmpty());
  remove('b');
  EXPECT_TRUE(world.empty_after_reaping());
}

TEST_F(VlanCalls, SubInterfaceOfTheUsers_IsUsedUnderItsNameAndNeverRemoved) {
  // Scenario 49: whatever it is called.
  put_sub_interface("office", "eth1", 10);
  for (const Options& spelling : {Options{{"vlan", "10"}}, Options{{"parent", "office"}}}) {
    ASSERT_TRUE(create(lan('a', spelling)).ok());
    EXPECT_FALSE(world.link("eth1.10").has_value());
    EXPECT_EQ(world.link("office")->master, index("vd-eth1.10"));
    EXPECT_THAT(seen(), IsEmpty());
    remove('a');
    ASSERT_TRUE(world.reaped());
    ASSERT_TRUE(world.link("office").has_value());
    EXPECT_EQ(world.link("office")->master, 0);
    EXPECT_EQ(world.link("office")->mtu, 1500);
    EXPECT_EQ(world.link("office")->alias, "");
  }
}

TEST_F(VlanCalls, ParentThatGoesAndComesBack_IsTakenBack) {
  // Scenario 49: without a word of anybody's.
  for (const Options& options :
       {Options{}, Options{{"vlan", "10"}}, Options{{"vlan", "10"}, {"vlan_aware", "true"}}}) {
    ASSERT_TRUE(create(lan('a', options)).ok());
    const std::string bridge = world.service->networks().at(0).bridge;
    world.kernel.drop_link("eth1");
    EXPECT_THAT(seen(), ElementsAre("link eth1, its parent, is gone"));
    EXPECT_THAT(world.service->follow_uplink(soon()).value(), IsEmpty()) << "there is nothing to be done yet";
    const auto report = world.service->reconcile().value();
    EXPECT_THAT(report.problems,
                Contains(HasSubstr("link eth1, the parent of bridge " + bridge + ", is gone")));
    put_nic("eth1");
    EXPECT_THAT(world.service->follow_uplink(soon()).value(), Not(IsEmpty()));
    EXPECT_THAT(seen(), IsEmpty());
    EXPECT_THAT(world.service->follow_uplink(soon()).value(), IsEmpty()) << "once is enough";
    remove('a');
    ASSERT_TRUE(world.reaped());
  }
}

TEST_F(VlanCalls, WhatSomebodyChanged_IsToldAndRepaired) {
  ASSERT_TRUE(create(lan('a', {{"vlan", "10"}})).ok());
  const auto repaired = [&] {
    EXPECT_THAT(world.service->reconcile().value().repaired, Not(IsEmpty()));
    EXPECT_THAT(seen(), IsEmpty());
  };
  world.kernel.drop_link("eth1.10");
  EXPECT_THAT(seen(), ElementsAre("VLAN 10 of eth1 has no sub-interface"));
  repaired();
  ASSERT_TRUE(world.kernel.leave_bridge("eth1.10").ok());
  EXPECT_THAT(seen(), ElementsAre("link eth1.10 is no port of bridge vd-eth1.10"));
  repaired();
  world.kernel.drop_link("vd-eth1.10");
  EXPECT_THAT(seen(), ElementsAre("bridge vd-eth1.10 is missing"));
  repaired();
  // What no network stands on any more.
  Link stray = world.link("eth1.10").value();
  stray.name = "vd-eth9";
  stray.index = 9999;
  world.kernel.put_link(stray);
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("on which no network stands")));
  repaired();
}

TEST_F(VlanCalls, BridgeOfTheHosts_GetsPortsAndStaysAsItIs) {
  put_bridge("br0");
  ASSERT_TRUE(world.kernel.add_address("br0", address("10.1.0.5/24")).ok());
  const auto request = lan('a', {{"parent", "br0"}});
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(world.service->create_endpoint(endpoint_request(id_of('a'), id_of('1')), soon()).ok());
  EXPECT_EQ(world.link(kHost)->master, index("br0"));
  EXPECT_EQ(world.firewall.in_force().at("br0").reach, Reach::kOthers);
  EXPECT_THAT(seen(), IsEmpty());
  // Another network of the same LAN; the first one's end leaves it alone.
  ASSERT_TRUE(create(lan('b', {{"parent", "br0"}}, "10.2.0.0/24")).ok());
  remove('a');
  EXPECT_TRUE(world.firewall.in_force().contains("br0"));
  remove('b');
  ASSERT_TRUE(world.reaped());
  EXPECT_FALSE(world.firewall.in_force().contains("br0"));
  ASSERT_TRUE(world.link("br0").has_value());
  EXPECT_EQ(world.link("br0")->alias, "");
  EXPECT_EQ(world.kernel.contents().addresses["br0"].size(), 1U);
}

TEST_F(VlanCalls, HostAccess_GivesTheHostTheAddressThatWasNamed) {
  for (const Options& form : {Options{{"vlan", "10"}}, Options{{"vlan", "10"}, {"vlan_aware", "true"}}}) {
    auto request = lan('a', form);
    request.options["host_access"] = "true";
    EXPECT_THAT(refusal(request), HasSubstr("--aux-address HostIPv4=ADDRESS"));
    request.ipv4[0].auxiliary["HostIPv4"] = address("10.1.0.5/24");
    ASSERT_TRUE(create(request).ok());
    const bool aware = form.contains("vlan_aware");
    const auto contents = world.kernel.contents();
    const auto holder = std::find_if(contents.addresses.begin(), contents.addresses.end(),
                                     [](const auto& entry) { return !entry.second.empty(); });
    ASSERT_NE(holder, contents.addresses.end());
    EXPECT_THAT(holder->second, ElementsAre(address("10.1.0.5/24")));
    EXPECT_EQ(contents.links.at(holder->first).kind, aware ? "vlan" : "bridge");
    EXPECT_THAT(seen(), IsEmpty());
    request = lan('b', form, "10.2.0.0/24");
    if (!aware) {
      EXPECT_THAT(refusal(request), HasSubstr("shares VLAN 10 of eth1 with network aaaaaaaaaaaa"));
    } else {
      ASSERT_TRUE(create(request).ok()) << "there the host has an end of its own";
      remove('b');
      EXPECT_THAT(seen(), IsEmpty());
    }
    remove('a');
    EXPECT_TRUE(world.empty_after_reaping());
  }
}

TEST_F(VlanCalls, VlanAware_OneBridgeAndThePortsAreInTheirVlans) {
  ASSERT_TRUE(create(lan('a', {{"vlan", "10"}, {"vlan_aware", "true"}})).ok());
  ASSERT_TRUE(create(lan('b', {{"vlan", "20"}, {"vlan_aware", "true"}}, "10.2.0.0/24")).ok());
  ASSERT_TRUE(create(lan('c', {{"vlan_aware", "true"}}, "10.3.0.0/24")).ok());
  ASSERT_TRUE(
      world.service->create_endpoint(endpoint_request(id_of('b'), id_of('1'), "10.2.0.2/24"), soon()).ok());
  const auto vlans = [&](const std::string& link) { return world.kernel.contents().vlans[link]; };
  EXPECT_EQ(vlans("eth1").tagged.to_string(), "10,20");
  EXPECT_EQ(vlans("eth1").native, 1) << "the untagged LAN";
  EXPECT_EQ(vlans(kHost).native, 20);
  EXPECT_TRUE(vlans(kHost).tagged.empty());
  EXPECT_EQ(world.link(kHost)->master, index("vd-eth1"));
  EXPECT_THAT(seen(), IsEmpty());
  // Somebody's hand.
  ASSERT_TRUE(world.kernel.set_vlans(kHost, {}).ok());
  ASSERT_TRUE(world.kernel.set_vlans("eth1", {}).ok());
  ASSERT_TRUE(world.service->join({id_of('b'), id_of('1'), "/s"}, soon()).ok());
  EXPECT_THAT(seen(), UnorderedElementsAre(
                          "link eth1 is in no VLAN, not in VLANs 1 untagged, 10,20 tagged",
                          std::string("link ") + kHost + " is in no VLAN, not in VLANs 20 untagged"));
  EXPECT_EQ(world.service->reconcile().value().repaired.size(), 2U);
  EXPECT_EQ(vlans(kHost).native, 20);
  remove('a');
  EXPECT_EQ(vlans("eth1").tagged.to_string(), "20");
  remove('c');
  EXPECT_EQ(vlans("eth1").native, 0);
  remove('b');
  EXPECT_TRUE(world.empty_after_reaping());
  EXPECT_EQ(world.link("eth1")->master, 0);
}

// Scenario 31: by which way foreign hosts are asked.
TEST_F(VlanCalls, LanSubnets_AreReachedByTheBridgeOrByThePortInItsVlan) {
  put_nic("eth2");
  ASSERT_TRUE(create(lan('a', {{"vlan", "10"}})).ok());
  ASSERT_TRUE(create(lan('b', {{"parent", "eth2"}, {"vlan_aware", "true"}}, "10.2.0.0/24")).ok());
  ASSERT_TRUE(
      create(lan('c', {{"parent", "eth2"}, {"vlan", "20"}, {"vlan_aware", "true"}}, "10.3.0.0/24")).ok());
  std::vector<std::string> ways;
  for (const LanSubnet& lan : world.service->lan_subnets())
    ways.push_back(fmt::format("{} {} {} {}", lan.subnet.to_string(), lan.link,
                               lan.lane.is_port ? "port" : "itself", lan.lane.vlan));
  EXPECT_THAT(ways, ElementsAre("10.1.0.0/24 vd-eth1.10 itself 0", "10.2.0.0/24 eth2 port 0",
                                "10.3.0.0/24 eth2 port 20"));
}

// Scenario 31 on a Swarm's leader, which gives the addresses and may have no bridge of the network.
TEST_F(VlanCalls, LansOfASwarm_AreKnownFromAllocationToItsEnd) {
  const auto ways = [&] {
    std::vector<std::string> all;
    for (const LanSubnet& lan : world.service->lan_subnets())
      all.push_back(fmt::format("{} {} {} {}", lan.subnet.to_string(), lan.link,
                                lan.lane.is_port ? "port" : "itself", lan.lane.vlan));
    return all;
  };
  put_bridge("br0");
  const auto first = lan('a', {{"vlan", "10"}});
  EXPECT_EQ(world.service->allocate(first).value(), first.options);
  ASSERT_TRUE(world.service->allocate(lan('b', {{"parent", "br0"}}, "10.2.0.0/24")).ok());
  ASSERT_TRUE(world.service->allocate(lan('c', {{"parent", "eth7"}}, "10.3.0.0/24")).ok())
      << "not on this node";
  ASSERT_TRUE(world.service->allocate(lan('d', {{"vlan", "no"}}, "10.4.0.0/24")).ok()) << "the nodes' words";
  ASSERT_TRUE(world.service->allocate(network_request(id_of('e'), "10.5.0.0/24")).ok());
  EXPECT_THAT(ways(), ElementsAre("10.1.0.0/24 eth1 port 10", "10.2.0.0/24 br0 itself 0"));
  EXPECT_TRUE(world.service->networks().empty());
  ASSERT_TRUE(create(first).ok());
  EXPECT_THAT(ways(), ElementsAre("10.1.0.0/24 vd-eth1.10 itself 0", "10.2.0.0/24 br0 itself 0"))
      << "it runs tasks as well";
  remove('a');
  for (const char id : {'a', 'b', 'c', 'd', 'e'}) world.service->free(id_of(id));
  EXPECT_THAT(ways(), IsEmpty());
}

TEST_F(VlanCalls, Trunk_OfTheNetworkAndOfOneEndpoint) {
  ASSERT_TRUE(create(lan('a', {{"vlan", "10"}, {"trunk", "20-22"}})).ok())
      << "trunk= implies vlan_aware=true";
  const auto vlans = [&](const std::string& link) { return world.kernel.contents().vlans[link]; };
  ASSERT_TRUE(world.service->create_endpoint(endpoint_request(id_of('a'), id_of('1')), soon()).ok());
  EXPECT_EQ(vlans(kHost).native, 10);
  EXPECT_EQ(vlans(kHost).tagged.to_string(), "20-22");
  auto own = endpoint_request(id_of('a'), id_of('2'), "10.1.0.3/24");
  own.driver_options = {{"trunk", "10,30"}, {"native", "none"}};
  ASSERT_TRUE(world.service->create_endpoint(own, soon()).ok());
  EXPECT_EQ(vlans("ve2222222222222").native, 0);
  EXPECT_EQ(vlans("ve2222222222222").tagged.to_string(), "10,30");
  EXPECT_EQ(vlans("eth1").tagged.to_string(), "10,20-22,30");
  EXPECT_THAT(world.service->reconcile().value().repaired, IsEmpty());
  ASSERT_TRUE(world.service->delete_endpoint(id_of('a'), id_of('2'), soon()).ok());
  EXPECT_EQ(vlans("eth1").tagged.to_string(), "10,20-22");
}

// Scenario 29: who is told of an address, in which VLAN; on a trunk without native one nobody can say which it would be.
TEST_F(VlanCalls, Announcements_NameTheirVlan) {
  world.announce_after = {std::chrono::milliseconds(0)};
  world.reopen();
  auto with_host = lan('a', {{"vlan", "10"}, {"vlan_aware", "true"}, {"host_access", "true"}});
  with_host.ipv4[0].auxiliary["HostIPv4"] = address("10.1.0.5/24");
  ASSERT_TRUE(create(with_host).ok());
  ASSERT_TRUE(create(lan('b', {{"trunk", "20"}}, "10.2.0.0/24")).ok());
  ASSERT_TRUE(create(lan('c', {{"vlan", "30"}}, "10.3.0.0/24")).ok());
  const auto start = [&](char network, char id, const std::string& address, const Options& options) {
    auto request = endpoint_request(id_of(network), id_of(id), address);
    request.driver_options = options;
    ASSERT_TRUE(world.service->create_endpoint(request, soon()).ok());
    ASSERT_TRUE(world.service->join({id_of(network), id_of(id), "/s"}, soon()).ok());
  };
  start('b', '1', "10.2.0.2/24", {{"native", "none"}});
  start('a', '2', "10.1.0.2/24", {});
  start('b', '3', "10.2.0.3/24", {});
  start('c', '4', "10.3.0.2/24", {});
  ASSERT_TRUE(eventually([&] { return world.kernel.announced().size() == 3; }));
  std::map<std::string, std::pair<int, std::string>> told;
  for (const Announcement& one : world.kernel.announced())
    told[one.port.substr(2, 1)] = {one.vlan, one.host_end};
  EXPECT_THAT(told, ElementsAre(Pair("2", Pair(10, StartsWith("vh"))), Pair("3", Pair(1, "")),
                                Pair("4", Pair(0, ""))));
}

TEST_F(VlanCalls, Ipv6Prefix_GivesAnAddressThatIsMadeOfTheIpv4One) {
  ASSERT_TRUE(create(lan('a', {{"ipv6_prefix", "fd77::/64"}, {"antispoof", "true"}})).ok());
  const auto reply = world.service->create_endpoint(endpoint_request(id_of('a'), id_of('1')), soon());
  EXPECT_EQ(reply.value().ipv6->to_string(), "fd77::a01:2/64");
  const auto again = world.service->create_endpoint(endpoint_request(id_of('a'), id_of('1')), soon());
  EXPECT_EQ(again.value().ipv6, reply.value().ipv6) << "a repeated call";
  EXPECT_THAT(world.firewall.endpoints_in_force().at(id_of('1')).sender->addresses,
              Contains(reply.value().ipv6->address));
  world.reopen();
  EXPECT_EQ(world.service->endpoints().at(0).derived_ipv6, reply.value().ipv6);
  ASSERT_TRUE(world.service->delete_endpoint(id_of('a'), id_of('1'), soon()).ok());
  for (const std::string& given : world.given_back())
    EXPECT_THAT(given, Not(HasSubstr("fd77"))) << "nobody allocated it";
}

TEST_F(VlanCalls, WhatCannotBe_IsRefusedWithTheReason) {
  put_bridge("br0");
  put_nic("eth2");
  ASSERT_TRUE(world.kernel.join_bridge("eth2", "br0").ok());
  put_nic("eth3");
  ASSERT_TRUE(world.kernel.add_address("eth3", address("192.0.2.5/24")).ok());
  put_nic("eth4");
  Link macvlan;
  macvlan.name = "mv0";
  macvlan.kind = "macvlan";
  macvlan.lower = index("eth4");
  world.kernel.put_link(macvlan);
  auto internal = lan('a', {});
  internal.internal = true;
  auto without = lan('a', {});
  without.options.erase("parent");
  const std::vector<std::pair<CreateNetworkRequest, std::string>> cases = {
      {without, "network aaaaaaaaaaaa of mode=vlan names no link to stand on; give parent="},
      {internal, "is to be internal and has parent=eth1, which leads outside"},
      {lan('a', {{"parent", "eth7"}}), "link eth7, which parent= names, is not on this host"},
      {lan('a', {{"parent", "eth7.10"}}), "link eth7.10, which parent= names, is not on this host"},
      {lan('a', {{"parent", "eth2"}}), "link eth2 is a port of br0; give parent=br0"},
      {lan('a', {{"parent", "eth2"}, {"vlan", "10"}}), "link eth2 is a port of br0; give parent=br0"},
      {lan('a', {{"parent", "eth3"}}), "link eth3 has address 192.0.2.5/24 of the host"},
      {lan('a', {{"parent", "eth4"}}), "link eth4 has the macvlan link mv0 on it"},
      {lan('a', {{"parent", "br0"}, {"vlan_aware", "true"}}),
       "link br0, which parent= names, is a bridge already"},
      {lan('a', {{"vlan", "4095"}}), "option vlan has the value \"4095\"; give a VLAN from 1 to 4094"},
      {lan('a', {{"trunk", "20-10"}}), "option trunk: \"20-10\" is no VLAN"},
      {lan('a', {{"trunk", "20"}, {"vlan_aware", "false"}}), "need vlan_aware=true"},
      {lan('a', {{"vlan", "1"}, {"vlan_aware", "true"}}), "asks for VLAN 1 tagged on a VLAN-aware bridge"},
      {lan('a', {{"masquerade", "false"}}), "option masquerade means nothing with mode=vlan"},
      {lan('a', {{"ipv6_prefix", "fd77::/97"}}), "give an IPv6 prefix from /32 to /96"},
      {lan('a', {{"ipv6_prefix", "fd77::/64"}, {"mtu", "1000"}}), "while IPv6 needs 1280"},
      {lan('a', {{"vlan_proto", "802.1ad"}}), "has vlan_proto= and no VLAN"}};
  for (const auto& [request, text] : cases) EXPECT_THAT(refusal(request), HasSubstr(text)) << text;
  auto bridge = network_request(id_of('a'));
  bridge.options = {{"parent", "eth1"}};
  EXPECT_THAT(refusal(bridge), HasSubstr("option parent is one of mode=vlan"));
  ASSERT_TRUE(create(lan('a', {})).ok());
  EXPECT_THAT(refusal(lan('b', {{"vlan_aware", "true"}}, "10.2.0.0/24")),
              HasSubstr("is the uplink of viaduct's bridge vd-eth1"));
  auto endpoint = endpoint_request(id_of('a'), id_of('1'));
  endpoint.driver_options = {{"trunk", "20"}};
  EXPECT_THAT(world.service->create_endpoint(endpoint, soon()).error().message,
              HasSubstr("made without vlan_aware=true"));
}

TEST_F(VlanCalls, WhateverFailsOnTheWay_LeavesNothing) {
  for (const Options& options :
       {Options{}, Options{{"vlan", "10"}}, Options{{"vlan", "10"}, {"vlan_aware", "true"}}}) {
    const auto before = world.kernel.contents().links.size();
    int failures = 0;
    for (auto* gate : {&world.kernel.gate(), &world.firewall.gate()}) {
      for (int step = 1; step < 40; ++step) {
        gate->fail_at(step);
        const bool done = create(lan('a', options)).ok();
        gate->fail_at(0);
        if (done) break;
        ++failures;
        ASSERT_TRUE(world.reaped());
        EXPECT_EQ(world.kernel.contents().links.size(), before) << step;
        EXPECT_EQ(world.link("eth1")->master, 0) << step;
        EXPECT_THAT(world.firewall.in_force(), IsEmpty()) << step;
      }
      remove('a');
      ASSERT_TRUE(world.reaped());
    }
    EXPECT_GT(failures, 5);
    world.store.fail_at(1);
    EXPECT_FALSE(create(lan('a', options)).ok());
    ASSERT_TRUE(world.store.fired() && world.reaped());
    EXPECT_EQ(world.kernel.contents().links.size(), before);
    EXPECT_EQ(world.link("eth1")->master, 0);
  }
}

TEST_F(VlanCalls, AfterAReboot_AllIsMadeAgain) {
  ASSERT_TRUE(create(lan('a', {{"vlan", "10"}})).ok());
  world.reboot();
  EXPECT_THAT(world.service->reconcile().value().problems, Contains(HasSubstr("is gone")));
  put_nic("eth1");
  EXPECT_THAT(world.service->follow_uplink(soon()).value(), Not(IsEmpty()));
  EXPECT_EQ(world.link("eth1.10")->master, index("vd-eth1.10"));
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(VlanCalls, TheParentsMtu_IsFollowed) {
  ASSERT_TRUE(create(lan('a', {{"vlan", "10"}})).ok());
  EXPECT_EQ(world.service->networks().at(0).mtu, 9000);
  ASSERT_TRUE(world.kernel.set_mtu("eth1", 1500).ok());
  ASSERT_TRUE(world.service->follow_uplink(soon()).ok());
  EXPECT_EQ(world.service->networks().at(0).mtu, 1500);
  EXPECT_EQ(world.link("eth1.10")->mtu, 1500);
}

TEST_F(VlanCalls, MadeAndRemovedAtOnce_TheSegmentIsThereWhileOneStandsOnIt) {
  std::vector<std::thread> callers;
  std::atomic<int> failures{0};
  for (int caller = 0; caller < 6; ++caller)
    callers.emplace_back([&, caller] {
      const char id = static_cast<char>('a' + caller);
      const Options form = caller % 2 == 0 ? Options{{"vlan", "10"}} : Options{{"vlan", "20"}};
      for (int round = 0; round < 30; ++round) {
        const auto request = lan(id, form, "10." + std::to_string(caller + 1) + ".0.0/24");
        if (!create(request).ok()) ++failures;
        const std::string bridge = caller % 2 == 0 ? "vd-eth1.10" : "vd-eth1.20";
        const auto made = world.kernel.find_link(bridge);
        if (!made.value() || made.value()->group != kLiveGroup || !world.firewall.in_force().contains(bridge))
          ++failures;
        if (!world.service->delete_network(request.id, soon()).ok()) ++failures;
      }
    });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(failures, 0);
  EXPECT_TRUE(world.empty_after_reaping());
}

// A kernel without 802.1Q, and without bridges that keep VLANs apart.
class KernelWithoutVlans final : public ForwardingKernel {
 public:
  using ForwardingKernel::ForwardingKernel;
  Status create_vlan(const VlanSpec& spec) override {
    return from_errno(EOPNOTSUPP, "cannot create link " + spec.name);
  }
  Status create_bridge(const BridgeSpec& spec) override {
    return spec.filtering ? Status(from_errno(EOPNOTSUPP, "cannot create bridge " + spec.name))
                          : ForwardingKernel::create_bridge(spec);
  }
};

TEST_F(VlanCalls, KernelWithoutVlans_IsNamedWithTheRemedy) {
  KernelWithoutVlans kernel(world.kernel);
  const auto service = NetworkService::open(world.store, kernel, world.firewall, world.ports, world.clock,
                                            {"instance", "boot", {}, {}, {}, {}})
                           .value();
  const auto refused = [&](Options options) {
    const Status made = service->create_network(lan('a', std::move(options)), soon());
    return made.ok() ? "" : made.error().message;
  };
  EXPECT_THAT(refused({{"vlan", "10"}}),
              HasSubstr("the kernel has no 802.1Q (module 8021q): load or build it in"));
  EXPECT_THAT(refused({{"vlan_aware", "true"}}), HasSubstr("CONFIG_BRIDGE_VLAN_FILTERING"));
  ASSERT_TRUE(world.kernel.reap().ok());
  EXPECT_EQ(world.kernel.contents().links.size(), 1U);
  EXPECT_EQ(refused({}), "");
}

TEST_F(VlanCalls, NameThatAStrangerHas_IsPassedOverByAllThatShare) {
  put_bridge("vd-eth1");
  ASSERT_TRUE(create(lan('a', {})).ok());
  const std::string name = world.service->networks().at(0).bridge;
  EXPECT_NE(name, "vd-eth1");
  ASSERT_TRUE(create(lan('b', {}, "10.2.0.0/24")).ok());
  EXPECT_EQ(world.service->networks().at(1).bridge, name);
  EXPECT_EQ(world.link("eth1")->master, index(name));
  EXPECT_THAT(seen(), IsEmpty());
}

}  // namespace
}  // namespace viaduct::net
