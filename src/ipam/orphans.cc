#include <vector>

#include "ipam/ipam_impl.h"

// Addresses whose endpoint never came, or went without a word.
namespace viaduct::ipam {

Result<uint64_t> IpamService::Impl::reclaim_orphans(Deadline deadline) {
  uint64_t reclaimed = TRY(end_former_terms(deadline));
  std::vector<std::pair<std::string, Prefix>> subnets;
  {
    const Lock lock(mutex_);
    if (!epoch_.local.past_replay || epoch_.local.unsure)
      return reclaimed;  // the engine may still claim anything
    for (const Parent* parent : table_.parents())
      if (kind_of_space(parent->space) == SpaceKind::kLocal)
        subnets.emplace_back(parent->space, parent->subnet.prefix());
  }
  for (const auto& [space, prefix] : subnets) {
    const auto suspects = suspects_in(space, prefix);
    // Another driver's endpoints cannot be seen from here.
    if (suspects.empty() || environment_.network_on(prefix).empty()) continue;
    const auto visit = TRY(enter_subnet(space, prefix, deadline));
    if (!visit.has_value()) continue;
    for (const Uint128 offset : suspects) {
      auto hold = TRY(hold_existing(*visit, offset, deadline));
      // Looked at again, now that nobody else can change it.
      if (!hold.has_value() || !is_suspect(hold->before) || !bound_user(*hold).empty()) continue;
      TRY(settle(*hold, after_endpoint_gone(hold->before, moment(*hold, false)), deadline));
      ++reclaimed;
    }
  }
  return reclaimed;
}

uint64_t IpamService::Impl::orphans() const {
  uint64_t orphans = 0;
  std::map<Prefix, bool> ours;  // whether a network of the other half stands there
  for (const Tenant& tenant : long_held()) {
    const auto user = environment_.bound_to(tenant.pool, tenant.address);
    if (user.has_value() && (!tenant.named_space || user->mac == tenant.mac)) continue;
    auto known = ours.find(tenant.pool);
    if (known == ours.end())
      known = ours.emplace(tenant.pool, !environment_.network_on(tenant.pool).empty()).first;
    if (known->second) ++orphans;
  }
  return orphans;
}

std::vector<IpamService::Impl::Tenant> IpamService::Impl::long_held() const {
  const Lock lock(mutex_);
  std::vector<Tenant> tenants;
  for (const Parent* parent : table_.parents()) {
    if (kind_of_space(parent->space) != SpaceKind::kLocal) continue;
    const Subnet& subnet = parent->subnet;
    subnet.for_each([&](Uint128 offset, const Slot& slot) {
      if (slot.owner != OwnerClass::kEndpoint || slot.resting || slot.state != SlotState::kSettled) return;
      const Holder holder = slot.holder();
      if (clock_.now() - holder.since > kOrphanGrace)
        tenants.push_back(
            {parent->space != kLocalSpace, subnet.prefix(), subnet.address_at(offset), holder.mac});
    });
  }
  return tenants;
}

bool IpamService::Impl::is_suspect(const Holder& held) const {
  const Lock lock(mutex_);
  return is_suspect_locked(held);
}

bool IpamService::Impl::is_suspect_locked(const Holder& held) const {
  return held.owner == OwnerClass::kEndpoint && !held.rest.has_value() && held.epoch < epoch_.local.number &&
         clock_.now() - held.since > kOrphanGrace;
}

// With the lock held for one subnet at a time; a slot is looked at in full only when its epoch is old.
std::vector<Uint128> IpamService::Impl::suspects_in(const std::string& space, const Prefix& prefix) const {
  const Lock lock(mutex_);
  std::vector<Uint128> offsets;
  const Parent* parent = table_.find_parent(space, prefix);
  if (parent == nullptr) return offsets;
  parent->subnet.for_each([&](Uint128 offset, const Slot& slot) {
    if (slot.epoch < epoch_.local.number && slot.state == SlotState::kSettled &&
        is_suspect_locked(slot.holder()))
      offsets.push_back(offset);
  });
  return offsets;
}

}  // namespace viaduct::ipam
