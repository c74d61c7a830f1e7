#pragma once

#include <vector>

#include "net/firewall.h"

namespace viaduct::net {

// Networks without endpoints.
inline RuleSet rule_set(const std::vector<NetworkRules>& networks) {
  RuleSet rules;
  for (const NetworkRules& network : networks) rules.networks[network.bridge] = network;
  return rules;
}

}  // namespace viaduct::net
