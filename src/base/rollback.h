#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace viaduct {

// Undoes the steps of an operation that did not reach commit(), last step first.
// The undo actions must not throw; what they cannot undo they leave to the reconciler.
class Rollback {
 public:
  Rollback() = default;
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  ~Rollback() {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) (*step)();
  }

  void add(std::function<void()> undo) { steps_.push_back(std::move(undo)); }
  void commit() { steps_.clear(); }

 private:
  std::vector<std::function<void()>> steps_;
};

}  // namespace viaduct
