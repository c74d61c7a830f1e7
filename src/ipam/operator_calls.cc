#include <fmt/format.h>

#include <set>

#include "base/clip.h"
#include "ipam/ipam_impl.h"

// What operators change by hand.
namespace viaduct::ipam {

using store::Table;
using store::Transaction;

namespace {

constexpr size_t kLongestName = 256;
constexpr size_t kLongestNote = 1024;

bool is_space(const std::string& space) {
  const auto named = [&](const char* base) {
    return space == base ||
           (space.starts_with(std::string(base) + ".") && space.size() > std::string(base).size() + 1);
  };
  return named(kLocalSpace) || named(kGlobalSpace);
}

Status check(const ReservationRecord& record) {
  const std::string address = record.address.to_string();
  if (!is_space(record.space))
    return invalid_argument(
        fmt::format("the reservation of {} names the space \"{}\"; the known ones are {}, {} and "
                    "{}.NAME",
                    address, clipped(record.space), kLocalSpace, kGlobalSpace, kLocalSpace));
  if (!record.mac.has_value() && record.name.empty())
    return invalid_argument(
        fmt::format("the reservation of {} is for nobody; give a MAC or the name of a container", address));
  if (record.name.size() > kLongestName || record.note.size() > kLongestNote)
    return invalid_argument(
        fmt::format("the reservation of {} has a name or note that is too long; {} and {} characters "
                    "are accepted",
                    address, kLongestName, kLongestNote));
  return {};
}

Status check_all(const std::vector<ReservationRecord>& records) {
  std::set<std::string> seen;
  for (const auto& record : records) {
    TRY(check(record));
    if (!seen.insert(reservation_key(record.space, record.address)).second)
      return invalid_argument(
          fmt::format("address {} is reserved twice in one list; name it once", record.address.to_string()));
  }
  return {};
}

// Addresses that go with the pool and are held by more than the network itself.
uint64_t tenants_of(const Pool& pool) {
  const bool last = pool.parent->pools.size() == 1;
  uint64_t tenants = 0;
  pool.parent->subnet.for_each([&](Uint128 offset, const Slot& slot) {
    const bool within = last || (offset >= pool.range.first && offset <= pool.range.last);
    const bool by_tenant = slot.owner == OwnerClass::kEndpoint || slot.owner == OwnerClass::kSwarm;
    if (within && by_tenant && !slot.resting) ++tenants;
  });
  return tenants;
}

}  // namespace

// The mark on the address in memory follows the store; two operators at once end as the store did, for both changes are
// made under one turn.
Status IpamService::Impl::reserve(std::vector<ReservationRecord> records) {
  TRY(check_all(records));
  const std::scoped_lock turn(operators_);
  Transaction transaction;
  for (auto& record : records) {
    record.since = format_time(clock_.now());
    transaction.writes.push_back(
        put_object(Table::kReservation, reservation_key(record.space, record.address), to_json(record)));
  }
  TRY(store_.commit(transaction));
  const Lock lock(mutex_);
  for (const auto& record : records) {
    reservations_.put(record);
    if (Parent* parent = parent_with_locked(record.space, record.address); parent != nullptr)
      parent->subnet.set_reserved(parent->subnet.offset_of(record.address));
  }
  return {};
}

Status IpamService::Impl::unreserve(const std::string& space, const IpAddress& address) {
  const std::scoped_lock turn(operators_);
  TRY(store_.commit({{}, {{Table::kReservation, reservation_key(space, address), std::nullopt}}}));
  const Lock lock(mutex_);
  reservations_.remove(space, address);
  if (Parent* parent = parent_with_locked(space, address); parent != nullptr)
    parent->subnet.clear_reserved(parent->subnet.offset_of(address));
  return {};
}

Parent* IpamService::Impl::parent_with_locked(const std::string& space, const IpAddress& address) const {
  for (const Parent* parent : table_.parents())
    if (parent->space == space && parent->subnet.prefix().contains(address))
      return table_.find_parent(space, parent->subnet.prefix());
  return nullptr;
}

bool IpamService::Impl::end_aside(const Visit& visit, Uint128 offset) {
  const Lock lock(mutex_);
  Parent& parent = visit.parent();
  if (parent.heard == nullptr || !parent.heard->forget(offset)) return false;
  parent.subnet.clear_aside(offset);
  return true;
}

Status IpamService::Impl::release_by_operator(const std::string& space, const IpAddress& address,
                                              Deadline deadline) {
  std::optional<Prefix> prefix;
  {
    const Lock lock(mutex_);
    if (const Parent* parent = parent_with_locked(space, address); parent != nullptr)
      prefix = parent->subnet.prefix();
  }
  const auto nobodys = [&] {
    return not_found(
        fmt::format("nobody holds address {} in space {}; viaductctl address why {} tells what is known",
                    address.to_string(), clipped(space), address.to_string()));
  };
  if (!prefix.has_value()) return nobodys();
  const auto visit = TRY(enter_subnet(space, *prefix, deadline));
  if (!visit.has_value()) return nobodys();
  const Uint128 offset = visit->parent().subnet.offset_of(address);
  auto hold = TRY(hold_existing(*visit, offset, deadline));
  if (!hold.has_value()) return end_aside(*visit, offset) ? Status() : nobodys();
  if (const std::string user = bound_user(*hold); !user.empty())
    return conflict(
        fmt::format("address {} is in use by {}; stop that container first", address.to_string(), user));
  if (hold->before.owner == OwnerClass::kGateway && !hold->before.rest.has_value())
    return conflict(fmt::format("address {} is the gateway of pool {}; remove the network instead",
                                address.to_string(), visit->pool().record.id));
  end_aside(*visit, offset);
  return settle(*hold, std::nullopt, deadline);
}

Status IpamService::Impl::remove_pool_by_operator(const std::string& id, Held held, Deadline deadline) {
  const auto nobodys = [&] {
    return not_found(fmt::format("no pool is named {}; viaductctl pool ls lists them", clipped(id)));
  };
  std::optional<PoolRecord> record;
  {
    const Lock lock(mutex_);
    if (const Pool* pool = table_.find(id); pool != nullptr) record = pool->record;
  }
  if (!record.has_value()) return nobodys();
  if (const std::string network = network_of(*record); !network.empty())
    return conflict(fmt::format(
        "{} stands on pool {}; docker network rm removes both, or viaductctl network rm where the "
        "engine has the network no more",
        network, id));
  Lock lock(mutex_);
  while (true) {
    Pool* pool = table_.find(id);
    if (pool == nullptr) return nobodys();
    if (!pool->in_flux()) break;
    if (!wait_for_change(lock, deadline)) return busy_pool(id);
  }
  Pool& pool = *table_.find(id);
  const uint64_t tenants = tenants_of(pool);
  if (tenants > 0 && held == Held::kKeep)
    return conflict(
        fmt::format("{} addresses of pool {} are held by endpoints or a Swarm; stop what has them, or give "
                    "--with-addresses if nothing has",
                    tenants, id));
  return remove_pool(lock, pool, deadline);
}

}  // namespace viaduct::ipam
