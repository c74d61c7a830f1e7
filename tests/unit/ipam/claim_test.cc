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
  return {.owner = owner, .mac = {}, .name = "", .epoch = epoch, .rest = {}};
}
Holder endpoint(std::optional<Mac> address, const std::string& name, uint64_t epoch = kNow) {
  return {.owner = OwnerClass::kEndpoint, .mac = address, .name = name, .epoch = epoch, .rest = {}};
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

TEST(Claim, OtherMacWithTheSameName_IsAConflictWhileAnEndpointLives) {
  EXPECT_FALSE(after_request(endpoint(mac(1), "a"), endpoint_asker(mac(2), "a"), kBoundNow).has_value());
  EXPECT_TRUE(after_request(endpoint(mac(1), "a"), endpoint_asker(mac(2), "a"), kVisible).has_value())
      << "the name's former endpoint is gone, and its release was lost";
  EXPECT_FALSE(after_request(endpoint(mac(1), "a"), endpoint_asker(mac(2), "b"), kVisible).has_value());
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
  const auto after = after_release(held, kVisible);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->claims, 1);
  EXPECT_FALSE(after_release(*after, kVisible).has_value());
}

TEST(Release, BoundAddress_StaysMarkedUntilItsEndpointIsGone) {
  const auto after = after_release(held_by(OwnerClass::kSwarm), kBoundNow);
  ASSERT_TRUE(after.has_value());
  EXPECT_TRUE(after->released);
  EXPECT_FALSE(after_endpoint_gone(*after, kVisible).has_value());
}

TEST(EndpointGone, OtherClasses_StayUnlessReleased) {
  EXPECT_FALSE(after_endpoint_gone(endpoint(mac(1), ""), kVisible).has_value());
  EXPECT_TRUE(after_endpoint_gone(held_by(OwnerClass::kGateway), kVisible).has_value());
  EXPECT_TRUE(after_endpoint_gone(held_by(OwnerClass::kAuxiliary), kVisible).has_value());
}

const Moment kRests = {.epoch = kNow, .engine_visible = true, .lasting = 1000, .rests = true};

TEST(Release, AddressOfAnEndpoint_RestsWithItsFormerHolder) {
  const auto after = after_release(endpoint(mac(1), "web"), kRests);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->rest, 1000);
  EXPECT_EQ(after->name, "web");
  EXPECT_EQ(after_release(*after, kRests), after) << "released again";
  EXPECT_FALSE(after_release(held_by(OwnerClass::kGateway), kRests).has_value());
  EXPECT_TRUE(after_endpoint_gone(endpoint(mac(1), ""), kRests).value().rest.has_value());
}

TEST(Rest, ExplicitRequest_IsGivenTheAddress) {
  const Holder resting = after_release(endpoint(mac(1), "web"), kRests).value();
  const auto other = after_request(resting, endpoint_asker(mac(2), "db"), kVisible);
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(other->mac, mac(2));
  EXPECT_FALSE(other->rest.has_value());
  const auto replay = after_request(resting, kBare, kVisible);
  ASSERT_TRUE(replay.has_value());
  EXPECT_EQ(replay->owner, OwnerClass::kEndpoint);
  EXPECT_EQ(replay->mac, mac(1));
}

TEST(Former, HeldAddress_IsItsNamesOwnAndARestingOneAlsoItsMacs) {
  const Holder held = endpoint(mac(1), "web");
  EXPECT_TRUE(is_former(held, endpoint_asker(mac(2), "web")));
  EXPECT_FALSE(is_former(held, endpoint_asker(mac(1), "db"))) << "two containers that were given one MAC";
  EXPECT_TRUE(is_former(held, endpoint_asker(mac(1))));
  const Holder resting = after_release(held, kRests).value();
  EXPECT_TRUE(is_former(resting, endpoint_asker(mac(1), "db")));
  EXPECT_FALSE(is_former(resting, endpoint_asker(mac(2), "db")));
  EXPECT_FALSE(is_former(resting, kSwarmAsker));
}

TEST(NewHolder, BareRequestForALiveEndpointsAddress_IsAnEndpoint) {
  EXPECT_EQ(new_holder(kBare, kVisible).owner, OwnerClass::kAuxiliary);
  EXPECT_EQ(new_holder(kBare, kBoundNow).owner, OwnerClass::kEndpoint);
}

}  // namespace
}  // namespace viaduct::ipam
