#include "ipam/pool_table.h"

#include <algorithm>
#include <utility>

namespace viaduct::ipam {

namespace {

Prefix own_prefix(const PoolRecord& record) {
  return record.sub_pool.value_or(record.pool);
}

// Where a pool stands whose own prefix begins at the address: behind all that begin there or before.
auto place_of(const Few<Pool>& pools, const IpAddress& first) {
  return std::partition_point(pools.begin(), pools.end(),
                              [&](const Pool* pool) { return own_prefix(pool->record).first() <= first; });
}

// The last that begins at the address or before it; null: none does.
Pool* last_until(const Few<Pool>& pools, const IpAddress& address) {
  const auto behind = place_of(pools, address);
  return behind == pools.begin() ? nullptr : *std::prev(behind);
}

}  // namespace

Pool* Parent::pool_at(Uint128 offset) const {
  Pool* pool = last_until(pools, subnet.address_at(offset));
  return pool != nullptr && pool->range.first <= offset && offset <= pool->range.last ? pool : nullptr;
}

const Neighbours& Parent::neighbours() const {
  static const Neighbours kNone;
  return heard == nullptr ? kNone : *heard;
}

Neighbours& Parent::neighbours_to_hear() {
  if (heard == nullptr) heard = std::make_unique<Neighbours>();
  return *heard;
}

Pool* PoolTable::find(std::string_view id) const {
  const uint32_t number = by_id_.find(hash(id), [&](uint32_t each) { return at(each).record.id == id; });
  return number == 0 ? nullptr : &at(number);
}

uint64_t PoolTable::hash(std::string_view id) {
  return std::hash<std::string_view>()(id);
}

void PoolTable::enter(const Pool& pool) {
  if (!by_id_.full_for(pool.number)) return by_id_.insert(pool.id_hash, pool.number);
  by_id_.grow(pool.number);
  for (uint32_t number = 1; number <= pools_.size(); ++number)
    if (const Pool& each = at(number); !each.record.id.empty()) by_id_.insert(each.id_hash, number);
}

Parent* PoolTable::find_parent(const std::string& space, const Prefix& prefix) const {
  const auto in_space = spaces_.find(space);
  return in_space == spaces_.end() ? nullptr : in_space->second.find(prefix);
}

Pool* PoolTable::find_overlap(const std::string& space, const Prefix& prefix,
                              const std::optional<Prefix>& sub_pool) {
  const auto in_space = spaces_.find(space);
  if (in_space == spaces_.end()) return nullptr;
  Parent* parent = in_space->second.find_overlap(prefix);
  if (parent == nullptr) return nullptr;
  if (parent->subnet.prefix() != prefix) return &parent->any_pool();
  // They do not overlap one another: the last that begins before the end of this one reaches into it, or none does.
  const Prefix own = sub_pool.value_or(prefix);
  Pool* pool = last_until(parent->pools, own.last());
  if (pool == nullptr || pool->record.sub_pool == sub_pool || !own.overlaps(own_prefix(pool->record)))
    return nullptr;
  return pool;
}

std::optional<Prefix> PoolTable::plan(const std::string& space, const std::vector<PoolSource>& sources,
                                      Family family, std::optional<int> length,
                                      const std::vector<Prefix>& hosts) const {
  const auto in_space = spaces_.find(space);
  if (in_space == spaces_.end()) return plan_pool(sources, family, length, PrefixTree(), hosts);
  return plan_pool(sources, family, length, in_space->second, hosts);
}

namespace {

// What the settings exclude, as offsets in the pool.
std::vector<Interval> excluded_offsets(const PoolSettings& settings, const Prefix& pool) {
  std::vector<Interval> out;
  for (const AddressSpan& span : settings.exclude) {
    if (span.first.family() != pool.family() || span.last < pool.first() || pool.last() < span.first)
      continue;
    const IpAddress first = std::max(span.first, pool.first());
    const IpAddress last = std::min(span.last, pool.last());
    out.push_back({first.value() - pool.first().value(), last.value() - pool.first().value()});
  }
  return out;
}

// That and, of its range, what other nodes' slices are.
std::vector<Interval> closed_offsets(const PoolSettings& settings, const PoolRecord& record,
                                     const UsableRange& range) {
  std::vector<Interval> out = excluded_offsets(settings, record.pool);
  if (!settings.slice) return out;
  const Uint128 first = range.first.value() - record.pool.first().value();
  const Uint128 last = range.last.value() - record.pool.first().value();
  const Uint128 size = last - first + 1;
  const auto start_of = [&](Uint128 part) {
    return first + size / settings.slice->parts * part + std::min(part, size % settings.slice->parts);
  };
  const Uint128 begin = start_of(settings.slice->part - 1);
  const Uint128 end = start_of(settings.slice->part);
  if (begin > first) out.push_back({first, begin - 1});
  if (end <= last) out.push_back({end, last});
  return out;
}

}  // namespace

// A slice is no matter of gateways: all nodes have the same.
std::vector<Interval> Pool::gateways() const {
  const UsableRange whole = *usable_range(record.pool, std::nullopt);
  return without({parent->subnet.offset_of(whole.first), parent->subnet.offset_of(whole.last)},
                 excluded_offsets(settings, record.pool));
}

Pool& PoolTable::add(PoolRecord record, PoolSettings settings, PoolState state) {
  PrefixTree& space = spaces_[record.space];
  Parent* parent = space.find(record.pool);
  if (parent == nullptr) parent = &space.insert(record.pool, record.space);
  if (spare_.empty()) {
    pools_.push_back();
    spare_.push_back(static_cast<uint32_t>(pools_.size()));
  }
  Pool& pool = at(spare_.back());
  pool.number = spare_.back();
  pool.id_hash = hash(record.id);
  pool.record = std::move(record);
  pool.settings = std::move(settings);
  pool.state = state;
  pool.parent = parent;
  const UsableRange range = *usable_range(pool.record.pool, pool.record.sub_pool);
  parent->subnet.add_range(pool.range, range, closed_offsets(pool.settings, pool.record, range));
  parent->pools.insert(place_of(parent->pools, own_prefix(pool.record).first()), &pool);
  enter(pool);
  spare_.pop_back();
  ++live_;
  return pool;
}

void PoolTable::remove(Pool& pool) {
  Parent& parent = *pool.parent;
  parent.subnet.remove_range(pool.range);
  parent.pools.erase(&pool);
  if (parent.pools.empty()) {
    const auto in_space = spaces_.find(parent.space);
    in_space->second.remove(parent.subnet.prefix());
    if (in_space->second.empty()) spaces_.erase(in_space);
  }
  by_id_.erase(pool.id_hash, pool.number);
  spare_.push_back(pool.number);
  pool = Pool();
  if (--live_ > 0) return;
  pools_.clear();
  spare_.clear();
  by_id_.clear();
}

std::vector<Pool*> PoolTable::all() const {
  std::vector<Pool*> out;
  out.reserve(live_);
  for (uint32_t number = 1; number <= pools_.size(); ++number)
    if (!at(number).record.id.empty()) out.push_back(&at(number));
  std::sort(out.begin(), out.end(),
            [](const Pool* left, const Pool* right) { return left->record.id < right->record.id; });
  return out;
}

std::vector<std::string> PoolTable::spaces() const {
  std::vector<std::string> out;
  for (const auto& [name, space] : spaces_) out.push_back(name);
  return out;
}

std::vector<const Parent*> PoolTable::parents() const {
  std::vector<const Parent*> out;
  for (const auto& [name, space] : spaces_) space.for_each([&](Parent* parent) { out.push_back(parent); });
  return out;
}

}  // namespace viaduct::ipam
