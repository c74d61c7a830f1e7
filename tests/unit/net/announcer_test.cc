// Scenario 29: neighbours are told which MAC an address has now, beside the calls.
#include "net/announcer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kAnnounced = id_of('1');

IpAddress ip(const std::string& text) {
  return IpAddress::parse(text).value();
}

class AnnouncerTest : public testing::Test {
 protected:
  AnnouncerTest() {
    EXPECT_TRUE(kernel.create_bridge({"vd-a", "mark", 1500, kMac}).ok());
    for (const std::string number : {"1", "2"})
      EXPECT_TRUE(
          kernel.create_veth({"ve" + number, "vc" + number, "mark", "vd-a", 1500, kMac, PortIsolation::kOff})
              .ok());
  }

  static Announcement of(const std::string& port) { return {port, kMac, {ip("10.1.0.2")}}; }
  long count(const std::string& port) {
    const auto all = kernel.asked_to_announce();
    return std::count(all.begin(), all.end(), of(port));
  }

  static constexpr Mac kMac{{0x02, 0x42, 0x0a, 1, 0, 2}};
  FakeKernel kernel;
};

TEST_F(AnnouncerTest, Announces_AsOftenAsItWasToldAndNoMore) {  // Scenario 29
  Announcer announcer(kernel, {milliseconds(0), milliseconds(5), milliseconds(10)}, {});
  announcer.announce(of("ve1"));
  ASSERT_TRUE(eventually([&] { return announcer.waiting() == 0 && count("ve1") >= 3; }));
  announcer.announce(of("ve2"));
  ASSERT_TRUE(eventually([&] { return count("ve2") == 3; }));
  EXPECT_EQ(count("ve1"), 3);
}

TEST_F(AnnouncerTest, Calls_DoNotWaitForTheKernel) {
  Announcer announcer(kernel, {milliseconds(0)}, {});
  kernel.announcement_gate().block();
  announcer.announce(of("ve1"));
  ASSERT_TRUE(kernel.announcement_gate().wait_for_blocked(1, seconds(10)));
  announcer.announce(of("ve2"));
  announcer.cancel("ve2");
  EXPECT_EQ(announcer.waiting(), 0U);
  kernel.announcement_gate().unblock();
}

TEST_F(AnnouncerTest, WhatIsDueTogether_GoesTogether) {
  Announcer announcer(kernel, {milliseconds(0)}, {});
  kernel.announcement_gate().block();
  announcer.announce(of("ve1"));
  ASSERT_TRUE(kernel.announcement_gate().wait_for_blocked(1, seconds(10)));
  for (const char* port : {"ve1", "ve2"}) announcer.announce(of(port));
  kernel.announcement_gate().unblock();
  ASSERT_TRUE(eventually([&] { return count("ve1") == 2 && count("ve2") == 1; }));
  EXPECT_EQ(kernel.announcement_gate().operations(), 2);
}

TEST_F(AnnouncerTest, Cancelled_IsNotBegunAgain) {
  Announcer announcer(kernel, {milliseconds(0), milliseconds(0), milliseconds(0)}, {});
  kernel.announcement_gate().block();
  announcer.announce(of("ve1"));
  ASSERT_TRUE(kernel.announcement_gate().wait_for_blocked(1, seconds(10)));
  announcer.cancel("ve1");
  announcer.cancel("unknown");
  announcer.announce(of("ve2"));
  kernel.announcement_gate().unblock();
  ASSERT_TRUE(eventually([&] { return count("ve2") == 3; }));
  EXPECT_EQ(count("ve1"), 1) << "which had begun";
}

TEST_F(AnnouncerTest, Failure_IsToldOnceAndTheNextOneGoesOut) {
  std::atomic<int> told = 0;
  Announcer announcer(kernel, {milliseconds(0), milliseconds(1), milliseconds(2), milliseconds(60)},
                      [&](const Error& error) {
                        EXPECT_EQ(error.code, ErrorCode::kUnavailable);
                        ++told;
                      });
  kernel.announcement_gate().fail_at(1);
  announcer.announce(of("ve1"));
  ASSERT_TRUE(eventually([&] { return count("ve1") > 0; }));
  kernel.announcement_gate().fail_at(1);
  announcer.announce(of("ve2"));
  ASSERT_TRUE(eventually([&] { return count("ve2") > 0; }));
  EXPECT_EQ(told, 1);
}

TEST_F(AnnouncerTest, End_DoesNotWaitForWhatIsDueLater) {
  const Deadline deadline = soon();
  { Announcer(kernel, {hours(1)}, {}).announce(of("ve1")); }
  EXPECT_FALSE(deadline.expired());
  EXPECT_THAT(kernel.asked_to_announce(), IsEmpty());
}

class AnnouncedJoin : public testing::Test {
 protected:
  AnnouncedJoin() {
    world.announce_after = {milliseconds(0), milliseconds(0), milliseconds(0)};
    world.reopen();
    EXPECT_TRUE(world.service->create_network(network_request(kNetwork), soon()).ok());
  }
  void start(char id, const std::string& ipv4) {
    ASSERT_TRUE(world.service->create_endpoint(endpoint_request(kNetwork, id_of(id), ipv4), soon()).ok());
    ASSERT_TRUE(world.service->join({kNetwork, id_of(id), "/sandbox"}, soon()).ok());
  }
  long asked(char id) {
    const auto all = world.kernel.asked_to_announce();
    return std::count_if(all.begin(), all.end(),
                         [&](const Announcement& one) { return one.port == "ve" + std::string(13, id); });
  }
  // Ends the endpoint '1' by `how` while its first announcement is on its way: no other is asked for.
  void expect_cancelled_by(const std::function<Status()>& how) {
    world.kernel.announcement_gate().block();
    start('1', "10.1.0.2/24");
    ASSERT_TRUE(world.kernel.announcement_gate().wait_for_blocked(1, seconds(10)));
    ASSERT_TRUE(how().ok());
    ASSERT_TRUE(world.service->create_network(network_request(id_of('b'), "10.2.0.0/24"), soon()).ok());
    ASSERT_TRUE(
        world.service->create_endpoint(endpoint_request(id_of('b'), id_of('2'), "10.2.0.2/24"), soon()).ok());
    ASSERT_TRUE(world.service->join({id_of('b'), id_of('2'), "/sandbox"}, soon()).ok());
    world.kernel.announcement_gate().unblock();
    ASSERT_TRUE(eventually([&] { return asked('2') == 3; }));
    EXPECT_EQ(asked('1'), 1);
  }

  ServiceWorld world;
};

TEST_F(AnnouncedJoin, TellsOfPortMacAndAddresses) {  // Scenario 29
  auto request = endpoint_request(kNetwork, kAnnounced, "10.1.0.2/24");
  request.mac = Mac::parse("02:00:00:00:00:07").value();
  ASSERT_TRUE(world.service->create_endpoint(request, soon()).ok());
  EXPECT_THAT(world.kernel.asked_to_announce(), IsEmpty()) << "nobody has it yet";
  ASSERT_TRUE(world.service->join({kNetwork, kAnnounced, "/sandbox"}, soon()).ok());
  ASSERT_TRUE(eventually([&] { return asked('1') == 3; }));
  const Announcement expected{kHost, *request.mac, {ip("10.1.0.2")}};
  EXPECT_THAT(world.kernel.announced(), ElementsAre(expected, expected, expected));
}

TEST_F(AnnouncedJoin, OfBothFamilies_TellsOfBothAddresses) {
  auto both = network_request(id_of('b'), "10.2.0.0/24");
  IpamData ipv6;
  ipv6.space = "local";
  ipv6.pool = prefix("fd01::/64");
  both.ipv6.push_back(ipv6);
  ASSERT_TRUE(world.service->create_network(both, soon()).ok());
  auto request = endpoint_request(id_of('b'), kAnnounced, "10.2.0.2/24");
  request.ipv6 = address("fd01::2/64");
  ASSERT_TRUE(world.service->create_endpoint(request, soon()).ok());
  ASSERT_TRUE(world.service->join({id_of('b'), kAnnounced, "/sandbox"}, soon()).ok());
  ASSERT_TRUE(eventually([&] { return asked('1') > 0; }));
  EXPECT_THAT(world.kernel.announced().at(0).addresses, ElementsAre(ip("10.2.0.2"), ip("fd01::2")));
}

TEST_F(AnnouncedJoin, WithoutAddress_TellsOfNothing) {
  start('1', "");
  start('2', "10.1.0.2/24");
  ASSERT_TRUE(eventually([&] { return asked('2') == 3; }));
  EXPECT_EQ(asked('1'), 0);
}

TEST_F(AnnouncedJoin, IsCancelledByLeave) {  // Scenario 29
  expect_cancelled_by([&] { return world.service->leave(kNetwork, kAnnounced, soon()); });
}

TEST_F(AnnouncedJoin, IsCancelledByDeleteEndpoint) {
  expect_cancelled_by([&] { return world.service->delete_endpoint(kNetwork, kAnnounced, soon()); });
}

TEST_F(AnnouncedJoin, IsCancelledByDeleteNetwork) {
  expect_cancelled_by([&] { return world.service->delete_network(kNetwork, soon()); });
}

TEST_F(AnnouncedJoin, ThatFailed_TellsOfNothing) {
  ASSERT_TRUE(
      world.service->create_endpoint(endpoint_request(kNetwork, kAnnounced, "10.1.0.2/24"), soon()).ok());
  world.store.fail_at(1);
  ASSERT_FALSE(world.service->join({kNetwork, kAnnounced, "/sandbox"}, soon()).ok());
  start('2', "10.1.0.3/24");
  ASSERT_TRUE(eventually([&] { return asked('2') == 3; }));
  EXPECT_EQ(asked('1'), 0);
}

}  // namespace
}  // namespace viaduct::net
