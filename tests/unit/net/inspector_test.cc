// Every difference that fsck tells of, each by its own damage; and what is none.
#include "net/inspector.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>
#include <utility>

#include "unit/net/forwarding_kernel.h"
#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Inspection : public testing::Test {
 protected:
  Inspection() {
    EXPECT_TRUE(world.service->create_network(network_request(kNetwork), soon()).ok());
    EXPECT_TRUE(world.service->create_endpoint(endpoint_request(kNetwork, id_of('1')), soon()).ok());
    EXPECT_TRUE(world.service->join({kNetwork, id_of('1'), "/sandbox"}, soon()).ok());
  }

  // "kind: subject: text" of each.
  static std::vector<std::string> seen_by(NetworkService& service) {
    std::vector<std::string> all;
    const auto found = service.inspect().value();
    for (const Finding& one : found) {
      EXPECT_FALSE(one.remedy.empty()) << one.text;
      all.push_back(one.kind + ": " + one.subject + ": " + one.text);
    }
    return all;
  }
  std::vector<std::string> seen() { return seen_by(*world.service); }
  void change(const std::string& name, const std::function<void(Link&)>& how) {
    Link link = *world.link(name);
    how(link);
    world.kernel.put_link(link);
  }
  std::string instance() { return mark_from_alias(world.link(kBridge)->alias)->instance; }
  void put_marked(const std::string& name, const LinkMark& mark, uint32_t group = kLiveGroup) {
    Link link;
    link.name = name;
    link.kind = "veth";
    link.alias = to_alias(mark);
    link.group = group;
    world.kernel.put_link(link);
  }

  ServiceWorld world;
};

TEST_F(Inspection, AllAsItShouldBe_FindsNothing) {
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(Inspection, Bridge_IsToldOfWithWhatDiffers) {
  const std::string who = "bridge: network aaaaaaaaaaaa: ";
  const Link before = *world.link(kBridge);
  change(kBridge, [](Link& link) { link.up = false; });
  EXPECT_THAT(seen(), ElementsAre(who + "bridge vd-aaaaaaaaaaaa is down"));
  world.kernel.put_link(before);
  change(kBridge, [](Link& link) { link.mtu = 1400; });
  EXPECT_THAT(seen(), ElementsAre(who + "bridge vd-aaaaaaaaaaaa has MTU 1400, not 1500"));
  world.kernel.put_link(before);
  change(kBridge, [](Link& link) { link.mac = Mac::from_text("another"); });
  EXPECT_THAT(seen(), ElementsAre(HasSubstr(", not " + before.mac->to_string())));
  world.kernel.put_link(before);
  change(kBridge, [](Link& link) { link.alias = "somebody's"; });
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("has the name of its bridge, and is somebody else's")));
  world.kernel.put_link(before);
  EXPECT_THAT(seen(), IsEmpty());
  world.kernel.drop_link(kBridge);
  EXPECT_THAT(seen(), ElementsAre(who + "bridge vd-aaaaaaaaaaaa is missing"));
}

TEST_F(Inspection, Addresses_MissingAndForeign) {
  ASSERT_TRUE(world.kernel.remove_address(kBridge, address("10.1.0.1/24")).ok());
  ASSERT_TRUE(world.kernel.add_address(kBridge, address("10.9.0.1/24")).ok());
  const std::string who = "address: network aaaaaaaaaaaa: ";
  EXPECT_THAT(seen(),
              ElementsAre(who + "address 10.1.0.1/24 is missing on bridge vd-aaaaaaaaaaaa",
                          who + "bridge vd-aaaaaaaaaaaa has address 10.9.0.1/24, which is not viaduct's"));
}

TEST_F(Inspection, Endpoint_DetachedDownAndGone) {
  const Link before = *world.link(kHost);
  change(kHost, [](Link& link) { link.master = 0; });
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("link ve1111111111111 is no port of bridge vd-aaaaaaaaaaaa")));
  world.kernel.put_link(before);
  change(kHost, [](Link& link) { link.up = false; });
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("link ve1111111111111 is down")));
  world.kernel.drop_link(kHost);
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("its link ve1111111111111 is gone")));
}

TEST_F(Inspection, SettingsOfAPort_AreToldAndRepaired) {
  ASSERT_TRUE(world.kernel.attach_port(kHost, kBridge, PortIsolation::kOn).ok());
  ASSERT_TRUE(world.kernel.set_hairpin(kHost, Hairpin::kOn).ok());
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("link ve1111111111111 is isolated from other ports of bridge"),
                                  HasSubstr("link ve1111111111111 is in hairpin mode")));
  EXPECT_EQ(world.service->reconcile().value().repaired.size(), 2U);
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(Inspection, EndpointThatNoContainerHasJoined_NeedsNoLink) {
  ASSERT_TRUE(
      world.service->create_endpoint(endpoint_request(kNetwork, id_of('2'), "10.1.0.3/24"), soon()).ok());
  if (world.link("ve2222222222222")) world.kernel.drop_link("ve2222222222222");
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(Inspection, MarkedLinksWithoutRecord_AndOthersOwn) {
  put_marked("stray-n", {instance(), LinkMark::Kind::kNetwork, id_of('e')});
  put_marked("stray-e", {instance(), LinkMark::Kind::kEndpoint, id_of('e')});
  put_marked("stray-s", {instance(), LinkMark::Kind::kShaper, id_of('1')});
  put_marked("other", {"elsewhere", LinkMark::Kind::kNetwork, id_of('e')});
  put_marked("twin", {instance(), LinkMark::Kind::kEndpoint, id_of('1')});
  put_marked("dying", {instance(), LinkMark::Kind::kEndpoint, id_of('e')}, kDyingGroup);
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("link other: it belongs to another instance"),
                                  HasSubstr("link stray-e: it is marked as endpoint eeeeeeeeeeee's"),
                                  HasSubstr("link stray-n: it is marked as a bridge of network eeee"),
                                  HasSubstr("link stray-s: it is marked as the shaper of endpoint 1111"),
                                  HasSubstr("link twin: it is marked as endpoint 111111111111's, whose")));
}

TEST_F(Inspection, FlushedRules) {
  world.firewall.flush();
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("rules: packet filter: ")));
  world.firewall.gate().fail_at(1);
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("busy: packet filter: it cannot be looked at")));
}

TEST_F(Inspection, StoreThatCannotBeLookedAt) {
  world.store.fail_at(1);
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("state: state: it cannot be looked at")));
}

TEST_F(Inspection, ChangesNothing) {
  const std::string own = instance();
  world.kernel.drop_link(kBridge);
  put_marked("stray", {own, LinkMark::Kind::kNetwork, id_of('e')});
  world.firewall.flush();
  const auto before = seen();
  EXPECT_EQ(before.size(), 3U);
  EXPECT_EQ(seen(), before);
  EXPECT_TRUE(world.link("stray").has_value());
}

TEST_F(Inspection, Repair_LeavesNothingToFind) {
  const std::string own = instance();
  world.kernel.drop_link(kBridge);
  put_marked("stray", {own, LinkMark::Kind::kNetwork, id_of('e')});
  world.firewall.flush();
  ASSERT_TRUE(world.service->reconcile().ok());
  EXPECT_THAT(seen(), IsEmpty());
}

// A kernel in which something happens right after the links were listed, once; and one that removes no links.
class EventfulKernel final : public ForwardingKernel {
 public:
  using ForwardingKernel::ForwardingKernel;
  Result<std::vector<Link>> links() override {
    auto listed = ForwardingKernel::links();
    if (const auto event = std::exchange(after_listing, nullptr)) event();
    return listed;
  }
  Status reap() override {
    return reaps ? ForwardingKernel::reap() : Status(unavailable("the kernel is out of order"));
  }
  Status retire_links(const std::vector<std::string>& names) override {
    if (const auto event = std::exchange(before_retiring, nullptr)) event();
    return ForwardingKernel::retire_links(names);
  }
  std::function<void()> after_listing;
  std::function<void()> before_retiring;
  std::atomic<bool> reaps{true};
};

class InspectionAtWork : public Inspection {
 protected:
  InspectionAtWork() {
    world.service.reset();
    NetworkEnvironment environment;
    environment.instance = mark_from_alias(world.link(kBridge)->alias)->instance;
    environment.boot_id = world.boot;
    service = NetworkService::open(world.store, kernel, world.firewall, world.ports, world.clock, environment)
                  .value();
  }
  ~InspectionAtWork() override {
    kernel.reaps = true;
    service.reset();
  }

  EventfulKernel kernel{world.kernel};
  std::unique_ptr<NetworkService> service;
};

TEST_F(InspectionAtWork, WhatACallMakesAfterTheLinksWereListed_IsNoDifference) {
  ASSERT_TRUE(service->reconcile().ok());
  kernel.after_listing = [this] {
    const std::string id = id_of('b');
    ASSERT_TRUE(service->create_network(network_request(id, "10.2.0.0/24"), soon()).ok());
    ASSERT_TRUE(service->create_endpoint(endpoint_request(id, id_of('2'), "10.2.0.2/24"), soon()).ok());
    ASSERT_TRUE(service->join({id, id_of('2'), "/sandbox2"}, soon()).ok());
  };
  EXPECT_THAT(seen_by(*service), IsEmpty());
  EXPECT_EQ(service->networks().size(), 2U) << "it happened";
}

TEST_F(InspectionAtWork, WhatACallRemovesAfterTheLinksWereListed_IsNoDifference) {
  ASSERT_TRUE(service->reconcile().ok());
  kernel.after_listing = [this] {
    ASSERT_TRUE(service->leave(kNetwork, id_of('1'), soon()).ok());
    ASSERT_TRUE(service->delete_endpoint(kNetwork, id_of('1'), soon()).ok());
    ASSERT_TRUE(service->delete_network(kNetwork, soon()).ok());
  };
  EXPECT_THAT(seen_by(*service), IsEmpty());
  EXPECT_TRUE(service->networks().empty()) << "it happened";
}

TEST_F(InspectionAtWork, LinksThatCannotBeRemoved_AreToldOf) {
  ASSERT_TRUE(service->reconcile().ok());
  kernel.reaps = false;
  ASSERT_TRUE(service->leave(kNetwork, id_of('1'), soon()).ok());
  ASSERT_TRUE(service->delete_endpoint(kNetwork, id_of('1'), soon()).ok());
  EXPECT_TRUE(eventually([&] { return !seen_by(*service).empty(); }));
  EXPECT_THAT(seen_by(*service),
              ElementsAre(HasSubstr("link: links out of service: they cannot be removed")));
  kernel.reaps = true;
  EXPECT_TRUE(eventually([&] { return seen_by(*service).empty(); }));
}

TEST_F(InspectionAtWork, BusyNetwork_IsToldOfAsSuchAndNothingElse) {
  ASSERT_TRUE(service->reconcile().ok());
  world.kernel.drop_link(kBridge);
  std::promise<void> go_on;
  std::atomic<bool> at_work = false;
  kernel.before_retiring = [&] {
    at_work = true;
    go_on.get_future().wait();
  };
  std::thread call([&] { EXPECT_TRUE(service->leave(kNetwork, id_of('1'), soon()).ok()); });
  EXPECT_TRUE(eventually([&] { return at_work.load(); }));
  EXPECT_THAT(seen_by(*service), ElementsAre("busy: network aaaaaaaaaaaa: a call is at work on it"));
  go_on.set_value();
  call.join();
  EXPECT_THAT(seen_by(*service), ElementsAre(HasSubstr("bridge vd-aaaaaaaaaaaa is missing")));
}

}  // namespace
}  // namespace viaduct::net
