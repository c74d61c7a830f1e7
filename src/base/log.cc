#include "base/log.h"

#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "base/json.h"

namespace viaduct {

namespace {

constexpr size_t kLongestLine = PIPE_BUF - 1;

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
  return Json(std::string(value)).dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

std::string text_value(std::string_view value) {
  return needs_quotes(value) ? json_string(value) : std::string(value);
}

}  // namespace

std::string format_log_line(LogFormat format, LogLevel level, std::string_view time, std::string_view message,
                            const std::vector<LogField>& fields) {
  std::string line;
  if (format == LogFormat::kJson) {
    line = fmt::format(R"({{"time":"{}","level":"{}","msg":{})", time, name_of(level), json_string(message));
    for (const auto& field : fields)
      line += fmt::format(",{}:{}", json_string(field.key), json_string(field.value));
    line += '}';
    return line;
  }
  line = fmt::format("time={} level={} msg={}", time, name_of(level), json_string(message));
  for (const auto& field : fields) line += fmt::format(" {}={}", field.key, text_value(field.value));
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
  line.resize(std::min(line.size(), kLongestLine));
  line += '\n';
  const std::scoped_lock lock(mutex_);
  // A pipe that nobody reads must not stop the daemon: a pipe that polls as writable takes PIPE_BUF bytes at once.
  pollfd ready{fd_, POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
  [[maybe_unused]] const ssize_t put = ::write(fd_, line.data(), line.size());
}

}  // namespace viaduct
