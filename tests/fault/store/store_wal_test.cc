// The WAL past the page cache (store/sqlite_wal.h): what others see of it, what they write into it, and what it leaves behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <random>

#include "fault/store/failing_disk.h"
#include "fault/store/support.h"
#include "store/sqlite_wal.h"

namespace viaduct::store {
namespace {

std::string row_of_operator(const std::string& key) {
  return "INSERT OR REPLACE INTO meta(key,value) VALUES('" + key + "','{}');";
}

// A hand on the same file, by SQLite's own way to the disk where no other is named.
class Operator {
 public:
  explicit Operator(const std::string& folder, const char* vfs = nullptr) {
    EXPECT_EQ(sqlite3_open_v2((folder + "/state.db").c_str(), &db_, SQLITE_OPEN_READWRITE, vfs), SQLITE_OK);
    run("PRAGMA wal_autocheckpoint=0");
  }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;
  ~Operator() { sqlite3_close(db_); }
  void run(const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db_) << ": " << sql;
  }

 private:
  sqlite3* db_ = nullptr;
};

TEST(StoreWal, TransactionOfManyMegabytes_IsCommittedWholeAndFoundAgain) {
  const TemporaryFolder folder;
  Rows wanted;
  {
    auto store = must_open(folder.path());
    ASSERT_TRUE(put(*store, "before").ok());
    Transaction large;
    for (int n = 0; n < 2000; ++n) {
      wanted.emplace("large-" + std::to_string(n), value_of(3000));
      large.writes.push_back({Table::kMeta, "large-" + std::to_string(n), value_of(3000)});
    }
    ASSERT_TRUE(store->commit(large).ok());
    ASSERT_TRUE(put(*store, "after").ok());
    wanted.emplace("before", "{}");
    wanted.emplace("after", "{}");
    EXPECT_EQ(rows_of(*store), wanted);
    EXPECT_EQ(rows_after_crash(folder.path()), wanted);
  }
  EXPECT_EQ(rows_of(*must_open(folder.path())), wanted);
}

TEST(StoreWal, WriteThatFails_LeavesNothing_AndTheNextOnesAreWhole) {
  const TemporaryFolder folder;
  auto store = must_open(folder.path());
  Rows wanted;
  for (int n = 0; n < 20; ++n) {
    const std::string number = std::to_string(n);
    {
      FailingDisk disk;  // the store's own VFS is older: only what goes past the cache fails
      disk.fail_at(1, FailingDisk::Length::kFromThenOn);
      EXPECT_FALSE(put(*store, "refused-" + number, value_of(300)).ok());
    }
    ASSERT_TRUE(put(*store, number).ok());
    wanted[number] = "{}";
    EXPECT_EQ(rows_after_crash(folder.path()), wanted);
  }
  EXPECT_EQ(rows_of(*store), wanted);
}

// An operator changes a row, or has the WAL begin anew, between any two commits, at places that change with the seed.
TEST(StoreWal, OthersWriteBetweenCommits_NothingOfEitherIsLost) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const TemporaryFolder folder;
  auto store = must_open(folder.path());
  Operator hand(folder.path());
  Rows wanted;
  for (int n = 0; n < 300; ++n) {
    const std::string key = std::to_string(random() % 40);
    switch (random() % 6) {
      case 0: {
        hand.run(row_of_operator("hand-" + key));
        wanted["hand-" + key] = "{}";
        break;
      }
      case 1: hand.run("PRAGMA wal_checkpoint(TRUNCATE)"); break;
      case 2: hand.run("PRAGMA wal_checkpoint(RESTART)"); break;
      case 3: hand.run("BEGIN;" + row_of_operator("never") + "ROLLBACK;"); break;
      default: {
        const std::string value = value_of(random() % 900);
        ASSERT_TRUE(put(*store, key, value).ok());
        wanted[key] = value;
      }
    }
    if (n % 30 != 0) continue;
    EXPECT_EQ(rows_after_crash(folder.path()), wanted) << "after a crash, step " << n;
  }
  EXPECT_EQ(rows_of(*store), wanted);
  EXPECT_EQ(rows_after_crash(folder.path()), wanted);
  EXPECT_TRUE(store->damages().value().empty());
}

// The same place in the file, written by an operator since: after the WAL began anew it has frames where the store's were.
TEST(StoreWal, WalBegunAnewByAnother_ItsFramesAreNotOverwritten) {
  const TemporaryFolder folder;
  auto store = must_open(folder.path());
  Operator hand(folder.path());
  // The first row stands at the end of its page, and so in the block that the log ends in.
  const std::string theirs = "{\"b\":\"" + std::string(100, 'y') + "\"}";
  Rows wanted = {{"first", theirs}};
  for (int round = 0; round < 20; ++round) {
    const std::string number = std::to_string(round);
    hand.run("PRAGMA wal_checkpoint(TRUNCATE)");
    for (int n = 0; n <= round; ++n) ASSERT_TRUE(put(*store, "first", value_of(100)).ok());
    hand.run("PRAGMA wal_checkpoint(TRUNCATE)");
    for (int n = 0; n <= round; ++n) hand.run("UPDATE meta SET value='" + theirs + "' WHERE key='first'");
    ASSERT_TRUE(put(*store, number).ok());
    wanted[number] = "{}";
    EXPECT_EQ(rows_after_crash(folder.path()), wanted) << "round " << round;
  }
  EXPECT_EQ(rows_of(*store), wanted);
}

// SQLite writes parts of a transaction that outgrows its cache before the end: rolled back, they are frames of nobody.
TEST(StoreWal, RolledBackAfterItWroteAlready_AnothersCommitIsNotOverwritten) {
  const TemporaryFolder folder;
  { EXPECT_NE(must_open(folder.path()), nullptr); }
  SqliteWal wal;
  Operator ours(folder.path(), wal.vfs_name());
  ours.run("PRAGMA synchronous=FULL; PRAGMA cache_size=4;" + row_of_operator("first"));
  wal.start();
  Operator hand(folder.path());
  Rows wanted = {{"first", "{}"}};
  for (int round = 0; round < 5; ++round) {
    const std::string number = std::to_string(round);
    ours.run("BEGIN IMMEDIATE");
    wal.begin(/*is_stale=*/true);
    for (int n = 0; n < 60; ++n)
      ours.run("INSERT INTO meta VALUES('never-" + std::to_string(n) + "','" + value_of(3000) + "')");
    ours.run("ROLLBACK");
    wal.abandon();
    hand.run(row_of_operator("hand-" + number));
    ours.run("BEGIN IMMEDIATE");
    wal.begin(/*is_stale=*/true);
    ours.run(row_of_operator("ours-" + number) + "COMMIT");
    wanted["hand-" + number] = "{}";
    wanted["ours-" + number] = "{}";
    EXPECT_EQ(rows_after_crash(folder.path()), wanted) << "round " << round;
  }
}

}  // namespace
}  // namespace viaduct::store
