#pragma once

#include <sqlite3.h>

#include <atomic>

namespace viaduct::store {

// A disk that fails on demand: SQLite's default VFS while it lives, over the one that was default before, and the program's
// pwritev2(). Writes, truncations and flushes are counted; a flush that fails has written nothing back, and what was
// written stays where the page cache would keep it. One at a time.
class FailingDisk {
 public:
  enum class Length { kOnce, kFromThenOn };
  // Of durable writes past the page cache. kNotKnown: the file system refuses them all, and none is counted; kHalf: those
  // that do not fail write their first block alone, and have to be gone on with.
  enum class PastCache { kWorks, kNotKnown, kHalf };
  // Bound of a test that lets one operation after the other fail.
  static constexpr int kMostOperations = 500;

  explicit FailingDisk(PastCache past_cache = PastCache::kWorks);
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;
  ~FailingDisk();

  // The n-th operation from now on (1 = the next) fails, alone or with all after it.
  void fail_at(int n, Length length);
  void repair();
  [[nodiscard]] bool fired() const { return fired_; }

  // For the callbacks.
  bool strikes();
  static FailingDisk* present() { return present_; }
  [[nodiscard]] PastCache past_cache() const { return past_cache_; }
  [[nodiscard]] sqlite3_vfs* real() const { return real_; }

 private:
  static inline std::atomic<FailingDisk*> present_ = nullptr;
  const PastCache past_cache_;
  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
  std::atomic<int> countdown_{0};
  std::atomic<bool> lasting_{false};
  std::atomic<bool> fired_{false};
};

}  // namespace viaduct::store
