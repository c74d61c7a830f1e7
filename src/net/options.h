#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/firewall.h"
#include "net/link_types.h"
#include "net/network_types.h"

// The options a user gives with -o. viaduct's own are short words, also accepted as "viaduct.WORD"; Docker's
// labels keep the meaning that its bridge driver gives them, so that a compose file moves over by changing
// the driver's name.
namespace viaduct::net {

// ETH_MIN_MTU, ETH_MAX_MTU (linux/if_ether.h): what bridge and veth accept. IPv6 needs 1280 (RFC 8200,
// section 5).
inline constexpr int kLeastMtu = 68;
inline constexpr int kLeastIpv6Mtu = 1280;
inline constexpr int kMostMtu = 65535;

enum class Masquerade { kOn, kOff };

// Where an endpoint's MAC comes from when the engine left it open.
enum class MacPolicy {
  kAddress,  // of its IPv4 address
  kRandom,
  kName,  // of its name, where that is known; of its address otherwise
};

// Limits of what an endpoint sends and gets; what is left open has none.
struct Rates {
  std::optional<uint64_t> in;     // towards the container, bytes a second
  std::optional<uint64_t> out;    // from it
  std::optional<uint32_t> burst;  // bytes that may go at once
  bool operator==(const Rates&) const = default;
};

// The value of `mode` for networks that stand on a LAN or VLAN.
inline constexpr std::string_view kVlanMode = "vlan";

// What the options of a network say; what they leave open has Docker's default.
struct NetworkOptions {
  std::string mode = "bridge";
  std::optional<int> mtu;
  InterContainer inter_container = InterContainer::kAllowed;
  Masquerade masquerade = Masquerade::kOn;
  std::string interface_prefix = "eth";  // of the link's name in the container
  GatewayMode gateway_mode_ipv4 = GatewayMode::kNat;
  GatewayMode gateway_mode_ipv6 = GatewayMode::kNat;
  std::string bridge;                          // its name, empty for one of viaduct's choice
  bool inhibit_ipv4 = false;                   // the bridge gets no IPv4 address
  std::optional<IpAddress> host_binding_ipv4;  // where ports without host address are published
  std::optional<IpAddress> host_ipv4;          // the source of what leaves, instead of the way out's
  std::optional<IpAddress> host_ipv6;
  std::vector<std::string> trusted_host_interfaces;
  bool isolate = false;                // its endpoints reach the host and beyond, and not one another
  bool antispoof = false;              // an endpoint sends with its own MAC and addresses only
  std::vector<StaticRoute> routes;     // of every container
  Rates rates;                         // of each endpoint by itself
  std::optional<bool> mcast_snooping;  // the kernel's own choice when empty
  std::optional<bool> mcast_querier;
  MacPolicy mac_policy = MacPolicy::kAddress;
  // Of mode=vlan.
  std::string parent;
  std::optional<uint16_t> vlan;  // empty: what is untagged
  std::optional<TagProtocol> vlan_protocol;
  std::optional<bool> vlan_aware;
  bool host_access = false;
  std::optional<Prefix>
      ipv6_prefix;  // endpoints without an IPv6 address get one of it, made of their IPv4 address
  std::optional<VlanSet> trunk;    // VLANs that endpoints get tagged
  std::optional<uint16_t> native;  // the one that they get untagged, 0 for none; empty for the network's own
  bool operator==(const NetworkOptions&) const = default;
};

// Labels of the engine's own (com.docker.network.enable_ipv6, …), which it mixes in, are passed over (trap T24); they
// are a list, and any other label is unknown. Errors: kInvalidArgument: an unknown option (naming the nearest known
// one), a value that is none, or one option said twice with two values; kUnsupported: an option of the engine's bridge
// driver that viaduct does not offer.
// An option that means nothing to the network's mode is kInvalidArgument as well.
Result<NetworkOptions> read_network_options(const Options& options);

// The same of options that were accepted once, perhaps by a viaduct that knew others: what is not understood is passed
// over.
NetworkOptions understood_network_options(const Options& options);

// The value of `mode` or `viaduct.mode`, "bridge" without it. Errors: kInvalidArgument, when the two differ.
Result<std::string> read_mode(const Options& options);

// Errors: kInvalidArgument, naming the option: a route over a family that the network does not have, or by a next hop
// outside its subnets.
Status check_routes(const std::vector<StaticRoute>& routes, const CreateNetworkRequest& network);

// The word of `known` with the fewest edits (insert, remove, replace one character) to `word`; the first of
// equals. Precondition: known is not empty.
std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& known);
// That number of edits.
size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace viaduct::net
