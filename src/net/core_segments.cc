// ServiceCore's part for segments (segment.h): what networks that share a bridge want of it together.
#include "net/segment.h"
#include "net/service_core.h"

namespace viaduct::net {

namespace {

std::set<std::string> links_on_segment(const NetworkPlan& plan) {
  std::set<std::string> names{plan.bridge.name};
  if (plan.host_end) names.insert(plan.host_end->link.name);
  if (plan.uplink && plan.uplink->sub_interface)
    names.insert({plan.uplink->sub_interface->name, plan.uplink->second_name});
  return names;
}

}  // namespace

std::optional<SegmentShare> ServiceCore::share_of(
    const NetworkRecord& network, const std::map<std::string, EndpointRecord>& endpoints) const {
  if (!network.segment) return std::nullopt;
  const NetworkPlan wanted = plan(network);
  SegmentShare share;
  share.segment = key_of(*network.segment);
  share.host_vlans = wanted.host_vlans;
  share.links = links_on_segment(wanted);
  if (!wanted.uplink || !wanted.uplink->vlans) return share;
  share.vlans = wanted.uplink->vlans->all();
  for (const auto& [id, endpoint] : endpoints) add_own_vlans(network, endpoint, share.vlans);
  return share;
}

void ServiceCore::add_own_vlans(const NetworkRecord& network, const EndpointRecord& endpoint,
                                VlanSet& vlans) const {
  // Without options of its own it has those of the network.
  if (endpoint.request.driver_options.empty()) return;
  if (const auto own = plan(network, endpoint).vlans) vlans.insert(own->all());
}

NetworkPlan ServiceCore::whole_plan(const NetworkRecord& network) const {
  NetworkPlan whole = plan(network);
  if (!network.segment) return whole;
  const std::string segment = key_of(*network.segment);
  const auto others = table.others_of_segment(network.request.id, segment, links_on_segment(whole));
  whole.shared = others.any;
  if (!whole.uplink || !whole.uplink->vlans) return whole;
  VlanSet vlans = whole.uplink->vlans->all();
  vlans.insert(others.vlans);
  for (const EndpointRecord& endpoint : table.endpoints_of(network.request.id))
    add_own_vlans(network, endpoint, vlans);
  whole.host_vlans.insert(others.host_vlans);
  if (whole.host_end) whole.host_end->shared = others.links.contains(whole.host_end->link.name);
  whole.uplink->vlans = on_uplink(vlans);
  return whole;
}

bool ServiceCore::is_of_segment(const Link& link) const {
  const auto mark = mark_from_alias(link.alias);
  return mark && mark->kind == LinkMark::Kind::kSegment && mark->instance == environment.instance &&
         table.segment_has_link(mark->id, link.name);
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
    add_own_vlans(network, *endpoint, vlans);
    whole.uplink->vlans = on_uplink(vlans);
  }
  return applier.set_uplink_vlans(whole);
}

}  // namespace viaduct::net
