#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace viaduct {

// The seam for time of day. Services take a Clock; only main makes a SystemClock.
class Clock {
 public:
  virtual ~Clock() = default;
  // Seconds since the epoch, UTC. May jump: use it for what people read, never for a decision about safety.
  [[nodiscard]] virtual std::chrono::sys_seconds now() const = 0;
  // Whole seconds since the machine booted, those asleep included (CLOCK_BOOTTIME). Never jumps.
  [[nodiscard]] virtual std::chrono::seconds uptime() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::chrono::sys_seconds now() const override;
  [[nodiscard]] std::chrono::seconds uptime() const override;
};

// A clock that stands still until it is told otherwise. For tests; any thread may read it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::chrono::sys_seconds start) : now_(start.time_since_epoch().count()) {}
  [[nodiscard]] std::chrono::sys_seconds now() const override {
    return std::chrono::sys_seconds(std::chrono::seconds(now_.load()));
  }
  [[nodiscard]] std::chrono::seconds uptime() const override { return std::chrono::seconds(uptime_.load()); }
  // Time passes.
  void advance(std::chrono::seconds span) {
    now_ += span.count();
    uptime_ += span.count();
  }
  // Somebody sets the wall clock.
  void jump(std::chrono::seconds span) { now_ += span.count(); }
  // The machine was off for a while.
  void reboot(std::chrono::seconds off) {
    now_ += off.count();
    uptime_ = 20;
  }

 private:
  std::atomic<int64_t> now_;
  std::atomic<int64_t> uptime_{1000};
};

// RFC 3339 in UTC with whole seconds: 2026-11-23T16:09:47Z.
std::string format_time(std::chrono::sys_seconds time);

}  // namespace viaduct
