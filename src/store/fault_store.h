#pragma once

#include <atomic>

#include "store/store.h"

namespace viaduct::store {

// Wraps a store and fails the N-th operation. For tests of what happens after a failure, exhaustively:
//   for (int n = 1;; ++n) { FaultStore faulty(inner); faulty.fail_at(n); run(faulty); check(); if
//   (!faulty.fired()) break; }
class FaultStore final : public Store {
 public:
  explicit FaultStore(Store& inner) : inner_(inner) {}

  // The n-th operation from now on (1 = the next) fails with kUnavailable and does not reach the inner store.
  void fail_at(int n) {
    countdown_ = n;
    fired_ = false;
  }
  [[nodiscard]] bool fired() const { return fired_; }

  Status commit(const Transaction& transaction) override;
  Result<std::optional<std::string>> get(Table table, const std::string& key) override;
  Status scan(Table table, const std::function<void(const Row&)>& visit) override;
  Result<std::vector<std::string>> damages() override;

 private:
  bool strikes();
  Store& inner_;
  std::atomic<int> countdown_{0};
  std::atomic<bool> fired_{false};
};

}  // namespace viaduct::store
