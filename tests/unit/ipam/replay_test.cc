#include <gmock/gmock.h>

#include <algorithm>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam::testing {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

// What an engine of a plain host sends at its start for a network with two containers.
void replay(World& world, const std::string& pool) {
  const std::string id = world.pool(pool);
  EXPECT_TRUE(world.gateway(id, "10.1.0.1").ok());
  EXPECT_TRUE(world.bare_at(id, "10.1.0.9").ok());
  for (const std::string address : {"10.1.0.2", "10.1.0.3"}) {
    const auto reply = world.bare_at(id, address);
    EXPECT_EQ(World::text(reply), address + "/24");
  }
}

void build(World& world) {
  const std::string id = world.pool("10.1.0.0/24");
  world.gateway(id).value();
  world.bare_at(id, "10.1.0.9").value();
  EXPECT_EQ(World::text(world.endpoint(id, 1)), "10.1.0.2/24");
  EXPECT_EQ(World::text(world.endpoint(id, 2)), "10.1.0.3/24");
}

void tear_down(World& world) {
  const std::string id = "local/10.1.0.0/24";
  for (const std::string address : {"10.1.0.2", "10.1.0.3", "10.1.0.9", "10.1.0.1"})
    world.release(id, address);
  world.release_pool(id);
  EXPECT_THAT(world.held(), IsEmpty());
  EXPECT_THAT(world.service().pools(), IsEmpty());
}

// Scenario 19.
TEST(Replay, ByANewEngine_IsAcceptedAndLeaksNoReference) {
  World world;
  world.new_engine(kFirstEngine);
  build(world);
  const Strings before = world.held();
  for (const auto& engine : {kSecondEngine, kFirstEngine, kSecondEngine}) {
    world.new_engine(engine);
    replay(world, "10.1.0.0/24");
    EXPECT_EQ(world.held(), before);
    EXPECT_EQ(world.refs("local/10.1.0.0/24"), 1);
  }
  EXPECT_EQ(world.service().epoch(), 4U);
  tear_down(world);
}

// The engine restarts its managed plugin with itself: each replay comes to a fresh process that cannot see
// who asks.
TEST(Replay, ByAnInvisibleEngineToAFreshProcess_IsAcceptedAndLeaksNoReference) {
  World world;
  world.new_engine(kInvisible);
  build(world);
  const Strings before = world.held();
  for (int restart = 0; restart < 3; ++restart) {
    world.reopen();
    for (int call = 0; call < 2; ++call) world.service().registered(kInvisible);
    replay(world, "10.1.0.0/24");
    EXPECT_EQ(world.held(), before);
    EXPECT_EQ(world.refs("local/10.1.0.0/24"), 1);
  }
  tear_down(world);
}

TEST(Replay, KeepsTheKey) {
  World world;
  world.new_engine(kFirstEngine);
  build(world);
  world.new_engine(kSecondEngine);
  replay(world, "10.1.0.0/24");
  EXPECT_EQ(World::text(world.endpoint("local/10.1.0.0/24", 1)), "10.1.0.2/24");
  for (const AddressView& view : world.service().addresses()) EXPECT_EQ(view.epoch, 2U);
}

TEST(Restart, OfViaductdAlone_BeginsNoEpoch) {
  World world;
  world.new_engine(kFirstEngine);
  build(world);
  world.reopen();
  EXPECT_EQ(world.service().epoch(), 1U);
  EXPECT_EQ(world.endpoint_at("local/10.1.0.0/24", "10.1.0.2", 9).error().code, ErrorCode::kConflict);
  world.pool("10.1.0.0/24");
  EXPECT_EQ(world.refs("local/10.1.0.0/24"), 2) << "a second network, no replay";
}

TEST(Restart, OfAnInvisiblePluginAloneThenNewWork_BeginsNoEpoch) {
  World world;
  world.new_engine(kInvisible);
  build(world);
  world.reopen();
  world.service().registered(kInvisible);
  world.endpoint("local/10.1.0.0/24", 5).value();
  world.pool("10.1.0.0/24");
  EXPECT_EQ(world.service().epoch(), 1U);
  EXPECT_EQ(world.refs("local/10.1.0.0/24"), 2);
}

TEST(Orphan, OfAnOlderEpoch_IsGivenToWhoAsksForIt) {
  World world;
  world.new_engine(kFirstEngine);
  build(world);
  world.new_engine(kSecondEngine);
  EXPECT_EQ(World::text(world.endpoint_at("local/10.1.0.0/24", "10.1.0.2", 9)), "10.1.0.2/24");
  EXPECT_EQ(world.service().addresses()[1].mac, mac(9));
}

TEST(Orphan, OfAnOlderEpochThatALiveEndpointUses_IsRefused) {
  World world;
  world.new_engine(kFirstEngine);
  build(world);
  world.new_engine(kSecondEngine);
  world.bind("10.1.0.0/24", "10.1.0.2");
  EXPECT_EQ(world.endpoint_at("local/10.1.0.0/24", "10.1.0.2", 9).error().code, ErrorCode::kConflict);
  EXPECT_EQ(World::text(world.bare_at("local/10.1.0.0/24", "10.1.0.2")), "10.1.0.2/24") << "its own replay";
}

TEST(Release, ByANewEngineOfWhatItDidNotReplay_Frees) {
  World world;
  world.new_engine(kFirstEngine);
  build(world);
  world.new_engine(kSecondEngine);
  tear_down(world);
}

// Scenario 37: the leader asks for all that lives, explicitly, and for new addresses only then.
TEST(Swarm, FiftyLeaderTermsInOneProcess_GrowNothingAndGiveNothingTwice) {
  World world;
  world.new_engine(kFirstEngine);
  world.engine_alive = true;
  const std::string id = world.pool("10.60.0.0/24", "", kGlobalSpace);
  world.swarm(id).value();
  Strings alive;
  for (int service = 0; service < 100; ++service)
    alive.push_back(world.swarm(id).value().address.address.to_string());
  const Strings before = world.held();
  for (int term = 0; term < 50; ++term) {
    world.service().registered(kFirstEngine);
    EXPECT_EQ(world.pool("10.60.0.0/24", "", kGlobalSpace), id);
    for (const std::string& address : alive)
      EXPECT_EQ(World::text(world.swarm(id, address)), address + "/24");
    EXPECT_EQ(world.held(), before);
    EXPECT_EQ(world.refs(id), 1);
  }
  EXPECT_EQ(world.service().epoch(), 1U) << "the local epoch is another";
  const auto fresh = world.swarm(id);
  EXPECT_EQ(std::count(alive.begin(), alive.end(), fresh.value().address.address.to_string()), 0);
}

// A node that led, leads again. Meanwhile another node's viaduct was told what came and went.
class SecondTerm : public ::testing::Test {
 protected:
  SecondTerm() {
    world.service().registered(kInvisible);
    id = first_network();
    world.gateway(id).value();
    for (int task = 0; task < 3; ++task) world.swarm(id).value();
  }
  std::string first_network() { return world.pool("10.60.0.0/28", "", kGlobalSpace); }
  // Of the three tasks the second lives; another has come, with an address that was given to nobody here.
  void begin() {
    world.service().registered(kInvisible);
    EXPECT_EQ(first_network(), id);
    world.gateway(id, "10.60.0.1").value();
    world.swarm(id, "10.60.0.3").value();
    world.swarm(id, "10.60.0.9").value();
  }
  uint64_t sweep() { return world.service().reclaim_orphans(soon()).value(); }

  World world;
  std::string id;
  const Strings live = {"gateway 10.60.0.1", "swarm 10.60.0.3", "swarm 10.60.0.9"};
};

TEST_F(SecondTerm, WhatItDoesNotAskFor_RestsOnceItAsksForAnythingNew) {
  begin();
  EXPECT_EQ(sweep(), 0U) << "it may still ask for what lives";
  const int before = world.replays_over;
  const std::string fresh = World::bare(world.swarm(id));
  EXPECT_EQ(world.replays_over, before + 1) << "whoever sweeps is told";
  EXPECT_EQ(sweep(), 2U);
  Strings held = live;
  held.push_back("swarm " + fresh);
  EXPECT_THAT(world.held(), UnorderedElementsAreArray(held));
  EXPECT_THAT(world.resting(), UnorderedElementsAre("swarm 10.60.0.2", "swarm 10.60.0.4"));
  world.swarm(id).value();
  EXPECT_EQ(world.replays_over, before + 1) << "once a term";
  EXPECT_EQ(sweep(), 0U);
}

// Engine and plugin were restarted between the terms, and the second is asked for nothing of the first.
TEST(Swarm, TermOfAnotherLifeOfAManagedPlugin_KeepsNothingOfTheOneBefore) {
  World world;
  world.listener = "";
  world.service().registered(kInvisible);
  world.listener = "first";
  EXPECT_TRUE(world.service().look_at_engine());
  const std::string old = world.pool("10.60.0.0/28", "", kGlobalSpace);
  world.gateway(old).value();
  world.swarm(old).value();
  world.reopen();
  world.listener = "";
  for (int call = 0; call < 2; ++call) world.service().registered(kInvisible);
  EXPECT_FALSE(world.service().look_at_engine()) << "it is not seen yet";
  world.listener = "second";
  EXPECT_TRUE(world.service().look_at_engine());
  world.service().registered(kInvisible);
  const std::string id = world.pool("10.61.0.0/28", "", kGlobalSpace);
  world.gateway(id, "10.61.0.1").value();
  world.swarm(id, "10.61.0.7").value();
  world.swarm(id).value();
  EXPECT_EQ(world.service().reclaim_orphans(soon()).value(), 1U);
  ASSERT_EQ(world.service().abandoned_pools().size(), 1U);
  EXPECT_EQ(world.service().abandoned_pools()[0].id, old);
}

TEST_F(SecondTerm, FullPool_GivesWhatTheFormerTermLeftAtOnce) {
  begin();
  Strings given;
  // Of 13 addresses for tasks two are in use.
  for (int task = 0; task < 11; ++task) given.push_back(World::bare(world.swarm(id)));
  EXPECT_THAT(given, Contains("10.60.0.2"));
  EXPECT_THAT(given, Contains("10.60.0.4"));
  EXPECT_THAT(given, Each(Not(HasSubstr("no free address"))));
  EXPECT_THAT(World::text(world.swarm(id)), HasSubstr("no free address: 14 of 14"));
}

TEST_F(SecondTerm, NetworkRemovedMeanwhile_GoesWithItsAddresses) {
  const std::string other = world.pool("10.61.0.0/24", "", kGlobalSpace);
  world.gateway(other).value();
  world.swarm(other).value();
  begin();
  EXPECT_THAT(world.service().abandoned_pools(), IsEmpty());
  world.swarm(id).value();
  sweep();
  ASSERT_EQ(world.service().abandoned_pools().size(), 1U);
  EXPECT_EQ(world.service().abandoned_pools()[0].id, other);
  EXPECT_TRUE(world.service().drop_abandoned(other, soon()).value());
  EXPECT_EQ(world.service().pools().size(), 1U);
}

TEST_F(SecondTerm, NewNetworkOverOneThatWasRemovedMeanwhile_TakesItsPlace) {
  world.swarm(world.pool("10.61.0.0/24", "", kGlobalSpace)).value();
  begin();
  const std::string wider = world.pool("10.61.0.0/16", "", kGlobalSpace);
  EXPECT_EQ(world.service().pools().size(), 2U);
  EXPECT_EQ(World::text(world.gateway(wider)), "10.61.0.1/16");
  // One that the leader has claimed stands.
  EXPECT_THAT(world.request_pool("10.60.0.0/16", "", kGlobalSpace).error().message,
              HasSubstr("overlaps " + id));
}

// What it could not be given it asks for again, minutes later.
TEST_F(SecondTerm, ClaimThatFailed_KeepsEverything) {
  begin();
  EXPECT_FALSE(world.swarm(id, "10.60.0.1").ok()) << "the gateway's";
  world.swarm(id).value();
  EXPECT_EQ(sweep(), 0U);
  EXPECT_EQ(world.held().size(), 6U) << "gateway, four tasks and the new one";
}

// A node's engine was killed: it makes the network anew and asks for a task's address that a lost endpoint
// had.
TEST(Swarm, NodeAfterAKill_GetsALostEndpointsAddressAgain) {
  World world;
  world.new_engine(kInvisible);
  std::string id = world.pool("10.60.0.0/24");
  world.gateway(id, "10.60.0.1").value();
  world.endpoint_at(id, "10.60.0.4", 1).value();
  world.reopen();
  world.service().registered(kInvisible);
  id = world.pool("10.60.0.0/24");
  EXPECT_TRUE(world.gateway(id, "10.60.0.1").ok());
  EXPECT_EQ(World::text(world.endpoint_at(id, "10.60.0.4", 2)), "10.60.0.4/24");
  world.release(id, "10.60.0.4");
  world.release(id, "10.60.0.1");
  world.release_pool(id);
  EXPECT_THAT(world.held(), IsEmpty());
  EXPECT_THAT(world.service().pools(), IsEmpty());
}

}  // namespace
}  // namespace viaduct::ipam::testing
