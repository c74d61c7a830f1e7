#pragma once

#include <map>
#include <mutex>
#include <string>

#include "net/firewall.h"

namespace viaduct::net {

// The rules that the networks here want, in front of the firewall, so that one who renews all of them does
// not undo one who adds a network at the same moment. Any thread; a call waits for the one before it.
class RuleBook {
 public:
  explicit RuleBook(Firewall& firewall) : firewall_(firewall) {}

  // After failure the network's rules are as they were.
  Status add(const NetworkRules& rules);
  Status remove(const std::string& bridge);
  // Notes rules for the next renew(), without touching the firewall.
  void note(const NetworkRules& rules);
  // Makes the firewall hold all that was noted and added, and nothing else.
  Status renew();

 private:
  Firewall& firewall_;
  std::mutex mutex_;
  std::map<std::string, NetworkRules> wanted_;  // by bridge
};

}  // namespace viaduct::net
