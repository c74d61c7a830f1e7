#include "net/driver_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/link_names.h"
#include "net/object_id.h"
#include "net/spread.h"

namespace viaduct::net {

namespace {

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
  const MacPolicy policy = understood_network_options(network.request.options).mac_policy;
  if (policy == MacPolicy::kRandom) return Mac::random();
  if (policy == MacPolicy::kName && !options.name.empty()) {
    const Mac named = mac_of_name(network, options.name);
    if (!context.is_taken(named)) return named;
  }
  if (request.ipv4) {
    const Mac derived = Mac::from_ipv4(request.ipv4->address);
    if (!context.is_taken(derived)) return derived;
  }
  return Mac::random();
}

// The network's and the endpoint's own, which come first; only those of a family that the endpoint has an address of.
std::vector<StaticRoute> routes_of(const NetworkOptions& network, const EndpointOptions& own,
                                   const EndpointRecord& endpoint) {
  std::vector<StaticRoute> routes = own.routes;
  for (const StaticRoute& route : network.routes)
    if (std::none_of(own.routes.begin(), own.routes.end(),
                     [&](const StaticRoute& other) { return other.destination == route.destination; }))
      routes.push_back(route);
  std::erase_if(routes, [&](const StaticRoute& route) {
    const bool four = route.destination.family() == Family::kIpv4;
    return four ? !endpoint.request.ipv4.has_value()
                : !endpoint.request.ipv6.has_value() && !endpoint.derived_ipv6.has_value();
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

}  // namespace

NetworkOptions stored_options(const NetworkRecord& network) {
  return understood_network_options(network.request.options);
}

std::optional<int> clamped_mtu(const NetworkRecord& network, int uplink_mtu) {
  if (stored_options(network).mtu) return std::nullopt;
  const int least = has_family(subnets_of(network.request), Family::kIpv6) ? kLeastIpv6Mtu : kLeastMtu;
  return std::clamp(uplink_mtu, least, kMostMtu);
}

bool has_family(const std::vector<Subnet>& subnets, Family family) {
  return std::any_of(subnets.begin(), subnets.end(),
                     [family](const Subnet& subnet) { return subnet.prefix.family() == family; });
}

// Of all lists of the request: what a user says with --aux-address NAME=ADDRESS.
std::optional<IpAddress> auxiliary_address(const CreateNetworkRequest& request, const std::string& name) {
  for (const auto* list : {&request.ipv4, &request.ipv6})
    for (const IpamData& data : *list)
      if (const auto found = data.auxiliary.find(name); found != data.auxiliary.end())
        return found->second.address;
  return std::nullopt;
}

// The MTU given, or the uplink's: packets that fit the bridge must fit the way out.
Result<int> choose_mtu(const CreateNetworkRequest& request, const NetworkOptions& options, int uplink_mtu) {
  const int mtu = options.mtu.value_or(std::min(uplink_mtu, kMostMtu));
  if (mtu < kLeastIpv6Mtu && has_family(subnets_of(request), Family::kIpv6))
    return invalid_argument(fmt::format(
        "network {} has an IPv6 subnet and an MTU of {}{}, while IPv6 needs {}; give "
        "mtu={} or more, or leave the IPv6 subnet out",
        short_id(request.id), mtu, options.mtu ? "" : " (the uplink's)", kLeastIpv6Mtu, kLeastIpv6Mtu));
  return mtu;
}

PortIsolation isolation_of(const NetworkOptions& options) {
  return options.inter_container == InterContainer::kDenied || options.isolate ? PortIsolation::kOn
                                                                               : PortIsolation::kOff;
}

Result<EndpointRecord> PairDriver::new_endpoint(const NetworkRecord& network,
                                                const CreateEndpointRequest& request,
                                                const EndpointOptions& options, const PlanContext& context) {
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

VethSpec PairDriver::plan(const NetworkRecord& network, const EndpointRecord& endpoint,
                          const PlanContext& context) const {
  VethSpec spec;
  spec.host_name = endpoint.host_link;
  spec.peer_name = endpoint.peer_link;
  spec.alias = to_alias({context.instance, LinkMark::Kind::kEndpoint, endpoint.request.endpoint_id});
  spec.bridge = bridge_of(network, endpoint.bridge);
  spec.mtu = network.mtu;
  spec.peer_mac = endpoint.mac;
  spec.hairpin = endpoint.ports.empty() ? Hairpin::kOff : Hairpin::kOn;
  const NetworkOptions options = stored_options(network);
  put_rates(options.rates, understood_endpoint_options(endpoint.request.driver_options).rates, context,
            endpoint, spec);
  spec.isolation = isolation_of(options);
  return spec;
}

EndpointRules PairDriver::rules(const NetworkRecord& network, const EndpointRecord& endpoint) const {
  EndpointRules rules;
  rules.ports = endpoint.ports;
  if (!stored_options(network).antispoof) return rules;
  rules.sender = SenderRule{endpoint.host_link, endpoint.mac, {}};
  for (const InterfaceAddress& address : all_addresses_of(endpoint))
    rules.sender->addresses.push_back(address.address);
  return rules;
}

JoinReply PairDriver::join_reply(const NetworkRecord& network, const EndpointRecord& endpoint) const {
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
