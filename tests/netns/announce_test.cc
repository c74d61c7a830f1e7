// Scenario 29: neighbours that know an address from another container learn its new MAC from the real announcement.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "net/netlink_kernel.h"
#include "netns/netns_world.h"

namespace viaduct::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Mac kBridgeMac({0x02, 0x42, 0x0a, 1, 0, 1});
constexpr Mac kPeerMac({0x02, 0x42, 0x0a, 1, 0, 9});
constexpr Mac kNewMac({0x02, 0, 0, 0, 0, 0x22});
const std::string kStale = "02:00:00:00:00:11";
const std::string kFresh = "02:00:00:00:00:22";

// A bridge with the host's addresses on it, and two containers: a peer, and the one that has 10.1.0.2 and fd01::2 now.
class Announce : public netns::FreshNetns {
 protected:
  void SetUp() override {
    FreshNetns::SetUp();
    ASSERT_TRUE(kernel_.create_bridge({"vd-a", "mark", 1500, kBridgeMac}).ok());
    for (const char* address : {"10.1.0.1/24", "fd01::1/64"})
      ASSERT_TRUE(kernel_.add_address("vd-a", InterfaceAddress::parse(address).value()).ok());
    attach("1", kPeerMac, peer_, "9");
    attach("2", kNewMac, container_, "2");
  }

  void attach(const std::string& number, const Mac& mac, const netns::Namespace& space,
              const std::string& host) {
    ASSERT_TRUE(
        kernel_.create_veth({"ve" + number, "vc" + number, "mark", "vd-a", 1500, mac, PortIsolation::kOff})
            .ok());
    netns::run(fmt::format("ip link set vc{} netns {}", number, space.path()));
    space.run(
        fmt::format("ip link set vc{0} name eth0 up; ip addr add 10.1.0.{1}/24 dev eth0; ip addr add "
                    "fd01::{1}/64 dev eth0 nodad",
                    number, host));
    ASSERT_TRUE(
        netns::eventually(seconds(5), [&] { return netns::link_json("ve" + number)["operstate"] == "UP"; }));
  }

  Status announce() {
    return kernel_.announce(
        {{"ve2", kNewMac, {IpAddress::parse("10.1.0.2").value(), IpAddress::parse("fd01::2").value()}}});
  }

  static std::string neighbours_of_host() { return netns::run("ip neigh show dev vd-a"); }
  std::string neighbours_of_peer() const { return peer_.run("ip neigh show dev eth0"); }
  // How many neighbour advertisements it has got.
  static int advertisements(const netns::Namespace& space) {
    return std::stoi(space.run("awk '/^Icmp6InNeighborAdvertisements/ {print $2}' /proc/net/snmp6"));
  }

  // What the bridge's table has of the endpoint, but for its own port. A bridge looks for a MAC where it last came from.
  static std::string learnt_elsewhere() {
    return netns::run("bridge fdb show br vd-a | grep '^" + kFresh + "' | grep -v 'dev ve2 ' || true");
  }

  // The peer knows both addresses by another MAC, until they are announced.
  void expect_peer_relearns() {
    for (const char* address : {"10.1.0.2", "fd01::2"})
      peer_.run(fmt::format("ip neigh replace {} lladdr {} dev eth0 nud reachable", address, kStale));
    ASSERT_TRUE(announce().ok());
    for (const char* address : {"10.1.0.2", "fd01::2"})
      EXPECT_TRUE(netns::eventually(seconds(1), [&] {
        return peer_.run(fmt::format("ip neigh show {} dev eth0", address)).find(kFresh) != std::string::npos;
      })) << neighbours_of_peer();
  }

  NetlinkKernel kernel_;
  netns::Namespace peer_;
  netns::Namespace container_;
};

TEST_F(Announce, StaleEntriesOfAPeer_GetTheNewMac) {  // Scenario 29
  expect_peer_relearns();
  netns::Udp there4(container_, "10.1.0.2", 7000);
  netns::Udp there6(container_, "fd01::2", 7000);
  EXPECT_TRUE(netns::Udp(peer_, "10.1.0.9", 0).send("10.1.0.2", 7000, "four"));
  EXPECT_TRUE(netns::Udp(peer_, "fd01::9", 0).send("fd01::2", 7000, "six"));
  EXPECT_TRUE(there4.receive(seconds(1)).has_value());
  EXPECT_TRUE(there6.receive(seconds(1)).has_value());
}

// As at Join: the engine has not brought the link into the sandbox yet.
TEST_F(Announce, WithNobodyBehindTheOwnPort_PeersLearnAllTheSame) {  // Scenario 29
  container_.run("ip link set eth0 down");
  ASSERT_TRUE(netns::eventually(seconds(5), [&] { return !kernel_.find_link("ve2").value()->carrier; }));
  expect_peer_relearns();
  EXPECT_EQ(learnt_elsewhere(), "");
}

TEST_F(Announce, StaleEntriesOfTheHost_GetTheNewMac) {  // Scenario 29
  for (const char* address : {"10.1.0.2", "fd01::2"})
    netns::run(fmt::format("ip neigh replace {} lladdr {} dev vd-a nud reachable", address, kStale));
  ASSERT_TRUE(announce().ok());
  for (const char* address : {"10.1.0.2", "fd01::2"})
    EXPECT_NE(netns::run(fmt::format("ip neigh show {} dev vd-a", address)).find(kFresh), std::string::npos)
        << neighbours_of_host();
}

TEST_F(Announce, EntriesThatSomebodySetByHand_Stay) {
  netns::run("ip neigh replace 10.1.0.2 lladdr " + kStale + " dev vd-a nud permanent");
  ASSERT_TRUE(announce().ok());
  EXPECT_NE(netns::run("ip neigh show 10.1.0.2 dev vd-a").find(kStale + " PERMANENT"), std::string::npos);
}

TEST_F(Announce, WhoKnewNothing_LearnsNothingAndNothingIsLeftBehind) {
  const int before = advertisements(peer_);
  ASSERT_TRUE(announce().ok());
  // That the frames came by.
  EXPECT_TRUE(netns::eventually(seconds(1), [&] { return advertisements(peer_) > before; }));
  for (const std::string& text : {neighbours_of_host(), neighbours_of_peer()}) {
    EXPECT_EQ(text.find("10.1.0.2 "), std::string::npos) << text;
    EXPECT_EQ(text.find("fd01::2 "), std::string::npos) << text;
  }
  EXPECT_EQ(learnt_elsewhere(), "");
  EXPECT_EQ(netns::run("awk 'NR > 1 {print $4}' /proc/net/packet"), "0000\n")
      << "a socket that receives nothing";
}

TEST_F(Announce, TheEndpointItself_HearsNothing) {
  const int before = advertisements(container_);
  const int heard = advertisements(peer_);
  ASSERT_TRUE(announce().ok());
  ASSERT_TRUE(netns::eventually(seconds(1), [&] { return advertisements(peer_) > heard; }));
  EXPECT_EQ(advertisements(container_), before);
}

TEST_F(Announce, OtherBridges_HearNothing) {
  ASSERT_TRUE(kernel_.create_bridge({"vd-b", "mark", 1500, kBridgeMac}).ok());
  ASSERT_TRUE(kernel_.create_veth({"ve3", "vc3", "mark", "vd-b", 1500, kPeerMac, PortIsolation::kOff}).ok());
  const netns::Namespace stranger;
  netns::run("ip link set vc3 netns " + stranger.path());
  stranger.run("ip link set vc3 name eth0 up");
  ASSERT_TRUE(netns::eventually(seconds(5), [&] { return netns::link_json("ve3")["operstate"] == "UP"; }));
  const int before = advertisements(stranger);
  const int heard = advertisements(peer_);
  ASSERT_TRUE(announce().ok());
  ASSERT_TRUE(netns::eventually(seconds(1), [&] { return advertisements(peer_) > heard; }));
  EXPECT_EQ(advertisements(stranger), before);
}

}  // namespace
}  // namespace viaduct::net
