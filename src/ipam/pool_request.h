#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ipam/epoch.h"
#include "ipam/ipam_types.h"
#include "ipam/pool_settings.h"

// A request for a pool, checked and made plain. Pure.
namespace viaduct::ipam {

struct PoolWish {
  // The space of the record: "local", or "local.NAME" with --ipam-opt space=NAME.
  std::string space;
  std::optional<Prefix> pool;  // absent: automatic
  std::optional<Prefix> sub_pool;
  Family family = Family::kIpv4;  // of the pool
  std::optional<int> length;      // of an automatic pool
  PoolSettings settings;
  Options options;  // as they came, for the record
};

// Options as pool_settings.h reads them. size= up to 32 concerns IPv4 pools, a longer one IPv6 pools, since the engine
// sends the same options for both families. Errors: kInvalidArgument naming the member and the remedy.
Result<PoolWish> check_pool_request(const PoolRequest& request);

// "local" and "local.NAME" are local.
SpaceKind kind_of_space(const std::string& space);

// How many letters must be changed, added or removed to turn one word into the other.
size_t edit_distance(std::string_view from, std::string_view to);

}  // namespace viaduct::ipam
