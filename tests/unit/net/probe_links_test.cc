#include "net/probe_links.h"

#include <gtest/gtest.h>

// Where foreign hosts may be on a pool's subnet.
namespace viaduct::net {
namespace {

using Reach = ProbeLinks::Reach;

Link link(int index, const std::string& name, const std::string& kind = "", int master = 0) {
  Link out;
  out.index = index;
  out.name = name;
  out.kind = kind;
  out.master = master;
  out.mac = Mac({0x02, 0, 0, 0, 0, static_cast<uint8_t>(index)});
  out.up = out.ethernet = true;
  return out;
}

OnLink on(int index, const std::string& address) {
  const auto parsed = InterfaceAddress::parse(address).value();
  return {index, parsed.network(), parsed.address};
}

ProbeLinks picture(std::vector<Link> links, const std::vector<OnLink>& on_link) {
  ProbeLinks out(on_link);
  out.set_links(std::move(links));
  return out;
}

std::string names(const ProbeLinks::Found& found) {
  std::string out;
  for (const auto& each : found.links) out += (out.empty() ? "" : " ") + each.name;
  return out.empty() ? found.why_none : out;
}

std::string reached(const ProbeLinks& links, const std::string& pool, Reach reach = Reach::kForeign) {
  return names(links.find(Prefix::parse(pool).value(), reach));
}

TEST(ProbeLinks, LinkWithAnAddressOfTheSubnet_ReachesIt) {
  const ProbeLinks links =
      picture({link(2, "eth0"), link(3, "eth1")}, {on(2, "192.168.1.10/24"), on(3, "10.0.0.1/24")});
  EXPECT_EQ(reached(links, "192.168.1.0/24"), "eth0");
  EXPECT_EQ(reached(links, "192.168.1.128/25"), "eth0");
  EXPECT_EQ(reached(links, "192.168.0.0/16"), "eth0");
  EXPECT_EQ(reached(links, "172.16.0.0/24"), "no link of this host reaches the subnet directly");
}

TEST(ProbeLinks, RouteWithoutGateway_ReachesToo) {
  const ProbeLinks links =
      picture({link(2, "eth0")}, {{2, Prefix::parse("192.168.1.0/24").value(), std::nullopt}});
  EXPECT_EQ(reached(links, "192.168.1.0/24"), "eth0");
}

TEST(ProbeLinks, DefaultRouteIntoALink_ReachesNothing) {
  const ProbeLinks links =
      picture({link(2, "wg0")}, {{2, Prefix(IpAddress(Family::kIpv4, 0), 0), std::nullopt}});
  EXPECT_EQ(reached(links, "192.168.1.0/24"), "no link of this host reaches the subnet directly");
}

// Scenario 31: only where foreign hosts may be; viaduct's and Docker's own bridges cost nothing.
TEST(ProbeLinks, BridgeOfContainers_IsAskedOnlyWhenWanted) {
  const ProbeLinks links =
      picture({link(2, "vd-a", "bridge"), link(3, "ve1", "veth", 2)}, {on(2, "10.1.0.1/24")});
  EXPECT_EQ(reached(links, "10.1.0.0/24"), "only containers are on bridge vd-a");
  EXPECT_EQ(reached(links, "10.1.0.0/24", Reach::kAny), "vd-a");
}

TEST(ProbeLinks, BridgeJoinedToALan_IsAsked) {
  const ProbeLinks links = picture(
      {link(2, "br0", "bridge"), link(3, "ve1", "veth", 2), link(4, "eth0", "", 2)}, {on(2, "10.1.0.1/24")});
  EXPECT_EQ(reached(links, "10.1.0.0/24"), "br0");
}

TEST(ProbeLinks, LinksWithoutArp_AreNeverAsked) {
  Link tunnel = link(2, "tun0", "tun");
  tunnel.ethernet = false;
  Link down = link(3, "eth1");
  down.up = false;
  const ProbeLinks links = picture({tunnel, down}, {on(2, "10.1.0.1/24"), on(3, "10.2.0.1/24")});
  EXPECT_EQ(reached(links, "10.1.0.0/24", Reach::kAny), "link tun0 carries no ARP");
  EXPECT_EQ(reached(links, "10.2.0.0/24", Reach::kAny), "link eth1 is down");
}

TEST(ProbeLinks, LongestNetwork_Decides) {
  const ProbeLinks links =
      picture({link(2, "eth0"), link(3, "vd-a", "bridge")}, {on(2, "10.0.0.1/8"), on(3, "10.128.5.1/24")});
  EXPECT_EQ(reached(links, "10.128.5.0/24"), "only containers are on bridge vd-a");
  EXPECT_EQ(reached(links, "10.128.6.0/24"), "eth0");
}

TEST(ProbeLinks, NetworksInsideThePool_CountAlike) {
  const ProbeLinks links = picture({link(2, "eth0"), link(3, "eth1"), link(4, "eth2")},
                                   {on(2, "10.1.3.1/24"), on(3, "10.1.4.1/26"), on(4, "10.0.0.1/8")});
  EXPECT_EQ(reached(links, "10.1.0.0/16"), "eth0 eth1");
  EXPECT_EQ(reached(links, "10.2.0.0/16"), "eth2");
  EXPECT_EQ(reached(links, "10.1.3.64/26"), "eth0");
  EXPECT_TRUE(links.reached(Prefix::parse("10.2.0.0/16").value()));
  EXPECT_FALSE(links.reached(Prefix::parse("11.0.0.0/16").value()));
}

TEST(ProbeLinks, TwoLinksOnOneSubnet_AreBothAsked) {
  const ProbeLinks links =
      picture({link(2, "eth0"), link(3, "eth1")}, {on(2, "10.1.0.1/24"), on(3, "10.1.0.2/24")});
  EXPECT_EQ(reached(links, "10.1.0.0/24"), "eth0 eth1");
}

TEST(ProbeLinks, LinkLocalAddress_ComesWithTheLink) {
  const ProbeLinks links = picture({link(2, "eth0")}, {on(2, "fe80::2/64"), on(2, "2001:db8::1/64")});
  const auto found = links.find(Prefix::parse("2001:db8::/64").value(), Reach::kForeign);
  ASSERT_EQ(found.links.size(), 1U);
  EXPECT_EQ(found.links[0].link_local, IpAddress::parse("fe80::2").value());
  EXPECT_TRUE(links.own_macs().contains(found.links[0].mac));
}

TEST(ProbeLinks, WhereLansAloneCount_AddressesAndRoutesReachNothing) {
  ProbeLinks links =
      picture({link(2, "eth0"), link(3, "eth1")}, {on(2, "10.1.0.5/24"), on(2, "10.2.0.5/24")});
  links.add_lan({Prefix::parse("10.1.0.0/24").value(), "eth1", {true, 10}});
  const auto found = links.find(Prefix::parse("10.1.0.0/24").value(), Reach::kLans).links;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(words_of(found[0]), "VLAN 10 of eth1");
  EXPECT_TRUE(links.find(Prefix::parse("10.2.0.0/24").value(), Reach::kLans).links.empty());
}

TEST(ProbeLinks, PortInAVlan_IsAWayOfItsOwn) {
  ProbeLinks links = picture({link(2, "eth1", "", 9), link(9, "vd-eth1", "bridge")}, {});
  links.add_lan({Prefix::parse("10.1.0.0/24").value(), "eth1", {true, 10}});
  links.add_lan({Prefix::parse("10.2.0.0/24").value(), "eth1", {true, 0}});
  links.add_lan({Prefix::parse("10.3.0.0/24").value(), "eth7", {true, 10}});
  const auto found = links.find(Prefix::parse("10.1.0.0/24").value(), Reach::kForeign).links;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].lane.is_port);
  EXPECT_EQ(found[0].lane.vlan, 10);
  EXPECT_EQ(words_of(found[0]), "VLAN 10 of eth1");
  EXPECT_EQ(reached(links, "10.2.0.0/24"), "eth1");
  EXPECT_EQ(reached(links, "10.3.0.0/24"), "no link of this host reaches the subnet directly");
}

}  // namespace
}  // namespace viaduct::net
