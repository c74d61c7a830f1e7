#include "server/wire_ipam.h"

#include <fmt/format.h>

namespace viaduct::server {

namespace {

// Labels of moby (daemon/libnetwork/netlabel, ipamapi/labels.go).
constexpr const char* kAddressType = "RequestAddressType";
constexpr const char* kGatewayType = "com.docker.network.gateway";
constexpr const char* kSerial = "com.docker.network.ipam.serial";
constexpr const char* kMac = "com.docker.network.endpoint.macaddress";
constexpr const char* kName = "com.docker.network.endpoint.name";

std::string value_of(const ipam::Options& options, const char* key) {
  const auto found = options.find(key);
  return found == options.end() ? "" : found->second;
}

Result<std::optional<Prefix>> optional_prefix(const JsonReader& reader, const char* key) {
  const std::string text = TRY(reader.string_or_empty(key));
  if (text.empty()) return std::optional<Prefix>();
  auto prefix = Prefix::parse(text);
  if (!prefix.ok()) return std::move(prefix).error().with_context(fmt::format("{}.{}", reader.where(), key));
  return std::optional<Prefix>(prefix.value());
}

}  // namespace

Result<ipam::PoolRequest> decode_request_pool(const Json& body) {
  const JsonReader reader = TRY(JsonReader::of(body, "RequestPool"));
  ipam::PoolRequest request;
  request.space = TRY(reader.required_string("AddressSpace"));
  request.pool = TRY(optional_prefix(reader, "Pool"));
  request.sub_pool = TRY(optional_prefix(reader, "SubPool"));
  request.options = TRY(reader.string_map("Options"));
  request.family = TRY(reader.bool_or("V6", false)) ? Family::kIpv6 : Family::kIpv4;
  if (request.pool) request.family = request.pool->family();
  return request;
}

Result<std::string> decode_release_pool(const Json& body) {
  const JsonReader reader = TRY(JsonReader::of(body, "ReleasePool"));
  if (!body.contains("PoolID")) return invalid_argument("ReleasePool.PoolID is missing; it must be a string");
  return reader.string_or_empty("PoolID");
}

Result<ipam::AddressRequest> decode_request_address(const Json& body) {
  const JsonReader reader = TRY(JsonReader::of(body, "RequestAddress"));
  ipam::AddressRequest request;
  request.pool_id = TRY(reader.required_string("PoolID"));
  const std::string address = TRY(reader.string_or_empty("Address"));
  if (!address.empty()) {
    auto parsed = IpAddress::parse(address);
    if (!parsed.ok()) return std::move(parsed).error().with_context("RequestAddress.Address");
    request.address = parsed.value();
  }
  const ipam::Options options = TRY(reader.string_map("Options"));
  request.gateway = value_of(options, kAddressType) == kGatewayType;
  request.serial = value_of(options, kSerial) == "true";
  request.name = value_of(options, kName);
  if (const std::string mac = value_of(options, kMac); !mac.empty()) {
    auto parsed = Mac::parse(mac);
    if (!parsed.ok())
      return std::move(parsed).error().with_context(fmt::format("RequestAddress.Options.{}", kMac));
    request.mac = parsed.value();
  }
  return request;
}

Result<ReleaseAddress> decode_release_address(const Json& body) {
  const JsonReader reader = TRY(JsonReader::of(body, "ReleaseAddress"));
  ReleaseAddress request;
  request.pool_id = TRY(reader.string_or_empty("PoolID"));
  auto address = IpAddress::parse(TRY(reader.required_string("Address")));
  if (!address.ok()) return std::move(address).error().with_context("ReleaseAddress.Address");
  request.address = address.value();
  return request;
}

Json encode(const ipam::PoolReply& reply) {
  return {{"PoolID", reply.id}, {"Pool", reply.pool.to_string()}, {"Data", Json::object()}};
}

Json encode(const ipam::AddressReply& reply) {
  return {{"Address", reply.address.to_string()}, {"Data", Json::object()}};
}

}  // namespace viaduct::server
