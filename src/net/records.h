#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/json_text.h"
#include "net/network_types.h"
#include "net/segment.h"

// What the network half keeps in the store, and its form there (JSON objects; docs/state.md shows them to
// operators).
namespace viaduct::net {

// The number of a network's first bridge, which has its addresses; further ones (spread.h) count on from it.
inline constexpr int kFirstBridge = 1;

// A bridge that a network has beside its first one, joined to it by a pair of links (link_names.h, joint_names()).
struct FurtherBridge {
  int number = 0;    // the endpoints' word for it: a clash may move the name
  std::string name;  // of the link
  Mac mac;
};

// Table network, key = id. Holds the request and what was decided for it; the plan is made from it anew each
// time.
struct NetworkRecord {
  CreateNetworkRequest request;
  std::string mode;    // the kind: "bridge", "vlan"
  std::string bridge;  // the link's name: a clash may have moved it
  Mac bridge_mac;
  int mtu = 1500;
  std::string since;  // RFC 3339
  // The bridge is somebody else's: it gets ports of viaduct's, and nothing of it is made, changed or removed.
  bool adopted = false;
  // The engine has named it since it was made: it has written it down. False only while nothing did.
  bool confirmed = true;
  std::vector<FurtherBridge> further = {};  // by number
  std::optional<Segment> segment = {};      // of mode "vlan"
};

// Table endpoint, key = "<network id>/<endpoint id>".
struct EndpointRecord {
  CreateEndpointRequest request;
  Mac mac;                // the one given, or the one made
  std::string host_link;  // names may have been moved by a clash
  std::string peer_link;
  // Made of its IPv4 address, where the engine gave it no IPv6 one and the network has ipv6_prefix=. Nobody allocates it.
  std::optional<InterfaceAddress> derived_ipv6 = {};
  int bridge = kFirstBridge;         // the number of the one that it is a port of
  std::string sandbox_key;           // empty until joined
  std::vector<PublishedPort> ports;  // while it is its container's way to the outside
  std::string boot_id;               // of the boot in which the links were made
  std::string since;
};

// All addresses that the endpoint's container has.
std::vector<InterfaceAddress> all_addresses_of(const EndpointRecord& endpoint);

std::string endpoint_key(const std::string& network_id, const std::string& endpoint_id);

// {"protocol", "container", "port", "host", "host_port"}; the last two only where something is translated.
Json to_json(const PublishedPort& port);
Json to_json(const NetworkRecord& record);
ObjectText to_text(const EndpointRecord& record);
// Errors: kCorrupt, naming key and member.
Result<NetworkRecord> network_from_json(const std::string& key, const std::string& value);
Result<EndpointRecord> endpoint_from_json(const std::string& key, const std::string& value);

}  // namespace viaduct::net
