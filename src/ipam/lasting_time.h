#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"

// Time for quarantine and retention: whole seconds that only ever go on, over restarts of viaductd and of the machine, and
// whatever is done to the wall clock. Within one boot it is the time since the boot (CLOCK_BOOTTIME); between two boots
// what the wall clock says has passed, never less than nothing and never more than kLongestGap. Pure.
namespace viaduct::ipam {

// A machine that is off for longer, or whose clock was wrong by years, has outlasted any rest that matters.
inline constexpr std::chrono::seconds kLongestGap = std::chrono::hours(30 * 24);

// What both clocks said at one moment.
struct ClockReading {
  std::chrono::seconds uptime{};  // since the boot, sleep included
  std::chrono::sys_seconds wall{};
  std::string boot_id;
};

// A reading with the lasting time at that moment. Stored (table meta, key "clock").
struct TimeAnchor {
  int64_t lasting = 0;
  ClockReading reading;
};

// The anchor of a process that starts: `stored` is what the last one left, `latest` the highest lasting time that any record
// has, which the last one had surely reached. After a reboot it is later than all of them, also when the wall clock lost its
// time: what comes to rest now comes after what rested before.
TimeAnchor anchor_at_start(const std::optional<TimeAnchor>& stored, const ClockReading& now, int64_t latest);

// Lasting seconds at an uptime of the anchor's boot.
int64_t lasting_at(const TimeAnchor& anchor, std::chrono::seconds uptime);

Json to_json(const TimeAnchor& anchor);
// Errors: kCorrupt.
Result<TimeAnchor> anchor_from_json(const std::string& value);

}  // namespace viaduct::ipam
