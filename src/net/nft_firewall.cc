#include "net/nft_firewall.h"

#include <net/if.h>

#include <memory>
#include <utility>

#include "base/c_handle.h"
#include "net/nft_listing.h"

namespace viaduct::net {

namespace {

constexpr const char* kListTable = "list table inet viaduct";

// The listing, empty if what it lists is not there.
Result<std::optional<std::string>> list(NftSession& session, const std::string& command) {
  Result<std::string> listed = session.run(command, "cannot " + command);
  if (listed.ok()) return std::optional<std::string>(std::move(listed).value());
  if (listed.error().code == ErrorCode::kNotFound) return std::optional<std::string>();
  return std::move(listed).error();
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

Result<std::string> NftFirewall::accept_changes(NftSession& session, const std::set<std::string>& patterns) {
  std::string text;
  for (const char* family : {"ip", "ip6"}) {
    auto listing = TRY(list(session, std::string("list chain ") + family + " filter FORWARD"));
    if (listing) text += accept_rule_changes(family, *listing, patterns);
  }
  return text;
}

Result<std::string> NftFirewall::commands_for(State& state, const RulesByBridge& wanted,
                                              const std::set<std::string>& engine_bridges) {
  std::set<std::string> patterns = accept_patterns(wanted);
  bool known = state.known == Known::kYes;
  std::string text;
  if (wanted.empty()) {
    text = no_table();
  } else if (known && !state.wanted.empty()) {
    text = difference(sets_of(state.wanted, state.engine_bridges), sets_of(wanted, engine_bridges));
  } else {
    text = whole_table(sets_of(wanted, engine_bridges));
  }
  if (!known || patterns != accept_patterns(state.wanted))
    text += TRY(accept_changes(*state.session, patterns));
  return text;
}

// A difference may fail because somebody flushed the rule set, and the accept rules because the engine has
// just changed its chain: the second try looks anew and writes everything.
Status NftFirewall::apply(State& state, RulesByBridge wanted) {
  for (int tries = 0;; ++tries) {
    std::set<std::string> engine_bridges = engine_bridges_now();
    std::string commands = TRY(commands_for(state, wanted, engine_bridges));
    Result<std::string> done = state.session->run(commands, "cannot change the packet filter");
    if (done.ok()) {
      state.known = Known::kYes;
      state.wanted = std::move(wanted);
      state.engine_bridges = std::move(engine_bridges);
      return {};
    }
    state.known = Known::kNo;
    if (tries == 1) return std::move(done).error();
  }
}

Status NftFirewall::replace_all(const std::vector<NetworkRules>& networks) {
  RulesByBridge wanted;
  for (const NetworkRules& network : networks) {
    TRY(check_rules(network));
    wanted[network.bridge] = network;
  }
  auto state = state_.lock();
  state->known = Known::kNo;
  // Also when it fails: ensure() brings it about later.
  state->wanted = wanted;
  return apply(*state, std::move(wanted));
}

Status NftFirewall::add(const NetworkRules& network) {
  TRY(check_rules(network));
  auto state = state_.lock();
  RulesByBridge wanted = state->wanted;
  wanted[network.bridge] = network;
  return apply(*state, std::move(wanted));
}

Status NftFirewall::remove(const std::string& bridge) {
  auto state = state_.lock();
  if (!state->wanted.contains(bridge)) return {};
  RulesByBridge wanted = state->wanted;
  wanted.erase(bridge);
  return apply(*state, std::move(wanted));
}

Result<bool> NftFirewall::ensure() {
  auto state = state_.lock();
  if (state->wanted.empty()) return false;
  auto listing = TRY(list(*state->session, kListTable));
  bool intact = listing && table_is_intact(*listing, sets_of(state->wanted, engine_bridges_now()));
  if (intact && TRY(accept_changes(*state->session, accept_patterns(state->wanted))).empty()) return false;
  state->known = Known::kNo;
  TRY(apply(*state, state->wanted));
  return true;
}

}  // namespace viaduct::net
