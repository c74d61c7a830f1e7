#include <fmt/format.h>

#include <array>
#include <optional>

#include "net/link_types.h"
#include "net/nft_ruleset.h"

// From rules to the elements of the table's sets and maps.
namespace viaduct::net {

namespace {

std::string quoted(const std::string& name) {
  return fmt::format("\"{}\"", name);
}

// As nft lists it: a host without its length.
std::string element_of(const Prefix& prefix) {
  return prefix.host_bits() == 0 ? prefix.first().to_string() : prefix.to_string();
}

void add_gateway_modes(TableSets& sets, const NetworkRules& network) {
  const std::string name = quoted(network.bridge);
  if (network.gateway_mode_ipv4 == GatewayMode::kRouted) sets.routed4.insert(name);
  if (network.gateway_mode_ipv6 == GatewayMode::kRouted) sets.routed6.insert(name);
  if (network.gateway_mode_ipv4 == GatewayMode::kNatUnprotected) sets.unprotected4.insert(name);
  if (network.gateway_mode_ipv6 == GatewayMode::kNatUnprotected) sets.unprotected6.insert(name);
}

// An interval set takes each address once: of two prefixes, disjoint or one within the other, the wider comes first.
void add_widest(std::set<std::string>& four, std::set<std::string>& six, const std::set<Prefix>& prefixes) {
  std::optional<Prefix> widest;
  for (const Prefix& prefix : prefixes) {
    if (widest && widest->contains(prefix)) continue;
    widest = prefix;
    (prefix.family() == Family::kIpv4 ? four : six).insert(element_of(prefix));
  }
}

bool is_unspecified(const IpAddress& address) {
  return address.value() == 0;
}

void add_sender(TableSets& sets, const SenderRule& sender) {
  const std::string who = fmt::format("{} . {}", quoted(sender.link), sender.mac.to_string());
  sets.guarded.insert(quoted(sender.link));
  sets.guard_macs.insert(who);
  std::vector<IpAddress> addresses = sender.addresses;
  // The link-local address that the kernel makes of the MAC (RFC 4291, appendix A).
  addresses.push_back(sender.mac.link_local());
  for (const IpAddress& address : addresses) {
    if (address.family() == Family::kIpv4) {
      sets.guard4.insert(fmt::format("{} . {}", who, address.to_string()));
      continue;
    }
    sets.guard6.insert(fmt::format("{} . {}", who, address.to_string()));
    std::string target;
    for (const uint8_t byte : address.bytes()) target += fmt::format("{:02x}", byte);
    sets.guard_targets.insert(fmt::format("{} . 0x{}", who, target));
  }
}

}  // namespace

Status check_rules(const NetworkRules& network) {
  TRY(check_link_name(network.bridge));
  for (const std::string& link : network.trusted) TRY(check_link_name(link));
  for (const std::string& link : network.further) TRY(check_link_name(link));
  for (const std::string& link : network.uplinks) TRY(check_link_name(link));
  for (const Prefix& prefix : network.masquerade) {
    if (prefix.length() > 0) continue;
    return invalid_argument(fmt::format("bridge {} cannot masquerade {}; name the network's subnet",
                                        network.bridge, prefix.to_string()));
  }
  for (const SourceRule& source : network.sources) {
    if (source.sources.length() > 0 && source.sources.family() == source.host.family()) continue;
    return invalid_argument(fmt::format(
        "bridge {} cannot hide {} behind {}; name the network's subnet and an address of its family",
        network.bridge, source.sources.to_string(), source.host.to_string()));
  }
  return {};
}

Status check_rules(const EndpointRules& endpoint) {
  for (const PublishedPort& rule : endpoint.ports) {
    const bool carries_ports = rule.protocol == Protocol::kTcp || rule.protocol == Protocol::kUdp ||
                               rule.protocol == Protocol::kSctp;
    if (carries_ports && rule.port != 0 && rule.host.family() == rule.container.family()) continue;
    return invalid_argument(fmt::format(
        "port {} of {} cannot be opened at {}; name a TCP, UDP or SCTP port and addresses of one family",
        rule.port, rule.container.to_string(), rule.host.to_string()));
  }
  if (endpoint.sender) TRY(check_link_name(endpoint.sender->link));
  return {};
}

TableSets sets_of(const RulesByBridge& networks, const std::set<std::string>& engine_bridges) {
  TableSets sets;
  for (const std::string& name : engine_bridges) sets.engine_bridges.insert(quoted(name));
  std::set<Prefix> sources;
  std::set<Prefix> subnets;
  for (const auto& [bridge, network] : networks) {
    std::string name = quoted(bridge);
    if (network.reach == Reach::kOthers) continue;
    sets.bridges.insert(name);
    if (network.reach == Reach::kBridged) {
      sets.apart.insert(name);
      sets.quiet.insert(name);
    }
    for (const std::string& uplink : network.uplinks) sets.quiet.insert(quoted(uplink));
    if (network.inter_container == InterContainer::kAllowed) sets.icc_pairs.insert(name + " . " + name);
    for (const std::string& further : network.further) {
      const std::string other = quoted(further);
      sets.bridges.insert(other);
      sets.further.insert(other);
      // Who may speak to whom there is a matter of port isolation: the way to the gateway leads through it.
      sets.icc_pairs.insert(other + " . " + other);
      if (network.reach == Reach::kInternal) sets.internal.insert(other);
    }
    if (network.reach == Reach::kInternal || network.reach == Reach::kBridged) {
      sets.internal.insert(name);
      continue;
    }
    sources.insert(network.masquerade.begin(), network.masquerade.end());
    subnets.insert(network.subnets.begin(), network.subnets.end());
    for (const SourceRule& source : network.sources)
      (source.host.family() == Family::kIpv4 ? sets.sources4 : sets.sources6)
          .insert(fmt::format("{} : {}", element_of(source.sources), source.host.to_string()));
    for (const std::string& link : network.trusted) sets.trusted.insert(quoted(link) + " . " + name);
    add_gateway_modes(sets, network);
  }
  add_widest(sets.masquerade4, sets.masquerade6, sources);
  add_widest(sets.subnets4, sets.subnets6, subnets);
  return sets;
}

void add_elements(TableSets& sets, const EndpointRules& endpoint) {
  if (endpoint.sender) add_sender(sets, *endpoint.sender);
  for (const PublishedPort& rule : endpoint.ports) {
    const bool four = rule.container.family() == Family::kIpv4;
    const int protocol = static_cast<int>(rule.protocol);
    const std::string container = rule.container.to_string();
    (four ? sets.open4 : sets.open6).insert(fmt::format("{} . {} . {}", container, protocol, rule.port));
    if (rule.host_port == 0) continue;
    const std::string target = fmt::format("{} . {}", container, rule.port);
    if (is_unspecified(rule.host))
      (four ? sets.any4 : sets.any6).insert(fmt::format("{} . {} : {}", protocol, rule.host_port, target));
    else
      (four ? sets.ports4 : sets.ports6)
          .insert(fmt::format("{} . {} . {} : {}", rule.host.to_string(), protocol, rule.host_port, target));
  }
}

TableSets sets_of(const RuleSet& rules, const std::set<std::string>& engine_bridges) {
  TableSets sets = sets_of(rules.networks, engine_bridges);
  for (const auto& [id, endpoint] : rules.endpoints) add_elements(sets, endpoint);
  return sets;
}

}  // namespace viaduct::net
