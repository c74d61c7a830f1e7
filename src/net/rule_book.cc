#include "net/rule_book.h"

#include <vector>

namespace viaduct::net {

Status RuleBook::add(const NetworkRules& rules) {
  std::lock_guard guard(mutex_);
  TRY(firewall_.add(rules));
  wanted_[rules.bridge] = rules;
  return {};
}

Status RuleBook::remove(const std::string& bridge) {
  std::lock_guard guard(mutex_);
  TRY(firewall_.remove(bridge));
  wanted_.erase(bridge);
  return {};
}

void RuleBook::note(const NetworkRules& rules) {
  std::lock_guard guard(mutex_);
  wanted_[rules.bridge] = rules;
}

Status RuleBook::renew() {
  std::lock_guard guard(mutex_);
  std::vector<NetworkRules> all;
  for (const auto& [bridge, rules] : wanted_) all.push_back(rules);
  return firewall_.replace_all(all);
}

}  // namespace viaduct::net
