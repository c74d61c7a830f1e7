#include "ipam/pool_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clip.h"
#include "ipam/pool_planner.h"

namespace viaduct::ipam {

namespace {

bool concerns(int size, Family family) {
  return (size <= 32) == (family == Family::kIpv4);
}

// "0.0.0.0/27": an automatic pool of that length (engine 29 passes it on as it stands).
Status read_length_wish(const Prefix& unspecified, PoolWish& wish) {
  if (unspecified.length() == 0)
    return invalid_argument(
        fmt::format("pool {} is the whole address space; choose a --subnet", unspecified.to_string()));
  if (wish.length.has_value() && *wish.length != unspecified.length())
    return invalid_argument(
        fmt::format("pool {} and IPAM option size={} ask for different lengths; give one of them",
                    unspecified.to_string(), *wish.length));
  wish.length = unspecified.length();
  return {};
}

Status check_explicit(const PoolWish& wish) {
  // A replay of an automatic pool brings its options along, so that an equal size is no contradiction.
  if (wish.length.has_value() && *wish.length != wish.pool->length())
    return invalid_argument(
        fmt::format("pool {} and IPAM option size={} ask for different lengths; give one of them",
                    wish.pool->to_string(), *wish.length));
  if (!wish.sub_pool.has_value()) return {};
  if (!wish.pool->contains(*wish.sub_pool))
    return invalid_argument(
        fmt::format("sub-pool {} is not inside pool {}; choose an --ip-range within --subnet",
                    wish.sub_pool->to_string(), wish.pool->to_string()));
  if (!usable_range(*wish.pool, wish.sub_pool).has_value())
    return invalid_argument(
        fmt::format("sub-pool {} of pool {} holds no address that a host may carry; "
                    "choose a wider --ip-range",
                    wish.sub_pool->to_string(), wish.pool->to_string()));
  return {};
}

}  // namespace

Result<PoolWish> check_pool_request(const PoolRequest& request) {
  if (request.space != kLocalSpace && request.space != kGlobalSpace)
    return invalid_argument(fmt::format("unknown address space \"{}\"; the known ones are {} and {}",
                                        clipped(request.space), kLocalSpace, kGlobalSpace));
  PoolWish wish;
  wish.space = request.space;
  wish.family = request.pool.has_value() ? request.pool->family() : request.family;
  wish.options = request.options;
  wish.settings = TRY(read_pool_settings(request.options));
  if (!wish.settings.space.empty()) wish.space += "." + wish.settings.space;
  if (wish.settings.size.has_value() && concerns(*wish.settings.size, wish.family))
    wish.length = wish.settings.size;
  const bool length_only = request.pool.has_value() && request.pool->first().value() == 0;
  if (length_only) TRY(read_length_wish(*request.pool, wish));
  if (request.pool.has_value() && !length_only) wish.pool = request.pool;
  wish.sub_pool = request.sub_pool;
  if (wish.pool.has_value()) {
    TRY(check_explicit(wish));
  } else if (wish.sub_pool.has_value()) {
    return invalid_argument(fmt::format("sub-pool {} comes without a pool; give --subnet with --ip-range",
                                        wish.sub_pool->to_string()));
  }
  return wish;
}

SpaceKind kind_of_space(const std::string& space) {
  const bool global = space == kGlobalSpace || space.starts_with(std::string(kGlobalSpace) + ".");
  return global ? SpaceKind::kGlobal : SpaceKind::kLocal;
}

size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  for (size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= from.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= to.size(); ++j) {
      const size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[to.size()];
}

}  // namespace viaduct::ipam
