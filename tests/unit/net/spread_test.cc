// Networks with more endpoints than a bridge has ports.
#include "net/spread.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>
#include <tuple>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

NetworkRecord with_further(const std::vector<int>& numbers) {
  NetworkRecord network;
  network.bridge = "vd-first";
  for (const int number : numbers) network.further.push_back({number, fmt::format("vd-{}", number), {}});
  return network;
}

TEST(SpreadChoice, TheEmptiestWithRoomIsChosen) {
  const NetworkRecord alone = with_further({});
  EXPECT_EQ(choose_bridge(alone, {}, {}), 1);
  EXPECT_EQ(choose_bridge(alone, {{1, kEndpointsOfBridge - 1}}, {}), 1);
  EXPECT_EQ(choose_bridge(alone, {{1, kEndpointsOfBridge}}, {}), std::nullopt);
  const NetworkRecord three = with_further({2, 4});
  EXPECT_EQ(choose_bridge(three, {{1, 5}, {2, 5}, {4, 6}}, {}), 1);
  EXPECT_EQ(choose_bridge(three, {{1, 7}, {2, 9}, {4, 6}}, {}), 4);
  EXPECT_EQ(choose_bridge(three, {{1, 7}, {2, 9}, {4, 6}}, {4}), 1);
  EXPECT_EQ(choose_bridge(three, {}, {1, 2, 4}), std::nullopt);
  EXPECT_EQ(next_number(three), 3);
}

TEST(SpreadChoice, AnAdoptedBridgeKeepsMoreRoom) {
  NetworkRecord network = with_further({});
  network.adopted = true;
  EXPECT_EQ(choose_bridge(network, {{1, kEndpointsOfAdoptedBridge}}, {}), std::nullopt);
}

TEST(SpreadChoice, AnEmptyBridgeGoesWhenTheOthersHaveRoom) {
  const NetworkRecord two = with_further({2});
  EXPECT_TRUE(is_superfluous(two, {{1, 3}}, 2));
  EXPECT_TRUE(is_superfluous(two, {{1, kEndpointsOfBridge - kRoomToSpare}}, 2));
  EXPECT_FALSE(is_superfluous(two, {{1, kEndpointsOfBridge - kRoomToSpare + 1}}, 2));
  EXPECT_FALSE(is_superfluous(two, {{1, 3}, {2, 1}}, 2));
  EXPECT_FALSE(is_superfluous(two, {}, 1)) << "the first has the addresses";
}

class Spread : public testing::Test {
 protected:
  Spread() {
    EXPECT_TRUE(world.service->create_network(network_request(kNetwork, "10.1.0.0/16"), soon()).ok());
  }

  static std::string endpoint_id(int number) { return fmt::format("{:013x}{:051x}", number, 0); }
  static std::string host_end(int number) { return fmt::format("ve{:013x}", number); }
  Result<CreateEndpointReply> create(int number) {
    const std::string address = fmt::format("10.1.{}.{}/16", 1 + number / 250, 1 + number % 250);
    return world.service->create_endpoint(endpoint_request(kNetwork, endpoint_id(number), address), soon());
  }
  void create_up_to(int count) {
    for (int number = 0; number < count; ++number) ASSERT_TRUE(create(number).ok()) << number;
  }
  void remove(int number) {
    ASSERT_TRUE(world.service->delete_endpoint(kNetwork, endpoint_id(number), soon()).ok());
  }
  // Those beside the first that are in service.
  std::vector<std::string> further() {
    std::vector<std::string> names;
    for (const auto& [name, link] : world.kernel.contents().links)
      if (link.kind == "bridge" && link.group == kLiveGroup && name != kBridge) names.push_back(name);
    return names;
  }
  std::string joint(char end) { return "vj" + further().at(0).substr(3) + end; }
  // What fsck would say.
  std::vector<std::string> seen() {
    std::vector<std::string> all;
    const auto found = world.service->inspect().value();
    for (const Finding& one : found) all.push_back(one.text);
    return all;
  }
  void change(const std::string& name, const std::function<void(Link&)>& how) {
    Link link = *world.link(name);
    how(link);
    world.kernel.put_link(link);
  }
  ReconcileReport reconcile() { return world.service->reconcile().value(); }
  // All is as after creation.
  void expect_whole(int endpoints) {
    ASSERT_EQ(further().size(), 1U);
    const auto links = world.kernel.contents().links;
    const int first = links.at(kBridge).index;
    const int second = links.at(further()[0]).index;
    ASSERT_TRUE(links.contains(joint('a')) && links.contains(joint('b')));
    EXPECT_EQ(links.at(joint('a')).master, first);
    EXPECT_EQ(links.at(joint('b')).master, second);
    for (int number = 0; number < endpoints; ++number)
      EXPECT_EQ(links.at(host_end(number)).master, number < kFull ? first : second) << number;
    EXPECT_THAT(world.firewall.in_force()[kBridge].further, ElementsAre(further()[0]));
    EXPECT_THAT(seen(), IsEmpty());
    EXPECT_THAT(reconcile().repaired, IsEmpty());
  }

  static constexpr int kFull = static_cast<int>(kEndpointsOfBridge);
  ServiceWorld world;
};

TEST_F(Spread, TheEndpointAfterTheLastPortOfABridge_Works) {
  // Scenario 46: the kernel gives a bridge 1023 ports, and the 1024th endpoint works like the first.
  create_up_to(1030);
  expect_whole(1030);
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 1030);
  const auto joined = world.service->join({kNetwork, endpoint_id(1029), "/s"}, soon());
  ASSERT_TRUE(joined.ok());
  EXPECT_EQ(joined.value().source_name, fmt::format("vc{:013x}", 1029));
  EXPECT_EQ(joined.value().gateway->to_string(), "10.1.0.1");
  world.reopen();
  expect_whole(1030);
  ASSERT_TRUE(world.service->delete_network(kNetwork, soon()).ok());
  EXPECT_TRUE(world.empty_after_reaping());
}

TEST_F(Spread, WhatSomebodyTookAway_ComesBackWithItsPorts) {
  create_up_to(kFull + 3);
  const std::string name = further().at(0);
  for (const std::string& lost : {name, joint('a'), joint('b'), kBridge}) {
    world.kernel.drop_link(lost);
    EXPECT_THAT(seen(), testing::Not(IsEmpty())) << lost;
    EXPECT_THAT(reconcile().repaired, testing::Not(IsEmpty())) << lost;
    expect_whole(kFull + 3);
  }
  EXPECT_THAT(further(), ElementsAre(name));
}

TEST_F(Spread, WhatDiffersAtAFurtherBridge_IsToldAndRepaired) {
  create_up_to(kFull + 1);
  const std::string name = further().at(0);
  const std::vector<std::tuple<std::string, std::function<void(Link&)>, std::string>> damages = {
      {name, [](Link& link) { link.up = false; }, fmt::format("bridge {} is down", name)},
      {name, [](Link& link) { link.mtu = 1400; }, fmt::format("bridge {} has MTU 1400, not 1500", name)},
      {joint('b'), [](Link& link) { link.master = 0; },
       fmt::format("bridges {} and {} are not joined", kBridge, name)}};
  for (const auto& [link, how, text] : damages) {
    change(link, how);
    EXPECT_THAT(seen(), ElementsAre(text));
    EXPECT_FALSE(reconcile().repaired.empty()) << text;
    expect_whole(kFull + 1);
  }
  const Mac mac = *world.link(name)->mac;
  change(name, [](Link& link) { link.mac = Mac::from_text("another"); });
  EXPECT_THAT(seen(), ElementsAre(fmt::format("bridge {} has MAC {}, not {}", name,
                                              Mac::from_text("another").to_string(), mac.to_string())));
  change(name, [&](Link& link) { link.mac = mac; });
  Link twin = *world.link(name);
  twin.name = "twin";
  twin.index = 9999;
  world.kernel.put_link(twin);
  EXPECT_THAT(seen(), ElementsAre("it is marked as a bridge of network aaaaaaaaaaaa, which has others"));
  reconcile();
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(Spread, WhereAStrangerHasTheName_AnotherOneIsFound) {
  create_up_to(kFull + 1);
  const std::string name = further().at(0);
  world.kernel.drop_link(name);
  Link stranger;
  stranger.name = name;
  stranger.kind = "veth";
  world.kernel.put_link(stranger);
  EXPECT_THAT(reconcile().repaired, Contains(HasSubstr("now has bridge")));
  EXPECT_NE(further().at(0), name);
  expect_whole(kFull + 1);
  world.reopen();
  expect_whole(kFull + 1);
  EXPECT_EQ(world.link(name)->kind, "veth");
}

TEST_F(Spread, AnEmptyFurtherBridge_GoesWhenThereIsRoom) {
  create_up_to(kFull + 1);
  remove(kFull);
  EXPECT_EQ(further().size(), 1U) << "the next one would want it again";
  ASSERT_TRUE(create(kFull).ok());
  for (int number = 0; number < static_cast<int>(kRoomToSpare); ++number) remove(number);
  EXPECT_EQ(further().size(), 1U);
  remove(kFull);
  EXPECT_THAT(further(), IsEmpty());
  EXPECT_THAT(world.firewall.in_force()[kBridge].further, IsEmpty());
  ASSERT_TRUE(world.reaped());
  for (const auto& [link_name, link] : world.kernel.contents().links)
    EXPECT_FALSE(link_name.starts_with("vj")) << link_name;
  world.reopen();
  EXPECT_THAT(reconcile().repaired, IsEmpty());
}

TEST_F(Spread, ABridgeThatTheKernelCallsFull_IsPassedOver) {
  create_up_to(kFull + 1);
  remove(0);
  Link stranger;
  stranger.kind = "veth";
  stranger.master = world.link(further().at(0))->index;
  for (int i = 0; i < 1021; ++i) {
    stranger.name = fmt::format("stranger{}", i);
    world.kernel.put_link(stranger);
  }
  ASSERT_TRUE(create(kFull + 1).ok());
  EXPECT_EQ(world.link(host_end(kFull + 1))->master, world.link(kBridge)->index);
}

TEST_F(Spread, WhatFailsOnTheWay_LeavesNothing) {
  create_up_to(kFull);
  const auto links = world.kernel.contents().links.size();
  // Whichever operation of the kernel fails, all of it goes back.
  int failures = 0;
  for (;;) {
    world.kernel.gate().fail_at(failures + 1);
    if (create(kFull).ok()) break;
    ++failures;
    ASSERT_TRUE(world.reaped());
    EXPECT_EQ(world.kernel.contents().links.size(), links) << failures;
    EXPECT_THAT(world.firewall.in_force()[kBridge].further, IsEmpty()) << failures;
    ASSERT_LT(failures, 20);
  }
  EXPECT_GE(failures, 3) << "bridge, joint and pair";
  world.kernel.gate().fail_at(0);
  expect_whole(kFull + 1);
}

TEST_F(Spread, WhatCannotBeStored_LeavesNothing) {
  create_up_to(kFull);
  const auto links = world.kernel.contents().links.size();
  world.store.fail_at(1);
  EXPECT_FALSE(create(kFull).ok());
  ASSERT_TRUE(world.store.fired() && world.reaped());
  EXPECT_EQ(world.kernel.contents().links.size(), links);
  EXPECT_THAT(world.firewall.in_force()[kBridge].further, IsEmpty());
  EXPECT_TRUE(create(kFull).ok());
  expect_whole(kFull + 1);
}

TEST_F(Spread, WhereNoPortIsLeftForAJoint_ItIsSaid) {
  create_up_to(kFull);
  world.kernel.set_most_ports(kFull);
  const auto made = create(kFull);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(made.error().message, HasSubstr("use another network"));
  EXPECT_THAT(further(), IsEmpty());
}

}  // namespace
}  // namespace viaduct::net
