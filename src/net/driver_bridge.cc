#include "net/driver_bridge.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/link_names.h"
#include "net/object_id.h"
#include "net/options.h"
#include "net/subnets.h"

namespace viaduct::net {

namespace {

bool has_family(const std::vector<Subnet>& subnets, Family family) {
  return std::any_of(subnets.begin(), subnets.end(),
                     [family](const Subnet& subnet) { return subnet.prefix.family() == family; });
}

// The MTU given, or the uplink's: packets that fit the bridge must fit the way out.
Result<int> choose_mtu(const CreateNetworkRequest& request, const BridgeOptions& options, int uplink_mtu) {
  const int mtu = options.mtu.value_or(std::min(uplink_mtu, kMostMtu));
  if (mtu < kLeastIpv6Mtu && has_family(subnets_of(request), Family::kIpv6))
    return invalid_argument(fmt::format(
        "network {} has an IPv6 subnet and an MTU of {}{}, while IPv6 needs {}; give "
        "mtu={} or more, or leave the IPv6 subnet out",
        short_id(request.id), mtu, options.mtu ? "" : " (the uplink's)", kLeastIpv6Mtu, kLeastIpv6Mtu));
  return mtu;
}

Status check_address(const NetworkRecord& network, const std::vector<Subnet>& subnets,
                     const std::optional<InterfaceAddress>& address) {
  // Without subnets (null IPAM) any address is the business of whoever chose it.
  if (!address || subnets.empty() || subnet_of(subnets, address->address) != nullptr) return {};
  std::string known;
  for (const Subnet& subnet : subnets) known += (known.empty() ? "" : ", ") + subnet.prefix.to_string();
  return invalid_argument(
      fmt::format("address {} lies outside the subnets of network {} ({}); choose one within",
                  address->to_string(), short_id(network.request.id), known));
}

Mac choose_mac(const CreateEndpointRequest& request, const PlanContext& context) {
  if (request.mac) return *request.mac;
  if (request.ipv4) {
    const Mac derived = Mac::from_ipv4(request.ipv4->address);
    if (!context.taken_macs.contains(derived)) return derived;
  }
  return Mac::random();
}

BridgeOptions stored_options(const NetworkRecord& network) {
  return understood_options(network.request.options);
}

GatewayMode mode_of(const BridgeOptions& options, Family family) {
  return family == Family::kIpv4 ? options.gateway_mode_ipv4 : options.gateway_mode_ipv6;
}

bool translates(GatewayMode mode) {
  return mode == GatewayMode::kNat || mode == GatewayMode::kNatUnprotected;
}

Status check_gateway_modes(const BridgeOptions& options, bool internal) {
  const bool isolated = options.gateway_mode_ipv4 == GatewayMode::kIsolated ||
                        options.gateway_mode_ipv6 == GatewayMode::kIsolated;
  if (!isolated || internal) return {};
  return invalid_argument(
      "gateway mode isolated leaves the network without a way out; make it with --internal, or choose nat, "
      "nat-unprotected or routed");
}

NetworkRules rules_of(const NetworkRecord& network, const BridgeOptions& options) {
  NetworkRules rules;
  rules.bridge = network.bridge;
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

// Of all lists of the request: what a user says with --aux-address NAME=ADDRESS.
std::optional<IpAddress> auxiliary_address(const CreateNetworkRequest& request, const std::string& name) {
  for (const auto* list : {&request.ipv4, &request.ipv6})
    for (const IpamData& data : *list)
      if (const auto found = data.auxiliary.find(name); found != data.auxiliary.end())
        return found->second.address;
  return std::nullopt;
}

}  // namespace

std::string BridgeDriver::mode() const {
  return "bridge";
}

// Where the bridge has no address and nobody gets a route there is nothing for a gateway to do.
Result<GatewayNeed> BridgeDriver::gateway_need(const GatewayQuestion& question) const {
  const BridgeOptions options = TRY(read_bridge_options(question.options));
  TRY(check_gateway_modes(options, question.internal));
  const bool isolated4 = options.gateway_mode_ipv4 == GatewayMode::kIsolated;
  return GatewayNeed{isolated4 || (question.internal && options.inhibit_ipv4),
                     options.gateway_mode_ipv6 == GatewayMode::kIsolated};
}

bool BridgeDriver::has_named_bridge(const Options& options) const {
  return !understood_options(options).bridge.empty();
}

Result<NetworkRecord> BridgeDriver::accept(const CreateNetworkRequest& request,
                                           const PlanContext& context) const {
  const BridgeOptions options = TRY(read_bridge_options(request.options));
  TRY(check_subnets(request));
  TRY(check_gateway_modes(options, request.internal));
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
  const BridgeOptions options = stored_options(network);
  NetworkPlan plan;
  plan.bridge.name = network.bridge;
  plan.bridge.alias = to_alias({context.instance, LinkMark::Kind::kNetwork, network.request.id});
  plan.bridge.mtu = network.mtu;
  plan.bridge.mac = network.bridge_mac;
  plan.bridge.route_loopback = !network.request.internal && translates(options.gateway_mode_ipv4);
  plan.adopted = network.adopted;
  plan.rules = rules_of(network, options);
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

Result<EndpointRecord> BridgeDriver::accept(const NetworkRecord& network,
                                            const CreateEndpointRequest& request,
                                            const PlanContext& context) const {
  TRY(check_endpoint_options(request.driver_options));
  const auto subnets = subnets_of(network.request);
  TRY(check_address(network, subnets, request.ipv4));
  TRY(check_address(network, subnets, request.ipv6));
  EndpointRecord record;
  record.request = request;
  record.mac = choose_mac(request, context);
  VethNames names = TRY(veth_names(request.endpoint_id, context.taken_names));
  record.host_link = std::move(names.host);
  record.peer_link = std::move(names.peer);
  return record;
}

VethSpec BridgeDriver::plan(const NetworkRecord& network, const EndpointRecord& endpoint,
                            const PlanContext& context) const {
  VethSpec spec;
  spec.host_name = endpoint.host_link;
  spec.peer_name = endpoint.peer_link;
  spec.alias = to_alias({context.instance, LinkMark::Kind::kEndpoint, endpoint.request.endpoint_id});
  spec.bridge = network.bridge;
  spec.mtu = network.mtu;
  spec.peer_mac = endpoint.mac;
  spec.hairpin = endpoint.ports.empty() ? Hairpin::kOff : Hairpin::kOn;
  const BridgeOptions options = stored_options(network);
  spec.isolation = options.inter_container == InterContainer::kDenied || options.isolate
                       ? PortIsolation::kOn
                       : PortIsolation::kOff;
  return spec;
}

EndpointRules BridgeDriver::rules(const NetworkRecord& network, const EndpointRecord& endpoint) const {
  EndpointRules rules;
  rules.ports = endpoint.ports;
  if (!stored_options(network).antispoof) return rules;
  rules.sender = SenderRule{endpoint.host_link, endpoint.mac, {}};
  for (const auto& address : {endpoint.request.ipv4, endpoint.request.ipv6})
    if (address) rules.sender->addresses.push_back(address->address);
  return rules;
}

Result<PortPlan> BridgeDriver::ports(const NetworkRecord& network, const EndpointRecord& endpoint,
                                     const std::vector<PortBinding>& bindings) const {
  // Newer engines ask this of internal networks as well, where nothing can be published (trap T39).
  if (network.request.internal) return PortPlan{};
  return plan_ports(stored_options(network), endpoint, bindings);
}

JoinReply BridgeDriver::join_reply(const NetworkRecord& network, const EndpointRecord& endpoint) const {
  JoinReply reply;
  reply.source_name = endpoint.peer_link;
  reply.destination_prefix = stored_options(network).interface_prefix;
  // The engine installs a gateway of an internal network like any other (trap T39).
  if (network.request.internal) return reply;
  const auto subnets = subnets_of(network.request);
  const auto gateway_for = [&](const std::optional<InterfaceAddress>& address,
                               const char* other) -> std::optional<IpAddress> {
    const Subnet* subnet = address ? subnet_of(subnets, address->address) : nullptr;
    if (subnet == nullptr) return std::nullopt;
    const auto elsewhere = auxiliary_address(network.request, other);
    return elsewhere && subnet->prefix.contains(*elsewhere) ? elsewhere : subnet->gateway;
  };
  reply.gateway = gateway_for(endpoint.request.ipv4, "DefaultGatewayIPv4");
  reply.gateway_ipv6 = gateway_for(endpoint.request.ipv6, "DefaultGatewayIPv6");
  return reply;
}

}  // namespace viaduct::net
