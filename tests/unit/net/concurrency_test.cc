#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "unit/net/forwarding_kernel.h"
#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

// A kernel in which the making of veth pairs hangs for one bridge.
class HangingKernel final : public ForwardingKernel {
 public:
  HangingKernel(Kernel& inner, std::string bridge) : ForwardingKernel(inner), bridge_(std::move(bridge)) {}

  void release() {
    std::lock_guard guard(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  bool wait_until_it_hangs() {
    std::unique_lock guard(mutex_);
    return changed_.wait_for(guard, std::chrono::seconds(10), [this] { return hangs_; });
  }

  Status create_veth(const VethSpec& spec) override {
    if (spec.bridge == bridge_) {
      std::unique_lock guard(mutex_);
      hangs_ = true;
      changed_.notify_all();
      changed_.wait(guard, [this] { return released_; });
    }
    return ForwardingKernel::create_veth(spec);
  }

 private:
  const std::string bridge_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hangs_ = false;
  bool released_ = false;
};

TEST(Concurrency, KernelHangsOnOneNetwork_OtherNetworksAndReadersGoOn) {
  // Scenario 16.
  ServiceWorld world;
  world.service.reset();
  HangingKernel kernel(world.kernel, "vd-aaaaaaaaaaaa");
  NetworkEnvironment environment;
  environment.instance = "inst";
  environment.boot_id = "boot";
  auto service =
      NetworkService::open(world.store, kernel, world.firewall, world.ports, world.clock, environment)
          .value();
  ASSERT_TRUE(service->create_network(network_request(id_of('a')), soon()).ok());
  ASSERT_TRUE(service->create_network(network_request(id_of('b'), "10.2.0.0/24"), soon()).ok());

  std::thread hanging(
      [&] { EXPECT_TRUE(service->create_endpoint(endpoint_request(id_of('a'), id_of('1')), soon()).ok()); });
  ASSERT_TRUE(kernel.wait_until_it_hangs());
  EXPECT_TRUE(service->create_endpoint(endpoint_request(id_of('b'), id_of('2'), "10.2.0.2/24"), soon()).ok());
  EXPECT_TRUE(service->create_network(network_request(id_of('c'), "10.3.0.0/24"), soon()).ok());
  EXPECT_TRUE(service->delete_network(id_of('c'), soon()).ok());
  EXPECT_EQ(service->networks().size(), 2U);
  EXPECT_EQ(service->endpoints().size(), 1U);
  EXPECT_TRUE(service->bound_to(prefix("10.1.0.0/24"), address("10.1.0.1/24").address).has_value());

  const auto busy = service->leave(id_of('a'), id_of('1'), Deadline::in(std::chrono::milliseconds(20)));
  ASSERT_FALSE(busy.ok());
  EXPECT_EQ(busy.error().code, ErrorCode::kBusy);
  kernel.release();
  hanging.join();
  EXPECT_TRUE(service->leave(id_of('a'), id_of('1'), soon()).ok());
}

TEST(Concurrency, EndpointsComeAndGoOnManyNetworksAtOnce_NothingIsLeft) {
  // Scenario 35.
  ServiceWorld world;
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&world, t] {
      const std::string network = id_of(static_cast<char>('a' + t / 2));  // two threads share a network
      const auto request = network_request(network, "10." + std::to_string(t / 2 + 1) + ".0.0/16");
      const std::string endpoint = id_of(static_cast<char>('1' + t));
      const std::string own = "10." + std::to_string(t / 2 + 1) + ".0." + std::to_string(10 + t) + "/16";
      for (int round = 0; round < 30; ++round) {
        ASSERT_TRUE(world.service->create_network(request, soon()).ok());
        ASSERT_TRUE(world.service->create_endpoint(endpoint_request(network, endpoint, own), soon()).ok());
        ASSERT_TRUE(world.service->join({network, endpoint, "/sandbox"}, soon()).ok());
        ASSERT_TRUE(world.service->leave(network, endpoint, soon()).ok());
        ASSERT_TRUE(world.service->delete_endpoint(network, endpoint, soon()).ok());
      }
    });
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      EXPECT_LE(world.service->networks().size(), 4U);
      EXPECT_LE(world.service->endpoints().size(), 8U);
      ASSERT_TRUE(world.service->reconcile().ok());
    }
  });
  for (auto& thread : threads) thread.join();
  done = true;
  reader.join();
  for (int t = 0; t < kThreads; ++t)
    ASSERT_TRUE(world.service->delete_network(id_of(static_cast<char>('a' + t / 2)), soon()).ok());
  EXPECT_TRUE(world.empty_after_reaping());
  EXPECT_EQ(world.stored(store::Table::kNetwork) + world.stored(store::Table::kEndpoint), 0);
}

TEST(Concurrency, OneSubnetForManyNetworksAtOnce_OneOfThemGetsIt) {
  ServiceWorld world;
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (char id = 'a'; id < 'i'; ++id)
    threads.emplace_back([&, id] {
      const auto created = world.service->create_network(network_request(id_of(id)), soon());
      if (created.ok()) {
        ++made;
      } else {
        EXPECT_EQ(created.error().code, ErrorCode::kOverlap);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(world.marked_links().size(), 1U);
}

}  // namespace
}  // namespace viaduct::net
