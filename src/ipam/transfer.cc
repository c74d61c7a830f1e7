#include <fmt/format.h>

#include <algorithm>

#include "base/clip.h"
#include "ipam/ipam_impl.h"

// The whole state as one JSON object, and back. Records have the form that the store gives them, without what means
// something to one installation only: references and epochs begin anew, and a rest is told by how long it has lasted.
namespace viaduct::ipam {

using store::Condition;
using store::Table;
using store::Transaction;

namespace {

constexpr const char* kFormat = "viaduct-ipam";
constexpr int64_t kVersion = 1;
constexpr const char* kRestedFor = "rested_for";

Json pool_form(const PoolRecord& record) {
  Json out = to_json(record);
  out.erase("refs");
  out.erase("epoch");
  return out;
}

Json address_form(const AddressView& view) {
  Json out = {{"space", view.space},
              {"pool", view.pool.to_string()},
              {"address", view.address.to_string()},
              {"owner", to_string(view.owner)},
              {"since", view.since}};
  if (view.mac.has_value()) out["mac"] = view.mac->to_string();
  if (!view.name.empty()) out["name"] = view.name;
  if (view.state == AddressState::kResting) out[kRestedFor] = view.rests_for;
  return out;
}

}  // namespace

Json IpamService::Impl::export_state() const {
  Json pools = Json::array();
  Json addresses_out = Json::array();
  Json reserved = Json::array();
  {
    const Lock lock(mutex_);
    for (const Pool* pool : table_.all())
      if (pool->state != PoolState::kFresh) pools.push_back(pool_form(pool->record));
    for (const auto& record : reservations_.all()) reserved.push_back(to_json(record));
  }
  for (const AddressView& view : addresses()) addresses_out.push_back(address_form(view));
  return {{"format", kFormat},
          {"version", kVersion},
          {"exported", format_time(clock_.now())},
          {"pools", std::move(pools)},
          {"addresses", std::move(addresses_out)},
          {"reservations", std::move(reserved)}};
}

// What is to be added, read and checked by itself.
struct IpamService::Impl::Import {
  struct NewPool {
    PoolRecord record;
    PoolSettings settings;
  };
  std::vector<NewPool> pools;
  std::vector<AddressRecord> addresses;  // `rest`: how long it has rested
  std::vector<ReservationRecord> reservations;

  // While it is being added.
  std::vector<Pool*> fresh_pools;
  std::vector<std::pair<Parent*, Uint128>> fresh_slots;
  std::vector<Parent*> visited;
  Transaction transaction;
};

namespace {

// Every element of the array `name`, each read by `read`.
template <class Read>
Status read_list(const Json& state, const char* name, Read read) {
  const auto list = state.find(name);
  if (list == state.end()) return {};
  if (!list->is_array())
    return invalid_argument(fmt::format("\"{}\" is no array; give what viaductctl export wrote", name));
  for (size_t i = 0; i < list->size(); ++i) {
    auto done = read((*list)[i]);
    if (!done.ok()) return std::move(done).error().with_context(fmt::format("{}[{}]", name, i));
  }
  return {};
}

Error not_ours(std::string_view why) {
  return invalid_argument(fmt::format("this is no export of viaduct that can be read: {}", why));
}

bool same_owner(const Holder& held, const AddressRecord& record) {
  return held.owner == record.owner && held.mac == record.mac && held.name == record.name;
}

Holder holder_of(const AddressRecord& record, int64_t lasting) {
  return {.owner = record.owner,
          .mac = record.mac,
          .name = record.name,
          .epoch = 0,
          .released = record.released,
          .since = record.since,
          .rest = record.rest.has_value() ? std::optional(lasting - *record.rest) : std::nullopt};
}

Result<AddressRecord> read_exported_address(const Json& one) {
  if (!one.is_object()) return invalid_argument("it is no object");
  Json plain = one;
  if (const auto rested = plain.find(kRestedFor); rested != plain.end()) {
    plain["rest"] = *rested;
    plain.erase(kRestedFor);
  }
  auto record = TRY(read_address(dump_json(plain)));
  if (!usable(record.pool, record.address)) return invalid_argument("no host may carry its address");
  return record;
}

}  // namespace

Status IpamService::Impl::read_import(const Json& state, Import& import) {
  if (!state.is_object() || state.value("format", Json()) != kFormat)
    return not_ours("\"format\" is not \"viaduct-ipam\"");
  if (state.value("version", Json()) != kVersion)
    return not_ours("its version is not 1; use the viaductctl of its version");
  const auto take_pool = [&](const Json& one) -> Status {
    PoolRecord record = TRY(read_pool(dump_json(one)));
    PoolRequest request{.space = kLocalSpace,
                        .pool = record.pool,
                        .sub_pool = record.sub_pool,
                        .options = record.options,
                        .family = record.pool.family()};
    if (kind_of_space(record.space) == SpaceKind::kGlobal) request.space = kGlobalSpace;
    const PoolWish wish = TRY(check_pool_request(request));
    if (wish.space != record.space || !wish.pool.has_value())
      return invalid_argument(fmt::format("pool {} lies in the space \"{}\", which its options do not name",
                                          record.id, clipped(record.space)));
    import.pools.push_back({std::move(record), wish.settings});
    return {};
  };
  const auto take_address = [&](const Json& one) -> Status {
    import.addresses.push_back(TRY(read_exported_address(one)));
    return {};
  };
  const auto take_reservation = [&](const Json& one) -> Status {
    import.reservations.push_back(TRY(read_reservation(dump_json(one))));
    return {};
  };
  TRY(read_list(state, "pools", take_pool));
  TRY(read_list(state, "addresses", take_address));
  return read_list(state, "reservations", take_reservation);
}

// Adds fresh pools, marked. What is there already, equal, is passed over.
Status IpamService::Impl::stage_pools_locked(Import& import) {
  for (auto& pool : import.pools) {
    PoolRecord& record = pool.record;
    if (table_.find(record.id) != nullptr) continue;
    if (const Pool* other = table_.find_overlap(record.space, record.pool, record.sub_pool); other != nullptr)
      return Error{ErrorCode::kOverlap,
                   fmt::format("pool {} overlaps {}, which is held since {}; remove the network that "
                               "uses it, or take the pool out of the import",
                               record.id, other->record.id, format_time(other->record.since))};
    import.transaction.conditions.push_back({Table::kPool, record.id, Condition::Kind::kAbsent});
    import.transaction.writes.push_back(put_object(Table::kPool, record.id, to_json(record)));
    import.fresh_pools.push_back(&table_.add(record, pool.settings, PoolState::kFresh));
    mark_reservations_locked(*import.fresh_pools.back()->parent);
  }
  return {};
}

Status IpamService::Impl::stage_addresses_locked(Import& import) {
  const int64_t lasting = lasting_locked();
  for (const auto& record : import.addresses) {
    Parent* parent = table_.find_parent(record.space, record.pool);
    const std::string key = address_key(record.space, record.pool, record.address);
    if (parent == nullptr)
      return invalid_argument(fmt::format("address {} belongs to no pool, of the import or held here", key));
    const Uint128 offset = parent->subnet.offset_of(record.address);
    if (const Slot* slot = parent->subnet.find(offset); slot != nullptr) {
      const Holder held = slot->holder();
      if (same_owner(held, record) && held.rest.has_value() == record.rest.has_value()) continue;
      return conflict(fmt::format("address {} is held here by {}; release it, or take it out of the import",
                                  key, describe(held)));
    }
    if (record.rest.has_value() && parent->pool_at(offset) == nullptr) continue;
    AddressRecord stored = record;
    const Holder holder = holder_of(record, lasting);
    stored.rest = holder.rest;
    import.transaction.conditions.push_back({Table::kAddress, key, Condition::Kind::kAbsent});
    import.transaction.writes.push_back(put_object(Table::kAddress, key, to_text(stored)));
    parent->subnet.insert(offset, holder, SlotState::kFresh);
    import.fresh_slots.emplace_back(parent, offset);
    ++parent->visitors;
    import.visited.push_back(parent);
  }
  return {};
}

Status IpamService::Impl::stage_reservations_locked(Import& import) {
  for (const auto& record : import.reservations) {
    const std::string key = reservation_key(record.space, record.address);
    if (const auto* held = reservations_.find(record.space, record.address); held != nullptr) {
      if (held->mac == record.mac && held->name == record.name) continue;
      return conflict(
          fmt::format("address {} is reserved here for {}; unreserve it, or take it out of the import", key,
                      reserved_for(*held)));
    }
    import.transaction.writes.push_back(put_object(Table::kReservation, key, to_json(record)));
  }
  return {};
}

void IpamService::Impl::unstage_locked(Import& import) {
  for (const auto& [parent, offset] : import.fresh_slots) parent->subnet.erase(offset);
  for (Parent* parent : import.visited) --parent->visitors;
  for (Pool* pool : import.fresh_pools) table_.remove(*pool);
  notify_locked();
}

void IpamService::Impl::adopt_locked(const Import& import) {
  for (Pool* pool : import.fresh_pools) {
    pool->state = PoolState::kSettled;
    announce_locked(*pool, Reached::kMaybe);
  }
  for (const auto& [parent, offset] : import.fresh_slots)
    parent->subnet.find(offset)->state = SlotState::kSettled;
  for (Parent* parent : import.visited) --parent->visitors;
  for (const auto& record : import.reservations) {
    reservations_.put(record);
    if (Parent* parent = parent_with_locked(record.space, record.address); parent != nullptr)
      parent->subnet.set_reserved(parent->subnet.offset_of(record.address));
  }
  std::set<Parent*> changed;
  for (const auto& [parent, offset] : import.fresh_slots) changed.insert(parent);
  for (Parent* parent : changed) {
    parent->subnet.place_cursors();
    parent->subnet.order_rests();
  }
  notify_locked();
}

bool IpamService::Impl::import_must_wait_locked(const Import& import) const {
  const auto in_flux = [&](const std::string& space, const Prefix& prefix) {
    const Parent* parent = table_.find_parent(space, prefix);
    return parent != nullptr &&
           (parent->closing || std::any_of(parent->pools.begin(), parent->pools.end(), [](const Pool* pool) {
              return pool->state != PoolState::kSettled;
            }));
  };
  return std::any_of(import.pools.begin(), import.pools.end(),
                     [&](const auto& pool) { return in_flux(pool.record.space, pool.record.pool); }) ||
         std::any_of(import.addresses.begin(), import.addresses.end(),
                     [&](const auto& record) { return in_flux(record.space, record.pool); });
}

Status IpamService::Impl::import_state(const Json& state, Deadline deadline) {
  Import import;
  TRY(read_import(state, import));
  const std::scoped_lock turn(operators_);
  Lock lock(mutex_);
  while (import_must_wait_locked(import))
    if (!wait_for_change(lock, deadline))
      return Error{ErrorCode::kBusy, "a pool of the import is being changed by the engine; try again"};
  auto staged = stage_pools_locked(import);
  if (staged.ok()) staged = stage_addresses_locked(import);
  if (staged.ok()) staged = stage_reservations_locked(import);
  if (!staged.ok()) {
    unstage_locked(import);
    return staged;
  }
  lock.unlock();
  Status committed = import.transaction.writes.empty() ? Status() : store_.commit(import.transaction);
  lock.lock();
  if (committed.ok())
    adopt_locked(import);
  else
    unstage_locked(import);
  lock.unlock();
  look_at_wire();
  return committed;
}

}  // namespace viaduct::ipam
