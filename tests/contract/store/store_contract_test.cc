// The promises of store/store.h, kept by every backend: another backend is one row more in Backends. Each
// test ends with a reopening and looks again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include "contract/store/temporary_folder.h"
#include "store/memory_store.h"
#include "store/sqlite_store.h"
#include "store/store.h"

namespace viaduct::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Rows = std::map<std::string, std::string>;

// Reopening cannot take away what memory holds, so the same store goes on.
class MemoryBackend {
 public:
  Store& store() { return store_; }
  void reopen() {}

 private:
  MemoryStore store_;
};

class SqliteBackend {
 public:
  SqliteBackend() { reopen(); }
  Store& store() { return *store_; }
  void reopen() {
    store_.reset();
    auto opened = SqliteStore::open(folder_.path());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
  }

 private:
  testing_support::TemporaryFolder folder_;
  std::unique_ptr<SqliteStore> store_;
};

Condition exists(Table table, std::string key) {
  return {table, std::move(key), Condition::Kind::kExists};
}
Condition absent(Table table, std::string key) {
  return {table, std::move(key), Condition::Kind::kAbsent};
}
Write put(Table table, std::string key, std::string value) {
  return {table, std::move(key), std::move(value)};
}
Write removal(Table table, std::string key) {
  return {table, std::move(key), std::nullopt};
}

template <class Backend>
class StoreContract : public testing::Test {
 protected:
  Store& store() { return backend_.store(); }

  Rows rows(Table table) {
    Rows out;
    std::string before;
    const Status done = store().scan(table, [&](const Row& row) {
      EXPECT_LT(before, row.key) << "not in ascending order";
      before = row.key;
      out.emplace(row.key, row.value);
    });
    EXPECT_TRUE(done.ok());
    return out;
  }

  void commit(const Transaction& transaction) {
    const Status done = store().commit(transaction);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }

  // The code of a refused commit.
  std::string refusal(const Transaction& transaction) {
    const Status done = store().commit(transaction);
    return done.ok() ? "accepted" : std::string(to_string(done.error().code));
  }

  // Now, and after reopening.
  void expect_rows(Table table, const Rows& expected) {
    EXPECT_EQ(rows(table), expected);
    backend_.reopen();
    EXPECT_EQ(rows(table), expected) << "after reopening";
  }

  Backend backend_;
};

using Backends = testing::Types<MemoryBackend, SqliteBackend>;
TYPED_TEST_SUITE(StoreContract, Backends);

TYPED_TEST(StoreContract, NewStore_IsEmpty) {
  for (const Table table : kAllTables) this->expect_rows(table, {});
  EXPECT_EQ(this->store().get(Table::kMeta, "none").value(), std::nullopt);
}

TYPED_TEST(StoreContract, PutAndGet_GiveTheSameBytes) {
  const std::string value = R"({"name":"Zürich \"db\"","n":[1,2.50,{"x":null}] ,"zero":"\u0000"})";
  this->commit({{}, {put(Table::kPool, "local/10.0.0.0/24", value)}});
  EXPECT_EQ(this->store().get(Table::kPool, "local/10.0.0.0/24").value(), value);
  this->expect_rows(Table::kPool, {{"local/10.0.0.0/24", value}});
}

TYPED_TEST(StoreContract, SecondPut_Replaces) {
  this->commit({{}, {put(Table::kMeta, "k", R"({"v":1})")}});
  this->commit({{}, {put(Table::kMeta, "k", R"({"v":2})")}});
  this->expect_rows(Table::kMeta, {{"k", R"({"v":2})"}});
}

TYPED_TEST(StoreContract, Remove_Removes_AndOfNothingIsNoError) {
  this->commit({{}, {put(Table::kMeta, "a", "{}"), put(Table::kMeta, "b", "{}")}});
  this->commit({{}, {removal(Table::kMeta, "a"), removal(Table::kMeta, "never")}});
  this->expect_rows(Table::kMeta, {{"b", "{}"}});
}

TYPED_TEST(StoreContract, Tables_KeepTheirKeysApart) {
  for (const Table table : kAllTables)
    this->commit(
        {{absent(table, "k")}, {put(table, "k", "{\"t\":\"" + std::string(table_name(table)) + "\"}")}});
  for (const Table table : kAllTables)
    this->expect_rows(table, {{"k", "{\"t\":\"" + std::string(table_name(table)) + "\"}"}});
}

TYPED_TEST(StoreContract, StalePrecondition_IsAConflictNamingTheKeyAndChangesNothing) {
  this->commit({{}, {put(Table::kAddress, "held", "{}")}});
  const Status taken =
      this->store().commit({{absent(Table::kAddress, "held")},
                            {put(Table::kAddress, "new", "{}"), removal(Table::kAddress, "held")}});
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, ErrorCode::kConflict);
  EXPECT_THAT(taken.error().message, HasSubstr("address \"held\""));
  EXPECT_EQ(this->refusal({{exists(Table::kAddress, "gone")}, {put(Table::kAddress, "new", "{}")}}),
            "conflict");
  this->expect_rows(Table::kAddress, {{"held", "{}"}});
}

TYPED_TEST(StoreContract, AllPreconditionsMustHold) {
  this->commit({{}, {put(Table::kPool, "p", "{}")}});
  EXPECT_EQ(this->refusal({{exists(Table::kPool, "p"), absent(Table::kPool, "q"), exists(Table::kMeta, "p")},
                           {put(Table::kPool, "q", "{}")}}),
            "conflict");
  this->commit({{exists(Table::kPool, "p"), absent(Table::kPool, "q")}, {put(Table::kPool, "q", "{}")}});
  this->expect_rows(Table::kPool, {{"p", "{}"}, {"q", "{}"}});
}

TYPED_TEST(StoreContract, Preconditions_AreCheckedBeforeTheTransactionsOwnWrites) {
  this->commit({{absent(Table::kMeta, "k")}, {put(Table::kMeta, "k", "{}")}});
  EXPECT_EQ(this->refusal({{absent(Table::kMeta, "k")}, {removal(Table::kMeta, "k")}}), "conflict");
  this->expect_rows(Table::kMeta, {{"k", "{}"}});
}

TYPED_TEST(StoreContract, WritesToOneKey_ApplyInOrder) {
  this->commit({{},
                {put(Table::kMeta, "k", R"({"v":1})"), removal(Table::kMeta, "k"),
                 put(Table::kMeta, "k", R"({"v":2})"), put(Table::kMeta, "gone", "{}"),
                 removal(Table::kMeta, "gone")}});
  this->expect_rows(Table::kMeta, {{"k", R"({"v":2})"}});
}

TYPED_TEST(StoreContract, NoWrites_ChecksThePreconditionsOnly) {
  this->commit({});
  this->commit({{absent(Table::kMeta, "k")}, {}});
  EXPECT_EQ(this->refusal({{exists(Table::kMeta, "k")}, {}}), "conflict");
  this->expect_rows(Table::kMeta, {});
}

TYPED_TEST(StoreContract, ValueThatIsNoJsonObject_IsRefusedAndChangesNothing) {
  const std::string deep = [] {
    std::string text;
    for (int i = 0; i < 40; ++i) text += "{\"a\":";
    return text + "1" + std::string(40, '}');
  }();
  for (const std::string& value :
       {std::string(), std::string("x"), std::string("[]"), std::string("null"), std::string("\"{}\""),
        std::string("{"), std::string("{}{}"), std::string("{\"a\":\"\xff\"}"), std::string("{\"a\":1}\0", 8),
        deep, "{\"a\":\"" + std::string(kMaxValueBytes, 'x') + "\"}"})
    EXPECT_EQ(this->refusal({{}, {put(Table::kMeta, "good", "{}"), put(Table::kMeta, "bad", value)}}),
              "invalid_argument")
        << value.substr(0, 40);
  this->expect_rows(Table::kMeta, {});
}

TYPED_TEST(StoreContract, EmptyOrEndlessKey_IsRefused) {
  EXPECT_EQ(this->refusal({{}, {put(Table::kMeta, "", "{}")}}), "invalid_argument");
  EXPECT_EQ(this->refusal({{}, {put(Table::kMeta, std::string(kMaxKeyBytes + 1, 'k'), "{}")}}),
            "invalid_argument");
  const std::string longest(kMaxKeyBytes, 'k');
  this->commit({{}, {put(Table::kMeta, longest, "{}")}});
  this->expect_rows(Table::kMeta, {{longest, "{}"}});
}

TYPED_TEST(StoreContract, LargestValue_IsKept) {
  const std::string value = "{\"a\":\"" + std::string(kMaxValueBytes - 8, 'x') + "\"}";
  this->commit({{}, {put(Table::kNetwork, "n", value)}});
  this->expect_rows(Table::kNetwork, {{"n", value}});
}

TYPED_TEST(StoreContract, Scan_IsInAscendingOrderOfTheBytesOfTheKeys) {
  const std::vector<std::string> keys{
      "a", "B", "a/10", "a/9", "\xc3\xa4", "Z'\"; DROP TABLE meta;--", std::string("a\0b", 3)};
  Transaction all;
  Rows expected;
  for (const auto& key : keys) {
    all.writes.push_back(put(Table::kMeta, key, "{}"));
    expected.emplace(key, "{}");
  }
  this->commit(all);
  this->expect_rows(Table::kMeta, expected);
}

TYPED_TEST(StoreContract, OneOfManyThreads_WinsAnAbsentKey) {
  std::atomic<int> won{0};
  std::atomic<int> conflicts{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < 20; ++n) {
        const std::string key = std::to_string(n);
        const Status done =
            this->store().commit({{absent(Table::kAddress, key)},
                                  {put(Table::kAddress, key, "{\"by\":" + std::to_string(i) + "}")}});
        if (done.ok())
          ++won;
        else if (done.error().code == ErrorCode::kConflict)
          ++conflicts;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won, 20);
  EXPECT_EQ(conflicts, 8 * 20 - 20);
  Rows now = this->rows(Table::kAddress);
  EXPECT_EQ(now.size(), 20U);
  this->expect_rows(Table::kAddress, now);
}

TYPED_TEST(StoreContract, AcknowledgedCommit_IsSeenByTheNextReadOfAnyThread) {
  for (int n = 0; n < 20; ++n) {
    const std::string key = std::to_string(n);
    this->commit({{}, {put(Table::kMeta, key, "{}")}});
    std::thread([&] { EXPECT_TRUE(this->store().get(Table::kMeta, key).value().has_value()); }).join();
  }
  EXPECT_EQ(this->rows(Table::kMeta).size(), 20U);
}

TYPED_TEST(StoreContract, Scan_NeverSeesHalfOfATransaction) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int n = 0; n < 100; ++n) {
      const std::string value = "{\"n\":" + std::to_string(n) + "}";
      EXPECT_TRUE(
          this->store().commit({{}, {put(Table::kMeta, "a", value), put(Table::kMeta, "b", value)}}).ok());
    }
    stop = true;
  });
  while (!stop) {
    const Rows now = this->rows(Table::kMeta);
    if (!now.empty()) {
      EXPECT_EQ(now.at("a"), now.at("b"));
    }
  }
  writer.join();
  this->expect_rows(Table::kMeta, {{"a", "{\"n\":99}"}, {"b", "{\"n\":99}"}});
}

TEST(TableName, EveryTable_HasTheNameThatOperatorsSee) {
  std::vector<std::string_view> names;
  for (const Table table : kAllTables) names.push_back(table_name(table));
  EXPECT_THAT(names, ElementsAre("meta", "pool", "address", "network", "endpoint", "reservation"));
}

}  // namespace
}  // namespace viaduct::store
