// A network of two bridges: what passes between its containers, and from and to them, is as on one. All of it with
// br_netfilter as engines set it: the packet filter then sees what is bridged, on each bridge that it crosses.
#include "netns/packet_world.h"

namespace viaduct::net {
namespace {

constexpr Mac kFurtherMac({0x02, 0x42, 0x0a, 0, 0, 2});

class SpreadPackets : public Packets {
 protected:
  void SetUp() override {
    Packets::SetUp();
    netns::run(
        "for f in iptables ip6tables arptables; do echo 1 > /proc/sys/net/bridge/bridge-nf-call-$f; done");
    // The host would answer ARP wherever it is asked.
    netns::run("for f in all default; do echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; done");
    rules_ = network(1);
    rules_.subnets = rules_.masquerade;
    rules_.further = {"vd-1b"};
  }
  // The further bridge, with b_ behind it; a_ is on the first.
  void spread(PortIsolation isolation = PortIsolation::kOff) {
    ASSERT_TRUE(firewall_->add(rules_).ok());
    BridgeSpec further{"vd-1b", "", 1500, kFurtherMac};
    further.arp = false;
    ASSERT_TRUE(kernel_.create_bridge(further).ok());
    ASSERT_TRUE(kernel_.create_joint({"vj1a", "vj1b", "", "vd-1", "vd-1b", isolation}).ok());
    join(a_, 1, 2, isolation);
    join(b_, 1, 3, isolation);
    ASSERT_TRUE(kernel_.attach_port("ve1-3", "vd-1b", isolation).ok());
  }
  static std::string seen(Udp& from, Udp& to, const std::string& address, uint16_t port) {
    from.send(address, port, "hello");
    const auto datagram = to.receive(milliseconds(2000));
    return datagram ? datagram->source : "nobody";
  }
  static bool pings(const Namespace& from, const std::string& address) {
    return from.run("ping -c1 -W2 " + address + " >/dev/null && echo yes || echo no") == "yes\n";
  }

  NetworkRules rules_;
};

TEST_F(SpreadPackets, ContainersOfBothBridges_ReachEachOtherAndTheGateway) {
  // Scenario 46
  spread();
  for (const char* version : {"10.1.0.", "fd00:1::"}) {
    const std::string net = version;
    Udp a(a_, net + "2", 7000);
    Udp b(b_, net + "3", 7000);
    EXPECT_EQ(seen(a, b, net + "3", 7000), net + "2");
    EXPECT_EQ(seen(b, a, net + "2", 7000), net + "3");
    EXPECT_TRUE(pings(b_, net + "1"));
    EXPECT_TRUE(pings(a_, net + "1"));
  }
}

TEST_F(SpreadPackets, TheWayOut_IsMasqueraded) {
  spread();
  for (const auto& [inside, outside, host] : {std::tuple("10.1.0.3", "192.0.2.2", "192.0.2.1"),
                                              std::tuple("fd00:1::3", "2001:db8::2", "2001:db8::1")}) {
    Udp b(b_, inside, 7000);
    Udp out(outside_, outside, 7001);
    EXPECT_EQ(seen(b, out, outside, 7001), host);
  }
  EXPECT_TRUE(pings(b_, "192.0.2.2")) << "and the answer comes back";
  EXPECT_TRUE(pings(b_, "2001:db8::2"));
}

TEST_F(SpreadPackets, PublishedPorts_AreReachedFromOutsideAndFromTheOtherBridge) {
  spread();
  const auto ip = [](const char* text) { return IpAddress::parse(text).value(); };
  EndpointRules published;
  published.ports = {{Protocol::kUdp, ip("10.1.0.3"), 7000, ip("0.0.0.0"), 8000}};
  ASSERT_TRUE(firewall_->set_endpoint("b", published).ok());
  published.ports = {{Protocol::kUdp, ip("10.1.0.2"), 7000, ip("0.0.0.0"), 8001}};
  ASSERT_TRUE(firewall_->set_endpoint("a", published).ok());
  Udp a(a_, "10.1.0.2", 7000);
  Udp b(b_, "10.1.0.3", 7000);
  Udp out(outside_, "192.0.2.2", 7001);
  EXPECT_EQ(seen(out, b, "192.0.2.1", 8000), "192.0.2.2");
  b.send("192.0.2.2", 7001, "answer");
  const auto answer = out.receive(kArrives);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->source, "192.0.2.1");
  EXPECT_EQ(answer->port, 8000);
  EXPECT_EQ(seen(a, b, "192.0.2.1", 8000), "10.1.0.1");
  EXPECT_EQ(seen(b, a, "192.0.2.1", 8001), "10.1.0.1");
}

TEST_F(SpreadPackets, Isolation_HoldsAcrossTheBridges) {
  rules_.inter_container = InterContainer::kDenied;
  spread(PortIsolation::kOn);
  Udp a(a_, "10.1.0.2", 7000);
  Udp b(b_, "10.1.0.3", 7000);
  EXPECT_FALSE(passes(a, b, "10.1.0.3", kStaysAway));
  EXPECT_FALSE(passes(b, a, "10.1.0.2", kStaysAway));
  EXPECT_TRUE(pings(b_, "10.1.0.1"));
  EXPECT_TRUE(pings(b_, "192.0.2.2"));
}

TEST_F(SpreadPackets, AnInternalNetwork_HasNoWayOutOfEitherBridge) {
  rules_.reach = Reach::kInternal;
  rules_.masquerade = {};
  spread();
  Udp a(a_, "10.1.0.2", 7000);
  Udp b(b_, "10.1.0.3", 7000);
  Udp out(outside_, "192.0.2.2", 7001);
  EXPECT_TRUE(passes(b, a, "10.1.0.2"));
  b.send("192.0.2.2", 7001, "hello");
  EXPECT_FALSE(out.receive(kStaysAway));
  // Nor by the further bridge's own MAC, which a container must not use as a gateway.
  b_.run("ip neigh replace 10.1.0.1 lladdr " + kFurtherMac.to_string() + " dev vp1-3 nud permanent");
  b.send("192.0.2.2", 7001, "hello");
  EXPECT_FALSE(out.receive(kStaysAway));
}

TEST_F(SpreadPackets, TheGateway_AnswersWithTheFirstBridgesMacAlone) {
  // Scenario 52: the gateway's MAC does not depend on where a container is.
  spread();
  ASSERT_TRUE(pings(b_, "10.1.0.1"));
  const auto neighbours = nlohmann::json::parse(b_.run("ip -j neigh show 10.1.0.1"));
  ASSERT_EQ(neighbours.size(), 1U);
  EXPECT_EQ(neighbours[0]["lladdr"], kMac.to_string());
  // Without the flag the host answers there as well, and who is faster wins.
  EXPECT_NE(netns::link_json("vd-1b")["flags"].dump().find("NOARP"), std::string::npos);
}

TEST_F(SpreadPackets, Announcements_ReachTheOtherBridge) {
  spread();
  ASSERT_TRUE(pings(b_, "10.1.0.2"));
  const Mac other({0x02, 0x42, 0x0a, 0, 0, 9});
  ASSERT_TRUE(kernel_.announce({{"ve1-2", other, {IpAddress::parse("10.1.0.2").value()}}}).ok());
  EXPECT_TRUE(netns::eventually(kArrives, [&] {
    return b_.run("ip neigh show 10.1.0.2").find(other.to_string()) != std::string::npos;
  }));
  // And from there to the first one, and to the host.
  netns::run("ip neigh replace 10.1.0.3 lladdr 02:42:0a:00:00:08 dev vd-1 nud stale");
  ASSERT_TRUE(kernel_.announce({{"ve1-3", other, {IpAddress::parse("10.1.0.3").value()}}}).ok());
  EXPECT_TRUE(netns::eventually(kArrives, [&] {
    return netns::run("ip neigh show 10.1.0.3").find(other.to_string()) != std::string::npos;
  }));
}

}  // namespace
}  // namespace viaduct::net
