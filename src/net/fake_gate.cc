#include "net/fake_gate.h"

#include <fmt/format.h>

#include <cerrno>

namespace viaduct::net {

void FakeGate::fail_at(int n) {
  std::lock_guard lock(mutex_);
  countdown_ = n;
  fired_ = false;
}

bool FakeGate::fired() const {
  std::lock_guard lock(mutex_);
  return fired_;
}

void FakeGate::block() {
  std::lock_guard lock(mutex_);
  closed_ = true;
}

void FakeGate::unblock() {
  std::lock_guard lock(mutex_);
  closed_ = false;
  changed_.notify_all();
}

bool FakeGate::wait_for_blocked(int count, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return held_ >= count; });
}

int FakeGate::operations() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

Status FakeGate::pass(std::string_view operation) {
  std::unique_lock lock(mutex_);
  ++operations_;
  if (closed_) {
    ++held_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !closed_; });
    --held_;
  }
  if (countdown_ == 0 || --countdown_ > 0) return {};
  fired_ = true;
  return Error{ErrorCode::kUnavailable, fmt::format("cannot {}: the fake was told to fail here", operation),
               EIO};
}

}  // namespace viaduct::net
