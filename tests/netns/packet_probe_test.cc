// PacketProbe against the kernel's own ARP and neighbour discovery: a foreign host in a namespace beyond a veth pair.
#include "net/packet_probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "net/netlink_kernel.h"
#include "netns/netns_world.h"

namespace viaduct::net {
namespace {

using std::chrono::milliseconds;

constexpr Mac kForeign({0x52, 0x54, 0, 0x12, 0x34, 0x56});
constexpr milliseconds kWindow{300};
// Ends long before, for everybody answers.
constexpr milliseconds kLong{8000};

IpAddress ip(const std::string& text) {
  return IpAddress::parse(text).value();
}

class PacketProbeTest : public netns::FreshNetns {
 protected:
  void SetUp() override {
    netns::FreshNetns::SetUp();
    netns::run("ip link add lan0 type veth peer name far0");
    netns::run("ip link set far0 netns " + far_.path());
    netns::run(
        "ip addr add 10.9.0.1/24 dev lan0; ip -6 addr add 2001:db8:9::1/64 dev lan0 nodad; ip link set lan0 "
        "up");
    far_.run("ip link set far0 address 52:54:00:12:34:56; ip link set far0 up");
    far_.run("ip addr add 10.9.0.7/24 dev far0; ip -6 addr add 2001:db8:9::7/64 dev far0 nodad");
  }

  std::vector<ProbeLink> links(const std::string& pool) {
    ProbeLinks picture(kernel_.on_link().value());
    picture.set_links(kernel_.links().value());
    return picture.find(Prefix::parse(pool).value(), ProbeLinks::Reach::kForeign).links;
  }

  Result<NeighbourProbe::Outcome> ask(const std::vector<std::string>& addresses, milliseconds window) {
    std::vector<NeighbourQuestion> questions;
    for (const auto& text : addresses) {
      const auto found = links(text + (text.find(':') == std::string::npos ? "/32" : "/128"));
      EXPECT_EQ(found.size(), 1U) << text;
      for (const auto& link : found) questions.push_back({link, ip(text)});
    }
    return probe_.ask(questions, window);
  }

  NetlinkKernel kernel_;
  PacketProbe probe_;
  netns::Namespace far_;
};

// Scenario 31.
TEST_F(PacketProbeTest, ForeignHost_AnswersArpAndNeighbourDiscovery) {
  const auto outcome = ask({"10.9.0.7", "2001:db8:9::7"}, kLong);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  const auto& answers = outcome.value().answers;
  ASSERT_EQ(answers.size(), 2U);
  for (const auto* text : {"10.9.0.7", "2001:db8:9::7"})
    EXPECT_EQ(std::count(answers.begin(), answers.end(), NeighbourAnswer{ip(text), kForeign}), 1) << text;
  EXPECT_TRUE(outcome.value().failed.empty());
}

// The second form of the question, from the link-local address, is the only one that gets through here.
TEST_F(PacketProbeTest, AnswerToTheLinkLocalAddress_IsHeardAsWell) {
  far_.run(
      "nft 'add table netdev t; add chain netdev t c { type filter hook ingress device far0 priority 0; }; "
      "add rule netdev t c ip6 saddr :: drop'");
  ASSERT_TRUE(netns::eventually(std::chrono::seconds(5), [&] {
    const auto found = links("2001:db8:9::/64");
    return found.size() == 1 && found[0].link_local.has_value();
  }));
  const auto outcome = ask({"2001:db8:9::7"}, std::chrono::seconds(6));
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome.value().answers, (std::vector<NeighbourAnswer>{{ip("2001:db8:9::7"), kForeign}}));
}

TEST_F(PacketProbeTest, NobodyThere_IsSilentAfterTheWindow) {
  const auto begun = std::chrono::steady_clock::now();
  const auto outcome = ask({"10.9.0.8", "10.9.0.9", "2001:db8:9::8"}, kWindow);
  const auto took = std::chrono::steady_clock::now() - begun;
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_TRUE(outcome.value().answers.empty());
  EXPECT_GE(took, kWindow);
  EXPECT_LT(took, kWindow + std::chrono::seconds(2));
}

TEST_F(PacketProbeTest, HostsOwnAddress_AnswersNothing) {
  const auto outcome = ask({"10.9.0.1", "2001:db8:9::1"}, kWindow);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_TRUE(outcome.value().answers.empty());
}

// Scenario 31: a bridge with a port to a LAN.
TEST_F(PacketProbeTest, ThroughABridge_TheHostBeyondItsPortAnswers) {
  netns::run(
      "ip addr flush dev lan0; ip link add br0 type bridge forward_delay 0; ip link set lan0 master br0");
  netns::run("ip link add vx0 type vxlan id 7 dstport 4789 local 127.0.0.1; ip link set vx0 master br0 up");
  netns::run("ip addr add 10.9.0.1/24 dev br0; ip link set br0 up");
  ASSERT_TRUE(netns::eventually(std::chrono::seconds(5), [] {
    return netns::run("bridge link show dev lan0").find("state forwarding") != std::string::npos;
  }));
  ASSERT_EQ(links("10.9.0.0/24").front().name, "br0");
  const auto outcome = ask({"10.9.0.7"}, kLong);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome.value().answers, (std::vector<NeighbourAnswer>{{ip("10.9.0.7"), kForeign}}));
}

// RFC 5227: nobody may learn an address from a question.
TEST_F(PacketProbeTest, Questions_TeachTheNeighbourNothing) {
  ASSERT_TRUE(ask({"10.9.0.7", "10.9.0.8", "2001:db8:9::7"}, kWindow).ok());
  const std::string learnt = far_.run("ip neigh show dev far0");
  EXPECT_EQ(learnt.find("10.9.0."), std::string::npos) << learnt;
}

TEST_F(PacketProbeTest, Afterwards_NothingIsLeftOnTheLink) {
  ASSERT_TRUE(ask({"10.9.0.7", "2001:db8:9::7"}, kWindow).ok());
  EXPECT_EQ(netns::run("tail -n +2 /proc/thread-self/net/packet"), "");
}

TEST_F(PacketProbeTest, LinkThatWentAway_IsReportedAlone) {
  netns::run(
      "ip link add gone0 type veth peer name gone1; ip link set gone0 up; ip addr add 10.8.0.1/24 dev gone0");
  auto questions = std::vector<NeighbourQuestion>{{links("10.8.0.0/24").front(), ip("10.8.0.2")},
                                                  {links("10.9.0.0/24").front(), ip("10.9.0.7")}};
  netns::run("ip link del gone0");
  const auto outcome = probe_.ask(questions, kLong);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome.value().answers.size(), 1U);
  ASSERT_EQ(outcome.value().failed.size(), 1U);
  EXPECT_EQ(outcome.value().failed.begin()->first, questions[0].link.index);
  EXPECT_NE(outcome.value().failed.begin()->second.message.find("gone0"), std::string::npos);
}

TEST_F(PacketProbeTest, Cancel_EndsTheQuestionAndAllThatCome) {
  std::thread ends([this] { probe_.cancel(); });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_FALSE(ask({"10.9.0.8"}, kLong).ok());
  EXPECT_FALSE(ask({"10.9.0.8"}, kLong).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kLong);
  ends.join();
}

TEST_F(PacketProbeTest, OnLink_HasAddressesAndRoutesWithoutGateway) {
  netns::run("ip route add 10.77.0.0/24 dev lan0; ip route add 10.78.0.0/24 via 10.9.0.7");
  EXPECT_EQ(links("10.77.0.0/24").size(), 1U);
  EXPECT_EQ(links("10.78.0.0/24").size(), 0U);
  EXPECT_EQ(links("127.0.0.0/8").size(), 0U);
}

}  // namespace
}  // namespace viaduct::net
