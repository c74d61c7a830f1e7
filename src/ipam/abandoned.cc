#include <algorithm>

#include "ipam/ipam_impl.h"

// Pools that an engine asked for and died before it wrote them down: the next one never claims them.
namespace viaduct::ipam {

namespace {

// By more than the network itself.
bool is_held_for_anybody(const Pool& pool) {
  const auto held = [&](OwnerClass owner) { return pool.range.held[static_cast<size_t>(owner)]; };
  return held(OwnerClass::kEndpoint) + held(OwnerClass::kSwarm) > 0;
}

bool was_ever_used(const Pool& pool) {
  return is_held_for_anybody(pool) || pool.range.resting > 0;
}

}  // namespace

// Whoever has not been claimed by now will not be.
bool IpamService::Impl::replay_is_over_locked(SpaceKind kind) const {
  const SpaceEpoch& epoch = epoch_.of(kind);
  return epoch.witnessed && epoch.past_replay && !epoch.unsure;
}

bool IpamService::Impl::is_abandoned_locked(const Pool& pool) const {
  const SpaceKind kind = kind_of_space(pool.record.space);
  if (!replay_is_over_locked(kind) || pool.record.epoch >= epoch_.of(kind).number || pool.in_flux())
    return false;
  // A Swarm's network may have been removed while another node led, whatever it had been used for.
  return kind == SpaceKind::kGlobal ? !is_held_for_anybody(pool) : !was_ever_used(pool);
}

PoolClaim IpamService::Impl::claim_on(const Prefix& pool, const std::string& by, int others) const {
  const Lock lock(mutex_);
  bool found = false;
  int claims = 0;
  for (const std::string& space : table_.spaces()) {
    if (kind_of_space(space) != SpaceKind::kLocal) continue;
    const Parent* parent = table_.find_parent(space, pool);
    if (parent == nullptr) continue;
    for (const Pool* one : parent->pools) {
      if (one->state == PoolState::kFresh || format_time(one->record.since) > by) continue;
      found = true;
      // Until the replay is over, a pool of an older epoch may be claimed yet.
      if (one->record.epoch == epoch_.local.number)
        claims += one->record.refs;
      else if (!replay_is_over_locked(SpaceKind::kLocal))
        return PoolClaim::kHeld;
    }
  }
  if (!found) return PoolClaim::kReleased;
  const bool proven = epoch_.local.witnessed && !epoch_.local.unsure;
  return proven && claims <= others ? PoolClaim::kAbandoned : PoolClaim::kHeld;
}

std::vector<PoolView> IpamService::Impl::abandoned_pools() const {
  const Lock lock(mutex_);
  std::vector<PoolView> found;
  for (const Pool* pool : table_.all())
    if (is_abandoned_locked(*pool)) found.push_back(view_locked(*pool));
  return found;
}

Result<bool> IpamService::Impl::drop_abandoned(const std::string& pool_id, Deadline deadline) {
  Lock lock(mutex_);
  Pool* pool = table_.find(pool_id);
  if (pool == nullptr || !is_abandoned_locked(*pool)) return false;
  TRY(remove_pool(lock, *pool, deadline));
  return true;
}

}  // namespace viaduct::ipam
