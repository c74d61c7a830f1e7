#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/kernel.h"

namespace viaduct::net {

// The thread that tells neighbours which MAC an address has now, so that no call waits for it. One that knew the address
// when another container had it would otherwise send to that one's MAC for up to a minute. What is due together goes
// together. One costs the kernel about 1 us for each port of the bridge, and 3 us once the container is there.
class Announcer {
 public:
  // `after`: when an endpoint is announced, counted from announce(); ascending, not empty.
  // `failed` is told of the first failure alone; may be empty.
  Announcer(Kernel& kernel, std::vector<std::chrono::milliseconds> after,
            std::function<void(const Error&)> failed);
  // Ends at once; what is due later is never sent.
  ~Announcer();
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  // From now on, in the place of what is still due for that port. Returns at once.
  void announce(Announcement what);
  // Nothing more is begun for that port. One that is just being sent may still go out; it comes before all that is
  // asked for from now on. Returns at once.
  void cancel(const std::string& port);
  // How many ports have something due.
  [[nodiscard]] size_t waiting() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Entry {
    Announcement what;
    Time since;
    size_t next = 0;  // of `after_`
  };

  void run();
  void erase_locked(const std::string& port);
  // Takes out what is due by then, and puts in when it is due next.
  std::vector<Announcement> take_due_locked(Time now);

  Kernel& kernel_;
  const std::vector<std::chrono::milliseconds> after_;
  const std::function<void(const Error&)> failed_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Entry> entries_;  // by port
  std::set<std::pair<Time, std::string>> due_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace viaduct::net
