#include "ipam/ipam_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "ipam/ipam_impl.h"

namespace viaduct::ipam {

using store::Row;
using store::Table;

IpamService::Impl::Impl(store::Store& store, const Clock& clock, IpamConfig config,
                        IpamEnvironment environment)
    : store_(store), clock_(clock), config_(std::move(config)), environment_(std::move(environment)) {}

namespace {

Error corrupt(const std::string& key, std::string_view table, std::string_view why) {
  return {
      ErrorCode::kCorrupt,
      fmt::format("record \"{}\" of table {} {}; restore the state file from a copy, or remove the record",
                  key, table, why)};
}

Status load_pool(PoolTable& table, const Row& row) {
  PoolRecord record = TRY(pool_from_json(row.key, row.value));
  if (const Pool* other = table.find_overlap(record.space, record.pool, record.sub_pool); other != nullptr)
    return corrupt(row.key, "pool", fmt::format("overlaps \"{}\"", other->record.id));
  if (!usable_range(record.pool, record.sub_pool).has_value())
    return corrupt(row.key, "pool", "holds no usable address");
  table.add(std::move(record), PoolState::kSettled);
  return {};
}

Status load_address(PoolTable& table, const Row& row) {
  const AddressRecord record = TRY(address_from_json(row.key, row.value));
  Parent* parent = table.find_parent(record.space, record.pool);
  if (parent == nullptr) return corrupt(row.key, "address", "belongs to no pool");
  const Holder holder{.owner = record.owner,
                      .mac = record.mac,
                      .name = record.name,
                      .claims = record.claims,
                      .epoch = record.epoch,
                      .released = record.released,
                      .since = TRY(parse_since(record.since))};
  parent->subnet.insert(parent->subnet.offset_of(record.address), holder, SlotState::kSettled);
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

Status IpamService::Impl::load() {
  if (const auto epoch = TRY(store_.get(Table::kMeta, "epoch")); epoch.has_value())
    epoch_ = TRY(epoch_from_json(*epoch));
  if (const auto ula = TRY(store_.get(Table::kMeta, "ula")); ula.has_value())
    unique_local_ = TRY(unique_local_from(*ula));
  TRY(load_table(store_, Table::kPool, [this](const Row& row) { return load_pool(table_, row); }));
  TRY(load_table(store_, Table::kAddress, [this](const Row& row) { return load_address(table_, row); }));
  for (const auto& [id, pool] : table_.by_id()) {
    const std::string& space = pool->record.space;
    raise_epoch(space, pool->record.epoch);
    if (pool->parent->pools.front() != pool.get()) continue;
    pool->parent->subnet.for_each(
        [&](Uint128, const Slot& slot) { raise_epoch(space, slot.holder().epoch); });
    pool->parent->subnet.place_cursors();
  }
  return {};
}

void IpamService::Impl::raise_epoch(const std::string& space, uint64_t number) {
  SpaceEpoch& epoch = epoch_.of(kind_of_space(space));
  epoch.number = std::max(epoch.number, number);
}

bool IpamService::Impl::wait_for_change(Lock& lock, Deadline deadline) {
  const uint64_t seen = generation_;
  return changed_.wait_until(lock, deadline.at(), [&] { return generation_ != seen; }) && !deadline.expired();
}

void IpamService::Impl::notify_locked() {
  ++generation_;
  changed_.notify_all();
}

Result<std::unique_ptr<IpamService>> IpamService::open(store::Store& store, const Clock& clock,
                                                       IpamConfig config, IpamEnvironment environment) {
  auto impl = std::make_unique<Impl>(store, clock, std::move(config), std::move(environment));
  TRY(impl->load());
  return std::unique_ptr<IpamService>(new IpamService(std::move(impl)));
}

IpamService::IpamService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
IpamService::~IpamService() = default;

Status IpamService::registered(const EngineIdentity& engine) {
  return impl_->registered(engine);
}
Result<PoolReply> IpamService::request_pool(const PoolRequest& request, Deadline deadline) {
  return impl_->request_pool(request, deadline);
}
Status IpamService::release_pool(const std::string& id, Deadline deadline) {
  return impl_->release_pool(id, deadline);
}
Result<AddressReply> IpamService::request_address(const AddressRequest& request, Deadline deadline) {
  return impl_->request_address(request, deadline);
}
Status IpamService::release_address(const std::string& pool_id, const IpAddress& address, Deadline deadline) {
  return impl_->release_address(pool_id, address, deadline);
}
Status IpamService::endpoint_gone(const Prefix& pool, const IpAddress& address, Deadline deadline) {
  return impl_->endpoint_ended(pool, address, deadline, after_endpoint_gone);
}
Status IpamService::endpoint_deleted(const Prefix& pool, const IpAddress& address, Deadline deadline) {
  return impl_->endpoint_ended(pool, address, deadline, after_endpoint_deleted);
}
bool IpamService::holds_pool(const Prefix& pool, const std::string& by) const {
  return impl_->holds_pool(pool, by);
}
std::vector<PoolView> IpamService::pools() const {
  return impl_->pools();
}
std::vector<AddressView> IpamService::addresses() const {
  return impl_->addresses();
}
uint64_t IpamService::epoch() const {
  return impl_->epoch();
}

}  // namespace viaduct::ipam
