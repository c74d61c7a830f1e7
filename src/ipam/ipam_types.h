#pragma once

#include <array>
#include <cstdint>
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

// By what an automatic address is chosen: what was never used, then what rested longest; the lowest free one; the next one
// after the last; any.
enum class Policy : uint8_t { kLru, kLowest, kSerial, kRandom };
std::string_view to_string(Policy policy);

// Whether an address is looked for on the wire before it is given by itself: where foreign hosts may be; wherever the host
// reaches the subnet directly; never.
enum class Probe : uint8_t { kAuto, kOn, kOff };
std::string_view to_string(Probe probe);
enum class WatchState : uint8_t {
  kUnknown,  // nobody has looked yet
  kNone,     // nothing to look at
  kWatched,  // an address is given by itself only when nobody answers there
};
std::string_view to_string(WatchState state);

// Why an address is held.
enum class OwnerClass : uint8_t { kGateway, kAuxiliary, kEndpoint, kSwarm };
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
  std::string since;  // RFC 3339
  Options options;    // as they came with --ipam-opt
  Uint128 capacity =
      0;  // addresses of the range that automatic requests come from, what is excluded included
  Uint128 excluded = 0;
  uint64_t used = 0;      // held now
  uint64_t resting = 0;   // released a while ago, and kept for their former owners while others are left
  uint64_t reserved = 0;  // kept for one endpoint, and neither held nor resting
  std::array<uint64_t, 4> held{};  // of `used`, by OwnerClass
  uint64_t early_reuses = 0;       // addresses given before their quarantine was over, since viaductd started
  Probe probe = Probe::kAuto;
  WatchState watch = WatchState::kUnknown;
  std::string watch_detail;  // the links asked; or why none is
  uint64_t set_aside = 0;    // not held, and a foreign host answers there
  std::vector<Mac> proxies;  // whose answers are not believed
};

enum class AddressState {
  kFree,
  kHeld,
  kResting,
  kAside,  // neither held nor resting, and a foreign host answers there
};
std::string_view to_string(AddressState state);

struct AddressView {
  std::string space;
  Prefix pool;
  IpAddress address;
  AddressState state = AddressState::kHeld;
  OwnerClass owner = OwnerClass::kEndpoint;  // holds it, or held it last
  std::optional<Mac> mac;                    // of a kAside: the foreign host's
  std::string name;
  uint64_t epoch = 0;
  std::string since;      // RFC 3339; of a kAside: when it answered
  int64_t rests_for = 0;  // seconds since its release, when it rests
};

// One cell of the map of a pool: so many addresses in a row, and how many of them are in each state. What is neither is
// free.
struct MapCell {
  Uint128 size = 0;
  Uint128 excluded = 0;
  uint64_t held = 0;
  uint64_t quarantined = 0;  // resting, and their quarantine not over
  uint64_t retained = 0;     // resting, and their quarantine over
  uint64_t reserved = 0;     // and neither held nor resting
  uint64_t set_aside = 0;    // for a foreign host, and none of the others
};

struct PoolMap {
  PoolView pool;
  IpAddress first;  // of the first cell
  std::vector<MapCell> cells;
};

// Why an address is as it is.
struct AddressStory {
  AddressView address;  // state kFree: only space, pool and address count
  std::string pool_id;  // the pool whose range it lies in, else one of its subnet; empty: no pool has it
  bool usable = true;   // false: a network, broadcast or anycast address
  bool excluded = false;
  bool outside_range = false;   // of every --ip-range of its subnet
  int64_t quarantine_left = 0;  // seconds
  int64_t retention_left = 0;   // seconds
  std::string bound_to;         // "endpoint 3f2a… of network 9c1b…"; empty: nobody of the other half
  bool orphan = false;          // held for an endpoint that a network of viaduct does not have
  std::string reserved_for;     // "name db", "MAC 02:…"; empty: not reserved
  std::string note;             // of the reservation
  // A foreign host answered there. For so long nobody gets it by itself. RFC 3339.
  std::optional<Mac> answered_by;
  std::string answered_at;
  std::string set_aside_until;
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
