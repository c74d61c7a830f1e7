#include "ipam/records.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <array>
#include <limits>

#include "base/clock.h"
#include "ipam/address_row.h"

namespace viaduct::ipam {

std::string pool_id(const std::string& space, const Prefix& pool, const std::optional<Prefix>& sub_pool) {
  if (!sub_pool.has_value()) return fmt::format(FMT_COMPILE("{}/{}"), space, pool.to_string());
  return fmt::format("{}/{}/{}", space, pool.to_string(), sub_pool->to_string());
}

std::string address_key(const std::string& space, const Prefix& pool, const IpAddress& address) {
  return fmt::format(FMT_COMPILE("{}/{}/{}"), space, pool.to_string(), address.to_string());
}

std::string reservation_key(const std::string& space, const IpAddress& address) {
  return fmt::format("{}/{}", space, address.to_string());
}

Json to_json(const PoolRecord& record) {
  Json out = {{"space", record.space},         {"pool", record.pool.to_string()},
              {"automatic", record.automatic}, {"refs", record.refs},
              {"epoch", record.epoch},         {"since", format_time(record.since)}};
  if (record.sub_pool.has_value()) out["sub_pool"] = record.sub_pool->to_string();
  if (!record.options.empty()) out["options"] = record.options;
  return out;
}

// read_plain_address_row() knows this order.
ObjectText to_text(const AddressRecord& record) {
  ObjectText out;
  out.text("address", record.address.to_string());
  out.number("claims", record.claims);
  out.number("epoch", static_cast<int64_t>(record.epoch));
  if (record.mac.has_value()) out.text("mac", record.mac->to_string());
  if (!record.name.empty()) out.text("name", record.name);
  out.text("owner", to_string(record.owner));
  out.text("pool", record.pool.to_string());
  if (record.released) out.flag("released", true);
  if (record.rest.has_value()) out.number("rest", *record.rest);
  out.text("since", format_time(record.since));
  out.text("space", record.space);
  return out;
}

Json to_json(const ReservationRecord& record) {
  Json out = {{"space", record.space}, {"address", record.address.to_string()}, {"since", record.since}};
  if (record.mac.has_value()) out["mac"] = record.mac->to_string();
  if (!record.name.empty()) out["name"] = record.name;
  if (!record.note.empty()) out["note"] = record.note;
  return out;
}

Result<std::chrono::sys_seconds> parse_since(const std::string& text) {
  if (const auto plain = read_plain_time(text); plain.has_value()) return *plain;
  return invalid_argument(fmt::format("\"{}\" is no time such as 2026-01-31T12:00:00Z", text));
}

namespace {

Result<OwnerClass> owner_from(const std::string& text) {
  constexpr std::array kAll = {OwnerClass::kGateway, OwnerClass::kAuxiliary, OwnerClass::kEndpoint,
                               OwnerClass::kSwarm};
  for (const OwnerClass owner : kAll)
    if (text == to_string(owner)) return owner;
  return invalid_argument(fmt::format("owner \"{}\" is none of gateway, auxiliary, endpoint, swarm", text));
}

Result<uint64_t> read_epoch(const JsonReader& reader) {
  return static_cast<uint64_t>(TRY(reader.integer_or("epoch", 0, 0, std::numeric_limits<int64_t>::max())));
}

Result<int> read_count(const JsonReader& reader, const char* member) {
  return static_cast<int>(TRY(reader.integer_or(member, 1, 1, std::numeric_limits<int>::max())));
}

Result<Prefix> read_prefix(const JsonReader& reader, const char* member) {
  const std::string text = TRY(reader.required_string(member));
  return Prefix::parse(text);
}

Result<Json> parse_stored(const std::string& value) {
  Json json = Json::parse(value, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return invalid_argument("it is no JSON object");
  return json;
}

}  // namespace

Result<PoolRecord> read_pool(const std::string& value) {
  const Json json = TRY(parse_stored(value));
  const JsonReader reader = TRY(JsonReader::of(json, "record"));
  PoolRecord record;
  record.space = TRY(reader.required_string("space"));
  record.pool = TRY(read_prefix(reader, "pool"));
  if (json.contains("sub_pool")) record.sub_pool = TRY(read_prefix(reader, "sub_pool"));
  record.options = TRY(reader.string_map("options"));
  record.automatic = TRY(reader.bool_or("automatic", false));
  record.refs = TRY(read_count(reader, "refs"));
  record.epoch = TRY(read_epoch(reader));
  const std::string since = TRY(reader.string_or_empty("since"));
  if (!since.empty()) record.since = TRY(parse_since(since));
  record.id = pool_id(record.space, record.pool, record.sub_pool);
  return record;
}

Result<AddressRecord> read_address(const std::string& value) {
  const Json json = TRY(parse_stored(value));
  const JsonReader reader = TRY(JsonReader::of(json, "record"));
  AddressRecord record;
  record.space = TRY(reader.required_string("space"));
  record.pool = TRY(read_prefix(reader, "pool"));
  const std::string address = TRY(reader.required_string("address"));
  record.address = TRY(IpAddress::parse(address));
  const std::string owner = TRY(reader.required_string("owner"));
  record.owner = TRY(owner_from(owner));
  const std::string mac = TRY(reader.string_or_empty("mac"));
  if (!mac.empty()) record.mac = TRY(Mac::parse(mac));
  record.name = TRY(reader.string_or_empty("name"));
  record.claims = TRY(read_count(reader, "claims"));
  record.epoch = TRY(read_epoch(reader));
  const std::string since = TRY(reader.string_or_empty("since"));
  record.since = TRY(parse_since(since));
  record.released = TRY(reader.bool_or("released", false));
  if (json.contains("rest")) record.rest = TRY(reader.integer_or("rest", 0, -kMostLasting, kMostLasting));
  if (!record.pool.contains(record.address)) return invalid_argument("its address is not in its pool");
  return record;
}

Result<ReservationRecord> read_reservation(const std::string& value) {
  const Json json = TRY(parse_stored(value));
  const JsonReader reader = TRY(JsonReader::of(json, "record"));
  ReservationRecord record;
  record.space = TRY(reader.required_string("space"));
  const std::string address = TRY(reader.required_string("address"));
  record.address = TRY(IpAddress::parse(address));
  const std::string mac = TRY(reader.string_or_empty("mac"));
  if (!mac.empty()) record.mac = TRY(Mac::parse(mac));
  record.name = TRY(reader.string_or_empty("name"));
  record.note = TRY(reader.string_or_empty("note"));
  record.since = TRY(reader.string_or_empty("since"));
  if (!record.mac.has_value() && record.name.empty())
    return invalid_argument("it names neither a MAC nor a name");
  return record;
}

namespace {

Error corrupt(std::string_view table, const std::string& key, std::string_view why) {
  return {ErrorCode::kCorrupt,
          fmt::format("record \"{}\" of table {} cannot be read ({}); restore the state file "
                      "from a copy, or remove the record",
                      key, table, why)};
}

}  // namespace

Result<PoolRecord> pool_from_json(const std::string& key, const std::string& value) {
  auto record = read_pool(value);
  if (!record.ok()) return corrupt("pool", key, record.error().message);
  if (record.value().id != key) return corrupt("pool", key, "its content is that of another key");
  if (const auto& sub = record.value().sub_pool; sub.has_value() && !record.value().pool.contains(*sub))
    return corrupt("pool", key, "its sub_pool is not in its pool");
  return record;
}

Result<AddressRecord> address_from_json(const std::string& key, const std::string& value) {
  if (auto plain = read_plain_address_row(key, value); plain.has_value()) return std::move(*plain);
  auto record = read_address(value);
  if (!record.ok()) return corrupt("address", key, record.error().message);
  const AddressRecord& content = record.value();
  if (address_key(content.space, content.pool, content.address) != key)
    return corrupt("address", key, "its content is that of another key");
  return record;
}

Result<ReservationRecord> reservation_from_json(const std::string& key, const std::string& value) {
  auto record = read_reservation(value);
  if (!record.ok()) return corrupt("reservation", key, record.error().message);
  if (reservation_key(record.value().space, record.value().address) != key)
    return corrupt("reservation", key, "its content is that of another key");
  return record;
}

}  // namespace viaduct::ipam
