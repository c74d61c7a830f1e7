#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "net/fake_gate.h"
#include "net/firewall.h"

namespace viaduct::net {

// A Firewall in memory, for tests of the layer above. A failed operation changes nothing.
class FakeFirewall final : public Firewall {
 public:
  FakeGate& gate() { return gate_; }

  // What is in force now, by bridge.
  [[nodiscard]] RulesByBridge in_force();
  // Likewise of the endpoints, by id.
  [[nodiscard]] std::map<std::string, EndpointRules> endpoints_in_force();
  // The addresses whose flows were ended, in order.
  [[nodiscard]] std::vector<IpAddress> forgotten_flows();
  // Somebody flushes the rule set: nothing is in force until the next change or ensure().
  void flush();

  Status replace_all(const RuleSet& rules) override;
  Status add(const NetworkRules& network) override;
  Status remove(const std::string& bridge) override;
  Status set_endpoint(const std::string& id, const EndpointRules& rules) override;
  Status forget_flows(const IpAddress& container) override;
  Status forget_flows_to(Protocol protocol, const IpAddress& host, uint16_t port) override;
  Result<bool> ensure() override;
  Result<std::vector<std::string>> inspect() override;
  // None: nobody else is here.
  Result<std::vector<ForwardChain>> forward_chains() override;

 private:
  struct State {
    RuleSet wanted;
    RuleSet in_force;
    std::vector<IpAddress> forgotten;
  };
  FakeGate gate_;
  Guarded<State> state_;
};

}  // namespace viaduct::net
