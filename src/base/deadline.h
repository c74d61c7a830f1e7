#pragma once

#include <algorithm>
#include <chrono>

namespace viaduct {

// The moment by which a call must have been answered. Monotonic; a copy is the same moment.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline in(std::chrono::milliseconds span) { return Deadline(Clock::now() + span); }

  [[nodiscard]] Clock::time_point at() const { return at_; }
  [[nodiscard]] bool expired() const { return Clock::now() >= at_; }
  // Zero when expired, never negative.
  [[nodiscard]] std::chrono::milliseconds remaining() const {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(at_ - Clock::now());
    return std::max(left, std::chrono::milliseconds{0});
  }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

}  // namespace viaduct
