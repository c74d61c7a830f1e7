#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipam/chunked_array.h"
#include "ipam/few.h"
#include "ipam/neighbours.h"
#include "ipam/pool_settings.h"
#include "ipam/prefix_tree.h"
#include "ipam/probing.h"
#include "ipam/records.h"
#include "ipam/slot_index.h"
#include "ipam/subnet.h"

namespace viaduct::ipam {

enum class PoolState {
  kSettled,   // as the store has it
  kChanging,  // as the store has it; a call is about to change its references
  kFresh,     // not in the store yet
};

struct Pool;

// A parent prefix of a space, with all pools that share it.
struct Parent {
  Parent(std::string the_space, const Prefix& prefix) : space(std::move(the_space)), subnet(prefix) {}

  std::string space;
  Subnet subnet;
  Few<Pool> pools;                    // in the order of their own prefixes; never empty
  int visitors = 0;                   // address calls in flight; a removal waits for them
  bool closing = false;               // a pool of it is being removed; address calls wait
  std::unique_ptr<Neighbours> heard;  // null where nobody was asked for yet

  // What was heard.
  [[nodiscard]] const Neighbours& neighbours() const;
  // To write it down.
  [[nodiscard]] Neighbours& neighbours_to_hear();
  // The one that stands first.
  [[nodiscard]] Pool& any_pool() const { return pools.front(); }
  // The pool in whose range the address lies; null when it lies in none.
  [[nodiscard]] Pool* pool_at(Uint128 offset) const;
};

struct Pool {
  // After its insertion only refs and epoch change.
  PoolRecord record;
  PoolSettings settings;      // of the record's options
  uint64_t early_reuses = 0;  // addresses given before their quarantine was over
  Watch watch;
  std::chrono::seconds asked_at{};  // uptime of the last request for an automatic address
  PoolState state = PoolState::kSettled;
  Parent* parent = nullptr;
  Subnet::Range range;  // where its automatic addresses come from
  // Both the table's own.
  uint32_t number = 0;
  uint64_t id_hash = 0;

  // Where its automatic gateway comes from: the whole subnet but for what is excluded. Ascending offsets.
  [[nodiscard]] std::vector<Interval> gateways() const;

  // A call is making, changing or removing it, or removing one beside it.
  [[nodiscard]] bool in_flux() const { return state != PoolState::kSettled || parent->closing; }
};

// All pools. No I/O and no locking: the caller holds the service's mutex. Parent prefixes of one space never
// overlap. The cost of an operation hardly grows with the number of pools, but for all() and parents(), which make their
// lists anew.
class PoolTable {
 public:
  // Null when there is none.
  [[nodiscard]] Pool* find(std::string_view id) const;
  [[nodiscard]] Parent* find_parent(const std::string& space, const Prefix& prefix) const;

  // A pool of the space that one with these prefixes may not be beside: another parent prefix that overlaps,
  // or the same one unless both are sub-pools that do not overlap. A pool of exactly these prefixes does not
  // count.
  Pool* find_overlap(const std::string& space, const Prefix& prefix, const std::optional<Prefix>& sub_pool);

  // Precondition: no overlap, no pool of that id, and a usable range.
  Pool& add(PoolRecord record, PoolSettings settings, PoolState state);
  // Removes the pool; its parent, too, when it was the last one.
  void remove(Pool& pool);

  // As plan_pool(), among the pools of the space.
  [[nodiscard]] std::optional<Prefix> plan(const std::string& space, const std::vector<PoolSource>& sources,
                                           Family family, std::optional<int> length,
                                           const std::vector<Prefix>& hosts) const;
  // By id.
  [[nodiscard]] std::vector<Pool*> all() const;
  [[nodiscard]] size_t size() const { return live_; }
  // By space, then by prefix.
  [[nodiscard]] std::vector<const Parent*> parents() const;
  // Names of the spaces that hold a pool.
  [[nodiscard]] std::vector<std::string> spaces() const;

 private:
  // Of a number, from 1 on. One whose record has no id is spare.
  [[nodiscard]] Pool& at(uint32_t number) const { return pools_[number - 1]; }
  static uint64_t hash(std::string_view id);
  void enter(const Pool& pool);

  ChunkedArray<Pool> pools_;
  std::vector<uint32_t> spare_;
  SlotIndex by_id_;
  uint32_t live_ = 0;
  std::map<std::string, PrefixTree> spaces_;  // none is empty
};

}  // namespace viaduct::ipam
