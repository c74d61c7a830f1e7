// Released addresses: quarantine, retention, order of reuse, and the clocks they are measured by.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam::testing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Result<AddressReply> named(World& world, const std::string& id, int mac_number, const std::string& name) {
  return world.ask({.pool_id = id, .address = {}, .mac = mac(mac_number), .name = name});
}

TEST(Rest, ReleasedAddress_IsNotGivenWhileOthersWereNeverUsed) {  // Scenario 28
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  ASSERT_EQ(World::bare(world.endpoint(id, 1)), "10.1.0.1");
  world.release(id, "10.1.0.1");
  EXPECT_THAT(world.held(), IsEmpty());
  EXPECT_THAT(world.resting(), ElementsAre("endpoint 10.1.0.1"));
  for (int other = 2; other <= 6; ++other)
    EXPECT_EQ(World::bare(world.endpoint(id, other)), "10.1.0." + std::to_string(other));
  EXPECT_EQ(world.view_of(id).early_reuses, 0U);
}

TEST(Rest, FullPool_GivesWhatRestedLongestAndCountsAnEarlyReuse) {  // Scenario 28
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  for (int number = 1; number <= 6; ++number) ASSERT_TRUE(world.endpoint(id, number).ok());
  world.release(id, "10.1.0.4");
  world.clock.advance(seconds(10));
  world.release(id, "10.1.0.2");
  EXPECT_EQ(World::bare(world.endpoint(id, 7)), "10.1.0.4");
  EXPECT_EQ(world.view_of(id).early_reuses, 1U);
  EXPECT_EQ(world.service().counts().early_reuses, 1U);
  world.clock.advance(seconds(60));
  EXPECT_EQ(World::bare(world.endpoint(id, 8)), "10.1.0.2");
  EXPECT_EQ(world.view_of(id).early_reuses, 1U) << "its quarantine was over";
  EXPECT_EQ(world.endpoint(id, 9).error().code, ErrorCode::kExhausted);
}

TEST(Rest, Order_SurvivesARestart) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  for (int number = 1; number <= 6; ++number) ASSERT_TRUE(world.endpoint(id, number).ok());
  for (const char* address : {"10.1.0.5", "10.1.0.1", "10.1.0.3"}) {
    world.release(id, address);
    world.clock.advance(seconds(1));
  }
  world.reopen();
  EXPECT_EQ(World::bare(world.endpoint(id, 7)), "10.1.0.5");
  EXPECT_EQ(World::bare(world.endpoint(id, 8)), "10.1.0.1");
  EXPECT_EQ(World::bare(world.endpoint(id, 9)), "10.1.0.3");
}

TEST(Rest, WithoutQuarantineAndRetention_AReleaseFreesAtOnce) {
  World world;
  const std::string id = world.pool("10.1.0.0/29", "", kLocalSpace,
                                    {{"quarantine", "0"}, {"sticky", "0"}, {"policy", "lowest"}});
  ASSERT_EQ(World::bare(world.endpoint(id, 1)), "10.1.0.1");
  world.release(id, "10.1.0.1");
  EXPECT_THAT(world.resting(), IsEmpty());
  EXPECT_EQ(World::bare(world.endpoint(id, 2)), "10.1.0.1");
}

TEST(Rest, GatewayAndAuxiliary_DoNotRest) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  ASSERT_TRUE(world.gateway(id).ok());
  ASSERT_TRUE(world.bare_at(id, "10.1.0.5").ok());
  world.release(id, "10.1.0.1");
  world.release(id, "10.1.0.5");
  EXPECT_THAT(world.resting(), IsEmpty());
}

TEST(Rest, OfSwarm_KeepsTheAddressFromTheNextTask) {
  World world;
  const std::string id = world.pool("10.1.0.0/24", "", kGlobalSpace);
  ASSERT_EQ(World::bare(world.swarm(id)), "10.1.0.1");
  world.release(id, "10.1.0.1");
  EXPECT_EQ(World::bare(world.swarm(id)), "10.1.0.2");
}

TEST(Sticky, SameNameWithANewMac_GetsItsFormerAddress) {
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  ASSERT_EQ(World::bare(named(world, id, 1, "web")), "10.1.0.1");
  ASSERT_EQ(World::bare(named(world, id, 2, "db")), "10.1.0.2");
  world.release(id, "10.1.0.1");
  world.release(id, "10.1.0.2");
  world.clock.advance(hours(2));
  world.reopen();
  EXPECT_EQ(World::bare(named(world, id, 11, "db")), "10.1.0.2");
  EXPECT_EQ(World::bare(named(world, id, 12, "web")), "10.1.0.1");
}

TEST(Sticky, AHundredContainersRestartedAtOnce_EachGetItsOwn) {  // Scenario 32
  World world;
  const std::string id = world.pool("10.1.0.0/25");
  std::map<std::string, std::string> first;
  for (int number = 1; number <= 100; ++number) {
    const std::string name = "c" + std::to_string(number);
    first[name] = World::bare(named(world, id, number, name));
  }
  for (const auto& [name, address] : first) world.release(id, address);
  for (int number = 100; number >= 1; --number) {
    const std::string name = "c" + std::to_string(number);
    EXPECT_EQ(World::bare(named(world, id, 1000 + number, name)), first[name]) << name;
  }
}

TEST(Sticky, PoolFullOfRetainedNames_GivesTheLongestUnused) {  // Scenario 34
  World world;
  const std::string id = world.pool("10.1.0.0/29", "", kLocalSpace, {{"sticky", "7d"}});
  for (int number = 1; number <= 6; ++number)
    ASSERT_TRUE(named(world, id, number, "c" + std::to_string(number)).ok());
  for (int number = 6; number >= 1; --number) {
    world.release(id, "10.1.0." + std::to_string(number));
    world.clock.advance(seconds(100));
  }
  EXPECT_EQ(World::bare(named(world, id, 50, "new")), "10.1.0.6");
  EXPECT_EQ(World::bare(named(world, id, 51, "c1")), "10.1.0.1") << "the others keep theirs";
}

TEST(Sticky, SameNameWhileTheOldRecordIsStale_TakesTheOldAddressOver) {  // Scenario 27
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  ASSERT_EQ(World::bare(named(world, id, 1, "web")), "10.1.0.1");  // its release never came
  EXPECT_EQ(World::bare(named(world, id, 2, "web")), "10.1.0.1");
  EXPECT_THAT(world.held(), ElementsAre("endpoint 10.1.0.1"));
  world.bind("10.1.0.0/24", "10.1.0.1");
  EXPECT_EQ(World::bare(named(world, id, 3, "web")), "10.1.0.2") << "an endpoint lives on the old one";
}

TEST(Sticky, Off_KeepsTheQuarantineOnly) {
  World world;
  const std::string id = world.pool("10.1.0.0/24", "", kLocalSpace, {{"sticky", "0"}});
  ASSERT_EQ(World::bare(named(world, id, 1, "web")), "10.1.0.1");
  world.release(id, "10.1.0.1");
  EXPECT_EQ(World::bare(named(world, id, 1, "web")), "10.1.0.2");
}

TEST(Clocks, JumpsOfTheWallClock_NeitherEndNorProlongAQuarantine) {  // Scenario 24
  for (const auto jump : {seconds(hours(24)), -seconds(hours(24))}) {
    SCOPED_TRACE(jump.count());
    World world;
    const std::string id = world.pool("10.1.0.0/29");
    for (int number = 1; number <= 6; ++number) ASSERT_TRUE(world.endpoint(id, number).ok());
    world.release(id, "10.1.0.3");
    world.clock.jump(jump);
    world.reopen();
    EXPECT_EQ(world.service().why(ip("10.1.0.3")).at(0).quarantine_left, 60);
    world.clock.advance(seconds(59));
    EXPECT_EQ(world.service().why(ip("10.1.0.3")).at(0).quarantine_left, 1);
    world.clock.advance(seconds(1));
    ASSERT_TRUE(world.endpoint(id, 7).ok());
    EXPECT_EQ(world.view_of(id).early_reuses, 0U);
  }
}

TEST(Clocks, RebootWithAClockThatLostItsTime_ContinuesTheQuarantine) {  // Scenario 24
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  ASSERT_TRUE(world.endpoint(id, 1).ok());
  world.release(id, "10.1.0.1");
  world.clock.reboot(-seconds(hours(24 * 365)));
  world.boot = "boot-2";
  world.reopen();
  const auto left = world.service().why(ip("10.1.0.1")).at(0).quarantine_left;
  EXPECT_GT(left, 0);
  EXPECT_LE(left, 60);
  world.clock.advance(seconds(60));
  EXPECT_EQ(world.service().why(ip("10.1.0.1")).at(0).quarantine_left, 0);
}

TEST(Policy, Lowest_ReusesTheLowestWhoseRestIsOver) {
  World world;
  const std::string id = world.pool("10.1.0.0/29", "", kLocalSpace, {{"policy", "lowest"}, {"sticky", "0"}});
  for (int number = 1; number <= 3; ++number) ASSERT_TRUE(world.endpoint(id, number).ok());
  world.release(id, "10.1.0.2");
  world.release(id, "10.1.0.1");
  EXPECT_EQ(World::bare(world.endpoint(id, 4)), "10.1.0.4") << "both are in quarantine";
  world.clock.advance(seconds(60));
  EXPECT_EQ(World::bare(world.endpoint(id, 5)), "10.1.0.1");
  EXPECT_EQ(World::bare(world.endpoint(id, 6)), "10.1.0.2");
  EXPECT_THAT(world.resting(), IsEmpty());
}

TEST(Policy, RestsThatAreOver_LeaveTheStore) {
  World world;
  const std::string id = world.pool("10.1.0.0/24", "", kLocalSpace, {{"policy", "serial"}, {"sticky", "0"}});
  for (int number = 1; number <= 5; ++number) ASSERT_TRUE(world.endpoint(id, number).ok());
  for (int number = 1; number <= 5; ++number) world.release(id, "10.1.0." + std::to_string(number));
  world.clock.advance(seconds(61));
  EXPECT_EQ(World::bare(world.endpoint(id, 6)), "10.1.0.6");
  world.reopen();
  EXPECT_THAT(world.resting(), IsEmpty());
  EXPECT_THAT(world.held(), ElementsAre("endpoint 10.1.0.6"));
}

TEST(Policy, Random_StaysInTheRangeAndGivesEverything) {
  World world;
  const std::string id = world.pool("10.1.0.0/24", "10.1.0.128/28", kLocalSpace, {{"policy", "random"}});
  std::set<std::string> given;
  for (int number = 1; number <= 16; ++number) given.insert(World::bare(world.endpoint(id, number)));
  EXPECT_EQ(given.size(), 16U);
  EXPECT_EQ(*given.begin(), "10.1.0.128");
  EXPECT_EQ(world.endpoint(id, 17).error().code, ErrorCode::kExhausted);
}

TEST(Exclude, Ranges_AreNeverGivenButMayBeAskedFor) {
  World world;
  const std::string id = world.pool("10.1.0.0/28", "", kLocalSpace,
                                    {{"exclude", "10.1.0.1-10.1.0.4,10.1.0.8/30,fd00::1,10.9.0.0/16"}});
  std::set<std::string> given;
  for (int number = 1; number <= 6; ++number) given.insert(World::bare(world.endpoint(id, number)));
  EXPECT_THAT(given, ElementsAre("10.1.0.12", "10.1.0.13", "10.1.0.14", "10.1.0.5", "10.1.0.6", "10.1.0.7"));
  EXPECT_EQ(
      world.endpoint(id, 7).error().message,
      "pool local/10.1.0.0/28 has no free address: 6 of 14 are held (0 gateway, 0 auxiliary, 6 endpoint, 0 "
      "swarm), 8 excluded; remove containers, or make the network anew with a larger --subnet or --ip-range "
      "(viaductctl address ls shows who holds them)");
  EXPECT_EQ(World::bare(world.endpoint_at(id, "10.1.0.9", 7)), "10.1.0.9");
  EXPECT_TRUE(world.service().why(ip("10.1.0.2")).at(0).excluded);
}

TEST(Exclude, AutomaticGateway_IsNoneOfThem) {
  World world;
  const Options options = {{"exclude", "10.1.0.1-10.1.0.4,10.1.0.8-10.1.0.255,fd00::-fd00::f"}};
  const std::string whole = world.pool("10.1.0.0/24", "", kLocalSpace, options);
  EXPECT_EQ(World::bare(world.gateway(whole)), "10.1.0.5");
  EXPECT_EQ(World::bare(world.gateway(whole)), "10.1.0.5") << "a network that shares the subnet";
  world.release_pool(whole);
  // Its range is not where gateways come from.
  const std::string ranged = world.pool("10.1.0.0/24", "10.1.0.4/30", kLocalSpace, options);
  EXPECT_EQ(World::bare(world.gateway(ranged)), "10.1.0.5");
  EXPECT_EQ(World::bare(world.gateway(ranged, "10.1.0.2")), "10.1.0.2") << "asked for by itself";
  world.release_pool(ranged);
  EXPECT_EQ(World::bare(world.gateway(world.pool("fd00::/64", "", kLocalSpace, options))), "fd00::10");
}

TEST(Exclude, NothingElseLeft_GivesNoGateway) {
  World world;
  const std::string id =
      world.pool("10.1.0.0/29", "", kLocalSpace, {{"exclude", "10.1.0.0/30,10.1.0.5-10.1.0.7"}});
  EXPECT_EQ(World::bare(world.endpoint(id, 1)), "10.1.0.4");
  EXPECT_EQ(world.gateway(id).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(World::bare(world.gateway(id, "10.1.0.1")), "10.1.0.1");
}

TEST(Exclude, FormerAddress_ComesBackOnlyWhenItIsAskedFor) {
  World world;
  const std::string id = world.pool("10.1.0.0/28", "", kLocalSpace, {{"exclude", "10.1.0.1-10.1.0.9"}});
  const AddressRequest anywhere{.pool_id = id, .address = {}, .mac = mac(1), .name = "web"};
  AddressRequest there = anywhere;
  there.address = ip("10.1.0.5");
  EXPECT_EQ(World::bare(world.ask(there)), "10.1.0.5");
  EXPECT_EQ(World::bare(world.ask(anywhere)), "10.1.0.5") << "the same endpoint, whose reply was lost";
  world.release(id, "10.1.0.5");
  EXPECT_EQ(World::bare(world.ask(anywhere)), "10.1.0.10");
  world.release(id, "10.1.0.10");
  EXPECT_EQ(World::bare(world.ask(there)), "10.1.0.5");
}

}  // namespace
}  // namespace viaduct::ipam::testing
