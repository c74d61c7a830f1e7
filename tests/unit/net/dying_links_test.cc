// Scenario 33: a container comes back while the links of its last life, with the same MAC, are not yet removed.
#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "unit/net/forwarding_kernel.h"
#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

// A kernel that removes no link yet, or cannot.
class SlowKernel final : public ForwardingKernel {
 public:
  using ForwardingKernel::ForwardingKernel;
  ~SlowKernel() override { go_on(); }

  enum class Reaping { kWorks, kHangs, kFails };
  void set(Reaping reaping) {
    const std::lock_guard guard(mutex_);
    reaping_ = reaping;
    changed_.notify_all();
  }
  void go_on() { set(Reaping::kWorks); }
  bool hangs() {
    const std::lock_guard guard(mutex_);
    return waiting_ > 0;
  }

  Status reap() override {
    std::unique_lock guard(mutex_);
    ++waiting_;
    changed_.wait(guard, [this] { return reaping_ != Reaping::kHangs; });
    --waiting_;
    if (reaping_ == Reaping::kFails) return unavailable("no link can be removed");
    guard.unlock();
    return ForwardingKernel::reap();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Reaping reaping_ = Reaping::kWorks;
  int waiting_ = 0;
};

class DyingLinks : public testing::Test {
 protected:
  DyingLinks() {
    NetworkEnvironment environment;
    environment.instance = "inst";
    environment.boot_id = "boot";
    environment.endpoint_gone = [this](const Prefix&, const IpAddress& address) {
      given_back.push_back(address.to_string());
    };
    world.service.reset();
    service = NetworkService::open(world.store, kernel, world.firewall, world.ports, world.clock, environment)
                  .value();
    EXPECT_TRUE(service->create_network(network_request(kNetwork), soon()).ok());
  }
  ~DyingLinks() override {
    kernel.go_on();
    service.reset();
  }

  static CreateEndpointRequest container(char id) {
    auto request = endpoint_request(kNetwork, id_of(id), "10.1.0.2/24");
    request.mac = Mac::parse("02:00:00:00:00:07").value();
    return request;
  }
  std::string start(char id) {
    const auto made = service->create_endpoint(container(id), soon());
    if (!made.ok()) return made.error().message;
    const auto joined = service->join({kNetwork, id_of(id), "/sandbox"}, soon());
    if (!joined.ok()) return joined.error().message;
    world.kernel.move_to_sandbox(joined.value().source_name);
    return "started";
  }
  bool leave(char id) { return service->leave(kNetwork, id_of(id), soon()).ok(); }
  bool remove(char id) { return service->delete_endpoint(kNetwork, id_of(id), soon()).ok(); }
  EndpointRecord only_endpoint() {
    const auto all = service->endpoints();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? EndpointRecord() : all[0];
  }
  // The pair of the endpoint is in service, and all others go.
  void expect_one_pair(const EndpointRecord& endpoint) {
    kernel.go_on();
    ASSERT_TRUE(world.reaped());
    EXPECT_THAT(world.marked_links(), testing::UnorderedElementsAre(kBridge, endpoint.host_link));
    EXPECT_TRUE(world.link(endpoint.host_link)->up);
  }

  std::vector<std::string> given_back;  // by this thread's calls
  ServiceWorld world;
  SlowKernel kernel{world.kernel};
  std::unique_ptr<NetworkService> service;
};

TEST_F(DyingLinks, OfTheDeletedEndpoint_DoNotHoldUpTheNext) {  // Scenario 33
  ASSERT_EQ(start('1'), "started");
  kernel.set(SlowKernel::Reaping::kHangs);
  ASSERT_TRUE(leave('1') && remove('1'));
  EXPECT_EQ(start('2'), "started");
  EXPECT_TRUE(world.link(kHost).has_value()) << "dying still";
  expect_one_pair(only_endpoint());
}

TEST_F(DyingLinks, OfAnEndpointWhoseDeletionWasLost_DoNotHoldUpTheNext) {  // Scenario 33
  ASSERT_EQ(start('1'), "started");
  kernel.set(SlowKernel::Reaping::kHangs);
  ASSERT_TRUE(leave('1'));
  EXPECT_EQ(start('2'), "started");
  EXPECT_EQ(only_endpoint().request.endpoint_id, id_of('2'));
  expect_one_pair(only_endpoint());
}

TEST_F(DyingLinks, UnderTheSameMacAtAnotherAddress_DoNotHoldUpTheNext) {  // Scenario 33
  ASSERT_EQ(start('1'), "started");
  kernel.set(SlowKernel::Reaping::kHangs);
  ASSERT_TRUE(leave('1'));
  auto moved = container('2');
  moved.ipv4 = address("10.1.0.9/24");
  EXPECT_TRUE(service->create_endpoint(moved, soon()).ok());
  expect_one_pair(only_endpoint());
}

TEST_F(DyingLinks, OfTheSameEndpoint_AreWaitedForAndMadeAnew) {  // Scenario 33
  ASSERT_EQ(start('1'), "started");
  kernel.set(SlowKernel::Reaping::kHangs);
  ASSERT_TRUE(leave('1'));
  std::string outcome;
  std::thread rejoining([&] { outcome = start('1'); });
  ASSERT_TRUE(eventually([&] { return kernel.hangs(); }));
  kernel.go_on();
  rejoining.join();
  EXPECT_EQ(outcome, "started");
  expect_one_pair(only_endpoint());
}

TEST_F(DyingLinks, ThatCannotBeRemoved_GiveWayUnderOtherNames) {  // Scenario 33
  ASSERT_EQ(start('1'), "started");
  kernel.set(SlowKernel::Reaping::kFails);
  ASSERT_TRUE(leave('1'));
  EXPECT_EQ(start('1'), "started");
  EXPECT_NE(only_endpoint().host_link, kHost);
  expect_one_pair(only_endpoint());
}

TEST_F(DyingLinks, OfASandboxThatEndedWithoutLeave_AreWaitedFor) {  // Scenario 33
  ASSERT_EQ(start('1'), "started");
  std::string outcome;
  std::thread restarting([&] { outcome = start('2'); });
  const int before = world.kernel.gate().operations();
  ASSERT_TRUE(eventually([&] { return world.kernel.gate().operations() > before + 2; })) << "it looks again";
  world.kernel.drop_link(kHost);
  restarting.join();
  EXPECT_EQ(outcome, "started");
  EXPECT_EQ(only_endpoint().request.endpoint_id, id_of('2'));
  EXPECT_TRUE(given_back.empty()) << "the new endpoint has the address";
  expect_one_pair(only_endpoint());
}

// The disk was full while the container ended: the engine ignores both errors, and its next life has another MAC.
TEST_F(DyingLinks, WhoseLeaveAndDeletionFailed_AreForgottenWhenTheyAreGone) {  // Scenario 33
  ASSERT_EQ(start('1'), "started");
  auto other = container('2');
  other.ipv4 = address("10.1.0.3/24");
  other.mac.reset();
  ASSERT_TRUE(service->create_endpoint(other, soon()).ok());
  world.store.fail_at(1);
  ASSERT_FALSE(leave('1'));
  world.store.fail_at(1);
  ASSERT_FALSE(remove('1'));
  EXPECT_EQ(service->endpoints().size(), 2U);
  ASSERT_TRUE(world.reaped());
  ASSERT_FALSE(world.link(kHost).has_value());

  EXPECT_EQ(service->forget_ended(soon()).value(), 1U);
  EXPECT_EQ(only_endpoint().request.endpoint_id, id_of('2')) << "that no container has joined yet";
  EXPECT_THAT(given_back, testing::ElementsAre("10.1.0.2"));
  EXPECT_EQ(service->forget_ended(soon()).value(), 0U);
}

TEST_F(DyingLinks, OfALinkThatWasRenamed_AreNotTakenForGone) {
  ASSERT_EQ(start('1'), "started");
  Link renamed = *world.link(kHost);
  renamed.name = "veth-of-mine";
  renamed.index = 0;
  world.kernel.drop_link(kHost);
  world.kernel.put_link(renamed);
  EXPECT_EQ(service->forget_ended(soon()).value(), 0U);
  EXPECT_EQ(only_endpoint().request.endpoint_id, id_of('1'));
}

TEST_F(DyingLinks, ThatDoNotDie_AreAConflict) {
  ASSERT_EQ(start('1'), "started");
  const auto refused = service->create_endpoint(container('2'), Deadline::in(std::chrono::milliseconds(50)));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_EQ(
      refused.error().message,
      "address 10.1.0.2 is in use on network aaaaaaaaaaaa by endpoint 111111111111; choose another one, or "
      "stop that container");
  expect_one_pair(only_endpoint());
}

TEST_F(DyingLinks, OfABridgeThatCannotBeRemoved_GiveWayUnderAnotherName) {
  kernel.set(SlowKernel::Reaping::kFails);
  ASSERT_TRUE(service->delete_network(kNetwork, soon()).ok());
  ASSERT_TRUE(service->create_network(network_request(kNetwork), soon()).ok());
  EXPECT_EQ(start('1'), "started");
  const std::string bridge = service->networks().at(0).bridge;
  EXPECT_NE(bridge, kBridge);
  kernel.go_on();
  ASSERT_TRUE(world.reaped());
  EXPECT_THAT(world.marked_links(), testing::UnorderedElementsAre(bridge, only_endpoint().host_link));
}

TEST_F(DyingLinks, OfManyRestartsAtOnce_StopNobody) {  // Scenario 33
  std::vector<std::thread> threads;
  std::atomic<int> problems = 0;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      auto request = container(static_cast<char>('a' + t));
      request.ipv4 = address("10.1.0." + std::to_string(10 + t) + "/24");
      request.mac = Mac({0x02, 0, 0, 0, 1, static_cast<uint8_t>(t)});
      for (int round = 0; round < 30; ++round) {
        // Every other life is another endpoint, with the same MAC and address.
        request.endpoint_id = id_of(static_cast<char>((round / 2 % 2 == 0 ? 'a' : 'A') + t));
        const bool well = service->create_endpoint(request, soon()).ok() &&
                          service->join({kNetwork, request.endpoint_id, "/sandbox"}, soon()).ok() &&
                          service->leave(kNetwork, request.endpoint_id, soon()).ok() &&
                          service->delete_endpoint(kNetwork, request.endpoint_id, soon()).ok();
        if (!well) ++problems;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(problems, 0);
  ASSERT_TRUE(world.reaped());
  EXPECT_THAT(world.marked_links(), testing::ElementsAre(kBridge));
}

}  // namespace
}  // namespace viaduct::net
