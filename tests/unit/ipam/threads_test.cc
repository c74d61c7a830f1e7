#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam::testing {
namespace {

using ::testing::IsEmpty;

// A commit lets the other threads go first, as a flush to disk does: calls meet each other's marks.
class SlowStore final : public store::Store {
 public:
  Status commit(const store::Transaction& transaction) override {
    for (int i = 0; i < 20; ++i) std::this_thread::yield();
    return inner_.commit(transaction);
  }
  Result<std::optional<std::string>> get(store::Table table, const std::string& key) override {
    return inner_.get(table, key);
  }
  Status scan(store::Table table, const std::function<void(const store::Row&)>& visit) override {
    return inner_.scan(table, visit);
  }

 private:
  store::MemoryStore inner_;
};

struct SlowWorld {
  SlowStore store;
  World world{&store};
};

void run_threads(int count, const std::function<void(int)>& body) {
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
}

// Scenario 35. Each address has a counter of owners; two owners at one time would be seen by the second.
TEST(Threads, RandomRequestsAndReleases_NeverGiveOneAddressTwice) {
  SlowWorld slow;
  World& world = slow.world;
  const std::string low = world.pool("10.1.0.0/24", "10.1.0.0/26");
  const std::string high = world.pool("10.1.0.0/24", "10.1.0.64/26");
  std::vector<std::atomic<int>> owners(256);
  std::atomic<int> given{0};
  run_threads(16, [&](int thread) {
    for (int i = 0; i < 200; ++i) {
      const std::string& id = (thread + i) % 2 == 0 ? low : high;
      const auto reply = world.endpoint(id, thread * 1000 + i + 1);
      ASSERT_TRUE(reply.ok()) << reply.error().message;
      const IpAddress address = reply.value().address.address;
      std::atomic<int>& owner = owners[static_cast<size_t>(address.value() & 0xff)];
      ASSERT_EQ(owner.fetch_add(1), 0) << address.to_string();
      ++given;
      owner.fetch_sub(1);
      ASSERT_TRUE(world.service().release_address(id, address, soon()).ok());
    }
  });
  EXPECT_EQ(given, 16 * 200);
  EXPECT_THAT(world.held(), IsEmpty());
  world.reopen();
  EXPECT_THAT(world.held(), IsEmpty());
}

TEST(Threads, PoolSmallerThanTheCrowd_IsGivenOutToTheLastAddress) {
  SlowWorld slow;
  World& world = slow.world;
  const std::string id = world.pool("10.1.0.0/27");
  std::atomic<int> given{0};
  std::atomic<int> refused{0};
  run_threads(40, [&](int thread) {
    const auto reply = world.endpoint(id, thread + 1);
    if (reply.ok()) {
      ++given;
    } else {
      ASSERT_EQ(reply.error().code, ErrorCode::kExhausted);
      ++refused;
    }
  });
  EXPECT_EQ(given, 30);
  EXPECT_EQ(refused, 10);
}

// Trap T35: a retry overtakes its first call.
TEST(Threads, OneMacAskedForAtOnce_GetsOneAddress) {
  SlowWorld slow;
  World& world = slow.world;
  const std::string id = world.pool("10.1.0.0/24");
  run_threads(16, [&](int) { EXPECT_EQ(World::text(world.endpoint(id, 7)), "10.1.0.1/24"); });
  EXPECT_EQ(world.held().size(), 1U);
}

TEST(Threads, OneExplicitAddressAskedForAtOnce_HasOneWinner) {
  SlowWorld slow;
  World& world = slow.world;
  world.new_engine(kFirstEngine);
  const std::string id = world.pool("10.1.0.0/24");
  std::atomic<int> winners{0};
  run_threads(16, [&](int thread) { winners += world.endpoint_at(id, "10.1.0.5", thread + 1).ok() ? 1 : 0; });
  EXPECT_EQ(winners, 1);
}

// Trap T21.
TEST(Threads, AutomaticPoolsAskedForAtOnce_AllDiffer) {
  SlowWorld slow;
  World& world = slow.world;
  std::vector<std::string> ids(24);
  run_threads(24, [&](int thread) { ids[static_cast<size_t>(thread)] = world.pool(""); });
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 24U);
}

TEST(Threads, OneGatewayAskedForAtOnce_CountsEveryClaim) {
  SlowWorld slow;
  World& world = slow.world;
  const std::string id = world.pool("10.1.0.0/24");
  run_threads(8, [&](int) { EXPECT_EQ(World::text(world.gateway(id)), "10.1.0.1/24"); });
  for (int i = 0; i < 7; ++i) world.release(id, "10.1.0.1");
  EXPECT_EQ(world.held().size(), 1U);
  world.release(id, "10.1.0.1");
  EXPECT_THAT(world.held(), IsEmpty());
}

TEST(Threads, PoolsMadeUsedAndRemovedAtOnce_LeaveNothing) {
  SlowWorld slow;
  World& world = slow.world;
  world.service().registered(kFirstEngine);
  run_threads(12, [&](int thread) {
    for (int i = 0; i < 100; ++i) {
      const std::string sub_pool = thread % 2 == 0 ? "10.1.0.0/25" : "10.1.0.128/25";
      const auto pool = world.request_pool("10.1.0.0/24", sub_pool);
      ASSERT_TRUE(pool.ok()) << pool.error().message;
      const auto reply = world.endpoint(pool.value().id, thread * 1000 + i + 1);
      ASSERT_TRUE(reply.ok()) << reply.error().message << ": the reference of this thread keeps the pool";
      if (i % 10 == 0) {
        world.service().registered(kFirstEngine);
      } else {
        world.release(pool.value().id, reply.value().address.address.to_string());
      }
      world.release_pool(pool.value().id);
    }
  });
  EXPECT_THAT(world.held(), IsEmpty());
  EXPECT_THAT(world.service().pools(), IsEmpty());
  world.reopen();
  EXPECT_THAT(world.service().pools(), IsEmpty());
}

}  // namespace
}  // namespace viaduct::ipam::testing
