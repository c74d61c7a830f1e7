#include "net/nft_ruleset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace viaduct::net {

namespace {

// Bridges of viaduct's own naming (viaduct::net drivers).
constexpr std::string_view kOwnPrefix = "vd-";

constexpr std::string_view kTable = "inet viaduct";
constexpr std::string_view kGuardTable = "bridge viaduct";

struct SetDescription {
  std::string_view name;
  std::string_view type;
  std::set<std::string> TableSets::*elements;
  std::string_view table = kTable;
};

constexpr std::string_view kLinks = "type ifname";
constexpr std::string_view kPairs = "type ifname . ifname";

const std::array kSets{
    SetDescription{"bridges", kLinks, &TableSets::bridges},
    SetDescription{"further", kLinks, &TableSets::further},
    SetDescription{"internal", kLinks, &TableSets::internal},
    SetDescription{"apart", kLinks, &TableSets::apart},
    SetDescription{"quiet", kLinks, &TableSets::quiet},
    SetDescription{"icc_pairs", kPairs, &TableSets::icc_pairs},
    SetDescription{"trusted", kPairs, &TableSets::trusted},
    SetDescription{"routed4", kLinks, &TableSets::routed4},
    SetDescription{"routed6", kLinks, &TableSets::routed6},
    SetDescription{"unprotected4", kLinks, &TableSets::unprotected4},
    SetDescription{"unprotected6", kLinks, &TableSets::unprotected6},
    SetDescription{"subnets4", "type ipv4_addr; flags interval", &TableSets::subnets4},
    SetDescription{"subnets6", "type ipv6_addr; flags interval", &TableSets::subnets6},
    SetDescription{"masquerade4", "type ipv4_addr; flags interval", &TableSets::masquerade4},
    SetDescription{"masquerade6", "type ipv6_addr; flags interval", &TableSets::masquerade6},
    SetDescription{"sources4", "type ipv4_addr : ipv4_addr; flags interval", &TableSets::sources4},
    SetDescription{"sources6", "type ipv6_addr : ipv6_addr; flags interval", &TableSets::sources6},
    SetDescription{"engine_bridges", kLinks, &TableSets::engine_bridges},
    SetDescription{"open4", "type ipv4_addr . inet_proto . inet_service", &TableSets::open4},
    SetDescription{"open6", "type ipv6_addr . inet_proto . inet_service", &TableSets::open6},
    SetDescription{"ports4", "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
                   &TableSets::ports4},
    SetDescription{"ports6", "type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service",
                   &TableSets::ports6},
    SetDescription{"any4", "type inet_proto . inet_service : ipv4_addr . inet_service", &TableSets::any4},
    SetDescription{"any6", "type inet_proto . inet_service : ipv6_addr . inet_service", &TableSets::any6},
    SetDescription{"guarded", kLinks, &TableSets::guarded, kGuardTable},
    SetDescription{"guard_macs", "type ifname . ether_addr", &TableSets::guard_macs, kGuardTable},
    SetDescription{"guard4", "type ifname . ether_addr . ipv4_addr", &TableSets::guard4, kGuardTable},
    SetDescription{"guard6", "type ifname . ether_addr . ipv6_addr", &TableSets::guard6, kGuardTable},
    SetDescription{"guard_targets", "typeof iifname . ether saddr . @th,64,128", &TableSets::guard_targets,
                   kGuardTable},
};

// A map is a set whose elements have values.
std::string_view kind_of(const SetDescription& set) {
  return set.type.find(" : ") == std::string_view::npos ? "set" : "map";
}

struct ChainDescription {
  std::string_view name;
  std::string_view hook;  // empty for one that is jumped to
  std::vector<std::string_view> rules;
};

// Order matters, of rules and of chains: a chain stands before those that jump to it. Protocols are numbers (1 ICMP, 58
// ICMPv6), so that nothing depends on an /etc/protocols.
const std::array kChains{
    ChainDescription{"publish",
                     "",
                     {
                         "dnat ip to ip daddr . meta l4proto . th dport map @ports4",
                         "dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6",
                         "meta nfproto ipv4 dnat ip to meta l4proto . th dport map @any4",
                         "meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @any6",
                     }},
    // The host's own programs reach published ports over 127.0.0.1, for which a bridge has route_localnet; its containers do not
    // reach the host's loopback that way. Before connection tracking puts the address back into what is answered.
    ChainDescription{
        "loopback",
        "type filter hook prerouting priority raw",
        {
            "ip daddr 127.0.0.0/8 iifname @bridges drop",
            // With br_netfilter a packet comes by here on each bridge that it crosses, and an address is
            // translated, or left alone for good, where its flow is first seen: on the first bridge.
            "iifname @further notrack",
        }},
    ChainDescription{"prerouting",
                     "type nat hook prerouting priority dstnat",
                     {
                         "ip daddr 127.0.0.0/8 accept",
                         "fib daddr type local jump publish",
                     }},
    ChainDescription{"output",
                     "type nat hook output priority -100",
                     {
                         "fib daddr type local jump publish",
                     }},
    // The LAN of a network that the host has no address in is not the host's: whoever is there knows its MAC, and could send to
    // its other addresses.
    ChainDescription{"input",
                     "type filter hook input priority filter - 10",
                     {
                         "iifname @apart drop",
                     }},
    // Nor does it have anything to say there: what the kernel reports of multicast groups and solicits of routers on any link
    // that is up, with an address or without.
    ChainDescription{"silence",
                     "type filter hook output priority filter - 10",
                     {
                         "oifname @quiet drop",
                     }},
    // Before the engine's chains, which are at priority filter: what must not pass is gone before they accept it. Two set
    // look-ups let everything pass that is none of viaduct's business.
    ChainDescription{
        "forward",
        "type filter hook forward priority filter - 10",
        {
            // Most packets belong to a flow whose first one was looked at: no set look-up for those.
            "ct state established,related accept",
            "iifname != @bridges oifname != @bridges accept",
            "iifname . oifname @icc_pairs accept",
            "iifname @internal drop",
            "oifname @internal drop",
            // Into a network: published ports, where somebody knocked at the host's address; on the container's
            // own address from trusted links and in routed networks, to which ICMP comes as well.
            "oifname @bridges ct status dnat ip daddr . meta l4proto . th dport @open4 accept",
            "oifname @bridges ct status dnat ip6 daddr . meta l4proto . th dport @open6 accept",
            "iifname . oifname @trusted ip daddr . meta l4proto . th dport @open4 accept",
            "iifname . oifname @trusted ip6 daddr . meta l4proto . th dport @open6 accept",
            "oifname @routed4 ip daddr . meta l4proto . th dport @open4 accept",
            "oifname @routed6 ip6 daddr . meta l4proto . th dport @open6 accept",
            "oifname @routed4 ip protocol 1 accept",
            "oifname @routed6 meta l4proto 58 accept",
            "oifname @unprotected4 meta nfproto ipv4 accept",
            "oifname @unprotected6 meta nfproto ipv6 accept",
            "oifname @bridges drop",
            // Only viaduct to elsewhere is left. The engine's own bridges are isolated from viaduct's, as from one
            // another, but for ports that the engine publishes.
            "ct status dnat accept",
            "oifname @engine_bridges ct state new drop",
        }},
    ChainDescription{
        "postrouting",
        "type nat hook postrouting priority srcnat",
        {
            // What the host says to its own gateway address, and what stays among containers, keeps its source.
            "oifname \"lo\" accept",
            // To a published port from where the answer would not come back by the host: from its own loopback,
            // from containers, whose answers would go past the translation, and from link-local addresses.
            "oifname @bridges ip saddr 127.0.0.0/8 masquerade",
            // (By their subnets: where bridged packets pass through here, the link they came in by is not told.)
            "oifname @bridges ct status dnat ip saddr @subnets4 masquerade",
            "oifname @bridges ct status dnat ip6 saddr @subnets6 masquerade",
            "oifname @bridges iifname @engine_bridges ct status dnat masquerade",
            "oifname @bridges ip6 saddr fe80::/10 ct status dnat masquerade",
            "oifname @bridges accept",
            "ip daddr != { 224.0.0.0/4, 255.255.255.255 } snat ip to ip saddr map @sources4",
            "ip6 daddr != ff00::/8 snat ip6 to ip6 saddr map @sources6",
            "ip saddr @masquerade4 ip daddr != { 224.0.0.0/4, 255.255.255.255 } masquerade",
            "ip6 saddr @masquerade6 ip6 daddr != ff00::/8 masquerade",
        }},
};

// What comes out of a guarded port: with the endpoint's MAC, and ARP, IPv4 and IPv6 of its addresses alone, an advertisement for
// one of them only (the target stands 8 bytes into the message, RFC 4861, 4.4); besides these what one sends who has no address
// yet: ARP probes, DHCP, and duplicate address detection.
const ChainDescription kSenders{
    "senders",
    "type filter hook prerouting priority -300",
    {
        "iifname != @guarded accept",
        "iifname . ether saddr != @guard_macs drop",
        "ether type arp arp saddr ip 0.0.0.0 accept",
        "ether type arp iifname . arp saddr ether . arp saddr ip @guard4 accept",
        "ether type ip iifname . ether saddr . ip saddr @guard4 accept",
        "ether type ip ip saddr 0.0.0.0 udp dport 67 accept",
        "ether type ip6 icmpv6 type nd-neighbor-advert iifname . ether saddr . @th,64,128 != "
        "@guard_targets drop",
        "ether type ip6 iifname . ether saddr . ip6 saddr @guard6 accept",
        "ether type ip6 ip6 saddr :: accept",
        "drop",
    }};

std::string chain_text(const ChainDescription& chain) {
  std::string text = fmt::format("  chain {} {{\n", chain.name);
  if (!chain.hook.empty()) text += fmt::format("    {}; policy accept;\n", chain.hook);
  for (const std::string_view rule : chain.rules) text += fmt::format("    {}\n", rule);
  return text + "  }\n";
}

std::string sets_text(std::string_view table) {
  std::string text;
  for (const SetDescription& set : kSets)
    if (set.table == table) text += fmt::format("  {} {} {{ {}; }}\n", kind_of(set), set.name, set.type);
  return text;
}

// One command for the elements of `some` that are not in `others`; empty if there are none.
std::string element_command(std::string_view verb, const SetDescription& set,
                            const std::set<std::string>& some, const std::set<std::string>& others) {
  std::string elements;
  for (const std::string& element : some) {
    if (others.contains(element)) continue;
    elements += (elements.empty() ? "" : ", ") + element;
  }
  return elements.empty() ? std::string()
                          : fmt::format("{} element {} {} {{ {} }}\n", verb, set.table, set.name, elements);
}

}  // namespace

std::set<std::string>* elements_of_set(TableSets& sets, std::string_view name) {
  for (const SetDescription& set : kSets)
    if (set.name == name) return &(sets.*set.elements);
  return nullptr;
}

std::vector<std::string> names_of_sets() {
  std::vector<std::string> names;
  for (const SetDescription& set : kSets) names.emplace_back(set.name);
  return names;
}

bool is_link_name(std::string_view name, size_t part) {
  const auto set = std::find_if(kSets.begin(), kSets.end(),
                                [name](const SetDescription& known) { return known.name == name; });
  if (set == kSets.end() ||
      !(set->type.starts_with("type ifname") || set->type.starts_with("typeof iifname")))
    return false;
  return part == 0 || (part == 1 && set->type == kPairs);
}

std::map<std::string, size_t> rule_counts(const TableSets& sets) {
  std::map<std::string, size_t> counts;
  for (const ChainDescription& chain : kChains) counts[std::string(chain.name)] = chain.rules.size();
  if (!sets.guarded.empty()) counts[std::string(kSenders.name)] = kSenders.rules.size();
  return counts;
}

bool is_engine_bridge(std::string_view name) {
  constexpr std::string_view kPrefix = "br-";
  constexpr size_t kDigits = 12;
  if (name == "docker0" || name == "docker_gwbridge") return true;
  return name.size() == kPrefix.size() + kDigits && name.starts_with(kPrefix) &&
         name.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string_view::npos;
}

std::string no_table(GuardTable guard) {
  std::string text = fmt::format("add table {0}\ndelete table {0}\n", kTable);
  if (guard == GuardTable::kPresent) text += fmt::format("delete table {}\n", kGuardTable);
  return text;
}

std::string whole_table(const TableSets& sets, GuardTable guard) {
  std::string text = no_table(guard) + fmt::format("table {} {{\n", kTable) + sets_text(kTable);
  for (const ChainDescription& chain : kChains) text += chain_text(chain);
  text += "}\n";
  if (!sets.guarded.empty())
    text += fmt::format("table {} {{\n", kGuardTable) + sets_text(kGuardTable) + chain_text(kSenders) + "}\n";
  return text + difference(TableSets{}, sets);
}

std::string difference(const TableSets& from, const TableSets& to) {
  std::string text;
  // Deletions first: a wider prefix may take the place of narrower ones.
  for (const SetDescription& set : kSets) {
    text += element_command("delete", set, from.*set.elements, to.*set.elements);
  }
  for (const SetDescription& set : kSets) {
    text += element_command("add", set, to.*set.elements, from.*set.elements);
  }
  return text;
}

std::string accept_match(const std::string& in, const std::string& out) {
  std::string text;
  if (!in.empty()) text = fmt::format("iifname \"{}\"", in);
  if (!out.empty()) text += fmt::format("{}oifname \"{}\"", text.empty() ? "" : " ", out);
  return text;
}

std::set<std::string> accept_matches(const RulesByBridge& networks) {
  const std::string own = std::string(kOwnPrefix) + "*";
  std::set<std::string> matches;
  const auto both_ways = [&](const std::string& pattern) {
    matches.insert(accept_match(pattern, ""));
    matches.insert(accept_match("", pattern));
  };
  for (const auto& [bridge, network] : networks) {
    if (network.reach == Reach::kOthers) {
      matches.insert(accept_match(bridge, bridge));
      continue;
    }
    if (!network.further.empty()) both_ways(own);
    both_ways(bridge.starts_with(kOwnPrefix) ? own : bridge);
  }
  return matches;
}

}  // namespace viaduct::net
