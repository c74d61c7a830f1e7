// A disk without space, at successive points: a small tmpfs in a mount namespace of the test's own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "fault/store/support.h"

namespace viaduct::store {
namespace {

using testing::HasSubstr;

// Runs `body` as the only inhabitant of a mount namespace with a tmpfs of 2 MiB over `folder`; it goes with
// the child.
void on_small_disk(const std::string& folder, const std::function<void()>& body) {
  const int status = in_child([&] {
    EXPECT_EQ(::unshare(CLONE_NEWNS), 0);
    EXPECT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    EXPECT_EQ(::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=2m"), 0);
    if (!testing::Test::HasFailure()) body();
    return testing::Test::HasFailure() ? 1 : 0;
  });
  EXPECT_EQ(status, 0) << "see the failures above";
}

// Takes all space but `left` bytes.
void fill(const std::string& folder, size_t left) {
  struct statvfs info {};
  ASSERT_EQ(::statvfs(folder.c_str(), &info), 0);
  const size_t available = info.f_bavail * info.f_frsize;
  ASSERT_GE(available, left);
  const UniqueFd ballast(::open((folder + "/ballast").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::posix_fallocate(ballast.get(), 0, static_cast<off_t>(available - left)), 0);
}

void free_all(const std::string& folder) {
  ASSERT_EQ(::unlink((folder + "/ballast").c_str()), 0);
}

TEST(StoreFullDisk, FullAtSuccessivePoints_RefusesWhole_AndWorksAgainWithSpace) {
  const TemporaryFolder folder;
  on_small_disk(folder.path(), [&] {
    auto store = must_open(folder.path());
    ASSERT_NE(store, nullptr);
    Rows acknowledged;
    for (size_t left = 0; left <= 64 * 1024; left += 4096) {
      fill(folder.path(), left);
      Status refused;
      for (int n = 0; n < 200 && refused.ok(); ++n) {
        const std::string key = std::to_string(left) + "-" + std::to_string(n);
        refused = put(*store, key, value_of(6000));
        if (refused.ok()) acknowledged.emplace(key, value_of(6000));
      }
      ASSERT_FALSE(refused.ok()) << "200 rows fitted into " << left << " bytes";
      EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
      EXPECT_THAT(refused.error().message, HasSubstr("free space")) << "left " << left;
      EXPECT_EQ(rows_of(*store), acknowledged) << "left " << left;
      free_all(folder.path());
      const Status again = put(*store, "last");
      ASSERT_TRUE(again.ok()) << "left " << left << ": " << again.error().message;
      acknowledged["last"] = "{}";
      // Keeps the file small, so that the disk stays the same for each round.
      Transaction removal;
      for (const auto& [key, value] : acknowledged)
        removal.writes.push_back({Table::kMeta, key, std::nullopt});
      ASSERT_TRUE(store->commit(removal).ok());
      acknowledged.clear();
    }
    store.reset();
    EXPECT_EQ(rows_of(*must_open(folder.path())), acknowledged);
  });
}

TEST(StoreFullDisk, FullThenReopened_HoldsExactlyWhatWasAcknowledged) {
  const TemporaryFolder folder;
  on_small_disk(folder.path(), [&] {
    auto store = must_open(folder.path());
    fill(folder.path(), 40 * 1024);
    Rows acknowledged;
    Status refused;
    for (int n = 0; n < 200 && refused.ok(); ++n) {
      refused = put(*store, std::to_string(n), value_of(3000));
      if (refused.ok()) acknowledged.emplace(std::to_string(n), value_of(3000));
    }
    ASSERT_FALSE(refused.ok());
    store.reset();
    auto full = must_open(folder.path());
    ASSERT_NE(full, nullptr) << "a full disk must not keep viaduct from starting";
    EXPECT_EQ(rows_of(*full), acknowledged);
    free_all(folder.path());
    EXPECT_TRUE(put(*full, "after").ok());
  });
}

TEST(StoreFullDisk, FirstStartWithoutSpace_IsUnavailable_AndWorksLater) {
  const TemporaryFolder folder;
  on_small_disk(folder.path(), [&] {
    fill(folder.path(), 8 * 1024);
    const Error error = refused_open(folder.path());
    EXPECT_EQ(error.code, ErrorCode::kUnavailable) << error.message;
    free_all(folder.path());
    EXPECT_TRUE(put(*must_open(folder.path()), "k").ok());
  });
}

}  // namespace
}  // namespace viaduct::store
