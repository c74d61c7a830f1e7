// A disk that fails at every single write, truncation and flush in turn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fault/store/failing_disk.h"
#include "fault/store/support.h"

namespace viaduct::store {
namespace {

using Length = FailingDisk::Length;
using testing::HasSubstr;

using PastCache = FailingDisk::PastCache;

std::string name_of(const testing::TestParamInfo<PastCache>& way) {
  constexpr const char* kNames[] = {"PastTheCache", "ThroughTheCache", "ByHalves"};
  return kNames[static_cast<int>(way.param)];
}

// Each with every way to the disk that the WAL has.
class StoreDisk : public testing::TestWithParam<PastCache> {};
INSTANTIATE_TEST_SUITE_P(Ways, StoreDisk,
                         testing::Values(PastCache::kWorks, PastCache::kNotKnown, PastCache::kHalf), name_of);

// Operations that ten commits are at least.
int least_operations(PastCache way) {
  return way == PastCache::kWorks ? 10 : 20;
}

// Ten commits of a row each; those that were acknowledged.
Rows commit_ten(Store& store) {
  Rows acknowledged;
  for (int n = 0; n < 10; ++n) {
    const Status done = put(store, "k" + std::to_string(n));
    if (done.ok()) acknowledged.emplace("k" + std::to_string(n), "{}");
    EXPECT_EQ(done.ok() ? ErrorCode::kUnavailable : done.error().code, ErrorCode::kUnavailable);
  }
  return acknowledged;
}

TEST_P(StoreDisk, OneFailureAnywhere_IsReportedAndItsTransactionNeverSeen) {
  int n = 1;
  for (; n < FailingDisk::kMostOperations; ++n) {
    const TemporaryFolder folder;
    FailingDisk disk(GetParam());
    auto store = must_open(folder.path());
    ASSERT_NE(store, nullptr);
    disk.fail_at(n, Length::kOnce);
    const Rows acknowledged = commit_ten(*store);
    disk.repair();
    EXPECT_EQ(rows_of(*store), acknowledged) << "operation " << n;
    EXPECT_EQ(rows_after_crash(folder.path()), acknowledged) << "after a crash, operation " << n;
    EXPECT_GE(acknowledged.size(), 9U) << "one failure failed more than one commit, operation " << n;
    store.reset();
    EXPECT_EQ(rows_of(*must_open(folder.path())), acknowledged) << "after reopening, operation " << n;
    if (!disk.fired()) break;
  }
  EXPECT_GT(n, least_operations(GetParam()));
  EXPECT_LT(n, FailingDisk::kMostOperations);
}

TEST_P(StoreDisk, LastingFailure_RefusesUntilRepaired_ThenWorksOn) {
  int n = 1;
  for (; n < FailingDisk::kMostOperations; ++n) {
    const TemporaryFolder folder;
    FailingDisk disk(GetParam());
    auto store = must_open(folder.path());
    ASSERT_NE(store, nullptr);
    disk.fail_at(n, Length::kFromThenOn);
    Rows acknowledged = commit_ten(*store);
    const bool fired = disk.fired();
    EXPECT_EQ(rows_of(*store), acknowledged) << "operation " << n;
    disk.repair();
    ASSERT_TRUE(put(*store, "repaired").ok()) << "operation " << n;
    acknowledged.emplace("repaired", "{}");
    EXPECT_EQ(rows_of(*store), acknowledged) << "operation " << n;
    EXPECT_EQ(rows_after_crash(folder.path()), acknowledged) << "after a crash, operation " << n;
    if (!fired) break;
  }
  EXPECT_GT(n, least_operations(GetParam()));
  EXPECT_LT(n, FailingDisk::kMostOperations);
}

TEST_P(StoreDisk, FailureDuringTheFirstStart_IsReported_AndTheNextStartWorks) {
  int n = 1;
  for (; n < FailingDisk::kMostOperations; ++n) {
    const TemporaryFolder folder;
    FailingDisk disk(GetParam());
    disk.fail_at(n, Length::kFromThenOn);
    {
      const auto opened = SqliteStore::open(folder.path());
      EXPECT_TRUE(opened.ok() || disk.fired());
      EXPECT_EQ(opened.ok() ? ErrorCode::kUnavailable : opened.error().code, ErrorCode::kUnavailable);
    }
    const bool fired = disk.fired();
    disk.repair();
    auto store = must_open(folder.path());
    ASSERT_NE(store, nullptr) << "operation " << n;
    EXPECT_TRUE(put(*store, "k").ok());
    if (!fired) break;
  }
  EXPECT_GT(n, 5);
  EXPECT_LT(n, FailingDisk::kMostOperations);
}

TEST_P(StoreDisk, FailedFlush_SaysWhichFileAndWhatFailed) {
  const TemporaryFolder folder;
  FailingDisk disk(GetParam());
  auto store = must_open(folder.path());
  disk.fail_at(1, Length::kFromThenOn);
  const Status refused = put(*store, "k");
  disk.repair();
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr(folder.path() + "/state.db"));
  const bool past = GetParam() != PastCache::kNotKnown;
  EXPECT_THAT(refused.error().message,
              HasSubstr(past ? "SQLITE_IOERR, SQLITE_IOERR_FSYNC" : "SQLITE_IOERR, SQLITE_IOERR_WRITE"));
}

}  // namespace
}  // namespace viaduct::store
