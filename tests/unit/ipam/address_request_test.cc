#include <gmock/gmock.h>

#include <set>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(AutomaticAddress, InTurn_SkipsWhatIsHeld) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  EXPECT_EQ(World::text(world.gateway(id)), "10.1.0.1/29");
  EXPECT_TRUE(world.bare_at(id, "10.1.0.3").ok());
  EXPECT_EQ(World::text(world.endpoint(id, 1)), "10.1.0.2/29");
  EXPECT_EQ(World::text(world.endpoint(id, 2)), "10.1.0.4/29");
  EXPECT_THAT(world.held(), ElementsAre("gateway 10.1.0.1", "endpoint 10.1.0.2", "auxiliary 10.1.0.3",
                                        "endpoint 10.1.0.4"));
}

// Scenario 39: hosts that do not speak to one another, each with a part of one range.
TEST(AutomaticAddress, OfSlices_AreDistinctAndTogetherTheWholeRange) {
  std::set<std::string> given;
  for (const std::string slice : {"1/3", "2/3", "3/3"}) {
    World node;
    const std::string id = node.pool("10.1.0.0/24", "10.1.0.128/27", kLocalSpace, {{"slice", slice}});
    EXPECT_EQ(World::text(node.gateway(id)), "10.1.0.1/24") << "all nodes have the same";
    for (int number = 1; number < 40; ++number) {
      const auto reply = node.endpoint(id, number);
      if (!reply.ok()) {
        EXPECT_GE(number, 10);
        EXPECT_THAT(reply.error().message, HasSubstr("has no free address"));
        break;
      }
      EXPECT_TRUE(given.insert(World::text(reply)).second) << World::text(reply) << " twice";
      if (number == 5) node.reopen();
    }
    EXPECT_TRUE(node.bare_at(id, "10.1.0.200").ok()) << "what is named is given";
  }
  EXPECT_EQ(given.size(), 32U);
}

// Scenario 28: without pressure the one just released is not used.
TEST(AutomaticAddress, Released_IsNotReusedBeforeTheRangeWentRound) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  EXPECT_EQ(World::text(world.endpoint(id, 1)), "10.1.0.1/29");
  world.release(id, "10.1.0.1");
  for (const std::string next : {"10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.6", "10.1.0.1"})
    EXPECT_EQ(World::text(world.endpoint(id, 2 + next.back())), next + "/29");
}

TEST(AutomaticAddress, AfterReopen_GoesOnBehindTheHighest) {
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  world.endpoint(id, 1).value();
  world.endpoint(id, 2).value();
  world.release(id, "10.1.0.1");
  world.reopen();
  EXPECT_EQ(World::text(world.endpoint(id, 3)), "10.1.0.3/24");
}

TEST(AutomaticAddress, Exhausted_CountsByClass) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  world.gateway(id).value();
  world.bare_at(id, "10.1.0.6").value();
  for (int i = 0; i < 4; ++i) world.endpoint(id, i + 1).value();
  const auto reply = world.endpoint(id, 9);
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(
      reply.error().message,
      "pool local/10.1.0.0/29 has no free address: 6 of 6 are held (1 gateway, 1 auxiliary, 4 endpoint, 0 "
      "swarm); remove containers, or make the network anew with a larger --subnet or --ip-range (viaductctl "
      "address ls shows who holds them)");
  world.release(id, "10.1.0.3");
  EXPECT_EQ(World::text(world.endpoint(id, 9)), "10.1.0.3/29");
}

// Scenario 1: the reply was lost and the engine asks again.
TEST(AutomaticAddress, SameMacAgain_IsTheSameAnswer) {
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  EXPECT_EQ(World::text(world.endpoint(id, 7)), "10.1.0.1/24");
  EXPECT_EQ(World::text(world.endpoint(id, 7)), "10.1.0.1/24");
  world.reopen();
  EXPECT_EQ(World::text(world.endpoint(id, 7)), "10.1.0.1/24");
  EXPECT_THAT(world.held(), ElementsAre("endpoint 10.1.0.1"));
}

TEST(AutomaticAddress, SameMacOfALiveEndpoint_IsAnotherContainer) {
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  for (int container = 1; container <= 12; ++container) {
    const std::string given = "10.1.0." + std::to_string(container);
    EXPECT_EQ(World::text(world.endpoint(id, 7)), given + "/24");
    world.bind("10.1.0.0/24", given);
  }
}

TEST(AutomaticAddress, SameMacInAnotherSubPool_StaysInItsOwnRange) {
  World world;
  const std::string low = world.pool("10.1.0.0/24", "10.1.0.0/25");
  const std::string high = world.pool("10.1.0.0/24", "10.1.0.128/25");
  EXPECT_EQ(World::text(world.endpoint(low, 7)), "10.1.0.1/24");
  EXPECT_EQ(World::text(world.endpoint(high, 7)), "10.1.0.128/24");
}

// Scenario 27: a name alone does not tell a retry from another container of the same name.
TEST(AutomaticAddress, SameNameAgain_IsTheSameAnswer) {
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  const AddressRequest request{.pool_id = id, .address = {}, .mac = {}, .name = "web"};
  EXPECT_EQ(World::text(world.ask(request)), "10.1.0.1/24");
  EXPECT_EQ(World::text(world.ask(request)), "10.1.0.1/24");
}

TEST(AutomaticAddress, OneMacUnderTwoNames_IsTwoContainers) {
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  EXPECT_EQ(World::text(world.ask({.pool_id = id, .address = {}, .mac = mac(1), .name = "a"})),
            "10.1.0.1/24");
  EXPECT_EQ(World::text(world.ask({.pool_id = id, .address = {}, .mac = mac(1), .name = "b"})),
            "10.1.0.2/24");
}

TEST(AutomaticAddress, UsedByALiveEndpointWithoutRecord_IsPassedOver) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  world.bind("10.1.0.0/29", "10.1.0.1");
  world.bind("10.1.0.0/29", "10.1.0.2");
  EXPECT_EQ(World::text(world.gateway(id)), "10.1.0.3/29");
  EXPECT_EQ(World::text(world.endpoint(id, 1)), "10.1.0.4/29");
  EXPECT_THAT(world.held(), ElementsAre("gateway 10.1.0.3", "endpoint 10.1.0.4"));
  for (const std::string last : {"10.1.0.5", "10.1.0.6"}) world.bind("10.1.0.0/29", last);
  EXPECT_EQ(world.endpoint(id, 2).error().code, ErrorCode::kExhausted);
  world.unbind("10.1.0.0/29", "10.1.0.5");
  EXPECT_EQ(World::text(world.endpoint(id, 2)), "10.1.0.5/29");
}

TEST(AutomaticAddress, OtherSpaces_AreNotTheOtherHalfsBusiness) {
  World world;
  world.bind("10.1.0.0/24", "10.1.0.1");
  const std::string global = world.pool("10.1.0.0/24", "", kGlobalSpace);
  EXPECT_EQ(World::text(world.swarm(global)), "10.1.0.1/24");
  const std::string named = world.request_pool("10.1.0.0/24", "", kLocalSpace, {{"space", "x"}}).value().id;
  EXPECT_EQ(World::text(world.endpoint(named, 1)), "10.1.0.1/24");
}

// Scenario 8.
TEST(ExplicitAddress, OutsideTheSubPool_IsAcceptedForAllClasses) {
  World world;
  const std::string id = world.pool("10.1.0.0/24", "10.1.0.128/25");
  EXPECT_EQ(World::text(world.gateway(id, "10.1.0.1")), "10.1.0.1/24");
  EXPECT_EQ(World::text(world.bare_at(id, "10.1.0.2")), "10.1.0.2/24");
  EXPECT_EQ(World::text(world.endpoint_at(id, "10.1.0.3", 1)), "10.1.0.3/24");
  EXPECT_EQ(World::text(world.endpoint(id, 2)), "10.1.0.128/24");
}

// Scenario 8.
TEST(ExplicitAddress, EdgesOfThePool_FollowTheRfcs) {
  World world;
  const std::string wide = world.pool("10.2.0.0/23");
  EXPECT_EQ(World::text(world.gateway(wide, "10.2.1.0")), "10.2.1.0/23") << ".0 in the middle of a /23";
  EXPECT_EQ(World::text(world.endpoint_at(wide, "10.2.0.255", 1)), "10.2.0.255/23");
  for (const std::string bad : {"10.2.0.0", "10.2.1.255", "10.2.2.0", "fd00::1"})
    EXPECT_EQ(world.gateway(wide, bad).error().code, ErrorCode::kInvalidArgument) << bad;
  EXPECT_THAT(world.gateway(wide, "10.2.0.0").error().message, HasSubstr("is the network address"));

  const std::string pair = world.pool("10.3.0.0/31");
  EXPECT_EQ(World::text(world.gateway(pair)), "10.3.0.0/31");
  EXPECT_EQ(World::text(world.endpoint(pair, 1)), "10.3.0.1/31");
  EXPECT_EQ(world.endpoint(pair, 2).error().code, ErrorCode::kExhausted);

  const std::string one = world.pool("10.3.0.2/32");
  EXPECT_EQ(World::text(world.gateway(one)), "10.3.0.2/32");
  EXPECT_EQ(world.endpoint(one, 1).error().code, ErrorCode::kExhausted);

  EXPECT_EQ(World::text(world.gateway(world.pool("fd00::/127"))), "fd00::/127");
  EXPECT_EQ(World::text(world.gateway(world.pool("fd00::2/128"))), "fd00::2/128");
  const std::string six = world.pool("fd01::/64");
  EXPECT_EQ(World::text(world.gateway(six)), "fd01::1/64");
  EXPECT_EQ(world.gateway(six, "fd01::").error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(world.endpoint_at(six, "fd01::ffff:ffff:ffff:ffff", 1).ok());
}

TEST(ExplicitAddress, HeldByAnotherOfThisEpoch_IsAConflictNamingTheHolder) {
  World world;
  world.new_engine(kFirstEngine);
  const std::string id = world.pool("10.1.0.0/24");
  world.ask({.pool_id = id, .address = ip("10.1.0.5"), .mac = mac(1), .name = "web"}).value();
  const auto reply = world.endpoint_at(id, "10.1.0.5", 2);
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::kConflict);
  EXPECT_EQ(reply.error().message,
            "address 10.1.0.5 of pool local/10.1.0.0/24 is held by endpoint (MAC 02:00:00:00:00:01, name "
            "web) since "
            "2026-01-31T00:00:00Z; choose another --ip, or remove its holder");
  EXPECT_EQ(world.gateway(id, "10.1.0.5").error().code, ErrorCode::kConflict);
  EXPECT_EQ(world.bare_at(id, "10.1.0.5").error().code, ErrorCode::kConflict);
  EXPECT_EQ(World::text(world.endpoint_at(id, "10.1.0.5", 1)), "10.1.0.5/24") << "the same key";
}

TEST(ExplicitAddress, UsedByALiveEndpointWithoutRecord_IsAConflictNamingIt) {
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  world.bind("10.1.0.0/24", "10.1.0.5", "endpoint 3f2a of network 9c1b");
  const auto reply = world.endpoint_at(id, "10.1.0.5", 2);
  EXPECT_THAT(reply.error().message,
              HasSubstr("is held by endpoint 3f2a of network 9c1b; choose another --ip"));
  EXPECT_EQ(World::text(world.bare_at(id, "10.1.0.5")), "10.1.0.5/24") << "its replay";
  EXPECT_THAT(world.held(), ElementsAre("endpoint 10.1.0.5"));
}

TEST(Gateway, AskedForAgain_IsTheSame) {
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  EXPECT_EQ(World::text(world.gateway(id, "10.1.0.9")), "10.1.0.9/24");
  EXPECT_EQ(World::text(world.gateway(id)), "10.1.0.9/24");
  EXPECT_EQ(World::text(world.gateway(id, "10.1.0.9")), "10.1.0.9/24");
  EXPECT_THAT(world.held(), ElementsAre("gateway 10.1.0.9"));
}

TEST(Gateway, WithSubPool_IsTheLowestOfTheParent) {
  World world;
  EXPECT_EQ(World::text(world.gateway(world.pool("10.1.0.0/24", "10.1.0.128/25"))), "10.1.0.1/24");
}

TEST(RequestAddress, UnknownPool_IsNotFound) {
  World world;
  const auto reply = world.endpoint("local/10.9.0.0/24", 1);
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(reply.error().message, HasSubstr("no pool \"local/10.9.0.0/24\" is held; "));
}

TEST(AutomaticAddress, RandomPolicy_SpreadsOverTheWholePool) {
  World world;
  const std::string pool = world.pool("10.0.0.0/8", "", kLocalSpace, {{"policy", "random"}});
  std::set<int> parts;  // sixteenths of the pool
  for (int number = 0; number < 64; ++number) {
    const auto given = world.endpoint(pool, number);
    ASSERT_TRUE(given.ok()) << given.error().message;
    parts.insert(given.value().address.address.bytes()[1] / 16);
  }
  // Fewer than 8 of 16 by chance: less than once in 10^18 runs.
  EXPECT_GE(parts.size(), 8U);
}

}  // namespace
}  // namespace viaduct::ipam::testing
