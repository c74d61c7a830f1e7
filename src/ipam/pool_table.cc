#include "ipam/pool_table.h"

#include <algorithm>
#include <utility>

namespace viaduct::ipam {

Pool* PoolTable::find(const std::string& id) {
  const auto found = found_by_id_.find(id);
  return found == found_by_id_.end() ? nullptr : found->second;
}

Parent* PoolTable::find_parent(const std::string& space, const Prefix& prefix) const {
  const auto in_space = spaces_.find(space);
  return in_space == spaces_.end() ? nullptr : in_space->second.tree.find(prefix);
}

Pool* PoolTable::find_overlap(const std::string& space, const Prefix& prefix,
                              const std::optional<Prefix>& sub_pool) {
  const auto in_space = spaces_.find(space);
  if (in_space == spaces_.end()) return nullptr;
  Parent* parent = in_space->second.tree.find_overlap(prefix);
  if (parent == nullptr) return nullptr;
  if (parent->subnet.prefix() != prefix) return parent->pools.front();
  for (Pool* pool : parent->pools) {
    if (pool->record.sub_pool == sub_pool) continue;
    const bool apart = sub_pool.has_value() && pool->record.sub_pool.has_value() &&
                       !sub_pool->overlaps(*pool->record.sub_pool);
    if (!apart) return pool;
  }
  return nullptr;
}

std::optional<Prefix> PoolTable::plan(const std::string& space, const std::vector<PoolSource>& sources,
                                      Family family, std::optional<int> length,
                                      const std::vector<Prefix>& hosts) const {
  const auto in_space = spaces_.find(space);
  if (in_space == spaces_.end()) return plan_pool(sources, family, length, PrefixTree(), hosts);
  return plan_pool(sources, family, length, in_space->second.tree, hosts);
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

}  // namespace

Pool& PoolTable::add(PoolRecord record, PoolSettings settings, PoolState state) {
  Space& space = spaces_[record.space];
  Parent* parent = space.tree.find(record.pool);
  if (parent == nullptr) {
    std::unique_ptr<Parent> made(
        new Parent{.space = record.space, .subnet = Subnet(record.pool), .pools = {}});
    parent = made.get();
    space.tree.insert(record.pool, parent);
    space.parents.emplace(record.pool, std::move(made));
  }
  auto pool = std::make_unique<Pool>();
  pool->record = std::move(record);
  pool->state = state;
  pool->parent = parent;
  pool->settings = std::move(settings);
  pool->range = &parent->subnet.add_range(*usable_range(pool->record.pool, pool->record.sub_pool),
                                          excluded_offsets(pool->settings, pool->record.pool));
  Pool& added = *pool;
  parent->pools.push_back(&added);
  found_by_id_[added.record.id] = &added;
  pools_[added.record.id] = std::move(pool);
  return added;
}

void PoolTable::remove(Pool& pool) {
  Parent& parent = *pool.parent;
  parent.subnet.remove_range(*pool.range);
  std::erase(parent.pools, &pool);
  if (parent.pools.empty()) {
    const auto in_space = spaces_.find(parent.space);
    const Prefix prefix = parent.subnet.prefix();
    in_space->second.tree.remove(prefix);
    in_space->second.parents.erase(prefix);
    if (in_space->second.parents.empty()) spaces_.erase(in_space);
  }
  found_by_id_.erase(pool.record.id);
  pools_.erase(pools_.find(pool.record.id));
}

std::vector<std::string> PoolTable::spaces() const {
  std::vector<std::string> out;
  for (const auto& [name, space] : spaces_) out.push_back(name);
  return out;
}

std::vector<const Parent*> PoolTable::parents() const {
  std::vector<const Parent*> out;
  for (const auto& [name, space] : spaces_)
    for (const auto& [prefix, parent] : space.parents) out.push_back(parent.get());
  return out;
}

}  // namespace viaduct::ipam
