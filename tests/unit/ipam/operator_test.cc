// What operators ask and change: reservations, releases by hand, spill, orphans, export and import.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ReservationRecord reservation(const std::string& address, std::optional<Mac> for_mac,
                              const std::string& name = "") {
  return {
      .space = kLocalSpace, .address = ip(address), .mac = for_mac, .name = name, .note = "", .since = ""};
}

TEST(Reservation, ReservedAddress_IsItsOwnersAloneAlsoAfterARestart) {
  World world;
  ASSERT_TRUE(
      world.service().reserve({reservation("10.1.0.1", mac(7)), reservation("10.1.0.3", {}, "db")}).ok());
  const std::string id = world.pool("10.1.0.0/29");
  EXPECT_EQ(World::bare(world.endpoint(id, 1)), "10.1.0.2");
  EXPECT_EQ(World::bare(world.endpoint(id, 2)), "10.1.0.4");
  world.reopen();
  EXPECT_EQ(World::bare(world.endpoint(id, 7)), "10.1.0.1");
  EXPECT_EQ(World::bare(world.ask({.pool_id = id, .address = {}, .mac = mac(9), .name = "db"})), "10.1.0.3");
  EXPECT_EQ(world.service().reservations().size(), 2U);
}

TEST(Reservation, ExplicitRequestOfAnother_IsRefusedNamingWhoseItIs) {
  World world;
  ASSERT_TRUE(world.service().reserve({reservation("10.1.0.5", mac(7), "db")}).ok());
  const std::string id = world.pool("10.1.0.0/29");
  const auto refused = world.endpoint_at(id, "10.1.0.5", 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("name db"), HasSubstr("viaductctl address unreserve")));
  EXPECT_EQ(World::bare(world.endpoint_at(id, "10.1.0.5", 7)), "10.1.0.5");
  ASSERT_TRUE(world.service().unreserve(kLocalSpace, ip("10.1.0.5")).ok());
  world.release(id, "10.1.0.5");
  EXPECT_EQ(World::bare(world.endpoint_at(id, "10.1.0.5", 1)), "10.1.0.5");
}

TEST(Reservation, PoolThatIsFullButForIt_CountsIt) {
  World world;
  ASSERT_TRUE(world.service().reserve({reservation("10.1.0.2", mac(7))}).ok());
  const std::string id = world.pool("10.1.0.0/30");
  ASSERT_TRUE(world.endpoint(id, 1).ok());
  EXPECT_EQ(
      world.endpoint(id, 2).error().message,
      "pool local/10.1.0.0/30 has no free address: 1 of 2 are held (0 gateway, 0 auxiliary, 1 endpoint, 0 "
      "swarm), 1 reserved; remove containers, or make the network anew with a larger --subnet or --ip-range "
      "(viaductctl address ls shows who holds them)");
}

TEST(Reservation, ListWithOneBadRecord_ChangesNothing) {
  World world;
  EXPECT_FALSE(world.service().reserve({reservation("10.1.0.1", mac(7)), reservation("10.1.0.2", {})}).ok());
  EXPECT_FALSE(
      world.service().reserve({reservation("10.1.0.1", mac(7)), reservation("10.1.0.1", mac(8))}).ok());
  EXPECT_TRUE(world.service().reservations().empty());
}

TEST(ReleaseByHand, FreesWhatNobodyUses) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  ASSERT_TRUE(world.gateway(id).ok());
  ASSERT_EQ(World::bare(world.endpoint(id, 1)), "10.1.0.2");
  world.bind("10.1.0.0/29", "10.1.0.2");
  auto& service = world.service();
  EXPECT_EQ(service.release_by_operator(kLocalSpace, ip("10.1.0.2"), soon()).error().code,
            ErrorCode::kConflict);
  EXPECT_EQ(service.release_by_operator(kLocalSpace, ip("10.1.0.1"), soon()).error().code,
            ErrorCode::kConflict);
  EXPECT_EQ(service.release_by_operator(kLocalSpace, ip("10.1.0.6"), soon()).error().code,
            ErrorCode::kNotFound);
  world.unbind("10.1.0.0/29", "10.1.0.2");
  EXPECT_TRUE(service.release_by_operator(kLocalSpace, ip("10.1.0.2"), soon()).ok());
  EXPECT_THAT(world.resting(), IsEmpty());
}

TEST(PoolRemovedByHand, GoesWithAllInItUnlessSomebodyHasIt) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  ASSERT_EQ(world.pool("10.1.0.0/29"), id) << "two references";
  ASSERT_TRUE(world.gateway(id).ok());
  ASSERT_EQ(World::bare(world.endpoint(id, 1)), "10.1.0.2");
  auto& service = world.service();
  using Held = IpamService::Held;
  const auto refusal = [&](Held held) {
    const Status done = service.remove_pool_by_operator(id, held, soon());
    EXPECT_EQ(done.error().code, ErrorCode::kConflict);
    return done.ok() ? "" : done.error().message;
  };
  EXPECT_THAT(refusal(Held::kKeep), HasSubstr("1 addresses of pool local/10.1.0.0/29 are held by endpoints"));
  world.networks.insert(prefix("10.1.0.0/29"));
  EXPECT_THAT(refusal(Held::kDrop), HasSubstr("network n stands on pool local/10.1.0.0/29"));
  world.networks.clear();
  EXPECT_TRUE(service.remove_pool_by_operator(id, Held::kDrop, soon()).ok());
  EXPECT_THAT(world.held(), IsEmpty());
  EXPECT_TRUE(service.pools().empty());
  EXPECT_EQ(service.remove_pool_by_operator(id, Held::kDrop, soon()).error().code, ErrorCode::kNotFound);
  world.reopen();
  EXPECT_TRUE(world.service().pools().empty());
}

TEST(PoolRemovedByHand, GatewaysAndRestsDoNotKeepIt) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  ASSERT_TRUE(world.gateway(id).ok());
  ASSERT_TRUE(world.endpoint(id, 1).ok());
  world.release(id, "10.1.0.2");
  EXPECT_TRUE(world.service().remove_pool_by_operator(id, IpamService::Held::kKeep, soon()).ok());
  EXPECT_TRUE(world.service().pools().empty());
}

TEST(Spill, FullSubnet_GoesOnInTheNextAndReleasesThere) {  // Scenario 30
  World world;
  const Options options = {{"spill", "10.2.0.0/30"}};
  const std::string first = world.pool("10.1.0.0/30", "", kLocalSpace, options);
  const std::string second = world.pool("10.2.0.0/30", "", kLocalSpace, options);
  for (int number = 1; number <= 4; ++number) ASSERT_TRUE(world.endpoint(first, number).ok()) << number;
  EXPECT_THAT(world.held(), ElementsAre("endpoint 10.1.0.1", "endpoint 10.1.0.2", "endpoint 10.2.0.1",
                                        "endpoint 10.2.0.2"));
  const auto full = world.endpoint(first, 5);
  EXPECT_EQ(full.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(
      full.error().message,
      "pool local/10.1.0.0/30 has no free address: 2 of 2 are held (0 gateway, 0 auxiliary, 2 endpoint, 0 "
      "swarm); pool local/10.2.0.0/30 has no free address: 2 of 2 are held (0 gateway, 0 auxiliary, 2 "
      "endpoint, 0 swarm); remove containers, or make the network anew with a larger --subnet or --ip-range "
      "(viaductctl address ls shows who holds them)");
  // The engine knows the first pool only, also in a replay.
  EXPECT_EQ(world.endpoint_at(first, "10.2.0.1", 3).value().address.to_string(), "10.2.0.1/30");
  world.release(first, "10.2.0.1");
  EXPECT_EQ(World::bare(world.endpoint(first, 6)), "10.2.0.1");
  EXPECT_EQ(world.gateway(first).error().code, ErrorCode::kExhausted);
}

TEST(Orphans, OfAnOlderEpoch_RestOnceTheEngineIsPastItsReplay) {
  World world;
  world.new_engine(kFirstEngine);
  const std::string id = world.pool("10.1.0.0/29");
  world.networks.insert(prefix("10.1.0.0/29"));
  ASSERT_EQ(World::bare(world.endpoint(id, 1)), "10.1.0.1");
  ASSERT_EQ(World::bare(world.endpoint(id, 2)), "10.1.0.2");
  world.bind("10.1.0.0/29", "10.1.0.2");
  world.clock.advance(minutes(11));
  EXPECT_TRUE(world.service().why(ip("10.1.0.1")).at(0).orphan);
  EXPECT_EQ(world.service().orphans(), 1U);
  EXPECT_EQ(world.service().reclaim_orphans(soon()).value(), 0U)
      << "the same engine may still make the endpoint";

  world.new_engine(kSecondEngine);
  EXPECT_EQ(world.service().reclaim_orphans(soon()).value(), 0U) << "it may still claim them";
  world.pool("10.1.0.0/29");
  ASSERT_EQ(World::bare(world.endpoint(id, 3)), "10.1.0.3");
  EXPECT_EQ(world.service().reclaim_orphans(soon()).value(), 1U);
  EXPECT_THAT(world.resting(), ElementsAre("endpoint 10.1.0.1"));
  EXPECT_THAT(world.held(), ElementsAre("endpoint 10.1.0.2", "endpoint 10.1.0.3"));
  EXPECT_EQ(world.service().orphans(), 0U);
}

TEST(Orphans, Count_IsOfEndpointsGoneForTheGraceTimeOnNetworksOfViaduct) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  const std::string foreign = world.pool("10.2.0.0/29");
  const std::string global = world.pool("10.1.0.0/29", "", kGlobalSpace);
  const std::string lab = world.pool("10.3.0.0/29", "", kLocalSpace, {{"space", "lab"}});
  world.networks = {prefix("10.1.0.0/29"), prefix("10.3.0.0/29")};
  world.gateway(id).value();
  for (const std::string& one : {id, foreign, global, lab}) ASSERT_TRUE(world.endpoint(one, 1).ok());
  ASSERT_EQ(World::bare(world.endpoint(id, 2)), "10.1.0.3");
  world.release(id, "10.1.0.3");
  world.clock.advance(minutes(10));
  EXPECT_EQ(world.service().orphans(), 0U) << "their containers may be starting";
  world.clock.advance(seconds(1));
  EXPECT_EQ(world.service().orphans(), 2U);
  world.bind("10.1.0.0/29", "10.1.0.2");
  world.bind("10.3.0.0/29", "10.3.0.1", "endpoint e of network n", mac(7));
  EXPECT_EQ(world.service().orphans(), 1U) << "bound, but by the endpoint of another space";
  world.bind("10.3.0.0/29", "10.3.0.1", "endpoint e of network n", mac(1));
  EXPECT_EQ(world.service().orphans(), 0U);
}

TEST(Orphans, EndpointMadeAfterTheGraceTime_KeepsItsAddress) {  // Scenario 26
  World world;
  world.new_engine(kFirstEngine);
  const std::string id = world.pool("10.1.0.0/29");
  world.networks.insert(prefix("10.1.0.0/29"));
  ASSERT_EQ(World::bare(world.endpoint(id, 1)), "10.1.0.1");
  world.clock.advance(minutes(30));
  world.new_engine(kSecondEngine);
  world.pool("10.1.0.0/29");
  ASSERT_TRUE(world.endpoint(id, 2).ok());
  world.bind("10.1.0.0/29", "10.1.0.1");
  EXPECT_EQ(world.service().reclaim_orphans(soon()).value(), 0U);
}

TEST(Orphans, UnderAnotherDriver_AreNobodysToJudge) {
  World world;
  world.new_engine(kFirstEngine);
  const std::string id = world.pool("10.1.0.0/29");
  ASSERT_TRUE(world.endpoint(id, 1).ok());
  world.clock.advance(minutes(30));
  world.new_engine(kSecondEngine);
  world.pool("10.1.0.0/29");
  ASSERT_TRUE(world.endpoint(id, 2).ok());
  EXPECT_EQ(world.service().reclaim_orphans(soon()).value(), 0U);
  EXPECT_FALSE(world.service().why(ip("10.1.0.1")).at(0).orphan);
}

TEST(FailedStart, AThousandTimes_CostsNoAddress) {  // Scenario 25
  World world;
  const std::string id = world.pool("10.1.0.0/28");
  for (int number = 1; number <= 1000; ++number) {
    const auto reply = world.endpoint(id, number);
    ASSERT_TRUE(reply.ok()) << number << ": " << reply.error().message;
    world.release(id, World::bare(reply));
  }
  EXPECT_THAT(world.held(), IsEmpty());
}

TEST(PoolMap, Cells_AddUpToThePool) {
  World world;
  ASSERT_TRUE(world.service().reserve({reservation("10.1.0.9", mac(7))}).ok());
  const std::string id = world.pool("10.1.0.0/26", "", kLocalSpace, {{"exclude", "10.1.0.32/28"}});
  for (int number = 1; number <= 5; ++number) ASSERT_TRUE(world.endpoint(id, number + 100).ok());
  world.release(id, "10.1.0.2");
  for (const size_t cells : {size_t{1}, size_t{7}, size_t{62}, size_t{5000}}) {
    const PoolMap map = world.service().map_of(id, cells).value();
    MapCell sum;
    for (const MapCell& cell : map.cells) {
      sum.size += cell.size;
      sum.excluded += cell.excluded;
      sum.held += cell.held;
      sum.quarantined += cell.quarantined;
      sum.reserved += cell.reserved;
    }
    EXPECT_TRUE(sum.size == 62 && sum.excluded == 16) << cells;
    EXPECT_EQ(sum.held, 4U);
    EXPECT_EQ(sum.quarantined, 1U);
    EXPECT_EQ(sum.reserved, 1U);
    EXPECT_LE(map.cells.size(), std::max<size_t>(cells, 1));
  }
  EXPECT_EQ(world.service().map_of("local/10.9.0.0/24", 10).error().code, ErrorCode::kNotFound);
  const std::string huge = world.pool("fd00::/64");
  ASSERT_TRUE(world.endpoint(huge, 1).ok());
  EXPECT_EQ(world.service().map_of(huge, 64).value().cells.size(), 64U);
}

TEST(Transfer, ExportIntoAFreshState_GivesTheSameAnswers) {
  World from;
  const std::string id = from.pool("10.1.0.0/29", "", kLocalSpace, {{"sticky", "2h"}});
  ASSERT_TRUE(from.gateway(id).ok());
  ASSERT_EQ(World::bare(from.endpoint(id, 1)), "10.1.0.2");
  ASSERT_EQ(World::bare(from.endpoint(id, 2)), "10.1.0.3");
  from.release(id, "10.1.0.2");
  from.clock.advance(seconds(20));
  ASSERT_TRUE(from.service().reserve({reservation("10.1.0.6", mac(9))}).ok());
  const Json state = from.service().export_state();

  World to;
  const auto imported = to.service().import_state(state, soon());
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  EXPECT_TRUE(to.service().import_state(state, soon()).ok()) << "the same again";
  to.reopen();
  EXPECT_EQ(to.held(), from.held());
  EXPECT_EQ(to.resting(), from.resting());
  EXPECT_EQ(to.service().why(ip("10.1.0.2")).at(0).quarantine_left, 40);
  EXPECT_EQ(World::bare(to.endpoint(id, 9)), "10.1.0.6");
  EXPECT_EQ(World::bare(to.endpoint(id, 1)), "10.1.0.2");
}

TEST(Transfer, ImportWithOneConflict_ChangesNothing) {
  World from;
  const std::string id = from.pool("10.1.0.0/29");
  ASSERT_TRUE(from.endpoint(id, 1).ok());
  from.pool("10.3.0.0/24");
  const Json state = from.service().export_state();
  World to;
  to.pool("10.3.0.0/16");
  const auto refused = to.service().import_state(state, soon());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kOverlap);
  EXPECT_THAT(refused.error().message, HasSubstr("local/10.3.0.0/16"));
  EXPECT_EQ(to.service().pools().size(), 1U);
  EXPECT_TRUE(to.service().addresses().empty());
  EXPECT_FALSE(to.service().import_state(Json{{"format", "something"}}, soon()).ok());
  Json broken = state;
  broken["addresses"][0]["address"] = "10.1.0.99";
  EXPECT_EQ(to.service().import_state(broken, soon()).error().code, ErrorCode::kInvalidArgument);
}

TEST(NamedSpace, EndpointOfItsMac_IsBoundThere) {
  World world;
  const std::string id = world.pool("10.1.0.0/29", "", kLocalSpace, {{"space", "lab"}});
  ASSERT_EQ(World::bare(world.endpoint(id, 1)), "10.1.0.1");
  world.bind("10.1.0.0/29", "10.1.0.1", "endpoint e of network n", mac(1));
  world.release(id, "10.1.0.1");
  EXPECT_THAT(world.held(), ElementsAre("endpoint 10.1.0.1"))
      << "in use: it stays until the endpoint is gone";
  world.unbind("10.1.0.0/29", "10.1.0.1");
  ASSERT_TRUE(world.service().endpoint_deleted(prefix("10.1.0.0/29"), ip("10.1.0.1"), soon()).ok());
  EXPECT_THAT(world.held(), IsEmpty());
}

TEST(Avoid, DeniedPrefixes_AreNoAutomaticPools) {
  World world;
  world.avoid = {prefix("10.200.0.0/17")};
  world.reopen();
  EXPECT_EQ(world.request_pool("").value().pool, prefix("10.200.128.0/24"));
  EXPECT_TRUE(world.request_pool("10.200.3.0/24").ok()) << "who asks for it gets it";
}

}  // namespace
}  // namespace viaduct::ipam::testing
