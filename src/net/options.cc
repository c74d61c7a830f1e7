#include "net/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "net/option_table.h"
#include "net/option_values.h"
#include "net/subnets.h"

namespace viaduct::net {

namespace {

constexpr std::string_view kOwnPrefix = "viaduct.";
constexpr std::string_view kEnginePrefix = "com.docker.network.";
// The longest hostile option must not cost quadratic time.
constexpr size_t kLongestOption = 256;

// Which kinds of network an option means something to.
enum class Kinds { kAll, kBridge, kVlan };

struct Known : KnownOption<NetworkOptions> {
  Kinds kinds = Kinds::kAll;
};

Status mode(const std::string&, const std::string& value, NetworkOptions& out) {
  out.mode = value;
  return {};
}

Status inter_container(const std::string& key, const std::string& value, NetworkOptions& out) {
  out.inter_container = TRY(read_bool(key, value)) ? InterContainer::kAllowed : InterContainer::kDenied;
  return {};
}

Status masquerade(const std::string& key, const std::string& value, NetworkOptions& out) {
  out.masquerade = TRY(read_bool(key, value)) ? Masquerade::kOn : Masquerade::kOff;
  return {};
}

template <auto Member>
Status address_into(const std::string& key, const std::string& value, NetworkOptions& out) {
  constexpr Family kFamily = Member == &NetworkOptions::host_ipv6 ? Family::kIpv6 : Family::kIpv4;
  out.*Member = TRY(read_address(key, value, kFamily));
  return {};
}

template <auto Reader, auto Member>
constexpr auto kInto = into<NetworkOptions, Reader, Member>;
template <auto Reader, auto Member>
constexpr auto kIntoRates = into<NetworkOptions, Reader, &NetworkOptions::rates, Member>;

constexpr std::array kOffered = {
    Known{{"mode", "", mode}},
    Known{{"mtu", "com.docker.network.driver.mtu", kInto<read_mtu, &NetworkOptions::mtu>}},
    Known{{"icc", "com.docker.network.bridge.enable_icc", inter_container}},
    Known{{"masquerade", "com.docker.network.bridge.enable_ip_masquerade", masquerade}, Kinds::kBridge},
    Known{{"iface_prefix", "com.docker.network.container_iface_prefix",
           kInto<read_interface_prefix, &NetworkOptions::interface_prefix>}},
    Known{{"gateway_mode_ipv4", "com.docker.network.bridge.gateway_mode_ipv4",
           kInto<read_gateway_mode, &NetworkOptions::gateway_mode_ipv4>},
          Kinds::kBridge},
    Known{{"gateway_mode_ipv6", "com.docker.network.bridge.gateway_mode_ipv6",
           kInto<read_gateway_mode, &NetworkOptions::gateway_mode_ipv6>},
          Kinds::kBridge},
    Known{{"bridge", "com.docker.network.bridge.name", kInto<read_link_name, &NetworkOptions::bridge>},
          Kinds::kBridge},
    Known{{"inhibit_ipv4", "com.docker.network.bridge.inhibit_ipv4",
           kInto<read_bool, &NetworkOptions::inhibit_ipv4>},
          Kinds::kBridge},
    Known{{"host_binding_ipv4", "com.docker.network.bridge.host_binding_ipv4",
           address_into<&NetworkOptions::host_binding_ipv4>},
          Kinds::kBridge},
    Known{{"host_ipv4", "com.docker.network.host_ipv4", address_into<&NetworkOptions::host_ipv4>},
          Kinds::kBridge},
    Known{{"host_ipv6", "com.docker.network.host_ipv6", address_into<&NetworkOptions::host_ipv6>},
          Kinds::kBridge},
    Known{{"trusted_host_interfaces", "com.docker.network.bridge.trusted_host_interfaces",
           kInto<read_link_names, &NetworkOptions::trusted_host_interfaces>},
          Kinds::kBridge},
    Known{{"isolate", "", kInto<read_bool, &NetworkOptions::isolate>}},
    Known{{"antispoof", "", kInto<read_bool, &NetworkOptions::antispoof>}},
    Known{{"route", "", kInto<read_routes, &NetworkOptions::routes>}},
    Known{{"rate_in", "", kIntoRates<read_rate, &Rates::in>}},
    Known{{"rate_out", "", kIntoRates<read_rate, &Rates::out>}},
    Known{{"rate_burst", "", kIntoRates<read_burst, &Rates::burst>}},
    Known{{"mcast_snooping", "", kInto<read_bool, &NetworkOptions::mcast_snooping>}, Kinds::kBridge},
    Known{{"mcast_querier", "", kInto<read_bool, &NetworkOptions::mcast_querier>}, Kinds::kBridge},
    Known{{"mac", "", kInto<read_mac_policy, &NetworkOptions::mac_policy>}},
    Known{{"parent", "", kInto<read_link_name, &NetworkOptions::parent>}, Kinds::kVlan},
    Known{{"vlan", "", kInto<read_vlan, &NetworkOptions::vlan>}, Kinds::kVlan},
    Known{{"vlan_proto", "", kInto<read_tag_protocol, &NetworkOptions::vlan_protocol>}, Kinds::kVlan},
    Known{{"vlan_aware", "", kInto<read_bool, &NetworkOptions::vlan_aware>}, Kinds::kVlan},
    Known{{"host_access", "", kInto<read_bool, &NetworkOptions::host_access>}, Kinds::kVlan},
    Known{{"ipv6_prefix", "", kInto<read_ipv6_prefix, &NetworkOptions::ipv6_prefix>}, Kinds::kVlan},
    Known{{"trunk", "", kInto<read_vlans, &NetworkOptions::trunk>}, Kinds::kVlan},
    Known{{"native", "", kInto<read_native_vlan, &NetworkOptions::native>}, Kinds::kVlan},
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
    if (known.is_named(bare, key)) return &known;
  if (is_among(kNotOffered, key))
    return unsupported(fmt::format(
        "option {} is one of the engine's bridge driver that viaduct does not offer; leave it out", key));
  if (is_among(kOfTheEngine, key)) return static_cast<const Known*>(nullptr);
  return unknown_option(key);
}

// As read_by_table() wants it; `mode` decides which of them mean something.
auto finder_for(std::string mode) {
  return [mode = std::move(mode)](const std::string& key) -> Result<const KnownOption<NetworkOptions>*> {
    const Known* known = TRY(option_of(key));
    const bool vlan = mode == kVlanMode;
    if (known != nullptr && known->kinds == Kinds::kVlan && !vlan)
      return invalid_argument(fmt::format("option {} is one of mode=vlan; add that, or leave it out", key));
    if (known != nullptr && known->kinds == Kinds::kBridge && vlan)
      return invalid_argument(fmt::format(
          "option {} means nothing with mode=vlan, where the LAN is outside already; leave it out", key));
    return static_cast<const KnownOption<NetworkOptions>*>(known);
  };
}

}  // namespace

Result<NetworkOptions> read_network_options(const Options& options) {
  return read_by_table<NetworkOptions>(options, finder_for(TRY(read_mode(options))), "option");
}

NetworkOptions understood_network_options(const Options& options) {
  const auto mode = read_mode(options);
  return understood_by_table<NetworkOptions>(options, finder_for(mode.ok() ? mode.value() : std::string()));
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
  return NetworkOptions().mode;
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
