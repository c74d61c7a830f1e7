#include "net/reaper.h"

#include <chrono>

namespace viaduct::net {

namespace {

// Between a round that failed and the next: long enough not to spin, short enough that nobody notices the
// links.
constexpr std::chrono::milliseconds kPauseAfterFailure{250};

}  // namespace

Reaper::Reaper(Kernel& kernel) : kernel_(kernel), thread_([this] { run(); }) {}

Reaper::~Reaper() {
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Reaper::wake() {
  {
    std::lock_guard guard(mutex_);
    wanted_ = true;
  }
  changed_.notify_all();
}

std::string Reaper::trouble() const {
  const std::lock_guard guard(mutex_);
  return trouble_;
}

void Reaper::run() {
  std::unique_lock guard(mutex_);
  while (!stopping_) {
    changed_.wait(guard, [this] { return wanted_ || stopping_; });
    if (!wanted_) continue;
    wanted_ = false;
    guard.unlock();
    const Status done = kernel_.reap();
    guard.lock();
    trouble_ = done.ok() ? "" : done.error().message;
    if (done.ok()) continue;
    wanted_ = true;
    changed_.wait_for(guard, kPauseAfterFailure, [this] { return stopping_; });
  }
  guard.unlock();
  // Nobody is left to tell about a failure; the next start finishes what remains.
  static_cast<void>(kernel_.reap());
}

}  // namespace viaduct::net
