#include <gmock/gmock.h>

#include "store/fault_store.h"
#include "unit/ipam/ipam_world.h"

// What an engine leaves that dies while it makes a network.
namespace viaduct::ipam::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Strings abandoned(World& world) {
  Strings ids;
  for (const PoolView& pool : world.service().abandoned_pools()) ids.push_back(pool.id);
  return ids;
}

// A network of its own, without --subnet: the engine has replayed what it knew.
std::string new_network(World& world) {
  const std::string id = world.pool("");
  world.gateway(id).value();
  return id;
}

bool drop(World& world, const std::string& id) {
  return world.service().drop_abandoned(id, soon()).value();
}

class AbandonedPools : public ::testing::Test {
 protected:
  // The first engine dies between the gateway and its own record of the network.
  AbandonedPools() {
    world.new_engine(kFirstEngine);
    known = world.pool("10.1.0.0/24");
    world.gateway(known).value();
    lost = world.pool("10.2.0.0/24");
    world.gateway(lost).value();
    world.bare_at(lost, "10.2.0.9").value();
    since = world.service().pools().at(0).since;
  }
  void next_engine(const EngineIdentity& engine = kSecondEngine) {
    world.new_engine(engine);
    EXPECT_EQ(world.pool("10.1.0.0/24"), known);
    world.gateway(known, "10.1.0.1").value();
  }
  PoolClaim claim(const std::string& pool, int others = 0) {
    return world.service().claim_on(prefix(pool), since, others);
  }

  World world;
  std::string known, lost, since;
};

TEST_F(AbandonedPools, AreThoseThatTheNextEngineDoesNotClaim) {
  next_engine();
  EXPECT_THAT(abandoned(world), IsEmpty()) << "it may still be replaying";
  EXPECT_EQ(claim("10.2.0.0/24"), PoolClaim::kHeld);
  const std::string fresh = new_network(world);
  EXPECT_THAT(abandoned(world), ElementsAre(lost));
  EXPECT_EQ(claim("10.2.0.0/24"), PoolClaim::kAbandoned);
  EXPECT_EQ(claim("10.1.0.0/24"), PoolClaim::kHeld);
  EXPECT_FALSE(drop(world, known));
  EXPECT_FALSE(drop(world, fresh));
  EXPECT_TRUE(drop(world, lost));
  EXPECT_FALSE(drop(world, lost)) << "it is gone";
  EXPECT_EQ(claim("10.2.0.0/24"), PoolClaim::kReleased);
  world.reopen();
  EXPECT_EQ(world.service().pools().size(), 2U);
}

TEST_F(AbandonedPools, ClaimOfTheNewNetworkAlone_LeavesNoneForTheLostOne) {
  next_engine();
  EXPECT_EQ(world.pool("10.2.0.0/24"), lost);
  EXPECT_EQ(claim("10.2.0.0/24", 1), PoolClaim::kAbandoned);
  EXPECT_EQ(claim("10.2.0.0/24", 0), PoolClaim::kHeld) << "by the new one";
  EXPECT_EQ(world.pool("10.2.0.0/24"), lost);
  EXPECT_EQ(claim("10.2.0.0/24", 1), PoolClaim::kHeld) << "the lost one was replayed";
}

TEST_F(AbandonedPools, EngineThatBeganOutOfSight_ProvesNothing) {
  world.in_sight = false;
  next_engine();
  new_network(world);
  EXPECT_THAT(abandoned(world), IsEmpty());
  EXPECT_EQ(claim("10.2.0.0/24"), PoolClaim::kHeld);
  world.reopen();
  new_network(world);
  EXPECT_THAT(abandoned(world), IsEmpty()) << "nor after a restart of viaductd";
}

TEST_F(AbandonedPools, ProofOutlivesARestartOfViaductd) {
  next_engine();
  world.reopen();
  world.in_sight = false;
  EXPECT_THAT(abandoned(world), IsEmpty());
  new_network(world);
  EXPECT_THAT(abandoned(world), ElementsAre(lost));
}

TEST_F(AbandonedPools, PoolThatWasEverUsed_IsNone) {
  const std::string address = World::bare(world.endpoint(lost, 1));
  next_engine();
  new_network(world);
  EXPECT_THAT(abandoned(world), IsEmpty());
  world.release(lost, address);
  EXPECT_THAT(abandoned(world), IsEmpty()) << "it rests, and tells that there was one";
}

TEST_F(AbandonedPools, InvisibleEngine_IsJudgedLikewise) {
  World managed;
  managed.new_engine(kInvisible);
  const std::string kept = managed.pool("10.1.0.0/24");
  const std::string left = managed.pool("10.2.0.0/24");
  // The engine ends its plugin with itself, and replays to a fresh one.
  managed.reopen();
  managed.new_engine(kInvisible);
  EXPECT_EQ(managed.pool("10.1.0.0/24"), kept);
  new_network(managed);
  EXPECT_THAT(abandoned(managed), ElementsAre(left));
}

TEST_F(AbandonedPools, RestartOfAnInvisiblePluginAlone_MakesNone) {
  World managed;
  managed.new_engine(kInvisible);
  managed.pool("10.1.0.0/24");
  managed.reopen();
  managed.new_engine(kInvisible);
  new_network(managed);
  EXPECT_THAT(abandoned(managed), IsEmpty());
}

TEST(AbandonedPoolsOnABadDisk, FailedReplay_ProvesNothing) {
  store::MemoryStore memory;
  store::FaultStore store(memory);
  World world(&store);
  world.new_engine(kFirstEngine);
  world.pool("10.1.0.0/24");
  world.new_engine(kSecondEngine);
  store.fail_at(1);
  EXPECT_FALSE(world.request_pool("10.1.0.0/24").ok());
  new_network(world);
  EXPECT_THAT(abandoned(world), IsEmpty());
}

}  // namespace
}  // namespace viaduct::ipam::testing
