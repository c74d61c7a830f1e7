#include "server/wire_network.h"

#include <fmt/format.h>

#include <limits>

#include "base/clip.h"
#include "net/endpoint_options.h"
#include "server/wire.h"

namespace viaduct::server {

namespace {

// Labels of moby (daemon/libnetwork/netlabel/labels.go).
constexpr const char* kGeneric = "com.docker.network.generic";
constexpr const char* kInternal = "com.docker.network.internal";
constexpr const char* kEndpointMac = "com.docker.network.endpoint.macaddress";
constexpr const char* kPortMap = "com.docker.network.portmap";
constexpr std::string_view kEngineLabels = "com.docker.network.";
// moby: daemon/libnetwork/discoverapi; the one kind that the engine passes to remote drivers.
constexpr int64_t kNodeDiscovery = 1;
// moby: daemon/libnetwork/types, NEXTHOP and CONNECTED.
constexpr int kByNextHop = 0;
constexpr int kConnected = 1;

Result<net::Options> read_generic(const JsonReader& reader) {
  const Json* options = TRY(reader.object("Options"));
  if (options == nullptr) return net::Options();
  return TRY(JsonReader::of(*options, reader.where() + ".Options")).string_map(kGeneric);
}

Result<bool> read_internal(const JsonReader& reader) {
  const Json* options = TRY(reader.object("Options"));
  if (options == nullptr) return false;
  return TRY(JsonReader::of(*options, reader.where() + ".Options")).bool_or(kInternal, false);
}

Result<std::optional<InterfaceAddress>> read_address(const JsonReader& reader, const char* key) {
  const std::string text = TRY(reader.string_or_empty(key));
  if (text.empty()) return std::optional<InterfaceAddress>();
  auto address = InterfaceAddress::parse(text);
  if (!address.ok())
    return std::move(address).error().with_context(fmt::format("{}.{}", reader.where(), key));
  return std::optional<InterfaceAddress>(address.value());
}

// Members are absent where unset; AuxAddresses may be missing, null or {} (trap T24).
Result<net::IpamData> read_ipam_data(const Json& value, const std::string& where) {
  const JsonReader reader = TRY(JsonReader::of(value, where));
  net::IpamData data;
  data.space = TRY(reader.string_or_empty("AddressSpace"));
  if (const std::string pool = TRY(reader.string_or_empty("Pool")); !pool.empty()) {
    // Host bits may be set: engines from 28 on pass through what a remote IPAM answered.
    auto parsed = InterfaceAddress::parse(pool);
    if (!parsed.ok()) return std::move(parsed).error().with_context(where + ".Pool");
    data.pool = parsed.value().network();
  }
  data.gateway = TRY(read_address(reader, "Gateway"));
  const auto auxiliary = TRY(reader.string_map("AuxAddresses"));
  for (const auto& [name, text] : auxiliary) {
    auto address = InterfaceAddress::parse(text);
    if (!address.ok())
      return std::move(address).error().with_context(fmt::format("{}.AuxAddresses.{}", where, clipped(name)));
    data.auxiliary.emplace(name, address.value());
  }
  return data;
}

Result<std::vector<net::IpamData>> read_ipam_list(const JsonReader& reader, const char* key) {
  std::vector<net::IpamData> out;
  const Json* list = TRY(reader.array(key));
  if (list == nullptr) return out;
  for (size_t i = 0; i < list->size(); ++i)
    out.push_back(TRY(read_ipam_data((*list)[i], fmt::format("{}.{}[{}]", reader.where(), key, i))));
  return out;
}

Result<net::PortBinding> read_port(const Json& value, const std::string& where) {
  const JsonReader reader = TRY(JsonReader::of(value, where));
  net::PortBinding port;
  const int64_t protocol = TRY(reader.integer_or("Proto", 6, 0, 255));
  if (protocol != 1 && protocol != 6 && protocol != 17 && protocol != 132)
    return invalid_argument(
        fmt::format("{}.Proto is {}; it must be 1 (icmp), 6 (tcp), 17 (udp) or 132 (sctp)", where, protocol));
  port.protocol = static_cast<net::Protocol>(protocol);
  port.port = static_cast<uint16_t>(TRY(reader.integer_or("Port", 0, 0, 65535)));
  port.host_ip = TRY(reader.string_or_empty("HostIP"));
  port.host_port = static_cast<uint16_t>(TRY(reader.integer_or("HostPort", 0, 0, 65535)));
  port.host_port_end = static_cast<uint16_t>(TRY(reader.integer_or("HostPortEnd", 0, 0, 65535)));
  return port;
}

Result<std::vector<net::PortBinding>> read_ports(const JsonReader& reader) {
  std::vector<net::PortBinding> out;
  const Json* options = TRY(reader.object("Options"));
  if (options == nullptr) return out;
  const JsonReader inner = TRY(JsonReader::of(*options, reader.where() + ".Options"));
  const Json* list = TRY(inner.array(kPortMap));
  if (list == nullptr) return out;
  for (size_t i = 0; i < list->size(); ++i)
    out.push_back(TRY(read_port((*list)[i], fmt::format("{}.{}[{}]", inner.where(), kPortMap, i))));
  return out;
}

}  // namespace

Result<net::CreateNetworkRequest> decode_create_network(const Json& body) {
  const JsonReader reader = TRY(JsonReader::of(body, "CreateNetwork"));
  net::CreateNetworkRequest request;
  request.id = TRY(read_id(reader, "NetworkID"));
  request.options = TRY(read_generic(reader));
  request.internal = TRY(read_internal(reader));
  request.ipv4 = TRY(read_ipam_list(reader, "IPv4Data"));
  request.ipv6 = TRY(read_ipam_list(reader, "IPv6Data"));
  return request;
}

Result<net::GatewayQuestion> decode_gateway_check(const Json& body) {
  const JsonReader reader = TRY(JsonReader::of(body, "GwAllocCheck"));
  return net::GatewayQuestion{TRY(read_generic(reader)), TRY(read_internal(reader))};
}

Result<net::CreateEndpointRequest> decode_create_endpoint(const Json& body) {
  const JsonReader reader = TRY(JsonReader::of(body, "CreateEndpoint"));
  net::CreateEndpointRequest request;
  request.network_id = TRY(read_id(reader, "NetworkID"));
  request.endpoint_id = TRY(read_id(reader, "EndpointID"));
  if (const Json* value = TRY(reader.object("Interface")); value != nullptr) {
    const JsonReader interface = TRY(JsonReader::of(*value, "CreateEndpoint.Interface"));
    request.ipv4 = TRY(read_address(interface, "Address"));
    request.ipv6 = TRY(read_address(interface, "AddressIPv6"));
    if (const std::string mac = TRY(interface.string_or_empty("MacAddress")); !mac.empty()) {
      auto parsed = Mac::parse(mac);
      if (!parsed.ok()) return std::move(parsed).error().with_context("CreateEndpoint.Interface.MacAddress");
      request.mac = parsed.value();
    }
  }
  (void)TRY(
      read_ports(reader));  // a malformed list is refused here, not later at ProgramExternalConnectivity
  const Json* options = TRY(reader.object("Options"));
  if (options == nullptr) return request;
  for (const auto& [key, value] : options->items()) {
    if (key == kEndpointMac && value.is_string()) {
      // net.HardwareAddr is base64 here and text in Interface (trap T10).
      auto parsed = Mac::parse_base64(value.get_ref<const std::string&>());
      if (!parsed.ok()) return std::move(parsed).error().with_context("CreateEndpoint.Options." + key);
      if (request.mac && *request.mac != parsed.value())
        return invalid_argument(
            fmt::format("CreateEndpoint names two MAC addresses, {} in Interface and {} in Options",
                        request.mac->to_string(), parsed.value().to_string()));
    } else if (value.is_string() && (!key.starts_with(kEngineLabels) || net::is_endpoint_label(key))) {
      request.driver_options.emplace(key, value.get<std::string>());
    }
  }
  return request;
}

Result<net::JoinRequest> decode_join(const Json& body) {
  const JsonReader reader = TRY(JsonReader::of(body, "Join"));
  net::JoinRequest request;
  request.network_id = TRY(read_id(reader, "NetworkID"));
  request.endpoint_id = TRY(read_id(reader, "EndpointID"));
  request.sandbox_key = TRY(reader.string_or_empty("SandboxKey"));
  (void)TRY(read_ports(reader));
  return request;
}

Result<net::ExternalConnectivityRequest> decode_external_connectivity(const Json& body) {
  const JsonReader reader = TRY(JsonReader::of(body, "ProgramExternalConnectivity"));
  net::ExternalConnectivityRequest request;
  request.network_id = TRY(read_id(reader, "NetworkID"));
  request.endpoint_id = TRY(read_id(reader, "EndpointID"));
  request.ports = TRY(read_ports(reader));
  return request;
}

Result<NetworkKey> decode_network_key(const Json& body, const char* call) {
  const JsonReader reader = TRY(JsonReader::of(body, call));
  NetworkKey key;
  key.network_id = TRY(read_id(reader, "NetworkID"));
  return key;
}

Result<EndpointKey> decode_endpoint_key(const Json& body, const char* call) {
  const JsonReader reader = TRY(JsonReader::of(body, call));
  EndpointKey key;
  key.network_id = TRY(read_id(reader, "NetworkID"));
  key.endpoint_id = TRY(read_id(reader, "EndpointID"));
  return key;
}

Result<net::CreateNetworkRequest> decode_allocate_network(const Json& body) {
  const JsonReader reader = TRY(JsonReader::of(body, "AllocateNetwork"));
  net::CreateNetworkRequest request;
  request.id = TRY(read_id(reader, "NetworkID"));
  request.ipv4 = TRY(read_ipam_list(reader, "IPv4Data"));
  request.ipv6 = TRY(read_ipam_list(reader, "IPv6Data"));
  request.options = TRY(reader.string_map("Options"));
  return request;
}

Status check_discovery(const Json& body, const char* call) {
  const JsonReader reader = TRY(JsonReader::of(body, call));
  if (!body.contains("DiscoveryType"))
    return invalid_argument(fmt::format("{}.DiscoveryType is missing; it must be a whole number", call));
  using Limits = std::numeric_limits<int64_t>;
  const int64_t type = TRY(reader.integer_or("DiscoveryType", 0, Limits::min(), Limits::max()));
  const Json* data = TRY(reader.object("DiscoveryData"));
  if (type != kNodeDiscovery || data == nullptr) return {};
  const JsonReader node = TRY(JsonReader::of(*data, std::string(call) + ".DiscoveryData"));
  (void)TRY(node.string_or_empty("Address"));
  (void)TRY(node.string_or_empty("BindAddress"));
  (void)TRY(node.bool_or("Self", false));
  return {};
}

Json encode(const net::GatewayNeed& need) {
  return {{"SkipIPv4", need.skip_ipv4}, {"SkipIPv6", need.skip_ipv6}};
}

Json encode(const net::CreateEndpointReply& reply) {
  Json interface = Json::object();
  if (reply.mac) interface["MacAddress"] = reply.mac->to_string();
  if (reply.ipv6) interface["AddressIPv6"] = reply.ipv6->to_string();
  return {{"Interface", std::move(interface)}};
}

Json encode(const net::JoinReply& reply) {
  Json name = {{"SrcName", reply.source_name}, {"DstPrefix", reply.destination_prefix}};
  // No engine reads it yet (trap T11).
  if (!reply.destination_name.empty()) name["DstName"] = reply.destination_name;
  Json out = {
      {"InterfaceName", std::move(name)},
      // Without it the engine adds an interface on docker_gwbridge to a sandbox that has no gateway (trap T12).
      {"DisableGatewayService", true},
  };
  if (reply.gateway) out["Gateway"] = reply.gateway->to_string();
  if (reply.gateway_ipv6) out["GatewayIPv6"] = reply.gateway_ipv6->to_string();
  for (const net::StaticRoute& route : reply.routes)
    out["StaticRoutes"].push_back({{"Destination", route.destination.to_string()},
                                   {"RouteType", route.next_hop ? kByNextHop : kConnected},
                                   {"NextHop", route.next_hop ? route.next_hop->to_string() : ""}});
  return out;
}

}  // namespace viaduct::server
