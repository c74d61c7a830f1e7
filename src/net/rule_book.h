#pragma once

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
  // As Firewall::set_endpoint(). Costs nothing where there was nothing and is nothing.
  Status set_endpoint(const std::string& id, const EndpointRules& rules);
  // As Firewall::inspect().
  Result<std::vector<std::string>> inspect() { return firewall_.inspect(); }
  // As Firewall::forward_chains().
  Result<std::vector<ForwardChain>> forward_chains() { return firewall_.forward_chains(); }
  // As Firewall::forget_flows().
  Status forget_flows(const IpAddress& container) { return firewall_.forget_flows(container); }
  Status forget_flows_to(Protocol protocol, const IpAddress& host, uint16_t port) {
    return firewall_.forget_flows_to(protocol, host, port);
  }
  // Notes rules for the next renew(), without touching the firewall.
  void note(const NetworkRules& rules);
  void note(const std::string& endpoint_id, const EndpointRules& rules);
  // Makes the firewall hold all that was noted and added, and nothing else.
  Status renew();

 private:
  Firewall& firewall_;
  std::mutex mutex_;
  RuleSet wanted_;
};

}  // namespace viaduct::net
