#include "net/endpoint_lifecycle.h"

#include <fmt/format.h>

#include <chrono>
#include <set>
#include <thread>

#include "base/rollback.h"
#include "net/object_id.h"

namespace viaduct::net {

namespace {

// The kernel takes a sandbox away beside whoever ended it, and the links in it some 20 to 60 ms later (cleanup_net() in
// net/core/net_namespace.c; measured 2026-11 on an idle machine).
constexpr std::chrono::milliseconds kDyingSandbox{1000};
constexpr std::chrono::milliseconds kBetweenLooks{5};

CreateEndpointReply reply_for(const EndpointRecord& endpoint) {
  CreateEndpointReply reply;
  if (!endpoint.request.mac) reply.mac = endpoint.mac;
  reply.ipv6 = endpoint.derived_ipv6;
  return reply;
}

bool same(const std::optional<InterfaceAddress>& a, const std::optional<InterfaceAddress>& b) {
  return a && b && a->address == b->address;
}

Error conflict_with(const EndpointRecord& holder, const EndpointRecord& wanted) {
  std::string what = "MAC " + wanted.mac.to_string();
  if (same(holder.request.ipv4, wanted.request.ipv4))
    what = "address " + wanted.request.ipv4->address.to_string();
  if (same(holder.request.ipv6, wanted.request.ipv6))
    what = "address " + wanted.request.ipv6->address.to_string();
  return conflict(
      fmt::format("{} is in use on network {} by endpoint {}; choose another one, or stop that container",
                  what, short_id(wanted.request.network_id), short_id(holder.request.endpoint_id)));
}

// No container has it, and whoever gives out the addresses has given one of its to another: the engine died, or gave up,
// between making it and joining it. (One MAC may be wanted twice by containers that start side by side.)
bool is_left_behind(const EndpointRecord& holder, const EndpointRecord& wanted) {
  return holder.sandbox_key.empty() &&
         (same(holder.request.ipv4, wanted.request.ipv4) || same(holder.request.ipv6, wanted.request.ipv6));
}

// The same container, to all appearances: whose Leave failed, or was never sent, and whose sandbox may be on its way out.
bool is_former_life(const EndpointRecord& holder, const EndpointRecord& wanted) {
  return holder.mac == wanted.mac &&
         (same(holder.request.ipv4, wanted.request.ipv4) || same(holder.request.ipv6, wanted.request.ipv6));
}

Error endpoint_busy(const std::string& id) {
  return Error{ErrorCode::kBusy,
               fmt::format("endpoint {} is busy: its links are being looked at; try again", short_id(id))};
}

}  // namespace

Result<CreateEndpointReply> EndpointLifecycle::create(const CreateEndpointRequest& request,
                                                      Deadline deadline) {
  TRY(check_id("network", request.network_id));
  TRY(check_id("endpoint", request.endpoint_id));
  const auto lock = TRY(core_.table.lock(request.network_id, deadline));
  const auto stay = core_.endpoints_in_work.enter(request.endpoint_id, deadline);
  if (!stay) return endpoint_busy(request.endpoint_id);
  auto network = core_.table.network(request.network_id);
  if (!network) return unknown_network(request.network_id);
  if (auto known = core_.table.endpoint(request.network_id, request.endpoint_id))
    return repeat(*network, std::move(*known), request);

  PlanContext context = core_.context();
  context.is_taken = [&](const Mac& mac) { return core_.table.has_mac(request.network_id, mac); };
  EndpointRecord record = TRY(ServiceCore::driver_of(*network).accept(*network, request, context));
  record.since = core_.now();
  const auto stale = TRY(stale_holders(*network, record, deadline));
  const NetworkRecord before = *network;
  auto made = spread_.make_links(*network, record);
  if (!made.ok()) return std::move(made).error().with_context("endpoint " + short_id(request.endpoint_id));
  Rollback rollback;
  rollback.add([&] { spread_.undo(before, *network, record); });

  store::Transaction transaction;
  transaction.conditions.push_back(
      {store::Table::kNetwork, request.network_id, store::Condition::Kind::kExists});
  for (const auto& holder : stale) transaction.writes.push_back(removal_of(holder));
  transaction.writes.push_back(write_of(record));
  const bool changed = !network->confirmed || network->further.size() != before.further.size();
  network->confirmed = true;
  if (changed) transaction.writes.push_back(write_of(*network));
  TRY(core_.store.commit(transaction));
  rollback.commit();
  if (changed) core_.table.put(*network);
  for (const auto& holder : stale) {
    core_.erase(holder);
    core_.give_back(*network, holder, &record);
  }
  core_.table.put(record);
  // Whoever looked meanwhile which VLANs are wanted did not see this one.
  if (!record.request.driver_options.empty()) TRY(core_.refresh_uplink(*network, nullptr));
  if (deadline.expired()) return take_back(*network, record);
  return reply_for(record);
}

Error EndpointLifecycle::take_back(const NetworkRecord& network, const EndpointRecord& endpoint) {
  auto removed = remove_locked(network, endpoint);
  if (!removed.ok()) return std::move(removed).error();
  return Error{
      ErrorCode::kBusy,
      fmt::format("endpoint {} of network {} was ready only after its deadline and was taken back; try again",
                  short_id(endpoint.request.endpoint_id), short_id(network.request.id))};
}

Result<CreateEndpointReply> EndpointLifecycle::repeat(const NetworkRecord& network, EndpointRecord known,
                                                      const CreateEndpointRequest& request) {
  if (known.request != request)
    return Error{ErrorCode::kAlreadyExists,
                 fmt::format("endpoint {} of network {} exists with other parameters; delete it first",
                             short_id(request.endpoint_id), short_id(request.network_id))};
  if (TRY(core_.host_link(network, known))) return reply_for(known);
  NetworkRecord current = network;
  TRY(core_.make_links(current, known));
  Rollback rollback;
  rollback.add([&] { static_cast<void>(core_.take_down(network, known)); });
  TRY(core_.store.commit({{}, {write_of(known)}}));
  rollback.commit();
  core_.table.put(known);
  return reply_for(known);
}

Result<std::vector<EndpointRecord>> EndpointLifecycle::stale_holders(const NetworkRecord& network,
                                                                     const EndpointRecord& wanted,
                                                                     Deadline deadline) {
  std::vector<EndpointRecord> stale;
  for (auto& holder : core_.table.holders(wanted)) {
    if (!is_left_behind(holder, wanted) && TRY(outlasts(network, holder, wanted, deadline)))
      return conflict_with(holder, wanted);
    stale.push_back(std::move(holder));
  }
  for (const auto& holder : stale) TRY(core_.take_down(network, holder));
  return stale;
}

Result<bool> EndpointLifecycle::outlasts(const NetworkRecord& network, const EndpointRecord& holder,
                                         const EndpointRecord& wanted, Deadline deadline) {
  const Deadline patience = is_former_life(holder, wanted) ? Deadline::in(kDyingSandbox)
                                                           : Deadline::in(std::chrono::milliseconds(0));
  while (TRY(core_.host_link(network, holder))) {
    if (patience.expired() || deadline.expired()) return true;
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return false;
}

Status EndpointLifecycle::remove(const std::string& network_id, const std::string& endpoint_id,
                                 Deadline deadline) {
  const auto lock = TRY(core_.table.lock(network_id, deadline));
  const auto network = core_.table.network(network_id);
  const auto endpoint = core_.table.endpoint(network_id, endpoint_id);
  if (!network || !endpoint) return {};
  return remove_locked(*network, *endpoint);
}

Status EndpointLifecycle::remove_unjoined(const Prefix& pool, const IpAddress& address, Deadline deadline) {
  const auto use = core_.table.use_of(pool, address);
  if (!use || !use->endpoint || use->endpoint->joined) return {};
  const auto lock = TRY(core_.table.lock(use->network_id, deadline));
  const auto network = core_.table.network(use->network_id);
  const auto endpoint = core_.table.endpoint(use->network_id, use->endpoint->id);
  if (!network || !endpoint) return {};
  return erase_unjoined(*network, *endpoint);
}

Result<uint64_t> EndpointLifecycle::sweep_unjoined(std::chrono::seconds grace, Deadline deadline) {
  const auto now = core_.clock.uptime();
  const auto before = std::exchange(unjoined_, {});
  std::vector<EndpointRecord> due;
  for (const EndpointRecord& seen : core_.table.endpoints()) {
    if (!seen.sandbox_key.empty()) continue;
    const std::pair key(seen.request.network_id, seen.request.endpoint_id);
    const auto known = before.find(key);
    const auto since = unjoined_.emplace(key, known == before.end() ? now : known->second).first->second;
    if (now - since >= grace) due.push_back(seen);
  }
  uint64_t removed = 0;
  for (const EndpointRecord& seen : due) {
    const auto lock = TRY(core_.table.lock(seen.request.network_id, deadline));
    const auto network = core_.table.network(seen.request.network_id);
    const auto endpoint = core_.table.endpoint(seen.request.network_id, seen.request.endpoint_id);
    if (!network || !endpoint || !endpoint->sandbox_key.empty()) continue;
    TRY(erase_unjoined(*network, *endpoint));
    ++removed;
  }
  return removed;
}

Result<uint64_t> EndpointLifecycle::forget_ended(Deadline deadline) {
  uint64_t forgotten = 0;
  std::set<std::string> linked = TRY(core_.aliases_in_service());
  const auto ended = [&](const NetworkRecord& network, const EndpointRecord& endpoint) {
    return !endpoint.sandbox_key.empty() && !linked.contains(core_.plan(network, endpoint).alias);
  };
  for (const EndpointRecord& seen : core_.table.endpoints()) {
    const auto candidate = core_.table.network(seen.request.network_id);
    if (!candidate || !ended(*candidate, seen)) continue;
    const auto lock = TRY(core_.table.lock(seen.request.network_id, deadline));
    const auto network = core_.table.network(seen.request.network_id);
    const auto endpoint = core_.table.endpoint(seen.request.network_id, seen.request.endpoint_id);
    // Its links may have been made since the look.
    if (network && endpoint) linked = TRY(core_.aliases_in_service());
    if (!network || !endpoint || !ended(*network, *endpoint)) continue;
    TRY(core_.forget(*network, {*endpoint}));
    spread_.tidy(network->request.id);
    ++forgotten;
  }
  return forgotten;
}

// The address is not told of: it is being released, or goes as an orphan does.
Status EndpointLifecycle::erase_unjoined(const NetworkRecord& network, const EndpointRecord& endpoint) {
  if (!endpoint.sandbox_key.empty()) return {};
  TRY(core_.take_down(network, endpoint));
  TRY(core_.store.commit({{}, {removal_of(endpoint)}}));
  core_.erase(endpoint);
  spread_.tidy(network.request.id);
  return {};
}

Status EndpointLifecycle::remove_locked(const NetworkRecord& network, const EndpointRecord& endpoint) {
  TRY(core_.take_down(network, endpoint));
  TRY(core_.store.commit({{}, {removal_of(endpoint)}}));
  core_.erase(endpoint);
  spread_.tidy(network.request.id);
  core_.tell_addresses(network, endpoint, nullptr, core_.environment.endpoint_deleted);
  return {};
}

Result<JoinReply> EndpointLifecycle::join(const JoinRequest& request, Deadline deadline) {
  const auto lock = TRY(core_.table.lock(request.network_id, deadline));
  const auto stay = core_.endpoints_in_work.enter(request.endpoint_id, deadline);
  if (!stay) return endpoint_busy(request.endpoint_id);
  const auto network = core_.table.network(request.network_id);
  if (!network) return unknown_network(request.network_id);
  auto endpoint = core_.table.endpoint(request.network_id, request.endpoint_id);
  if (!endpoint) return unknown_endpoint(request.network_id, request.endpoint_id);

  const bool made = TRY(ready_links(*network, *endpoint, request.sandbox_key));
  Rollback rollback;
  if (made) rollback.add([&] { static_cast<void>(core_.take_down(*network, *endpoint)); });
  if (made || endpoint->sandbox_key != request.sandbox_key) {
    endpoint->sandbox_key = request.sandbox_key;
    TRY(core_.store.commit({{}, {write_of(*endpoint)}}));
    core_.table.put(*endpoint);
  }
  rollback.commit();
  core_.announce(*network, *endpoint);
  return ServiceCore::driver_of(*network).join_reply(*network, *endpoint);
}

Result<bool> EndpointLifecycle::ready_links(const NetworkRecord& network, EndpointRecord& endpoint,
                                            const std::string& sandbox_key) {
  const auto host = TRY(core_.host_link(network, endpoint));
  if (host) {
    // The kernel names the other end as long as it is in this network namespace: what has its name may be a stranger's by now.
    const bool peer_here =
        host->lower != 0 && TRY(core_.kernel.link_index(endpoint.peer_link)) == host->lower;
    // A repeated Join of the same sandbox: the engine has moved the peer already.
    const bool in_sandbox = !endpoint.sandbox_key.empty() && endpoint.sandbox_key == sandbox_key;
    if (peer_here || in_sandbox) {
      if (host->master == 0 || !host->up) TRY(core_.repair(network));
      return false;
    }
    TRY(core_.take_down(network, endpoint));
  }
  NetworkRecord current = network;
  TRY(core_.make_links(current, endpoint));
  return true;
}

Status EndpointLifecycle::leave(const std::string& network_id, const std::string& endpoint_id,
                                Deadline deadline) {
  const auto lock = TRY(core_.table.lock(network_id, deadline));
  const auto network = core_.table.network(network_id);
  auto endpoint = core_.table.endpoint(network_id, endpoint_id);
  if (!network || !endpoint) return {};
  TRY(core_.take_down(*network, *endpoint));
  if (endpoint->sandbox_key.empty() && endpoint->ports.empty()) return {};
  endpoint->sandbox_key.clear();
  // Revoke may never have come (trap T14).
  endpoint->ports.clear();
  TRY(core_.store.commit({{}, {write_of(*endpoint)}}));
  core_.table.put(*endpoint);
  core_.publisher.withdraw(endpoint_id);
  return {};
}

}  // namespace viaduct::net
