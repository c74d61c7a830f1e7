#include "net/fake_firewall.h"

#include "net/link_types.h"

namespace viaduct::net {

std::map<std::string, NetworkRules> FakeFirewall::in_force() {
  return state_.lock()->in_force;
}

void FakeFirewall::flush() {
  state_.lock()->in_force.clear();
}

Status FakeFirewall::replace_all(const std::vector<NetworkRules>& networks) {
  TRY(gate_.pass("replace the firewall's rules"));
  std::map<std::string, NetworkRules> wanted;
  for (const NetworkRules& network : networks) {
    TRY(check_link_name(network.bridge));
    wanted[network.bridge] = network;
  }
  auto state = state_.lock();
  state->wanted = std::move(wanted);
  state->in_force = state->wanted;
  return {};
}

Status FakeFirewall::add(const NetworkRules& network) {
  TRY(gate_.pass("add firewall rules"));
  TRY(check_link_name(network.bridge));
  auto state = state_.lock();
  state->wanted[network.bridge] = network;
  state->in_force = state->wanted;
  return {};
}

Status FakeFirewall::remove(const std::string& bridge) {
  TRY(gate_.pass("remove firewall rules"));
  auto state = state_.lock();
  state->wanted.erase(bridge);
  state->in_force = state->wanted;
  return {};
}

Result<bool> FakeFirewall::ensure() {
  TRY(gate_.pass("look after the firewall's rules"));
  auto state = state_.lock();
  if (state->in_force == state->wanted) return false;
  state->in_force = state->wanted;
  return true;
}

}  // namespace viaduct::net
