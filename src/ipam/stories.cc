#include <fmt/format.h>

#include <algorithm>

#include "base/clip.h"
#include "ipam/ipam_impl.h"

// What an operator asks about one pool or one address.
namespace viaduct::ipam {

namespace {

constexpr size_t kMostCells = 65536;

// Of the part of [first, last] that lies in [from, to].
Uint128 shared_part(Uint128 first, Uint128 last, Uint128 from, Uint128 to) {
  const Uint128 low = std::max(first, from);
  const Uint128 high = std::min(last, to);
  return low > high ? 0 : high - low + 1;
}

}  // namespace

Result<PoolMap> IpamService::Impl::map_of(const std::string& pool_id, size_t cells) const {
  const Lock lock(mutex_);
  const Pool* found = table_.find(pool_id);
  if (found == nullptr || found->state == PoolState::kFresh)
    return not_found(fmt::format("no pool \"{}\" is held; viaductctl pool ls lists them", clipped(pool_id)));
  const Pool& pool = *found;
  const Subnet::Range& range = pool.range;
  const Subnet& subnet = pool.parent->subnet;
  const Uint128 last = range.last - range.first;  // of offsets within the range
  const Uint128 wanted = std::clamp<size_t>(cells, 1, kMostCells);
  const Uint128 size = last / wanted + 1;

  PoolMap map{.pool = view_locked(pool), .first = subnet.address_at(range.first), .cells = {}};
  map.cells.resize(static_cast<size_t>(last / size) + 1);
  for (size_t i = 0; i < map.cells.size(); ++i) {
    MapCell& cell = map.cells[i];
    const Uint128 from = range.first + size * i;
    const Uint128 to = std::min(range.first + last, from + (size - 1));
    cell.size = to - from + 1;
    Uint128 open = 0;
    for (const Interval& interval : range.open())
      open += shared_part(interval.first, interval.last, from, to);
    cell.excluded = cell.size - open;
  }
  const auto cell_of = [&](Uint128 offset) -> MapCell* {
    if (offset < range.first || offset > range.last) return nullptr;
    return &map.cells[static_cast<size_t>((offset - range.first) / size)];
  };
  const int64_t now = lasting_locked();
  subnet.for_each([&](Uint128 offset, const Slot& slot) {
    MapCell* cell = cell_of(offset);
    if (cell == nullptr) return;
    const auto rest = slot.holder().rest;
    if (!rest.has_value())
      ++cell->held;
    else if (now - *rest < pool.settings.quarantine.count())
      ++cell->quarantined;
    else
      ++cell->retained;
  });
  for (const IpAddress& address : reservations_.within(pool.record.space, pool.record.pool)) {
    const Uint128 offset = subnet.offset_of(address);
    MapCell* cell = cell_of(offset);
    if (cell != nullptr && subnet.find(offset) == nullptr) ++cell->reserved;
  }
  for (const auto& [offset, seen] : pool.parent->neighbours().sightings()) {
    MapCell* cell = cell_of(offset);
    if (cell != nullptr && subnet.find(offset) == nullptr && !subnet.reserved(offset)) ++cell->set_aside;
  }
  return map;
}

AddressStory IpamService::Impl::story_locked(const std::string& space, const Parent* parent,
                                             const IpAddress& address) const {
  AddressStory story;
  story.address = {.space = space,
                   .pool = {},
                   .address = address,
                   .state = AddressState::kFree,
                   .mac = {},
                   .name = {},
                   .since = {}};
  if (const auto* reservation = reservations_.find(space, address); reservation != nullptr) {
    story.reserved_for = reserved_for(*reservation);
    story.note = reservation->note;
  }
  if (parent == nullptr) return story;
  const Subnet& subnet = parent->subnet;
  const Uint128 offset = subnet.offset_of(address);
  const Pool* pool = parent->pool_at(offset);
  story.address.pool = subnet.prefix();
  story.usable = usable(subnet.prefix(), address);
  story.outside_range = pool == nullptr;
  if (pool == nullptr) pool = &parent->any_pool();
  story.pool_id = pool->record.id;
  story.excluded = !story.outside_range && !pool->range.is_open(offset);
  if (const auto* seen = parent->neighbours().sighting(offset);
      seen != nullptr && clock_.uptime() - seen->at.up < kSetAside) {
    const auto left = kSetAside - (clock_.uptime() - seen->at.up);
    story.answered_by = seen->mac;
    story.answered_at = format_time(seen->at.wall);
    story.set_aside_until = format_time(clock_.now() + left);
  }
  const Slot* slot = subnet.find(offset);
  if (slot == nullptr || slot->state == SlotState::kFresh) {
    if (story.answered_by.has_value())
      story.address = view_locked(*parent, offset, *parent->neighbours().sighting(offset));
    return story;
  }
  story.address = view_locked(*parent, offset, *slot);
  if (story.address.state != AddressState::kResting) return story;
  story.quarantine_left = std::max<int64_t>(pool->settings.quarantine.count() - story.address.rests_for, 0);
  story.retention_left = std::max<int64_t>(pool->settings.retention.count() - story.address.rests_for, 0);
  return story;
}

std::vector<AddressStory> IpamService::Impl::why(const IpAddress& address, const std::string& space) const {
  std::vector<AddressStory> stories;
  {
    const Lock lock(mutex_);
    std::set<std::string> told;
    for (const Parent* parent : table_.parents()) {
      if ((!space.empty() && parent->space != space) || !parent->subnet.prefix().contains(address)) continue;
      told.insert(parent->space);
      stories.push_back(story_locked(parent->space, parent, address));
    }
    for (const ReservationRecord& reservation : reservations_.all())
      if (reservation.address == address && (space.empty() || reservation.space == space) &&
          told.insert(reservation.space).second)
        stories.push_back(story_locked(reservation.space, nullptr, address));
  }
  for (AddressStory& story : stories) {
    if (story.pool_id.empty() || kind_of_space(story.address.space) != SpaceKind::kLocal) continue;
    const auto user = environment_.bound_to(story.address.pool, address);
    const bool same =
        user.has_value() && (story.address.space == kLocalSpace || user->mac == story.address.mac);
    if (same) story.bound_to = user->what;
    const bool for_endpoint =
        story.address.state == AddressState::kHeld && story.address.owner == OwnerClass::kEndpoint;
    story.orphan = for_endpoint && !same && !environment_.network_on(story.address.pool).empty();
  }
  return stories;
}

}  // namespace viaduct::ipam
