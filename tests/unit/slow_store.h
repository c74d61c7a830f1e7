#pragma once

#include <thread>

#include "base/deadline.h"
#include "base/guarded.h"
#include "store/store.h"

namespace viaduct::store {

// Wraps a store whose commits end only after a moment, as on a disk that stalls. For tests of calls that end after their
// deadline.
class SlowStore final : public Store {
 public:
  explicit SlowStore(Store& inner) : inner_(inner) {}

  // The next commits do their work, and return when the deadline has passed.
  void outlast(Deadline deadline) { *until_.lock() = deadline; }

  Status commit(const Transaction& transaction) override {
    Status done = inner_.commit(transaction);
    const auto until = until_.lock()->at();
    std::this_thread::sleep_until(until);
    return done;
  }
  Result<std::optional<std::string>> get(Table table, const std::string& key) override {
    return inner_.get(table, key);
  }
  Status scan(Table table, const std::function<void(const Row&)>& visit) override {
    return inner_.scan(table, visit);
  }

 private:
  Store& inner_;
  Guarded<Deadline> until_{Deadline::in(std::chrono::milliseconds{0})};
};

}  // namespace viaduct::store
