#include <fmt/format.h>
#include <gmock/gmock.h>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Reconcile : public testing::Test {
 protected:
  Reconcile() {
    EXPECT_TRUE(world.service->create_network(network_request(kNetwork), soon()).ok());
    EXPECT_TRUE(world.service->create_endpoint(endpoint_request(kNetwork, id_of('1')), soon()).ok());
  }

  ReconcileReport reconcile() { return world.service->reconcile().value(); }
  Link marked(const std::string& name, const std::string& alias) {
    Link link;
    link.name = name;
    link.kind = "veth";
    link.alias = alias;
    link.group = kLiveGroup;
    link.up = true;
    return link;
  }

  ServiceWorld world;
};

TEST_F(Reconcile, AllAsItShouldBe_RepairsNothing) {
  world.reopen();
  const auto report = reconcile();
  EXPECT_EQ(report.networks, 1);
  EXPECT_EQ(report.endpoints, 1);
  EXPECT_THAT(report.repaired, IsEmpty());
  EXPECT_THAT(report.problems, IsEmpty());
}

TEST_F(Reconcile, LinksOfACreationThatWasKilledHalfWay_AreRemoved) {
  // Named and grouped by the first message; the second, with the alias, was never sent.
  world.kernel.put_link(marked("vd-cccccccccccc", ""));
  world.kernel.put_link(marked("ve2222222222222", ""));
  Link stranger = marked("ve3333333333333", "");
  stranger.group = 0;
  world.kernel.put_link(stranger);
  reconcile();
  ASSERT_TRUE(world.reaped());
  EXPECT_FALSE(world.link("vd-cccccccccccc").has_value());
  EXPECT_FALSE(world.link("ve2222222222222").has_value());
  EXPECT_TRUE(world.link("ve3333333333333").has_value());
}

TEST_F(Reconcile, BridgeMissing_IsMadeAnewWithItsMacAndItsPorts) {
  const auto mac = world.link(kBridge)->mac;
  world.kernel.drop_link(kBridge);
  const auto report = reconcile();
  ASSERT_TRUE(world.link(kBridge).has_value());
  EXPECT_EQ(world.link(kBridge)->mac, mac);  // Scenario 52.
  EXPECT_THAT(world.kernel.contents().addresses[kBridge], ElementsAre(address("10.1.0.1/24")));
  EXPECT_EQ(world.link(kHost)->master, world.link(kBridge)->index);
  EXPECT_THAT(report.repaired, Contains(HasSubstr("bridge vd-aaaaaaaaaaaa was missing")));
  EXPECT_THAT(report.problems, IsEmpty());
}

TEST_F(Reconcile, BridgeChanged_IsSetRightAndKept) {
  const int index = world.link(kBridge)->index;
  Link changed = *world.link(kBridge);
  changed.mtu = 1200;
  changed.up = false;
  world.kernel.put_link(changed);
  ASSERT_TRUE(world.kernel.remove_address(kBridge, address("10.1.0.1/24")).ok());
  EXPECT_EQ(reconcile().repaired.size(), 3U);
  EXPECT_EQ(world.link(kBridge)->mtu, 1500);
  EXPECT_TRUE(world.link(kBridge)->up);
  EXPECT_EQ(world.link(kBridge)->index, index);
  EXPECT_THAT(world.kernel.contents().addresses[kBridge], ElementsAre(address("10.1.0.1/24")));
}

TEST_F(Reconcile, BridgesNameTakenByAStranger_TheNetworkMovesToAnotherName) {
  world.kernel.drop_link(kBridge);
  world.kernel.put_link(marked(kBridge, "somebody's"));
  const auto report = reconcile();
  const std::string bridge = world.service->networks().at(0).bridge;
  EXPECT_NE(bridge, kBridge);
  EXPECT_EQ(world.link(kHost)->master, world.link(bridge)->index);
  EXPECT_TRUE(world.firewall.in_force().contains(bridge));
  EXPECT_FALSE(world.firewall.in_force().contains(kBridge));
  EXPECT_THAT(report.repaired, Contains(HasSubstr("now has bridge " + bridge)));
  world.reopen();
  EXPECT_EQ(world.service->networks().at(0).bridge, bridge) << "stored";
}

TEST_F(Reconcile, Rules_AreExactlyThoseOfTheNetworks) {
  world.firewall.flush();
  NetworkRules stray;
  stray.bridge = "vd-stray";
  ASSERT_TRUE(world.firewall.add(stray).ok());
  world.reopen();
  reconcile();
  EXPECT_EQ(world.firewall.in_force().size(), 1U);
  EXPECT_TRUE(world.firewall.in_force().contains(kBridge));
}

TEST_F(Reconcile, AfterAReboot_NetworksComeBackAndEndpointsAreForgotten) {
  // Scenarios 14 and 20.
  world.reboot();
  const auto report = reconcile();
  EXPECT_TRUE(world.link(kBridge).has_value());
  EXPECT_TRUE(world.firewall.in_force().contains(kBridge));
  EXPECT_TRUE(world.service->endpoints().empty());
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 0);
  EXPECT_THAT(world.given_back(), ElementsAre("10.1.0.2 of 10.1.0.0/24"));
  EXPECT_THAT(report.problems, IsEmpty());
}

TEST_F(Reconcile, RepairWhileCallsCome_LeavesALinkInTheMakingAlone) {
  world.kernel.put_link(marked("vd-cccccccccccc", ""));
  ASSERT_TRUE(world.service->repair(soon()).ok());
  ASSERT_TRUE(world.reaped());
  EXPECT_TRUE(world.link("vd-cccccccccccc").has_value());
}

TEST(ReconcileOfMany, Networks_CostTheKernelTheSameEach) {
  // Scenario 56.
  const auto questions_for = [](int networks) {
    ServiceWorld world;
    for (int i = 0; i < networks; ++i) {
      const auto id = fmt::format("{:064x}", i + 1);
      const auto subnet = fmt::format("10.{}.{}.0/24", i / 200, i % 200);
      EXPECT_TRUE(world.service->create_network(network_request(id, subnet), soon()).ok()) << subnet;
    }
    world.reopen();
    const int before = world.kernel.gate().operations();
    EXPECT_EQ(world.service->reconcile().value().networks, networks);
    return world.kernel.gate().operations() - before;
  };
  const int ten = questions_for(10);
  const int twenty = questions_for(20);
  EXPECT_EQ(questions_for(500) - ten, 49 * (twenty - ten));
}

TEST_F(Reconcile, HundredReboots_LeaveUsageConstant) {
  // Scenario 20.
  for (int i = 0; i < 100; ++i) {
    world.reboot();
    ASSERT_EQ(reconcile().networks, 1);
    ASSERT_TRUE(world.service->create_endpoint(endpoint_request(kNetwork, id_of('1')), soon()).ok()) << i;
  }
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 1);
  EXPECT_EQ(world.stored(store::Table::kNetwork), 1);
  EXPECT_EQ(world.marked_links().size(), 2U);
}

TEST_F(Reconcile, LinkLostInThisBoot_IsReportedAndTheRecordKept) {
  world.kernel.drop_link(kHost);
  const auto report = reconcile();
  EXPECT_EQ(world.service->endpoints().size(), 1U);
  EXPECT_THAT(report.problems,
              ElementsAre(HasSubstr("endpoint 111111111111 of network aaaaaaaaaaaa has no link")));
  EXPECT_THAT(world.given_back(), IsEmpty());
}

TEST_F(Reconcile, JoinedEndpointLostItsLinkInThisBoot_IsForgottenAndItsAddressGivenBack) {
  ASSERT_TRUE(world.service->join({kNetwork, id_of('1'), "/run/docker/netns/1"}, soon()).ok());
  world.kernel.move_to_sandbox(world.service->endpoints().at(0).peer_link);
  world.reopen();
  EXPECT_THAT(reconcile().repaired, IsEmpty()) << "its container runs";
  ASSERT_EQ(world.service->endpoints().size(), 1U);
  world.kernel.drop_link(kHost);
  world.reopen();
  const auto report = reconcile();
  EXPECT_THAT(
      report.repaired,
      ElementsAre(
          "endpoint 111111111111 had been joined, and its links are gone with its sandbox, forgotten"));
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_TRUE(world.service->endpoints().empty());
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 0);
  EXPECT_THAT(world.given_back(), ElementsAre("10.1.0.2 of 10.1.0.0/24"));
}

TEST_F(Reconcile, EndpointThatHasLeftWithoutItsLink_IsKept) {
  ASSERT_TRUE(world.service->join({kNetwork, id_of('1'), "/run/docker/netns/1"}, soon()).ok());
  ASSERT_TRUE(world.service->leave(kNetwork, id_of('1'), soon()).ok());
  ASSERT_TRUE(world.reaped());
  world.reopen();
  EXPECT_THAT(reconcile().problems, ElementsAre(HasSubstr("it is kept until the engine deletes it")));
  EXPECT_EQ(world.service->endpoints().size(), 1U);
  EXPECT_THAT(world.given_back(), IsEmpty());
}

TEST_F(Reconcile, JoinedEndpointWhoseLinkWasRenamed_IsAlive) {
  ASSERT_TRUE(world.service->join({kNetwork, id_of('1'), "/run/docker/netns/1"}, soon()).ok());
  Link renamed = *world.link(kHost);
  world.kernel.drop_link(kHost);
  renamed.name = "renamed";
  world.kernel.put_link(renamed);
  reconcile();
  EXPECT_EQ(world.service->endpoints().size(), 1U);
  EXPECT_THAT(world.given_back(), IsEmpty());
}

TEST_F(Reconcile, ForgettingAJoinedEndpointFails_ItIsKeptAndReported) {
  ASSERT_TRUE(world.service->join({kNetwork, id_of('1'), "/run/docker/netns/1"}, soon()).ok());
  world.kernel.drop_link(kHost);
  world.store.fail_at(1);
  EXPECT_THAT(reconcile().problems, ElementsAre(HasSubstr("endpoint 111111111111 had been joined")));
  EXPECT_EQ(world.service->endpoints().size(), 1U);
  EXPECT_THAT(world.given_back(), IsEmpty());
  reconcile();
  EXPECT_TRUE(world.service->endpoints().empty());
}

TEST_F(Reconcile, MarkedLinksWithoutRecord_AreRemoved) {
  // Scenario 18: killed between the kernel's step and the store's.
  world.kernel.put_link(marked("ve9", "viaduct/inst/endpoint/" + id_of('9')));
  world.kernel.put_link(marked("vd-9", "viaduct/inst/network/" + id_of('9')));
  const auto report = reconcile();
  EXPECT_EQ(report.repaired.size(), 2U);
  EXPECT_FALSE(world.link("ve9").has_value()) << "and reaped at once";
  EXPECT_FALSE(world.link("vd-9").has_value());
  EXPECT_EQ(world.marked_links().size(), 2U);
}

TEST_F(Reconcile, SecondLinkWithTheMarkOfAnEndpoint_IsRemoved) {
  world.kernel.put_link(marked("ve-other", "viaduct/inst/endpoint/" + id_of('1')));
  reconcile();
  EXPECT_FALSE(world.link("ve-other").has_value());
  EXPECT_TRUE(world.link(kHost).has_value());
}

TEST_F(Reconcile, OnlyLinkOfAnEndpointRenamed_IsReportedAndLeftAlone) {
  Link renamed = *world.link(kHost);
  world.kernel.drop_link(kHost);
  renamed.name = "renamed";
  world.kernel.put_link(renamed);
  const auto report = reconcile();
  EXPECT_TRUE(world.link("renamed")->up);
  EXPECT_THAT(report.problems, Contains(HasSubstr("rename it back")));
}

TEST_F(Reconcile, LinksOfAnotherInstanceOrWithoutMark_AreLeftAlone) {
  world.kernel.put_link(marked("vd-other", "viaduct/other/network/" + id_of('9')));
  world.kernel.put_link(marked("vd-plain", "my bridge"));
  const auto report = reconcile();
  EXPECT_TRUE(world.link("vd-other")->up);
  EXPECT_TRUE(world.link("vd-plain")->up);
  EXPECT_THAT(report.problems,
              ElementsAre(HasSubstr("link vd-other belongs to another instance of viaduct (other)")));
}

TEST_F(Reconcile, LinksLeftDying_AreReaped) {
  Link dying = marked("ve9", "viaduct/inst/endpoint/" + id_of('9'));
  dying.group = kDyingGroup;
  dying.up = false;
  world.kernel.put_link(dying);
  reconcile();
  EXPECT_FALSE(world.link("ve9").has_value());
}

TEST_F(Reconcile, BridgeLeftDyingWithItsRecord_IsMadeAnew) {
  ASSERT_TRUE(world.kernel.retire_links({kBridge}).ok());
  reconcile();
  ASSERT_TRUE(world.link(kBridge).has_value());
  EXPECT_EQ(world.link(kBridge)->group, kLiveGroup);
  EXPECT_EQ(world.link(kHost)->master, world.link(kBridge)->index);
}

TEST_F(Reconcile, AnyKernelStepFails_TheOtherNetworkIsServedAndThenAllIsRepaired) {
  ASSERT_TRUE(world.service->create_network(network_request(id_of('b'), "10.2.0.0/24"), soon()).ok());
  for (int n = 2;; ++n) {  // the first is the list of links, without which nothing can be done
    world.kernel.drop_link(kBridge);
    world.kernel.drop_link("vd-bbbbbbbbbbbb");
    world.kernel.gate().fail_at(n);
    const auto report = world.service->reconcile();
    const bool fired = world.kernel.gate().fired();
    world.kernel.gate().fail_at(0);
    ASSERT_TRUE(report.ok()) << n;
    const bool both = world.link(kBridge) && world.link("vd-bbbbbbbbbbbb");
    EXPECT_TRUE(world.link(kBridge) || world.link("vd-bbbbbbbbbbbb")) << n;
    EXPECT_TRUE(both || !report.value().problems.empty())
        << "trouble that nobody hears of, at operation " << n;
    ASSERT_TRUE(world.service->reconcile().ok());
    EXPECT_TRUE(world.link(kBridge) && world.link("vd-bbbbbbbbbbbb")) << n;
    EXPECT_EQ(world.link(kHost)->master, world.link(kBridge)->index) << n;
    if (!fired) break;
    ASSERT_LT(n, 100);
  }
}

TEST_F(Reconcile, KernelThatDoesNotAnswer_IsAnError) {
  world.kernel.gate().fail_at(1);
  EXPECT_FALSE(world.service->reconcile().ok());
}

TEST_F(Reconcile, FirewallThatRefuses_IsReported) {
  world.firewall.gate().fail_at(1);
  EXPECT_THAT(reconcile().problems, ElementsAre(HasSubstr("the firewall's rules")));
}

TEST_F(Reconcile, DamagedRecord_RefusesToOpen) {
  // Scenario 22.
  ASSERT_TRUE(world.memory.commit({{}, {{store::Table::kNetwork, id_of('c'), "{}"}}}).ok());
  world.reopen();
  EXPECT_EQ(world.service, nullptr);
}

TEST_F(Reconcile, EndpointWithoutItsNetwork_RefusesToOpen) {
  ASSERT_TRUE(world.memory.commit({{}, {{store::Table::kNetwork, kNetwork, std::nullopt}}}).ok());
  world.reopen();
  EXPECT_EQ(world.service, nullptr);
}

}  // namespace
}  // namespace viaduct::net
