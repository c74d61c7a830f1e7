// Schema versions, forward and one step back, and a disk that fails in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "fault/store/failing_disk.h"
#include "fault/store/support.h"
#include "store/sqlite_handle.h"
#include "store/sqlite_schema.h"

namespace viaduct::store {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kAddress =
    R"({"pool":"10.0.0.0/24","address":"10.0.0.7","owner":"endpoint","mac":"02:42:0a:00:00:07"})";

// A state as a viaduct of that schema left it, with one address.
void make_version(const std::string& folder, int version) {
  spill(folder + "/state.db", "");
  auto db = open_connection(folder + "/state.db");
  ASSERT_TRUE(db.ok());
  ASSERT_TRUE(create_schema(db.value().get(), version).ok());
  ASSERT_TRUE(
      run_sql(db.value().get(), "INSERT INTO address(key,value) VALUES('a','" + kAddress + "')", "fill")
          .ok());
}

void make_version_1(const std::string& folder) {
  make_version(folder, 1);
}

std::string version_of(const std::string& folder) {
  return ask_as_operator(folder, "PRAGMA user_version");
}

TEST(StoreMigration, Version1_IsBroughtForwardAndACopyKept) {
  const TemporaryFolder folder;
  make_version_1(folder.path());
  EXPECT_EQ(rows_of(*must_open(folder.path()), Table::kAddress), (Rows{{"a", kAddress}}));
  EXPECT_EQ(version_of(folder.path()), std::to_string(kSchemaVersion));
  const TemporaryFolder copy;
  std::filesystem::copy(folder.path() + "/state.db.v1", copy.path() + "/state.db");
  EXPECT_EQ(version_of(copy.path()), "1");
  EXPECT_EQ(ask_as_operator(copy.path(), "SELECT value FROM address"), kAddress);
  EXPECT_EQ(rows_of(*must_open(copy.path()), Table::kAddress), (Rows{{"a", kAddress}}))
      << "a restored copy opens";
}

TEST(StoreMigration, MigratedSchema_IsTheOneOfAFirstStart) {
  const TemporaryFolder migrated;
  make_version_1(migrated.path());
  must_open(migrated.path());
  const TemporaryFolder fresh;
  must_open(fresh.path());
  const std::string question = "SELECT sql FROM sqlite_schema ORDER BY name";
  EXPECT_EQ(ask_as_operator(migrated.path(), question), ask_as_operator(fresh.path(), question));
}

TEST(StoreMigration, PresentSchema_LeavesNoCopy) {
  const TemporaryFolder folder;
  must_open(folder.path());
  must_open(folder.path());
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    EXPECT_THAT(entry.path().string(), Not(HasSubstr("state.db.v")));
}

class StoreStepBack : public testing::TestWithParam<int> {};

TEST_P(StoreStepBack, GivesTheOlderSchemaWithEveryRow_AndForwardAgain) {
  const int older = GetParam();
  const std::string question = "SELECT sql FROM sqlite_schema ORDER BY name";
  const TemporaryFolder folder;
  make_version(folder.path(), older);
  const std::string schema = ask_as_operator(folder.path(), question);
  // As far as the version after it, the only one that leads back to it in one step.
  {
    auto db = open_connection(folder.path() + "/state.db");
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(step_forward(db.value().get(), older).ok());
    ASSERT_TRUE(step_back(db.value().get(), older + 1).ok());
  }
  EXPECT_EQ(version_of(folder.path()), std::to_string(older));
  EXPECT_EQ(ask_as_operator(folder.path(), "SELECT key, value FROM address"), "a|" + kAddress);
  EXPECT_EQ(ask_as_operator(folder.path(), question), schema);
  EXPECT_EQ(rows_of(*must_open(folder.path()), Table::kAddress), (Rows{{"a", kAddress}}));
  EXPECT_EQ(version_of(folder.path()), std::to_string(kSchemaVersion));
}

INSTANTIATE_TEST_SUITE_P(EveryVersion, StoreStepBack, testing::Range(1, kSchemaVersion));

TEST(StoreMigration, StepBackOfTheFolder_KeepsACopyAndAllThatTheOlderOneCanRead) {
  const TemporaryFolder folder;
  const std::string resting =
      R"({"pool":"10.0.0.0/24","address":"10.0.0.8","owner":"endpoint","mac":"02:42:0a:00:00:08","rest":5})";
  ASSERT_TRUE(
      must_open(folder.path())
          ->commit({{},
                    {{Table::kAddress, "a", kAddress},
                     {Table::kAddress, "b", resting},
                     {Table::kReservation, "r", R"({"space":"local","address":"10.0.0.9","name":"db"})"}}})
          .ok());
  const Status back = SqliteStore::step_back(folder.path());
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(version_of(folder.path()), std::to_string(kSchemaVersion - 1));
  EXPECT_EQ(ask_as_operator(folder.path(), "SELECT key, rest FROM address"), "a|NULL|b|5");
  EXPECT_EQ(ask_as_operator(folder.path(), "SELECT key, name FROM reservation"), "r|db");
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/state.db.v" + std::to_string(kSchemaVersion)));
}

TEST(StoreMigration, Version2_HasNothingOfReservationsAndRests) {
  const TemporaryFolder folder;
  make_version(folder.path(), 3);
  run_as_operator(
      folder.path(),
      R"(INSERT INTO address VALUES('b','{"rest":5}'); INSERT INTO reservation VALUES('r','{}'))");
  auto db = open_connection(folder.path() + "/state.db");
  ASSERT_TRUE(db.ok());
  ASSERT_TRUE(step_back(db.value().get(), 3).ok());
  EXPECT_EQ(ask_as_operator(folder.path(), "SELECT key, value FROM address"), "a|" + kAddress);
  EXPECT_EQ(ask_as_operator(folder.path(), "SELECT count(*) FROM sqlite_schema WHERE name='reservation'"),
            "0");
}

TEST(StoreMigration, StepBackWithoutAStep_IsRefused) {
  const TemporaryFolder folder;
  EXPECT_EQ(SqliteStore::step_back(folder.path()).error().code, ErrorCode::kNotFound);
  const TemporaryFolder oldest;
  make_version_1(oldest.path());
  EXPECT_EQ(SqliteStore::step_back(oldest.path()).error().code, ErrorCode::kUnsupported);
  const TemporaryFolder used;
  const auto store = must_open(used.path());
  EXPECT_EQ(SqliteStore::step_back(used.path()).error().code, ErrorCode::kBusy);
}

TEST(StoreMigration, DiskFailsAnywhereInBetween_LosesNothing) {
  int n = 1;
  for (; n < FailingDisk::kMostOperations; ++n) {
    const TemporaryFolder folder;
    FailingDisk disk;
    make_version_1(folder.path());
    disk.fail_at(n, FailingDisk::Length::kFromThenOn);
    { const auto opened = SqliteStore::open(folder.path()); }
    const bool fired = disk.fired();
    disk.repair();
    auto store = must_open(folder.path());
    ASSERT_NE(store, nullptr) << "operation " << n;
    EXPECT_EQ(rows_of(*store, Table::kAddress), (Rows{{"a", kAddress}})) << "operation " << n;
    store.reset();
    EXPECT_EQ(version_of(folder.path()), std::to_string(kSchemaVersion));
    if (!fired) break;
  }
  EXPECT_GT(n, 10);
  EXPECT_LT(n, FailingDisk::kMostOperations);
}

TEST(StoreColumns, OfEveryTable_ShowWhatTheValueHolds) {
  const TemporaryFolder folder;
  const auto store = must_open(folder.path());
  const Transaction all{
      {},
      {{Table::kPool, "p", R"({"space":"local","pool":"10.0.0.0/24","sub_pool":null,"refs":2})"},
       {Table::kAddress, "a", kAddress},
       {Table::kNetwork, "n", R"({"mode":"bridge","bridge":"vd-x","ipv4":["10.0.0.0/24"]})"},
       {Table::kEndpoint, "e",
        R"({"network":"n","ipv4":"10.0.0.7/24","host_link":"ve1","sandbox_key":"/run/x"})"},
       {Table::kReservation, "r",
        R"({"space":"local","address":"10.0.0.9","name":"db","note":"the old one"})"}}};
  ASSERT_TRUE(store->commit(all).ok());
  const auto& at = folder.path();
  EXPECT_EQ(ask_as_operator(at, "SELECT space,pool,sub_pool,refs FROM pools"), "local|10.0.0.0/24|NULL|2");
  EXPECT_EQ(ask_as_operator(at, "SELECT pool,address,class,mac,name,since,rest FROM addresses"),
            "10.0.0.0/24|10.0.0.7|endpoint|02:42:0a:00:00:07|NULL|NULL|NULL");
  EXPECT_EQ(ask_as_operator(at, "SELECT space,address,mac,name,note FROM reservations"),
            "local|10.0.0.9|NULL|db|the old one");
  EXPECT_EQ(ask_as_operator(at, "SELECT mode,bridge,ipv4,ipv6 FROM networks"),
            "bridge|vd-x|[\"10.0.0.0/24\"]|NULL");
  EXPECT_EQ(ask_as_operator(at, "SELECT network,address,address6,mac,host_link,sandbox FROM endpoints"),
            "n|10.0.0.7/24|NULL|NULL|ve1|/run/x");
}

}  // namespace
}  // namespace viaduct::store
