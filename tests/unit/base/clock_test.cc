#include "base/clock.h"

#include <gtest/gtest.h>

#include "base/deadline.h"

namespace viaduct {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

TEST(FormatTime, IsRfc3339InUtc) {
  EXPECT_EQ(format_time(sys_seconds{seconds{0}}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(sys_seconds{seconds{1582977599}}), "2020-02-29T11:59:59Z");
  EXPECT_EQ(format_time(sys_seconds{seconds{1795450187}}), "2026-11-23T16:09:47Z");
  EXPECT_EQ(format_time(sys_seconds{seconds{-1}}), "1969-12-31T23:59:59Z");
}

TEST(ManualClock, StandsStillUntilAdvanced) {
  ManualClock clock(sys_seconds{seconds{100}});
  EXPECT_EQ(clock.now(), clock.now());
  clock.advance(seconds{5});
  EXPECT_EQ(clock.now(), sys_seconds{seconds{105}});
}

TEST(SystemClock, IsTheTimeOfDay) {
  const auto before = std::chrono::floor<seconds>(std::chrono::system_clock::now());
  const auto now = SystemClock().now();
  EXPECT_GE(now, before);
  EXPECT_LE(now, std::chrono::floor<seconds>(std::chrono::system_clock::now()));
}

TEST(Deadline, InThePast_IsExpiredWithNothingRemaining) {
  const Deadline past = Deadline::in(milliseconds{-10});
  EXPECT_TRUE(past.expired());
  EXPECT_EQ(past.remaining(), milliseconds{0});
}

TEST(Deadline, Ahead_HasTimeRemaining) {
  const Deadline ahead = Deadline::in(milliseconds{60000});
  EXPECT_FALSE(ahead.expired());
  EXPECT_GT(ahead.remaining(), milliseconds{50000});
  EXPECT_LE(ahead.remaining(), milliseconds{60000});
}

}  // namespace
}  // namespace viaduct
