#include <fmt/format.h>

#include "ipam/ipam_impl.h"

namespace viaduct::ipam {

namespace {

// How many bound addresses of one MAC are tried before a new address is given: containers that a user gave
// the same MAC.
constexpr size_t kMostFormer = 8;

Status check_address(const Pool& pool, const IpAddress& address) {
  const Prefix& prefix = pool.record.pool;
  if (!prefix.contains(address))
    return invalid_argument(fmt::format("address {} is not in pool {}; choose one from {} to {}",
                                        address.to_string(), pool.record.id, prefix.first().to_string(),
                                        prefix.last().to_string()));
  if (!usable(prefix, address))
    return invalid_argument(fmt::format(
        "address {} of pool {} is the {} address, which no host may carry; choose "
        "another",
        address.to_string(), pool.record.id, address == prefix.first() ? "network" : "broadcast"));
  return {};
}

Error held_by(const Pool& pool, const IpAddress& address, const std::string& holder) {
  return conflict(
      fmt::format("address {} of pool {} is held by {}; choose another --ip, or remove its holder",
                  address.to_string(), pool.record.id, holder));
}

AddressReply reply_with(const Pool& pool, const IpAddress& address) {
  return {InterfaceAddress{address, pool.record.pool.length()}};
}

}  // namespace

Result<IpamService::Impl::Visit> IpamService::Impl::enter(const std::string& pool_id, Deadline deadline) {
  Lock lock(mutex_);
  while (true) {
    Pool* pool = table_.find(pool_id);
    if (pool == nullptr)
      return not_found(
          fmt::format("no pool \"{}\" is held; remove the network that uses it and make it anew", pool_id));
    if (pool->state != PoolState::kFresh && !pool->parent->closing) {
      ++pool->parent->visitors;
      return Visit(*this, *pool);
    }
    if (!wait_for_change(lock, deadline))
      return Error{ErrorCode::kBusy,
                   fmt::format("pool {} is being changed by another call; try again", pool_id)};
  }
}

Result<AddressReply> IpamService::Impl::request_address(const AddressRequest& request, Deadline deadline) {
  const Visit visit = TRY(enter(request.pool_id, deadline));
  Asker asker = asker_of(request);
  if (request.address.has_value()) return request_explicit(visit, *request.address, asker, deadline);
  // An engine that sends neither MAC nor name asks for its endpoints like this.
  if (asker.bare()) asker.owner = OwnerClass::kEndpoint;
  return request_automatic(visit, asker, deadline);
}

std::optional<BoundTo> IpamService::Impl::bound_user(const Parent& parent, const IpAddress& address) const {
  if (parent.space != kLocalSpace) return std::nullopt;
  return environment_.bound_to(parent.subnet.prefix(), address);
}

Result<AddressReply> IpamService::Impl::request_explicit(const Visit& visit, const IpAddress& address,
                                                         const Asker& asker, Deadline deadline) {
  const Parent& parent = visit.parent();
  TRY(check_address(visit.pool(), address));
  Hold hold = TRY(hold_at(visit, parent.subnet.offset_of(address), asker, deadline));
  const auto user = bound_user(parent, address);
  const Moment now = moment(parent.space, user.has_value());
  if (hold.fresh && user && !asker.bare()) return held_by(visit.pool(), address, user->what);
  const auto after = hold.fresh ? new_holder(asker, now) : after_request(hold.before, asker, now);
  if (!after.has_value()) {
    const std::string bound = user ? fmt::format(", in use by {}", user->what) : "";
    return held_by(visit.pool(), address, describe(hold.before) + bound);
  }
  TRY(settle(hold, after, deadline));
  return reply_with(visit.pool(), address);
}

Result<AddressReply> IpamService::Impl::request_automatic(const Visit& visit, const Asker& asker,
                                                          Deadline deadline) {
  const Parent& parent = visit.parent();
  Asker seeker = asker;
  std::set<Uint128> tried;    // own former addresses that are bound: another container with the same MAC
  std::vector<Hold> skipped;  // free ones that are bound; held until the end, so that the search passes them
  while (!deadline.expired()) {
    std::optional<Hold> hold = TRY(hold_any(visit, seeker, tried, deadline));
    if (!hold.has_value()) {
      skipped.clear();
      return exhausted(visit);
    }
    const IpAddress address = hold->address();
    const bool claimed = !hold->fresh && asker.owner == OwnerClass::kGateway;
    const bool bound = !claimed && bound_user(parent, address).has_value();
    if (!bound) {
      const Moment now = moment(parent.space, false);
      TRY(settle(*hold, hold->fresh ? new_holder(asker, now) : after_return(hold->before, asker, now),
                 deadline));
      return reply_with(visit.pool(), address);
    }
    if (hold->fresh) {
      strip(*hold);
      skipped.push_back(std::move(*hold));
    } else if (tried.insert(hold->offset); tried.size() >= kMostFormer) {
      seeker.mac.reset();
    }
  }
  return Error{ErrorCode::kBusy,
               fmt::format("no address of pool {} was found in time; try again", visit.pool().record.id)};
}

Error IpamService::Impl::exhausted(const Visit& visit) const {
  const Lock lock(mutex_);
  const Subnet::Range& range = *visit.pool().range;
  const auto held = [&](OwnerClass owner) { return range.held[static_cast<size_t>(owner)]; };
  // A range that is full has fewer than 2^64 addresses: each is a record in memory.
  const auto capacity = static_cast<uint64_t>(range.last - range.first + 1);
  return {
      ErrorCode::kExhausted,
      fmt::format("pool {} has no free address: {} of {} are held ({} gateway, {} auxiliary, {} endpoint, {} "
                  "swarm); remove containers, or make the network anew with a larger --subnet or --ip-range",
                  visit.pool().record.id, range.total(), capacity, held(OwnerClass::kGateway),
                  held(OwnerClass::kAuxiliary), held(OwnerClass::kEndpoint), held(OwnerClass::kSwarm))};
}

Status IpamService::Impl::release_address(const std::string& pool_id, const IpAddress& address,
                                          Deadline deadline) {
  auto visit = enter(pool_id, deadline);
  if (!visit.ok()) return visit.error().code == ErrorCode::kNotFound ? Status() : Status(visit.error());
  const Parent& parent = visit.value().parent();
  if (!parent.subnet.prefix().contains(address)) return {};
  auto hold = TRY(hold_existing(visit.value(), parent.subnet.offset_of(address), deadline));
  if (!hold.has_value()) return {};
  return settle(*hold, after_release(hold->before, bound_user(parent, address).has_value()), deadline);
}

Result<std::optional<IpamService::Impl::Visit>> IpamService::Impl::enter_local(const Prefix& prefix,
                                                                               Deadline deadline) {
  while (true) {
    std::string id;
    {
      const Lock lock(mutex_);
      const Parent* parent = table_.find_parent(kLocalSpace, prefix);
      if (parent == nullptr) return std::optional<Visit>();
      id = parent->pools.front()->record.id;
    }
    auto visit = enter(id, deadline);
    if (visit.ok()) return std::optional<Visit>(std::move(visit).value());
    // Removed meanwhile: the parent may have another pool.
    if (visit.error().code != ErrorCode::kNotFound || deadline.expired()) return std::move(visit).error();
  }
}

Status IpamService::Impl::endpoint_ended(const Prefix& pool, const IpAddress& address, Deadline deadline,
                                         std::optional<Holder> (*after)(const Holder&)) {
  if (!pool.contains(address)) return {};
  const auto visit = TRY(enter_local(pool, deadline));
  if (!visit.has_value()) return {};
  auto hold = TRY(hold_existing(*visit, visit->parent().subnet.offset_of(address), deadline));
  if (!hold.has_value()) return {};
  return settle(*hold, after(hold->before), deadline);
}

}  // namespace viaduct::ipam
