#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "ipam/ipam_impl.h"

// From the store into memory, at start.
namespace viaduct::ipam {

using store::Row;
using store::Table;

namespace {

Error corrupt(const std::string& key, std::string_view table, std::string_view why) {
  return {
      ErrorCode::kCorrupt,
      fmt::format("record \"{}\" of table {} {}; restore the state file from a copy, or remove the record",
                  key, table, why)};
}

Status load_pool(PoolTable& table, const Row& row) {
  PoolRecord record = TRY(pool_from_json(row.key, row.value));
  auto settings = read_pool_settings(record.options);
  if (!settings.ok())
    return corrupt(row.key, "pool",
                   fmt::format("has options that are not known ({})", settings.error().message));
  if (const Pool* other = table.find_overlap(record.space, record.pool, record.sub_pool); other != nullptr)
    return corrupt(row.key, "pool", fmt::format("overlaps \"{}\"", other->record.id));
  if (!usable_range(record.pool, record.sub_pool).has_value())
    return corrupt(row.key, "pool", "holds no usable address");
  table.add(std::move(record), std::move(settings).value(), PoolState::kSettled);
  return {};
}

Status load_reservation(ReservationBook& reservations, const Row& row) {
  reservations.put(TRY(reservation_from_json(row.key, row.value)));
  return {};
}

// `latest`: the highest lasting time seen.
Status load_address(PoolTable& table, const Row& row, int64_t& latest) {
  const AddressRecord record = TRY(address_from_json(row.key, row.value));
  Parent* parent = table.find_parent(record.space, record.pool);
  if (parent == nullptr) return corrupt(row.key, "address", "belongs to no pool");
  const Holder holder{.owner = record.owner,
                      .mac = record.mac,
                      .name = record.name,
                      .claims = record.claims,
                      .epoch = record.epoch,
                      .released = record.released,
                      .since = record.since,
                      .rest = record.rest};
  latest = std::max(latest, record.rest.value_or(0));
  parent->subnet.load(parent->subnet.offset_of(record.address), holder);
  return {};
}

// Visits every row until one cannot be read.
Status load_table(store::Store& store, Table table, const std::function<Status(const Row&)>& load) {
  Status first;
  TRY(store.scan(table, [&](const Row& row) {
    if (first.ok()) first = load(row);
  }));
  return first;
}

Result<Prefix> unique_local_from(const std::string& value) {
  const auto json = parse_json_object(value);
  if (!json.ok()) return corrupt("ula", "meta", "cannot be read");
  const auto reader = JsonReader::of(json.value(), "ula");
  const auto text = reader.value().required_string("prefix");
  if (!text.ok()) return corrupt("ula", "meta", "has no prefix");
  auto prefix = Prefix::parse(text.value());
  if (!prefix.ok() || prefix.value().family() != Family::kIpv6 || prefix.value().length() > 64)
    return corrupt("ula", "meta", "holds no IPv6 prefix of at most 64 bits");
  return prefix;
}

}  // namespace

Status IpamService::Impl::load_tables() {
  int64_t latest = 0;
  TRY(load_table(store_, Table::kReservation,
                 [this](const Row& row) { return load_reservation(reservations_, row); }));
  TRY(load_table(store_, Table::kPool, [this](const Row& row) { return load_pool(table_, row); }));
  TRY(load_table(store_, Table::kAddress, [&](const Row& row) { return load_address(table_, row, latest); }));
  anchor_.lasting = latest;
  return {};
}

Status IpamService::Impl::load() {
  if (const auto epoch = TRY(store_.get(Table::kMeta, "epoch")); epoch.has_value())
    epoch_ = TRY(epoch_from_json(*epoch));
  if (const auto ula = TRY(store_.get(Table::kMeta, "ula")); ula.has_value())
    unique_local_ = TRY(unique_local_from(*ula));
  std::optional<TimeAnchor> stored;
  if (const auto clock = TRY(store_.get(Table::kMeta, "clock")); clock.has_value())
    stored = TRY(anchor_from_json(*clock));
  TRY(load_tables());
  anchor_ = anchor_at_start(stored, {clock_.uptime(), clock_.now(), config_.boot_id}, anchor_.lasting);
  for (Pool* pool : table_.all()) {
    announce_locked(*pool, Reached::kMaybe);
    const std::string& space = pool->record.space;
    raise_epoch(space, pool->record.epoch);
    if (&pool->parent->any_pool() != pool) continue;
    Subnet& subnet = pool->parent->subnet;
    subnet.end_loading();
    uint64_t epoch = 0;
    subnet.for_each([&](Uint128, const Slot& slot) { epoch = std::max<uint64_t>(epoch, slot.epoch); });
    raise_epoch(space, epoch);
    mark_reservations_locked(*pool->parent);
  }
  return {};
}

void IpamService::Impl::raise_epoch(const std::string& space, uint64_t number) {
  SpaceEpoch& epoch = epoch_.of(kind_of_space(space));
  if (epoch.number >= number) return;
  epoch = SpaceEpoch{.number = number};
}

}  // namespace viaduct::ipam
