#include "ipam/pool_planner.h"

#include <gtest/gtest.h>

#include <random>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam {
namespace {

using testing::ip;
using testing::prefix;

std::string plan(const std::vector<PoolSource>& sources, const std::vector<Prefix>& taken,
                 std::optional<int> length = {}, Family family = Family::kIpv4) {
  const auto found = plan_pool(sources, family, length, PrefixTree(), taken);
  return found.has_value() ? found->to_string() : "none";
}

const std::vector<PoolSource> kSource = {{prefix("172.16.0.0/22"), 24}};

TEST(PlanPool, NothingTaken_GivesTheFirstPiece) {
  EXPECT_EQ(plan(kSource, {}), "172.16.0.0/24");
}

TEST(PlanPool, PiecesTaken_GivesTheFirstGap) {
  EXPECT_EQ(plan(kSource, {prefix("172.16.0.0/24"), prefix("172.16.2.0/24")}), "172.16.1.0/24");
  EXPECT_EQ(plan(kSource, {prefix("172.16.1.64/26"), prefix("172.16.0.0/24")}), "172.16.2.0/24");
}

TEST(PlanPool, WiderPrefixesAndHostRoutesTaken_AreJumped) {
  EXPECT_EQ(plan(kSource, {prefix("172.16.0.0/23"), prefix("172.16.0.7/32"), prefix("172.16.2.9/32")}),
            "172.16.3.0/24");
  EXPECT_EQ(plan(kSource, {prefix("172.0.0.0/8")}), "none");
}

TEST(PlanPool, AllTaken_GivesNone) {
  EXPECT_EQ(plan(kSource, {prefix("172.16.0.0/23"), prefix("172.16.2.0/24"), prefix("172.16.3.255/32")}),
            "none");
}

TEST(PlanPool, FirstSourceFull_GoesOnToTheSecond) {
  const std::vector<PoolSource> two = {{prefix("10.0.0.0/24"), 24}, {prefix("10.9.0.0/16"), 20}};
  EXPECT_EQ(plan(two, {prefix("10.0.0.4/32")}), "10.9.0.0/20");
}

TEST(PlanPool, LengthWished_OverridesTheSourcesOwn) {
  EXPECT_EQ(plan(kSource, {prefix("172.16.0.0/24")}, 28), "172.16.1.0/28");
  EXPECT_EQ(plan(kSource, {}, 20), "none") << "wider than the source";
}

TEST(PlanPool, EndOfTheAddressSpace_DoesNotWrap) {
  EXPECT_EQ(plan({{prefix("255.255.255.0/24"), 25}}, {prefix("255.255.255.0/24")}), "none");
  EXPECT_EQ(plan({{prefix("ff00::/8"), 64}}, {prefix("ff00::/8")}, {}, Family::kIpv6), "none");
}

TEST(PlanPool, OtherFamilyTaken_DoesNotCount) {
  EXPECT_EQ(plan({{prefix("::/8"), 64}}, {prefix("0.0.0.0/0")}, {}, Family::kIpv6), "::/64");
  EXPECT_EQ(plan(kSource, {}, {}, Family::kIpv6), "none");
}

// Scenario 11: cost follows what is taken, not the size of the source.
TEST(PlanPool, HugeSourceBehindOneWideHolder_IsPlannedInOneJump) {
  EXPECT_EQ(plan({{prefix("fd00::/8"), 128}}, {prefix("fd00::/9")}, {}, Family::kIpv6), "fd80::/128");
}

TEST(PlanPool, RandomHolders_GivesTheLowestPieceThatOverlapsNone) {
  std::mt19937 random(20260131);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Prefix> taken;
    for (auto i = random() % 12; i > 0; --i)
      taken.emplace_back(IpAddress(Family::kIpv4, 0x0a000000U + random() % 4096),
                         static_cast<int>(21 + random() % 12));
    const int length = static_cast<int>(22 + random() % 5);
    std::string expected = "none";
    for (uint32_t at = 0; at < 4096 && expected == "none"; at += 1U << (32 - length)) {
      const Prefix piece(IpAddress(Family::kIpv4, 0x0a000000U + at), length);
      bool free = true;
      for (const Prefix& held : taken) free = free && !held.overlaps(piece);
      if (free) expected = piece.to_string();
    }
    ASSERT_EQ(plan({{prefix("10.0.0.0/20"), 24}}, taken, length), expected) << "round " << round;
  }
}

std::string range(const std::string& pool, const std::string& sub_pool = "") {
  const auto found =
      usable_range(prefix(pool), sub_pool.empty() ? std::nullopt : std::optional(prefix(sub_pool)));
  return found.has_value() ? found->first.to_string() + "-" + found->last.to_string() : "none";
}

// Scenario 8.
TEST(UsableRange, EdgesOfEveryLength_FollowTheRfcs) {
  EXPECT_EQ(range("10.0.0.0/24"), "10.0.0.1-10.0.0.254");
  EXPECT_EQ(range("10.0.0.0/23"), "10.0.0.1-10.0.1.254");
  EXPECT_EQ(range("10.0.0.4/30"), "10.0.0.5-10.0.0.6");
  EXPECT_EQ(range("10.0.0.4/31"), "10.0.0.4-10.0.0.5");
  EXPECT_EQ(range("10.0.0.4/32"), "10.0.0.4-10.0.0.4");
  EXPECT_EQ(range("fd00::/64"), "fd00::1-fd00::ffff:ffff:ffff:ffff");
  EXPECT_EQ(range("fd00::4/126"), "fd00::5-fd00::7");
  EXPECT_EQ(range("fd00::4/127"), "fd00::4-fd00::5");
  EXPECT_EQ(range("fd00::4/128"), "fd00::4-fd00::4");
}

TEST(UsableRange, SubPools_LoseOnlyTheEdgesOfThePool) {
  EXPECT_EQ(range("10.0.0.0/24", "10.0.0.0/25"), "10.0.0.1-10.0.0.127");
  EXPECT_EQ(range("10.0.0.0/24", "10.0.0.64/26"), "10.0.0.64-10.0.0.127");
  EXPECT_EQ(range("10.0.0.0/24", "10.0.0.128/25"), "10.0.0.128-10.0.0.254");
  EXPECT_EQ(range("10.0.0.0/24", "10.0.0.0/32"), "none");
  EXPECT_EQ(range("10.0.0.0/24", "10.0.0.255/32"), "none");
  EXPECT_EQ(range("10.0.0.0/24", "10.0.0.254/31"), "10.0.0.254-10.0.0.254");
  EXPECT_EQ(range("fd00::/64", "fd00::/128"), "none");
}

TEST(Usable, NetworkBroadcastAndAnycast_AreNot) {
  EXPECT_FALSE(usable(prefix("10.0.0.0/24"), ip("10.0.0.0")));
  EXPECT_FALSE(usable(prefix("10.0.0.0/24"), ip("10.0.0.255")));
  EXPECT_FALSE(usable(prefix("10.0.0.0/24"), ip("10.0.1.1")));
  EXPECT_FALSE(usable(prefix("fd00::/64"), ip("fd00::")));
  EXPECT_TRUE(usable(prefix("10.0.0.0/23"), ip("10.0.0.255")));
  EXPECT_TRUE(usable(prefix("10.0.0.0/23"), ip("10.0.1.0")));
  EXPECT_TRUE(usable(prefix("fd00::/64"), ip("fd00::ffff:ffff:ffff:ffff")));
  EXPECT_TRUE(usable(prefix("10.0.0.0/31"), ip("10.0.0.0")));
  EXPECT_TRUE(usable(prefix("fd00::/127"), ip("fd00::")));
}

TEST(PoolSources, TextOfBothFamilies_IsRead) {
  const auto sources = parse_pool_sources("172.16.0.0/12:24,fd00:1::/40:64");
  ASSERT_TRUE(sources.ok()) << sources.error().message;
  ASSERT_EQ(sources.value().size(), 2U);
  EXPECT_EQ(sources.value()[0].range, prefix("172.16.0.0/12"));
  EXPECT_EQ(sources.value()[0].length, 24);
  EXPECT_EQ(sources.value()[1].range, prefix("fd00:1::/40"));
  EXPECT_EQ(sources.value()[1].length, 64);
  EXPECT_TRUE(parse_pool_sources("").value().empty());
}

TEST(PoolSources, BadEntries_AreRefusedByName) {
  for (const std::string bad : {"172.16.0.0/12", "172.16.0.1/12:24", "10.0.0.0/16:8", "10.0.0.0/16:33",
                                "10.0.0.0/16:24x", "10.0.0.0/16:", "x/3:4", "10.0.0.0"}) {
    const auto sources = parse_pool_sources("192.168.0.0/16:24," + bad);
    ASSERT_FALSE(sources.ok()) << bad;
    EXPECT_EQ(sources.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(sources.error().message.find("\"" + bad + "\""), std::string::npos) << sources.error().message;
  }
  EXPECT_FALSE(parse_pool_sources("10.0.0.0/16:24,").ok());
}

}  // namespace
}  // namespace viaduct::ipam
