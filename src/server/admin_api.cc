#include "server/admin_api.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/wire.h"

namespace viaduct::server {

namespace {

// Whole numbers up to 2^64 as numbers; larger ones (an IPv6 pool's capacity) as 2^64 - 1, which says "more than anybody
// counts".
uint64_t clamp(Uint128 number) {
  constexpr Uint128 kMost = ~uint64_t{0};
  return static_cast<uint64_t>(number < kMost ? number : kMost);
}

Json subnet_json(const net::IpamData& data) {
  Json out = {{"space", data.space}};
  if (data.pool) out["pool"] = data.pool->to_string();
  if (data.gateway) out["gateway"] = data.gateway->to_string();
  for (const auto& [name, address] : data.auxiliary) out["auxiliary"][name] = address.to_string();
  return out;
}

Json network_json(const net::NetworkRecord& network) {
  Json subnets = Json::array();
  for (const auto& data : network.request.ipv4) subnets.push_back(subnet_json(data));
  for (const auto& data : network.request.ipv6) subnets.push_back(subnet_json(data));
  return {{"id", network.request.id},
          {"mode", network.mode},
          {"bridge", network.bridge},
          {"mtu", network.mtu},
          {"internal", network.request.internal},
          {"subnets", std::move(subnets)},
          {"options", network.request.options},
          {"since", network.since}};
}

Json endpoint_json(const net::EndpointRecord& endpoint) {
  Json out = {{"id", endpoint.request.endpoint_id}, {"network", endpoint.request.network_id},
              {"mac", endpoint.mac.to_string()},    {"host_link", endpoint.host_link},
              {"sandbox", endpoint.sandbox_key},    {"since", endpoint.since}};
  if (endpoint.request.ipv4) out["address"] = endpoint.request.ipv4->to_string();
  if (endpoint.request.ipv6) out["address6"] = endpoint.request.ipv6->to_string();
  return out;
}

Json pool_json(const ipam::PoolView& pool) {
  Json out = {{"id", pool.id},
              {"space", pool.space},
              {"pool", pool.pool.to_string()},
              {"automatic", pool.automatic},
              {"refs", pool.refs},
              {"since", pool.since},
              {"capacity", clamp(pool.capacity)},
              {"used", pool.used},
              {"resting", pool.resting}};
  if (pool.sub_pool) out["sub_pool"] = pool.sub_pool->to_string();
  return out;
}

Json address_json(const ipam::AddressView& address) {
  Json out = {{"space", address.space},
              {"pool", address.pool.to_string()},
              {"address", address.address.to_string()},
              {"state", to_string(address.state)},
              {"class", to_string(address.owner)},
              {"epoch", address.epoch},
              {"since", address.since}};
  if (address.mac) out["mac"] = address.mac->to_string();
  if (!address.name.empty()) out["name"] = address.name;
  return out;
}

template <class Items, class Encode>
Json list(const Items& items, Encode encode) {
  Json out = Json::array();
  for (const auto& item : items) out.push_back(encode(item));
  return out;
}

}  // namespace

HttpReply AdminApi::handle(const HttpRequest& request) const {
  if (request.method != "GET")
    return {405, error_body("the admin API is read with GET; changes are not offered")};
  if (request.path == "/v1/status") return {200, dump_json(status())};
  if (request.path == "/v1/networks") return {200, dump_json(networks())};
  if (request.path == "/v1/endpoints") return {200, dump_json(endpoints())};
  if (request.path == "/v1/pools") return {200, dump_json(pools())};
  if (request.path == "/v1/addresses") return {200, dump_json(addresses())};
  return {404, error_body(
                   "the admin API has /v1/status, /v1/networks, /v1/endpoints, /v1/pools and /v1/addresses")};
}

Json AdminApi::status() const {
  uint64_t calls = 0;
  uint64_t failures = 0;
  Json methods = Json::object();
  for (const auto& [method, count] : router_.counts()) {
    calls += count.calls;
    failures += count.failures;
    methods[method] = {
        {"calls", count.calls}, {"failures", count.failures}, {"slowest_us", count.slowest_us}};
  }
  const ipam::IpamCounts counts = services_.ipam.counts();
  const auto now = SystemClock().now();
  return {{"version", facts_.version},
          {"pid", ::getpid()},
          {"instance", facts_.instance},
          {"state", facts_.state_folder},
          {"scope", facts_.scope},
          {"listen", facts_.listen},
          {"started", format_time(facts_.started)},
          {"uptime_seconds", (now - facts_.started).count()},
          {"epoch", services_.ipam.epoch()},
          {"networks", services_.network.networks().size()},
          {"endpoints", services_.network.endpoints().size()},
          {"pools", counts.pools},
          {"addresses", counts.held},
          {"resting", counts.resting},
          {"reservations", counts.reservations},
          {"early_reuses", counts.early_reuses},
          {"calls", calls},
          {"failures", failures},
          {"methods", std::move(methods)},
          {"notes", facts_.notes}};
}

Json AdminApi::networks() const {
  return {{"networks", list(services_.network.networks(), network_json)}};
}
Json AdminApi::endpoints() const {
  return {{"endpoints", list(services_.network.endpoints(), endpoint_json)}};
}
Json AdminApi::pools() const {
  return {{"pools", list(services_.ipam.pools(), pool_json)}};
}
Json AdminApi::addresses() const {
  return {{"addresses", list(services_.ipam.addresses(), address_json)}};
}

}  // namespace viaduct::server
