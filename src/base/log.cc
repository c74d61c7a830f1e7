#include "base/log.h"

#include <fmt/compile.h>
#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/clip.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/json_text.h"

namespace viaduct {

namespace {

// With its newline, what a pipe takes whole.
constexpr size_t kLongestLine = PIPE_BUF - 1;
// Less room than this is not worth a clipped value.
constexpr size_t kLeastRoom = 100;
// What a clipped value takes besides its text: quotes and the marker of the cut.
constexpr size_t kClipOverhead = 40;
// What one byte becomes at most: "\u001b".
constexpr size_t kWidestEscape = 6;

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
  }
  return "info";
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value)
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return true;
  return false;
}

// A JSON string is a quoted and escaped string; its escapes serve the text format as well. All but printable
// ASCII is escaped, so that a name from outside cannot steer the terminal that shows the log.
std::string json_string(std::string_view value) {
  if (is_plain_text(value)) return fmt::format(FMT_COMPILE("\"{}\""), value);
  return Json(std::string(value)).dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

std::string text_value(std::string_view value) {
  return needs_quotes(value) ? json_string(value) : std::string(value);
}

// `text` as `encode` writes it, in at most `room` bytes. Precondition: room >= kLeastRoom.
std::string fitted(std::string_view text, size_t room, std::string (*encode)(std::string_view)) {
  std::string out = encode(text);
  const size_t most = room - kClipOverhead;
  if (out.size() > room) out = encode(clipped(text, most));
  if (out.size() > room) out = encode(clipped(text, most / kWidestEscape));
  return out;
}

void append_field(std::string& line, LogFormat format, const LogField& field, size_t most) {
  const bool json = format == LogFormat::kJson;
  const std::string key = json ? "," + json_string(field.key) + ":" : " " + std::string(field.key) + "=";
  const size_t room = most - std::min(most, line.size() + key.size());
  const std::string value =
      room < kLeastRoom ? std::string() : fitted(field.value, room, json ? json_string : text_value);
  if (!value.empty()) line += key + value;
}

}  // namespace

std::string format_log_line(LogFormat format, LogLevel level, std::string_view time, std::string_view message,
                            const std::vector<LogField>& fields) {
  const bool json = format == LogFormat::kJson;
  std::string line = json ? fmt::format(R"({{"time":"{}","level":"{}","msg":)", time, name_of(level))
                          : fmt::format("time={} level={} msg=", time, name_of(level));
  const size_t most = kLongestLine - (json ? 1 : 0);  // for the closing brace
  line += fitted(message, most - line.size(), json_string);
  for (const auto& field : fields) append_field(line, format, field, most);
  if (json) line += '}';
  return line;
}

void Logger::log(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
  if (!enabled(level)) return;
  const auto now = std::chrono::system_clock::now();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now - seconds).count();
  std::string time = format_time(seconds);
  time.insert(time.size() - 1, fmt::format(".{:03}", millis));
  std::string line = format_log_line(format_, level, time, message, fields);
  line += '\n';
  const std::scoped_lock lock(mutex_);
  // A pipe that nobody reads must not stop the daemon: a pipe that polls as writable takes PIPE_BUF bytes at once.
  pollfd ready{fd_, POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
  [[maybe_unused]] const ssize_t put = ::write(fd_, line.data(), line.size());
}

}  // namespace viaduct
