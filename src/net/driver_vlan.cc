#include "net/driver_vlan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "net/driver_parts.h"
#include "net/object_id.h"

namespace viaduct::net {

namespace {

// By which a user says the host's own addresses, with --aux-address.
constexpr std::array kHostNames = {"HostIPv4", "HostIPv6"};

bool is_aware(const NetworkOptions& options) {
  return options.vlan_aware.value_or(options.trunk.has_value());
}

std::string subject(const CreateNetworkRequest& request) {
  return "network " + short_id(request.id);
}

Status check_options(const CreateNetworkRequest& request, const NetworkOptions& options) {
  if (options.parent.empty())
    return invalid_argument(fmt::format(
        "{} of mode=vlan names no link to stand on; give parent=, such as parent=eth1", subject(request)));
  if (request.internal)
    return invalid_argument(fmt::format(
        "{} is to be internal and has parent={}, which leads outside; leave --internal out, or make it of "
        "mode=bridge",
        subject(request), options.parent));
  if (options.vlan_protocol && !options.vlan && !is_aware(options) &&
      options.parent.find('.') == std::string::npos)
    return invalid_argument(
        fmt::format("{} has vlan_proto= and no VLAN; give vlan=, or leave it out", subject(request)));
  if (options.ipv6_prefix && has_family(subnets_of(request), Family::kIpv6))
    return invalid_argument(fmt::format(
        "{} has ipv6_prefix= and an IPv6 subnet; give one of them: the prefix is for networks whose engine "
        "gives no IPv6 addresses",
        subject(request)));
  if (options.ipv6_prefix && options.mtu && *options.mtu < kLeastIpv6Mtu)
    return invalid_argument(fmt::format("{} has ipv6_prefix= and an MTU of {}, while IPv6 needs {}",
                                        subject(request), *options.mtu, kLeastIpv6Mtu));
  if ((options.trunk || options.native) && !is_aware(options))
    return invalid_argument(
        fmt::format("{} has trunk= or native=, which need vlan_aware=true; give that", subject(request)));
  if (is_aware(options) &&
      (options.vlan == kUntaggedVlan || (options.trunk && options.trunk->contains(kUntaggedVlan))))
    return invalid_argument(fmt::format(
        "{} asks for VLAN 1 tagged on a VLAN-aware bridge, which calls the untagged frames that; leave vlan= "
        "out for those, or vlan_aware= for a sub-interface",
        subject(request)));
  return {};
}

// With the subnet's length, so that the host has the route to all of it.
std::vector<InterfaceAddress> host_addresses(const CreateNetworkRequest& request) {
  std::vector<InterfaceAddress> addresses;
  const auto subnets = subnets_of(request);
  for (const char* name : kHostNames) {
    const auto address = auxiliary_address(request, name);
    const Subnet* subnet = address ? subnet_of(subnets, *address) : nullptr;
    if (subnet != nullptr) addresses.push_back({*address, subnet->prefix.length()});
  }
  return addresses;
}

Status check_host_access(const CreateNetworkRequest& request, const NetworkOptions& options,
                         const Uplink& uplink) {
  const bool given = !host_addresses(request).empty();
  if (!options.host_access && given)
    return invalid_argument(fmt::format(
        "{} names an address of the host (--aux-address HostIPv4= or HostIPv6=) without host_access=true; "
        "give both or neither",
        subject(request)));
  if (!options.host_access) return {};
  if (uplink.is_bridge && given)
    return invalid_argument(fmt::format(
        "{} stands on bridge {}, which has the host's addresses itself; leave --aux-address HostIPv4= and "
        "HostIPv6= out",
        subject(request), uplink.parent.name));
  if (!uplink.is_bridge && !given)
    return invalid_argument(fmt::format(
        "{} has host_access=true and no address for the host; give one of its subnet that nobody else has, "
        "with --aux-address HostIPv4=ADDRESS (or HostIPv6=)",
        subject(request)));
  return {};
}

PortVlans vlans_of(const Segment& segment, const NetworkOptions& network, const EndpointOptions& own) {
  PortVlans vlans;
  const auto native = own.native ? own.native : network.native;
  vlans.native = native.value_or(vlan_on_bridge(segment));
  if (const auto& trunk = own.trunk ? own.trunk : network.trunk) vlans.tagged = *trunk;
  if (vlans.native != 0) vlans.tagged.erase(vlans.native);
  return vlans;
}

NetworkRules rules_of(const NetworkRecord& network, bool host_is_there) {
  NetworkRules rules;
  rules.bridge = network.bridge;
  rules.reach = network.adopted ? Reach::kOthers : host_is_there ? Reach::kInternal : Reach::kBridged;
  return rules;
}

}  // namespace

std::string VlanDriver::mode() const {
  return std::string(kVlanMode);
}

// Containers are given the LAN's gateway, which the user names, or the IPAM driver.
Result<GatewayNeed> VlanDriver::gateway_need(const GatewayQuestion& question) const {
  TRY(read_network_options(question.options));
  return GatewayNeed{};
}

Result<std::optional<ParentWish>> VlanDriver::wanted_parent(const CreateNetworkRequest& request) const {
  const NetworkOptions options = TRY(read_network_options(request.options));
  TRY(check_options(request, options));
  return std::optional<ParentWish>(ParentWish{
      options.parent, options.vlan, options.vlan_protocol.value_or(TagProtocol::k8021q), is_aware(options)});
}

bool VlanDriver::has_named_bridge(const Options&) const {
  return false;
}

Result<std::string> VlanDriver::bridge_name_for(const NetworkRecord& network,
                                                const std::set<std::string>& taken) const {
  return segment_bridge_name(*network.segment, taken);
}

Result<NetworkRecord> VlanDriver::accept(const CreateNetworkRequest& request,
                                         const PlanContext& context) const {
  const NetworkOptions options = TRY(read_network_options(request.options));
  TRY(check_options(request, options));
  TRY(check_subnets(request));
  TRY(check_routes(options.routes, request));
  const Uplink& uplink = context.uplink.value();
  TRY(check_host_access(request, options, uplink));
  NetworkRecord record;
  record.request = request;
  record.mode = mode();
  record.segment = uplink.segment;
  record.adopted = uplink.is_bridge;
  // Of the bridge, not of the network: all that share it say the same.
  record.bridge_mac = uplink.is_bridge && uplink.parent.mac
                          ? *uplink.parent.mac
                          : Mac::from_text(context.instance + " " + key_of(uplink.segment));
  if (uplink.is_bridge)
    record.bridge = uplink.parent.name;
  else if (!context.segment_bridge.empty() && !context.taken_names.contains(context.segment_bridge))
    record.bridge = context.segment_bridge;
  else
    record.bridge = TRY(segment_bridge_name(uplink.segment, context.taken_names));
  record.mtu = TRY(choose_mtu(request, options, uplink.port ? uplink.port->mtu : uplink.parent.mtu));
  return record;
}

NetworkPlan VlanDriver::plan(const NetworkRecord& network, const PlanContext& context) const {
  const NetworkOptions options = stored_options(network);
  const Segment& segment = network.segment.value();
  const std::string alias = to_alias({context.instance, LinkMark::Kind::kSegment, key_of(segment)});
  NetworkPlan plan;
  plan.bridge.name = network.bridge;
  plan.bridge.alias = alias;
  plan.bridge.mac = network.bridge_mac;
  plan.bridge.mtu = 0;
  plan.bridge.own_addresses_only = true;
  plan.adopted = network.adopted;
  if (network.adopted) {
    plan.rules = rules_of(network, true);
    return plan;
  }
  if (options.host_access) plan.addresses = host_addresses(network.request);
  plan.rules = rules_of(network, !segment.aware && !plan.addresses.empty());
  plan.uplink = UplinkPlan{segment.parent, {}, {}, {}};
  if (segment.aware) {
    plan.bridge.filtering = segment.protocol;
    plan.uplink->vlans = on_uplink(vlans_of(segment, options, {}).all());
    if (!plan.addresses.empty()) {
      const uint16_t vlan = vlan_on_bridge(segment);
      plan.host_end =
          HostEndPlan{{host_end_name(segment), alias, network.bridge, vlan, segment.protocol}, false};
      plan.host_vlans.insert(vlan);
    }
  } else if (segment.vlan != 0) {
    plan.uplink->sub_interface =
        VlanSpec{sub_interface_name(segment, false), alias, segment.parent, segment.vlan, segment.protocol};
    plan.uplink->second_name = sub_interface_name(segment, true);
  }
  plan.rules.uplinks = {plan.uplink->sub_interface ? plan.uplink->sub_interface->name : segment.parent};
  return plan;
}

// `uplink_mtu`: the parent's.
std::optional<int> VlanDriver::followed_mtu(const NetworkRecord& network, int uplink_mtu) const {
  return clamped_mtu(network, uplink_mtu);
}

Result<EndpointRecord> VlanDriver::accept(const NetworkRecord& network, const CreateEndpointRequest& request,
                                          const PlanContext& context) const {
  const EndpointOptions options = TRY(read_endpoint_options(request.driver_options));
  if ((options.trunk || options.native) && !network.segment->aware)
    return invalid_argument(fmt::format(
        "endpoint {} asks for VLANs (trunk= or native=), and network {} was made without vlan_aware=true; "
        "make it with that",
        short_id(request.endpoint_id), short_id(network.request.id)));
  EndpointRecord record = TRY(new_endpoint(network, request, options, context));
  const auto prefix = stored_options(network).ipv6_prefix;
  // What is one node's among all by its IPv4 address is so by this.
  if (prefix && request.ipv4 && !request.ipv6)
    record.derived_ipv6 = InterfaceAddress{
        IpAddress(Family::kIpv6, prefix->first().value() + request.ipv4->address.value()), prefix->length()};
  return record;
}

VethSpec VlanDriver::plan(const NetworkRecord& network, const EndpointRecord& endpoint,
                          const PlanContext& context) const {
  VethSpec spec = PairDriver::plan(network, endpoint, context);
  if (network.segment->aware)
    spec.vlans = vlans_of(*network.segment, stored_options(network),
                          understood_endpoint_options(endpoint.request.driver_options));
  return spec;
}

// Containers are reached at their own addresses: there is nothing to translate.
Result<PortPlan> VlanDriver::ports(const NetworkRecord&, const EndpointRecord&,
                                   const std::vector<PortBinding>&) const {
  return PortPlan{};
}

}  // namespace viaduct::net
