// Published ports, the gateway modes and the guard against spoofing: what passes, and from whom it seems to come.
#include "netns/packet_world.h"
#include "netns/sctp.h"

namespace viaduct::net {
namespace {

IpAddress ip(const std::string& text) {
  return IpAddress::parse(text).value();
}

class Ports : public Packets {
 protected:
  void SetUp() override {
    Packets::SetUp();
    rules_ = network(1);
    rules_.subnets = {Prefix::parse("10.1.0.0/24").value(), Prefix::parse("fd00:1::/64").value()};
  }
  // Container port 7000 of a_, at that port of those addresses of the host; port 0 for the container's own address alone.
  static EndpointRules published(uint16_t host_port, const std::string& host4 = "0.0.0.0",
                                 const std::string& host6 = "::") {
    EndpointRules rules;
    rules.ports = {{Protocol::kUdp, ip("10.1.0.2"), 7000, ip(host4), host_port},
                   {Protocol::kUdp, ip("fd00:1::2"), 7000, ip(host6), host_port}};
    return rules;
  }
  // Whom a_ saw behind a datagram to `address`; "nobody" if none came.
  static std::string seen(Udp& from, Udp& to, const std::string& address, uint16_t port) {
    from.send(address, port, "hello");
    const auto datagram = to.receive(milliseconds(400));
    return datagram ? datagram->source : "nobody";
  }

  NetworkRules rules_;
};

TEST_F(Ports, FromTheOutside_KeepTheirSourceAndAnswersComeBack) {
  ASSERT_TRUE(firewall_->add(rules_).ok());
  join(a_, 1, 2);
  ASSERT_TRUE(firewall_->set_endpoint("a", published(8000)).ok());
  for (const Way& c : kWays) {
    Udp inside(a_, c.inside, 7000);
    Udp outside(outside_, c.outside, 7001);
    EXPECT_EQ(seen(outside, inside, c.host, 8000), c.outside);
    inside.send(c.outside, 7001, "answer");
    const auto answer = outside.receive(kArrives);
    ASSERT_TRUE(answer) << c.inside;
    EXPECT_EQ(answer->source, c.host);
    EXPECT_EQ(answer->port, 8000);
    EXPECT_EQ(seen(outside, inside, c.inside, 7000), "nobody") << "its own address stays closed";
  }
}

TEST_F(Ports, OfSctp_AreTranslatedBothWaysWithTheirChecksums) {
  using netns::Sctp;
  ASSERT_TRUE(firewall_->add(rules_).ok());
  join(a_, 1, 2);
  EndpointRules rules;
  rules.ports = {{Protocol::kSctp, ip("10.1.0.2"), 7000, ip("0.0.0.0"), 8000},
                 {Protocol::kSctp, ip("fd00:1::2"), 7000, ip("::"), 8000}};
  ASSERT_TRUE(firewall_->set_endpoint("a", rules).ok());
  EXPECT_FALSE(firewall_->ensure().value()) << "what nft lists is read as what was written";
  for (const Way& c : kWays) {
    Sctp inside(a_, c.inside);
    Sctp outside(outside_, c.outside);
    outside.send(c.host, 7001, 8001, Sctp::Chunk::kInit);
    EXPECT_FALSE(inside.receive(kStaysAway)) << "a port that is not published";
    outside.send(c.host, 7001, 8000, Sctp::Chunk::kInit);
    const auto init = inside.receive(kArrives);
    ASSERT_TRUE(init) << c.inside;
    EXPECT_EQ(init->source, c.outside);
    EXPECT_EQ(init->from, 7001);
    EXPECT_EQ(init->to, 7000);
    EXPECT_EQ(init->chunk, Sctp::Chunk::kInit);
    EXPECT_TRUE(init->intact);
    inside.send(c.outside, 7000, 7001, Sctp::Chunk::kInitAck);
    const auto answer = outside.receive(kArrives);
    ASSERT_TRUE(answer) << c.inside;
    EXPECT_EQ(answer->source, c.host);
    EXPECT_EQ(answer->from, 8000);
    EXPECT_EQ(answer->chunk, Sctp::Chunk::kInitAck);
    EXPECT_TRUE(answer->intact);
  }
  ASSERT_TRUE(firewall_->set_endpoint("a", {}).ok());
  ASSERT_TRUE(firewall_->forget_flows(ip("10.1.0.2")).ok());
  Sctp inside(a_, "10.1.0.2");
  Sctp outside(outside_, "192.0.2.2");
  outside.send("192.0.2.1", 7002, 8000, Sctp::Chunk::kInit);
  EXPECT_FALSE(inside.receive(kStaysAway)) << "taken back";
}

TEST_F(Ports, FromAnotherNetwork_SeemToComeFromTheGateway) {
  NetworkRules other = network(2);
  other.subnets = {Prefix::parse("10.2.0.0/24").value()};
  ASSERT_TRUE(firewall_->replace_all(rule_set({rules_, other})).ok());
  join(a_, 1, 2);
  join(b_, 2, 2);
  ASSERT_TRUE(firewall_->set_endpoint("a", published(8000)).ok());
  Udp a(a_, "10.1.0.2", 7000);
  Udp b(b_, "10.2.0.2", 7000);
  EXPECT_EQ(seen(b, a, "192.0.2.1", 8000), "10.1.0.1");
  EXPECT_EQ(seen(b, a, "10.1.0.2", 7000), "nobody");
}

TEST_F(Ports, OneAddressOfTheHost_IsThatAlone) {
  netns::run("ip addr add 192.0.2.9/24 dev up0");
  ASSERT_TRUE(firewall_->add(rules_).ok());
  join(a_, 1, 2);
  ASSERT_TRUE(firewall_->set_endpoint("a", published(8000, "192.0.2.9", "2001:db8::1")).ok());
  Udp a(a_, "10.1.0.2", 7000);
  Udp outside(outside_, "192.0.2.2", 7001);
  EXPECT_EQ(seen(outside, a, "192.0.2.9", 8000), "192.0.2.2");
  Udp fresh(outside_, "192.0.2.2", 7002);
  EXPECT_EQ(seen(fresh, a, "192.0.2.1", 8000), "nobody");
}

TEST_F(Ports, TakenBack_AreClosedForFlowsThatWentOnToo) {
  ASSERT_TRUE(firewall_->add(rules_).ok());
  join(a_, 1, 2);
  ASSERT_TRUE(firewall_->set_endpoint("a", published(8000)).ok());
  Udp a(a_, "10.1.0.2", 7000);
  Udp outside(outside_, "192.0.2.2", 7001);
  ASSERT_EQ(seen(outside, a, "192.0.2.1", 8000), "192.0.2.2");
  a.send("192.0.2.2", 7001, "answer");
  ASSERT_TRUE(outside.receive(kArrives).has_value());
  ASSERT_TRUE(firewall_->set_endpoint("a", {}).ok());
  EXPECT_EQ(seen(outside, a, "192.0.2.1", 8000), "192.0.2.2") << "a flow that is known goes on";
  ASSERT_TRUE(firewall_->forget_flows(ip("10.1.0.2")).ok());
  EXPECT_EQ(seen(outside, a, "192.0.2.1", 8000), "nobody");
}

TEST_F(Ports, PublishedWhileSomebodySends_AreReachedByItOnceItsFlowIsEnded) {
  ASSERT_TRUE(firewall_->add(rules_).ok());
  join(a_, 1, 2);
  Udp a(a_, "10.1.0.2", 7000);
  Udp outside(outside_, "192.0.2.2", 7001);
  ASSERT_EQ(seen(outside, a, "192.0.2.1", 8000), "nobody");
  ASSERT_TRUE(firewall_->set_endpoint("a", published(8000)).ok());
  ASSERT_TRUE(firewall_->forget_flows_to(Protocol::kUdp, ip("192.0.2.1"), 8000).ok());
  EXPECT_EQ(seen(outside, a, "192.0.2.1", 8000), "192.0.2.2");
}

TEST_F(Ports, FlowsOfOthers_AreNotEnded) {
  ASSERT_TRUE(firewall_->add(rules_).ok());
  join(a_, 1, 2);
  join(b_, 1, 3);
  Udp b(b_, "10.1.0.3", 7000);
  Udp outside(outside_, "192.0.2.2", 8000);
  b.send("192.0.2.2", 8000, "hello");
  const auto first = outside.receive(kArrives);
  ASSERT_TRUE(first);
  ASSERT_TRUE(firewall_->forget_flows(ip("10.1.0.2")).ok());
  ASSERT_TRUE(firewall_->forget_flows_to(Protocol::kUdp, ip("192.0.2.1"), 8000).ok());
  outside.send(first->source, first->port, "answer");
  EXPECT_TRUE(b.receive(kArrives).has_value());
}

TEST_F(Ports, GatewayModes_OpenWhatTheySay) {
  join(a_, 1, 2);
  Udp a(a_, "10.1.0.2", 7000);
  Udp other(a_, "10.1.0.2", 7500);
  const auto from_outside = [&](Udp& to, uint16_t port) {
    Udp fresh(outside_, "192.0.2.2", 0);
    return seen(fresh, to, "10.1.0.2", port);
  };
  rules_.gateway_mode_ipv4 = GatewayMode::kRouted;
  ASSERT_TRUE(firewall_->add(rules_).ok());
  EXPECT_EQ(from_outside(a, 7000), "nobody");
  ASSERT_TRUE(firewall_->set_endpoint("a", published(0)).ok());
  EXPECT_EQ(from_outside(a, 7000), "192.0.2.2");
  EXPECT_EQ(from_outside(other, 7500), "nobody");
  outside_.run("ping -c1 -W2 10.1.0.2");
  rules_.gateway_mode_ipv4 = GatewayMode::kNatUnprotected;
  ASSERT_TRUE(firewall_->add(rules_).ok());
  EXPECT_EQ(from_outside(other, 7500), "192.0.2.2");
  rules_.gateway_mode_ipv4 = GatewayMode::kNat;
  rules_.trusted = {"up0"};
  ASSERT_TRUE(firewall_->add(rules_).ok());
  EXPECT_EQ(from_outside(a, 7000), "192.0.2.2");
  EXPECT_EQ(from_outside(other, 7500), "nobody");
}

TEST_F(Ports, SourceAddress_IsTheOneThatWasGiven) {
  netns::run("ip addr add 192.0.2.9/24 dev up0");
  rules_.masquerade.clear();
  rules_.sources = {{Prefix::parse("10.1.0.0/24").value(), ip("192.0.2.9")}};
  ASSERT_TRUE(firewall_->add(rules_).ok());
  join(a_, 1, 2);
  Udp a(a_, "10.1.0.2", 7000);
  Udp outside(outside_, "192.0.2.2", 7000);
  EXPECT_EQ(seen(a, outside, "192.0.2.2", 7000), "192.0.2.9");
}

TEST_F(Ports, ThousandsOfThem_ChangeByTheirOwnElementsAndSurviveAFlush) {
  ASSERT_TRUE(firewall_->add(rules_).ok());
  for (int i = 0; i < 200; ++i) {
    EndpointRules rules;
    for (int port = 0; port < 10; ++port)
      rules.ports.push_back({Protocol::kTcp, ip("10.1.0.2").plus(static_cast<unsigned>(i)),
                             static_cast<uint16_t>(port + 1), ip("0.0.0.0"),
                             static_cast<uint16_t>(10000 + i * 10 + port)});
    ASSERT_TRUE(firewall_->set_endpoint("e" + std::to_string(i), rules).ok()) << i;
  }
  EXPECT_FALSE(firewall_->ensure().value()) << "what nft lists is read as what was written";
  netns::run("nft flush ruleset");
  EXPECT_TRUE(firewall_->ensure().value());
  const auto listed = netns::run_json("nft -j list map inet viaduct any4");
  for (const auto& entry : listed["nftables"]) {
    if (entry.contains("map")) {
      EXPECT_EQ(entry["map"]["elem"].size(), 2000U);
    }
  }
  EXPECT_FALSE(firewall_->ensure().value());
}

class Guard : public Ports {
 protected:
  void SetUp() override {
    Ports::SetUp();
    ASSERT_TRUE(firewall_->add(rules_).ok());
    join(a_, 1, 2);
    join(b_, 1, 3);
    const auto link = nlohmann::json::parse(a_.run("ip -j link show vp1-2")).at(0);
    own_.sender = SenderRule{"ve1-2",
                             Mac::parse(link.at("address").get<std::string>()).value(),
                             {ip("10.1.0.2"), ip("fd00:1::2")}};
  }
  EndpointRules own_;
};

TEST_F(Guard, OwnAddresses_Pass) {
  ASSERT_TRUE(firewall_->set_endpoint("a", own_).ok());
  Udp a4(a_, "10.1.0.2", 7000);
  Udp b4(b_, "10.1.0.3", 7000);
  Udp a6(a_, "fd00:1::2", 7000);
  Udp b6(b_, "fd00:1::3", 7000);
  EXPECT_TRUE(passes(a4, b4, "10.1.0.3"));
  EXPECT_TRUE(passes(b4, a4, "10.1.0.2"));
  EXPECT_TRUE(passes(a6, b6, "fd00:1::3"));
  EXPECT_TRUE(passes(b6, a6, "fd00:1::2"));
  EXPECT_FALSE(firewall_->ensure().value()) << "what nft lists is read as what was written";
}

TEST_F(Guard, OtherAddressesAndMacs_AreDropped) {
  a_.run("ip addr add 10.1.0.66/24 dev vp1-2; ip addr add fd00:1::66/64 dev vp1-2 nodad");
  Udp a4(a_, "10.1.0.66", 7000);
  Udp b4(b_, "10.1.0.3", 7000);
  Udp a6(a_, "fd00:1::66", 7000);
  Udp b6(b_, "fd00:1::3", 7000);
  ASSERT_TRUE(passes(a4, b4, "10.1.0.3")) << "the way exists without the guard";
  ASSERT_TRUE(passes(a6, b6, "fd00:1::3")) << "the way exists without the guard";
  ASSERT_TRUE(firewall_->set_endpoint("a", own_).ok());
  EXPECT_FALSE(passes(a4, b4, "10.1.0.3", kStaysAway));
  EXPECT_FALSE(passes(a6, b6, "fd00:1::3", kStaysAway));
  Udp true4(a_, "10.1.0.2", 7000);
  EXPECT_TRUE(passes(true4, b4, "10.1.0.3"));
  a_.run("ip link set vp1-2 address 02:00:00:00:00:66");
  EXPECT_FALSE(passes(true4, b4, "10.1.0.3", kStaysAway));
}

TEST_F(Guard, ClaimsOfOthersAddresses_DoNotReachTheNeighbours) {
  ASSERT_TRUE(firewall_->set_endpoint("a", own_).ok());
  // b asks for an address that a took without right: a's answer, ARP or advertisement, must not arrive.
  a_.run("ip addr add 10.1.0.66/24 dev vp1-2; ip addr add fd00:1::66/64 dev vp1-2 nodad");
  for (const char* address : {"10.1.0.66", "fd00:1::66"}) {
    Udp b(b_, std::string(address).find(':') == std::string::npos ? "10.1.0.3" : "fd00:1::3", 7100);
    b.send(address, 7000, "who has it?");
    EXPECT_FALSE(netns::eventually(milliseconds(500), [&] {
      return b_.run(std::string("ip neigh show ") + address).find("lladdr") != std::string::npos;
    })) << address;
  }
}

TEST_F(Guard, LastOneGone_LeavesNoRestriction) {
  ASSERT_TRUE(firewall_->set_endpoint("a", own_).ok());
  ASSERT_TRUE(firewall_->set_endpoint("a", {}).ok());
  a_.run("ip addr add 10.1.0.66/24 dev vp1-2");
  Udp a(a_, "10.1.0.66", 7000);
  Udp b(b_, "10.1.0.3", 7000);
  EXPECT_TRUE(passes(a, b, "10.1.0.3"));
  ASSERT_TRUE(firewall_->remove("vd-1").ok());
  EXPECT_EQ(netns::run("nft list ruleset").find("viaduct"), std::string::npos);
}

}  // namespace
}  // namespace viaduct::net
