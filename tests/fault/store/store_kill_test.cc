// kill -9 at varied points: what was acknowledged is there, and nothing by halves.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/unique_fd.h"
#include "fault/store/support.h"

namespace viaduct::store {
namespace {

constexpr int kThreads = 4;

// Two rows a transaction, so that a half would show.
Transaction pair(const std::string& key) {
  return {
      {},
      {{Table::kPool, key, "{\"k\":\"" + key + "\"}"}, {Table::kAddress, key, "{\"k\":\"" + key + "\"}"}}};
}

// Commits without end and reports each acknowledged key as a line.
[[noreturn]] void commit_forever(const std::string& folder, int report) {
  auto opened = SqliteStore::open(folder);
  if (!opened.ok()) ::_exit(1);
  Store& store = *opened.value();
  const std::string run = std::to_string(::getpid());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&store, &run, thread, report] {
      for (int n = 0; n < 1000000; ++n) {
        const std::string key = run + "-" + std::to_string(thread) + "-" + std::to_string(n);
        if (!store.commit(pair(key)).ok()) ::_exit(2);
        const std::string line = key + "\n";
        if (::write(report, line.data(), line.size()) < 0) ::_exit(3);
      }
    });
  for (auto& thread : threads) thread.join();
  ::_exit(4);
}

// Runs the child until it has acknowledged `lines` commits, kills it, and returns all that it had
// acknowledged.
std::vector<std::string> killed_after(const std::string& folder, int lines) {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::pipe(fds), 0);
  UniqueFd read(fds[0]);
  UniqueFd write(fds[1]);
  const pid_t child = ::fork();
  if (child == 0) commit_forever(folder, write.get());
  write.reset();
  std::string text;
  char buffer[65536];
  bool killed = false;
  for (;;) {
    pollfd ready{.fd = read.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 30000) <= 0) break;
    const ssize_t got = ::read(read.get(), buffer, sizeof buffer);
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
    if (!killed && std::count(text.begin(), text.end(), '\n') >= lines) {
      ::kill(child, SIGKILL);
      killed = true;
    }
  }
  ::kill(child, SIGKILL);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
  std::vector<std::string> keys;
  std::istringstream stream(text);
  for (std::string key; std::getline(stream, key);) keys.push_back(key);
  return keys;
}

TEST(StoreKill, KilledAtVariedPoints_EveryAcknowledgedCommitIsThereAndNoneIsHalf) {
  const TemporaryFolder folder;
  std::vector<std::string> acknowledged;
  // One state folder through all kills; 700 passes the point where the WAL is copied into the file.
  for (const int lines : {1, 2, 3, 5, 8, 13, 40, 100, 350, 700}) {
    const auto keys = killed_after(folder.path(), lines);
    acknowledged.insert(acknowledged.end(), keys.begin(), keys.end());
    auto store = must_open(folder.path());
    ASSERT_NE(store, nullptr);
    const Rows pools = rows_of(*store, Table::kPool);
    EXPECT_EQ(pools, rows_of(*store, Table::kAddress)) << "half a transaction";
    for (const auto& key : acknowledged) ASSERT_TRUE(pools.contains(key)) << "lost " << key;
  }
  EXPECT_GE(acknowledged.size(), 1222U);
}

TEST(StoreKill, KilledBetweenCommitAndAnswer_IsRecordedOnce) {
  const TemporaryFolder folder;
  const int status = in_child([&] {
    auto opened = SqliteStore::open(folder.path());
    if (!opened.ok() || !opened.value()->commit(pair("a")).ok()) return 1;
    ::raise(SIGKILL);
    return 2;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  auto store = must_open(folder.path());
  EXPECT_EQ(rows_of(*store, Table::kAddress), (Rows{{"a", "{\"k\":\"a\"}"}}));
  const Transaction again{{{Table::kAddress, "a", Condition::Kind::kAbsent}}, pair("a").writes};
  EXPECT_EQ(store->commit(again).error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace viaduct::store
