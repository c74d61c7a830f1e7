#include <gmock/gmock.h>

#include <algorithm>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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
