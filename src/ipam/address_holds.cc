#include <fmt/format.h>

#include "ipam/ipam_impl.h"

// Marks on addresses: how one call at a time gets to change one.
namespace viaduct::ipam {

using store::Condition;
using store::Table;
using store::Transaction;

IpamService::Impl::Visit::~Visit() {
  if (pool_ == nullptr) return;
  const Lock lock(impl_->mutex_);
  --pool_->parent->visitors;
  // Only a removal waits for visitors to go.
  if (pool_->parent->closing) impl_->notify_locked();
}

// The slot must be there: fresh, or settled. Lock held.
IpamService::Impl::Hold::Hold(Impl& impl, Parent& parent, Uint128 at)
    : fresh(false), offset(at), impl_(&impl), parent_(&parent) {
  Slot& slot = *parent.subnet.find(at);
  fresh = slot.state == SlotState::kFresh;
  before = slot.holder();
  if (!fresh) slot.state = SlotState::kChanging;
}

IpamService::Impl::Hold::~Hold() {
  if (parent_ == nullptr) return;
  const Lock lock(impl_->mutex_);
  if (fresh)
    parent_->subnet.erase(offset);
  else
    parent_->subnet.find(offset)->state = SlotState::kSettled;
  impl_->notify_locked();
}

Status IpamService::Impl::wait_for_slot(Lock& lock, const Visit& visit, Uint128 offset, Deadline deadline) {
  if (wait_for_change(lock, deadline)) return {};
  return Error{ErrorCode::kBusy,
               fmt::format("address {} of pool {} is being changed by another call; try again",
                           visit.parent().subnet.address_at(offset).to_string(), visit.pool().record.id)};
}

Result<IpamService::Impl::Hold> IpamService::Impl::hold_at(const Visit& visit, Uint128 offset,
                                                           const Asker& asker, Deadline deadline) {
  Parent& parent = visit.parent();
  Lock lock(mutex_);
  note_work_locked(parent.space, Work::kExplicit);
  for (const Slot* slot = parent.subnet.find(offset); slot != nullptr; slot = parent.subnet.find(offset)) {
    if (slot->state == SlotState::kSettled) return Hold(*this, parent, offset);
    TRY(wait_for_slot(lock, visit, offset, deadline));
  }
  parent.subnet.insert(offset, new_holder(asker, moment_locked(parent.space, false)), SlotState::kFresh);
  return Hold(*this, parent, offset);
}

Result<std::optional<IpamService::Impl::Hold>> IpamService::Impl::hold_existing(const Visit& visit,
                                                                                Uint128 offset,
                                                                                Deadline deadline) {
  Parent& parent = visit.parent();
  Lock lock(mutex_);
  for (const Slot* slot = parent.subnet.find(offset); slot != nullptr; slot = parent.subnet.find(offset)) {
    if (slot->state == SlotState::kSettled) return std::optional<Hold>(Hold(*this, parent, offset));
    TRY(wait_for_slot(lock, visit, offset, deadline));
  }
  return std::optional<Hold>();
}

namespace {

// What the asker had before: the gateway, or the address of its MAC.
std::optional<Uint128> former_offset(const Pool& pool, const Asker& asker, const std::set<Uint128>& tried) {
  const Subnet& subnet = pool.parent->subnet;
  if (asker.owner == OwnerClass::kGateway) return subnet.lowest_gateway();
  return asker.mac.has_value() ? subnet.find_mac(*asker.mac, *pool.range, tried) : std::nullopt;
}

// A gateway is the lowest address of the whole pool; the rest come from the sub-pool, in turn.
std::optional<Uint128> free_offset(Pool& pool, const Asker& asker) {
  const Subnet& subnet = pool.parent->subnet;
  if (asker.owner == OwnerClass::kGateway) {
    const UsableRange whole = *usable_range(subnet.prefix(), std::nullopt);
    return subnet.first_free(subnet.offset_of(whole.first), subnet.offset_of(whole.last));
  }
  const auto next = subnet.next_free(*pool.range);
  if (next.has_value()) pool.range->cursor = next;
  return next;
}

}  // namespace

// Search and mark are one step under the lock, so that a retry which overtakes its first call meets its mark.
Result<std::optional<IpamService::Impl::Hold>> IpamService::Impl::hold_any(const Visit& visit,
                                                                           const Asker& asker,
                                                                           const std::set<Uint128>& tried,
                                                                           Deadline deadline) {
  Parent& parent = visit.parent();
  Lock lock(mutex_);
  note_work_locked(parent.space, Work::kAutomatic);
  while (const auto former = former_offset(visit.pool(), asker, tried)) {
    if (parent.subnet.find(*former)->state == SlotState::kSettled)
      return std::optional<Hold>(Hold(*this, parent, *former));
    TRY(wait_for_slot(lock, visit, *former, deadline));
  }
  const auto offset = free_offset(visit.pool(), asker);
  if (!offset.has_value()) return std::optional<Hold>();
  parent.subnet.insert(*offset, new_holder(asker, moment_locked(parent.space, false)), SlotState::kFresh);
  return std::optional<Hold>(Hold(*this, parent, *offset));
}

void IpamService::Impl::strip(Hold& hold) {
  const Lock lock(mutex_);
  hold.parent().subnet.update(hold.offset, Holder{});
  // Who waited for this slot as its own former address looks again.
  notify_locked();
}

namespace {

AddressRecord record_of(const Parent& parent, const IpAddress& address, const Holder& holder) {
  return {.space = parent.space,
          .pool = parent.subnet.prefix(),
          .address = address,
          .owner = holder.owner,
          .mac = holder.mac,
          .name = holder.name,
          .claims = holder.claims,
          .epoch = holder.epoch,
          .since = format_time(holder.since),
          .released = holder.released};
}

}  // namespace

Status IpamService::Impl::settle(Hold& hold, const std::optional<Holder>& after, Deadline deadline) {
  Parent& parent = hold.parent();
  if (!hold.fresh && after == hold.before) return {};
  const std::string key = address_key(parent.space, parent.subnet.prefix(), hold.address());
  Transaction transaction;
  if (hold.fresh) transaction.conditions.push_back({Table::kAddress, key, Condition::Kind::kAbsent});
  std::optional<std::string> value;
  if (after.has_value()) value = dump_json(to_json(record_of(parent, hold.address(), *after)));
  transaction.writes.push_back({Table::kAddress, key, std::move(value)});
  TRY(store_.commit(transaction));
  if (hold.fresh && deadline.expired()) {
    auto undone = store_.commit({{}, {{Table::kAddress, key, std::nullopt}}});
    if (!undone.ok()) finish(hold, after);  // memory says what the store says
    return Error{ErrorCode::kBusy,
                 fmt::format("address {} was ready only after its deadline{}; try again",
                             hold.address().to_string(), undone.ok() ? " and was given back" : "")};
  }
  finish(hold, after);
  return {};
}

void IpamService::Impl::finish(Hold& hold, const std::optional<Holder>& after) {
  Parent& parent = hold.parent();
  const Lock lock(mutex_);
  if (after.has_value()) {
    parent.subnet.update(hold.offset, *after);
    parent.subnet.find(hold.offset)->state = SlotState::kSettled;
  } else {
    parent.subnet.erase(hold.offset);
  }
  hold.done();
  notify_locked();
}

Moment IpamService::Impl::moment_locked(const std::string& space, bool bound) const {
  return {.epoch = epoch_.of(kind_of_space(space)).number,
          .engine_visible = epoch_.engine_visible(),
          .bound = bound,
          .now = clock_.now()};
}

Moment IpamService::Impl::moment(const std::string& space, bool bound) const {
  const Lock lock(mutex_);
  return moment_locked(space, bound);
}

}  // namespace viaduct::ipam
