#include <gmock/gmock.h>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NetworkCalls : public testing::Test {
 protected:
  Status create(const CreateNetworkRequest& asked) { return world.service->create_network(asked, soon()); }
  Status remove(char id) { return world.service->delete_network(id_of(id), soon()); }
  Result<CreateEndpointReply> endpoint(const CreateEndpointRequest& asked) {
    return world.service->create_endpoint(asked, soon());
  }

  ServiceWorld world;
  CreateNetworkRequest request = network_request(id_of('a'));
};

TEST_F(NetworkCalls, Create_MakesBridgeAddressRulesAndRecord) {
  world.kernel.set_uplink_mtu(9000);
  ASSERT_TRUE(create(request).ok());
  const auto link = world.link(kBridge);
  ASSERT_TRUE(link.has_value());
  EXPECT_EQ(link->alias, "viaduct/inst/network/" + id_of('a'));
  EXPECT_EQ(link->mtu, 9000);
  EXPECT_THAT(world.kernel.contents().addresses[kBridge], ElementsAre(address("10.1.0.1/24")));
  EXPECT_TRUE(world.firewall.in_force().contains(kBridge));
  EXPECT_EQ(world.stored(store::Table::kNetwork), 1);
  EXPECT_EQ(world.service->networks().at(0).since, "2026-09-21T14:13:20Z");
}

TEST_F(NetworkCalls, WithoutDefaultRoute_TheMtuIs1500) {
  ASSERT_TRUE(create(request).ok());
  EXPECT_EQ(world.link(kBridge)->mtu, 1500);
}

TEST_F(NetworkCalls, Refused_TouchesNothing) {
  request.options = {{"mtuu", "1"}};
  EXPECT_EQ(create(request).error().code, ErrorCode::kInvalidArgument);
  request.options = {{"com.docker.network.bridge.default_bridge", "true"}};
  EXPECT_EQ(create(request).error().code, ErrorCode::kUnsupported);
  request.options = {{"gateway_mode_ipv4", "isolated"}};
  EXPECT_EQ(
      create(request).error().message,
      "gateway mode isolated leaves the network without a way out; make it with --internal, or choose nat, "
      "nat-unprotected or routed");
  request = network_request("not/an/id");
  EXPECT_EQ(create(request).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(world.kernel.contents().links.empty());
  EXPECT_EQ(world.stored(store::Table::kNetwork), 0);
}

TEST_F(NetworkCalls, CreateTwice_IsOneNetworkWithTheSameBridge) {
  // Scenario 3, trap T16.
  ASSERT_TRUE(create(request).ok());
  const auto before = world.link(kBridge);
  ASSERT_TRUE(create(request).ok());
  EXPECT_EQ(world.link(kBridge)->index, before->index);
  EXPECT_EQ(world.link(kBridge)->mac, before->mac);
  EXPECT_EQ(world.service->networks().size(), 1U);
}

TEST_F(NetworkCalls, CreateAgainAfterTheBridgeWasRemoved_MakesItAnew) {
  ASSERT_TRUE(create(request).ok());
  const auto before = world.link(kBridge);
  world.kernel.drop_link(kBridge);
  world.firewall.flush();
  ASSERT_TRUE(create(request).ok());
  EXPECT_EQ(world.link(kBridge)->mac, before->mac) << "scenario 52";
  EXPECT_TRUE(world.firewall.in_force().contains(kBridge));
}

TEST_F(NetworkCalls, CreateAgain_ForgetsEndpointsWhoseLinksAreGone) {
  // A Swarm node after its engine was killed creates the network that it never deleted once more.
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(endpoint(endpoint_request(id_of('a'), id_of('1'), "10.1.0.2/24")).ok());
  ASSERT_TRUE(endpoint(endpoint_request(id_of('a'), id_of('2'), "10.1.0.3/24")).ok());
  world.kernel.drop_link("ve1111111111111");
  ASSERT_TRUE(create(request).ok());
  ASSERT_EQ(world.service->endpoints().size(), 1U);
  EXPECT_EQ(world.service->endpoints()[0].request.endpoint_id, id_of('2'));
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 1);
  EXPECT_THAT(world.given_back(), ElementsAre("10.1.0.2 of 10.1.0.0/24"));
}

TEST_F(NetworkCalls, CreateWithOtherParameters_ReplacesTheNetwork) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(endpoint(endpoint_request(id_of('a'), id_of('1'))).ok());
  auto other = network_request(id_of('a'), "10.2.0.0/24");
  ASSERT_TRUE(create(other).ok());
  EXPECT_THAT(world.kernel.contents().addresses[kBridge], ElementsAre(address("10.2.0.1/24")));
  EXPECT_TRUE(world.service->endpoints().empty());
  EXPECT_THAT(world.given_back(), ElementsAre("10.1.0.2 of 10.1.0.0/24"));
  ASSERT_TRUE(world.reaped());
  EXPECT_THAT(world.marked_links(), ElementsAre(kBridge));
}

TEST_F(NetworkCalls, RefusedReplacement_LeavesTheOldNetwork) {
  ASSERT_TRUE(create(request).ok());
  auto other = request;
  other.options = {{"mtu", "1"}};
  EXPECT_FALSE(create(other).ok());
  EXPECT_TRUE(world.link(kBridge).has_value());
}

TEST_F(NetworkCalls, Delete_LeavesNothing) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(endpoint(endpoint_request(id_of('a'), id_of('1'))).ok());
  ASSERT_TRUE(remove('a').ok());
  EXPECT_TRUE(world.empty_after_reaping());
  EXPECT_EQ(world.stored(store::Table::kNetwork) + world.stored(store::Table::kEndpoint), 0);
  EXPECT_TRUE(world.service->networks().empty());
}

TEST_F(NetworkCalls, DeleteTwiceAndDeleteOfUnknown_Succeed) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(remove('a').ok());
  EXPECT_TRUE(remove('a').ok());
  EXPECT_TRUE(remove('b').ok());
}

TEST_F(NetworkCalls, CreateRightAfterDelete_GetsTheSameNameAgain) {
  // A Swarm node after its engine's start creates, deletes and creates the same id within seconds.
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(create(request).ok()) << round;
    EXPECT_TRUE(world.link(kBridge)->up);
    ASSERT_TRUE(remove('a').ok());
  }
  EXPECT_TRUE(world.empty_after_reaping());
}

TEST_F(NetworkCalls, NameTakenByAStrangersLink_AnotherNameIsChosenAndTheLinkLeftAlone) {
  // Scenario 45.
  Link stranger;
  stranger.name = kBridge;
  stranger.kind = "bridge";
  world.kernel.put_link(stranger);
  ASSERT_TRUE(create(request).ok());
  const std::string bridge = world.service->networks().at(0).bridge;
  EXPECT_NE(bridge, kBridge);
  EXPECT_THAT(world.marked_links(), ElementsAre(bridge));
  ASSERT_TRUE(remove('a').ok());
  EXPECT_TRUE(world.empty_after_reaping());
  EXPECT_TRUE(world.link(kBridge).has_value());
}

TEST_F(NetworkCalls, TwoIdsWithOneBeginning_GetTwoBridges) {
  // Scenario 45.
  auto twin = network_request(std::string(20, 'a') + std::string(44, 'b'), "10.2.0.0/24");
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(create(twin).ok());
  const auto networks = world.service->networks();
  ASSERT_EQ(networks.size(), 2U);
  EXPECT_NE(networks[0].bridge, networks[1].bridge);
  ASSERT_TRUE(remove('a').ok());
  EXPECT_EQ(world.marked_links().size(), 1U);
}

TEST_F(NetworkCalls, SubnetOfALiveNetwork_IsRefusedAndTheHolderNamed) {
  ASSERT_TRUE(create(request).ok());
  const auto refused = create(network_request(id_of('b'), "10.1.0.0/16"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kOverlap);
  EXPECT_EQ(
      refused.error().message,
      "subnet 10.1.0.0/16 of network bbbbbbbbbbbb overlaps 10.1.0.0/24 of network aaaaaaaaaaaa (bridge "
      "vd-aaaaaaaaaaaa), which is on this host; choose another --subnet, or remove network aaaaaaaaaaaa "
      "(`docker network rm`, or `viaductctl network rm aaaaaaaaaaaa` if the engine no longer knows it)");
  EXPECT_THAT(world.marked_links(), ElementsAre(kBridge));
}

TEST_F(NetworkCalls, SubnetOfALeftoverNetwork_RemovesItAndGoesOn) {
  // Scenario 55: its DeleteNetwork never came, but its pool was given back.
  ASSERT_TRUE(create(request).ok());
  world.pool_claim = [](const std::string& space, const Prefix& pool, const std::string&, int others) {
    EXPECT_EQ(space, "local");
    EXPECT_EQ(pool, prefix("10.1.0.0/24"));
    EXPECT_EQ(others, 0);
    return PoolClaim::kReleased;
  };
  ASSERT_TRUE(create(network_request(id_of('b'), "10.1.0.0/16")).ok());
  ASSERT_TRUE(world.reaped());
  EXPECT_THAT(world.marked_links(), ElementsAre("vd-bbbbbbbbbbbb"));
  EXPECT_EQ(world.service->networks().size(), 1U);
}

TEST_F(NetworkCalls, NetworkWithEndpoints_IsNoLeftoverWhateverThePoolsSay) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(endpoint(endpoint_request(id_of('a'), id_of('1'))).ok());
  world.pool_claim = [](const auto&, const auto&, const auto&, int) { return PoolClaim::kReleased; };
  EXPECT_EQ(create(network_request(id_of('b'), "10.1.0.0/16")).error().code, ErrorCode::kOverlap);
  EXPECT_EQ(world.service->networks().size(), 1U);
}

// An engine that dies while it makes a network knows nothing of it in its next life.
TEST_F(NetworkCalls, SubnetOfAnAbandonedNetwork_RemovesItAndGoesOn) {
  ASSERT_TRUE(create(request).ok());
  world.pool_claim = [](const std::string&, const Prefix&, const std::string&, int others) {
    EXPECT_EQ(others, 1) << "the new network's own claim on the pool";
    return PoolClaim::kAbandoned;
  };
  ASSERT_TRUE(create(network_request(id_of('b'))).ok());
  ASSERT_TRUE(world.reaped());
  EXPECT_THAT(world.marked_links(), ElementsAre("vd-bbbbbbbbbbbb"));
}

TEST_F(NetworkCalls, NetworkThatTheEngineNamedAgain_IsNotTakenForAbandoned) {
  ASSERT_TRUE(create(request).ok());
  const auto abandoned = [](const auto&, const auto&, const auto&, int) { return PoolClaim::kAbandoned; };
  ASSERT_TRUE(create(request).ok()) << "a replay";
  world.pool_claim = abandoned;
  EXPECT_EQ(create(network_request(id_of('b'))).error().code, ErrorCode::kOverlap);
  EXPECT_FALSE(world.service->remove_abandoned(prefix("10.1.0.0/24"), soon()).value());
  world.reopen();
  EXPECT_EQ(create(network_request(id_of('b'))).error().code, ErrorCode::kOverlap) << "it is stored";
}

TEST_F(NetworkCalls, NetworkThatHadAnEndpoint_IsNotTakenForAbandoned) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(endpoint(endpoint_request(id_of('a'), id_of('1'))).ok());
  ASSERT_TRUE(world.service->delete_endpoint(id_of('a'), id_of('1'), soon()).ok());
  world.pool_claim = [](const auto&, const auto&, const auto&, int) { return PoolClaim::kAbandoned; };
  world.reopen();
  EXPECT_EQ(create(network_request(id_of('b'))).error().code, ErrorCode::kOverlap);
  EXPECT_FALSE(world.service->remove_abandoned(prefix("10.1.0.0/24"), soon()).value());
}

TEST_F(NetworkCalls, RemoveAbandoned_TakesOnlyWhatIsProven) {
  ASSERT_TRUE(create(request).ok());
  EXPECT_FALSE(world.service->remove_abandoned(prefix("10.1.0.0/24"), soon()).value()) << "its pool is held";
  world.pool_claim = [](const auto&, const auto&, const auto&, int) { return PoolClaim::kAbandoned; };
  EXPECT_TRUE(world.service->remove_abandoned(prefix("10.1.0.0/25"), soon()).value()) << "no network there";
  EXPECT_EQ(world.service->networks().size(), 1U);
  EXPECT_TRUE(world.service->remove_abandoned(prefix("10.1.0.0/24"), soon()).value());
  EXPECT_TRUE(world.empty_after_reaping());
  EXPECT_EQ(world.stored(store::Table::kNetwork), 0);
}

TEST_F(NetworkCalls, SubnetOfTheHostsOwnLink_IsRefusedAndTheLinkNamed) {
  Link docker;
  docker.name = "docker0";
  docker.kind = "bridge";
  world.kernel.put_link(docker);
  ASSERT_TRUE(world.kernel.add_address("docker0", address("172.17.0.1/16")).ok());
  const auto refused = create(network_request(id_of('a'), "172.17.5.0/24"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kOverlap);
  EXPECT_THAT(refused.error().message, HasSubstr("172.17.0.1/16 of link docker0"));
  EXPECT_THAT(world.marked_links(), IsEmpty());
  EXPECT_TRUE(create(request).ok()) << "other subnets are not concerned";
}

TEST_F(NetworkCalls, RefusedSubnet_IsFreeForTheNextNetwork) {
  Link docker;
  docker.name = "docker0";
  world.kernel.put_link(docker);
  ASSERT_TRUE(world.kernel.add_address("docker0", address("10.1.0.77/32")).ok());
  ASSERT_FALSE(create(request).ok());
  world.kernel.drop_link("docker0");
  EXPECT_TRUE(create(network_request(id_of('b'))).ok());
}

TEST_F(NetworkCalls, InternalAndDeniedTraffic_ReachTheFirewall) {
  request.internal = true;
  request.options = {{"icc", "false"}};
  ASSERT_TRUE(create(request).ok());
  const auto rules = world.firewall.in_force().at(kBridge);
  EXPECT_EQ(rules.reach, Reach::kInternal);
  EXPECT_EQ(rules.inter_container, InterContainer::kDenied);
}

TEST_F(NetworkCalls, GatewayNeed_FollowsTheOptions) {
  EXPECT_TRUE(world.service->gateway_need({}).ok());
  EXPECT_FALSE(world.service->gateway_need({{{"mode", "carrier-pigeon"}}, false}).ok());
}

TEST_F(NetworkCalls, OperatorRemovesANetworkWithoutLivingEndpoints_NothingOfItIsLeft) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(endpoint(endpoint_request(id_of('a'), id_of('1'))).ok());
  ASSERT_TRUE(world.service->leave(id_of('a'), id_of('1'), soon()).ok());
  ASSERT_TRUE(world.service->remove_by_operator("aaaaaaaaaaaa", soon()).ok());
  EXPECT_TRUE(world.service->networks().empty());
  EXPECT_TRUE(world.service->endpoints().empty());
  EXPECT_EQ(world.stored(store::Table::kNetwork), 0);
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 0);
  EXPECT_THAT(world.given_back(), ElementsAre("10.1.0.2 of 10.1.0.0/24"));
  EXPECT_TRUE(world.empty_after_reaping());
  EXPECT_TRUE(create(network_request(id_of('b'))).ok()) << "its subnet is free";
}

TEST_F(NetworkCalls, OperatorRemovesANetworkInUse_IsRefusedAndTheEndpointsNamed) {
  ASSERT_TRUE(create(request).ok());
  for (char c = '1'; c <= '7'; ++c)
    ASSERT_TRUE(endpoint(endpoint_request(id_of('a'), id_of(c), std::string("10.1.0.1") + c + "/24")).ok());
  const auto refused = world.service->remove_by_operator(id_of('a'), soon());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_EQ(
      refused.error().message,
      "network aaaaaaaaaaaa is in use: 7 of its endpoints have links in service (111111111111, 222222222222, "
      "333333333333, 444444444444, 555555555555 and 2 more); stop their containers, or disconnect them from "
      "it, first");
  EXPECT_EQ(world.service->endpoints().size(), 7U);
  EXPECT_THAT(world.given_back(), IsEmpty());
}

TEST_F(NetworkCalls, OperatorNamesNoNetworkOrSeveral_IsToldSo) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(create(network_request(std::string(20, 'a') + std::string(44, 'b'), "10.2.0.0/24")).ok());
  const auto code = [&](const std::string& id) {
    return world.service->remove_by_operator(id, soon()).error().code;
  };
  EXPECT_EQ(code("bbbb"), ErrorCode::kNotFound);
  EXPECT_EQ(code(""), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("../a"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("aaaaaaaaaaaa"), ErrorCode::kInvalidArgument) << "both begin so";
  EXPECT_EQ(world.service->networks().size(), 2U);
  EXPECT_TRUE(world.service->remove_by_operator(id_of('a'), soon()).ok());
  EXPECT_EQ(world.service->networks().size(), 1U);
}

TEST_F(NetworkCalls, BoundTo_NamesEndpointsAndGateways) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(endpoint(endpoint_request(id_of('a'), id_of('1'))).ok());
  ASSERT_TRUE(world.service->join({id_of('a'), id_of('1'), "/sandbox"}, soon()).ok());
  const auto who = [&](const std::string& pool, const std::string& at) {
    return world.service->bound_to(prefix(pool), address(at).address).value_or(AddressUser{});
  };
  EXPECT_EQ(who("10.1.0.0/24", "10.1.0.2/24").what, "endpoint 111111111111 of network aaaaaaaaaaaa");
  EXPECT_EQ(who("10.1.0.0/24", "10.1.0.2/24").mac, world.service->endpoints().at(0).mac);
  EXPECT_EQ(who("10.1.0.0/24", "10.1.0.1/24").what, "gateway of network aaaaaaaaaaaa");
  EXPECT_EQ(who("10.1.0.0/24", "10.1.0.1/24").mac, std::nullopt);
  EXPECT_EQ(who("10.1.0.0/16", "10.1.0.2/24").what, "endpoint 111111111111 of network aaaaaaaaaaaa")
      << "the network has a part of that pool";
  EXPECT_EQ(who("10.1.0.0/24", "10.1.0.3/24").what, "");
  EXPECT_EQ(who("10.2.0.0/24", "10.1.0.2/24").what, "");
}

class UnjoinedEndpoints : public NetworkCalls {
 protected:
  UnjoinedEndpoints() {
    EXPECT_TRUE(create(request).ok());
    for (const char id : {'1', '2'}) {
      const std::string at = id == '1' ? "10.1.0.2/24" : "10.1.0.3/24";
      EXPECT_TRUE(endpoint(endpoint_request(id_of('a'), id_of(id), at)).ok());
    }
    EXPECT_TRUE(world.service->join({id_of('a'), id_of('1'), "/sandbox"}, soon()).ok());
  }
};

TEST_F(UnjoinedEndpoints, AreRemovedByTheirAddress) {
  for (const char* at : {"10.1.0.1/24", "10.1.0.2/24", "10.1.0.4/24"})
    EXPECT_TRUE(world.service->remove_unjoined(prefix("10.1.0.0/24"), address(at).address, soon()).ok());
  EXPECT_EQ(world.service->endpoints().size(), 2U);
  EXPECT_TRUE(
      world.service->remove_unjoined(prefix("10.1.0.0/24"), address("10.1.0.3/24").address, soon()).ok());
  ASSERT_TRUE(world.reaped());
  EXPECT_THAT(world.marked_links(), ElementsAre(kBridge, kHost));
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 1);
}

TEST_F(UnjoinedEndpoints, AreRemovedByTheirAge) {
  const auto sweep = [this] {
    return world.service->sweep_unjoined(std::chrono::minutes(10), soon()).value();
  };
  EXPECT_EQ(sweep(), 0U) << "it may be joined in a moment";
  world.clock.jump(std::chrono::hours(24));
  EXPECT_EQ(sweep(), 0U) << "only the wall clock was set";
  world.clock.advance(std::chrono::seconds(599));
  EXPECT_EQ(sweep(), 0U);
  world.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(sweep(), 1U);
  ASSERT_TRUE(world.reaped());
  EXPECT_THAT(world.marked_links(), ElementsAre(kBridge, kHost));
}

TEST_F(NetworkCalls, BoundTo_FollowsEndpointsAndNetworksAsTheyGoAndAfterARestart) {
  ASSERT_TRUE(create(request).ok());
  ASSERT_TRUE(endpoint(endpoint_request(id_of('a'), id_of('1'))).ok());
  const auto bound = [&](const std::string& at) {
    return world.service->bound_to(prefix("10.1.0.0/24"), address(at).address).has_value();
  };
  EXPECT_FALSE(bound("10.1.0.2/24")) << "no container has it yet";
  ASSERT_TRUE(world.service->join({id_of('a'), id_of('1'), "/sandbox"}, soon()).ok());
  world.reopen();
  EXPECT_TRUE(bound("10.1.0.1/24"));
  EXPECT_TRUE(bound("10.1.0.2/24"));
  ASSERT_TRUE(world.service->delete_endpoint(id_of('a'), id_of('1'), soon()).ok());
  EXPECT_FALSE(bound("10.1.0.2/24"));
  ASSERT_TRUE(endpoint(endpoint_request(id_of('a'), id_of('2'))).ok());
  ASSERT_TRUE(remove('a').ok());
  EXPECT_FALSE(bound("10.1.0.1/24"));
  EXPECT_FALSE(bound("10.1.0.2/24"));
}

}  // namespace
}  // namespace viaduct::net
