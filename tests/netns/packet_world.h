#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "net/netlink_kernel.h"
#include "net/nft_firewall.h"
#include "netns/netns_world.h"
#include "netns/rule_set.h"

// Real packets through links of NetlinkKernel and rules of NftFirewall.
namespace viaduct::net {

using netns::Namespace;
using netns::Udp;
using std::chrono::milliseconds;

inline constexpr milliseconds kArrives{3000};
// What is dropped would have arrived in well under a millisecond.
inline constexpr milliseconds kStaysAway{150};
inline constexpr Mac kMac({0x02, 0x42, 0x0a, 0, 0, 1});

// Ends of a way out, in each family: the container 2 of network 1, the host beyond, and this host's address towards it.
struct Way {
  const char* inside;
  const char* outside;
  const char* host;
};
inline constexpr Way kWays[] = {{"10.1.0.2", "192.0.2.2", "192.0.2.1"},
                                {"fd00:1::2", "2001:db8::2", "2001:db8::1"}};

// The host with an uplink (192.0.2.1, 2001:db8::1) to `outside_` (.2), and networks made as the service makes
// them.
class Packets : public netns::FreshNetns {
 protected:
  void SetUp() override {
    FreshNetns::SetUp();
    netns::run("echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
    netns::run("ip link add up0 type veth peer name out0 && ip link set out0 netns " + outside_.path());
    netns::run(
        "ip addr add 192.0.2.1/24 dev up0; ip addr add 2001:db8::1/64 dev up0 nodad; ip link set up0 up");
    outside_.run(
        "ip addr add 192.0.2.2/24 dev out0; ip addr add 2001:db8::2/64 dev out0 nodad; ip link set out0 up");
    outside_.run("ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8::1");
    auto opened = NftFirewall::open();
    ASSERT_TRUE(opened.ok());
    firewall_ = std::move(opened).value();
  }

  // Network 10.N.0.0/24 and fd00:N::/64.
  NetworkRules network(int number) {
    std::string n = std::to_string(number);
    std::string bridge = "vd-" + n;
    EXPECT_TRUE(kernel_.create_bridge({bridge, "", 1500, kMac}).ok());
    EXPECT_TRUE(kernel_.add_address(bridge, InterfaceAddress::parse("10." + n + ".0.1/24").value()).ok());
    EXPECT_TRUE(kernel_.add_address(bridge, InterfaceAddress::parse("fd00:" + n + "::1/64").value()).ok());
    return {bridge,
            Reach::kOutside,
            InterContainer::kAllowed,
            {Prefix::parse("10." + n + ".0.0/24").value(), Prefix::parse("fd00:" + n + "::/64").value()}};
  }

  // A container with address 10.N.0.H and fd00:N::H.
  void join(const Namespace& container, int number, int host, PortIsolation isolation = PortIsolation::kOff) {
    std::string n = std::to_string(number);
    std::string h = std::to_string(host);
    std::string peer = "vp" + n + "-" + h;
    ASSERT_TRUE(kernel_.create_veth({"ve" + n + "-" + h, peer, "", "vd-" + n, 1500, {}, isolation}).ok());
    netns::run("ip link set " + peer + " netns " + container.path());
    container.run("ip addr add 10." + n + ".0." + h + "/24 dev " + peer + "; ip addr add fd00:" + n +
                  "::" + h + "/64 dev " + peer + " nodad; ip link set " + peer +
                  " up; ip route add default via 10." + n + ".0.1; ip -6 route add default via fd00:" + n +
                  "::1");
  }

  static bool passes(Udp& from, Udp& to, const std::string& address, milliseconds limit = kArrives) {
    from.send(address, 7000, "hello");
    return to.receive(limit).has_value();
  }

  NetlinkKernel kernel_;
  std::unique_ptr<NftFirewall> firewall_;
  Namespace outside_;
  Namespace a_;
  Namespace b_;
};

}  // namespace viaduct::net
