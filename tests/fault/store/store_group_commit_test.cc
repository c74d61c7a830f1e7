// One flush for many commits; one flush, and no wait, for a lone one; and patience with locks of others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "fault/store/support.h"

namespace viaduct::store {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

void in_threads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (auto& thread : threads) thread.join();
}

TEST(StoreGroupCommit, ManyThreads_ShareFlushes) {
  const TemporaryFolder folder;
  auto store = must_open(folder.path());
  in_threads(64, [&](int thread) {
    for (int n = 0; n < 20; ++n)
      EXPECT_TRUE(put(*store, std::to_string(thread) + "-" + std::to_string(n)).ok());
  });
  const SqliteCounts counts = store->counts();
  EXPECT_EQ(counts.transactions, 64U * 20U);
  EXPECT_LT(counts.flushes, counts.transactions / 2);
  EXPECT_GT(counts.flushes, 0U);
  store.reset();
  EXPECT_EQ(rows_of(*must_open(folder.path())).size(), 64U * 20U);
}

TEST(StoreGroupCommit, LoneCaller_PaysOneFlushACommit) {
  const TemporaryFolder folder;
  auto store = must_open(folder.path());
  for (int n = 0; n < 10; ++n) ASSERT_TRUE(put(*store, std::to_string(n)).ok());
  EXPECT_EQ(store->counts().flushes, 10U);
}

TEST(StoreGroupCommit, RefusedOnesInABatch_FailAlone) {
  const TemporaryFolder folder;
  auto store = must_open(folder.path());
  std::atomic<int> conflicts{0};
  in_threads(32, [&](int thread) {
    const std::string own = std::to_string(thread);
    const Transaction contested{{{Table::kMeta, "one", Condition::Kind::kAbsent}},
                                {{Table::kMeta, "one", "{}"}, {Table::kPool, own, "{}"}}};
    const Status done = store->commit(contested);
    if (!done.ok() && done.error().code == ErrorCode::kConflict) ++conflicts;
    EXPECT_TRUE(put(*store, own).ok());
  });
  EXPECT_EQ(conflicts, 31);
  EXPECT_EQ(rows_of(*store, Table::kPool).size(), 1U);
  EXPECT_EQ(rows_of(*store).size(), 33U);
}

TEST(StoreGroupCommit, ManyCommits_DoNotLetTheWalGrowWithoutBound) {
  const TemporaryFolder folder;
  auto store = must_open(folder.path());
  const std::string value = "{\"a\":\"" + std::string(500000, 'x') + "\"}";
  for (int n = 0; n < 60; ++n) ASSERT_TRUE(put(*store, "k", value).ok());
  // 60 values are 30 MB; the idle checkpoint comes after about 4 MB.
  EXPECT_LT(std::filesystem::file_size(folder.path() + "/state.db-wal"), 10'000'000U);
}

// Another process's write lock on the file.
class ForeignLock {
 public:
  explicit ForeignLock(const std::string& folder) {
    EXPECT_EQ(sqlite3_open((folder + "/state.db").c_str(), &db_), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ForeignLock(const ForeignLock&) = delete;
  ForeignLock& operator=(const ForeignLock&) = delete;
  ~ForeignLock() { EXPECT_EQ(sqlite3_close(db_), SQLITE_OK); }

 private:
  sqlite3* db_ = nullptr;
};

TEST(StoreForeignLock, HeldTooLong_IsUnavailableForEachWithinItsPatience) {
  const TemporaryFolder folder;
  auto opened = SqliteStore::open(folder.path(), {.lock_patience = milliseconds{300}});
  auto& store = *opened.value();
  {
    const ForeignLock lock(folder.path());
    const auto start = std::chrono::steady_clock::now();
    in_threads(8, [&](int thread) {
      const Status refused = put(store, std::to_string(thread));
      ASSERT_FALSE(refused.ok());
      EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
      EXPECT_THAT(refused.error().message, HasSubstr("another process holds a lock"));
    });
    const auto waited = std::chrono::steady_clock::now() - start;
    EXPECT_GE(waited, milliseconds{300});
    EXPECT_LT(waited, milliseconds{2400}) << "they waited one after the other";
    EXPECT_TRUE(rows_of(store).empty());
  }
  EXPECT_TRUE(put(store, "after").ok());
  EXPECT_EQ(rows_of(store).size(), 1U);
}

TEST(StoreForeignLock, GivenBackInTime_DelaysTheCommitAndLetsReadsThrough) {
  const TemporaryFolder folder;
  auto store = must_open(folder.path());
  ASSERT_TRUE(put(*store, "before").ok());
  auto lock = std::make_unique<ForeignLock>(folder.path());
  std::thread waiting([&] { EXPECT_TRUE(put(*store, "waited").ok()); });
  EXPECT_EQ(rows_of(*store), (Rows{{"before", "{}"}}));
  lock.reset();
  waiting.join();
  EXPECT_EQ(rows_of(*store).size(), 2U);
}

}  // namespace
}  // namespace viaduct::store
