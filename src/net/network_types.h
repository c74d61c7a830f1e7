#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"

// Values that enter and leave the network half. No JSON and no HTTP here; server/wire translates.
namespace viaduct::net {

using Options = std::map<std::string, std::string>;

// What the gateway of a network does for one family (com.docker.network.bridge.gateway_mode_*).
enum class GatewayMode {
  kNat,             // published ports by DNAT, the way out by masquerade; nothing else comes in
  kNatUnprotected,  // the same, and whoever routes to a container's address reaches all of its ports
  kRouted,          // no translation; published ports are open on the container's own address
  kIsolated,        // the bridge has no address: the host, too, is outside
};

// One subnet of a network (IPAMData of the engine).
struct IpamData {
  std::string space;
  std::optional<Prefix> pool;  // 0.0.0.0/0 with --ipam-driver null
  std::optional<InterfaceAddress> gateway;
  std::map<std::string, InterfaceAddress> auxiliary;
  bool operator==(const IpamData&) const = default;
};

struct CreateNetworkRequest {
  std::string id;   // 64 hex digits, or 25 of base 36 from Swarm
  Options options;  // com.docker.network.generic: the user's -o
  bool internal = false;
  std::vector<IpamData> ipv4;
  std::vector<IpamData> ipv6;
  bool operator==(const CreateNetworkRequest&) const = default;
};

enum class Protocol : uint8_t { kIcmp = 1, kTcp = 6, kUdp = 17, kSctp = 132 };

struct PortBinding {
  Protocol protocol = Protocol::kTcp;
  uint16_t port = 0;
  std::string host_ip;
  uint16_t host_port = 0;      // 0: any
  uint16_t host_port_end = 0;  // 0: none but host_port
  auto operator<=>(const PortBinding&) const = default;
};

// A port of a container that is open to others. All of one family.
struct PublishedPort {
  Protocol protocol = Protocol::kTcp;  // TCP, UDP or SCTP
  IpAddress container;
  uint16_t port = 0;
  // Where the host takes connections for it: an address of its own, or the unspecified one for all of them. Without host port
  // nothing is translated: the port is open on the container's address alone.
  IpAddress host;
  uint16_t host_port = 0;
  auto operator<=>(const PublishedPort&) const = default;
};
// "tcp", "udp", "sctp", "icmp".
std::string_view to_string(Protocol protocol);
// "0.0.0.0:8080/tcp", "[::1]:53/udp".
std::string host_side(const PublishedPort& port);

struct CreateEndpointRequest {
  std::string network_id;
  std::string endpoint_id;
  std::optional<InterfaceAddress> ipv4;
  std::optional<InterfaceAddress> ipv6;
  std::optional<Mac> mac;
  Options driver_options;  // --driver-opt: top-level string members of the engine's Options
  bool operator==(const CreateEndpointRequest&) const = default;
};

// Only what the request left open: the engine refuses a member that it gave itself, even the same (trap T9).
struct CreateEndpointReply {
  std::optional<Mac> mac;
  std::optional<InterfaceAddress> ipv6 = {};
};

struct JoinRequest {
  std::string network_id;
  std::string endpoint_id;
  std::string sandbox_key;
};

// A route of a container beside those of its subnets and its gateway.
struct StaticRoute {
  Prefix destination;
  std::optional<IpAddress> next_hop;  // empty: whoever has the address is on the network itself
  bool operator==(const StaticRoute&) const = default;
};

struct JoinReply {
  std::string source_name;         // the link that the engine moves into the sandbox
  std::string destination_prefix;  // never empty (trap T11)
  std::optional<IpAddress> gateway;
  std::optional<IpAddress> gateway_ipv6;
  std::string destination_name = {};  // the whole name that was asked for; empty if none was
  std::vector<StaticRoute> routes = {};
};

struct ExternalConnectivityRequest {
  std::string network_id;
  std::string endpoint_id;
  std::vector<PortBinding> ports;
};

// Who of this half uses an address.
struct AddressUser {
  std::string what;  // words for people: "endpoint 3f2a… of network 9c1b…", "gateway of network 9c1b…"
  std::optional<Mac> mac;  // of the endpoint; a gateway has none
};

// GwAllocCheck (engine 28.0 and newer): what of a network is known before it has addresses, and what it does not need.
struct GatewayQuestion {
  Options options;
  bool internal = false;
};
struct GatewayNeed {
  bool skip_ipv4 = false;
  bool skip_ipv6 = false;
};

}  // namespace viaduct::net
