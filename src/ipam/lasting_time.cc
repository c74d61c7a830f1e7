#include "ipam/lasting_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/clock.h"
#include "ipam/records.h"

namespace viaduct::ipam {

namespace {

std::chrono::seconds passed_since(const ClockReading& then, const ClockReading& now) {
  if (then.boot_id == now.boot_id) return std::max(now.uptime - then.uptime, std::chrono::seconds{0});
  return std::clamp<std::chrono::seconds>(now.wall - then.wall, std::chrono::seconds{0}, kLongestGap);
}

}  // namespace

TimeAnchor anchor_at_start(const std::optional<TimeAnchor>& stored, const ClockReading& now, int64_t latest) {
  const bool same_boot = stored.has_value() && stored->reading.boot_id == now.boot_id;
  int64_t lasting = same_boot ? latest : latest + 1;
  if (stored.has_value())
    lasting = std::max(lasting, stored->lasting + passed_since(stored->reading, now).count());
  return {lasting, now};
}

int64_t lasting_at(const TimeAnchor& anchor, std::chrono::seconds uptime) {
  return anchor.lasting + std::max<int64_t>((uptime - anchor.reading.uptime).count(), 0);
}

Json to_json(const TimeAnchor& anchor) {
  return {{"lasting", anchor.lasting},
          {"uptime", anchor.reading.uptime.count()},
          {"wall", format_time(anchor.reading.wall)},
          {"boot_id", anchor.reading.boot_id}};
}

namespace {

Result<TimeAnchor> read_anchor(const std::string& value) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 2;
  const Json json = TRY(parse_json_object(value));
  const JsonReader reader = TRY(JsonReader::of(json, "clock"));
  TimeAnchor anchor;
  anchor.lasting = TRY(reader.integer_or("lasting", 0, 0, kMost));
  anchor.reading.uptime = std::chrono::seconds(TRY(reader.integer_or("uptime", 0, 0, kMost)));
  const std::string wall = TRY(reader.required_string("wall"));
  anchor.reading.wall = TRY(parse_since(wall));
  anchor.reading.boot_id = TRY(reader.string_or_empty("boot_id"));
  return anchor;
}

}  // namespace

Result<TimeAnchor> anchor_from_json(const std::string& value) {
  auto anchor = read_anchor(value);
  if (anchor.ok()) return anchor;
  return Error{
      ErrorCode::kCorrupt,
      fmt::format(
          "record \"clock\" of table meta cannot be read ({}); restore the state file from a copy, or "
          "remove the record: addresses that rest then rest anew",
          anchor.error().message)};
}

}  // namespace viaduct::ipam
