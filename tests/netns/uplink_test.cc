// The path to the outside while the uplink's MTU changes. Scenario 51.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "base/clock.h"
#include "net/fake_firewall.h"
#include "net/fake_host_ports.h"
#include "net/netlink_kernel.h"
#include "net/netlink_watch.h"
#include "net/network_service.h"
#include "netns/netns_world.h"
#include "store/memory_store.h"

namespace viaduct::net {
namespace {

using std::chrono::seconds;

const std::string kMtuNetwork(64, 'a');
constexpr const char* kMtuBridge = "vd-aaaaaaaaaaaa";

// A container, an uplink, and a host beyond it.
class UplinkMtu : public netns::FreshNetns {
 protected:
  void SetUp() override {
    FreshNetns::SetUp();
    netns::run("ip link add up0 type veth peer name out0; echo 1 > /proc/sys/net/ipv4/ip_forward");
    netns::run("ip link set out0 netns " + outside.path());
    set_uplink_mtu(1500);
    netns::run("ip link set up0 up; ip addr add 192.0.2.1/24 dev up0; ip route add default via 192.0.2.2");
    outside.run("ip link set out0 up; ip addr add 192.0.2.2/24 dev out0; ip route add default via 192.0.2.1");
    auto opened =
        NetworkService::open(store, kernel, firewall, ports, clock, {"inst", "boot", {}, {}, {}, {}});
    ASSERT_TRUE(opened.ok());
    service = std::move(opened).value();
    CreateNetworkRequest asked;
    asked.id = kMtuNetwork;
    asked.ipv4.push_back(
        {"local", Prefix::parse("10.1.0.0/24").value(), InterfaceAddress::parse("10.1.0.1/24").value(), {}});
    ASSERT_TRUE(service->create_network(asked, Deadline::in(seconds(5))).ok());
  }

  void set_uplink_mtu(int mtu) {
    netns::run(fmt::format("ip link set up0 mtu {}", mtu));
    outside.run(fmt::format("ip link set out0 mtu {}", mtu));
  }

  // An endpoint, and its container as an engine would make it.
  void start(const netns::Namespace& container, char id, const std::string& address) {
    CreateEndpointRequest asked;
    asked.network_id = kMtuNetwork;
    asked.endpoint_id = std::string(64, id);
    asked.ipv4 = InterfaceAddress::parse(address + "/24").value();
    ASSERT_TRUE(service->create_endpoint(asked, Deadline::in(seconds(5))).ok());
    const std::string peer = "vc" + std::string(13, id);
    netns::run(fmt::format("ip link set {} netns {}", peer, container.path()));
    container.run(
        fmt::format("ip link set {0} name eth0; ip link set eth0 up; ip addr add {1}/24 dev eth0; ip "
                    "route add default via 10.1.0.1",
                    peer, address));
  }

  // Whether a packet of so many bytes, which may not be cut, gets to the host beyond and back.
  static bool passes(const netns::Namespace& from, const std::string& to, int bytes) {
    constexpr int kHeaders = 28;  // IPv4 and ICMP
    return from.run(fmt::format("ping -M do -c1 -W2 -s {} {} >/dev/null 2>&1 && echo yes || echo no",
                                bytes - kHeaders, to)) == "yes\n";
  }
  static int mtu_of(const std::string& link) { return netns::link_json(link)["mtu"]; }
  void follow() { ASSERT_TRUE(service->follow_uplink(Deadline::in(seconds(5))).ok()); }

  netns::Namespace outside;
  netns::Namespace sandbox;
  netns::Namespace later;
  store::MemoryStore store;
  NetlinkKernel kernel;
  FakeFirewall firewall;
  FakeHostPorts ports;
  SystemClock clock;
  std::unique_ptr<NetworkService> service;
};

TEST_F(UplinkMtu, SmallerWhileContainersRun_LargestPacketPassesFromOldAndNewOnes) {
  start(sandbox, '1', "10.1.0.2");
  EXPECT_TRUE(passes(sandbox, "192.0.2.2", 1500));
  set_uplink_mtu(1450);
  follow();
  EXPECT_EQ(mtu_of(kMtuBridge), 1450);
  EXPECT_FALSE(passes(sandbox, "192.0.2.2", 1500));
  // The running container was told, and knows the path's MTU by now.
  EXPECT_NE(sandbox.run("ip route get 192.0.2.2").find("mtu 1450"), std::string::npos);
  EXPECT_TRUE(passes(sandbox, "192.0.2.2", 1450));
  start(later, '2', "10.1.0.3");
  EXPECT_NE(later.run("ip link show dev eth0").find("mtu 1450"), std::string::npos);
  EXPECT_TRUE(passes(later, "192.0.2.2", 1450));
  EXPECT_TRUE(passes(outside, "10.1.0.2", 1450));
  EXPECT_TRUE(passes(outside, "10.1.0.3", 1450));
}

TEST_F(UplinkMtu, LargerWhileContainersRun_NobodyGetsWhatItCannotTake) {
  start(sandbox, '1', "10.1.0.2");
  set_uplink_mtu(9000);
  follow();
  start(later, '2', "10.1.0.3");
  EXPECT_TRUE(passes(sandbox, "192.0.2.2", 1500));
  EXPECT_FALSE(passes(outside, "10.1.0.2", 9000));
  EXPECT_NE(outside.run("ip route get 10.1.0.2").find("mtu 1500"), std::string::npos)
      << "told, not left alone";
  EXPECT_TRUE(passes(outside, "10.1.0.2", 1500));
  // The last container of the old size goes.
  ASSERT_TRUE(service->delete_endpoint(kMtuNetwork, std::string(64, '1'), Deadline::in(seconds(5))).ok());
  follow();
  EXPECT_EQ(mtu_of(kMtuBridge), 9000);
  EXPECT_TRUE(passes(later, "192.0.2.2", 9000));
}

// A VXLAN takes 50 bytes of each packet for its own headers.
TEST_F(UplinkMtu, WayOutBecomesATunnel_LargestPacketThatFitsIntoItPasses) {
  start(sandbox, '1', "10.1.0.2");
  netns::run(
      "ip link add tun0 type vxlan id 5 dstport 4789 local 192.0.2.1 remote 192.0.2.2 dev up0; ip link set "
      "tun0 up; "
      "ip addr add 198.51.100.1/24 dev tun0");
  outside.run(
      "ip link add tun0 type vxlan id 5 dstport 4789 local 192.0.2.2 remote 192.0.2.1 dev out0; ip link set "
      "tun0 up; "
      "ip addr add 198.51.100.2/24 dev tun0; ip route replace 10.1.0.0/24 via 198.51.100.1");
  ASSERT_EQ(mtu_of("tun0"), 1450);
  netns::run("ip route replace default via 198.51.100.2");
  follow();
  EXPECT_EQ(mtu_of(kMtuBridge), 1450);
  start(later, '2', "10.1.0.3");
  EXPECT_FALSE(passes(sandbox, "198.51.100.2", 1500)) << "it was told";
  for (const auto* container : {&sandbox, &later}) EXPECT_TRUE(passes(*container, "198.51.100.2", 1450));
  EXPECT_TRUE(passes(outside, "10.1.0.2", 1450));
  EXPECT_TRUE(passes(outside, "10.1.0.3", 1450));
  // The tunnel goes, and the way out is the plain one again.
  netns::run("ip link del tun0; ip route replace default via 192.0.2.2");
  outside.run("ip route del 10.1.0.0/24");
  ASSERT_TRUE(service->delete_endpoint(kMtuNetwork, std::string(64, '2'), Deadline::in(seconds(5))).ok());
  follow();
  EXPECT_EQ(mtu_of(kMtuBridge), 1500);
  sandbox.run("ip route flush cache");
  EXPECT_TRUE(passes(sandbox, "192.0.2.2", 1500));
}

TEST_F(UplinkMtu, Watch_SeesTheUplinkAndPassesOverItsOwnLinks) {
  std::atomic<int> calls = 0;
  const auto watch = UplinkWatch::start([&] { ++calls; }).value();
  ASSERT_TRUE(netns::eventually(seconds(5), [&] { return calls == 1; })) << "once at the start";
  start(sandbox, '1', "10.1.0.2");
  set_uplink_mtu(1400);
  EXPECT_TRUE(netns::eventually(seconds(5), [&] { return calls == 2; }));
  netns::run("ip route replace default via 192.0.2.2 metric 7");
  EXPECT_TRUE(netns::eventually(seconds(5), [&] { return calls == 3; }));
}

TEST_F(UplinkMtu, Watch_EndsAtOnce) {
  auto watch = UplinkWatch::start([] {}).value();
  const auto before = std::chrono::steady_clock::now();
  watch.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(1));
}

}  // namespace
}  // namespace viaduct::net
