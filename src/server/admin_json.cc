#include "server/admin_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/spread.h"

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

// Members that count, where there is something to count.
void put_count(Json& out, const char* key, Uint128 count) {
  if (count > 0) out[key] = clamp(count);
}

Json cell_json(const IpAddress& first, const ipam::MapCell& cell) {
  Json out = {{"first", first.to_string()}, {"size", clamp(cell.size)}};
  put_count(out, "held", cell.held);
  put_count(out, "quarantined", cell.quarantined);
  put_count(out, "retained", cell.retained);
  put_count(out, "reserved", cell.reserved);
  put_count(out, "set_aside", cell.set_aside);
  put_count(out, "excluded", cell.excluded);
  const Uint128 taken =
      cell.excluded + Uint128{cell.held} + cell.quarantined + cell.retained + cell.reserved + cell.set_aside;
  put_count(out, "free", taken < cell.size ? cell.size - taken : 0);
  return out;
}

Result<ipam::ReservationRecord> read_reservation(const Json& value, const std::string& where) {
  const auto reader = TRY(JsonReader::of(value, where));
  TRY(reader.only({"space", "address", "mac", "name", "note", "since"}));
  ipam::ReservationRecord out;
  out.space = TRY(reader.string_or_empty("space"));
  if (out.space.empty()) out.space = ipam::kLocalSpace;
  const std::string address = TRY(reader.required_string("address"));
  out.address = TRY(IpAddress::parse(address));
  const std::string mac = TRY(reader.string_or_empty("mac"));
  if (!mac.empty()) out.mac = TRY(Mac::parse(mac));
  out.name = TRY(reader.string_or_empty("name"));
  out.note = TRY(reader.string_or_empty("note"));
  TRY(reader.string_or_empty("since"));
  return out;
}

}  // namespace

Json to_admin_json(const net::NetworkRecord& network) {
  Json subnets = Json::array();
  for (const auto& data : network.request.ipv4) subnets.push_back(subnet_json(data));
  for (const auto& data : network.request.ipv6) subnets.push_back(subnet_json(data));
  return {{"id", network.request.id},
          {"mode", network.mode},
          {"bridge", network.bridge},
          {"bridges", net::bridges_of(network)},
          {"adopted", network.adopted},
          {"lan", network.segment ? net::words_of(*network.segment) : ""},
          {"mtu", network.mtu},
          {"internal", network.request.internal},
          {"subnets", std::move(subnets)},
          {"options", network.request.options},
          {"since", network.since}};
}

Json to_admin_json(const net::EndpointRecord& endpoint) {
  Json out = {{"id", endpoint.request.endpoint_id}, {"network", endpoint.request.network_id},
              {"mac", endpoint.mac.to_string()},    {"host_link", endpoint.host_link},
              {"sandbox", endpoint.sandbox_key},    {"since", endpoint.since}};
  if (endpoint.request.ipv4) out["address"] = endpoint.request.ipv4->to_string();
  for (const auto& address : {endpoint.request.ipv6, endpoint.derived_ipv6})
    if (address) out["address6"] = address->to_string();
  out["ports"] = Json::array();
  for (const auto& port : endpoint.ports) out["ports"].push_back(net::to_json(port));
  return out;
}

Json to_admin_json(const net::ForwardChain& chain) {
  return {{"family", chain.family},   {"table", chain.table},         {"chain", chain.name},
          {"refuses", chain.refuses}, {"lets_pass", chain.lets_pass}, {"jumps", chain.jumps}};
}

Json to_admin_json(const ipam::PoolView& pool) {
  Json held = Json::object();
  for (size_t i = 0; i < pool.held.size(); ++i)
    put_count(held, std::string(to_string(static_cast<ipam::OwnerClass>(i))).c_str(), pool.held[i]);
  Json out = {{"id", pool.id},
              {"space", pool.space},
              {"pool", pool.pool.to_string()},
              {"automatic", pool.automatic},
              {"refs", pool.refs},
              {"since", pool.since},
              {"options", pool.options},
              {"capacity", clamp(pool.capacity)},
              {"excluded", clamp(pool.excluded)},
              {"used", pool.used},
              {"resting", pool.resting},
              {"reserved", pool.reserved},
              {"held", std::move(held)},
              {"early_reuses", pool.early_reuses},
              {"probe", to_string(pool.probe)},
              {"watch", to_string(pool.watch)},
              {"watch_detail", pool.watch_detail},
              {"set_aside", pool.set_aside}};
  for (const Mac& mac : pool.proxies) out["disbelieved"].push_back(mac.to_string());
  if (pool.sub_pool) out["sub_pool"] = pool.sub_pool->to_string();
  return out;
}

Json to_admin_json(const ipam::AddressView& address) {
  Json out = {{"space", address.space},
              {"pool", address.pool.to_string()},
              {"address", address.address.to_string()},
              {"state", to_string(address.state)},
              {"since", address.since}};
  if (address.state != ipam::AddressState::kAside) {
    out["class"] = to_string(address.owner);
    out["epoch"] = address.epoch;
  }
  if (address.mac) out["mac"] = address.mac->to_string();
  if (!address.name.empty()) out["name"] = address.name;
  if (address.state == ipam::AddressState::kResting) out["rests_for"] = address.rests_for;
  return out;
}

Json to_admin_json(const ipam::ReservationRecord& reservation) {
  Json out = {{"space", reservation.space},
              {"address", reservation.address.to_string()},
              {"since", reservation.since}};
  if (reservation.mac) out["mac"] = reservation.mac->to_string();
  if (!reservation.name.empty()) out["name"] = reservation.name;
  if (!reservation.note.empty()) out["note"] = reservation.note;
  return out;
}

Json to_admin_json(const ipam::PoolMap& map) {
  Json cells = Json::array();
  Uint128 offset = 0;
  for (const auto& cell : map.cells) {
    cells.push_back(cell_json(map.first.plus(offset), cell));
    offset += cell.size;
  }
  return {{"pool", to_admin_json(map.pool)}, {"cells", std::move(cells)}};
}

Json to_admin_json(const ipam::AddressStory& story) {
  // Of a free address nobody is known but its place.
  Json out = {{"space", story.address.space},
              {"address", story.address.address.to_string()},
              {"state", to_string(story.address.state)}};
  if (story.address.state != ipam::AddressState::kFree) out = to_admin_json(story.address);
  if (story.pool_id.empty()) {
    out.erase("pool");
  } else {
    out["pool"] = story.address.pool.to_string();
    out["pool_id"] = story.pool_id;
  }
  out["usable"] = story.usable;
  out["excluded"] = story.excluded;
  out["outside_range"] = story.outside_range;
  out["orphan"] = story.orphan;
  if (story.quarantine_left > 0) out["quarantine_left"] = story.quarantine_left;
  if (story.retention_left > 0) out["retention_left"] = story.retention_left;
  if (!story.bound_to.empty()) out["bound_to"] = story.bound_to;
  if (!story.reserved_for.empty()) out["reserved_for"] = story.reserved_for;
  if (!story.note.empty()) out["note"] = story.note;
  if (story.answered_by) {
    out["answered_by"] = story.answered_by->to_string();
    out["answered_at"] = story.answered_at;
    out["set_aside_until"] = story.set_aside_until;
  }
  return out;
}

Result<AddressInSpace> read_address_in_space(const Json& body) {
  const auto reader = TRY(JsonReader::of(body, "the body"));
  TRY(reader.only({"space", "address"}));
  AddressInSpace out;
  out.space = TRY(reader.string_or_empty("space"));
  if (out.space.empty()) out.space = ipam::kLocalSpace;
  const std::string address = TRY(reader.required_string("address"));
  out.address = TRY(IpAddress::parse(address));
  return out;
}

Result<std::vector<ipam::ReservationRecord>> read_reservations(const Json& body) {
  const auto reader = TRY(JsonReader::of(body, "the body"));
  TRY(reader.only({"reservations"}));
  const Json* list = TRY(reader.array("reservations"));
  if (list == nullptr || list->empty())
    return invalid_argument("the body names no reservation; send {\"reservations\": [{\"address\": …}]}");
  std::vector<ipam::ReservationRecord> out;
  for (const auto& value : *list) {
    const std::string where = fmt::format("reservations[{}]", out.size());
    auto record = read_reservation(value, where);
    if (!record.ok()) {
      const bool named = record.error().message.starts_with(where);
      return named ? std::move(record).error() : std::move(record).error().with_context(where);
    }
    out.push_back(std::move(record).value());
  }
  return out;
}

}  // namespace viaduct::server
