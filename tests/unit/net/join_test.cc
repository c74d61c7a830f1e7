#include <gmock/gmock.h>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

const std::string kEndpoint = id_of('1');
const std::string kPeer = "vc1111111111111";

class Join : public testing::Test {
 protected:
  Join() {
    EXPECT_TRUE(world.service->create_network(network_request(kNetwork), soon()).ok());
    EXPECT_TRUE(world.service->create_endpoint(endpoint_request(kNetwork, kEndpoint), soon()).ok());
  }

  Result<JoinReply> join(const std::string& sandbox = "/sandbox/1") {
    return world.service->join({kNetwork, kEndpoint, sandbox}, soon());
  }
  Status leave() { return world.service->leave(kNetwork, kEndpoint, soon()); }
  EndpointRecord record() { return world.service->endpoints().at(0); }

  ServiceWorld world;
};

TEST_F(Join, NamesPeerPrefixAndGateway) {
  const auto reply = join().value();
  EXPECT_EQ(reply.source_name, kPeer);
  EXPECT_EQ(reply.destination_prefix, "eth");  // Trap T11.
  EXPECT_EQ(reply.gateway->to_string(), "10.1.0.1");
  EXPECT_FALSE(reply.gateway_ipv6.has_value());
}

TEST_F(Join, SandboxKey_SurvivesARestart) {
  ASSERT_TRUE(join().ok());
  world.reopen();
  EXPECT_EQ(record().sandbox_key, "/sandbox/1");
}

TEST_F(Join, UnknownNetworkOrEndpoint_IsNotFound) {
  EXPECT_EQ(world.service->join({id_of('b'), kEndpoint, "s"}, soon()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(world.service->join({kNetwork, id_of('2'), "s"}, soon()).error().code, ErrorCode::kNotFound);
}

TEST_F(Join, AfterLeave_MakesThePairAnew) {
  ASSERT_TRUE(join().ok());
  world.kernel.move_to_sandbox(kPeer);
  ASSERT_TRUE(leave().ok());
  EXPECT_EQ(record().sandbox_key, "");
  const auto again = join("/sandbox/2").value();
  EXPECT_EQ(world.link(again.source_name)->mac, record().mac);
  EXPECT_TRUE(world.link(record().host_link)->up);
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 1);
}

TEST_F(Join, RightAfterLeave_DoesNotMeetItsOwnDyingLink) {
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(join().ok()) << round;
    ASSERT_TRUE(leave().ok());
  }
  ASSERT_TRUE(world.reaped());
  EXPECT_FALSE(world.link(kHost).has_value());
}

TEST_F(Join, LeaveTakesThePairOutOfServiceAtOnce) {
  ASSERT_TRUE(join().ok());
  ASSERT_TRUE(leave().ok());
  const auto link = world.link(kHost);
  EXPECT_TRUE(!link || (!link->up && link->group == kDyingGroup));
}

TEST_F(Join, RepeatedWithThePeerInTheSandbox_LeavesTheRunningPairAlone) {
  ASSERT_TRUE(join().ok());
  const int index = world.link(kHost)->index;
  world.kernel.move_to_sandbox(kPeer);
  EXPECT_EQ(join().value().source_name, kPeer);
  EXPECT_EQ(world.link(kHost)->index, index);
}

TEST_F(Join, OfAnotherSandboxWithThePeerGone_MakesThePairAnew) {
  ASSERT_TRUE(join().ok());
  world.kernel.move_to_sandbox(kPeer);
  ASSERT_TRUE(join("/sandbox/2").ok());
  EXPECT_TRUE(world.link(record().peer_link).has_value());
  EXPECT_EQ(world.marked_links().size(), 2U);
}

TEST_F(Join, HostEndLost_MakesThePairAnew) {
  world.kernel.drop_link(kHost);
  ASSERT_TRUE(join().ok());
  EXPECT_TRUE(world.link(kHost).has_value());
}

TEST_F(Join, PeersNameTakenByAStranger_IsNotHandedToTheEngine) {
  world.kernel.move_to_sandbox(kPeer);
  Link stranger;
  stranger.name = kPeer;
  stranger.mac = Mac::parse("02:00:00:00:00:77").value();
  world.kernel.put_link(stranger);
  const auto reply = join().value();
  EXPECT_EQ(world.link(reply.source_name)->mac, record().mac);
}

TEST_F(Join, BridgeLost_BringsBackBridgeAndPort) {
  world.kernel.drop_link("vd-aaaaaaaaaaaa");
  ASSERT_TRUE(join().ok());
  EXPECT_EQ(world.link(kHost)->master, world.link("vd-aaaaaaaaaaaa")->index);
}

TEST_F(Join, DeleteEndpointWithoutLeave_UndoesTheJoin) {
  // What engines before 29 send when Join failed.
  ASSERT_TRUE(join().ok());
  ASSERT_TRUE(world.service->delete_endpoint(kNetwork, kEndpoint, soon()).ok());
  ASSERT_TRUE(world.reaped());
  EXPECT_FALSE(world.link(kHost).has_value());
  EXPECT_TRUE(world.service->endpoints().empty());
}

}  // namespace
}  // namespace viaduct::net
