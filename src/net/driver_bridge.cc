#include "net/driver_bridge.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/driver_parts.h"
#include "net/link_names.h"
#include "net/object_id.h"

namespace viaduct::net {

namespace {

GatewayMode mode_of(const NetworkOptions& options, Family family) {
  return family == Family::kIpv4 ? options.gateway_mode_ipv4 : options.gateway_mode_ipv6;
}

bool translates(GatewayMode mode) {
  return mode == GatewayMode::kNat || mode == GatewayMode::kNatUnprotected;
}

Status check_gateway_modes(const NetworkOptions& options, bool internal) {
  const bool isolated = options.gateway_mode_ipv4 == GatewayMode::kIsolated ||
                        options.gateway_mode_ipv6 == GatewayMode::kIsolated;
  if (!isolated || internal) return {};
  return invalid_argument(
      "gateway mode isolated leaves the network without a way out; make it with --internal, or choose nat, "
      "nat-unprotected or routed");
}

// The joint is isolated where the first bridge's endpoints are, so that those behind it and these do not meet, and is not
// where the further bridge's are, so that these have a way to the gateway.
std::vector<FurtherPlan> further_of(const NetworkRecord& network, const BridgeSpec& first,
                                    PortIsolation isolation) {
  std::vector<FurtherPlan> plans;
  for (const FurtherBridge& further : network.further) {
    FurtherPlan plan;
    plan.bridge = {further.name, first.alias, first.mtu, further.mac};
    plan.bridge.mcast_snooping = first.mcast_snooping;
    plan.bridge.arp = false;
    const JointNames names = joint_names(further.name);
    plan.joint = {names.first, names.further, first.alias, first.name, further.name, isolation};
    plans.push_back(std::move(plan));
  }
  return plans;
}

NetworkRules rules_of(const NetworkRecord& network, const NetworkOptions& options) {
  NetworkRules rules;
  rules.bridge = network.bridge;
  for (const FurtherBridge& further : network.further) rules.further.push_back(further.name);
  rules.reach = network.request.internal ? Reach::kInternal : Reach::kOutside;
  rules.inter_container = options.isolate ? InterContainer::kDenied : options.inter_container;
  rules.gateway_mode_ipv4 = options.gateway_mode_ipv4;
  rules.gateway_mode_ipv6 = options.gateway_mode_ipv6;
  if (network.request.internal) return rules;
  rules.trusted = options.trusted_host_interfaces;
  for (const Subnet& subnet : subnets_of(network.request))
    if (subnet.prefix.length() > 0) rules.subnets.push_back(subnet.prefix);
  if (options.masquerade == Masquerade::kOff) return rules;
  for (const Subnet& subnet : subnets_of(network.request)) {
    const Family family = subnet.prefix.family();
    if (!translates(mode_of(options, family))) continue;
    const auto& source = family == Family::kIpv4 ? options.host_ipv4 : options.host_ipv6;
    if (source)
      rules.sources.push_back({subnet.prefix, *source});
    else
      rules.masquerade.push_back(subnet.prefix);
  }
  return rules;
}

}  // namespace

std::string BridgeDriver::mode() const {
  return "bridge";
}

// Where the bridge has no address and nobody gets a route there is nothing for a gateway to do.
Result<GatewayNeed> BridgeDriver::gateway_need(const GatewayQuestion& question) const {
  const NetworkOptions options = TRY(read_network_options(question.options));
  TRY(check_gateway_modes(options, question.internal));
  const bool isolated4 = options.gateway_mode_ipv4 == GatewayMode::kIsolated;
  return GatewayNeed{isolated4 || (question.internal && options.inhibit_ipv4),
                     options.gateway_mode_ipv6 == GatewayMode::kIsolated};
}

Result<std::optional<ParentWish>> BridgeDriver::wanted_parent(const CreateNetworkRequest&) const {
  return std::optional<ParentWish>();
}

Result<std::string> BridgeDriver::bridge_name_for(const NetworkRecord& network,
                                                  const std::set<std::string>& taken) const {
  return bridge_name(network.request.id, taken);
}

bool BridgeDriver::has_named_bridge(const Options& options) const {
  return !understood_network_options(options).bridge.empty();
}

Result<NetworkRecord> BridgeDriver::accept(const CreateNetworkRequest& request,
                                           const PlanContext& context) const {
  const NetworkOptions options = TRY(read_network_options(request.options));
  TRY(check_subnets(request));
  TRY(check_gateway_modes(options, request.internal));
  TRY(check_routes(options.routes, request));
  NetworkRecord record;
  record.request = request;
  record.mode = mode();
  record.bridge = options.bridge.empty() ? TRY(bridge_name(request.id, context.taken_names)) : options.bridge;
  record.adopted = context.adopts;
  // Chosen once and stored: the bridge's MAC must stay as ports come and go, and over a reboot.
  record.bridge_mac = Mac::random();
  record.mtu = TRY(choose_mtu(request, options, context.uplink_mtu));
  return record;
}

NetworkPlan BridgeDriver::plan(const NetworkRecord& network, const PlanContext& context) const {
  const NetworkOptions options = stored_options(network);
  NetworkPlan plan;
  plan.bridge.name = network.bridge;
  plan.bridge.alias = to_alias({context.instance, LinkMark::Kind::kNetwork, network.request.id});
  plan.bridge.mtu = network.mtu;
  plan.bridge.mac = network.bridge_mac;
  plan.bridge.mcast_snooping = options.mcast_snooping;
  plan.bridge.mcast_querier = options.mcast_querier;
  plan.bridge.route_loopback = !network.request.internal && translates(options.gateway_mode_ipv4);
  plan.adopted = network.adopted;
  plan.rules = rules_of(network, options);
  plan.further = further_of(network, plan.bridge, isolation_of(options));
  if (network.adopted) return plan;
  for (const Subnet& subnet : subnets_of(network.request)) {
    const bool four = subnet.prefix.family() == Family::kIpv4;
    if (mode_of(options, subnet.prefix.family()) == GatewayMode::kIsolated || (four && options.inhibit_ipv4))
      continue;
    // With the subnet's length, whatever mask the IPAM's answer had: the bridge must have the route to all of
    // it.
    if (subnet.gateway) plan.addresses.push_back({*subnet.gateway, subnet.prefix.length()});
  }
  return plan;
}

// An internal network has no uplink, and the MTU of somebody else's bridge is the owner's business.
std::optional<int> BridgeDriver::followed_mtu(const NetworkRecord& network, int uplink_mtu) const {
  if (network.request.internal || network.adopted) return std::nullopt;
  return clamped_mtu(network, uplink_mtu);
}

Result<PortPlan> BridgeDriver::ports(const NetworkRecord& network, const EndpointRecord& endpoint,
                                     const std::vector<PortBinding>& bindings) const {
  // Newer engines ask this of internal networks as well, where nothing can be published (trap T39).
  if (network.request.internal) return PortPlan{};
  return plan_ports(stored_options(network), endpoint, bindings);
}

Result<EndpointRecord> BridgeDriver::accept(const NetworkRecord& network,
                                            const CreateEndpointRequest& request,
                                            const PlanContext& context) const {
  const EndpointOptions options = TRY(read_endpoint_options(request.driver_options));
  if (options.trunk || options.native)
    return invalid_argument(fmt::format(
        "endpoint {} asks for VLANs (trunk= or native=), and network {} has none; connect it to a "
        "network of mode=vlan with vlan_aware=true",
        short_id(request.endpoint_id), short_id(network.request.id)));
  return new_endpoint(network, request, options, context);
}

}  // namespace viaduct::net
