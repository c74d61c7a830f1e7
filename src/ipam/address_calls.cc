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

std::string shown(Uint128 count) {
  constexpr Uint128 kMost = ~uint64_t{0};
  return count > kMost ? "more than 2^64" : fmt::format("{}", static_cast<uint64_t>(count));
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

Result<IpamService::Impl::Visit> IpamService::Impl::enter_for(const std::string& pool_id,
                                                              const IpAddress& address, Deadline deadline) {
  Visit visit = TRY(enter(pool_id, deadline));
  if (visit.pool().record.pool.contains(address)) return visit;
  for (const Prefix& prefix : visit.pool().settings.spill) {
    if (!prefix.contains(address)) continue;
    auto other = TRY(enter_subnet(visit.parent().space, prefix, deadline));
    if (other.has_value()) return std::move(*other);
  }
  return visit;
}

Result<AddressReply> IpamService::Impl::request_address(const AddressRequest& request, Deadline deadline) {
  Asker asker = asker_of(request);
  if (request.address.has_value()) {
    const Visit visit = TRY(enter_for(request.pool_id, *request.address, deadline));
    auto reply = request_explicit(visit, *request.address, asker, deadline);
    if (!reply.ok()) note_failed_claim(visit);
    return reply;
  }
  const Visit visit = TRY(enter(request.pool_id, deadline));
  // An engine that sends neither MAC nor name asks for its endpoints like this.
  if (asker.bare()) asker.owner = OwnerClass::kEndpoint;
  return request_automatic(visit, asker, deadline);
}

std::string IpamService::Impl::bound_user(const Hold& hold) const {
  const Parent& parent = hold.parent();
  if (kind_of_space(parent.space) != SpaceKind::kLocal) return "";
  const auto user = environment_.bound_to(parent.subnet.prefix(), hold.address());
  if (!user.has_value()) return "";
  // Networks do not say in which space their pool lies. Where several may hold this subnet, the endpoint is this space's
  // if it has the MAC that the address was given for.
  const bool same_mac = !hold.fresh && hold.before.mac.has_value() && hold.before.mac == user->mac;
  return parent.space == kLocalSpace || same_mac ? user->what : "";
}

Result<AddressReply> IpamService::Impl::request_explicit(const Visit& visit, const IpAddress& address,
                                                         const Asker& asker, Deadline deadline) {
  const Parent& parent = visit.parent();
  TRY(check_address(visit.pool(), address));
  const Uint128 offset = parent.subnet.offset_of(address);
  Hold hold = TRY(hold_at(visit, offset, asker, deadline));
  const std::string user = bound_user(hold);
  const Moment now = moment(hold, !user.empty());
  if (hold.fresh && !user.empty() && !asker.bare()) return held_by(visit.pool(), address, user);
  if (hold.nobodys() && asker.owner == OwnerClass::kEndpoint) TRY(refuse_reserved(visit, offset, asker));
  const auto after = hold.fresh ? new_holder(asker, now) : after_request(hold.before, asker, now);
  if (!after.has_value()) {
    const std::string bound = user.empty() ? "" : fmt::format(", in use by {}", user);
    return held_by(visit.pool(), address, describe(hold.before) + bound);
  }
  TRY(settle(hold, after, deadline));
  // Whoever names an address decides.
  tell_if_answered(visit, address, asker.owner);
  return reply_with(visit.pool(), address);
}

Status IpamService::Impl::refuse_reserved(const Visit& visit, Uint128 offset, const Asker& asker) const {
  const Lock lock(mutex_);
  const Parent& parent = visit.parent();
  if (!reserved_for_another_locked(parent, offset, asker)) return {};
  const IpAddress address = parent.subnet.address_at(offset);
  return conflict(
      fmt::format("address {} of pool {} is reserved for {}; choose another --ip, or take the reservation "
                  "back with viaductctl address unreserve {}",
                  address.to_string(), visit.pool().record.id,
                  reserved_for(*reservations_.find(parent.space, address)), address.to_string()));
}

Result<AddressReply> IpamService::Impl::request_automatic(const Visit& visit, const Asker& asker,
                                                          Deadline deadline) {
  const Deadline patience = Deadline::in(std::min(kVerdictPatience, deadline.remaining()));
  std::vector<std::string> full = {visit.pool().record.id};
  if (auto taken = TRY(take_one(visit, asker, patience, deadline))) return std::move(*taken);
  while (TRY(end_former_term(visit, 1, deadline)) > 0)
    if (auto taken = TRY(take_one(visit, asker, patience, deadline))) return std::move(*taken);
  // A gateway of another subnet would be none.
  if (asker.owner == OwnerClass::kGateway) return exhausted(full);
  for (const Prefix& prefix : visit.pool().settings.spill) {
    if (prefix.family() != visit.pool().record.pool.family() || prefix == visit.pool().record.pool) continue;
    const auto next = TRY(enter_subnet(visit.parent().space, prefix, deadline));
    if (!next.has_value()) continue;
    full.push_back(next->pool().record.id);
    if (auto taken = TRY(take_one(*next, asker, patience, deadline))) return std::move(*taken);
  }
  return exhausted(full);
}

Result<std::optional<AddressReply>> IpamService::Impl::take_one(const Visit& visit, const Asker& asker,
                                                                Deadline patience, Deadline deadline) {
  Asker seeker = asker;
  size_t bound_formers = 0;
  std::set<Uint128> tried;    // own former addresses that are bound: another container with the same MAC
  std::vector<Hold> skipped;  // nobody's, and yet bound; held until the end, so that the search passes them
  while (!deadline.expired()) {
    std::optional<Hold> hold = TRY(hold_any(visit, seeker, tried, deadline));
    if (!hold.has_value()) return std::optional<AddressReply>();
    const IpAddress address = hold->address();
    const bool claimed = !hold->fresh && asker.owner == OwnerClass::kGateway;
    if (claimed || bound_user(*hold).empty()) {
      const Wire wire = ask_wire(visit, *hold, asker, patience);
      if (wire == Wire::kForeign) {
        tried.insert(hold->offset);
        continue;
      }
      const Moment now = moment(*hold, false);
      const bool returns = !hold->fresh && (claimed || is_former(hold->before, asker));
      TRY(settle(*hold, returns ? after_return(hold->before, asker, now) : new_holder(asker, now), deadline));
      if (wire == Wire::kUnheard) tell_unheard(visit, address, asker.owner);
      if (wire == Wire::kUnasked) tell_if_answered(visit, address, asker.owner);
      return std::optional(reply_with(visit.pool(), address));
    }
    tried.insert(hold->offset);
    if (hold->nobodys()) {
      strip(*hold);
      skipped.push_back(std::move(*hold));
    } else if (++bound_formers >= kMostFormer) {
      seeker.mac.reset();
    }
  }
  return Error{ErrorCode::kBusy,
               fmt::format("no address of pool {} was found in time; try again", visit.pool().record.id)};
}

Error IpamService::Impl::exhausted(const std::vector<std::string>& pool_ids) const {
  const Lock lock(mutex_);
  std::string counts;
  uint64_t aside = 0;
  for (const std::string& id : pool_ids) {
    const Pool* found = table_.find(id);
    if (found == nullptr) continue;
    const PoolView view = view_locked(*found);
    const auto held = [&](OwnerClass owner) { return view.held[static_cast<size_t>(owner)]; };
    counts += fmt::format(
        "{}pool {} has no free address: {} of {} are held ({} gateway, {} auxiliary, {} endpoint, {} "
        "swarm)",
        counts.empty() ? "" : "; ", id, view.used, shown(view.capacity), held(OwnerClass::kGateway),
        held(OwnerClass::kAuxiliary), held(OwnerClass::kEndpoint), held(OwnerClass::kSwarm));
    if (view.reserved > 0) counts += fmt::format(", {} reserved", view.reserved);
    aside += view.set_aside;
    if (view.set_aside > 0)
      counts += fmt::format(", {} set aside because foreign hosts answer there", view.set_aside);
    if (view.excluded > 0) counts += fmt::format(", {} excluded", shown(view.excluded));
  }
  return {
      ErrorCode::kExhausted,
      counts +
          (aside > 0
               ? "; take the foreign hosts off the subnet, or make the network anew with --ipam-opt probe=off"
               : "") +
          "; remove containers, or make the network anew with a larger --subnet or --ip-range (viaductctl "
          "address ls shows who holds them)"};
}

Status IpamService::Impl::release_address(const std::string& pool_id, const IpAddress& address,
                                          Deadline deadline) {
  auto visit = enter_for(pool_id, address, deadline);
  if (!visit.ok()) return visit.error().code == ErrorCode::kNotFound ? Status() : Status(visit.error());
  const Parent& parent = visit.value().parent();
  if (!parent.subnet.prefix().contains(address)) return {};
  auto hold = TRY(hold_existing(visit.value(), parent.subnet.offset_of(address), deadline));
  if (!hold.has_value()) return {};
  const bool bound = !bound_user(*hold).empty();
  // The engine rolls back an endpoint whose making failed for it, though not here. While the address is marked no other
  // endpoint gets it.
  if (!bound && hold->before.owner == OwnerClass::kEndpoint &&
      local_space_with(parent.subnet.prefix()) == parent.space)
    TRY(environment_.remove_unjoined(parent.subnet.prefix(), address, deadline));
  return settle(*hold, after_release(hold->before, moment(*hold, bound)), deadline);
}

Result<std::optional<IpamService::Impl::Visit>> IpamService::Impl::enter_subnet(const std::string& space,
                                                                                const Prefix& prefix,
                                                                                Deadline deadline) {
  while (true) {
    std::string id;
    {
      const Lock lock(mutex_);
      const Parent* parent = table_.find_parent(space, prefix);
      if (parent == nullptr) return std::optional<Visit>();
      id = parent->any_pool().record.id;
    }
    auto visit = enter(id, deadline);
    if (visit.ok()) return std::optional<Visit>(std::move(visit).value());
    // Removed meanwhile: the parent may have another pool.
    if (visit.error().code != ErrorCode::kNotFound || deadline.expired()) return std::move(visit).error();
  }
}

// Networks do not say in which space their pool lies: "local" where that has the subnet, else the only one that does.
std::optional<std::string> IpamService::Impl::local_space_with(const Prefix& prefix) const {
  const Lock lock(mutex_);
  if (table_.find_parent(kLocalSpace, prefix) != nullptr) return kLocalSpace;
  std::optional<std::string> only;
  for (const std::string& space : table_.spaces()) {
    if (kind_of_space(space) != SpaceKind::kLocal || table_.find_parent(space, prefix) == nullptr) continue;
    if (only.has_value()) return std::nullopt;
    only = space;
  }
  return only;
}

Status IpamService::Impl::endpoint_ended(const Prefix& pool, const IpAddress& address, Deadline deadline,
                                         After after) {
  const auto space = pool.contains(address) ? local_space_with(pool) : std::nullopt;
  if (!space.has_value()) return {};
  const auto visit = TRY(enter_subnet(*space, pool, deadline));
  if (!visit.has_value()) return {};
  auto hold = TRY(hold_existing(*visit, visit->parent().subnet.offset_of(address), deadline));
  if (!hold.has_value()) return {};
  return settle(*hold, after(hold->before, moment(*hold, false)), deadline);
}

}  // namespace viaduct::ipam
