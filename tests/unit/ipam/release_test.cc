#include <gmock/gmock.h>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Scenario 6.
TEST(ReleaseAddress, WhatWasNeverGiven_SucceedsAndChangesNothing) {
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  world.gateway(id).value();
  world.endpoint(id, 1).value();
  const Strings before = world.held();
  world.release(id, "10.1.0.77");
  world.release(id, "10.99.0.1");
  world.release(id, "fd00::1");
  world.release("", "10.1.0.1");
  world.release("local/10.9.0.0/24", "10.9.0.1");
  EXPECT_EQ(world.held(), before);
  world.release(id, "10.1.0.2");
  world.release(id, "10.1.0.2");
  EXPECT_THAT(world.held(), ElementsAre("gateway 10.1.0.1"));
}

TEST(ReleaseAddress, OfAnEndpointInNoContainer_TakesTheEndpointAlong) {
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  world.gateway(id).value();
  world.bare_at(id, "10.1.0.9").value();
  for (int number = 1; number <= 2; ++number) world.endpoint(id, number).value();
  world.bind("10.1.0.0/24", "10.1.0.3");
  for (const std::string address : {"10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.9"})
    world.release(id, address);
  EXPECT_THAT(world.unjoined_removed, ElementsAre("10.1.0.2"));
  const std::string global = world.pool("10.1.0.0/24", "", kGlobalSpace);
  world.release(global, World::bare(world.endpoint(global, 3)));
  EXPECT_THAT(world.unjoined_removed, ElementsAre("10.1.0.2"))
      << "containers have no addresses of that space";
}

TEST(ReleaseAddress, ThroughASiblingSubPool_Works) {
  World world;
  const std::string low = world.pool("10.1.0.0/24", "10.1.0.0/25");
  const std::string high = world.pool("10.1.0.0/24", "10.1.0.128/25");
  world.endpoint(low, 1).value();
  world.release(high, "10.1.0.1");
  EXPECT_THAT(world.held(), IsEmpty());
}

TEST(ReleaseAddress, GatewayOfTwoNetworks_GoesWithTheLast) {
  World world;
  const std::string id = world.pool("10.1.0.0/24", "10.1.0.0/25");
  const std::string other = world.pool("10.1.0.0/24", "10.1.0.128/25");
  world.gateway(id, "10.1.0.1").value();
  world.gateway(other, "10.1.0.1").value();
  world.release(id, "10.1.0.1");
  EXPECT_THAT(world.held(), ElementsAre("gateway 10.1.0.1"));
  world.reopen();
  world.release(other, "10.1.0.1");
  EXPECT_THAT(world.held(), IsEmpty());
}

TEST(ReleaseAddress, OfALiveEndpoint_StaysHeldUntilTheEndpointIsGone) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  world.endpoint(id, 1).value();
  world.bind("10.1.0.0/29", "10.1.0.1");
  world.release(id, "10.1.0.1");
  EXPECT_THAT(world.held(), ElementsAre("endpoint 10.1.0.1"));
  EXPECT_EQ(world.endpoint_at(id, "10.1.0.1", 2).error().code, ErrorCode::kConflict);
  world.reopen();
  world.unbind("10.1.0.0/29", "10.1.0.1");
  ASSERT_TRUE(world.service().endpoint_gone(prefix("10.1.0.0/29"), ip("10.1.0.1"), soon()).ok());
  EXPECT_THAT(world.held(), IsEmpty());
}

TEST(ReleaseAddress, OfALiveEndpoint_IsFreedByALaterRelease) {
  World world;
  const std::string id = world.pool("10.1.0.0/29");
  world.endpoint(id, 1).value();
  world.bind("10.1.0.0/29", "10.1.0.1");
  world.release(id, "10.1.0.1");
  world.unbind("10.1.0.0/29", "10.1.0.1");
  world.release(id, "10.1.0.1");
  EXPECT_THAT(world.held(), IsEmpty());
}

TEST(EndpointGone, OtherOwnersAndOtherPlaces_KeepTheirAddresses) {
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  const std::string global = world.pool("10.1.0.0/24", "", kGlobalSpace);
  world.gateway(id).value();
  world.bare_at(id, "10.1.0.7").value();
  world.swarm(global, "10.1.0.1").value();
  const Strings before = world.held();
  for (const std::string address : {"10.1.0.1", "10.1.0.7", "10.1.0.99", "10.2.0.1"})
    EXPECT_TRUE(world.service().endpoint_gone(prefix("10.1.0.0/24"), ip(address), soon()).ok());
  EXPECT_TRUE(world.service().endpoint_gone(prefix("10.9.0.0/24"), ip("10.9.0.1"), soon()).ok());
  EXPECT_EQ(world.held(), before);
  world.endpoint_at(id, "10.1.0.20", 1).value();
  EXPECT_TRUE(world.service().endpoint_gone(prefix("10.1.0.0/24"), ip("10.1.0.20"), soon()).ok());
  EXPECT_EQ(world.held(), before);
}

// Scenario 36.
TEST(ReleaseAddress, ManagerAndWorkerOnOneNode_HoldApart) {
  World world;
  const std::string leader = world.pool("10.60.0.0/24", "", kGlobalSpace);
  const std::string node = world.pool("10.60.0.0/24");
  EXPECT_EQ(World::text(world.swarm(leader, "10.60.0.4")), "10.60.0.4/24");
  EXPECT_EQ(World::text(world.endpoint_at(node, "10.60.0.4", 1)), "10.60.0.4/24");
  world.release(node, "10.60.0.4");
  EXPECT_THAT(world.held(), ElementsAre("swarm 10.60.0.4"));
  world.release(leader, "10.60.0.4");
  EXPECT_THAT(world.held(), IsEmpty());
}

// Scenario 25: what the engine gives back after a failed CreateEndpoint is free again.
TEST(ReleaseAddress, AThousandFailedEndpoints_LeaveTheCountWhereItWas) {
  World world;
  const std::string id = world.pool("10.1.0.0/28");
  world.gateway(id).value();
  for (int i = 0; i < 1000; ++i) {
    const auto reply = world.endpoint(id, i + 1);
    ASSERT_TRUE(reply.ok()) << reply.error().message;
    world.release(id, reply.value().address.address.to_string());
  }
  EXPECT_THAT(world.held(), ElementsAre("gateway 10.1.0.1"));
  EXPECT_TRUE(world.service().pools()[0].used == 1);
}

TEST(EndpointDeleted, AddressReleasedBefore_IsFreeAndOneThatWasNotStays) {
  // A DeleteEndpoint that failed once is followed by the engine's ReleaseAddress, which never comes again (trap T15).
  World world;
  const std::string id = world.pool("10.1.0.0/24");
  const std::string first = World::text(world.endpoint(id, 1));
  ASSERT_EQ(first, "10.1.0.1/24");
  world.bind("10.1.0.0/24", "10.1.0.1");
  ASSERT_TRUE(world.service().release_address(id, ip("10.1.0.1"), soon()).ok());
  EXPECT_EQ(world.held().size(), 1U);
  world.unbind("10.1.0.0/24", "10.1.0.1");
  ASSERT_TRUE(world.service().endpoint_deleted(prefix("10.1.0.0/24"), ip("10.1.0.1"), soon()).ok());
  EXPECT_TRUE(world.held().empty());

  ASSERT_TRUE(world.endpoint(id, 2).ok());
  ASSERT_TRUE(world.service().endpoint_deleted(prefix("10.1.0.0/24"), ip("10.1.0.2"), soon()).ok());
  EXPECT_EQ(world.held().size(), 1U);
}

}  // namespace
}  // namespace viaduct::ipam::testing
