#include "net/fake_firewall.h"

#include "net/link_types.h"

namespace viaduct::net {

RulesByBridge FakeFirewall::in_force() {
  return state_.lock()->in_force.networks;
}

std::map<std::string, EndpointRules> FakeFirewall::endpoints_in_force() {
  return state_.lock()->in_force.endpoints;
}

std::vector<IpAddress> FakeFirewall::forgotten_flows() {
  return state_.lock()->forgotten;
}

void FakeFirewall::flush() {
  state_.lock()->in_force = {};
}

Status FakeFirewall::replace_all(const RuleSet& rules) {
  TRY(gate_.pass("replace the firewall's rules"));
  for (const auto& [bridge, network] : rules.networks) TRY(check_link_name(bridge));
  auto state = state_.lock();
  state->wanted = rules;
  state->in_force = state->wanted;
  return {};
}

Status FakeFirewall::add(const NetworkRules& network) {
  TRY(gate_.pass("add firewall rules"));
  TRY(check_link_name(network.bridge));
  auto state = state_.lock();
  state->wanted.networks[network.bridge] = network;
  state->in_force = state->wanted;
  return {};
}

Status FakeFirewall::remove(const std::string& bridge) {
  TRY(gate_.pass("remove firewall rules"));
  auto state = state_.lock();
  state->wanted.networks.erase(bridge);
  state->in_force = state->wanted;
  return {};
}

Status FakeFirewall::set_endpoint(const std::string& id, const EndpointRules& rules) {
  TRY(gate_.pass("set an endpoint's firewall rules"));
  auto state = state_.lock();
  if (rules.empty())
    state->wanted.endpoints.erase(id);
  else
    state->wanted.endpoints[id] = rules;
  state->in_force = state->wanted;
  return {};
}

Status FakeFirewall::forget_flows(const IpAddress& container) {
  TRY(gate_.pass("end flows"));
  state_.lock()->forgotten.push_back(container);
  return {};
}

Status FakeFirewall::forget_flows_to(Protocol, const IpAddress& host, uint16_t) {
  TRY(gate_.pass("end flows to a port"));
  state_.lock()->forgotten.push_back(host);
  return {};
}

Result<bool> FakeFirewall::ensure() {
  TRY(gate_.pass("look after the firewall's rules"));
  auto state = state_.lock();
  if (state->in_force == state->wanted) return false;
  state->in_force = state->wanted;
  return true;
}

Result<std::vector<std::string>> FakeFirewall::inspect() {
  TRY(gate_.pass("look at the firewall's rules"));
  auto state = state_.lock();
  std::vector<std::string> differences;
  if (!(state->in_force == state->wanted)) differences.emplace_back("rules are missing");
  return differences;
}

Result<std::vector<ForwardChain>> FakeFirewall::forward_chains() {
  TRY(gate_.pass("look at others' chains"));
  return std::vector<ForwardChain>();
}

}  // namespace viaduct::net
