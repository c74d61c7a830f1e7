#include <set>

#include "ipam/ipam_impl.h"

// Foreign hosts on the wire: which addresses to look for, what the answers change, and the wait for a verdict.
namespace viaduct::ipam {

namespace {

// A pool that nobody asked for so long is not looked at ahead; its next request waits for a verdict.
constexpr std::chrono::seconds kIdle = std::chrono::minutes(10);

}  // namespace

void IpamService::Impl::announce_locked(Pool& pool, Reached reached) {
  pool.asked_at = clock_.uptime();
  if (pool.settings.probe == Probe::kOff) {
    pool.watch = {WatchState::kNone, "probe=off"};
  } else if (kind_of_space(pool.record.space) != SpaceKind::kLocal) {
    // Until the other half knows by which link.
    pool.watch = {WatchState::kNone, std::string(kForOtherHosts)};
  } else if (reached == Reached::kNot) {
    pool.watch = {WatchState::kNone, "no link of this host reaches the subnet directly"};
  } else if (environment_.look_at_wire) {
    unsurveyed_.push_back(pool.record.id);
  }
}

void IpamService::Impl::look_at_wire() const {
  if (environment_.look_at_wire) environment_.look_at_wire();
}

std::vector<ProbedPool> IpamService::Impl::pools_to_survey(Survey which) {
  const Lock lock(mutex_);
  std::vector<ProbedPool> out;
  const auto add = [&](const Pool& pool) {
    if (pool.settings.probe == Probe::kOff || pool.state == PoolState::kFresh) return;
    const bool for_swarm = kind_of_space(pool.record.space) == SpaceKind::kGlobal;
    out.push_back({pool.record.id, pool.record.pool, pool.settings.probe, for_swarm});
  };
  if (which == Survey::kAll)
    for (const Pool* pool : table_.all()) {
      expire_locked(*pool->parent, clock_.uptime());
      add(*pool);
    }
  else
    for (const std::string& id : unsurveyed_)
      if (const Pool* pool = table_.find(id); pool != nullptr && pool->watch.state == WatchState::kUnknown)
        add(*pool);
  unsurveyed_.clear();
  return out;
}

void IpamService::Impl::set_watch(const std::string& pool_id, const Watch& watch) {
  const Lock lock(mutex_);
  Pool* pool = table_.find(pool_id);
  if (pool == nullptr || pool->settings.probe == Probe::kOff) return;
  const bool changed = pool->watch.state != watch.state;
  pool->watch = watch;
  if (watch.state == WatchState::kWatched)
    watched_.insert(pool_id);
  else
    watched_.erase(pool_id);
  if (changed) notify_locked();
}

void IpamService::Impl::expire_locked(Parent& parent, std::chrono::seconds now) {
  if (parent.heard == nullptr) return;
  for (const Uint128 offset : parent.heard->expire(now)) parent.subnet.clear_aside(offset);
}

std::vector<Uint128> IpamService::Impl::ahead_locked(const Pool& pool, std::chrono::seconds now) {
  const Subnet& subnet = pool.parent->subnet;
  const Neighbours& neighbours = pool.parent->neighbours();
  std::vector<Uint128> ahead;
  if (pool.settings.policy == Policy::kRandom) {
    // One of those that are known to be silent comes next (any_silent_locked()): drawn here.
    for (const Uint128 offset : neighbours.all_silent(now, kSilenceAges))
      if (subnet.is_free_in(pool.range, offset)) ahead.push_back(offset);
    while (ahead.size() < kLookAhead) {
      const auto drawn = subnet.propose(pool.range, Policy::kRandom, random_());
      if (!drawn.has_value()) break;
      ahead.push_back(*drawn);
    }
  }
  if (ahead.empty()) {
    const bool random = pool.settings.policy == Policy::kRandom;  // and nothing is free
    ahead = subnet.upcoming(pool.range, random ? Policy::kLru : pool.settings.policy, kLookAhead);
  }
  std::erase_if(ahead, [&](Uint128 offset) { return neighbours.silent(offset, now, kSilenceAges); });
  return ahead;
}

ProbeTarget IpamService::Impl::target_locked(const Pool& pool, std::chrono::seconds now) {
  std::set<Uint128> due;
  for (const Uint128 offset : pool.parent->neighbours().wanted())
    if (pool.parent->pool_at(offset) == &pool) due.insert(offset);
  if (now - pool.asked_at < kIdle)
    for (const Uint128 offset : ahead_locked(pool, now)) due.insert(offset);
  ProbeTarget target{.pool_id = pool.record.id, .addresses = {}};
  for (const Uint128 offset : due) target.addresses.push_back(pool.parent->subnet.address_at(offset));
  return target;
}

std::vector<ProbeTarget> IpamService::Impl::probe_targets() {
  const Lock lock(mutex_);
  const auto now = clock_.uptime();
  std::vector<ProbeTarget> out;
  for (auto at = watched_.begin(); at != watched_.end();) {
    Pool* pool = table_.find(*at);
    if (pool == nullptr || pool->watch.state != WatchState::kWatched) {
      at = watched_.erase(at);
      continue;
    }
    ++at;
    expire_locked(*pool->parent, now);
    if (auto target = target_locked(*pool, now); !target.addresses.empty()) out.push_back(std::move(target));
  }
  return out;
}

ProbeOutcome IpamService::Impl::probed(const ProbeTarget& asked, const std::vector<ProbeAnswer>& answers) {
  const Lock lock(mutex_);
  ProbeOutcome outcome;
  const Pool* pool = table_.find(asked.pool_id);
  if (pool == nullptr) return outcome;
  Subnet& subnet = pool->parent->subnet;
  std::vector<Uint128> offsets;
  for (const IpAddress& address : asked.addresses)
    if (subnet.prefix().contains(address)) offsets.push_back(subnet.offset_of(address));
  std::multimap<Uint128, Mac> foreign;
  for (const auto& [address, mac] : answers) {
    if (!subnet.prefix().contains(address)) continue;
    const Uint128 offset = subnet.offset_of(address);
    // Given meanwhile, or an endpoint of ours that is about to go.
    const Slot* slot = subnet.find(offset);
    const bool held = slot != nullptr && !slot->resting && slot->state != SlotState::kFresh;
    if (!held && !subnet.has_mac(mac)) foreign.emplace(offset, mac);
  }
  const auto lesson =
      pool->parent->neighbours_to_hear().learn(offsets, foreign, {clock_.uptime(), clock_.now()});
  for (const auto& [offset, mac] : lesson.set_aside) {
    subnet.set_aside(offset);
    outcome.set_aside.push_back({subnet.address_at(offset), mac});
  }
  for (const Uint128 offset : lesson.given_back) subnet.clear_aside(offset);
  outcome.proxies = lesson.proxies;
  notify_locked();
  return outcome;
}

IpamService::Impl::Wire IpamService::Impl::ask_wire(const Visit& visit, const Hold& hold, const Asker& asker,
                                                    Deadline patience) {
  // A gateway may be the router that the subnet has.
  if (asker.owner == OwnerClass::kGateway || !hold.nobodys()) return Wire::kUnasked;
  Lock lock(mutex_);
  Pool& pool = visit.pool();
  if (hold.parent().subnet.reserved(hold.offset)) return Wire::kUnasked;
  if (!environment_.look_at_wire || pool.watch.state == WatchState::kNone) return Wire::kSilent;
  pool.asked_at = clock_.uptime();
  // Ours until a moment ago.
  if (hold.before.rest.has_value() && lasting_locked() - *hold.before.rest < kSilenceLasts.count() &&
      !pool.parent->subnet.aside(hold.offset))
    return Wire::kSilent;
  Neighbours& neighbours = pool.parent->neighbours_to_hear();
  bool asked = false;
  while (pool.watch.state != WatchState::kNone) {
    const auto verdict = neighbours.verdict(hold.offset, clock_.uptime());
    if (verdict != Neighbours::Verdict::kUnknown) {
      neighbours.unwant(hold.offset);
      lock.unlock();
      // One fewer is known ahead.
      if (!asked) look_at_wire();
      return verdict == Neighbours::Verdict::kSilent ? Wire::kSilent : Wire::kForeign;
    }
    if (!asked) {
      neighbours.want(hold.offset);
      asked = true;
      lock.unlock();
      look_at_wire();
      lock.lock();
      continue;
    }
    if (wait_for_change(lock, patience)) continue;
    neighbours.unwant(hold.offset);
    return Wire::kUnheard;
  }
  neighbours.unwant(hold.offset);
  return Wire::kSilent;
}

void IpamService::Impl::tell_if_answered(const Visit& visit, const IpAddress& address,
                                         OwnerClass owner) const {
  std::optional<Mac> mac;
  {
    const Lock lock(mutex_);
    const Parent& parent = visit.parent();
    const auto* seen = parent.neighbours().sighting(parent.subnet.offset_of(address));
    if (seen != nullptr) mac = seen->mac;
  }
  if (mac.has_value() && environment_.unsure_gift)
    environment_.unsure_gift({visit.pool().record.id, address, owner, mac});
}

void IpamService::Impl::tell_unheard(const Visit& visit, const IpAddress& address, OwnerClass owner) const {
  if (environment_.unsure_gift) environment_.unsure_gift({visit.pool().record.id, address, owner, {}});
}

}  // namespace viaduct::ipam
