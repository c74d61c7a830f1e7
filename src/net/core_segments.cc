// ServiceCore's part for segments (segment.h): what networks that share a bridge want of it together.
#include "net/segment.h"
#include "net/service_core.h"

namespace viaduct::net {

void ServiceCore::add_own_vlans(const NetworkRecord& network, VlanSet& vlans) const {
  for (const EndpointRecord& endpoint : table.endpoints_of(network.request.id))
    if (!endpoint.request.driver_options.empty())
      if (const auto own = plan(network, endpoint).vlans) vlans.insert(own->all());
}

NetworkPlan ServiceCore::whole_plan(const NetworkRecord& network) const {
  NetworkPlan whole = plan(network);
  if (!network.segment) return whole;
  VlanSet vlans;
  const bool aware = whole.uplink && whole.uplink->vlans;
  if (aware) vlans = whole.uplink->vlans->all();
  if (aware) add_own_vlans(network, vlans);
  for (const NetworkRecord& other : table.networks()) {
    if (other.request.id == network.request.id || !other.segment ||
        key_of(*other.segment) != key_of(*network.segment))
      continue;
    whole.shared = true;
    if (!aware) continue;
    const NetworkPlan theirs = plan(other);
    vlans.insert(theirs.uplink->vlans->all());
    add_own_vlans(other, vlans);
    whole.host_vlans.insert(theirs.host_vlans);
    if (whole.host_end && theirs.host_end && theirs.host_end->link.name == whole.host_end->link.name)
      whole.host_end->shared = true;
  }
  if (aware) whole.uplink->vlans = on_uplink(vlans);
  return whole;
}

bool ServiceCore::is_of_segment(const Link& link) const {
  for (const NetworkRecord& network : table.networks()) {
    if (!network.segment) continue;
    const NetworkPlan wanted = plan(network);
    if (wanted.bridge.alias != link.alias) continue;
    if (wanted.bridge.name == link.name || (wanted.host_end && wanted.host_end->link.name == link.name))
      return true;
    const auto& below = wanted.uplink ? wanted.uplink->sub_interface : std::nullopt;
    if (below && (below->name == link.name || wanted.uplink->second_name == link.name)) return true;
  }
  return false;
}

Result<NetworkTable::Lock> ServiceCore::lock_segments(Deadline deadline) {
  // The line before a network that nobody can have: ids are longer.
  auto lock = table.lock("segments", deadline);
  if (lock.ok()) return lock;
  return Error{ErrorCode::kBusy, "another network of mode=vlan is being made or removed; try again"};
}

Status ServiceCore::refresh_uplink(const NetworkRecord& network, const EndpointRecord* endpoint) {
  if (!network.segment || !network.segment->aware) return {};
  const auto lock = TRY(lock_segments(Deadline::in(kSegmentPatience)));
  return put_uplink_vlans(network, endpoint);
}

Status ServiceCore::put_uplink_vlans(const NetworkRecord& network, const EndpointRecord* endpoint) {
  if (!network.segment || !network.segment->aware) return {};
  NetworkPlan whole = whole_plan(network);
  if (!whole.uplink) return {};
  if (endpoint != nullptr) {
    VlanSet vlans = whole.uplink->vlans->all();
    if (const auto own = plan(network, *endpoint).vlans) vlans.insert(own->all());
    whole.uplink->vlans = on_uplink(vlans);
  }
  return applier.set_uplink_vlans(whole);
}

}  // namespace viaduct::net
