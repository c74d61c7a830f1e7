#pragma once

#include <optional>
#include <vector>

#include "ipam/ipam_types.h"
#include "ipam/prefix_tree.h"

namespace viaduct::ipam {

// Chooses an automatic pool: the first piece of the sources, in their order, that overlaps neither a pool nor a prefix
// of the host. `length`: the wanted prefix length, else each source's own. Cost grows with the number of host prefixes,
// which may overlap anything, and with the bits of an address; not with the number of pools nor with the size of the
// sources. Pure. Empty when none is left.
std::optional<Prefix> plan_pool(const std::vector<PoolSource>& sources, Family family,
                                std::optional<int> length, const PrefixTree& pools,
                                const std::vector<Prefix>& hosts);

// The usable part of a pool for automatic addresses (of `sub_pool` where given): without the network and
// broadcast addresses for IPv4 longer than none of /31 and /32, without the subnet-router anycast address for
// IPv6 (RFC 4291 2.6.1) except /127 (RFC 6164) and /128. First and last, both inclusive. Empty when the
// sub-pool holds unusable addresses only (10.0.0.0/32 of 10.0.0.0/24); never for a pool alone. Precondition:
// the sub-pool lies in the pool.
struct UsableRange {
  IpAddress first;
  IpAddress last;
};
std::optional<UsableRange> usable_range(const Prefix& pool, const std::optional<Prefix>& sub_pool);

// Whether the address lies in the pool and a host may carry it (network and broadcast addresses it may not).
bool usable(const Prefix& pool, const IpAddress& address);

}  // namespace viaduct::ipam
