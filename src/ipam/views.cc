#include <algorithm>
#include <tuple>

#include "ipam/ipam_impl.h"

namespace viaduct::ipam {

bool IpamService::Impl::holds_pool(const Prefix& pool, const std::string& by) const {
  const Lock lock(mutex_);
  const auto counts = [&](const Pool* one) {
    return one->state != PoolState::kFresh && (by.empty() || one->record.since <= by);
  };
  const auto parents = table_.parents();
  return std::any_of(parents.begin(), parents.end(), [&](const Parent* parent) {
    return kind_of_space(parent->space) == SpaceKind::kLocal && parent->subnet.prefix() == pool &&
           std::any_of(parent->pools.begin(), parent->pools.end(), counts);
  });
}

std::vector<PoolView> IpamService::Impl::pools() const {
  const Lock lock(mutex_);
  std::vector<PoolView> out;
  for (const auto& [id, pool] : table_.by_id()) {
    if (pool->state == PoolState::kFresh) continue;
    const PoolRecord& record = pool->record;
    out.push_back({.id = id,
                   .space = record.space,
                   .pool = record.pool,
                   .sub_pool = record.sub_pool,
                   .automatic = record.automatic,
                   .refs = record.refs,
                   .since = record.since,
                   .capacity = pool->range->last - pool->range->first + 1,
                   .used = pool->range->total()});
  }
  return out;
}

namespace {

AddressView view_of(const Parent& parent, Uint128 offset, const Slot& slot) {
  const Holder holder = slot.holder();
  return {.space = parent.space,
          .pool = parent.subnet.prefix(),
          .address = parent.subnet.address_at(offset),
          .owner = holder.owner,
          .mac = holder.mac,
          .name = holder.name,
          .epoch = holder.epoch,
          .since = format_time(holder.since)};
}

}  // namespace

std::vector<AddressView> IpamService::Impl::addresses() const {
  std::vector<AddressView> out;
  {
    const Lock lock(mutex_);
    for (const Parent* parent : table_.parents())
      parent->subnet.for_each([&](Uint128 offset, const Slot& slot) {
        if (slot.state != SlotState::kFresh) out.push_back(view_of(*parent, offset, slot));
      });
  }
  std::sort(out.begin(), out.end(), [](const AddressView& left, const AddressView& right) {
    return std::tie(left.space, left.pool, left.address) < std::tie(right.space, right.pool, right.address);
  });
  return out;
}

}  // namespace viaduct::ipam
