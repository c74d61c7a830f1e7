// What open() accepts, and what it refuses without changing anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "fault/store/support.h"

namespace viaduct::store {
namespace {

using testing::AllOf;
using testing::HasSubstr;

unsigned mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 07777U;
}

TEST(StoreOpen, FirstStart_MakesAPrivateFolderAndFile) {
  const TemporaryFolder base;
  const std::string folder = base.path() + "/state";
  auto store = must_open(folder);
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(mode_of(folder), 0700U);
  EXPECT_EQ(mode_of(folder + "/state.db"), 0600U);
  EXPECT_EQ(mode_of(folder + "/state.db-wal"), 0600U);
}

TEST(StoreOpen, OrderlyEnd_LeavesOneFileWithoutWal) {
  const TemporaryFolder folder;
  ASSERT_TRUE(put(*must_open(folder.path()), "k").ok());
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/state.db-wal"));
  EXPECT_TRUE(rows_of(*must_open(folder.path())).contains("k"));
}

TEST(StoreOpen, FirstStartKilledAtAnyPoint_StartsAnew) {
  const TemporaryFolder empty_file;
  spill(empty_file.path() + "/state.db", "");
  EXPECT_NE(must_open(empty_file.path()), nullptr);
  // The file after PRAGMA journal_mode=WAL and before the tables.
  const TemporaryFolder first_page;
  run_as_operator(first_page.path(), "PRAGMA journal_mode=WAL;");
  ASSERT_GT(std::filesystem::file_size(first_page.path() + "/state.db"), 0U);
  EXPECT_NE(must_open(first_page.path()), nullptr);
}

TEST(StoreOpen, SecondOpener_IsRefusedNamingTheHolder) {
  const TemporaryFolder folder;
  auto first = must_open(folder.path());
  const Error error = refused_open(folder.path());
  EXPECT_EQ(error.code, ErrorCode::kBusy);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr(folder.path()), HasSubstr("process " + std::to_string(::getpid()))));
  first.reset();
  EXPECT_NE(must_open(folder.path()), nullptr);
}

TEST(StoreOpen, SecondOpenerInAnotherProcess_IsRefused) {
  const TemporaryFolder folder;
  const auto first = must_open(folder.path());
  const int status = in_child([&] { return refused_open(folder.path()).code == ErrorCode::kBusy ? 7 : 1; });
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(StoreOpen, MissingParent_IsRefusedNamingTheFolder) {
  const TemporaryFolder base;
  const Error error = refused_open(base.path() + "/no/state");
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, AllOf(HasSubstr(base.path() + "/no/state"), HasSubstr("--state")));
}

TEST(StoreOpen, FileInPlaceOfTheFolder_IsRefused) {
  const TemporaryFolder base;
  spill(base.path() + "/state", "x");
  EXPECT_EQ(refused_open(base.path() + "/state").code, ErrorCode::kUnavailable);
}

TEST(StoreOpen, ReadOnlyFileSystem_IsRefusedAsPermission) {
  const TemporaryFolder folder;
  ASSERT_TRUE(put(*must_open(folder.path()), "k").ok());
  const int status = in_child([&] {
    const char* at = folder.path().c_str();
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return 1;
    if (::mount(at, at, nullptr, MS_BIND, nullptr) != 0) return 2;
    if (::mount(nullptr, at, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) return 3;
    const Error error = refused_open(folder.path());
    return error.code == ErrorCode::kPermission && error.message.find(folder.path()) != std::string::npos ? 7
                                                                                                          : 4;
  });
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(StoreOpen, FolderOfSomebodyElse_IsRefusedAsPermission) {
  const TemporaryFolder folder;
  ASSERT_TRUE(put(*must_open(folder.path()), "k").ok());
  const int status = in_child([&] {
    if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) return 1;
    return refused_open(folder.path()).code == ErrorCode::kPermission ? 7 : 4;
  });
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(StoreOpen, StateOfANewerViaduct_IsRefusedAndUnchanged) {
  const TemporaryFolder folder;
  ASSERT_TRUE(put(*must_open(folder.path()), "k").ok());
  run_as_operator(folder.path(), "PRAGMA user_version=99;");
  const std::string before = slurp(folder.path() + "/state.db");
  const Error error = refused_open(folder.path());
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("schema 99"), HasSubstr("newer viaduct"), HasSubstr("state.db.v")));
  EXPECT_EQ(slurp(folder.path() + "/state.db"), before);
}

TEST(StoreOpen, DatabaseOfAnotherProgram_IsRefusedAndUnchanged) {
  const TemporaryFolder folder;
  run_as_operator(folder.path(), "CREATE TABLE songs(title TEXT); INSERT INTO songs VALUES('x');");
  const std::string before = slurp(folder.path() + "/state.db");
  const Error error = refused_open(folder.path());
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_THAT(error.message, AllOf(HasSubstr("not a state of viaduct"), HasSubstr("away to start empty")));
  EXPECT_EQ(slurp(folder.path() + "/state.db"), before);
}

TEST(StoreOpen, MissingTable_IsRefused) {
  const TemporaryFolder folder;
  ASSERT_TRUE(put(*must_open(folder.path()), "k").ok());
  run_as_operator(folder.path(), "DROP TABLE address;");
  EXPECT_EQ(refused_open(folder.path()).code, ErrorCode::kCorrupt);
}

TEST(StoreOpen, FileThatIsNoDatabase_IsRefusedAndUnchanged) {
  for (const std::string& content :
       {std::string("x"), std::string("not a database, but long enough to look at"), std::string(8192, '\0'),
        std::string("SQLite format 3")}) {
    const TemporaryFolder folder;
    spill(folder.path() + "/state.db", content);
    const Error error = refused_open(folder.path());
    EXPECT_EQ(error.code, ErrorCode::kCorrupt) << error.message;
    EXPECT_THAT(error.message, HasSubstr("away to start empty"));
    EXPECT_EQ(slurp(folder.path() + "/state.db"), content);
  }
}

}  // namespace
}  // namespace viaduct::store
