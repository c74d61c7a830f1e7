#include "net/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "net/option_values.h"
#include "net/subnets.h"

namespace viaduct::net {

namespace {

constexpr std::string_view kOwnPrefix = "viaduct.";
constexpr std::string_view kEnginePrefix = "com.docker.network.";
// The longest hostile option must not cost quadratic time.
constexpr size_t kLongestOption = 256;

// One option: viaduct's word for it, Docker's label (empty if it has none), and what its value means.
struct Known {
  std::string_view word;
  std::string_view label;
  Status (*read)(const std::string& key, const std::string& value, BridgeOptions& out);
};

// Reads a value with `reader` into one member.
template <auto Reader, auto Member>
Status into(const std::string& key, const std::string& value, BridgeOptions& out) {
  out.*Member = TRY(Reader(key, value));
  return {};
}

Status mode(const std::string&, const std::string& value, BridgeOptions& out) {
  out.mode = value;
  return {};
}

Status inter_container(const std::string& key, const std::string& value, BridgeOptions& out) {
  out.inter_container = TRY(read_bool(key, value)) ? InterContainer::kAllowed : InterContainer::kDenied;
  return {};
}

Status masquerade(const std::string& key, const std::string& value, BridgeOptions& out) {
  out.masquerade = TRY(read_bool(key, value)) ? Masquerade::kOn : Masquerade::kOff;
  return {};
}

template <auto Member>
Status address_into(const std::string& key, const std::string& value, BridgeOptions& out) {
  constexpr Family kFamily = Member == &BridgeOptions::host_ipv6 ? Family::kIpv6 : Family::kIpv4;
  out.*Member = TRY(read_address(key, value, kFamily));
  return {};
}

template <auto Reader, auto Member>
Status into_rates(const std::string& key, const std::string& value, BridgeOptions& out) {
  out.rates.*Member = TRY(Reader(key, value));
  return {};
}

constexpr std::array kOffered = {
    Known{"mode", "", mode},
    Known{"mtu", "com.docker.network.driver.mtu", into<read_mtu, &BridgeOptions::mtu>},
    Known{"icc", "com.docker.network.bridge.enable_icc", inter_container},
    Known{"masquerade", "com.docker.network.bridge.enable_ip_masquerade", masquerade},
    Known{"iface_prefix", "com.docker.network.container_iface_prefix",
          into<read_interface_prefix, &BridgeOptions::interface_prefix>},
    Known{"gateway_mode_ipv4", "com.docker.network.bridge.gateway_mode_ipv4",
          into<read_gateway_mode, &BridgeOptions::gateway_mode_ipv4>},
    Known{"gateway_mode_ipv6", "com.docker.network.bridge.gateway_mode_ipv6",
          into<read_gateway_mode, &BridgeOptions::gateway_mode_ipv6>},
    Known{"bridge", "com.docker.network.bridge.name", into<read_link_name, &BridgeOptions::bridge>},
    Known{"inhibit_ipv4", "com.docker.network.bridge.inhibit_ipv4",
          into<read_bool, &BridgeOptions::inhibit_ipv4>},
    Known{"host_binding_ipv4", "com.docker.network.bridge.host_binding_ipv4",
          address_into<&BridgeOptions::host_binding_ipv4>},
    Known{"host_ipv4", "com.docker.network.host_ipv4", address_into<&BridgeOptions::host_ipv4>},
    Known{"host_ipv6", "com.docker.network.host_ipv6", address_into<&BridgeOptions::host_ipv6>},
    Known{"trusted_host_interfaces", "com.docker.network.bridge.trusted_host_interfaces",
          into<read_link_names, &BridgeOptions::trusted_host_interfaces>},
    Known{"isolate", "", into<read_bool, &BridgeOptions::isolate>},
    Known{"antispoof", "", into<read_bool, &BridgeOptions::antispoof>},
    Known{"route", "", into<read_routes, &BridgeOptions::routes>},
    Known{"rate_in", "", into_rates<read_rate, &Rates::in>},
    Known{"rate_out", "", into_rates<read_rate, &Rates::out>},
    Known{"rate_burst", "", into_rates<read_burst, &Rates::burst>},
    Known{"mcast_snooping", "", into<read_bool, &BridgeOptions::mcast_snooping>},
    Known{"mcast_querier", "", into<read_bool, &BridgeOptions::mcast_querier>},
    Known{"mac", "", into<read_mac_policy, &BridgeOptions::mac_policy>},
};

// What Docker's bridge driver offers (daemon/libnetwork/drivers/bridge/labels.go, netlabel/labels.go) and
// viaduct does not.
constexpr std::array<std::string_view, 1> kNotOffered = {
    "com.docker.network.bridge.default_bridge",
};

// What the engine itself reads of a network's options, or mixes into them for every driver (netlabel/labels.go). Means
// nothing to viaduct.
constexpr std::array<std::string_view, 9> kOfTheEngine = {
    "com.docker.network.generic",
    "com.docker.network.internal",
    "com.docker.network.gateway",
    "com.docker.network.enable_ipv4",
    "com.docker.network.enable_ipv6",
    "com.docker.network.advertise_addr_nmsgs",
    "com.docker.network.advertise_addr_ms",
    "com.docker.network.ipam.serial",
    "com.docker.network.driver.overlay.vxlanid_list",
};

bool is_among(const auto& labels, std::string_view key) {
  return std::find(labels.begin(), labels.end(), key) != labels.end();
}

std::vector<std::string_view> known_names(std::string_view like) {
  std::vector<std::string_view> names;
  const bool label = like.starts_with(kEnginePrefix);
  for (const Known& known : kOffered)
    if (!label || !known.label.empty()) names.push_back(label ? known.label : known.word);
  if (label) names.insert(names.end(), kNotOffered.begin(), kNotOffered.end());
  return names;
}

Error unknown_option(std::string_view key) {
  const bool own = key.starts_with(kOwnPrefix);
  const std::string_view word = own ? key.substr(kOwnPrefix.size()) : key;
  return invalid_argument(fmt::format("option {} is not known; the nearest known one is {}{}", shown(key),
                                      own ? kOwnPrefix : "", nearest_word(word, known_names(word))));
}

// The offered option that the key, as it was given, names; null for a label of the engine's that means nothing here.
Result<const Known*> option_of(std::string_view key) {
  if (key.size() > kLongestOption)
    return invalid_argument(fmt::format(
        "an option's name has {} characters; none that viaduct knows is longer than 60", key.size()));
  const std::string_view bare = key.starts_with(kOwnPrefix) ? key.substr(kOwnPrefix.size()) : key;
  for (const Known& known : kOffered)
    if (bare == known.word || (!known.label.empty() && key == known.label)) return &known;
  if (is_among(kNotOffered, key))
    return unsupported(fmt::format(
        "option {} is one of the engine's bridge driver that viaduct does not offer; leave it out", key));
  if (is_among(kOfTheEngine, key)) return static_cast<const Known*>(nullptr);
  return unknown_option(key);
}

// One option under two of its names must say one thing. Compared as meant, so that "1" and "true" agree.
bool same_meaning(const Known& option, const std::string& a, const std::string& b) {
  BridgeOptions one;
  BridgeOptions other;
  return option.read("", a, one).ok() && option.read("", b, other).ok() && one == other;
}

}  // namespace

Result<BridgeOptions> read_bridge_options(const Options& options) {
  BridgeOptions out;
  std::map<std::string_view, std::string> said;  // word to the key that said it
  for (const auto& [key, value] : options) {
    const Known* option = TRY(option_of(key));
    if (option == nullptr) continue;
    TRY(option->read(key, value, out));
    const auto [first, fresh] = said.emplace(option->word, key);
    if (!fresh && !same_meaning(*option, options.at(first->second), value))
      return invalid_argument(fmt::format("options {}={} and {}={} contradict each other; give one of them",
                                          first->second, shown(options.at(first->second)), key,
                                          shown(value)));
  }
  return out;
}

BridgeOptions understood_options(const Options& options) {
  BridgeOptions out;
  for (const auto& [key, value] : options) {
    const auto option = option_of(key);
    if (option.ok() && option.value() != nullptr) static_cast<void>(option.value()->read(key, value, out));
  }
  return out;
}

Result<std::string> read_mode(const Options& options) {
  const auto plain = options.find("mode");
  const auto prefixed = options.find("viaduct.mode");
  if (plain != options.end() && prefixed != options.end() && plain->second != prefixed->second)
    return invalid_argument(
        fmt::format("options mode={} and viaduct.mode={} contradict each other; give one of them",
                    shown(plain->second), shown(prefixed->second)));
  if (plain != options.end()) return plain->second;
  if (prefixed != options.end()) return prefixed->second;
  return BridgeOptions().mode;
}

Status check_routes(const std::vector<StaticRoute>& routes, const CreateNetworkRequest& network) {
  const auto subnets = subnets_of(network);
  const auto refused = [](const StaticRoute& route, std::string why) {
    return invalid_argument(fmt::format("route {}: {}", to_string(route), why));
  };
  for (const StaticRoute& route : routes) {
    const Family family = route.destination.family();
    if (std::none_of(subnets.begin(), subnets.end(),
                     [&](const Subnet& subnet) { return subnet.prefix.family() == family; }))
      return refused(route, fmt::format("the network has no {} subnet; give it one, or leave the route out",
                                        family == Family::kIpv4 ? "IPv4" : "IPv6"));
    if (route.next_hop && subnet_of(subnets, *route.next_hop) == nullptr)
      return refused(route, fmt::format("its next hop lies outside the network's subnets; give an address "
                                        "within one"));
  }
  return {};
}

}  // namespace viaduct::net
