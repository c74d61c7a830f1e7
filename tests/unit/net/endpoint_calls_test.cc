#include <gmock/gmock.h>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EndpointCalls : public testing::Test {
 protected:
  EndpointCalls() { EXPECT_TRUE(world.service->create_network(network_request(kNetwork), soon()).ok()); }

  Result<CreateEndpointReply> create(const CreateEndpointRequest& asked) {
    return world.service->create_endpoint(asked, soon());
  }
  Status remove(char id) { return world.service->delete_endpoint(kNetwork, id_of(id), soon()); }
  Status leave(char id) { return world.service->leave(kNetwork, id_of(id), soon()); }
  Status program(char id, std::vector<PortBinding> ports) {
    return world.service->program_external_connectivity({kNetwork, id_of(id), std::move(ports)}, soon());
  }

  ServiceWorld world;
  CreateEndpointRequest request = endpoint_request(kNetwork, id_of('1'));
};

TEST_F(EndpointCalls, Create_MakesThePairOnTheBridgeAndARecord) {
  ASSERT_TRUE(create(request).ok());
  const auto host = world.link("ve1111111111111");
  ASSERT_TRUE(host.has_value());
  EXPECT_EQ(host->master, world.link(kBridge)->index);
  EXPECT_TRUE(host->up);
  EXPECT_EQ(host->alias, "viaduct/inst/endpoint/" + id_of('1'));
  EXPECT_EQ(world.link("vc1111111111111")->mac->to_string(), "02:42:0a:01:00:02");
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 1);
}

TEST_F(EndpointCalls, Create_AsksTheKernelOnce) {
  const int before = world.kernel.gate().operations();
  ASSERT_TRUE(create(request).ok());
  EXPECT_EQ(world.kernel.gate().operations() - before, 1);
}

TEST_F(EndpointCalls, Reply_HoldsOnlyWhatTheRequestLeftOpen) {
  // Scenario 5, trap T9.
  EXPECT_EQ(create(request).value().mac->to_string(), "02:42:0a:01:00:02");
  auto given = endpoint_request(kNetwork, id_of('2'), "10.1.0.3/24");
  given.mac = Mac::parse("02:00:00:00:00:09").value();
  EXPECT_FALSE(create(given).value().mac.has_value());
}

TEST_F(EndpointCalls, CreateTwice_GetsTheFirstAnswerAndNoSecondPair) {
  // Scenario 3.
  auto without_address = endpoint_request(kNetwork, id_of('1'), "");
  const auto first = create(without_address).value();
  EXPECT_EQ(create(without_address).value().mac, first.mac);
  EXPECT_EQ(world.marked_links().size(), 2U);
}

TEST_F(EndpointCalls, CreateTwiceWithOtherParameters_IsRefused) {
  ASSERT_TRUE(create(request).ok());
  request.ipv4 = address("10.1.0.9/24");
  EXPECT_EQ(create(request).error().code, ErrorCode::kAlreadyExists);
}

TEST_F(EndpointCalls, CreateAgainAfterTheLinksVanished_MakesThemAnew) {
  ASSERT_TRUE(create(request).ok());
  world.kernel.drop_link("ve1111111111111");
  ASSERT_TRUE(create(request).ok());
  EXPECT_TRUE(world.link("ve1111111111111").has_value());
}

TEST_F(EndpointCalls, UnknownNetwork_IsNotFound) {
  EXPECT_EQ(create(endpoint_request(id_of('b'), id_of('1'))).error().code, ErrorCode::kNotFound);
}

// The engine died between CreateEndpoint and Join, and the container starts again with its --ip.
TEST_F(EndpointCalls, AddressOfAnEndpointThatNobodyJoined_GoesToTheNext) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(create(endpoint_request(kNetwork, id_of('2'), "10.1.0.2/24")).ok());
  ASSERT_TRUE(world.reaped());
  EXPECT_THAT(world.marked_links(), ElementsAre(kBridge, "ve2222222222222"));
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 1);
}

TEST_F(EndpointCalls, AddressOfALiveEndpoint_IsAConflictThatNamesTheHolder) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(world.service->join({kNetwork, id_of('1'), "/sandbox"}, soon()).ok());
  const auto second = create(endpoint_request(kNetwork, id_of('2'), "10.1.0.2/24"));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message,
              HasSubstr("address 10.1.0.2 is in use on network aaaaaaaaaaaa by endpoint 1111"));
  EXPECT_EQ(world.service->endpoints().size(), 1U);
}

TEST_F(EndpointCalls, MacOfALiveEndpoint_IsAConflict) {
  ASSERT_TRUE(create(request).ok());
  auto second = endpoint_request(kNetwork, id_of('2'), "10.1.0.3/24");
  second.mac = Mac::parse("02:42:0a:01:00:02").value();
  EXPECT_THAT(create(second).error().message, HasSubstr("MAC 02:42:0a:01:00:02 is in use"));
}

TEST_F(EndpointCalls, DerivedMacInUse_AnotherIsMade) {
  auto first = endpoint_request(kNetwork, id_of('1'), "10.1.0.9/24");
  first.mac = Mac::from_ipv4(address("10.1.0.2/24").address);
  ASSERT_TRUE(create(first).ok());
  const auto second = create(endpoint_request(kNetwork, id_of('2'), "10.1.0.2/24"));
  ASSERT_TRUE(second.ok());
  EXPECT_NE(second.value().mac, first.mac);
}

TEST_F(EndpointCalls, HolderWithoutLinks_IsForgottenForTheNewOne) {
  auto old = endpoint_request(kNetwork, id_of('1'), "10.1.0.2/24");
  old.ipv4 = address("10.1.0.7/24");
  old.mac = Mac::parse("02:00:00:00:00:09").value();
  ASSERT_TRUE(create(old).ok());
  world.kernel.drop_link("ve1111111111111");
  auto fresh = endpoint_request(kNetwork, id_of('2'), "10.1.0.8/24");
  fresh.mac = old.mac;
  ASSERT_TRUE(create(fresh).ok());
  ASSERT_EQ(world.service->endpoints().size(), 1U);
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 1);
  EXPECT_THAT(world.given_back(), ElementsAre("10.1.0.7 of 10.1.0.0/24"));
}

TEST_F(EndpointCalls, HolderWithoutLinksOfTheSameAddress_IsForgottenAndTheAddressKept) {
  ASSERT_TRUE(create(request).ok());
  world.kernel.drop_link("ve1111111111111");
  ASSERT_TRUE(create(endpoint_request(kNetwork, id_of('2'), "10.1.0.2/24")).ok());
  EXPECT_TRUE(world.given_back().empty()) << "the new endpoint has it";
}

TEST_F(EndpointCalls, TwoIdsWithOneBeginning_GetTwoPairs) {
  // Scenario 45.
  std::string twin(13, '1');
  twin.append(51, '2');
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(create(endpoint_request(kNetwork, twin, "10.1.0.3/24")).ok());
  EXPECT_EQ(world.marked_links().size(), 3U);
  ASSERT_TRUE(world.service->delete_endpoint(kNetwork, twin, soon()).ok());
  ASSERT_TRUE(world.reaped());
  EXPECT_TRUE(world.link("ve1111111111111").has_value()) << "the other one's links stay";
}

TEST_F(EndpointCalls, NamesTakenByStrangers_OtherNamesAreChosen) {
  for (const char* name : {"ve1111111111111", "vc2222222222222"}) {
    Link stranger;
    stranger.name = name;
    world.kernel.put_link(stranger);
  }
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(create(endpoint_request(kNetwork, id_of('2'), "10.1.0.3/24")).ok());
  EXPECT_EQ(world.marked_links().size(), 3U);
  ASSERT_TRUE(world.service->delete_network(kNetwork, soon()).ok());
  EXPECT_TRUE(world.empty_after_reaping());
  EXPECT_TRUE(world.link("ve1111111111111").has_value());
  EXPECT_TRUE(world.link("vc2222222222222").has_value());
}

TEST_F(EndpointCalls, LeftoverPairOfACrash_IsReplaced) {
  ASSERT_TRUE(world.kernel
                  .create_veth({"ve1111111111111", "vc1111111111111", "viaduct/inst/endpoint/" + id_of('1'),
                                kBridge, 1500, std::nullopt, PortIsolation::kOff})
                  .ok());
  const int old_index = world.link("ve1111111111111")->index;
  ASSERT_TRUE(create(request).ok());
  EXPECT_NE(world.link("ve1111111111111")->index, old_index);
}

TEST_F(EndpointCalls, BridgeRemovedBySomebody_IsMadeAnewAndCarriesAllEndpoints) {
  ASSERT_TRUE(create(request).ok());
  world.kernel.drop_link(kBridge);
  ASSERT_TRUE(create(endpoint_request(kNetwork, id_of('2'), "10.1.0.3/24")).ok());
  const int bridge = world.link(kBridge)->index;
  EXPECT_EQ(world.link("ve1111111111111")->master, bridge);
  EXPECT_EQ(world.link("ve2222222222222")->master, bridge);
}

TEST_F(EndpointCalls, Delete_LeavesNoLinkAndNoRecord) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(remove('1').ok());
  ASSERT_TRUE(world.reaped());
  EXPECT_THAT(world.marked_links(), ElementsAre(kBridge));
  EXPECT_FALSE(world.link("vc1111111111111").has_value());
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 0);
}

TEST_F(EndpointCalls, DeletesAndLeavesInAnyOrderAndNumber_Succeed) {
  // Scenario 3, traps T16 and T17.
  EXPECT_TRUE(leave('1').ok());
  EXPECT_TRUE(remove('1').ok());
  ASSERT_TRUE(create(request).ok());
  EXPECT_TRUE(leave('1').ok()) << "without a join";
  EXPECT_TRUE(leave('1').ok());
  EXPECT_TRUE(remove('1').ok());
  EXPECT_TRUE(remove('1').ok());
  EXPECT_TRUE(leave('1').ok());
  EXPECT_TRUE(world.service->leave(id_of('b'), id_of('1'), soon()).ok());
  EXPECT_TRUE(world.service->delete_endpoint(id_of('b'), id_of('1'), soon()).ok());
  EXPECT_TRUE(world.reaped());
  EXPECT_THAT(world.marked_links(), ElementsAre(kBridge));
}

TEST_F(EndpointCalls, LinkOfThatNameThatIsNotTheEndpoints_SurvivesDelete) {
  ASSERT_TRUE(create(request).ok());
  world.kernel.drop_link("ve1111111111111");
  Link stranger;
  stranger.name = "ve1111111111111";
  stranger.alias = "somebody's";
  world.kernel.put_link(stranger);
  ASSERT_TRUE(remove('1').ok());
  ASSERT_TRUE(world.reaped());
  EXPECT_TRUE(world.link("ve1111111111111").has_value());
}

TEST_F(EndpointCalls, ThousandCycles_LeaveNothing) {
  // Scenario 44.
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(create(request).ok()) << i;
    if (i % 3 != 0) {
      ASSERT_TRUE(leave('1').ok());
    }
    ASSERT_TRUE(remove('1').ok());
  }
  ASSERT_TRUE(world.service->delete_network(kNetwork, soon()).ok());
  EXPECT_TRUE(world.empty_after_reaping());
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 0);
}

TEST_F(EndpointCalls, PublishedPortsOnAnInternalNetwork_AreIgnored) {
  // Trap T39.
  auto internal = network_request(id_of('b'), "10.2.0.0/24");
  internal.internal = true;
  ASSERT_TRUE(world.service->create_network(internal, soon()).ok());
  ASSERT_TRUE(create(endpoint_request(id_of('b'), id_of('1'), "10.2.0.2/24")).ok());
  EXPECT_TRUE(
      world.service->program_external_connectivity({id_of('b'), id_of('1'), {PortBinding{}}}, soon()).ok());
}

TEST_F(EndpointCalls, ConnectivityAfterARestart_IsKnown) {
  // Trap T14.
  ASSERT_TRUE(create(request).ok());
  world.reopen();
  EXPECT_TRUE(program('1', {}).ok());
  EXPECT_EQ(program('2', {}).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(world.service->revoke_external_connectivity(kNetwork, id_of('1'), soon()).ok());
  EXPECT_TRUE(world.service->revoke_external_connectivity(id_of('b'), id_of('2'), soon()).ok());
}

TEST(Ipv6Address, GivenAndNeverUsed_IsGivenBackWithTheOther) {
  // Scenario 53: the engine died between CreateEndpoint and Join, or a sandbox ended without Leave.
  ServiceWorld world;
  CreateNetworkRequest asked = network_request(kNetwork);
  asked.ipv6.push_back({"local", prefix("fd00::/64"), std::nullopt, {}});
  ASSERT_TRUE(world.service->create_network(asked, soon()).ok());
  CreateEndpointRequest endpoint = endpoint_request(kNetwork, id_of('1'));
  endpoint.ipv6 = address("fd00::2/64");
  ASSERT_TRUE(world.service->create_endpoint(endpoint, soon()).ok());
  ASSERT_TRUE(
      world.service->remove_unjoined(prefix("fd00::/64"), address("fd00::2/64").address, soon()).ok());
  EXPECT_TRUE(world.service->endpoints().empty());

  ASSERT_TRUE(world.service->create_endpoint(endpoint, soon()).ok());
  ASSERT_TRUE(world.service->join({kNetwork, id_of('1'), "/sandbox"}, soon()).ok());
  world.kernel.drop_link(kHost);
  EXPECT_EQ(world.service->forget_ended(soon()).value(), 1U);
  EXPECT_THAT(world.given_back(), ElementsAre("10.1.0.2 of 10.1.0.0/24", "fd00::2 of fd00::/64"));
}

}  // namespace
}  // namespace viaduct::net
