#include "ipam/pool_request.h"

#include <gtest/gtest.h>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam {
namespace {

using testing::prefix;

PoolRequest request(const std::string& pool, const Options& options = {}) {
  PoolRequest out{.space = kLocalSpace, .pool = {}, .sub_pool = {}, .options = options};
  if (!pool.empty()) out.pool = prefix(pool);
  return out;
}

std::string refusal(const PoolRequest& bad) {
  const auto wish = check_pool_request(bad);
  if (wish.ok()) return "accepted";
  EXPECT_EQ(wish.error().code, ErrorCode::kInvalidArgument);
  return wish.error().message;
}

TEST(PoolRequest, UnknownOption_NamesTheNearestKnownOne) {
  EXPECT_EQ(refusal(request("", {{"siez", "26"}})),
            "unknown IPAM option \"siez\"; did you mean \"size\"? the known ones are exclude, policy, "
            "probe, quarantine, size, slice, space, spill, sticky");
  EXPECT_EQ(
      refusal(request("", {{"quarantine-time", "1"}})),
      "unknown IPAM option \"quarantine-time\"; the known ones are exclude, policy, probe, quarantine, size, "
      "slice, space, spill, sticky");
}

TEST(PoolRequest, ValuesWithoutBound_AreClippedInTheSentence) {
  const std::string junk(50'000, '7');
  PoolRequest nowhere = request("10.1.0.0/24");
  nowhere.space = junk;
  for (const std::string& sentence :
       {refusal(request("", {{junk, "1"}})), refusal(request("", {{"size", junk}})),
        refusal(request("", {{"space", junk}})), refusal(nowhere), parse_pool_sources(junk).error().message})
    EXPECT_LT(sentence.size(), 300U) << sentence;
}

TEST(PoolRequest, WhatTheEngineMixesIn_IsIgnored) {
  const auto wish =
      check_pool_request(request("10.1.0.0/24", {{"RequestAddressType", "com.docker.network.gateway"},
                                                 {"com.docker.network.ipam.serial", "true"}}));
  EXPECT_TRUE(wish.ok());
}

TEST(PoolRequest, SpaceOption_NamesASpaceOfItsOwn) {
  EXPECT_EQ(check_pool_request(request("10.1.0.0/24", {{"space", "lab-2"}})).value().space, "local.lab-2");
  for (const std::string bad : {"", "Lab", "a/b", "a.b", "012345678901234567890123456789012"})
    EXPECT_NE(refusal(request("10.1.0.0/24", {{"space", bad}})), "accepted") << bad;
}

TEST(PoolRequest, UnknownSpace_IsRefused) {
  PoolRequest bad = request("10.1.0.0/24");
  bad.space = "LocalDefault";
  EXPECT_EQ(refusal(bad), "unknown address space \"LocalDefault\"; the known ones are local and global");
}

TEST(PoolRequest, SizeOrUnspecifiedAddress_IsALengthWish) {
  EXPECT_EQ(check_pool_request(request("", {{"size", "26"}})).value().length, 26);
  const PoolWish four = check_pool_request(request("0.0.0.0/27")).value();
  EXPECT_EQ(four.length, 27);
  EXPECT_FALSE(four.pool.has_value());
  const PoolWish six = check_pool_request(request("::/80")).value();
  EXPECT_EQ(six.length, 80);
  EXPECT_EQ(six.family, Family::kIpv6);
}

TEST(PoolRequest, SizeOfOneFamily_DoesNotConcernTheOther) {
  PoolRequest six = request("", {{"size", "26"}});
  six.family = Family::kIpv6;
  EXPECT_FALSE(check_pool_request(six).value().length.has_value());
  EXPECT_FALSE(check_pool_request(request("", {{"size", "80"}})).value().length.has_value());
}

TEST(PoolRequest, BadSizes_AreRefused) {
  for (const std::string bad : {"", "0", "-1", "129", "24x", "/24"})
    EXPECT_NE(refusal(request("", {{"size", bad}})), "accepted") << bad;
  EXPECT_NE(refusal(request("0.0.0.0/27", {{"size", "26"}})), "accepted");
  EXPECT_NE(refusal(request("10.1.0.0/24", {{"size", "26"}})), "accepted");
}

TEST(PoolRequest, ReplayOfAnAutomaticPool_BringsItsSizeAlong) {
  EXPECT_TRUE(check_pool_request(request("10.1.0.0/26", {{"size", "26"}})).ok());
}

TEST(PoolRequest, WholeAddressSpace_IsRefused) {
  EXPECT_NE(refusal(request("0.0.0.0/0")), "accepted");
  EXPECT_NE(refusal(request("::/0")), "accepted");
}

TEST(PoolRequest, SubPoolThatDoesNotFit_IsRefusedNamingBoth) {
  PoolRequest bad = request("10.1.0.0/24");
  bad.sub_pool = prefix("10.2.0.0/25");
  EXPECT_EQ(refusal(bad),
            "sub-pool 10.2.0.0/25 is not inside pool 10.1.0.0/24; choose an --ip-range within --subnet");
  bad.sub_pool = prefix("fd00::/64");
  EXPECT_NE(refusal(bad), "accepted");
  bad.sub_pool = prefix("10.1.0.0/32");
  EXPECT_NE(refusal(bad), "accepted") << "holds the network address only";
  bad = request("");
  bad.sub_pool = prefix("10.2.0.0/25");
  EXPECT_EQ(refusal(bad), "sub-pool 10.2.0.0/25 comes without a pool; give --subnet with --ip-range");
}

TEST(EditDistance, SmallWords_AreMeasured) {
  EXPECT_EQ(edit_distance("", "size"), 4U);
  EXPECT_EQ(edit_distance("size", "size"), 0U);
  EXPECT_EQ(edit_distance("siz", "size"), 1U);
  EXPECT_EQ(edit_distance("spice", "space"), 1U);
  EXPECT_EQ(edit_distance("siez", "size"), 2U);
}

}  // namespace
}  // namespace viaduct::ipam
