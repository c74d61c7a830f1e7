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
  [[nodiscard]] std::map<std::string, NetworkRules> in_force();
  // Somebody flushes the rule set: nothing is in force until the next change or ensure().
  void flush();

  Status replace_all(const std::vector<NetworkRules>& networks) override;
  Status add(const NetworkRules& network) override;
  Status remove(const std::string& bridge) override;
  Result<bool> ensure() override;

 private:
  struct State {
    std::map<std::string, NetworkRules> wanted;
    std::map<std::string, NetworkRules> in_force;
  };
  FakeGate gate_;
  Guarded<State> state_;
};

}  // namespace viaduct::net
