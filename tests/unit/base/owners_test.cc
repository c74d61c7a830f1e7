#include <fcntl.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/c_handle.h"
#include "base/guarded.h"
#include "base/rollback.h"
#include "base/unique_fd.h"

namespace viaduct {
namespace {

TEST(Rollback, NotCommitted_UndoesLastStepFirst) {
  std::vector<int> undone;
  {
    Rollback undo;
    for (int step = 1; step <= 3; ++step) undo.add([&undone, step] { undone.push_back(step); });
    EXPECT_TRUE(undone.empty());
  }
  EXPECT_EQ(undone, (std::vector<int>{3, 2, 1}));
}

TEST(Rollback, Committed_UndoesNothing_AndLaterStepsAgain) {
  std::vector<int> undone;
  {
    Rollback undo;
    undo.add([&undone] { undone.push_back(1); });
    undo.commit();
    undo.add([&undone] { undone.push_back(2); });
  }
  EXPECT_EQ(undone, std::vector<int>{2});
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(UniqueFd, End_ClosesOnce_AndMoveHandsOver) {
  const int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(raw, 0);
  {
    UniqueFd first(raw);
    UniqueFd second(std::move(first));
    EXPECT_FALSE(first.valid());  // NOLINT: the state after a move is what is tested
    EXPECT_TRUE(is_open(raw));
    UniqueFd third;
    third = std::move(second);
    EXPECT_EQ(third.get(), raw);
  }
  EXPECT_FALSE(is_open(raw));
}

TEST(UniqueFd, Release_GivesItUpUnclosed) {
  UniqueFd owner(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int raw = owner.release();
  owner.reset();
  EXPECT_TRUE(is_open(raw));
  ::close(raw);
}

TEST(UniqueFd, DescriptorZero_IsValid) {
  UniqueFd zero(0);
  EXPECT_TRUE(zero.valid());
  EXPECT_EQ(zero.release(), 0);
  EXPECT_FALSE(zero.valid());
}

int released = 0;
void release_int(int* handle) {
  ++released;
  delete handle;
}

TEST(CHandle, End_CallsTheReleaseFunctionOnce_AndNeverForNull) {
  released = 0;
  {
    CHandle<int, release_int> full(new int(1));
    CHandle<int, release_int> empty;
    static_assert(sizeof full == sizeof(int*));
  }
  EXPECT_EQ(released, 1);
}

TEST(Guarded, ManyThreads_LoseNoUpdate) {
  Guarded<int> number(0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&number] {
      for (int n = 0; n < 1000; ++n) ++*number.lock();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(*number.lock(), 4000);
}

}  // namespace
}  // namespace viaduct
