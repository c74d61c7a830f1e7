// What passes between containers and the outside: real packets through links of NetlinkKernel and rules of
// NftFirewall.
#include "netns/packet_world.h"

namespace viaduct::net {
namespace {

TEST_F(Packets, ToTheOutside_BearTheHostsAddressAndRepliesComeBack) {
  ASSERT_TRUE(firewall_->add(network(1)).ok());
  join(a_, 1, 2);
  for (const Way& c : kWays) {
    Udp inside(a_, c.inside, 7000);
    Udp outside(outside_, c.outside, 7000);
    inside.send(c.outside, 7000, "hello");
    auto seen = outside.receive(kArrives);
    ASSERT_TRUE(seen) << c.inside;
    EXPECT_EQ(seen->source, c.host);
    outside.send(seen->source, seen->port, "reply");
    auto reply = inside.receive(kArrives);
    ASSERT_TRUE(reply) << c.inside;
    EXPECT_EQ(reply->text, "reply");
  }
}

TEST_F(Packets, WithoutMasquerade_KeepTheirSource) {
  NetworkRules rules = network(1);
  rules.masquerade.clear();
  ASSERT_TRUE(firewall_->add(rules).ok());
  join(a_, 1, 2);
  Udp inside(a_, "10.1.0.2", 7000);
  Udp outside(outside_, "192.0.2.2", 7000);
  inside.send("192.0.2.2", 7000, "hello");
  auto seen = outside.receive(kArrives);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->source, "10.1.0.2");
}

TEST_F(Packets, FromTheOutsideWithoutPublishedPort_AreDropped) {
  NetworkRules rules = network(1);
  join(a_, 1, 2);
  Udp inside(a_, "10.1.0.2", 7000);
  Udp outside(outside_, "192.0.2.2", 7000);
  ASSERT_TRUE(passes(outside, inside, "10.1.0.2")) << "the way exists without rules";
  ASSERT_TRUE(firewall_->add(rules).ok());
  Udp fresh(outside_, "192.0.2.2", 7001);
  EXPECT_FALSE(passes(fresh, inside, "10.1.0.2", kStaysAway));
}

TEST_F(Packets, BetweenNetworks_AreDroppedInBothFamilies) {
  std::vector<NetworkRules> both{network(1), network(2)};
  join(a_, 1, 2);
  join(b_, 2, 2);
  Udp a4(a_, "10.1.0.2", 7000);
  Udp b4(b_, "10.2.0.2", 7000);
  Udp a6(a_, "fd00:1::2", 7000);
  Udp b6(b_, "fd00:2::2", 7000);
  ASSERT_TRUE(passes(a4, b4, "10.2.0.2")) << "the way exists without rules";
  ASSERT_TRUE(passes(a6, b6, "fd00:2::2")) << "the way exists without rules";
  ASSERT_TRUE(firewall_->replace_all(rule_set(both)).ok());
  EXPECT_FALSE(passes(a4, b4, "10.2.0.2", kStaysAway));
  EXPECT_FALSE(passes(a6, b6, "fd00:2::2", kStaysAway));
  EXPECT_FALSE(passes(b4, a4, "10.1.0.2", kStaysAway));
  ASSERT_TRUE(firewall_->replace_all({}).ok());
  EXPECT_TRUE(passes(a4, b4, "10.2.0.2")) << "and after them";
}

TEST_F(Packets, OfAnInternalNetwork_StayWithinIt) {
  NetworkRules rules = network(1);
  rules.reach = Reach::kInternal;
  ASSERT_TRUE(firewall_->add(rules).ok());
  join(a_, 1, 2);
  join(b_, 1, 3);
  Udp a(a_, "10.1.0.2", 7000);
  Udp b(b_, "10.1.0.3", 7000);
  Udp outside(outside_, "192.0.2.2", 7000);
  EXPECT_TRUE(passes(a, b, "10.1.0.3"));
  EXPECT_FALSE(passes(a, outside, "192.0.2.2", kStaysAway));
  EXPECT_FALSE(passes(outside, a, "10.1.0.2", kStaysAway));
}

TEST_F(Packets, BetweenContainersOfADeniedNetwork_AreDroppedButReachTheOutside) {
  NetworkRules rules = network(1);
  rules.inter_container = InterContainer::kDenied;
  ASSERT_TRUE(firewall_->add(rules).ok());
  join(a_, 1, 2, PortIsolation::kOn);
  join(b_, 1, 3, PortIsolation::kOn);
  Udp a(a_, "10.1.0.2", 7000);
  Udp b(b_, "10.1.0.3", 7000);
  Udp outside(outside_, "192.0.2.2", 7000);
  EXPECT_FALSE(passes(a, b, "10.1.0.3", kStaysAway));
  EXPECT_TRUE(passes(a, outside, "192.0.2.2"));
}

TEST_F(Packets, ToTheEnginesOwnBridges_AreDropped) {
  ASSERT_TRUE(firewall_->add(network(1)).ok());
  join(a_, 1, 2);
  Udp a(a_, "10.1.0.2", 7000);
  int number = 0;
  for (const char* name : {"docker0", "br-0f3a5b7c9d11", "br-lan", "br-data"}) {
    Namespace other;
    std::string net = "172.30." + std::to_string(++number);
    std::string port = "eng" + std::to_string(number);
    netns::run("ip link add " + std::string(name) + " type bridge; ip addr add " + net + ".1/24 dev " + name +
               "; ip link set " + name + " up; ip link add " + port + " type veth peer name eth0 netns " +
               other.path() + "; ip link set " + port + " master " + name + " up");
    other.run("ip addr add " + net + ".2/24 dev eth0; ip link set eth0 up; ip route add default via " + net +
              ".1");
    Udp target(other, net + ".2", 7000);
    // As the keeper does when the engine has changed its rules.
    ASSERT_TRUE(firewall_->ensure().ok());
    bool is_uplink = std::string(name) == "br-lan" || std::string(name) == "br-data";
    EXPECT_EQ(passes(a, target, net + ".2", is_uplink ? kArrives : kStaysAway), is_uplink) << name;
  }
}

TEST_F(Packets, UnderADropPolicyOfTheEngine_PassAllTheSame) {
  netns::run("iptables-nft -P FORWARD DROP; ip6tables-nft -P FORWARD DROP");
  ASSERT_TRUE(firewall_->add(network(1)).ok());
  join(a_, 1, 2);
  join(b_, 1, 3);
  Udp a(a_, "10.1.0.2", 7000);
  Udp b(b_, "10.1.0.3", 7000);
  Udp outside(outside_, "192.0.2.2", 7000);
  EXPECT_TRUE(passes(a, b, "10.1.0.3"));
  a.send("192.0.2.2", 7000, "hello");
  auto seen = outside.receive(kArrives);
  ASSERT_TRUE(seen);
  outside.send(seen->source, seen->port, "reply");
  EXPECT_TRUE(a.receive(kArrives));
}

}  // namespace
}  // namespace viaduct::net
