#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

// One line an event, on stdout, where dockerd and journald collect it. Library modules log at debug only;
// the server logs one line an RPC.
namespace viaduct {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

// One key and its value. In text, a value that holds a space, quote or control character is quoted and escaped.
struct LogField {
  std::string_view key;
  std::string value;
};

class Logger {
 public:
  Logger(int fd, LogLevel least, LogFormat format) : fd_(fd), least_(least), format_(format) {}

  // Writes one line, as format_log_line() makes it, with one write(); a line that nobody takes is dropped. Any thread.
  void log(LogLevel level, std::string_view message, const std::vector<LogField>& fields = {});

  [[nodiscard]] bool enabled(LogLevel level) const { return level >= least_; }

 private:
  const int fd_;
  const LogLevel least_;
  const LogFormat format_;
  std::mutex mutex_;
};

// The line without its newline: whole in its format and of less than PIPE_BUF bytes, whatever the values hold. A value
// that does not fit in what is left of the line is clipped, and left out where hardly any room is left; so what must
// not be lost goes first. Pure, for tests and for Logger.
std::string format_log_line(LogFormat format, LogLevel level, std::string_view time, std::string_view message,
                            const std::vector<LogField>& fields);

}  // namespace viaduct
