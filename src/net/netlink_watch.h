#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"

namespace viaduct::net {

// Watches the host's links and default routes, and calls `changed` after any change to them that is not viaduct's own: within
// half a second, at most once a second; and once a minute in any case, since what kept something from following may have
// gone.
class UplinkWatch {
 public:
  // Starts the thread, in the network namespace of the caller; its first call comes at once. `changed` runs on that thread,
  // and must not throw. Errors: as from_errno(): no netlink socket.
  static Result<std::unique_ptr<UplinkWatch>> start(std::function<void()> changed);
  // Stops the thread; waits for a call under way.
  ~UplinkWatch();

 private:
  UplinkWatch(std::function<void()> changed, UniqueFd events, UniqueFd stop);
  void run();
  // Reads what has come; whether any of it is of concern.
  bool concerned();
  // Waits; false when told to stop.
  bool wait(bool for_events, int limit_ms);

  std::function<void()> changed_;
  UniqueFd events_;
  UniqueFd stop_;
  std::thread thread_;  // last: starts when the rest is there
};

}  // namespace viaduct::net
