#include "ipam/claim.h"

#include <gtest/gtest.h>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam {
namespace {

using testing::mac;

constexpr uint64_t kNow = 5;
const Asker kBare = {};
const Asker kGatewayAsker = {OwnerClass::kGateway, {}, ""};
const Asker kSwarmAsker = {OwnerClass::kSwarm, {}, ""};
Asker endpoint_asker(std::optional<Mac> address, const std::string& name = "") {
  return {OwnerClass::kEndpoint, address, name};
}
Holder held_by(OwnerClass owner, uint64_t epoch = kNow) {
  return {.owner = owner, .mac = {}, .name = "", .epoch = epoch};
}
Holder endpoint(std::optional<Mac> address, const std::string& name, uint64_t epoch = kNow) {
  return {.owner = OwnerClass::kEndpoint, .mac = address, .name = name, .epoch = epoch};
}
const Moment kVisible = {.epoch = kNow, .engine_visible = true};
const Moment kUnseen = {.epoch = kNow, .engine_visible = false};
const Moment kBoundNow = {.epoch = kNow, .engine_visible = true, .bound = true};

TEST(Asker, RequestMembers_MakeTheClass) {
  AddressRequest request{.pool_id = "p", .address = {}, .mac = {}, .name = ""};
  EXPECT_TRUE(asker_of(request).bare());
  request.name = "web";
  EXPECT_EQ(asker_of(request).owner, OwnerClass::kEndpoint);
  request.serial = true;
  EXPECT_EQ(asker_of(request).owner, OwnerClass::kSwarm);
  request.gateway = true;
  EXPECT_EQ(asker_of(request).owner, OwnerClass::kGateway);
}

TEST(Claim, SameMac_IsTheSameAnswerWhateverTheName) {
  const auto after = after_request(endpoint(mac(1), "a"), endpoint_asker(mac(1), "b"), kVisible);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->claims, 1);
  EXPECT_EQ(after->name, "b");
}

TEST(Claim, OtherMacWithTheSameName_IsAConflictInOneEpoch) {
  EXPECT_FALSE(after_request(endpoint(mac(1), "a"), endpoint_asker(mac(2), "a"), kVisible).has_value());
}

TEST(Claim, NameDecidesWhereOneSideHasNoMac) {
  EXPECT_TRUE(after_request(endpoint({}, "a"), endpoint_asker(mac(2), "a"), kVisible).has_value());
  EXPECT_FALSE(after_request(endpoint({}, "a"), endpoint_asker(mac(2), "b"), kVisible).has_value());
  EXPECT_FALSE(after_request(endpoint(mac(1), ""), endpoint_asker({}, "b"), kVisible).has_value());
}

TEST(Claim, GatewayAndAuxiliary_CountInOneEpochAndBeginAnewInTheNext) {
  for (const auto& asker : {kGatewayAsker, kBare}) {
    auto after = after_request(held_by(asker.owner), asker, kVisible);
    ASSERT_TRUE(after.has_value());
    EXPECT_EQ(after->claims, 2);
    after = after_request(*after, asker, {.epoch = kNow + 1, .engine_visible = true});
    ASSERT_TRUE(after.has_value());
    EXPECT_EQ(after->claims, 1);
    EXPECT_EQ(after->epoch, kNow + 1);
  }
}

TEST(Claim, OtherClassInOneEpoch_IsAConflict) {
  EXPECT_FALSE(after_request(held_by(OwnerClass::kGateway), kBare, kVisible).has_value());
  EXPECT_FALSE(after_request(held_by(OwnerClass::kAuxiliary), kGatewayAsker, kVisible).has_value());
  EXPECT_FALSE(after_request(endpoint(mac(1), ""), kGatewayAsker, kUnseen).has_value());
  EXPECT_FALSE(after_request(endpoint(mac(1), ""), kSwarmAsker, kUnseen).has_value());
  EXPECT_FALSE(after_request(held_by(OwnerClass::kSwarm), endpoint_asker(mac(1)), kUnseen).has_value());
}

TEST(Claim, BareRequestForAnOlderEndpoint_KeepsOwnerMacAndName) {
  const auto after = after_request(endpoint(mac(1), "a", kNow - 1), kBare, kBoundNow);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(*after, endpoint(mac(1), "a", kNow));
}

TEST(Claim, BareRequestForAnEndpointOfThisEpoch_IsAReplayOnlyWhileTheEngineIsInvisible) {
  EXPECT_TRUE(after_request(endpoint(mac(1), "a"), kBare, kUnseen).has_value());
  EXPECT_FALSE(after_request(endpoint(mac(1), "a"), kBare, kVisible).has_value());
}

TEST(Claim, SwarmAskingAgainForItsOwn_IsAReplayInEveryEpoch) {
  EXPECT_TRUE(after_request(held_by(OwnerClass::kSwarm), kSwarmAsker, kVisible).has_value());
  EXPECT_TRUE(after_request(held_by(OwnerClass::kSwarm, kNow - 1), kSwarmAsker, kVisible).has_value());
}

TEST(Claim, OlderEpochTakenOver_BecomesTheAskers) {
  const auto after = after_request(endpoint(mac(1), "a", kNow - 1), endpoint_asker(mac(2), "b"), kVisible);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->mac, mac(2));
  EXPECT_EQ(after->name, "b");
  EXPECT_EQ(after->epoch, kNow);
}

TEST(Claim, OlderEpochThatALiveEndpointUses_IsNotTakenOver) {
  EXPECT_FALSE(after_request(endpoint(mac(1), "a", kNow - 1), endpoint_asker(mac(2)), kBoundNow).has_value());
  EXPECT_FALSE(after_request(endpoint(mac(1), "a", kNow - 1), kGatewayAsker, kBoundNow).has_value());
}

TEST(Claim, RequestForAReleasedAddress_UnmarksIt) {
  Holder held = endpoint(mac(1), "a");
  held.released = true;
  const auto after = after_request(held, endpoint_asker(mac(1)), kBoundNow);
  ASSERT_TRUE(after.has_value());
  EXPECT_FALSE(after->released);
}

TEST(Release, LastClaim_FreesAndEarlierOnesCountDown) {
  Holder held = held_by(OwnerClass::kGateway);
  held.claims = 2;
  const auto after = after_release(held, false);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->claims, 1);
  EXPECT_FALSE(after_release(*after, false).has_value());
}

TEST(Release, BoundAddress_StaysMarkedUntilItsEndpointIsGone) {
  const auto after = after_release(held_by(OwnerClass::kSwarm), true);
  ASSERT_TRUE(after.has_value());
  EXPECT_TRUE(after->released);
  EXPECT_FALSE(after_endpoint_gone(*after).has_value());
}

TEST(EndpointGone, OtherClasses_StayUnlessReleased) {
  EXPECT_FALSE(after_endpoint_gone(endpoint(mac(1), "")).has_value());
  EXPECT_TRUE(after_endpoint_gone(held_by(OwnerClass::kGateway)).has_value());
  EXPECT_TRUE(after_endpoint_gone(held_by(OwnerClass::kAuxiliary)).has_value());
}

TEST(NewHolder, BareRequestForALiveEndpointsAddress_IsAnEndpoint) {
  EXPECT_EQ(new_holder(kBare, kVisible).owner, OwnerClass::kAuxiliary);
  EXPECT_EQ(new_holder(kBare, kBoundNow).owner, OwnerClass::kEndpoint);
}

}  // namespace
}  // namespace viaduct::ipam
