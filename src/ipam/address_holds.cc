#include <fmt/format.h>

#include <algorithm>

#include "ipam/ipam_impl.h"

// Marks on addresses: how one call at a time gets to change one.
namespace viaduct::ipam {

using store::Condition;
using store::Table;
using store::Transaction;
using store::Write;

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
  for (const Uint128 over : outlived) parent_->subnet.find(over)->state = SlotState::kSettled;
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
  parent.subnet.insert(offset, new_holder(asker, moment_locked(parent, offset, false)), SlotState::kFresh);
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

// Search and mark are one step under the lock, so that a retry which overtakes its first call meets its mark.
Result<std::optional<IpamService::Impl::Hold>> IpamService::Impl::hold_any(const Visit& visit,
                                                                           const Asker& asker,
                                                                           const std::set<Uint128>& tried,
                                                                           Deadline deadline) {
  Parent& parent = visit.parent();
  Lock lock(mutex_);
  note_work_locked(parent.space, Work::kAutomatic);
  expire_locked(parent, clock_.uptime());
  std::vector<Uint128> outlived = outlived_locked(visit.pool());
  const auto give_back_marks = [&] {
    for (const Uint128 over : outlived) parent.subnet.find(over)->state = SlotState::kSettled;
    if (!outlived.empty()) notify_locked();
  };
  while (true) {
    const auto offset = seek_locked(visit.pool(), asker, tried, outlived);
    if (!offset.has_value()) {
      give_back_marks();
      return std::optional<Hold>();
    }
    const Slot* slot = parent.subnet.find(*offset);
    const auto over = std::find(outlived.begin(), outlived.end(), *offset);
    if (slot == nullptr)
      parent.subnet.insert(*offset, new_holder(asker, moment_locked(parent, *offset, false)),
                           SlotState::kFresh);
    else if (over != outlived.end())
      outlived.erase(over);
    else if (slot->state != SlotState::kSettled) {
      auto waited = wait_for_slot(lock, visit, *offset, deadline);
      if (waited.ok()) continue;
      give_back_marks();
      return std::move(waited).error();
    }
    Hold hold(*this, parent, *offset);
    hold.outlived = std::move(outlived);
    return std::optional<Hold>(std::move(hold));
  }
}

void IpamService::Impl::strip(Hold& hold) {
  const Lock lock(mutex_);
  if (!hold.fresh) return;  // a rest keeps its former owner
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
          .since = holder.since,
          .released = holder.released,
          .rest = holder.rest};
}

}  // namespace

Status IpamService::Impl::settle(Hold& hold, const std::optional<Holder>& after, Deadline deadline) {
  Parent& parent = hold.parent();
  if (!hold.fresh && after == hold.before) return {};
  const auto key_of = [&](Uint128 offset) {
    return address_key(parent.space, parent.subnet.prefix(), parent.subnet.address_at(offset));
  };
  const auto write_of = [&](const std::optional<Holder>& holder) {
    std::string key = key_of(hold.offset);
    return holder.has_value() ? put_object(Table::kAddress, std::move(key),
                                           to_text(record_of(parent, hold.address(), *holder)))
                              : Write{Table::kAddress, std::move(key), std::nullopt};
  };
  Transaction transaction;
  if (hold.fresh)
    transaction.conditions.push_back({Table::kAddress, key_of(hold.offset), Condition::Kind::kAbsent});
  transaction.writes.push_back(write_of(after));
  for (const Uint128 over : hold.outlived)
    transaction.writes.push_back({Table::kAddress, key_of(over), std::nullopt});
  if (after.has_value() && after->rest.has_value()) add_anchor_if_due(transaction);
  TRY(store_.commit(transaction));
  if (hold.nobodys() && deadline.expired()) {
    auto undone = store_.commit({{}, {write_of(hold.fresh ? std::nullopt : std::optional(hold.before))}});
    forget_outlived(hold);
    if (!undone.ok()) finish(hold, after);  // memory says what the store says
    return Error{ErrorCode::kBusy,
                 fmt::format("address {} was ready only after its deadline{}; try again",
                             hold.address().to_string(), undone.ok() ? " and was given back" : "")};
  }
  finish(hold, after);
  return {};
}

void IpamService::Impl::forget_outlived(Hold& hold) {
  const Lock lock(mutex_);
  for (const Uint128 over : hold.outlived) hold.parent().subnet.erase(over);
  hold.outlived.clear();
  notify_locked();
}

void IpamService::Impl::finish(Hold& hold, const std::optional<Holder>& after) {
  Parent& parent = hold.parent();
  const Lock lock(mutex_);
  if (hold.before.rest.has_value() && after.has_value() && !after->rest.has_value())
    note_reuse_locked(hold, *after);
  if (after.has_value()) {
    parent.subnet.update(hold.offset, *after);
    parent.subnet.find(hold.offset)->state = SlotState::kSettled;
  } else {
    parent.subnet.erase(hold.offset);
  }
  for (const Uint128 over : hold.outlived) parent.subnet.erase(over);
  hold.done();
  notify_locked();
}

// An address that another than its former owner got while it was in quarantine: the pool is too small for its use.
void IpamService::Impl::note_reuse_locked(const Hold& hold, const Holder& after) {
  Pool* pool = hold.parent().pool_at(hold.offset);
  const bool same_owner =
      after.owner == hold.before.owner && after.mac == hold.before.mac && after.name == hold.before.name;
  if (pool == nullptr || same_owner) return;
  if (lasting_locked() - *hold.before.rest < pool->settings.quarantine.count()) ++pool->early_reuses;
}

void IpamService::Impl::add_anchor_if_due(Transaction& transaction) {
  const Lock lock(mutex_);
  const int64_t now = lasting_locked();
  if (anchor_saved_ >= 0 && now - anchor_saved_ < kAnchorSeconds) return;
  anchor_saved_ = now;
  transaction.writes.push_back(put_object(Table::kMeta, "clock", to_json(anchor_now_locked())));
}

TimeAnchor IpamService::Impl::anchor_now_locked() const {
  return {lasting_locked(), {clock_.uptime(), clock_.now(), config_.boot_id}};
}

Moment IpamService::Impl::moment_locked(const Parent& parent, Uint128 offset, bool bound) const {
  const Pool* pool = parent.pool_at(offset);
  return {.epoch = epoch_.of(kind_of_space(parent.space)).number,
          .engine_visible = epoch_.engine_visible(),
          .bound = bound,
          .now = clock_.now(),
          .lasting = lasting_locked(),
          .rests = pool != nullptr && pool->settings.keeps_former()};
}

Moment IpamService::Impl::moment(const Hold& hold, bool bound) const {
  const Lock lock(mutex_);
  return moment_locked(hold.parent(), hold.offset, bound);
}

}  // namespace viaduct::ipam
