#include <gmock/gmock.h>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(RequestPool, SameKey_IsTheSamePoolWithOneMoreReference) {
  World world;
  EXPECT_EQ(world.pool("10.1.0.0/24"), "local/10.1.0.0/24");
  EXPECT_EQ(world.pool("10.1.0.0/24"), "local/10.1.0.0/24");
  EXPECT_EQ(world.refs("local/10.1.0.0/24"), 2);
  world.release_pool("local/10.1.0.0/24");
  EXPECT_EQ(world.refs("local/10.1.0.0/24"), 1);
  world.release_pool("local/10.1.0.0/24");
  EXPECT_THAT(world.service().pools(), IsEmpty());
}

// Scenario 10.
TEST(RequestPool, OverlapInOneSpace_IsRefusedNamingTheHolder) {
  World world;
  world.pool("10.1.0.0/24");
  for (const std::string other : {"10.1.0.0/25", "10.1.0.128/25", "10.0.0.0/8", "10.1.0.7/32"}) {
    const auto reply = world.request_pool(other);
    ASSERT_FALSE(reply.ok()) << other;
    EXPECT_EQ(reply.error().code, ErrorCode::kOverlap);
    EXPECT_EQ(reply.error().message,
              "pool " + other +
                  " overlaps local/10.1.0.0/24, which is held since 2026-01-31T00:00:00Z; "
                  "choose another --subnet, or remove the network that uses it");
  }
  EXPECT_TRUE(world.request_pool("10.1.1.0/24").ok());
  EXPECT_TRUE(world.request_pool("10.0.255.0/24").ok());
}

TEST(RequestPool, OverlapWithAPoolOfANetworkHere_NamesTheNetwork) {
  World world;
  world.networks.insert(prefix("10.1.0.0/24"));
  world.pool("10.1.0.0/24");
  world.pool("10.1.0.0/24", "", kLocalSpace, {{"space", "lab"}});
  EXPECT_EQ(
      world.request_pool("10.1.0.0/16").error().message,
      "pool 10.1.0.0/16 overlaps local/10.1.0.0/24, which is held since 2026-01-31T00:00:00Z for network n; "
      "choose another --subnet, or remove that network");
  EXPECT_EQ(
      world.request_pool("10.1.0.0/16", "", kLocalSpace, {{"space", "lab"}}).error().message,
      "pool 10.1.0.0/16 overlaps local.lab/10.1.0.0/24, which is held since 2026-01-31T00:00:00Z; choose "
      "another --subnet, or remove the network that uses it")
      << "the network is on the pool of the plain space, for all that is known";
}

// Scenarios 10 and 36.
TEST(RequestPool, SamePrefixInOtherSpaces_IsAnotherPool) {
  World world;
  const std::string local = world.pool("10.1.0.0/24");
  const std::string global = world.pool("10.1.0.0/24", "", kGlobalSpace);
  const auto named = world.request_pool("10.1.0.0/24", "", kLocalSpace, {{"space", "lab"}});
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named.value().id, "local.lab/10.1.0.0/24");
  world.release_pool(local);
  EXPECT_EQ(world.refs(global), 1);
  EXPECT_EQ(world.refs("local.lab/10.1.0.0/24"), 1);
}

TEST(RequestPool, DisjointSubPools_ShareTheirParent) {
  World world;
  const std::string low = world.pool("10.1.0.0/24", "10.1.0.0/25");
  const std::string high = world.pool("10.1.0.0/24", "10.1.0.128/25");
  EXPECT_EQ(World::text(world.endpoint(low, 1)), "10.1.0.1/24");
  EXPECT_EQ(World::text(world.endpoint(high, 2)), "10.1.0.128/24");
  EXPECT_THAT(world.endpoint_at(low, "10.1.0.128", 3).error().message, HasSubstr("is held by endpoint"));
}

TEST(RequestPool, OverlappingSubPoolOrTheWholeParent_IsRefused) {
  World world;
  world.pool("10.1.0.0/24", "10.1.0.0/25");
  const auto inside = world.request_pool("10.1.0.0/24", "10.1.0.64/26");
  EXPECT_EQ(inside.error().code, ErrorCode::kOverlap);
  EXPECT_EQ(
      inside.error().message,
      "pool 10.1.0.0/24 with sub-pool 10.1.0.64/26 overlaps local/10.1.0.0/24/10.1.0.0/25, which is held "
      "since 2026-01-31T00:00:00Z; choose another --ip-range, or remove the network that uses it");
  EXPECT_EQ(world.request_pool("10.1.0.0/24").error().code, ErrorCode::kOverlap);
}

TEST(ReleasePool, OneOfTwoSubPools_FreesItsOwnRangeOnly) {
  World world;
  const std::string low = world.pool("10.1.0.0/24", "10.1.0.0/25");
  const std::string high = world.pool("10.1.0.0/24", "10.1.0.128/25");
  world.endpoint(low, 1).value();
  world.endpoint(high, 2).value();
  world.release_pool(low);
  EXPECT_THAT(world.held(), ElementsAre("endpoint 10.1.0.128"));
  world.release_pool(high);
  EXPECT_THAT(world.held(), IsEmpty());
}

// Scenario 7.
TEST(ReleasePool, WithAuxiliaryAddresses_FreesAllAndTheSameCreateSucceeds) {
  World world;
  for (int round = 0; round < 2; ++round) {
    const std::string id = world.pool("10.1.0.0/24");
    for (const std::string aux : {"10.1.0.5", "10.1.0.6", "10.1.0.7"})
      EXPECT_TRUE(world.bare_at(id, aux).ok());
    world.release_pool(id);
    EXPECT_THAT(world.held(), IsEmpty());
    world.reopen();
    EXPECT_THAT(world.held(), IsEmpty());
  }
}

TEST(ReleasePool, UnknownId_Succeeds) {
  World world;
  world.release_pool("");
  world.release_pool("local/10.9.0.0/24");
  world.release_pool("nonsense");
}

// Scenario 9.
TEST(AutomaticPool, ThirtyTwoNetworksBesideHostRoutes_OverlapNothing) {
  World world;
  world.host_prefixes = {prefix("10.200.0.0/24"), prefix("10.200.3.17/32"), prefix("10.200.16.0/20")};
  std::vector<Prefix> given;
  for (int i = 0; i < 32; ++i) {
    const auto reply = world.request_pool("");
    ASSERT_TRUE(reply.ok()) << reply.error().message;
    for (const Prefix& other : given) EXPECT_FALSE(other.overlaps(reply.value().pool));
    for (const Prefix& route : world.host_prefixes) EXPECT_FALSE(route.overlaps(reply.value().pool));
    given.push_back(reply.value().pool);
  }
}

// Scenario 9, trap T21: the engine asks again while it holds what it rejected.
TEST(AutomaticPool, RejectedOnes_AreHeldUntilReleasedAndThenFree) {
  World world;
  std::vector<std::string> rejected;
  for (int i = 0; i < 3; ++i) rejected.push_back(world.pool(""));
  EXPECT_THAT(rejected, ElementsAre("local/10.200.0.0/24", "local/10.200.1.0/24", "local/10.200.2.0/24"));
  for (const auto& id : rejected) world.release_pool(id);
  EXPECT_EQ(world.pool(""), "local/10.200.0.0/24");
}

TEST(AutomaticPool, Exhausted_SaysSoAndEndsTheEnginesLoop) {
  World world;
  world.sources = {{prefix("10.200.0.0/23"), 24}};
  world.reopen();
  world.pool("");
  world.pool("");
  const auto reply = world.request_pool("");
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(
      reply.error().message,
      "no automatic IPv4 pool is left in 10.200.0.0/23:24; give a --subnet, remove networks, or configure "
      "more with --pools");
}

TEST(AutomaticPool, RoutesUnknown_FailsInsteadOfGuessing) {
  World world;
  world.routes_fail = true;
  const auto reply = world.request_pool("");
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(reply.error().message, HasSubstr("netlink is away"));
  EXPECT_TRUE(world.request_pool("10.1.0.0/24").ok()) << "an explicit pool needs no routes";
}

TEST(AutomaticPool, LengthWish_IsHonoured) {
  World world;
  EXPECT_EQ(world.request_pool("0.0.0.0/27").value().pool, prefix("10.200.0.0/27"));
  EXPECT_EQ(world.request_pool("", "", kLocalSpace, {{"size", "28"}}).value().pool, prefix("10.200.0.32/28"));
}

TEST(AutomaticPool, ReplayedExplicitly_StaysAutomatic) {
  World world;
  world.pool("");
  world.pool("10.200.0.0/24");
  ASSERT_EQ(world.service().pools().size(), 1U);
  EXPECT_TRUE(world.service().pools()[0].automatic);
}

TEST(AutomaticPool, Ipv6WithoutSource_ComesFromOneUniqueLocalPrefixForEver) {
  World world;
  PoolRequest request{
      .space = kLocalSpace, .pool = {}, .sub_pool = {}, .options = {}, .family = Family::kIpv6};
  const Prefix first = world.service().request_pool(request, soon()).value().pool;
  EXPECT_EQ(first.length(), 64);
  EXPECT_TRUE(prefix("fd00::/8").contains(first));
  world.reopen();
  const Prefix second = world.service().request_pool(request, soon()).value().pool;
  EXPECT_NE(second, first);
  EXPECT_TRUE(Prefix(first.first(), 48).contains(second));
  World other;
  EXPECT_FALSE(
      Prefix(first.first(), 48).contains(other.service().request_pool(request, soon()).value().pool));
}

TEST(AutomaticPool, Ipv6WithSource_ComesFromIt) {
  World world;
  world.sources.push_back({prefix("fd12::/32"), 56});
  world.reopen();
  EXPECT_EQ(world.request_pool("::/80").value().pool, prefix("fd12::/80"));
}

// Scenario 11.
TEST(RequestPool, HugePools_AreServedLikeSmallOnes) {
  World world;
  for (const std::string huge : {"10.0.0.0/8", "fd00:1::/56", "fd00:2::/64", "2000::/3"}) {
    const std::string id = world.pool(huge);
    EXPECT_EQ(World::text(world.endpoint(id, 1)),
              prefix(huge).first().plus(1).to_string() + "/" + std::to_string(prefix(huge).length()));
  }
  const std::string wide = world.pool("fc00::/8", "fc00::/16");
  EXPECT_EQ(World::text(world.endpoint(wide, 1)), "fc00::1/8");
}

TEST(HoldsPool, NamedLocalSpaces_CountAsTheLocalOne) {
  World world;
  const auto named = [&](const std::string& name, const std::string& space = kLocalSpace) {
    return world.request_pool("10.1.0.0/24", "", space, {{"space", name}}).value().id;
  };
  const std::string a = named("a");
  const std::string since = world.service().pools().at(0).since;
  world.clock.advance(std::chrono::seconds(60));
  const std::string b = named("b");
  named("c", kGlobalSpace);
  EXPECT_TRUE(world.holds("10.1.0.0/24", since));
  world.release_pool(a);
  EXPECT_FALSE(world.holds("10.1.0.0/24", since)) << "the other one is younger";
  EXPECT_TRUE(world.holds("10.1.0.0/24"));
  world.release_pool(b);
  EXPECT_FALSE(world.holds("10.1.0.0/24"));
}

TEST(HoldsPool, GlobalSpace_DoesNotCount) {
  World world;
  world.pool("10.1.0.0/24", "", kGlobalSpace);
  EXPECT_FALSE(world.holds("10.1.0.0/24"));
  const std::string id = world.pool("10.1.0.0/24");
  EXPECT_TRUE(world.holds("10.1.0.0/24"));
  EXPECT_FALSE(world.holds("10.1.0.0/25"));
  world.release_pool(id);
  EXPECT_FALSE(world.holds("10.1.0.0/24"));
}

TEST(Pools, View_CountsCapacityAndUse) {
  World world;
  const std::string id = world.pool("10.1.0.0/24", "10.1.0.128/25");
  world.gateway(id, "10.1.0.1").value();
  world.endpoint(id, 1).value();
  const auto views = world.service().pools();
  ASSERT_EQ(views.size(), 1U);
  EXPECT_EQ(views[0].id, id);
  EXPECT_TRUE(views[0].capacity == 127) << "128 … 254";
  EXPECT_TRUE(views[0].used == 1) << "the gateway lies outside";
  EXPECT_EQ(views[0].since, "2026-01-31T00:00:00Z");
}

TEST(Open, RecordsThatContradictEachOther_AreRefused) {
  const std::string pool = R"({"space":"local","pool":"10.1.0.0/24","since":"2026-01-31T00:00:00Z"})";
  const std::string wider = R"({"space":"local","pool":"10.0.0.0/8","since":"2026-01-31T00:00:00Z"})";
  const std::string address =
      R"({"space":"local","pool":"10.1.0.0/24","address":"10.1.0.7","owner":"endpoint","since":"2026-01-31T00:00:00Z"})";
  const std::vector<std::vector<store::Write>> damages = {
      {{store::Table::kPool, "local/10.1.0.0/24", pool}, {store::Table::kPool, "local/10.0.0.0/8", wider}},
      {{store::Table::kAddress, "local/10.1.0.0/24/10.1.0.7", address}},
      {{store::Table::kPool, "local/10.2.0.0/24", pool}},
      {{store::Table::kMeta, "ula", R"({"prefix":"10.0.0.0/8"})"}},
      {{store::Table::kMeta, "epoch", R"({"local":"x"})"}},
  };
  for (const auto& damage : damages) {
    store::MemoryStore store;
    ASSERT_TRUE(store.commit({{}, damage}).ok());
    const ManualClock clock{std::chrono::sys_seconds{}};
    const auto service = IpamService::open(store, clock, {}, {});
    ASSERT_FALSE(service.ok());
    EXPECT_EQ(service.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(service.error().message, HasSubstr(damage.back().key));
  }
}

}  // namespace
}  // namespace viaduct::ipam::testing
