#include <string>
#include <utility>
#include <vector>

#include "ipam/ipam_impl.h"

// What a Swarm leader held in a former term, and gave back to another node's viaduct while that one led. A leader begins its
// term by asking for all that lives, and asks for anything new only then (swarmkit, manager/allocator/network.go,
// doNetworkInit()).
namespace viaduct::ipam {

bool IpamService::Impl::is_of_former_term_locked(const Slot& slot) const {
  return slot.owner == OwnerClass::kSwarm && !slot.resting && slot.state == SlotState::kSettled &&
         slot.epoch < epoch_.global.number;
}

std::vector<Uint128> IpamService::Impl::of_former_term(const Parent& parent) const {
  const Lock lock(mutex_);
  std::vector<Uint128> offsets;
  if (kind_of_space(parent.space) != SpaceKind::kGlobal || !replay_is_over_locked(SpaceKind::kGlobal))
    return offsets;
  parent.subnet.for_each([&](Uint128 offset, const Slot& slot) {
    if (is_of_former_term_locked(slot)) offsets.push_back(offset);
  });
  return offsets;
}

Result<uint64_t> IpamService::Impl::end_former_term(const Visit& visit, size_t most, Deadline deadline) {
  uint64_t ended = 0;
  for (const Uint128 offset : of_former_term(visit.parent())) {
    if (ended >= most || deadline.expired()) break;
    auto hold = TRY(hold_existing(visit, offset, deadline));
    if (!hold.has_value()) continue;
    // Looked at again, now that nobody else can change it.
    const Moment now = moment(*hold, false);
    if (hold->before.owner != OwnerClass::kSwarm || hold->before.rest.has_value() ||
        hold->before.epoch >= now.epoch)
      continue;
    TRY(settle(*hold, after_term_began(hold->before, now), deadline));
    ++ended;
  }
  return ended;
}

Result<uint64_t> IpamService::Impl::end_former_terms(Deadline deadline) {
  std::vector<std::pair<std::string, Prefix>> subnets;
  {
    const Lock lock(mutex_);
    for (const Parent* parent : table_.parents())
      if (kind_of_space(parent->space) == SpaceKind::kGlobal)
        subnets.emplace_back(parent->space, parent->subnet.prefix());
  }
  uint64_t ended = 0;
  for (const auto& [space, prefix] : subnets) {
    const auto visit = TRY(enter_subnet(space, prefix, deadline));
    if (visit.has_value()) ended += TRY(end_former_term(*visit, ~size_t{0}, deadline));
  }
  return ended;
}

// Live pools of a Swarm never overlap, and those that were there before the term are claimed before new ones are asked for:
// what overlaps a request and was not claimed is of a network that was removed under another leader.
bool IpamService::Impl::gives_way_locked(const Pool& pool) const {
  const SpaceEpoch& epoch = epoch_.global;
  return kind_of_space(pool.record.space) == SpaceKind::kGlobal && epoch.witnessed && !epoch.unsure &&
         pool.record.epoch < epoch.number && pool.range.held[static_cast<size_t>(OwnerClass::kEndpoint)] == 0;
}

void IpamService::Impl::note_failed_claim(const Visit& visit) {
  if (kind_of_space(visit.parent().space) != SpaceKind::kGlobal) return;
  change_epoch([](const EpochState& state) { return after_failed_replay(state, SpaceKind::kGlobal); });
}

}  // namespace viaduct::ipam
