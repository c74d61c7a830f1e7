#include "net/bridge_spread.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/rollback.h"
#include "net/link_names.h"
#include "net/object_id.h"
#include "net/spread.h"

namespace viaduct::net {

namespace {

std::set<int> added_to(const std::set<int>& before, const NetworkRecord& network) {
  std::set<int> added = numbers_of(network);
  for (const int number : before) added.erase(number);
  return added;
}

}  // namespace

Status BridgeSpread::make_links(NetworkRecord& network, EndpointRecord& endpoint) {
  // A bridge that several networks share has one uplink, and is not spread.
  if (network.segment) {
    if (!endpoint.request.driver_options.empty()) TRY(core_.refresh_uplink(network, &endpoint));
    return core_.make_links(network, endpoint);
  }
  const std::set<int> before = numbers_of(network);
  const EndpointCounts counts = core_.table.counts_of(network.request.id);
  Rollback rollback;
  rollback.add([&] { remove_bridges(network, added_to(before, network)); });
  std::set<int> full;
  for (;;) {
    const auto chosen = choose_bridge(network, counts, full);
    endpoint.bridge = chosen ? *chosen : TRY(add_bridge(network));
    auto made = core_.make_links(network, endpoint);
    // Ports that no record knows of: links that are not reaped yet, strangers' on a bridge that is not viaduct's.
    const bool is_full = !made.ok() && made.error().sys_errno == EXFULL;
    if (is_full && full.insert(endpoint.bridge).second && chosen) continue;
    if (made.ok()) rollback.commit();
    return made;
  }
}

void BridgeSpread::undo(const NetworkRecord& before, NetworkRecord& network, const EndpointRecord& endpoint) {
  static_cast<void>(core_.take_down(network, endpoint));
  remove_bridges(network, added_to(numbers_of(before), network));
}

Result<int> BridgeSpread::add_bridge(NetworkRecord& network) {
  PlanContext names = core_.context();
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    NetworkRecord wider = network;
    const int number = next_number(network);
    std::string name = TRY(further_bridge_name(network.request.id, number, names.taken_names));
    names.taken_names.insert(name);
    const auto after = std::find_if(wider.further.begin(), wider.further.end(),
                                    [&](const FurtherBridge& other) { return other.number > number; });
    wider.further.insert(after, {number, std::move(name), Mac::random()});
    const NetworkPlan plan = core_.plan(wider);
    const auto added = std::find_if(
        plan.further.begin(), plan.further.end(),
        [&](const FurtherPlan& further) { return further.bridge.name == bridge_of(wider, number); });
    // What passes the new bridge must be allowed to before it is there.
    Rollback rollback;
    rollback.add([&] { static_cast<void>(core_.rules.add(core_.plan(network).rules)); });
    TRY(core_.rules.add(plan.rules));
    auto created = core_.applier.create_further(*added);
    if (!created.ok() && created.error().code == ErrorCode::kAlreadyExists) continue;
    TRY(std::move(created));
    rollback.commit();
    network = std::move(wider);
    return number;
  }
  return unavailable(
      fmt::format("network {} gets no further bridge: its name is taken as fast as it is chosen; try again",
                  short_id(network.request.id)));
}

void BridgeSpread::remove_bridges(NetworkRecord& network, const std::set<int>& numbers) {
  if (numbers.empty()) return;
  const NetworkPlan plan = core_.plan(network);
  // What cannot be taken away now has no record, and is removed by the next reconcile().
  for (size_t i = 0; i < network.further.size(); ++i)
    if (numbers.contains(network.further[i].number))
      static_cast<void>(core_.applier.remove_further(plan.further[i]));
  std::erase_if(network.further,
                [&](const FurtherBridge& bridge) { return numbers.contains(bridge.number); });
  static_cast<void>(core_.rules.add(core_.plan(network).rules));
}

void BridgeSpread::tidy(const std::string& network_id) {
  auto network = core_.table.network(network_id);
  if (!network || network->further.empty()) return;
  const EndpointCounts counts = core_.table.counts_of(network_id);
  std::set<int> idle;
  NetworkRecord rest = *network;
  for (const FurtherBridge& bridge : network->further) {
    if (!is_superfluous(rest, counts, bridge.number)) continue;
    idle.insert(bridge.number);
    std::erase_if(rest.further, [&](const FurtherBridge& one) { return one.number == bridge.number; });
  }
  if (idle.empty()) return;
  remove_bridges(*network, idle);
  if (core_.store.commit({{}, {write_of(*network)}}).ok()) core_.table.put(*network);
}

}  // namespace viaduct::net
