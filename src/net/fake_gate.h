#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string_view>

#include "base/result.h"

namespace viaduct::net {

// What every operation of a fake passes first: counts it, holds it, or fails it. For tests; any thread.
// Failure, exhaustively:
//   for (int n = 1;; ++n) { FakeKernel kernel; kernel.gate().fail_at(n); run(kernel); check(); if
//   (!kernel.gate().fired()) break; }
class FakeGate {
 public:
  // The n-th operation from now on (1 = the next) fails with kUnavailable and changes nothing. 0: none does.
  void fail_at(int n);
  [[nodiscard]] bool fired() const;

  // Operations that start from now on wait in pass() until unblock().
  void block();
  void unblock();
  // Waits until `count` operations are held at once. Returns whether they were, in time.
  [[nodiscard]] bool wait_for_blocked(int count, std::chrono::milliseconds limit);

  // Operations so far, the failed ones too.
  [[nodiscard]] int operations() const;

  // For the fake: to be called first in each operation, without any lock held.
  Status pass(std::string_view operation);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int countdown_ = 0;
  bool fired_ = false;
  bool closed_ = false;
  int held_ = 0;
  int operations_ = 0;
};

}  // namespace viaduct::net
