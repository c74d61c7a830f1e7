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
  const EpochState state = after_registration({}, kFirstEngine, std::nullopt, kGone, kInSight);
  EXPECT_EQ(state.local.number, 1U);
  EXPECT_EQ(state.global.number, 1U);
  EXPECT_EQ(state.engine, kFirstEngine);
}

TEST(Epoch, PairOfRegistrations_BeginsOne) {
  for (const auto& engine : {kFirstEngine, kInvisible}) {
    const EpochState once = after_registration({}, engine, std::nullopt, kAlive, kInSight);
    const EpochState twice = after_registration(once, engine, std::nullopt, kAlive, kInSight);
    EXPECT_EQ(twice.local.number, 1U);
    EXPECT_EQ(twice.global.number, 1U);
  }
}

TEST(Epoch, NewVisibleEngineAfterTheOldDied_BeginsOne) {
  const EpochState old = after_registration({}, kFirstEngine, std::nullopt, kGone, kInSight);
  const EpochState state = after_registration(old, kSecondEngine, std::nullopt, kGone, kInSight);
  EXPECT_EQ(state.local.number, 2U);
  EXPECT_EQ(state.global.number, 2U);
  EXPECT_EQ(state.engine, kSecondEngine);
}

TEST(Epoch, OperatorsCurlBesideALivingEngine_ChangesNothing) {
  const EpochState old = with_work(after_registration({}, kFirstEngine, std::nullopt, kGone, kInSight));
  EXPECT_EQ(after_registration(old, kSecondEngine, std::nullopt, kAlive, kInSight), old);
}

TEST(Epoch, SamePidInAnotherBoot_IsAnotherEngine) {
  const EpochState old = after_registration({}, kFirstEngine, std::nullopt, kGone, kInSight);
  EngineIdentity next_boot = kFirstEngine;
  next_boot.boot_id = "boot-2";
  EXPECT_EQ(after_registration(old, next_boot, std::nullopt, kGone, kInSight).local.number, 2U);
}

// A new term of a Swarm leader repeats GetCapabilities in the same process.
TEST(Epoch, SameVisibleEngineAfterWork_BeginsAGlobalOneOnly) {
  const EpochState old = with_work(after_registration({}, kFirstEngine, std::nullopt, kGone, kInSight));
  const EpochState state = after_registration(old, kFirstEngine, std::nullopt, kAlive, kInSight);
  EXPECT_EQ(state.local.number, 1U);
  EXPECT_EQ(state.global.number, 2U);
  EXPECT_EQ(after_registration(state, kFirstEngine, std::nullopt, kAlive, kInSight).global.number, 2U)
      << "no work since";
}

TEST(Epoch, InvisibleEngineAfterWork_BeginsOne) {
  const EpochState old = with_work(after_registration({}, kInvisible, std::nullopt, kGone, kInSight));
  EXPECT_EQ(after_registration(old, kInvisible, std::nullopt, kGone, kInSight).local.number, 2U);
}

TEST(Epoch, InvisibleEngineAtAFreshProcess_BeginsNoneUntilItReplays) {
  const EpochState old = with_work(after_registration({}, kInvisible, std::nullopt, kGone, kInSight));
  const EpochState fresh = after_registration(after_restart(old), kInvisible, std::nullopt, kGone, kInSight);
  EXPECT_EQ(fresh.local.number, 1U);
  EXPECT_EQ(after_replay_sign(fresh, SpaceKind::kLocal).local.number, 2U);
  EXPECT_EQ(after_replay_sign(fresh, SpaceKind::kLocal).global.number, 1U);
}

// An engine that cannot be seen, but for what it listens at once it has started.
class Listening : public ::testing::Test {
 protected:
  static EpochState registered(const EpochState& state, const EngineListener& listener) {
    return after_registration(state, kInvisible, listener, kGone, kInSight);
  }
  // As on record after its start: it registers before it listens.
  const EpochState running = after_look(with_work(registered({}, "")), "first");
};

TEST_F(Listening, GoneAtARegistration_IsANewEngineThatStarts) {
  const EpochState fresh = registered(after_restart(running), "");
  EXPECT_EQ(fresh.local.number, 2U);
  EXPECT_EQ(fresh.global.number, 2U);
  EXPECT_FALSE(fresh.global.unsure);
  EXPECT_TRUE(fresh.global.witnessed) << "it replays after this";
  const EpochState pair = registered(fresh, "");
  EXPECT_EQ(pair, fresh) << "registrations come in pairs";
  // It leads a Swarm later on, and asks for nothing that it had asked for in its former life.
  EpochState leads = registered(after_look(pair, "second"), "second");
  note_new_work(leads.global);
  EXPECT_EQ(leads.global.number, 2U);
  EXPECT_TRUE(leads.global.past_replay && leads.global.witnessed);
}

TEST_F(Listening, TheSame_IsTheSameEngine) {
  const EpochState fresh = registered(after_restart(running), "first");
  EXPECT_EQ(fresh.local.number, 1U);
  EXPECT_FALSE(fresh.local.unsure) << "viaductd alone was restarted";
  EXPECT_TRUE(fresh.global.unsure) << "or a Swarm's leader begins its term";
  EXPECT_EQ(fresh.listener, "first");
  const EpochState term = registered(with_work(fresh), "first");
  EXPECT_EQ(term.local.number, 1U) << "a Swarm's leader replays the global space alone";
  EXPECT_EQ(term.global.number, 2U);
}

TEST_F(Listening, Another_IsAnEngineThatReplayedOutOfSight) {
  const EpochState fresh = registered(after_restart(running), "second");
  EXPECT_EQ(fresh.local.number, 2U);
  EXPECT_FALSE(fresh.local.witnessed || fresh.global.witnessed);
}

TEST_F(Listening, ThatCannotBeTold_DecidesNothing) {
  const EpochState fresh = registered(after_restart(running), std::nullopt);
  EXPECT_EQ(fresh.local.number, 1U);
  EXPECT_EQ(fresh.listener, "first");
  EXPECT_EQ(after_look(running, std::nullopt), running);
  EXPECT_EQ(after_look(running, ""), running) << "an engine that ends is none that begins";
  // Nor does one that nobody had seen.
  EXPECT_EQ(registered(after_restart(registered({}, "")), "second").local.number, 1U);
}

TEST_F(Listening, OfAVisibleEngine_IsNotLookedAt) {
  const EpochState visible = after_registration({}, kFirstEngine, "first", kGone, kInSight);
  EXPECT_EQ(visible.listener, "");
  EXPECT_EQ(after_look(visible, "first"), visible);
  EXPECT_EQ(after_registration(running, kFirstEngine, "first", kGone, kInSight).listener, "");
}

TEST(Epoch, FreshProcessThenNewWork_WasARestartOfViaductdAlone) {
  EpochState state = after_registration({}, kInvisible, std::nullopt, kGone, kInSight);
  state = after_registration(after_restart(state), kInvisible, std::nullopt, kGone, kInSight);
  note_new_work(state.local);
  EXPECT_EQ(after_replay_sign(state, SpaceKind::kLocal).local.number, 1U);
}

TEST(Epoch, StoredForm_KeepsNumbersAndEngine) {
  EpochState state = after_registration({}, kFirstEngine, std::nullopt, kGone, kInSight);
  state.global.number = 9;
  state.listener = "9b8a4f2e11c0";
  EXPECT_EQ(to_json(after_restart(state)), to_json(state));
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
  EXPECT_TRUE(after_registration({}, kFirstEngine, std::nullopt, kGone, kInSight).local.witnessed);
  const EpochState old = after_registration({}, kFirstEngine, std::nullopt, kGone, before);
  EXPECT_FALSE(old.local.witnessed);
  EXPECT_FALSE(
      after_registration(with_work(old), kFirstEngine, std::nullopt, kGone, kInSight).local.witnessed)
      << "the same engine again replays nothing of the local space";
  const EpochState state = after_registration(old, kSecondEngine, std::nullopt, kGone, kInSight);
  EXPECT_TRUE(after_restart(state).local.witnessed);
  EXPECT_FALSE(after_failed_replay(state, SpaceKind::kLocal).local.witnessed);
  EXPECT_TRUE(after_registration({}, kInvisible, std::nullopt, kGone, before).local.witnessed)
      << "it began viaductd itself";
}

}  // namespace
}  // namespace viaduct::ipam
