#include <gtest/gtest.h>

#include <functional>

#include "store/fault_store.h"
#include "unit/ipam/ipam_world.h"

// Every commit fails once, at every place of a history: the call that meets it fails and changes nothing,
// what the daemon knows equals what it would load, and the same call succeeds when the store is back.
namespace viaduct::ipam::testing {
namespace {

std::string snapshot(IpamService& service) {
  std::string out;
  for (const PoolView& pool : service.pools())
    out += pool.id + " refs " + std::to_string(pool.refs) + " used " +
           std::to_string(static_cast<uint64_t>(pool.used)) + "\n";
  for (const AddressView& view : service.addresses())
    out += std::string(to_string(view.owner)) + " " + view.pool.to_string() + " " + view.address.to_string() +
           " " + (view.mac.has_value() ? view.mac->to_string() : "") + " epoch " +
           std::to_string(view.epoch) + "\n";
  return out + "epoch " + std::to_string(service.epoch());
}

std::string without_epoch(const std::string& snapshot) {
  return snapshot.substr(0, snapshot.rfind("epoch "));
}

using Step = std::function<Status(World&)>;

Status status_of(const Result<AddressReply>& reply) {
  return reply.ok() ? Status() : Status(reply.error());
}
Status status_of(const Result<PoolReply>& reply) {
  return reply.ok() ? Status() : Status(reply.error());
}

const std::string kId = "local/10.1.0.0/24";
const std::string kLow = "local/10.2.0.0/24/10.2.0.0/25";

// Every kind of change that the service makes.
std::vector<Step> history() {
  return {
      [](World& world) { return world.service().registered(kFirstEngine); },
      [](World& world) { return status_of(world.request_pool("10.1.0.0/24")); },
      [](World& world) { return status_of(world.request_pool("10.1.0.0/24")); },
      [](World& world) { return status_of(world.request_pool("10.2.0.0/24", "10.2.0.0/25")); },
      [](World& world) { return status_of(world.request_pool("10.2.0.0/24", "10.2.0.128/25")); },
      [](World& world) { return status_of(world.request_pool("")); },
      [](World& world) { return status_of(world.request_pool("::/64")); },
      [](World& world) { return status_of(world.gateway(kId)); },
      [](World& world) { return status_of(world.gateway(kId)); },
      [](World& world) { return status_of(world.bare_at(kId, "10.1.0.9")); },
      [](World& world) { return status_of(world.endpoint(kId, 1)); },
      [](World& world) { return status_of(world.endpoint_at(kId, "10.1.0.20", 2)); },
      [](World& world) { return status_of(world.endpoint(kLow, 3)); },
      [](World& world) {
        world.bind("10.1.0.0/24", "10.1.0.20");
        return world.service().release_address(kId, ip("10.1.0.20"), soon());
      },
      [](World& world) {
        world.engine_alive = false;
        return world.service().registered(kSecondEngine);
      },
      [](World& world) { return status_of(world.request_pool("10.1.0.0/24")); },
      [](World& world) { return status_of(world.bare_at(kId, "10.1.0.20")); },
      [](World& world) { return status_of(world.endpoint(kId, 1)); },
      [](World& world) {
        world.unbind("10.1.0.0/24", "10.1.0.20");
        return world.service().endpoint_gone(prefix("10.1.0.0/24"), ip("10.1.0.20"), soon());
      },
      [](World& world) { return world.service().release_address(kId, ip("10.1.0.1"), soon()); },
      [](World& world) { return world.service().release_pool(kLow, soon()); },
      [](World& world) { return status_of(world.request_pool("10.1.0.0/24")); },
      [](World& world) { return world.service().release_pool(kId, soon()); },
      [](World& world) { return world.service().release_pool(kId, soon()); },
  };
}

// Scenario 18, for the store's part.
TEST(StoreFailure, AtEveryOperationOfAHistory_ChangesNothingAndTheRetrySucceeds) {
  const std::vector<Step> steps = history();
  int struck = 0;
  for (int n = 1; n < 1000; ++n) {
    store::MemoryStore memory;
    store::FaultStore faulty(memory);
    World world(&faulty);
    faulty.fail_at(n);
    for (size_t step = 0; step < steps.size(); ++step) {
      SCOPED_TRACE("fault " + std::to_string(n) + ", step " + std::to_string(step));
      const std::string before = snapshot(world.service());
      Status status = steps[step](world);
      if (!status.ok()) {
        ASSERT_TRUE(faulty.fired()) << status.error().message;
        ASSERT_EQ(status.error().code, ErrorCode::kUnavailable);
        // An epoch begins although it cannot be stored: the engine is a new one whatever the disk does.
        ASSERT_EQ(without_epoch(snapshot(world.service())), without_epoch(before));
        ++struck;
        status = steps[step](world);
      }
      ASSERT_TRUE(status.ok()) << status.error().message;
    }
    const bool fired = faulty.fired();
    faulty.fail_at(0);
    const std::string known = snapshot(world.service());
    world.reopen();
    ASSERT_EQ(snapshot(world.service()), known) << "fault " << n;
    if (!fired) {
      EXPECT_EQ(struck, n - 1) << "each fault was seen by its caller";
      EXPECT_GE(n, static_cast<int>(steps.size())) << "the history commits at nearly each step";
      return;
    }
  }
  FAIL() << "the history never ended";
}

TEST(StoreFailure, WhileItOpens_IsReportedAtEveryRead) {
  store::MemoryStore memory;
  store::FaultStore faulty(memory);
  const ManualClock clock{std::chrono::sys_seconds{}};
  for (int n = 1; n < 100; ++n) {
    faulty.fail_at(n);
    const auto service = IpamService::open(faulty, clock, {}, {});
    if (!faulty.fired()) {
      EXPECT_TRUE(service.ok());
      EXPECT_EQ(n, 5) << "two keys and two tables are read";
      return;
    }
    ASSERT_FALSE(service.ok());
    EXPECT_EQ(service.error().code, ErrorCode::kUnavailable);
  }
}

}  // namespace
}  // namespace viaduct::ipam::testing
