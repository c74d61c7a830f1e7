#include "store/fault_store.h"

#include <gtest/gtest.h>

#include "fault/store/support.h"
#include "store/memory_store.h"

namespace viaduct::store {
namespace {

TEST(FaultStore, NthOperation_FailsOnceAndLeavesTheInnerStoreAlone) {
  for (int n = 1; n <= 3; ++n) {
    MemoryStore inner;
    FaultStore faulty(inner);
    faulty.fail_at(n);
    int failures = 0;
    for (int i = 1; i <= 5; ++i)
      if (!put(faulty, std::to_string(i)).ok()) {
        ++failures;
        EXPECT_EQ(i, n);
      }
    EXPECT_EQ(failures, 1);
    EXPECT_TRUE(faulty.fired());
    EXPECT_EQ(rows_of(inner).size(), 4U);
    EXPECT_FALSE(rows_of(inner).contains(std::to_string(n)));
  }
}

TEST(FaultStore, Reads_CountAndFailAsWell) {
  MemoryStore inner;
  FaultStore faulty(inner);
  faulty.fail_at(2);
  EXPECT_TRUE(faulty.get(Table::kMeta, "k").ok());
  EXPECT_FALSE(faulty.fired());
  EXPECT_EQ(faulty.scan(Table::kMeta, [](const Row&) {}).error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(faulty.fired());
  faulty.fail_at(1);
  EXPECT_EQ(faulty.get(Table::kMeta, "k").error().code, ErrorCode::kUnavailable);
}

TEST(FaultStore, NotArmed_NeverFails) {
  MemoryStore inner;
  FaultStore faulty(inner);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(put(faulty, "k").ok());
  EXPECT_FALSE(faulty.fired());
}

}  // namespace
}  // namespace viaduct::store
