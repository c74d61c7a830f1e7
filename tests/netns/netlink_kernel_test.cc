// NetlinkKernel, as ip and bridge see what it did.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>
#include <vector>

#include "net/netlink_kernel.h"
#include "netns/netns_world.h"

namespace viaduct::net {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr Mac kMac({0x02, 0x42, 0x0a, 0, 0, 1});

class NetlinkKernelTest : public netns::FreshNetns {
 protected:
  NetlinkKernel kernel_;

  Status bridge(const std::string& name, int mtu = 1500) {
    return kernel_.create_bridge({name, "mark", mtu, kMac});
  }
  Status veth(const std::string& number, PortIsolation isolation = PortIsolation::kOff) {
    return kernel_.create_veth({"ve" + number, "vp" + number, "mark", "vd-a", 1400, kMac, isolation});
  }
  static std::string message_of(const Status& status) { return status.ok() ? "" : status.error().message; }
};

TEST_F(NetlinkKernelTest, Bridge_HasItsSettingsAndNoAddress) {
  ASSERT_TRUE(bridge("vd-a").ok());
  auto link = netns::link_json("vd-a");
  EXPECT_EQ(link["address"], "02:42:0a:00:00:01");
  EXPECT_EQ(link["ifalias"], "mark");
  EXPECT_EQ(link["group"], std::to_string(kLiveGroup));
  EXPECT_EQ(link["inet6_addr_gen_mode"], "none");
  EXPECT_EQ(link["linkinfo"]["info_kind"], "bridge");
  EXPECT_EQ(link["linkinfo"]["info_data"]["stp_state"], 0);
  EXPECT_EQ(link["linkinfo"]["info_data"]["forward_delay"], 0);
  ASSERT_TRUE(veth("1").ok());
  netns::run("ip link set vp1 up");
  EXPECT_TRUE(netns::eventually(std::chrono::seconds(5),
                                [] { return netns::link_json("vd-a")["operstate"] == "UP"; }));
  EXPECT_EQ(netns::run("ip -o addr show dev vd-a"), "");
  EXPECT_EQ(netns::run("ip -o addr show dev ve1"), "");
}

TEST_F(NetlinkKernelTest, BridgeReplacedByAnotherLink_IsNeverTakenForIt) {
  ASSERT_TRUE(bridge("vd-a").ok());
  ASSERT_TRUE(veth("1").ok());
  netns::run("ip link delete vd-a");
  EXPECT_EQ(veth("2").error().code, ErrorCode::kNotFound);
  netns::run("ip link add vd-a type veth peer name other");
  EXPECT_EQ(message_of(veth("2")),
            "cannot create veth pair ve2 and vp2 with mtu 1400 on bridge vd-a: link vd-a is not a bridge");
  EXPECT_EQ(netns::run("ip -o link show | grep -c ve2 || true"), "0\n") << "nothing is left";
  netns::run("ip link delete vd-a");
  ASSERT_TRUE(bridge("vd-a").ok());
  ASSERT_TRUE(veth("2").ok());
  EXPECT_EQ(netns::link_json("ve2")["master"], "vd-a");
}

TEST_F(NetlinkKernelTest, Port_IsIsolatedWhenAskedAndForwards) {
  ASSERT_TRUE(bridge("vd-a").ok());
  ASSERT_TRUE(veth("1", PortIsolation::kOn).ok());
  ASSERT_TRUE(veth("2").ok());
  auto port = [](const std::string& name) { return netns::link_json(name)["linkinfo"]["info_slave_data"]; };
  EXPECT_EQ(port("ve1")["isolated"], true);
  EXPECT_EQ(port("ve2")["isolated"], false);
  EXPECT_EQ(port("ve2")["hairpin"], false);
  EXPECT_EQ(netns::link_json("ve1")["master"], "vd-a");
  EXPECT_EQ(netns::link_json("ve1")["inet6_addr_gen_mode"], "none");
  ASSERT_TRUE(kernel_.attach_port("ve1", "vd-a", PortIsolation::kOff).ok());
  EXPECT_EQ(port("ve1")["isolated"], false);
}

TEST_F(NetlinkKernelTest, SmallMtu_HasAllItsSettingsAndIpv6OnlyFrom1280) {
  for (const int mtu : {68, 1000, 1279, 1280}) {
    ASSERT_TRUE(bridge("vd-a", mtu).ok()) << mtu;
    ASSERT_TRUE(bridge("vd-b", mtu).ok()) << mtu;
    ASSERT_TRUE(kernel_.create_veth({"ve1", "vp1", "mark", "vd-a", mtu, kMac, PortIsolation::kOn}).ok())
        << mtu;
    auto link = netns::link_json("ve1");
    EXPECT_EQ(link["linkinfo"]["info_slave_data"]["isolated"], true) << mtu;
    EXPECT_EQ(link["master"], "vd-a") << mtu;
    ASSERT_TRUE(kernel_.attach_port("ve1", "vd-b", PortIsolation::kOff).ok()) << mtu;
    link = netns::link_json("ve1");
    EXPECT_EQ(link["linkinfo"]["info_slave_data"]["isolated"], false) << mtu;
    EXPECT_EQ(link["master"], "vd-b") << mtu;
    ASSERT_TRUE(kernel_.set_up("vp1").ok());
    for (const char* name : {"vd-a", "vd-b", "ve1"}) {
      link = netns::link_json(name);
      EXPECT_EQ(link["mtu"], mtu) << name;
      EXPECT_EQ(link["ifalias"], "mark") << name << " " << mtu;
      EXPECT_EQ(link["group"], std::to_string(kLiveGroup)) << name << " " << mtu;
      const auto flags = link["flags"].get<std::vector<std::string>>();
      EXPECT_NE(std::find(flags.begin(), flags.end(), "UP"), flags.end()) << name << " " << mtu;
      EXPECT_EQ(link.value("inet6_addr_gen_mode", "without"), mtu < 1280 ? "without" : "none")
          << name << " " << mtu;
      EXPECT_EQ(netns::run(std::string("ip -o -6 addr show dev ") + name), "") << name << " " << mtu;
    }
    EXPECT_EQ(netns::link_json("vp1")["mtu"], mtu);
    ASSERT_TRUE(kernel_.retire_links({"ve1", "vd-a", "vd-b"}).ok());
    ASSERT_TRUE(kernel_.reap().ok());
  }
}

TEST_F(NetlinkKernelTest, Addresses_AreUsableAtOnceAndIpv6BringsALinkLocalOne) {
  ASSERT_TRUE(bridge("vd-a").ok());
  ASSERT_TRUE(kernel_.add_address("vd-a", InterfaceAddress::parse("10.1.0.1/24").value()).ok());
  ASSERT_TRUE(kernel_.add_address("vd-a", InterfaceAddress::parse("fd01::1/64").value()).ok());
  std::string text = netns::run("ip -o addr show dev vd-a");
  EXPECT_NE(text.find("10.1.0.1/24 brd 10.1.0.255"), std::string::npos) << text;
  EXPECT_NE(text.find("fd01::1/64"), std::string::npos) << text;
  EXPECT_NE(text.find("fe80::42:aff:fe00:1/64"), std::string::npos) << text;
  EXPECT_EQ(text.find("tentative"), std::string::npos) << text;
  EXPECT_EQ(kernel_.addresses("vd-a").value().size(), 2U) << "without the link-local one";
}

TEST_F(NetlinkKernelTest, Errors_NameTheOperationTheObjectAndTheKernelsSentence) {
  ASSERT_TRUE(bridge("vd-a").ok());
  EXPECT_EQ(
      message_of(kernel_.set_mtu("vd-a", 9999999)),
      "cannot set mtu 9999999 on link vd-a: Invalid argument (kernel: mtu greater than device maximum)");
  EXPECT_EQ(message_of(bridge("vd-b", 9999999)),
            "cannot create bridge vd-b with mtu 9999999: Invalid argument (kernel: mtu greater than device "
            "maximum)");
  EXPECT_EQ(message_of(bridge("vd-a")), "cannot create bridge vd-a with mtu 1500: File exists");
}

TEST_F(NetlinkKernelTest, RefusedAddress_OfAnotherLength_IsSaid) {
  ASSERT_TRUE(bridge("vd-a").ok());
  ASSERT_TRUE(kernel_.add_address("vd-a", InterfaceAddress::parse("fd01::1/64").value()).ok());
  Status again = kernel_.add_address("vd-a", InterfaceAddress::parse("fd01::1/80").value());
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
}

TEST_F(NetlinkKernelTest, HostPrefixesAndUplink_ComeFromRoutesAndAddresses) {
  netns::run("ip link add up0 mtu 1380 type veth peer name out0; ip link set up0 up; ip link set out0 up");
  netns::run("ip addr add 192.0.2.1/24 dev up0; ip -6 addr add 2001:db8::1/64 dev up0 nodad");
  netns::run("ip route add default via 192.0.2.2 metric 50; ip route add 198.51.100.0/24 via 192.0.2.2");
  netns::run("ip route add 0.0.0.0/1 via 192.0.2.2; ip -6 route add 2001:db8:1::/48 via 2001:db8::2");
  netns::run("ip route add 203.0.113.0/24 via 192.0.2.2 table 100");
  EXPECT_EQ(kernel_.uplink_mtu().value(), 1380);
  std::string all;
  const std::vector<Prefix> prefixes = kernel_.host_prefixes().value();
  for (const Prefix& prefix : prefixes) all += prefix.to_string() + " ";
  EXPECT_EQ(all, "127.0.0.0/8 192.0.2.0/24 198.51.100.0/24 ::1/128 2001:db8::/64 2001:db8:1::/48 ");
}

TEST_F(NetlinkKernelTest, UplinkMtu_WithIpv6Only_IsItsLinks) {
  netns::run("ip link add up0 mtu 1400 type veth peer name out0; ip link set up0 up; ip link set out0 up");
  netns::run("ip -6 addr add 2001:db8::1/64 dev up0 nodad; ip -6 route add default via 2001:db8::2");
  EXPECT_EQ(kernel_.uplink_mtu().value(), 1400);
}

TEST_F(NetlinkKernelTest, SixteenThreads_CreateAndRetireSideBySide) {
  ASSERT_TRUE(bridge("vd-a").ok());
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        std::string number = fmt::format("{}-{}", t, i);
        if (!veth(number).ok() || !kernel_.links().ok()) ++failures;
        if (i % 2 == 0 && (!kernel_.retire_links({"ve" + number}).ok() || !kernel_.reap().ok())) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  ASSERT_TRUE(kernel_.reap().ok());
  auto links = netns::run_json("ip -j -d link show");
  EXPECT_EQ(std::count_if(links.begin(), links.end(),
                          [](const auto& l) { return l.value("master", "") == "vd-a"; }),
            80);
}

TEST_F(NetlinkKernelTest, LinksOfOtherGroups_OutliveAReap) {
  ASSERT_TRUE(bridge("vd-a").ok());
  netns::run("ip link add br0 type bridge; ip link add x0 type veth peer name x1; ip link set x0 group 77");
  ASSERT_TRUE(veth("1").ok());
  ASSERT_TRUE(kernel_.retire_links({"ve1", "vd-a"}).ok());
  ASSERT_TRUE(kernel_.reap().ok());
  for (const char* name : {"br0", "x0", "x1"}) EXPECT_FALSE(netns::link_json(name).is_null()) << name;
  for (const char* name : {"ve1", "vp1", "vd-a"}) EXPECT_TRUE(netns::link_json(name).is_null()) << name;
}

// Prints how long things take; asserts only that they work.
TEST_F(NetlinkKernelTest, AThousandPairs_AreMadeRetiredAndReaped) {
  ASSERT_TRUE(bridge("vd-a").ok());
  auto spent = [](auto&& work) {
    auto start = steady_clock::now();
    work();
    return std::chrono::duration_cast<microseconds>(steady_clock::now() - start).count();
  };
  std::vector<long> made;
  std::vector<long> retired;
  for (int i = 0; i < 1000; ++i) {
    made.push_back(spent([&] { ASSERT_TRUE(veth(std::to_string(i)).ok()); }));
  }
  const Announcement one{"ve0", kMac, {IpAddress::parse("10.1.0.2").value()}};
  const long announced = spent([&] { ASSERT_TRUE(kernel_.announce({one}).ok()); });
  for (int i = 0; i < 1000; ++i) {
    retired.push_back(spent([&] { ASSERT_TRUE(kernel_.retire_links({"ve" + std::to_string(i)}).ok()); }));
  }
  long reaped = spent([&] { ASSERT_TRUE(kernel_.reap().ok()); });
  std::sort(made.begin(), made.end());
  std::sort(retired.begin(), retired.end());
  std::cout << fmt::format(
      "create_veth p50 {} us, p99 {} us; announce {} us; retire p50 {} us, p99 {} us; reap of 1000 {} us\n",
      made[500], made[990], announced, retired[500], retired[990], reaped);
  EXPECT_EQ(kernel_.links().value().size(), 2U) << "the loopback and the bridge";
}

}  // namespace
}  // namespace viaduct::net
