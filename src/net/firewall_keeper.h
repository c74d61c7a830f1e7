#pragma once

#include <memory>
#include <string>
#include <thread>

#include "base/log.h"
#include "base/unique_fd.h"
#include "net/firewall.h"

namespace viaduct::net {

// Watches the kernel's rule sets and calls Firewall::ensure() after any change to them: within 100 ms, and at
// most four times a second. It cannot tell viaduct's own changes from others': ensure() finds nothing to do
// then. Logs a warning when rules were restored, and each new failure once.
class FirewallKeeper {
 public:
  // Starts the thread, in the network namespace of the caller. `firewall` and `log` must outlive the keeper.
  // Errors: as from_errno(): no netfilter socket.
  static Result<std::unique_ptr<FirewallKeeper>> start(Firewall& firewall, Logger& log);
  // Stops the thread; waits for an ensure() under way.
  ~FirewallKeeper();

 private:
  FirewallKeeper(Firewall& firewall, Logger& log, UniqueFd events, UniqueFd stop);
  void run();
  // Waits; returns false when told to stop.
  enum class Until { kEventOrStop, kStop };
  bool wait(Until until, int limit_ms);
  void drain();
  // False when it failed, and must be tried again.
  bool ensure();

  Firewall& firewall_;
  Logger& log_;
  UniqueFd events_;
  UniqueFd stop_;
  std::string last_failure_;
  std::thread thread_;  // last: starts when the rest is there
};

}  // namespace viaduct::net
