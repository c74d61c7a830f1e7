#pragma once

#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace viaduct::net {

enum class Reach {
  kOutside,   // may open connections to other hosts
  kInternal,  // nothing passes between the network and anything beyond its bridge
};
enum class InterContainer { kAllowed, kDenied };

// What the firewall must know of one network.
struct NetworkRules {
  std::string bridge;
  Reach reach = Reach::kOutside;
  InterContainer inter_container = InterContainer::kAllowed;
  // Sources that are hidden behind the host's address on their way out; empty without masquerade.
  std::vector<Prefix> masquerade;
  bool operator==(const NetworkRules&) const = default;
};

// The seam to the packet filter: a table of viaduct's own, and a fixed handful of accept rules in the engine's.
// Each change is one transaction. Any thread; blocks.
class Firewall {
 public:
  virtual ~Firewall() = default;

  // Makes the table hold exactly these networks, whatever it held before. After a failure they are still what ensure()
  // restores.
  virtual Status replace_all(const std::vector<NetworkRules>& networks) = 0;
  // Adds one network; one that is there already is replaced.
  virtual Status add(const NetworkRules& network) = 0;
  // Removes one network by its bridge's name; one that is not there is no error.
  virtual Status remove(const std::string& bridge) = 0;
  // Looks whether the table and the accept rules are still as they were set, and restores what is missing (the engine
  // was started, somebody flushed the rule set). Returns whether it had to.
  virtual Result<bool> ensure() = 0;
};

}  // namespace viaduct::net
