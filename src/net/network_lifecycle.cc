#include "net/network_lifecycle.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/rollback.h"
#include "net/link_names.h"
#include "net/object_id.h"
#include "net/segment_keeper.h"
#include "net/subnets.h"

namespace viaduct::net {

namespace {

constexpr int kFallbackMtu = 1500;
// Leftovers that one call removes; more than one is rare already.
constexpr int kMostLeftovers = 16;
// Endpoints that one sentence names.
constexpr size_t kMostNamed = 5;

std::vector<Prefix> prefixes_of(const CreateNetworkRequest& request) {
  std::vector<Prefix> prefixes;
  for (const Subnet& subnet : subnets_of(request)) prefixes.push_back(subnet.prefix);
  return prefixes;
}

Error overlap_error(const std::string& id, const NetworkTable::Overlap& overlap) {
  const std::string holder = short_id(overlap.id);
  const std::string where = overlap.record
                                ? fmt::format("(bridge {}), which is on this host", overlap.record->bridge)
                                : std::string("which is being made on this host");
  return Error{
      ErrorCode::kOverlap,
      fmt::format(
          "subnet {} of network {} overlaps {} of network {} {}; choose another --subnet, or remove network "
          "{} (`docker network rm`, or `viaductctl network rm {}` if the engine no longer knows it)",
          overlap.wanted.to_string(), short_id(id), overlap.held.to_string(), holder, where, holder, holder)};
}

Error still_used(const std::string& id, const std::vector<std::string>& endpoints) {
  const size_t shown = std::min(endpoints.size(), kMostNamed);
  std::string names;
  for (size_t i = 0; i < shown; ++i) names += (i == 0 ? "" : ", ") + endpoints[i];
  if (shown < endpoints.size()) names += fmt::format(" and {} more", endpoints.size() - shown);
  return conflict(fmt::format(
      "network {} is in use: {} of its endpoints have links in service ({}); stop their containers, or "
      "disconnect them from it, first",
      short_id(id), endpoints.size(), names));
}

}  // namespace

Status NetworkLifecycle::create(const CreateNetworkRequest& request, Deadline deadline) {
  TRY(check_id("network", request.id));
  const Driver* driver = TRY(driver_for(request.options));
  PlanContext context = core_.context();
  context.uplink_mtu = TRY(core_.kernel.uplink_mtu()).value_or(kFallbackMtu);
  TRY(SegmentKeeper(core_).survey(request, *driver, context));
  if (const auto adopted = TRY(adopted_bridge(request, *driver, context))) {
    context.adopts = true;
    // Its MTU is the least of its ports' unless somebody set it: viaduct's must not change it.
    context.uplink_mtu = adopted->mtu;
  }
  // What is refused is refused before anything is touched.
  const NetworkRecord draft = TRY(driver->accept(request, context));
  if (draft.segment) TRY(SegmentKeeper(core_).agree(draft));
  TRY(clear_the_way(request, deadline));
  const auto lock = TRY(core_.table.lock(request.id, deadline));
  if (const auto known = core_.table.network(request.id)) {
    if (known->request == request) return take_back(*known);
    const auto endpoints = core_.table.endpoints_of(request.id);
    TRY(remove_locked(*known));
    for (const auto& endpoint : endpoints) core_.give_back(*known, endpoint, nullptr);
  }
  if (const auto overlap = core_.table.claim(request.id, prefixes_of(request)))
    return overlap_error(request.id, *overlap);
  TRY(refuse_subnets_of_host(draft));
  TRY(make(request, *driver, std::move(context), deadline));
  if (!deadline.expired()) return {};
  // The engine has been told that the call failed, and will not delete what it does not know of.
  TRY(remove_locked(*core_.table.network(request.id)));
  return Error{ErrorCode::kBusy,
               fmt::format("network {} was ready only after its deadline and was taken back; try again",
                           short_id(request.id))};
}

Result<std::optional<Link>> NetworkLifecycle::adopted_bridge(const CreateNetworkRequest& request,
                                                             const Driver& driver,
                                                             const PlanContext& context) {
  if (!driver.has_named_bridge(request.options)) return std::optional<Link>();
  const std::string name = TRY(driver.accept(request, context)).bridge;
  for (const NetworkRecord& other : core_.table.networks())
    if (other.bridge == name && other.request.id != request.id)
      return conflict(
          fmt::format("bridge {} is network {}'s; give network {} another name for its bridge, or none", name,
                      short_id(other.request.id), short_id(request.id)));
  auto link = TRY(core_.kernel.find_link(name));
  if (!link || !link->in_service()) return std::optional<Link>();
  const auto mark = mark_from_alias(link->alias);
  if (mark && mark->instance == core_.environment.instance) return std::optional<Link>();
  if (link->kind != "bridge")
    return conflict(fmt::format("link {} is no bridge; give network {} another name for its bridge, or none",
                                name, short_id(request.id)));
  return link;
}

Status NetworkLifecycle::take_back(const NetworkRecord& network) {
  auto repair = TRY(core_.repair(network));
  TRY(core_.rules.add(core_.plan(repair.network).rules));
  if (!repair.network.confirmed) {
    repair.network.confirmed = true;
    TRY(core_.store.commit({{}, {write_of(repair.network)}}));
    core_.table.put(repair.network);
  }
  if (!repair.problems.empty()) return unavailable(repair.problems.front());
  // A node of a Swarm that lost its engine creates its networks again and forgets the endpoints
  // (protocol: 4.5).
  return core_.forget(repair.network, repair.missing);
}

Status NetworkLifecycle::make(const CreateNetworkRequest& request, const Driver& driver, PlanContext context,
                              Deadline deadline) {
  std::optional<NetworkTable::Lock> segments;
  if (context.uplink) segments.emplace(TRY(core_.lock_segments(deadline)));
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    NetworkRecord record = TRY(driver.accept(request, context));
    record.since = core_.now();
    record.confirmed = false;
    const NetworkPlan plan = core_.whole_plan(record);
    auto created = core_.applier.create(plan);
    if (!created.ok() && created.error().code == ErrorCode::kAlreadyExists &&
        !driver.has_named_bridge(request.options)) {
      context.taken_names.insert(record.bridge);
      continue;
    }
    if (!created.ok()) return std::move(created).error().with_context("network " + short_id(request.id));
    Rollback rollback;
    rollback.add([&] { static_cast<void>(core_.applier.remove(plan, {})); });
    TRY(core_.store.commit({{}, {write_of(record)}}));
    rollback.commit();
    core_.table.put(record);
    if (record.segment && core_.environment.lan_joined) core_.environment.lan_joined();
    return {};
  }
  // All names are taken: accept() has the words for it.
  TRY(driver.accept(request, context));
  return unavailable(
      fmt::format("network {} gets no bridge: its name is taken as fast as it is chosen; try again",
                  short_id(request.id)));
}

Status NetworkLifecycle::remove(const std::string& id, Deadline deadline) {
  const auto lock = TRY(core_.table.lock(id, deadline));
  const auto network = core_.table.network(id);
  return network ? remove_locked(*network) : Status();
}

Result<std::string> NetworkLifecycle::whole_id(const std::string& beginning) const {
  TRY(check_id("network", beginning));
  std::optional<std::string> found;
  for (const NetworkRecord& network : core_.table.networks()) {
    const std::string& id = network.request.id;
    if (id == beginning) return id;
    if (!id.starts_with(beginning)) continue;
    if (found)
      return invalid_argument(
          fmt::format("several networks have an id that begins with {}; give more of it", beginning));
    found = id;
  }
  if (!found)
    return not_found(fmt::format("viaduct has no network {}; `viaductctl networks` lists those it has",
                                 short_id(beginning)));
  return *found;
}

Status NetworkLifecycle::remove_by_operator(const std::string& id, Deadline deadline) {
  const std::string whole = TRY(whole_id(id));
  const auto lock = TRY(core_.table.lock(whole, deadline));
  const auto network = core_.table.network(whole);
  if (!network) return {};  // the engine was faster
  const auto endpoints = core_.table.endpoints_of(whole);
  std::vector<std::string> living;
  for (const auto& endpoint : endpoints)
    if (TRY(core_.host_link(*network, endpoint))) living.push_back(short_id(endpoint.request.endpoint_id));
  if (!living.empty()) return still_used(whole, living);
  TRY(remove_locked(*network));
  for (const auto& endpoint : endpoints) core_.give_back(*network, endpoint, nullptr);
  return {};
}

Status NetworkLifecycle::remove_locked(const NetworkRecord& network) {
  std::optional<NetworkTable::Lock> segments;
  if (network.segment) segments.emplace(TRY(core_.lock_segments(Deadline::in(kSegmentPatience))));
  store::Transaction transaction;
  transaction.writes.push_back({store::Table::kNetwork, network.request.id, std::nullopt});
  std::vector<VethSpec> specs;
  const auto endpoints = core_.table.endpoints_of(network.request.id);
  for (const auto& endpoint : endpoints) {
    TRY(core_.drop_rules(endpoint));
    specs.push_back(core_.plan(network, endpoint));
    transaction.writes.push_back(removal_of(endpoint));
  }
  auto removed = core_.applier.remove(core_.whole_plan(network), specs);
  if (!removed.ok())
    return std::move(removed).error().with_context("network " + short_id(network.request.id));
  TRY(core_.store.commit(transaction));
  for (const auto& endpoint : endpoints) core_.publisher.withdraw(endpoint.request.endpoint_id);
  core_.table.erase_network(network.request.id);
  if (!network.segment) return {};
  // The VLANs that it alone had are nobody's now; what this cannot do a repair does.
  for (const NetworkRecord& other : core_.table.networks())
    if (other.segment && key_of(*other.segment) == key_of(*network.segment)) {
      static_cast<void>(core_.put_uplink_vlans(other, nullptr));
      break;
    }
  return {};
}

Status NetworkLifecycle::clear_the_way(const CreateNetworkRequest& request, Deadline deadline) {
  const auto wanted = prefixes_of(request);
  const auto subnets = subnets_of(request);
  for (int round = 0; round < kMostLeftovers; ++round) {
    const auto overlap = core_.table.find_overlap(request.id, wanted);
    if (!overlap) return {};
    if (!overlap->record || !is_leftover(*overlap->record, subnets))
      return overlap_error(request.id, *overlap);
    // No other network is locked here: two that clear each other's way cannot wait for each other.
    const auto lock = TRY(core_.table.lock(overlap->id, deadline));
    const auto still_there = core_.table.network(overlap->id);
    if (!still_there) continue;
    if (!is_leftover(*still_there, subnets)) return overlap_error(request.id, *overlap);
    TRY(remove_locked(*still_there));
  }
  return {};
}

bool NetworkLifecycle::is_leftover(const NetworkRecord& network, const std::vector<Subnet>& wanted) {
  if (!core_.environment.pool_claim || !core_.table.endpoints_of(network.request.id).empty()) return false;
  const auto is_left = [&](const Subnet& subnet) {
    const auto others = std::count_if(wanted.begin(), wanted.end(), [&](const Subnet& one) {
      return one.space == subnet.space && one.prefix == subnet.prefix;
    });
    const PoolClaim claim =
        core_.environment.pool_claim(subnet.space, subnet.prefix, network.since, static_cast<int>(others));
    return claim == PoolClaim::kReleased || (claim == PoolClaim::kAbandoned && !network.confirmed);
  };
  const auto subnets = subnets_of(network.request);
  return std::all_of(subnets.begin(), subnets.end(), is_left);
}

Result<bool> NetworkLifecycle::remove_abandoned(const Prefix& subnet, Deadline deadline) {
  for (int round = 0; round < kMostLeftovers; ++round) {
    const auto id = core_.table.network_on(subnet);
    if (!id) return true;
    const auto lock = TRY(core_.table.lock(*id, deadline));
    const auto network = core_.table.network(*id);
    if (!network) continue;
    if (network->confirmed || !is_leftover(*network, {})) return false;
    TRY(remove_locked(*network));
  }
  return false;
}

Status NetworkLifecycle::refuse_subnets_of_host(const NetworkRecord& draft) {
  const CreateNetworkRequest& request = draft.request;
  const std::string adopted = draft.adopted ? draft.bridge : std::string();
  const auto wanted = prefixes_of(request);
  // Where the host has no address it has no route, and none is cut off.
  if (wanted.empty() || (draft.segment && core_.plan(draft).addresses.empty())) return {};
  const auto links = TRY(core_.kernel.links());
  for (const Link& link : links) {
    const auto mark = mark_from_alias(link.alias);
    const bool ours =
        (mark && mark->instance == core_.environment.instance) || !link.in_service() || link.name == adopted;
    // A port's addresses do not route; skipping ports spares a question for each container on the host.
    if (ours || link.master != 0 || (link.group == kLiveGroup && !mark)) continue;
    const auto addresses = core_.kernel.addresses(link.name);
    if (!addresses.ok() && addresses.error().code == ErrorCode::kNotFound)
      continue;  // gone since the list was made
    if (!addresses.ok()) return addresses.error();
    for (const InterfaceAddress& address : addresses.value())
      for (const Prefix& subnet : wanted)
        if (subnet.overlaps(address.network()))
          return Error{
              ErrorCode::kOverlap,
              fmt::format(
                  "subnet {} of network {} overlaps {} of link {} on this host, which would lose what "
                  "it reaches there; choose another --subnet",
                  subnet.to_string(), short_id(request.id), address.to_string(), link.name)};
  }
  return {};
}

}  // namespace viaduct::net
