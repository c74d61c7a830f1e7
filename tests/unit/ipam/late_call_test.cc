#include <gtest/gtest.h>

#include "ipam_world.h"
#include "unit/slow_store.h"

// Calls whose commit ends after their deadline: the engine has been told that they failed (Scenario 16).
namespace viaduct::ipam::testing {
namespace {

constexpr std::chrono::milliseconds kShort{30};

class LateCall : public ::testing::Test {
 protected:
  Deadline late() {
    const Deadline deadline = Deadline::in(kShort);
    slow_.outlast(deadline);
    return deadline;
  }
  int rows(store::Table table) {
    int count = 0;
    EXPECT_TRUE(memory_.scan(table, [&](const store::Row&) { ++count; }).ok());
    return count;
  }
  Result<AddressReply> late_endpoint(const std::string& pool, int mac_number) {
    return world_.service().request_address(
        {.pool_id = pool, .address = {}, .mac = mac(mac_number), .name = ""}, late());
  }

  store::MemoryStore memory_;
  store::SlowStore slow_{memory_};
  World world_{&slow_};
};

TEST_F(LateCall, NewAddress_IsGivenBackAndFree) {
  const std::string pool = world_.pool("10.1.0.0/24");
  const auto reply = late_endpoint(pool, 1);
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::kBusy);
  EXPECT_EQ(rows(store::Table::kAddress), 0);
  EXPECT_TRUE(world_.service().addresses().empty());
  EXPECT_TRUE(world_.endpoint_at(pool, "10.1.0.1", 2).ok());
}

TEST_F(LateCall, AddressThatWasHeldBefore_StaysHeld) {
  const std::string pool = world_.pool("10.1.0.0/24");
  const std::string first = World::text(world_.endpoint(pool, 1));
  world_.new_engine(kSecondEngine);
  EXPECT_EQ(World::text(late_endpoint(pool, 1)), first);
  EXPECT_EQ(rows(store::Table::kAddress), 1);
}

TEST_F(LateCall, NewPool_IsGivenBackAndFree) {
  const auto reply = world_.service().request_pool(
      {.space = kLocalSpace, .pool = prefix("10.1.0.0/24"), .sub_pool = {}, .options = {}}, late());
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(rows(store::Table::kPool), 0);
  EXPECT_FALSE(world_.holds("10.1.0.0/24"));
  EXPECT_TRUE(world_.request_pool("10.1.0.0/16").ok());
}

TEST_F(LateCall, FurtherReferenceOfAPool_IsDropped) {
  const std::string pool = world_.pool("10.1.0.0/24");
  const auto reply = world_.service().request_pool(
      {.space = kLocalSpace, .pool = prefix("10.1.0.0/24"), .sub_pool = {}, .options = {}}, late());
  ASSERT_FALSE(reply.ok());
  world_.release_pool(pool);
  EXPECT_FALSE(world_.holds("10.1.0.0/24"));
}

}  // namespace
}  // namespace viaduct::ipam::testing
