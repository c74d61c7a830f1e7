#include <gtest/gtest.h>

#include <functional>
#include <thread>

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
      [](World& world) {
        world.service().registered(kFirstEngine);
        return Status();
      },
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
        world.service().registered(kSecondEngine);
        return Status();
      },
      [](World& world) { return status_of(world.request_pool("10.1.0.0/24")); },
      [](World& world) { return status_of(world.bare_at(kId, "10.1.0.20")); },
      [](World& world) { return status_of(world.endpoint(kId, 1)); },
      [](World& world) {
        world.unbind("10.1.0.0/24", "10.1.0.20");
        return world.service().endpoint_gone(prefix("10.1.0.0/24"), ip("10.1.0.20"), soon());
      },
      [](World& world) { return world.service().release_address(kId, ip("10.1.0.1"), soon()); },
      [](World& world) {
        return world.service().reserve({{.space = kLocalSpace,
                                         .address = ip("10.1.0.40"),
                                         .mac = mac(40),
                                         .name = "",
                                         .note = "",
                                         .since = ""}});
      },
      [](World& world) { return status_of(world.endpoint(kId, 40)); },
      [](World& world) { return world.service().release_address(kId, ip("10.1.0.40"), soon()); },
      [](World& world) { return world.service().unreserve(kLocalSpace, ip("10.1.0.40")); },
      [](World& world) {
        const auto status = world.service().release_by_operator(kLocalSpace, ip("10.1.0.40"), soon());
        // Repeated after a failure that came too late to be one.
        return !status.ok() && status.error().code == ErrorCode::kNotFound ? Status() : status;
      },
      [](World& world) {
        World other;
        other.pool("10.7.0.0/24");
        EXPECT_TRUE(other.endpoint("local/10.7.0.0/24", 70).ok());
        return world.service().import_state(other.service().export_state(), soon());
      },
      [](World& world) { return world.service().release_pool(kLow, soon()); },
      [](World& world) { return status_of(world.request_pool("10.1.0.0/24")); },
      [](World& world) { return world.service().release_pool(kId, soon()); },
      [](World& world) { return world.service().release_pool(kId, soon()); },
  };
}

constexpr int kEpochs = 2;

uint64_t stored_epoch(store::MemoryStore& memory) {
  const auto value = memory.get(store::Table::kMeta, "epoch").value();
  return value.has_value() ? epoch_from_json(*value).value().local.number : 0;
}

bool comes_true(const std::function<bool()>& condition) {
  const Deadline deadline = soon();
  while (!condition()) {
    if (deadline.expired()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
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
      // An epoch is written without a call that waits, and again when that failed.
      ASSERT_TRUE(comes_true([&] { return stored_epoch(memory) == world.service().epoch(); }));
    }
    const bool fired = faulty.fired();
    faulty.fail_at(0);
    const std::string known = snapshot(world.service());
    world.reopen();
    ASSERT_EQ(snapshot(world.service()), known) << "fault " << n;
    if (!fired) {
      EXPECT_EQ(struck, n - 1 - kEpochs) << "each fault was seen by its caller, but for those of the epochs";
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
    if (service.ok()) {
      EXPECT_EQ(n, 7) << "three keys and three tables are read";
      return;
    }
    EXPECT_EQ(service.error().code, ErrorCode::kUnavailable);
  }
}

}  // namespace
}  // namespace viaduct::ipam::testing
