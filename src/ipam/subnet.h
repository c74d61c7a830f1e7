#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ipam/claim.h"
#include "ipam/free_map.h"
#include "ipam/pool_planner.h"

namespace viaduct::ipam {

// What a call is doing with an address.
enum class SlotState : uint8_t {
  kSettled,   // as the store has it
  kChanging,  // as the store has it; a call is about to change it
  kFresh,     // not in the store yet
};

// A held address in memory; small, for there may be a million.
struct Slot {
  uint64_t epoch = 0;
  std::unique_ptr<std::string> name;  // null: none
  int64_t since = 0;                  // seconds since 1970, UTC
  int32_t claims = 1;
  std::array<uint8_t, 6> mac{};
  bool has_mac = false;
  bool released = false;
  OwnerClass owner = OwnerClass::kEndpoint;
  SlotState state = SlotState::kSettled;

  [[nodiscard]] Holder holder() const;
};

// The addresses of one parent prefix of one space: who holds which, what is free, and who has which MAC. No
// I/O and no locking: the caller holds the service's mutex. Addresses are offsets from the first of the
// prefix. Every operation is of logarithmic cost or less, except for_each and add_range.
class Subnet {
 public:
  // Where one pool takes automatic addresses from. Ranges of one subnet do not overlap.
  struct Range {
    Uint128 first = 0;
    Uint128 last = 0;                // inclusive
    std::optional<Uint128> cursor;   // the offset that was given last
    std::array<uint64_t, 4> held{};  // by OwnerClass
    [[nodiscard]] uint64_t total() const { return held[0] + held[1] + held[2] + held[3]; }
  };

  explicit Subnet(const Prefix& prefix) : prefix_(prefix), map_(prefix.host_bits()) {}

  [[nodiscard]] const Prefix& prefix() const { return prefix_; }
  // Precondition: the prefix contains the address.
  [[nodiscard]] Uint128 offset_of(const IpAddress& address) const {
    return address.value() - prefix_.first().value();
  }
  [[nodiscard]] IpAddress address_at(Uint128 offset) const { return prefix_.first().plus(offset); }

  // Counts what is held in it, and puts the cursor on the highest endpoint. Valid until remove_range().
  Range& add_range(const UsableRange& usable);
  // Puts the cursor of every range on its highest endpoint or Swarm address: after loading.
  void place_cursors();
  void remove_range(const Range& range) { ranges_.erase(range.first); }

  // Null when free. Valid until erase() of that offset.
  Slot* find(Uint128 offset);
  // Precondition: free.
  Slot& insert(Uint128 offset, const Holder& holder, SlotState state);
  // Precondition: held.
  void update(Uint128 offset, const Holder& holder);
  void erase(Uint128 offset);

  [[nodiscard]] std::optional<Uint128> first_free(Uint128 from, Uint128 to) const {
    return map_.first_free(from, to);
  }
  // The next free one after the cursor, around the end to the first.
  [[nodiscard]] std::optional<Uint128> next_free(const Range& range) const;
  [[nodiscard]] std::optional<Uint128> lowest_gateway() const;
  // An endpoint's offset in [first, last] with that MAC, none of `except`.
  [[nodiscard]] std::optional<Uint128> find_mac(const Mac& mac, const Range& within,
                                                const std::set<Uint128>& except) const;
  void for_each(const std::function<void(Uint128, const Slot&)>& visit) const;

 private:
  // An offset in two halves: Uint128 would align each node to 16 bytes.
  struct Key {
    uint64_t high = 0;
    uint64_t low = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const noexcept { return key.low * 0x9e3779b97f4a7c15U ^ key.high; }
  };
  static Key key_of(Uint128 offset) {
    return {static_cast<uint64_t>(offset >> 64), static_cast<uint64_t>(offset)};
  }
  static Uint128 offset_of_key(const Key& key) { return (Uint128{key.high} << 64) | key.low; }

  enum class Change { kEnter, kLeave };
  void index(Uint128 offset, const Slot& slot, Change change);
  Range* range_of(Uint128 offset);
  void advance_cursor(Range& range, Uint128 offset, const Slot& slot);

  Prefix prefix_;
  FreeMap map_;
  std::unordered_map<Key, Slot, KeyHash> slots_;
  std::unordered_multimap<uint64_t, Key> by_mac_;  // endpoints only
  std::set<Uint128> gateways_;
  std::map<Uint128, Range> ranges_;  // by first offset
};

}  // namespace viaduct::ipam
