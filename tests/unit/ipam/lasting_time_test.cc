#include "ipam/lasting_time.h"

#include <gtest/gtest.h>

namespace viaduct::ipam {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const std::chrono::sys_seconds kDay = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);

ClockReading reading(int64_t uptime, seconds wall, const std::string& boot) {
  return {seconds(uptime), kDay + wall, boot};
}

TEST(LastingTime, FirstStart_BeginsAtOne) {
  const TimeAnchor anchor = anchor_at_start(std::nullopt, reading(500, seconds(0), "a"), 0);
  EXPECT_EQ(lasting_at(anchor, seconds(500)), 1);
  EXPECT_EQ(lasting_at(anchor, seconds(507)), 8);
  EXPECT_EQ(lasting_at(anchor, seconds(400)), 1) << "never backwards";
}

TEST(LastingTime, RestartInOneBoot_FollowsTheUptimeWhateverTheWallClock) {
  const TimeAnchor stored{100, reading(500, seconds(0), "a")};
  const TimeAnchor anchor = anchor_at_start(stored, reading(530, hours(-48), "a"), 0);
  EXPECT_EQ(lasting_at(anchor, seconds(530)), 130);
}

TEST(LastingTime, Reboot_CountsWhatTheWallClockSaysWithinBounds) {
  const TimeAnchor stored{100, reading(500, seconds(0), "a")};
  EXPECT_EQ(anchor_at_start(stored, reading(10, seconds(90), "b"), 0).lasting, 190);
  EXPECT_EQ(anchor_at_start(stored, reading(10, hours(-24), "b"), 0).lasting, 100);
  EXPECT_EQ(anchor_at_start(stored, reading(10, hours(24 * 3650), "b"), 0).lasting,
            100 + kLongestGap.count());
}

TEST(LastingTime, NeverBehindARecord) {
  const TimeAnchor stored{100, reading(500, seconds(0), "a")};
  EXPECT_EQ(anchor_at_start(stored, reading(510, seconds(0), "a"), 170).lasting, 170);
}

// With a wall clock that lost its time, and the last anchor not yet written down.
TEST(LastingTime, AfterAReboot_IsLaterThanEveryRecord) {
  const TimeAnchor stored{100, reading(500, seconds(0), "a")};
  EXPECT_EQ(anchor_at_start(stored, reading(10, hours(-24), "b"), 170).lasting, 171);
  EXPECT_EQ(anchor_at_start(std::nullopt, reading(10, seconds(0), "b"), 170).lasting, 171);
}

TEST(LastingTime, Anchor_ReadsBackTheSameAndDamageIsCorrupt) {
  const TimeAnchor anchor{100, reading(500, seconds(7), "a")};
  const auto read = anchor_from_json(dump_json(to_json(anchor)));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(to_json(read.value()), to_json(anchor));
  for (const char* bad :
       {"{}", R"({"lasting":-1,"wall":"2026-03-01T00:00:00Z"})", R"({"lasting":1,"wall":"noon"})"})
    EXPECT_EQ(anchor_from_json(bad).error().code, ErrorCode::kCorrupt) << bad;
}

}  // namespace
}  // namespace viaduct::ipam
