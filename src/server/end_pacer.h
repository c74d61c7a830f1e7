#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace viaduct::server {

// Keeps the ends of a network's endpoints a moment apart. Engine 20.10 counts endpoints in one step and stores the count in
// another (libnetwork/endpoint_cnt.go): of two ends within milliseconds it may lose one, and then refuses to remove the
// network, which "has active endpoints", until it is restarted. Drivers that take long for each end are spared that.
class EndPacer {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  // What the engine needs for one; a queue that nobody shall wait for any longer.
  static constexpr std::chrono::milliseconds kApart{10};
  static constexpr std::chrono::milliseconds kLongest{1000};

  // When the end that is ready `now` may be answered: at once, or kApart after the one before it, but never more than
  // kLongest from now. Does not wait. Any thread.
  Moment turn(const std::string& network_id, Moment now);

 private:
  std::mutex mutex_;
  std::map<std::string, Moment> next_;  // of networks with an end a moment ago
};

}  // namespace viaduct::server
