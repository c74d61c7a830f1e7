#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"

// Values that enter and leave the IPAM half. No JSON and no HTTP here; server/wire translates.
namespace viaduct::ipam {

// The two spaces that the engine is told of (GetDefaultAddressSpaces). They must differ: from 27.0 on the
// engine skips its overlap check where the requested space equals the global one (LN/ipams/remote/remote.go).
inline constexpr const char* kLocalSpace = "local";
inline constexpr const char* kGlobalSpace = "global";

using Options = std::map<std::string, std::string>;

struct PoolRequest {
  std::string space;
  // Absent: viaduct chooses from its configured prefixes. An unspecified address with a length ("0.0.0.0/27",
  // "::/80") asks for an automatic pool of that length.
  std::optional<Prefix> pool;
  // Where automatic addresses come from; gateway, auxiliary and explicit ones may lie anywhere in the pool.
  std::optional<Prefix> sub_pool;
  // --ipam-opt, and what Swarm mixes in (RequestAddressType, com.docker.network.ipam.serial).
  Options options;
  // Family of an automatic pool. Swarm's leader leaves it at IPv4 even for IPv6 pools; `pool` decides where
  // given.
  Family family = Family::kIpv4;
};

struct PoolReply {
  std::string id;  // "local/10.1.0.0/24" or "local/10.1.0.0/24/10.1.0.128/25"
  Prefix pool;
};

// Why an address is held.
enum class OwnerClass { kGateway, kAuxiliary, kEndpoint, kSwarm };
std::string_view to_string(OwnerClass owner);

struct AddressRequest {
  std::string pool_id;
  std::optional<IpAddress> address;  // absent: any free one
  // RequestAddressType=com.docker.network.gateway
  bool gateway = false;
  // com.docker.network.ipam.serial=true: the Swarm leader asks.
  bool serial = false;
  std::optional<Mac> mac;  // com.docker.network.endpoint.macaddress; the plain engine sends it for endpoints
  std::string name;        // com.docker.network.endpoint.name; from engine 29 on
};

struct AddressReply {
  InterfaceAddress address;  // with the length of the pool
};

// What an operator sees.
struct PoolView {
  std::string id;
  std::string space;
  Prefix pool;
  std::optional<Prefix> sub_pool;
  bool automatic = false;
  int refs = 0;
  std::string since;     // RFC 3339
  Uint128 capacity = 0;  // addresses that automatic requests can get, gateway and the like included
  Uint128 used = 0;      // of those, held now
};

struct AddressView {
  std::string space;
  Prefix pool;
  IpAddress address;
  OwnerClass owner = OwnerClass::kEndpoint;
  std::optional<Mac> mac;
  std::string name;
  uint64_t epoch = 0;
  std::string since;  // RFC 3339
};

// One of the prefixes that automatic pools are cut from: 172.16.0.0/12 in pieces of /24.
struct PoolSource {
  Prefix range;
  int length = 24;  // prefix length of a pool
};

// "172.16.0.0/12:24,10.64.0.0/10:24,fd00::/40:64"; empty text is no source. Errors: kInvalidArgument naming
// the entry.
Result<std::vector<PoolSource>> parse_pool_sources(std::string_view text);

}  // namespace viaduct::ipam
