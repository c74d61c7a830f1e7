#include "net/rule_book.h"

namespace viaduct::net {

Status RuleBook::add(const NetworkRules& rules) {
  std::lock_guard guard(mutex_);
  TRY(firewall_.add(rules));
  wanted_.networks[rules.bridge] = rules;
  return {};
}

Status RuleBook::remove(const std::string& bridge) {
  std::lock_guard guard(mutex_);
  TRY(firewall_.remove(bridge));
  wanted_.networks.erase(bridge);
  return {};
}

void RuleBook::note(const NetworkRules& rules) {
  std::lock_guard guard(mutex_);
  wanted_.networks[rules.bridge] = rules;
}

Status RuleBook::set_endpoint(const std::string& id, const EndpointRules& rules) {
  std::lock_guard guard(mutex_);
  if (rules.empty() && !wanted_.endpoints.contains(id)) return {};
  TRY(firewall_.set_endpoint(id, rules));
  if (rules.empty())
    wanted_.endpoints.erase(id);
  else
    wanted_.endpoints[id] = rules;
  return {};
}

void RuleBook::note(const std::string& endpoint_id, const EndpointRules& rules) {
  std::lock_guard guard(mutex_);
  if (rules.empty())
    wanted_.endpoints.erase(endpoint_id);
  else
    wanted_.endpoints[endpoint_id] = rules;
}

Status RuleBook::renew() {
  std::lock_guard guard(mutex_);
  return firewall_.replace_all(wanted_);
}

}  // namespace viaduct::net
