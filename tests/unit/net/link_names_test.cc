#include "net/link_names.h"

#include <gtest/gtest.h>

#include "net/link_types.h"
#include "net/object_id.h"

namespace viaduct::net {
namespace {

const std::string kId = "3f2a91c8d4e7b6a5f0123456789abcdef3f2a91c8d4e7b6a5f0123456789abcd";

TEST(LinkNames, NothingTaken_AreTheBeginningOfTheId) {
  EXPECT_EQ(bridge_name(kId, {}).value(), "vd-3f2a91c8d4e7");
  EXPECT_EQ(veth_names(kId, {}).value().host, "ve3f2a91c8d4e7b");
  EXPECT_EQ(veth_names(kId, {}).value().peer, "vc3f2a91c8d4e7b");
}

TEST(LinkNames, SwarmId_GivesNames) {
  // Trap T25.
  EXPECT_EQ(bridge_name("wghod2qepiecg00n2fret9vtj", {}).value(), "vd-wghod2qepiec");
}

TEST(LinkNames, FirstChoiceTaken_AnotherNameOfTheSameLengthThatIsStable) {
  const auto second = bridge_name(kId, {"vd-3f2a91c8d4e7"}).value();
  EXPECT_NE(second, "vd-3f2a91c8d4e7");
  EXPECT_EQ(second.size(), kMaxLinkName);
  EXPECT_EQ(second.substr(0, 7), "vd-3f2a");
  EXPECT_EQ(second, bridge_name(kId, {"vd-3f2a91c8d4e7"}).value());
  EXPECT_NE(bridge_name(kId, {"vd-3f2a91c8d4e7", second}).value(), second);
}

TEST(LinkNames, OneEndOfThePairTaken_BothEndsMove) {
  const auto names = veth_names(kId, {"vc3f2a91c8d4e7b"}).value();
  EXPECT_EQ(names.host.substr(0, 7), "ve3f2a9");
  EXPECT_EQ(names.host.substr(2), names.peer.substr(2));
  EXPECT_NE(names.host, "ve3f2a91c8d4e7b");
}

TEST(LinkNames, IdsThatShareTheirFirst13Characters_GetDistinctNames) {
  // Scenario 45.
  // Scenario 45.
  const std::string other = kId.substr(0, 13) + std::string(51, '0');
  const auto first = veth_names(kId, {}).value();
  const auto second = veth_names(other, {first.host, first.peer}).value();
  EXPECT_NE(second.host, first.host);
  const auto third = veth_names(kId, {first.host, first.peer}).value();
  EXPECT_NE(third.host, second.host) << "the hash covers the whole id";
}

TEST(LinkNames, AllTaken_IsExhaustedAndEnds) {
  std::set<std::string> taken;
  for (int i = 0; i < kNameAttempts; ++i) taken.insert(bridge_name(kId, taken).value());
  const auto name = bridge_name(kId, taken);
  ASSERT_FALSE(name.ok());
  EXPECT_EQ(name.error().code, ErrorCode::kExhausted);
}

TEST(ObjectId, LettersAndDigitsUpTo64_AreAccepted) {
  EXPECT_TRUE(check_id("network", kId).ok());
  EXPECT_TRUE(check_id("network", "wghod2qepiecg00n2fret9vtj").ok());
  for (const std::string& bad :
       {std::string(), kId + "0", std::string("a/b"), std::string("a b"), std::string("é")})
    EXPECT_FALSE(check_id("network", bad).ok()) << bad;
}

}  // namespace
}  // namespace viaduct::net
