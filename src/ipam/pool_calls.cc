#include <fmt/format.h>

#include <algorithm>

#include "ipam/ipam_impl.h"

namespace viaduct::ipam {

using store::Condition;
using store::Table;
using store::Transaction;

Error busy_pool(const std::string& id) {
  return {ErrorCode::kBusy, fmt::format("pool {} is being changed by another call; try again", id)};
}

namespace {

Error late_pool(const std::string& id) {
  return {ErrorCode::kBusy, fmt::format("pool {} was ready only after its deadline; try again", id)};
}

// `network`: "network 9c1b…" that stands on the holder; empty: unknown.
Error overlap(const PoolWish& wish, const PoolRecord& holder, const std::string& network) {
  const std::string wanted =
      wish.sub_pool.has_value()
          ? fmt::format("{} with sub-pool {}", wish.pool->to_string(), wish.sub_pool->to_string())
          : wish.pool->to_string();
  // One subnet may be shared by ranges that do not touch.
  const bool by_range = wish.pool == holder.pool && wish.sub_pool.has_value() && holder.sub_pool.has_value();
  return {ErrorCode::kOverlap,
          fmt::format("pool {} overlaps {}, which is held since {}{}; choose another {}, or remove {}",
                      wanted, holder.id, format_time(holder.since), network.empty() ? "" : " for " + network,
                      by_range ? "--ip-range" : "--subnet",
                      network.empty() ? "the network that uses it" : "that network")};
}

std::string list_of(const std::vector<PoolSource>& sources) {
  std::string out;
  for (const PoolSource& source : sources)
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", source.range.to_string(), source.length);
  return out.empty() ? "no source" : out;
}

Error no_pool_left(const PoolWish& wish, const std::vector<PoolSource>& sources) {
  const std::string length = wish.length.has_value() ? fmt::format(" of length /{}", *wish.length) : "";
  return {
      ErrorCode::kExhausted,
      fmt::format(
          "no automatic {} pool{} is left in {}; give a --subnet, remove networks, or configure more with "
          "--pools",
          wish.family == Family::kIpv4 ? "IPv4" : "IPv6", length, list_of(sources))};
}

}  // namespace

Result<PoolReply> IpamService::Impl::request_pool(const PoolRequest& request, Deadline deadline) {
  const PoolWish wish = TRY(check_pool_request(request));
  return wish.pool.has_value() ? request_explicit_pool(wish, deadline)
                               : request_automatic_pool(wish, deadline);
}

Result<PoolReply> IpamService::Impl::request_explicit_pool(const PoolWish& wish, Deadline deadline) {
  const std::string id = pool_id(wish.space, *wish.pool, wish.sub_pool);
  const SpaceKind kind = kind_of_space(wish.space);
  Lock lock(mutex_);
  while (true) {
    Pool* pool = table_.find(id);
    const Parent* parent = table_.find_parent(wish.space, *wish.pool);
    Pool* other = pool == nullptr ? table_.find_overlap(wish.space, *wish.pool, wish.sub_pool) : nullptr;
    if ((pool != nullptr && pool->in_flux()) || (other != nullptr && other->in_flux()) ||
        (parent != nullptr && parent->closing)) {
      if (wait_for_change(lock, deadline)) continue;
      lock.unlock();
      change_epoch([&](const EpochState& state) { return after_failed_replay(state, kind); });
      return busy_pool(id);
    }
    if (other != nullptr && gives_way_locked(*other)) {
      TRY(remove_pool(lock, *other, deadline));
      continue;
    }
    if (other != nullptr) {
      const PoolRecord holder = other->record;
      lock.unlock();
      return overlap(wish, holder, network_of(holder));
    }
    if (pool != nullptr && epoch_.of(kind).unsure) {
      lock.unlock();
      change_epoch([&](const EpochState& state) { return after_replay_sign(state, kind); });
      lock.lock();
      continue;
    }
    note_work_locked(wish.space, Work::kExplicit);
    if (pool == nullptr) return create_pool(lock, wish, *wish.pool, deadline);
    if (auto added = add_reference(lock, *pool, epoch_.of(kind).number, deadline); !added.ok()) {
      lock.unlock();
      change_epoch([&](const EpochState& state) { return after_failed_replay(state, kind); });
      return std::move(added).error();
    }
    return PoolReply{id, *wish.pool};
  }
}

std::string IpamService::Impl::network_of(const PoolRecord& pool) const {
  return local_space_with(pool.pool) == pool.space ? environment_.network_on(pool.pool) : "";
}

Result<std::vector<PoolSource>> IpamService::Impl::sources_for(Family family, Deadline deadline) {
  std::vector<PoolSource> sources;
  for (const PoolSource& source : config_.sources)
    if (source.range.family() == family) sources.push_back(source);
  if (family == Family::kIpv6 && sources.empty()) sources.push_back({TRY(unique_local_prefix(deadline)), 64});
  return sources;
}

Result<PoolReply> IpamService::Impl::request_automatic_pool(const PoolWish& wish, Deadline deadline) {
  const auto sources = TRY(sources_for(wish.family, deadline));
  auto hosts = environment_.host_prefixes();
  if (!hosts.ok())
    return unavailable(
        fmt::format("an automatic pool cannot be chosen without the host's routes ({}); give a "
                    "--subnet, or try again",
                    hosts.error().message));
  Lock lock(mutex_);
  std::vector<Prefix> taken = std::move(hosts).value();
  taken.insert(taken.end(), config_.avoid.begin(), config_.avoid.end());
  const auto planned = table_.plan(wish.space, sources, wish.family, wish.length, taken);
  if (!planned.has_value()) return no_pool_left(wish, sources);
  note_work_locked(wish.space, Work::kAutomatic);
  return create_pool(lock, wish, *planned, deadline);
}

Result<PoolReply> IpamService::Impl::create_pool(Lock& lock, const PoolWish& wish, const Prefix& prefix,
                                                 Deadline deadline) {
  const PoolRecord record{.id = pool_id(wish.space, prefix, wish.sub_pool),
                          .space = wish.space,
                          .pool = prefix,
                          .sub_pool = wish.sub_pool,
                          .options = wish.options,
                          .automatic = !wish.pool.has_value(),
                          .refs = 1,
                          .epoch = epoch_.of(kind_of_space(wish.space)).number,
                          .since = clock_.now()};
  Pool& pool = table_.add(record, wish.settings, PoolState::kFresh);
  mark_reservations_locked(*pool.parent);
  lock.unlock();
  Status committed = store_.commit({{{Table::kPool, record.id, Condition::Kind::kAbsent}},
                                    {put_object(Table::kPool, record.id, to_json(record))}});
  // Still marked as fresh: nobody else has it yet.
  const bool late = committed.ok() && deadline.expired();
  if (late && store_.commit({{}, {{Table::kPool, record.id, std::nullopt}}}).ok())
    committed = late_pool(record.id);
  lock.lock();
  if (committed.ok()) {
    pool.state = PoolState::kSettled;
    // An automatic one was chosen beside all that the host reaches.
    announce_locked(pool, record.automatic ? Reached::kNot : Reached::kMaybe);
  } else {
    table_.remove(pool);
  }
  notify_locked();
  lock.unlock();
  if (!committed.ok()) return std::move(committed).error();
  if (!record.automatic) look_at_wire();
  return PoolReply{record.id, prefix};
}

void IpamService::Impl::mark_reservations_locked(Parent& parent) {
  for (const IpAddress& address : reservations_.within(parent.space, parent.subnet.prefix()))
    parent.subnet.set_reserved(parent.subnet.offset_of(address));
}

Status IpamService::Impl::add_reference(Lock& lock, Pool& pool, uint64_t epoch, Deadline deadline) {
  // A replay counts from one again, and so has nothing to give back when it is late.
  const bool replay = pool.record.epoch != epoch;
  TRY(set_references(lock, pool, replay ? 1 : pool.record.refs + 1, epoch));
  if (replay || !deadline.expired()) return {};
  TRY(set_references(lock, pool, pool.record.refs - 1, epoch));
  return late_pool(pool.record.id);
}

Status IpamService::Impl::set_references(Lock& lock, Pool& pool, int refs, uint64_t epoch) {
  PoolRecord next = pool.record;
  next.refs = refs;
  next.epoch = epoch;
  pool.state = PoolState::kChanging;
  lock.unlock();
  Status committed = store_.commit({{}, {put_object(Table::kPool, next.id, to_json(next))}});
  lock.lock();
  if (committed.ok()) {
    pool.record.refs = refs;
    pool.record.epoch = epoch;
  }
  pool.state = PoolState::kSettled;
  notify_locked();
  return committed;
}

Status IpamService::Impl::release_pool(const std::string& id, Deadline deadline) {
  Lock lock(mutex_);
  while (true) {
    Pool* pool = table_.find(id);
    if (pool == nullptr) return {};
    if (!pool->in_flux()) {
      if (pool->record.refs > 1)
        return set_references(lock, *pool, pool->record.refs - 1, pool->record.epoch);
      return remove_pool(lock, *pool, deadline);
    }
    if (!wait_for_change(lock, deadline)) return busy_pool(id);
  }
}

namespace {

// True while a call is inside the parent, or a pool beside `pool` is being made or changed.
bool occupied(const Parent& parent, const Pool& pool) {
  return parent.visitors > 0 || std::any_of(parent.pools.begin(), parent.pools.end(), [&](const Pool* other) {
           return other != &pool && other->state != PoolState::kSettled;
         });
}

}  // namespace

Status IpamService::Impl::remove_pool(Lock& lock, Pool& pool, Deadline deadline) {
  Parent& parent = *pool.parent;
  parent.closing = true;
  while (occupied(parent, pool)) {
    if (wait_for_change(lock, deadline)) continue;
    parent.closing = false;
    notify_locked();
    return busy_pool(pool.record.id);
  }
  const bool last = parent.pools.size() == 1;
  Transaction transaction;
  transaction.writes.push_back({Table::kPool, pool.record.id, std::nullopt});
  std::vector<Uint128> offsets;
  parent.subnet.for_each([&](Uint128 offset, const Slot&) {
    if (!last && (offset < pool.range.first || offset > pool.range.last)) return;
    offsets.push_back(offset);
    const std::string key =
        address_key(parent.space, parent.subnet.prefix(), parent.subnet.address_at(offset));
    transaction.writes.push_back({Table::kAddress, key, std::nullopt});
  });
  lock.unlock();
  Status committed = store_.commit(transaction);
  lock.lock();
  parent.closing = false;
  if (committed.ok()) {
    for (const Uint128 offset : offsets) parent.subnet.erase(offset);
    table_.remove(pool);
  }
  notify_locked();
  return committed;
}

}  // namespace viaduct::ipam
