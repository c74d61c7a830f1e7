#include "ipam/pool_table.h"

#include <algorithm>
#include <utility>

namespace viaduct::ipam {

Pool* PoolTable::find(const std::string& id) {
  const auto found = pools_.find(id);
  return found == pools_.end() ? nullptr : found->second.get();
}

Parent* PoolTable::find_parent(const std::string& space, const Prefix& prefix) const {
  const auto in_space = spaces_.find(space);
  if (in_space == spaces_.end()) return nullptr;
  const auto found = in_space->second.find(prefix);
  return found == in_space->second.end() ? nullptr : found->second.get();
}

Pool* PoolTable::find_overlap(const std::string& space, const Prefix& prefix,
                              const std::optional<Prefix>& sub_pool) {
  const auto in_space = spaces_.find(space);
  if (in_space == spaces_.end()) return nullptr;
  if (Parent* same = find_parent(space, prefix); same != nullptr) {
    for (Pool* pool : same->pools) {
      if (pool->record.sub_pool == sub_pool) continue;
      const bool apart = sub_pool.has_value() && pool->record.sub_pool.has_value() &&
                         !sub_pool->overlaps(*pool->record.sub_pool);
      if (!apart) return pool;
    }
    return nullptr;
  }
  // Held prefixes are apart from each other, so that one which overlaps is a neighbour in their order.
  const auto next = in_space->second.lower_bound(prefix);
  if (next != in_space->second.end() && next->first.overlaps(prefix)) return next->second->pools.front();
  if (next == in_space->second.begin()) return nullptr;
  const auto before = std::prev(next);
  return before->first.overlaps(prefix) ? before->second->pools.front() : nullptr;
}

Pool& PoolTable::add(PoolRecord record, PoolState state) {
  auto& parent = spaces_[record.space][record.pool];
  if (parent == nullptr)
    parent.reset(new Parent{.space = record.space, .subnet = Subnet(record.pool), .pools = {}});
  auto pool = std::make_unique<Pool>();
  pool->record = std::move(record);
  pool->state = state;
  pool->parent = parent.get();
  pool->range = &parent->subnet.add_range(*usable_range(pool->record.pool, pool->record.sub_pool));
  Pool& added = *pool;
  parent->pools.push_back(&added);
  pools_[added.record.id] = std::move(pool);
  return added;
}

void PoolTable::remove(Pool& pool) {
  const std::string id = pool.record.id;
  Parent& parent = *pool.parent;
  parent.subnet.remove_range(*pool.range);
  std::erase(parent.pools, &pool);
  if (parent.pools.empty()) {
    const std::string space = parent.space;
    spaces_[space].erase(Prefix(parent.subnet.prefix()));
    if (spaces_[space].empty()) spaces_.erase(space);
  }
  pools_.erase(id);
}

std::vector<Prefix> PoolTable::prefixes(const std::string& space) const {
  std::vector<Prefix> out;
  const auto in_space = spaces_.find(space);
  if (in_space == spaces_.end()) return out;
  for (const auto& [prefix, parent] : in_space->second) out.push_back(prefix);
  return out;
}

std::vector<const Parent*> PoolTable::parents() const {
  std::vector<const Parent*> out;
  for (const auto& [name, space] : spaces_)
    for (const auto& [prefix, parent] : space) out.push_back(parent.get());
  return out;
}

}  // namespace viaduct::ipam
