#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "base/log.h"

namespace viaduct::server {

// One warning line for each request that never became a call, because the front or the HTTP library refused it. A
// client that sends nothing else would fill the log: one line a second at most, which says how many were left out since
// the one before. What was answered in a late handler's place (a status below 400) is never left out. Any thread.
class RefusalLog {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `socket` names the socket in the lines.
  RefusalLog(Logger& log, std::string socket) : log_(log), socket_(std::move(socket)) {}

  void note(int status, const std::string& sentence, Time now = std::chrono::steady_clock::now());

 private:
  Logger& log_;
  const std::string socket_;
  std::mutex mutex_;
  Time quiet_until_ = Time::min();
  uint64_t left_out_ = 0;
};

}  // namespace viaduct::server
