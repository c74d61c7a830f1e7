#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ipam/epoch.h"
#include "ipam/ipam_types.h"

// A request for a pool, checked and made plain. Pure.
namespace viaduct::ipam {

struct PoolWish {
  // The space of the record: "local", or "local.NAME" with --ipam-opt space=NAME.
  std::string space;
  std::optional<Prefix> pool;  // absent: automatic
  std::optional<Prefix> sub_pool;
  Family family = Family::kIpv4;  // of the pool
  std::optional<int> length;      // of an automatic pool
  Options options;                // as they came, for the record
};

// Known options: space= (a-z, 0-9, '-'; at most 32), size= (prefix length of automatic pools; one up to 32
// concerns IPv4 pools, a longer one IPv6 pools, since the engine sends the same options for both families).
// What the engine and Swarm mix in (RequestAddressType, com.docker.network.*) is ignored. Errors:
// kInvalidArgument naming the member and the remedy; an unknown option comes with the nearest known one.
Result<PoolWish> check_pool_request(const PoolRequest& request);

// "local" and "local.NAME" are local.
SpaceKind kind_of_space(const std::string& space);

// How many letters must be changed, added or removed to turn one word into the other.
size_t edit_distance(std::string_view from, std::string_view to);

}  // namespace viaduct::ipam
