#include "ipam/epoch.h"

#include <gtest/gtest.h>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam {
namespace {

using testing::kFirstEngine;
using testing::kInvisible;
using testing::kSecondEngine;

const IsAlive kAlive = [](const EngineIdentity&) { return true; };
const BeganInSight kInSight = [](const EngineIdentity&) { return true; };
const IsAlive kGone = [](const EngineIdentity&) { return false; };

// What a fresh process knows.
EpochState after_restart(const EpochState& state) {
  return epoch_from_json(dump_json(to_json(state))).value();
}
EpochState with_work(EpochState state) {
  note_new_work(state.local);
  note_new_work(state.global);
  return state;
}

TEST(Epoch, FirstRegistration_BeginsBothEpochs) {
  const EpochState state = after_registration({}, kFirstEngine, kGone, kInSight);
  EXPECT_EQ(state.local.number, 1U);
  EXPECT_EQ(state.global.number, 1U);
  EXPECT_EQ(state.engine, kFirstEngine);
}

TEST(Epoch, PairOfRegistrations_BeginsOne) {
  for (const auto& engine : {kFirstEngine, kInvisible}) {
    const EpochState once = after_registration({}, engine, kAlive, kInSight);
    const EpochState twice = after_registration(once, engine, kAlive, kInSight);
    EXPECT_EQ(twice.local.number, 1U);
    EXPECT_EQ(twice.global.number, 1U);
  }
}

TEST(Epoch, NewVisibleEngineAfterTheOldDied_BeginsOne) {
  const EpochState old = after_registration({}, kFirstEngine, kGone, kInSight);
  const EpochState state = after_registration(old, kSecondEngine, kGone, kInSight);
  EXPECT_EQ(state.local.number, 2U);
  EXPECT_EQ(state.global.number, 2U);
  EXPECT_EQ(state.engine, kSecondEngine);
}

TEST(Epoch, OperatorsCurlBesideALivingEngine_ChangesNothing) {
  const EpochState old = with_work(after_registration({}, kFirstEngine, kGone, kInSight));
  EXPECT_EQ(after_registration(old, kSecondEngine, kAlive, kInSight), old);
}

TEST(Epoch, SamePidInAnotherBoot_IsAnotherEngine) {
  const EpochState old = after_registration({}, kFirstEngine, kGone, kInSight);
  EngineIdentity next_boot = kFirstEngine;
  next_boot.boot_id = "boot-2";
  EXPECT_EQ(after_registration(old, next_boot, kGone, kInSight).local.number, 2U);
}

// A new term of a Swarm leader repeats GetCapabilities in the same process.
TEST(Epoch, SameVisibleEngineAfterWork_BeginsAGlobalOneOnly) {
  const EpochState old = with_work(after_registration({}, kFirstEngine, kGone, kInSight));
  const EpochState state = after_registration(old, kFirstEngine, kAlive, kInSight);
  EXPECT_EQ(state.local.number, 1U);
  EXPECT_EQ(state.global.number, 2U);
  EXPECT_EQ(after_registration(state, kFirstEngine, kAlive, kInSight).global.number, 2U) << "no work since";
}

TEST(Epoch, InvisibleEngineAfterWork_BeginsOne) {
  const EpochState old = with_work(after_registration({}, kInvisible, kGone, kInSight));
  EXPECT_EQ(after_registration(old, kInvisible, kGone, kInSight).local.number, 2U);
}

TEST(Epoch, InvisibleEngineAtAFreshProcess_BeginsNoneUntilItReplays) {
  const EpochState old = with_work(after_registration({}, kInvisible, kGone, kInSight));
  const EpochState fresh = after_registration(after_restart(old), kInvisible, kGone, kInSight);
  EXPECT_EQ(fresh.local.number, 1U);
  EXPECT_EQ(after_replay_sign(fresh, SpaceKind::kLocal).local.number, 2U);
  EXPECT_EQ(after_replay_sign(fresh, SpaceKind::kLocal).global.number, 1U);
}

TEST(Epoch, FreshProcessThenNewWork_WasARestartOfViaductdAlone) {
  EpochState state = after_registration({}, kInvisible, kGone, kInSight);
  state = after_registration(after_restart(state), kInvisible, kGone, kInSight);
  note_new_work(state.local);
  EXPECT_EQ(after_replay_sign(state, SpaceKind::kLocal).local.number, 1U);
}

TEST(Epoch, StoredForm_KeepsNumbersAndEngine) {
  EpochState state = after_registration({}, kFirstEngine, kGone, kInSight);
  state.global.number = 9;
  EXPECT_EQ(after_restart(state), state);
  EXPECT_EQ(after_restart(EpochState{}), EpochState{});
}

TEST(Epoch, DamagedRecord_IsCorrupt) {
  for (const std::string bad :
       {"", "[]", R"({"local":-1})", R"({"local":"x"})", R"({"engine":{"pid":true}})"}) {
    const auto state = epoch_from_json(bad);
    ASSERT_FALSE(state.ok()) << bad;
    EXPECT_EQ(state.error().code, ErrorCode::kCorrupt);
  }
}

TEST(Epoch, IsWitnessedWhenTheEngineBeganInSight) {
  const BeganInSight before = [](const EngineIdentity&) { return false; };
  EXPECT_TRUE(after_registration({}, kFirstEngine, kGone, kInSight).local.witnessed);
  const EpochState old = after_registration({}, kFirstEngine, kGone, before);
  EXPECT_FALSE(old.local.witnessed);
  EXPECT_FALSE(after_registration(with_work(old), kFirstEngine, kGone, kInSight).local.witnessed)
      << "the same engine again replays nothing of the local space";
  const EpochState state = after_registration(old, kSecondEngine, kGone, kInSight);
  EXPECT_TRUE(after_restart(state).local.witnessed);
  EXPECT_FALSE(after_failed_replay(state, SpaceKind::kLocal).local.witnessed);
  EXPECT_TRUE(after_registration({}, kInvisible, kGone, before).local.witnessed)
      << "it began viaductd itself";
}

}  // namespace
}  // namespace viaduct::ipam
