#include "net/records.h"

#include <fmt/format.h>

#include <limits>

#include "net/options.h"

namespace viaduct::net {

namespace {

Json to_json(const IpamData& data) {
  Json out = {{"space", data.space}};
  if (data.pool) out["pool"] = data.pool->to_string();
  if (data.gateway) out["gateway"] = data.gateway->to_string();
  for (const auto& [name, address] : data.auxiliary) out["auxiliary"][name] = address.to_string();
  return out;
}

Json to_json(const std::vector<IpamData>& list) {
  Json out = Json::array();
  for (const auto& data : list) out.push_back(to_json(data));
  return out;
}

// Reads an optional member that is text in a form of its own: addresses, prefixes, MACs.
template <class T>
Result<std::optional<T>> optional_of(const JsonReader& reader, const char* key) {
  const std::string text = TRY(reader.string_or_empty(key));
  if (text.empty()) return std::optional<T>();
  auto parsed = T::parse(text);
  if (!parsed.ok()) return std::move(parsed).error().with_context(fmt::format("{}.{}", reader.where(), key));
  return std::optional<T>(std::move(parsed).value());
}

template <class T>
Result<T> required_of(const JsonReader& reader, const char* key) {
  TRY(reader.required_string(key));
  auto value = TRY(optional_of<T>(reader, key));
  return value.value();
}

Result<IpamData> ipam_from_json(const Json& value, const std::string& where) {
  const auto reader = TRY(JsonReader::of(value, where));
  IpamData data;
  data.space = TRY(reader.string_or_empty("space"));
  data.pool = TRY(optional_of<Prefix>(reader, "pool"));
  data.gateway = TRY(optional_of<InterfaceAddress>(reader, "gateway"));
  const auto auxiliary = TRY(reader.string_map("auxiliary"));
  for (const auto& [name, text] : auxiliary) {
    auto address = InterfaceAddress::parse(text);
    if (!address.ok()) return std::move(address).error().with_context(where + ".auxiliary." + name);
    data.auxiliary.emplace(name, address.value());
  }
  return data;
}

Result<std::vector<IpamData>> ipam_list(const JsonReader& reader, const char* key) {
  std::vector<IpamData> list;
  const Json* array = TRY(reader.array(key));
  if (array == nullptr) return list;
  for (size_t i = 0; i < array->size(); ++i)
    list.push_back(TRY(ipam_from_json((*array)[i], fmt::format("{}.{}[{}]", reader.where(), key, i))));
  return list;
}

Result<Protocol> protocol_from(const JsonReader& reader) {
  const std::string text = TRY(reader.required_string("protocol"));
  for (const Protocol known : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp})
    if (text == to_string(known)) return known;
  return invalid_argument(fmt::format("{}.protocol is \"{}\"", reader.where(), text.substr(0, 20)));
}

Result<PublishedPort> port_from_json(const Json& value, const std::string& where) {
  const auto reader = TRY(JsonReader::of(value, where));
  PublishedPort port;
  port.protocol = TRY(protocol_from(reader));
  port.container = TRY(required_of<IpAddress>(reader, "container"));
  port.port = static_cast<uint16_t>(TRY(reader.integer_or("port", 0, 1, 65535)));
  port.host_port = static_cast<uint16_t>(TRY(reader.integer_or("host_port", 0, 0, 65535)));
  port.host = TRY(optional_of<IpAddress>(reader, "host")).value_or(IpAddress(port.container.family(), 0));
  if (port.port == 0 || port.host.family() != port.container.family())
    return invalid_argument(where + " is no published port");
  return port;
}

Result<std::vector<PublishedPort>> port_list(const JsonReader& reader, const char* key) {
  std::vector<PublishedPort> list;
  const Json* array = TRY(reader.array(key));
  if (array == nullptr) return list;
  for (size_t i = 0; i < array->size(); ++i)
    list.push_back(TRY(port_from_json((*array)[i], fmt::format("{}.{}[{}]", reader.where(), key, i))));
  return list;
}

Result<std::vector<FurtherBridge>> further_list(const JsonReader& reader) {
  std::vector<FurtherBridge> list;
  const Json* array = TRY(reader.array("further"));
  if (array == nullptr) return list;
  for (size_t i = 0; i < array->size(); ++i) {
    const auto one = TRY(JsonReader::of((*array)[i], fmt::format("{}.further[{}]", reader.where(), i)));
    FurtherBridge bridge;
    bridge.number =
        static_cast<int>(TRY(one.integer_or("number", 0, kFirstBridge + 1, std::numeric_limits<int>::max())));
    bridge.name = TRY(one.required_string("bridge"));
    bridge.mac = TRY(required_of<Mac>(one, "mac"));
    if (bridge.number == 0) return invalid_argument(one.where() + ".number is missing");
    list.push_back(std::move(bridge));
  }
  return list;
}

Result<std::optional<Segment>> optional_segment(const JsonReader& reader) {
  const Json* value = TRY(reader.object("segment"));
  if (value == nullptr) return std::optional<Segment>();
  const auto one = TRY(JsonReader::of(*value, reader.where() + ".segment"));
  Segment segment;
  segment.parent = TRY(one.required_string("parent"));
  segment.vlan = static_cast<uint16_t>(TRY(one.integer_or("vlan", 0, 0, kMostVlan)));
  segment.aware = TRY(one.bool_or("aware", false));
  const std::string protocol = TRY(one.required_string("protocol"));
  if (protocol == to_string(TagProtocol::k8021ad))
    segment.protocol = TagProtocol::k8021ad;
  else if (protocol != to_string(TagProtocol::k8021q))
    return invalid_argument(
        fmt::format("{}.protocol is {}; it must be 802.1Q or 802.1ad", one.where(), protocol));
  return std::optional<Segment>(std::move(segment));
}

Result<NetworkRecord> read_network(const std::string& key, const Json& value) {
  const auto reader = TRY(JsonReader::of(value, "network " + key));
  NetworkRecord record;
  record.request.id = TRY(reader.required_string("id"));
  record.request.options = TRY(reader.string_map("options"));
  record.request.internal = TRY(reader.bool_or("internal", false));
  record.request.ipv4 = TRY(ipam_list(reader, "ipv4"));
  record.request.ipv6 = TRY(ipam_list(reader, "ipv6"));
  record.mode = TRY(reader.required_string("mode"));
  record.bridge = TRY(reader.required_string("bridge"));
  record.bridge_mac = TRY(required_of<Mac>(reader, "bridge_mac"));
  record.mtu = static_cast<int>(TRY(reader.integer_or("mtu", 0, kLeastMtu, kMostMtu)));
  if (record.mtu == 0) return invalid_argument(reader.where() + ".mtu is missing");
  record.since = TRY(reader.string_or_empty("since"));
  record.confirmed = TRY(reader.bool_or("confirmed", true));
  record.adopted = TRY(reader.bool_or("adopted", false));
  record.further = TRY(further_list(reader));
  record.segment = TRY(optional_segment(reader));
  if (record.request.id != key)
    return invalid_argument(
        fmt::format("network {}.id is {}; it must equal the key", key, record.request.id));
  return record;
}

Result<EndpointRecord> read_endpoint(const std::string& key, const Json& value) {
  const auto reader = TRY(JsonReader::of(value, "endpoint " + key));
  EndpointRecord record;
  record.request.network_id = TRY(reader.required_string("network"));
  record.request.endpoint_id = TRY(reader.required_string("id"));
  record.request.ipv4 = TRY(optional_of<InterfaceAddress>(reader, "ipv4"));
  record.request.ipv6 = TRY(optional_of<InterfaceAddress>(reader, "ipv6"));
  record.request.mac = TRY(optional_of<Mac>(reader, "requested_mac"));
  record.request.driver_options = TRY(reader.string_map("options"));
  record.mac = TRY(required_of<Mac>(reader, "mac"));
  record.host_link = TRY(reader.required_string("host_link"));
  record.peer_link = TRY(reader.required_string("peer_link"));
  record.derived_ipv6 = TRY(optional_of<InterfaceAddress>(reader, "derived_ipv6"));
  record.bridge = static_cast<int>(
      TRY(reader.integer_or("bridge", kFirstBridge, kFirstBridge, std::numeric_limits<int>::max())));
  record.sandbox_key = TRY(reader.string_or_empty("sandbox_key"));
  record.ports = TRY(port_list(reader, "ports"));
  record.boot_id = TRY(reader.string_or_empty("boot_id"));
  record.since = TRY(reader.string_or_empty("since"));
  const std::string own_key = endpoint_key(record.request.network_id, record.request.endpoint_id);
  if (own_key != key)
    return invalid_argument(fmt::format("endpoint {} names itself {}; both must be equal", key, own_key));
  return record;
}

// What a stored value lacks is damage, whatever the reader below called it.
template <class T>
Result<T> as_stored(const char* table, const std::string& key, const std::string& value,
                    Result<T> (*read)(const std::string&, const Json&)) {
  auto json = parse_json_object(value);
  auto record = json.ok() ? read(key, json.value()) : Result<T>(std::move(json).error());
  if (record.ok()) return record;
  return Error{
      ErrorCode::kCorrupt,
      fmt::format(
          "the record of {} {} in the store cannot be read: {}; restore the state folder from a copy, "
          "or remove that row",
          table, key, record.error().message)};
}

}  // namespace

Json to_json(const PublishedPort& port) {
  Json out = {
      {"protocol", to_string(port.protocol)}, {"container", port.container.to_string()}, {"port", port.port}};
  if (port.host_port == 0) return out;
  out["host"] = port.host.to_string();
  out["host_port"] = port.host_port;
  return out;
}

std::vector<InterfaceAddress> all_addresses_of(const EndpointRecord& endpoint) {
  std::vector<InterfaceAddress> all;
  for (const auto& address : {endpoint.request.ipv4, endpoint.request.ipv6, endpoint.derived_ipv6})
    if (address) all.push_back(*address);
  return all;
}

std::string endpoint_key(const std::string& network_id, const std::string& endpoint_id) {
  return network_id + "/" + endpoint_id;
}

Json to_json(const NetworkRecord& record) {
  Json out = {{"id", record.request.id},
              {"options", Json(record.request.options)},
              {"internal", record.request.internal},
              {"ipv4", to_json(record.request.ipv4)},
              {"ipv6", to_json(record.request.ipv6)},
              {"mode", record.mode},
              {"bridge", record.bridge},
              {"bridge_mac", record.bridge_mac.to_string()},
              {"mtu", record.mtu},
              {"since", record.since},
              {"confirmed", record.confirmed}};
  if (record.adopted) out["adopted"] = true;
  if (record.segment)
    out["segment"] = {{"parent", record.segment->parent},
                      {"vlan", record.segment->vlan},
                      {"protocol", to_string(record.segment->protocol)},
                      {"aware", record.segment->aware}};
  for (const FurtherBridge& bridge : record.further)
    out["further"].push_back(
        {{"number", bridge.number}, {"bridge", bridge.name}, {"mac", bridge.mac.to_string()}});
  return out;
}

ObjectText to_text(const EndpointRecord& record) {
  ObjectText out;
  out.text("boot_id", record.boot_id);
  if (record.bridge != kFirstBridge) out.number("bridge", record.bridge);
  if (record.derived_ipv6) out.text("derived_ipv6", record.derived_ipv6->to_string());
  out.text("host_link", record.host_link);
  out.text("id", record.request.endpoint_id);
  if (record.request.ipv4) out.text("ipv4", record.request.ipv4->to_string());
  if (record.request.ipv6) out.text("ipv6", record.request.ipv6->to_string());
  out.text("mac", record.mac.to_string());
  out.text("network", record.request.network_id);
  out.json("options", Json(record.request.driver_options));
  out.text("peer_link", record.peer_link);
  if (!record.ports.empty()) {
    Json ports = Json::array();
    for (const PublishedPort& port : record.ports) ports.push_back(to_json(port));
    out.json("ports", ports);
  }
  if (record.request.mac) out.text("requested_mac", record.request.mac->to_string());
  out.text("sandbox_key", record.sandbox_key);
  out.text("since", record.since);
  return out;
}

Result<NetworkRecord> network_from_json(const std::string& key, const std::string& value) {
  return as_stored<NetworkRecord>("network", key, value, read_network);
}

Result<EndpointRecord> endpoint_from_json(const std::string& key, const std::string& value) {
  return as_stored<EndpointRecord>("endpoint", key, value, read_endpoint);
}

}  // namespace viaduct::net
