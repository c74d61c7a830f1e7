#include <algorithm>

#include "ipam/ipam_impl.h"

// Which address an automatic request should try: its reserved one, its former one, a free one by the pool's policy, the
// one that rested longest. All with the lock held.
namespace viaduct::ipam {

namespace {

// How many rests that are over one call forgets: more than one call can add, and few enough for one commit.
constexpr size_t kMostOutlived = 256;
// A pool whose policy looks at how long an address has rested remembers so many of them at least.
constexpr uint64_t kRemembered = 65536;

}  // namespace

std::optional<Uint128> IpamService::Impl::seek_locked(Pool& pool, const Asker& asker,
                                                      const std::set<Uint128>& tried,
                                                      std::vector<Uint128>& outlived) {
  if (const auto own = reserved_locked(pool, asker, tried)) return own;
  if (const auto own = former_locked(pool, asker, tried)) return own;
  if (const auto any = free_locked(pool, asker, outlived)) return any;
  if (asker.owner == OwnerClass::kGateway) return std::nullopt;
  return outlived.empty() ? pool.parent->subnet.oldest_rest(pool.range) : outlived.front();
}

bool IpamService::Impl::reserved_for_another_locked(const Parent& parent, Uint128 offset,
                                                    const Asker& asker) const {
  if (!parent.subnet.reserved(offset)) return false;
  const auto* reservation = reservations_.find(parent.space, parent.subnet.address_at(offset));
  return reservation != nullptr && !is_for(*reservation, asker);
}

std::optional<Uint128> IpamService::Impl::reserved_locked(const Pool& pool, const Asker& asker,
                                                          const std::set<Uint128>& tried) const {
  if (asker.owner != OwnerClass::kEndpoint) return std::nullopt;
  Parent& parent = *pool.parent;
  const Prefix& prefix = parent.subnet.prefix();
  for (const IpAddress& address : reservations_.for_asker(parent.space, prefix, asker)) {
    const Uint128 offset = parent.subnet.offset_of(address);
    if (tried.contains(offset) || !usable(prefix, address)) continue;
    const Slot* slot = parent.subnet.find(offset);
    if (slot == nullptr) return offset;
    const Holder holder = slot->holder();
    if (holder.rest.has_value() || is_former(holder, asker)) return offset;
  }
  return std::nullopt;
}

std::optional<Uint128> IpamService::Impl::former_locked(const Pool& pool, const Asker& asker,
                                                        const std::set<Uint128>& tried) const {
  Subnet& subnet = pool.parent->subnet;
  if (asker.owner == OwnerClass::kGateway) return subnet.lowest_gateway();
  if (asker.owner != OwnerClass::kEndpoint) return std::nullopt;
  const auto fits = [&](Uint128 offset) {
    const Holder holder = subnet.find(offset)->holder();
    if (holder.rest.has_value() && subnet.aside(offset)) return false;
    // Who asked for an excluded address once has to ask again.
    const bool kept =
        !holder.rest.has_value() || (pool.settings.retention.count() > 0 && pool.range.is_open(offset));
    return kept && is_former(holder, asker) && !reserved_for_another_locked(*pool.parent, offset, asker);
  };
  std::set<Uint128> except = tried;
  while (!asker.name.empty()) {
    const auto named = subnet.find_name(asker.name, pool.range, except);
    if (!named.has_value()) break;
    if (fits(*named)) return named;
    except.insert(*named);
  }
  while (asker.mac.has_value()) {
    const auto known = subnet.find_mac(*asker.mac, pool.range, except);
    if (!known.has_value()) break;
    if (fits(*known)) return known;
    except.insert(*known);
  }
  return std::nullopt;
}

std::optional<Uint128> IpamService::Impl::free_locked(Pool& pool, const Asker& asker,
                                                      std::vector<Uint128>& outlived) {
  Subnet& subnet = pool.parent->subnet;
  if (asker.owner == OwnerClass::kGateway) {
    // The lowest one, wherever other automatic addresses come from, and whoever answers at it.
    for (const Interval& part : pool.gateways()) {
      const auto free = subnet.first_free(part.first, part.last);
      const auto aside = subnet.lowest_aside(part.first, part.last);
      if (free.has_value() && aside.has_value()) return std::min(*free, *aside);
      if (free.has_value() || aside.has_value()) return free.has_value() ? free : aside;
    }
    return std::nullopt;
  }
  const Policy policy = pool.settings.policy;
  auto found = subnet.propose(pool.range, policy, random_());
  if (policy == Policy::kRandom && pool.watch.state == WatchState::kWatched)
    if (const auto silent = any_silent_locked(pool)) return silent;
  if (policy == Policy::kLowest && !outlived.empty()) {
    const auto lowest = std::min_element(outlived.begin(), outlived.end());
    if (!found.has_value() || *lowest < *found) return *lowest;
  }
  if (found.has_value() && (policy == Policy::kLru || policy == Policy::kSerial)) pool.range.cursor = found;
  return found;
}

// So that a random one needs no wait: one of those that were drawn and looked at ahead.
std::optional<Uint128> IpamService::Impl::any_silent_locked(const Pool& pool) {
  auto known = pool.parent->neighbours().all_silent(clock_.uptime(), kSilenceLasts);
  std::erase_if(known, [&](Uint128 offset) { return !pool.parent->subnet.is_free_in(pool.range, offset); });
  if (known.empty()) return std::nullopt;
  return known[random_() % known.size()];
}

std::vector<Uint128> IpamService::Impl::outlived_locked(Pool& pool) {
  std::vector<Uint128> marked;
  Subnet& subnet = pool.parent->subnet;
  const int64_t over = std::max(pool.settings.quarantine, pool.settings.retention).count();
  const int64_t now = lasting_locked();
  const bool remembers = pool.settings.policy == Policy::kLru;
  while (marked.size() < kMostOutlived && (!remembers || pool.range.resting > kRemembered + marked.size())) {
    const auto oldest = subnet.oldest_rest(pool.range);
    if (!oldest.has_value()) break;
    Slot& slot = *subnet.find(*oldest);
    if (now - slot.holder().rest.value_or(now) < over) break;
    slot.state = SlotState::kChanging;
    marked.push_back(*oldest);
  }
  return marked;
}

}  // namespace viaduct::ipam
