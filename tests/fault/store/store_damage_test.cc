// Files that were cut, torn or flipped: refused, or recovered to what was acknowledged; never opened as an
// empty state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "base/unique_fd.h"
#include "fault/store/support.h"

namespace viaduct::store {
namespace {

constexpr size_t kPage = 4096;

// 200 rows over some pages, the file alone.
std::string filled_file(const std::string& folder, Rows& rows) {
  auto store = must_open(folder);
  Transaction all;
  for (int n = 1000; n < 1200; ++n)
    all.writes.push_back(
        {Table::kAddress, std::to_string(n), "{\"address\":\"10.0.0.1\",\"n\":" + std::to_string(n) + "}"});
  EXPECT_TRUE(store->commit(all).ok());
  rows = rows_of(*store, Table::kAddress);
  store.reset();
  return slurp(folder + "/state.db");
}

// Opens a damaged file. Accepted only if every key is still there: SQLite has no checksum over a page, so a
// flip within the text of a value can pass, and one in unused space does no harm.
void expect_refused_or_complete(const std::string& content, const Rows& rows, const std::string& what) {
  const TemporaryFolder folder;
  spill(folder.path() + "/state.db", content);
  auto opened = SqliteStore::open(folder.path());
  if (!opened.ok()) {
    const ErrorCode code = opened.error().code;
    EXPECT_TRUE(code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupported)
        << what << ": " << opened.error().message;
    EXPECT_EQ(slurp(folder.path() + "/state.db"), content) << what << ": a refusal changed the file";
    return;
  }
  EXPECT_EQ(rows_of(*opened.value(), Table::kAddress).size(), rows.size())
      << what << ": opened with rows missing";
}

TEST(StoreDamage, FlippedByteInAnyPage_IsRefusedOrLosesNoRow) {
  const TemporaryFolder folder;
  Rows rows;
  const std::string good = filled_file(folder.path(), rows);
  ASSERT_GT(good.size(), 6 * kPage);
  for (size_t page = 0; page * kPage < good.size(); ++page)
    for (const size_t offset : {0U, 3U, 5U, 8U, 12U, 18U, 40U, 60U, 70U, 100U, 105U, 2000U, 4000U, 4090U}) {
      std::string bad = good;
      bad[page * kPage + offset] = static_cast<char>(bad[page * kPage + offset] ^ 0x5a);
      expect_refused_or_complete(bad, rows,
                                 "page " + std::to_string(page) + " offset " + std::to_string(offset));
    }
}

TEST(StoreDamage, PageOfZeroes_IsRefused) {
  const TemporaryFolder folder;
  Rows rows;
  const std::string good = filled_file(folder.path(), rows);
  for (size_t page = 0; page * kPage < good.size(); ++page) {
    std::string bad = good;
    bad.replace(page * kPage, kPage, std::string(kPage, '\0'));
    expect_refused_or_complete(bad, rows, "zeroed page " + std::to_string(page));
  }
}

TEST(StoreDamage, FileCutAtAnyLength_IsRefused) {
  const TemporaryFolder folder;
  Rows rows;
  const std::string good = filled_file(folder.path(), rows);
  for (size_t length = 1; length < good.size(); length += 1777)
    expect_refused_or_complete(good.substr(0, length), rows, "cut to " + std::to_string(length));
  for (size_t pages = 1; pages * kPage < good.size(); ++pages)
    expect_refused_or_complete(good.substr(0, pages * kPage), rows,
                               "cut to " + std::to_string(pages) + " pages");
}

// Where its last frame ends: behind that the file holds zeros.
size_t end_of_wal(const std::string& wal) {
  constexpr size_t kHeader = 32;
  constexpr size_t kFrame = 24 + kPage;
  size_t end = kHeader;
  // A frame carries the two salts of the header.
  while (end + kFrame <= wal.size() && wal.compare(end + 8, 8, wal, 16, 8) == 0) end += kFrame;
  return end;
}

// A crash image with commits 0 to 9 in the WAL; returns the lengths of the WAL after each.
std::vector<size_t> image_with_wal(const std::string& to) {
  const TemporaryFolder folder;
  auto store = must_open(folder.path());
  std::vector<size_t> ends;
  for (int n = 0; n < 10; ++n) {
    EXPECT_TRUE(put(*store, std::to_string(n)).ok());
    ends.push_back(end_of_wal(slurp(folder.path() + "/state.db-wal")));
  }
  copy_as_after_crash(folder.path(), to);
  return ends;
}

TEST(StoreDamage, WalTornAtAnyLength_RecoversEveryCommitThatIsWhole) {
  const TemporaryFolder image;
  const auto ends = image_with_wal(image.path());
  const std::string wal = slurp(image.path() + "/state.db-wal");
  EXPECT_LT(ends.back(), wal.size()) << "zeros behind the last frame";
  for (size_t length = ends.front(); length <= ends.back() + 5000; length += 1111) {
    const TemporaryFolder torn;
    copy_as_after_crash(image.path(), torn.path());
    std::filesystem::remove(torn.path() + "/state.db-shm");
    spill(torn.path() + "/state.db-wal", wal.substr(0, length));
    const auto whole = std::count_if(ends.begin(), ends.end(), [&](size_t end) { return end <= length; });
    auto store = must_open(torn.path());
    ASSERT_NE(store, nullptr);
    const Rows rows = rows_of(*store);
    EXPECT_EQ(rows.size(), static_cast<size_t>(whole)) << "WAL cut to " << length;
    for (int n = 0; n < whole; ++n) EXPECT_TRUE(rows.contains(std::to_string(n)));
  }
}

TEST(StoreDamage, LastCommitOfTheWalFlipped_RecoversAllBefore) {
  const TemporaryFolder image;
  const auto ends = image_with_wal(image.path());
  std::string wal = slurp(image.path() + "/state.db-wal");
  wal[ends[8] + 500] = static_cast<char>(wal[ends[8] + 500] ^ 0x5a);
  spill(image.path() + "/state.db-wal", wal);
  std::filesystem::remove(image.path() + "/state.db-shm");
  EXPECT_EQ(rows_of(*must_open(image.path())).size(), 9U);
}

TEST(StoreDamage, WalWithoutItsFile_IsRefusedAndKept) {
  for (const bool empty_file : {true, false}) {
    const TemporaryFolder image;
    image_with_wal(image.path());
    const std::string wal = slurp(image.path() + "/state.db-wal");
    if (empty_file)
      spill(image.path() + "/state.db", "");
    else
      std::filesystem::remove(image.path() + "/state.db");
    EXPECT_EQ(refused_open(image.path()).code, ErrorCode::kCorrupt);
    EXPECT_EQ(slurp(image.path() + "/state.db-wal"), wal);
  }
}

TEST(StoreDamage, DamageOfAFileInUse_IsFoundByALook) {
  const TemporaryFolder folder;
  Rows rows;
  const std::string good = filled_file(folder.path(), rows);
  const auto store = must_open(folder.path());
  EXPECT_THAT(store->damages().value(), testing::IsEmpty());
  // In place, and by a child: to close a descriptor of the file here would drop the locks on it.
  EXPECT_EQ(in_child([&] {
              const UniqueFd file{::open((folder.path() + "/state.db").c_str(), O_WRONLY | O_CLOEXEC)};
              const std::string zeros(good.size() - kPage, '\0');
              return ::pwrite(file.get(), zeros.data(), zeros.size(), kPage) > 0 ? 0 : 1;
            }),
            0);
  EXPECT_THAT(store->damages().value(), testing::Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace viaduct::store
