#include "net/driver_bridge.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/endpoint_options.h"
#include "net/link_names.h"
#include "net/object_id.h"
#include "net/options.h"
#include "net/spread.h"
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

// The same for the same name on the same subnet, also when endpoint and network are made anew.
Mac mac_of_name(const NetworkRecord& network, const std::string& name) {
  std::string text = name;
  for (const Subnet& subnet : subnets_of(network.request)) text += " " + subnet.prefix.to_string();
  return Mac::from_text(text);
}

Mac choose_mac(const NetworkRecord& network, const CreateEndpointRequest& request,
               const EndpointOptions& options, const PlanContext& context) {
  if (request.mac) return *request.mac;
  const MacPolicy policy = understood_options(network.request.options).mac_policy;
  if (policy == MacPolicy::kRandom) return Mac::random();
  if (policy == MacPolicy::kName && !options.name.empty()) {
    const Mac named = mac_of_name(network, options.name);
    if (!context.taken_macs.contains(named)) return named;
  }
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

PortIsolation isolation_of(const BridgeOptions& options) {
  return options.inter_container == InterContainer::kDenied || options.isolate ? PortIsolation::kOn
                                                                               : PortIsolation::kOff;
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

NetworkRules rules_of(const NetworkRecord& network, const BridgeOptions& options) {
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

// The network's and the endpoint's own, which come first; only those of a family that the endpoint has an address of.
std::vector<StaticRoute> routes_of(const BridgeOptions& network, const EndpointOptions& own,
                                   const EndpointRecord& endpoint) {
  std::vector<StaticRoute> routes = own.routes;
  for (const StaticRoute& route : network.routes)
    if (std::none_of(own.routes.begin(), own.routes.end(),
                     [&](const StaticRoute& other) { return other.destination == route.destination; }))
      routes.push_back(route);
  std::erase_if(routes, [&](const StaticRoute& route) {
    const bool four = route.destination.family() == Family::kIpv4;
    return four ? !endpoint.request.ipv4.has_value() : !endpoint.request.ipv6.has_value();
  });
  return routes;
}

// Without a word of the user's: 4 ms of the rate, and a whole segment of a large send (64 KiB).
RateLimit limit_of(uint64_t rate, const std::optional<uint32_t>& burst, int mtu) {
  constexpr uint64_t kLeastBurst = 64 * 1024;
  constexpr uint64_t kMostBurst = 64 * 1024 * 1024;
  constexpr uint64_t kEthernetHeaders = 18;  // with a VLAN tag
  const uint64_t chosen = burst ? *burst : std::clamp(rate / 250, kLeastBurst, kMostBurst);
  // No packet larger than the bucket ever passes.
  return {rate, static_cast<uint32_t>(std::max(chosen, static_cast<uint64_t>(mtu) + kEthernetHeaders))};
}

void put_rates(const Rates& network, const Rates& own, const PlanContext& context,
               const EndpointRecord& endpoint, VethSpec& spec) {
  const auto in = own.in ? own.in : network.in;
  const auto out = own.out ? own.out : network.out;
  const auto burst = own.burst ? own.burst : network.burst;
  if (in) spec.rate_in = limit_of(*in, burst, spec.mtu);
  if (!out) return;
  spec.rate_out = Shaper{shaper_name(spec.host_name),
                         to_alias({context.instance, LinkMark::Kind::kShaper, endpoint.request.endpoint_id}),
                         limit_of(*out, burst, spec.mtu)};
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
  const BridgeOptions options = stored_options(network);
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
  if (stored_options(network).mtu || network.request.internal || network.adopted) return std::nullopt;
  const int least = has_family(subnets_of(network.request), Family::kIpv6) ? kLeastIpv6Mtu : kLeastMtu;
  return std::clamp(uplink_mtu, least, kMostMtu);
}

Result<EndpointRecord> BridgeDriver::accept(const NetworkRecord& network,
                                            const CreateEndpointRequest& request,
                                            const PlanContext& context) const {
  const EndpointOptions options = TRY(read_endpoint_options(request.driver_options));
  TRY(check_routes(options.routes, network.request));
  const auto subnets = subnets_of(network.request);
  TRY(check_address(network, subnets, request.ipv4));
  TRY(check_address(network, subnets, request.ipv6));
  EndpointRecord record;
  record.request = request;
  record.mac = choose_mac(network, request, options, context);
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
  spec.bridge = bridge_of(network, endpoint.bridge);
  spec.mtu = network.mtu;
  spec.peer_mac = endpoint.mac;
  spec.hairpin = endpoint.ports.empty() ? Hairpin::kOff : Hairpin::kOn;
  const BridgeOptions options = stored_options(network);
  put_rates(options.rates, understood_endpoint_options(endpoint.request.driver_options).rates, context,
            endpoint, spec);
  spec.isolation = isolation_of(options);
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
  const EndpointOptions options = understood_endpoint_options(endpoint.request.driver_options);
  reply.source_name = endpoint.peer_link;
  reply.destination_name = options.interface_name;
  reply.destination_prefix = options.interface_name.empty() ? stored_options(network).interface_prefix
                                                            : prefix_of(options.interface_name);
  reply.routes = routes_of(stored_options(network), options, endpoint);
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
