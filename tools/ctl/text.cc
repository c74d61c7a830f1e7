#include "tools/ctl/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace viaduct::ctl {

namespace {

constexpr size_t kShortId = 12;

struct Unit {
  uint64_t seconds;
  std::string_view name;
};
constexpr Unit kUnits[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};

}  // namespace

std::string shown_id(std::string_view id, IdLength length) {
  return std::string(length == IdLength::kShort ? id.substr(0, kShortId) : id);
}

std::string ascii(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

std::string shown_count(uint64_t count) {
  if (count == std::numeric_limits<uint64_t>::max()) return "2^64 or more";
  return std::to_string(count);
}

std::string bar(uint64_t used, uint64_t capacity, int width) {
  int filled = 0;
  if (capacity > 0 && used >= capacity) {
    filled = width;
  } else if (capacity > 0 && used > 0) {
    const double share = static_cast<double>(used) / static_cast<double>(capacity);
    filled = std::clamp(static_cast<int>(share * width + 0.5), 1, width - 1);
  }
  const auto places = static_cast<size_t>(width);
  std::string out(places, '-');
  std::fill_n(out.begin(), filled, '#');
  return "[" + out + "]";
}

std::string percent(uint64_t used, uint64_t capacity) {
  if (capacity == 0) return "-";
  const double share = 100.0 * static_cast<double>(used) / static_cast<double>(capacity);
  if (used > 0 && share < 0.1) return "<0.1 %";
  if (used < capacity && share > 99.9) return ">99.9 %";
  return fmt::format("{:.1f} %", share);
}

std::string duration(uint64_t seconds) {
  const Unit* const end = std::end(kUnits);
  const Unit* unit =
      std::find_if(std::begin(kUnits), end - 1, [&](const Unit& u) { return seconds >= u.seconds; });
  std::string out = fmt::format("{} {}", seconds / unit->seconds, unit->name);
  const Unit* const next = unit + 1;
  if (next != end) out += fmt::format(" {} {}", seconds % unit->seconds / next->seconds, next->name);
  return out;
}

std::string wrapped(std::string_view text, size_t indent, size_t width) {
  std::string out;
  std::string line;
  const auto end_line = [&] {
    if (!line.empty()) out += std::string(indent, ' ') + line + '\n';
    line.clear();
  };
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!line.empty() && indent + line.size() + 1 + word.size() > width) end_line();
    line += line.empty() ? "" : " ";
    line += word;
  }
  end_line();
  return out;
}

std::string microseconds(uint64_t count) {
  if (count < 1000) return fmt::format("{} us", count);
  return fmt::format("{:.1f} ms", static_cast<double>(count) / 1000.0);
}

}  // namespace viaduct::ctl
