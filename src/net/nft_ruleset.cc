#include "net/nft_ruleset.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string_view>

#include "net/link_types.h"

namespace viaduct::net {

namespace {

// Bridges of viaduct's own naming (viaduct::net drivers).
constexpr std::string_view kOwnPrefix = "vd-";

// Order matters. Two set look-ups let everything pass that is none of viaduct's business.
constexpr std::array kForwardRules{
    "iifname != @bridges oifname != @bridges accept",
    "iifname . oifname @icc_pairs accept",
    "iifname @bridges oifname @bridges drop",
    "iifname @internal drop",
    "oifname @internal drop",
    "ct state established,related accept",
    "oifname @bridges drop",
    // Only viaduct to elsewhere is left. The engine's own bridges are isolated from viaduct's, as from one
    // another.
    "oifname @engine_bridges ct state new drop",
};

constexpr std::array kPostroutingRules{
    // What the host says to its own gateway address, and what stays among containers, keeps its source.
    "oifname \"lo\" accept",
    "oifname @bridges accept",
    "ip saddr @masquerade4 ip daddr != { 224.0.0.0/4, 255.255.255.255 } masquerade",
    "ip6 saddr @masquerade6 ip6 daddr != ff00::/8 masquerade",
};

std::string quoted(const std::string& name) {
  return fmt::format("\"{}\"", name);
}

// As nft lists it: a host without its length.
std::string element_of(const Prefix& prefix) {
  return prefix.host_bits() == 0 ? prefix.first().to_string() : prefix.to_string();
}

struct SetDescription {
  std::string_view name;
  std::string_view type;
  std::set<std::string> TableSets::*elements;
};

const std::array kSets{
    SetDescription{"bridges", "type ifname", &TableSets::bridges},
    SetDescription{"internal", "type ifname", &TableSets::internal},
    SetDescription{"icc_pairs", "type ifname . ifname", &TableSets::icc_pairs},
    SetDescription{"masquerade4", "type ipv4_addr; flags interval", &TableSets::masquerade4},
    SetDescription{"masquerade6", "type ipv6_addr; flags interval", &TableSets::masquerade6},
    SetDescription{"engine_bridges", "type ifname", &TableSets::engine_bridges},
};

// One command for the elements of `some` that are not in `others`; empty if there are none.
std::string element_command(std::string_view verb, std::string_view set, const std::set<std::string>& some,
                            const std::set<std::string>& others) {
  std::string elements;
  for (const std::string& element : some) {
    if (others.contains(element)) continue;
    elements += (elements.empty() ? "" : ", ") + element;
  }
  return elements.empty() ? std::string()
                          : fmt::format("{} element inet viaduct {} {{ {} }}\n", verb, set, elements);
}

}  // namespace

std::set<std::string>* elements_of_set(TableSets& sets, std::string_view name) {
  for (const SetDescription& set : kSets)
    if (set.name == name) return &(sets.*set.elements);
  return nullptr;
}

size_t forward_rule_count() {
  return kForwardRules.size();
}
size_t postrouting_rule_count() {
  return kPostroutingRules.size();
}

Status check_rules(const NetworkRules& network) {
  TRY(check_link_name(network.bridge));
  for (const Prefix& prefix : network.masquerade) {
    if (prefix.length() > 0) continue;
    return invalid_argument(fmt::format("bridge {} cannot masquerade {}; name the network's subnet",
                                        network.bridge, prefix.to_string()));
  }
  return {};
}

bool is_engine_bridge(std::string_view name) {
  constexpr std::string_view kPrefix = "br-";
  constexpr size_t kDigits = 12;
  if (name == "docker0" || name == "docker_gwbridge") return true;
  return name.size() == kPrefix.size() + kDigits && name.starts_with(kPrefix) &&
         name.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string_view::npos;
}

TableSets sets_of(const RulesByBridge& networks, const std::set<std::string>& engine_bridges) {
  TableSets sets;
  for (const std::string& name : engine_bridges) sets.engine_bridges.insert(quoted(name));
  std::set<Prefix> sources;
  for (const auto& [bridge, network] : networks) {
    std::string name = quoted(bridge);
    sets.bridges.insert(name);
    if (network.reach == Reach::kInternal) sets.internal.insert(name);
    if (network.inter_container == InterContainer::kAllowed) sets.icc_pairs.insert(name + " . " + name);
    if (network.reach == Reach::kOutside)
      sources.insert(network.masquerade.begin(), network.masquerade.end());
  }
  // Two prefixes are disjoint or one holds the other, and the wider comes first.
  std::optional<Prefix> widest;
  for (const Prefix& source : sources) {
    if (widest && widest->contains(source)) continue;
    widest = source;
    (source.family() == Family::kIpv4 ? sets.masquerade4 : sets.masquerade6).insert(element_of(source));
  }
  return sets;
}

std::string no_table() {
  return "add table inet viaduct\ndelete table inet viaduct\n";
}

std::string whole_table(const TableSets& sets) {
  std::string text = no_table() + "table inet viaduct {\n";
  for (const SetDescription& set : kSets) text += fmt::format("  set {} {{ {}; }}\n", set.name, set.type);
  // Before the engine's chains, which are at priority filter: what must not pass is gone before they accept
  // it.
  text += "  chain forward {\n    type filter hook forward priority filter - 10; policy accept;\n";
  for (const char* rule : kForwardRules) text += fmt::format("    {}\n", rule);
  text += "  }\n  chain postrouting {\n    type nat hook postrouting priority srcnat; policy accept;\n";
  for (const char* rule : kPostroutingRules) text += fmt::format("    {}\n", rule);
  text += "  }\n}\n";
  return text + difference(TableSets{}, sets);
}

std::string difference(const TableSets& from, const TableSets& to) {
  std::string text;
  // Deletions first: a wider prefix may take the place of narrower ones.
  for (const SetDescription& set : kSets) {
    text += element_command("delete", set.name, from.*set.elements, to.*set.elements);
  }
  for (const SetDescription& set : kSets) {
    text += element_command("add", set.name, to.*set.elements, from.*set.elements);
  }
  return text;
}

std::set<std::string> accept_patterns(const RulesByBridge& networks) {
  std::set<std::string> patterns;
  for (const auto& [bridge, network] : networks) {
    patterns.insert(bridge.starts_with(kOwnPrefix) ? std::string(kOwnPrefix) + "*" : bridge);
  }
  return patterns;
}

}  // namespace viaduct::net
