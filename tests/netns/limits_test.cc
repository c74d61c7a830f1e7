// What a link's settings do to packets: rate limits, multicast, MAC addresses, router advertisements.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "net/netlink_kernel.h"
#include "netns/netns_world.h"

namespace viaduct::net {
namespace {

using std::chrono::steady_clock;

constexpr Mac kLimitedMac({0x02, 0x42, 0x0a, 1, 0, 2});
constexpr Mac kLimitedBridgeMac({0x02, 0x42, 0x0a, 1, 0, 1});
// 8 mbit, small enough that a slow machine sends faster.
constexpr RateLimit kLimit{1'000'000, 64 * 1024};

class Limits : public netns::FreshNetns {
 protected:
  void SetUp() override {
    FreshNetns::SetUp();
    ASSERT_TRUE(kernel.create_bridge({"vd-a", "viaduct/i/network/a", 1500, kLimitedBridgeMac}).ok());
    ASSERT_TRUE(kernel.add_address("vd-a", InterfaceAddress::parse("10.1.0.1/24").value()).ok());
    spec.host_name = "ve1";
    spec.peer_name = "vc1";
    spec.alias = "viaduct/i/endpoint/1";
    spec.bridge = "vd-a";
    spec.peer_mac = kLimitedMac;
  }

  // Makes the pair, and moves the peer into the sandbox as an engine does.
  void start() {
    ASSERT_TRUE(kernel.create_veth(spec).ok());
    netns::run("ip link set vc1 netns " + sandbox.path());
    sandbox.run(
        "ip link set vc1 up; ip addr add 10.1.0.2/24 dev vc1; ip -6 addr add fd01::2/64 dev vc1 nodad");
  }

  static nlohmann::json queues(const std::string& link) {
    return netns::run_json("tc -j qdisc show dev " + link);
  }
  static bool has_bucket(const std::string& link) {
    for (const auto& queue : queues(link))
      if (queue.value("kind", "") == "tbf") return true;
    return false;
  }
  static std::string filters(const std::string& link) {
    return netns::run("tc filter show dev " + link + " ingress");
  }

  uint64_t received_inside() {
    const auto link = nlohmann::json::parse(sandbox.run("ip -j -s link show dev vc1"));
    return link[0]["stats64"]["rx"]["bytes"].get<uint64_t>();
  }
  // The bridge's own end of what comes in.
  static uint64_t received_by_bridge() {
    return netns::run_json("ip -j -s link show dev vd-a")[0]["stats64"]["rx"]["bytes"].get<uint64_t>();
  }
  // Sends full datagrams as fast as it can, for a second and until half of a second's worth has arrived by the
  // kernel's own counter: it is what the time that this took lets through, and what may go at once.
  static void expect_limited(netns::Udp& socket, const std::string& to,
                             const std::function<uint64_t()>& counter) {
    const std::string full(1400, 'x');
    uint64_t sent = 0;
    const auto begin = steady_clock::now();
    const uint64_t before = counter();
    const auto arrived = [&] { return counter() - before; };
    for (int second = 0; second == 0 || (second < 20 && arrived() < kLimit.rate / 2); ++second) {
      const auto end = steady_clock::now() + std::chrono::seconds(1);
      while (steady_clock::now() < end) sent += socket.send(to, 9, full) ? full.size() : 0;
    }
    const uint64_t bytes = arrived();
    const auto limit = kLimit.rate * std::chrono::duration<double>(steady_clock::now() - begin).count();
    EXPECT_GT(bytes, kLimit.rate / 2);
    EXPECT_LT(static_cast<double>(bytes), limit * 1.25 + kLimit.burst);
    EXPECT_GT(sent, bytes) << "otherwise nothing was held back";
  }

  NetlinkKernel kernel;
  netns::Namespace sandbox;
  VethSpec spec;
};

TEST_F(Limits, TowardsTheContainer_HoldAndLeaveTheOtherWayAlone) {
  spec.rate_in = kLimit;
  start();
  const auto queue = queues("ve1");
  ASSERT_TRUE(has_bucket("ve1")) << queue;
  EXPECT_EQ(queue[0]["options"]["rate"], kLimit.rate) << queue;
  EXPECT_EQ(queue[0]["options"]["burst"], kLimit.burst) << queue;
  netns::Udp socket(netns::Namespace::current(), "10.1.0.1", 9);
  expect_limited(socket, "10.1.0.2", [&] { return received_inside(); });
  EXPECT_EQ(filters("ve1"), "");
}

TEST_F(Limits, FromTheContainer_HoldThoughItHasTheLinkToItself) {
  spec.rate_out = Shaper{"vf1", "viaduct/i/shaper/1", kLimit};
  start();
  EXPECT_TRUE(has_bucket("vf1"));
  EXPECT_FALSE(has_bucket("ve1"));
  const auto shaper = netns::link_json("vf1");
  EXPECT_EQ(shaper["linkinfo"]["info_kind"], "ifb");
  EXPECT_EQ(shaper["ifalias"], "viaduct/i/shaper/1");
  EXPECT_EQ(shaper["group"], std::to_string(kLiveGroup));
  // Whatever the container does to its own end.
  sandbox.run("tc qdisc replace dev vc1 root pfifo");
  netns::Udp socket(sandbox, "10.1.0.2", 9);
  expect_limited(socket, "10.1.0.1", [] { return received_by_bridge(); });
}

TEST_F(Limits, Qdiscs_AreMadeOnceAndComeBackWhenLost) {
  spec.rate_in = kLimit;
  spec.rate_out = Shaper{"vf1", "viaduct/i/shaper/1", kLimit};
  start();
  EXPECT_FALSE(kernel.ensure_rates(spec).value()) << "all is there";
  for (const char* loss :
       {"tc qdisc del dev ve1 root", "tc qdisc del dev vf1 root", "tc qdisc del dev ve1 ingress",
        "tc filter del dev ve1 ingress", "ip link del vf1"}) {
    netns::run(loss);
    const RatesInForce left = kernel.rates_in_force(spec).value();
    EXPECT_FALSE(left.in == kLimit.rate && left.out == kLimit.rate && left.has_shaper && left.is_led) << loss;
    EXPECT_TRUE(kernel.ensure_rates(spec).value()) << loss;
    EXPECT_TRUE(has_bucket("ve1") && has_bucket("vf1")) << loss;
    EXPECT_NE(filters("ve1").find("Redirect to device vf1"), std::string::npos) << loss << filters("ve1");
    EXPECT_FALSE(kernel.ensure_rates(spec).value()) << loss;
    EXPECT_EQ(sandbox.run("ping -c1 -W5 10.1.0.1 >/dev/null && echo passes"), "passes\n") << loss;
  }
  ASSERT_TRUE(kernel.retire_links({"ve1", "vf1"}).ok());
  ASSERT_TRUE(kernel.reap().ok());
  EXPECT_TRUE(netns::link_json("vf1").is_null());
}

TEST_F(Limits, AtTheEdgesOfWhatIsAccepted_AreSet) {
  // 8 kbit and 100 gbit, which takes more than 32 bits.
  for (const uint64_t rate : {uint64_t{1000}, uint64_t{12'500'000'000}}) {
    spec.rate_in = RateLimit{rate, 64 * 1024 * 1024};
    ASSERT_TRUE(kernel.create_veth(spec).ok());
    EXPECT_EQ(queues("ve1")[0]["options"]["rate"], rate);
    EXPECT_FALSE(kernel.ensure_rates(spec).value()) << rate;
    ASSERT_TRUE(kernel.retire_links({"ve1"}).ok());
    ASSERT_TRUE(kernel.reap().ok());
  }
}

TEST_F(Limits, WhereTheShapersNameIsTaken_NothingIsLeft) {
  netns::run("ip link add vf1 type bridge");
  spec.rate_out = Shaper{"vf1", "viaduct/i/shaper/1", kLimit};
  const Status made = kernel.create_veth(spec);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::kAlreadyExists) << made.error().message;
  EXPECT_TRUE(netns::link_json("ve1").is_null());
  EXPECT_TRUE(netns::link_json("vc1").is_null());
  EXPECT_FALSE(netns::link_json("vf1").is_null());
}

TEST_F(Limits, Multicast_IsSetAtCreation) {
  const auto data = [](const char* name) { return netns::link_json(name)["linkinfo"]["info_data"]; };
  EXPECT_EQ(data("vd-a")["mcast_snooping"], 1);
  EXPECT_EQ(data("vd-a")["mcast_querier"], 0);
  BridgeSpec other{"vd-b", "viaduct/i/network/b", 1500, kLimitedBridgeMac};
  other.mcast_snooping = false;
  other.mcast_querier = true;
  ASSERT_TRUE(kernel.create_bridge(other).ok());
  EXPECT_EQ(data("vd-b")["mcast_snooping"], 0);
  EXPECT_EQ(data("vd-b")["mcast_querier"], 1);
}

TEST_F(Limits, MacsThatViaductGives_AreSetByHandForWhoeverWatchesLinks) {
  // Scenario 47: udev and its like, under MACAddressPolicy=persistent, leave a link alone whose address somebody has set
  // (NET_ADDR_SET, 3). The host's end gets its address from the kernel; nothing depends on it.
  start();
  const auto assigned = [](const char* name) {
    return fmt::format(
        "unshare -m sh -c 'mount -t sysfs sysfs /sys && cat /sys/class/net/{}/addr_assign_type'", name);
  };
  EXPECT_EQ(netns::run(assigned("vd-a")), "3\n");
  EXPECT_EQ(netns::link_json("vd-a")["address"], kLimitedBridgeMac.to_string());
  EXPECT_EQ(sandbox.run(assigned("vc1")), "3\n");
  EXPECT_EQ(nlohmann::json::parse(sandbox.run("ip -j link show dev vc1"))[0]["address"],
            kLimitedMac.to_string());
}

// Sends one router advertisement (RFC 4861, 4.2) with a lifetime of half an hour to all nodes.
constexpr const char* kAdvertise = R"(python3 -c '
import socket, struct
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
link = socket.if_nametoindex("vc1")
s.bind(("fe80::2", 0, 0, link))
s.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0), ("ff02::1", 0, 0, link))
')";

TEST_F(Limits, RouterAdvertisementsOfAContainer_GiveTheHostNoRoute) {
  // Scenario 53: a container that plays router, on a host that forwards.
  netns::run("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
  start();
  ASSERT_TRUE(kernel.add_address("vd-a", InterfaceAddress::parse("fd01::1/64").value()).ok());
  sandbox.run("ip -6 addr add fe80::2/64 dev vc1 nodad");
  // The kernel counts what it received before it judges it.
  const auto heard = [] {
    return netns::run(
        "grep -w Icmp6InRouterAdvertisements /proc/net/dev_snmp6/vd-a | tr -dc ' 0-9' | cut -d' ' -f2-");
  };
  const auto advertised = [&] {
    const std::string before = heard();
    sandbox.run(kAdvertise);
    return netns::eventually(std::chrono::seconds(5), [&] { return heard() != before; });
  };
  ASSERT_TRUE(advertised());
  EXPECT_EQ(netns::run("ip -6 route show default"), "");
  // What would be so if the bridge had been told to believe them all the same.
  netns::run("echo 2 > /proc/sys/net/ipv6/conf/vd-a/accept_ra");
  ASSERT_TRUE(advertised());
  EXPECT_TRUE(netns::eventually(std::chrono::seconds(5),
                                [] { return !netns::run("ip -6 route show default").empty(); }));
}

TEST_F(Limits, HostWithoutIpv6_SaysSoAndServesIpv4) {
  // Scenario 53: disable_ipv6=1.
  netns::run(
      "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > "
      "/proc/sys/net/ipv6/conf/default/disable_ipv6");
  ASSERT_TRUE(kernel.create_bridge({"vd-b", "viaduct/i/network/b", 1500, kLimitedBridgeMac}).ok());
  EXPECT_TRUE(kernel.add_address("vd-b", InterfaceAddress::parse("10.2.0.1/24").value()).ok());
  const Status six = kernel.add_address("vd-b", InterfaceAddress::parse("fd02::1/64").value());
  ASSERT_FALSE(six.ok());
  EXPECT_NE(six.error().message.find("cannot add address"), std::string::npos) << six.error().message;
  EXPECT_NE(six.error().message.find("disable_ipv6=0, or leave the IPv6 subnet out"), std::string::npos);
  EXPECT_TRUE(kernel.create_veth({"ve2", "vc2", "viaduct/i/endpoint/2", "vd-b", 1500, kLimitedMac}).ok());
}

TEST_F(Limits, AddressOfTheBridgeThatAContainerHas_IsUsableAllTheSame) {
  // Scenario 53: duplicate address detection neither delays the start nor fails the gateway's address.
  start();
  sandbox.run("ip -6 addr add fd01::1/64 dev vc1 nodad");
  ASSERT_TRUE(kernel.add_address("vd-a", InterfaceAddress::parse("fd01::1/64").value()).ok());
  const std::string text = netns::run("ip -6 -o addr show dev vd-a");
  EXPECT_EQ(text.find("tentative"), std::string::npos) << text;
  EXPECT_EQ(text.find("dadfailed"), std::string::npos) << text;
}

TEST_F(Limits, NeighbourDiscovery_WorksThroughTheBridge) {
  ASSERT_TRUE(kernel.add_address("vd-a", InterfaceAddress::parse("fd01::1/64").value()).ok());
  start();
  ASSERT_TRUE(kernel.create_veth({"ve2", "vc2", "viaduct/i/endpoint/2", "vd-a", 1500, std::nullopt}).ok());
  netns::Namespace other;
  netns::run("ip link set vc2 netns " + other.path());
  other.run("ip link set vc2 up; ip -6 addr add fd01::3/64 dev vc2 nodad");
  for (const char* neighbour : {"fd01::1", "fd01::3"})
    EXPECT_EQ(sandbox.run(std::string("ping -6 -c1 -W5 ") + neighbour + " >/dev/null && echo answers"),
              "answers\n")
        << neighbour;
}

}  // namespace
}  // namespace viaduct::net
