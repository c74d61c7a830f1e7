#include <algorithm>
#include <tuple>

#include "ipam/ipam_impl.h"

// Copies of what there is, for operators and for the other half.
namespace viaduct::ipam {

PoolView IpamService::Impl::view_locked(const Pool& pool) const {
  const PoolRecord& record = pool.record;
  const Subnet::Range& range = pool.range;
  const std::set<Mac>& proxies = pool.parent->neighbours().proxies();
  return {.id = record.id,
          .space = record.space,
          .pool = record.pool,
          .sub_pool = record.sub_pool,
          .automatic = record.automatic,
          .refs = record.refs,
          .since = format_time(record.since),
          .options = record.options,
          .capacity = range.last - range.first + 1,
          .excluded = range.excluded,
          .used = range.total(),
          .resting = range.resting,
          .reserved = range.reserved,
          .held = range.held,
          .early_reuses = pool.early_reuses,
          .probe = pool.settings.probe,
          .watch = pool.watch.state,
          .watch_detail = pool.watch.detail,
          .set_aside = pool.parent->subnet.asides(range),
          .proxies = {proxies.begin(), proxies.end()}};
}

std::vector<PoolView> IpamService::Impl::pools() const {
  const Lock lock(mutex_);
  std::vector<PoolView> out;
  for (const Pool* pool : table_.all())
    if (pool->state != PoolState::kFresh) out.push_back(view_locked(*pool));
  return out;
}

AddressView IpamService::Impl::view_locked(const Parent& parent, Uint128 offset, const Slot& slot) const {
  const Holder holder = slot.holder();
  return {.space = parent.space,
          .pool = parent.subnet.prefix(),
          .address = parent.subnet.address_at(offset),
          .state = holder.rest.has_value() ? AddressState::kResting : AddressState::kHeld,
          .owner = holder.owner,
          .mac = holder.mac,
          .name = holder.name,
          .epoch = holder.epoch,
          .since = format_time(holder.since),
          .rests_for = holder.rest.has_value() ? lasting_locked() - *holder.rest : 0};
}

AddressView IpamService::Impl::view_locked(const Parent& parent, Uint128 offset,
                                           const Neighbours::Sighting& seen) const {
  return {.space = parent.space,
          .pool = parent.subnet.prefix(),
          .address = parent.subnet.address_at(offset),
          .state = AddressState::kAside,
          .mac = seen.mac,
          .name = {},
          .since = format_time(seen.at.wall)};
}

std::vector<AddressView> IpamService::Impl::addresses() const {
  std::vector<AddressView> out;
  {
    const Lock lock(mutex_);
    for (const Parent* parent : table_.parents()) {
      parent->subnet.for_each([&](Uint128 offset, const Slot& slot) {
        if (slot.state != SlotState::kFresh) out.push_back(view_locked(*parent, offset, slot));
      });
      for (const auto& [offset, seen] : parent->neighbours().sightings())
        if (parent->subnet.find(offset) == nullptr) out.push_back(view_locked(*parent, offset, seen));
    }
  }
  std::sort(out.begin(), out.end(), [](const AddressView& left, const AddressView& right) {
    return std::tie(left.space, left.pool, left.address) < std::tie(right.space, right.pool, right.address);
  });
  return out;
}

std::vector<ReservationRecord> IpamService::Impl::reservations() const {
  const Lock lock(mutex_);
  return reservations_.all();
}

IpamCounts IpamService::Impl::counts() const {
  const Lock lock(mutex_);
  IpamCounts out;
  for (const Parent* parent : table_.parents()) {
    out.held += parent->subnet.held();
    out.resting += parent->subnet.resting();
  }
  for (const Pool* pool : table_.all()) {
    ++out.pools;
    out.early_reuses += pool->early_reuses;
    out.set_aside += pool->parent->subnet.asides(pool->range);
    out.watched_pools += pool->watch.state == WatchState::kWatched ? 1 : 0;
  }
  out.reservations = reservations_.all().size();
  return out;
}

}  // namespace viaduct::ipam
