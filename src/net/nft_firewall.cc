#include "net/nft_firewall.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/c_handle.h"
#include "net/flow_table.h"
#include "net/nft_listing.h"

namespace viaduct::net {

namespace {

constexpr const char* kListTable = "list table inet viaduct";
constexpr const char* kListGuard = "list table bridge viaduct";

// The listing, empty if what it lists is not there.
Result<std::optional<std::string>> list(NftSession& session, const std::string& command) {
  Result<std::string> listed = session.run(command, "cannot " + command);
  if (listed.ok()) return std::optional<std::string>(std::move(listed).value());
  if (listed.error().code == ErrorCode::kNotFound) return std::optional<std::string>();
  return std::move(listed).error();
}

// The listing of the table of the bridge family; empty if there is none, or the kernel has no such tables.
std::optional<std::string> list_guard(NftSession& session) {
  auto listed = session.run(kListGuard, "cannot list the bridge table");
  return listed.ok() ? std::optional<std::string>(std::move(listed).value()) : std::nullopt;
}

size_t senders_among(const RuleSet& rules) {
  return static_cast<size_t>(
      std::count_if(rules.endpoints.begin(), rules.endpoints.end(),
                    [](const auto& entry) { return entry.second.sender.has_value(); }));
}

// Of the links in this network namespace.
std::set<std::string> engine_bridges_now() {
  std::set<std::string> names;
  const CHandle<struct if_nameindex, if_freenameindex> links(::if_nameindex());
  if (!links) return names;
  for (const struct if_nameindex* link = links.get(); link->if_name != nullptr; ++link)
    if (is_engine_bridge(link->if_name)) names.insert(link->if_name);
  return names;
}

}  // namespace

NftFirewall::NftFirewall(NftSession session) {
  state_.lock()->session = std::move(session);
}

Result<std::unique_ptr<NftFirewall>> NftFirewall::open() {
  return std::unique_ptr<NftFirewall>(new NftFirewall(TRY(NftSession::open())));
}

Result<std::string> NftFirewall::accept_changes(NftSession& session, const std::set<std::string>& matches) {
  std::string text;
  for (const char* family : {"ip", "ip6"}) {
    auto listing = TRY(list(session, std::string("list chain ") + family + " filter FORWARD"));
    if (listing) text += accept_rule_changes(family, *listing, matches);
  }
  return text;
}

// A difference may fail because somebody flushed the rule set, and the accept rules because the engine has
// just changed its chain: the second try looks anew and writes everything.
Status NftFirewall::write(State& state, const TableSets& from, const TableSets& to) {
  const std::set<std::string> matches = accept_matches(state.wanted.networks);
  for (int tries = 0;; ++tries) {
    const bool settled = state.known == Known::kYes && !state.matches.empty() &&
                         (state.senders == 0 || state.guard == GuardTable::kPresent);
    std::string commands;
    if (!settled || state.wanted.networks.empty())
      state.guard = list_guard(*state.session) ? GuardTable::kPresent : GuardTable::kAbsent;
    if (state.wanted.networks.empty())
      commands = no_table(state.guard);
    else if (settled)
      commands = difference(from, to);
    else
      commands = whole_table(sets_of(state.wanted, state.engine_bridges), state.guard);
    if (state.known == Known::kNo || matches != state.matches)
      commands += TRY(accept_changes(*state.session, matches));
    Result<std::string> done = state.session->run(commands, "cannot change the packet filter");
    if (done.ok()) {
      state.known = Known::kYes;
      state.matches = matches;
      if (!settled || state.wanted.networks.empty())
        state.guard =
            state.senders > 0 && !state.wanted.networks.empty() ? GuardTable::kPresent : GuardTable::kAbsent;
      return {};
    }
    state.known = Known::kNo;
    state.engine_bridges = engine_bridges_now();
    if (tries == 1) return std::move(done).error();
  }
}

Status NftFirewall::change_networks(State& state, RulesByBridge networks) {
  const TableSets from = sets_of(state.wanted.networks, state.engine_bridges);
  state.engine_bridges = engine_bridges_now();
  networks.swap(state.wanted.networks);
  Status written = write(state, from, sets_of(state.wanted.networks, state.engine_bridges));
  if (!written.ok()) state.wanted.networks = std::move(networks);
  return written;
}

Status NftFirewall::replace_all(const RuleSet& rules) {
  for (const auto& [bridge, network] : rules.networks) TRY(check_rules(network));
  for (const auto& [id, endpoint] : rules.endpoints) TRY(check_rules(endpoint));
  auto state = state_.lock();
  state->known = Known::kNo;
  state->engine_bridges = engine_bridges_now();
  // Also when it fails: ensure() brings it about later.
  state->wanted = rules;
  state->senders = senders_among(rules);
  return write(*state, {}, {});
}

Status NftFirewall::add(const NetworkRules& network) {
  TRY(check_rules(network));
  auto state = state_.lock();
  auto networks = state->wanted.networks;
  networks[network.bridge] = network;
  return change_networks(*state, std::move(networks));
}

Status NftFirewall::remove(const std::string& bridge) {
  auto state = state_.lock();
  if (!state->wanted.networks.contains(bridge)) return {};
  auto networks = state->wanted.networks;
  networks.erase(bridge);
  return change_networks(*state, std::move(networks));
}

Status NftFirewall::set_endpoint(const std::string& id, const EndpointRules& rules) {
  TRY(check_rules(rules));
  auto state = state_.lock();
  auto& endpoints = state->wanted.endpoints;
  const auto known = endpoints.find(id);
  EndpointRules before = known == endpoints.end() ? EndpointRules{} : known->second;
  if (before == rules) return {};
  const auto put = [&](EndpointRules value) {
    const auto present = endpoints.find(id);
    if (present != endpoints.end() && present->second.sender) --state->senders;
    if (value.sender) ++state->senders;
    if (value.empty())
      endpoints.erase(id);
    else
      endpoints[id] = std::move(value);
  };
  TableSets from;
  TableSets to;
  add_elements(from, before);
  add_elements(to, rules);
  put(rules);
  Status written = write(*state, from, to);
  if (!written.ok()) put(std::move(before));
  return written;
}

Status NftFirewall::forget_flows(const IpAddress& container) {
  return end_flows_of(container);
}

Status NftFirewall::forget_flows_to(Protocol protocol, const IpAddress& host, uint16_t port) {
  return end_flows_to(protocol, host, port);
}

std::vector<std::string> NftFirewall::listings_of(State& state) {
  std::vector<std::string> listings;
  auto listing = list(*state.session, kListTable);
  if (listing.ok() && listing.value()) listings.push_back(std::move(*listing.value()));
  if (state.senders > 0)
    if (auto guard = list_guard(*state.session)) listings.push_back(std::move(*guard));
  return listings;
}

Result<bool> NftFirewall::ensure() {
  auto state = state_.lock();
  if (state->wanted.networks.empty()) return false;
  std::set<std::string> engine_bridges = engine_bridges_now();
  bool intact = differences_of(listings_of(*state), sets_of(state->wanted, engine_bridges)).empty();
  if (intact && TRY(accept_changes(*state->session, accept_matches(state->wanted.networks))).empty())
    return false;
  state->known = Known::kNo;
  state->engine_bridges = std::move(engine_bridges);
  TRY(write(*state, {}, {}));
  return true;
}

Result<std::vector<std::string>> NftFirewall::inspect() {
  auto state = state_.lock();
  if (state->wanted.networks.empty()) return std::vector<std::string>();
  auto differences = differences_of(listings_of(*state), sets_of(state->wanted, engine_bridges_now()));
  if (!TRY(accept_changes(*state->session, accept_matches(state->wanted.networks))).empty())
    differences.emplace_back("the accept rules in the engine's FORWARD chain are not as they should be");
  return differences;
}

Result<std::vector<ForwardChain>> NftFirewall::forward_chains() {
  auto state = state_.lock();
  const std::string all = TRY(state->session->run("list chains", "cannot list the packet filter's chains"));
  std::set<std::string> matches = accept_matches(state->wanted.networks);
  // Without networks: what the first one will need.
  if (matches.empty()) matches = accept_matches({{"vd-", NetworkRules{"vd-"}}});
  std::vector<ForwardChain> found = forward_chains_in(all);
  for (ForwardChain& chain : found) {
    // Gone since then: it refuses nothing.
    const auto listing =
        TRY(list(*state->session, fmt::format("list chain {} {} {}", chain.family, chain.table, chain.name)));
    if (listing) judge(chain, *listing, matches);
  }
  return found;
}

}  // namespace viaduct::net
