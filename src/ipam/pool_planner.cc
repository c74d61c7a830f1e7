#include "ipam/pool_planner.h"

#include <algorithm>

namespace viaduct::ipam {

namespace {

// The first address after `address` on which a prefix of that length can begin; empty when it lies beyond
// `end`.
std::optional<IpAddress> next_start(const IpAddress& address, int length, const IpAddress& end) {
  const IpAddress piece_end = Prefix(address, length).last();
  if (piece_end >= end) return std::nullopt;
  return piece_end.plus(1);
}

// `hosts`: by first address, so that one pass sees every one before the candidate can pass it.
std::optional<Prefix> first_gap(const Prefix& source, int length, const PrefixTree& pools,
                                const std::vector<Prefix>& hosts) {
  auto candidate = pools.first_free(source, length, source.first());
  for (const Prefix& host : hosts) {
    // Each round ends with a candidate that no pool and none of the hosts so far overlaps.
    if (!candidate.has_value()) return std::nullopt;
    if (host.family() != source.family() || host.last() < candidate->first()) continue;
    if (host.first() > candidate->last()) break;
    const auto start = next_start(std::max(host.last(), candidate->last()), length, source.last());
    if (!start.has_value()) return std::nullopt;
    candidate = pools.first_free(source, length, *start);
  }
  return candidate;
}

}  // namespace

std::optional<Prefix> plan_pool(const std::vector<PoolSource>& sources, Family family,
                                std::optional<int> length, const PrefixTree& pools,
                                const std::vector<Prefix>& hosts) {
  std::vector<Prefix> sorted = hosts;
  std::sort(sorted.begin(), sorted.end());
  for (const PoolSource& source : sources) {
    const int wanted = length.value_or(source.length);
    if (source.range.family() != family || wanted < source.range.length() || wanted > address_bits(family))
      continue;
    if (auto found = first_gap(source.range, wanted, pools, sorted)) return found;
  }
  return std::nullopt;
}

bool usable(const Prefix& pool, const IpAddress& address) {
  if (!pool.contains(address)) return false;
  if (pool.host_bits() <= 1) return true;
  if (address == pool.first()) return false;
  return pool.family() == Family::kIpv6 || address != pool.last();
}

std::optional<UsableRange> usable_range(const Prefix& pool, const std::optional<Prefix>& sub_pool) {
  UsableRange range{sub_pool.value_or(pool).first(), sub_pool.value_or(pool).last()};
  if (!usable(pool, range.first)) {
    if (range.first == range.last) return std::nullopt;
    range.first = range.first.plus(1);
  }
  if (!usable(pool, range.last)) {
    if (range.first == range.last) return std::nullopt;
    range.last = IpAddress(range.last.family(), range.last.value() - 1);
  }
  return range;
}

}  // namespace viaduct::ipam
