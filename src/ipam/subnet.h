#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ipam/address_table.h"
#include "ipam/few.h"
#include "ipam/free_map.h"
#include "ipam/pool_planner.h"

namespace viaduct::ipam {

// Offsets or addresses from first to last, both inclusive.
struct Interval {
  Uint128 first = 0;
  Uint128 last = 0;
  bool operator==(const Interval&) const = default;
};

// What is left of `whole` without `excluded`, which may be in any order, overlap and reach beyond it: ascending, disjoint.
std::vector<Interval> without(const Interval& whole, std::vector<Interval> excluded);

// The addresses of one parent prefix of one space: who holds which, which rest and since when, which are reserved, what
// is free, and who has which MAC and name. A slot is held, or it rests (Holder::rest); neither is free. No I/O and no
// locking: the caller holds the service's mutex. Addresses are offsets from the first of the prefix. No operation
// depends on the number of addresses but for_each, add_range, remove_range, end_loading, place_cursors and order_rests.
class Subnet {
 public:
  // Where one pool takes automatic addresses from. Ranges of one subnet do not overlap.
  struct Range : Interval {
    std::optional<Uint128> cursor;  // the offset that was given last
    // The parts of [first, last] that automatic addresses come from: ascending, disjoint, none if all is excluded.
    [[nodiscard]] std::span<const Interval> open() const {
      const Interval* whole = this;
      return pieces == nullptr ? std::span(whole, 1) : std::span(*pieces);
    }
    std::unique_ptr<const std::vector<Interval>> pieces;  // what open() is; null where nothing is excluded
    Uint128 excluded = 0;                                 // how many of [first, last] are in none of them
    // The following count all of [first, last], excluded or not. A slot counts once: as held or as resting.
    std::array<uint64_t, 4> held{};  // by OwnerClass
    uint64_t resting = 0;
    uint64_t reserved = 0;  // reserved offsets without a slot
    [[nodiscard]] uint64_t total() const { return held[0] + held[1] + held[2] + held[3]; }
    // Whether automatic addresses may come from there.
    [[nodiscard]] bool is_open(Uint128 offset) const;

    // The list of what rests in an open part, in the order in which it came to rest: Subnet's own.
    AddressTable::Number oldest = 0;
    AddressTable::Number newest = 0;
  };

  explicit Subnet(const Prefix& prefix)
      : prefix_(prefix), map_(prefix.host_bits()), table_(prefix.host_bits()) {}

  [[nodiscard]] const Prefix& prefix() const { return prefix_; }
  // Precondition: the prefix contains the address.
  [[nodiscard]] Uint128 offset_of(const IpAddress& address) const {
    return address.value() - prefix_.first().value();
  }
  [[nodiscard]] IpAddress address_at(Uint128 offset) const { return prefix_.first().plus(offset); }

  // Counts what is held, rests and is reserved in it, and puts the cursor on the highest endpoint. `excluded`: offsets
  // that are never proposed; any order, may overlap and reach beyond the range. The caller keeps `range`, new as it is, in
  // its place until remove_range().
  void add_range(Range& range, const UsableRange& usable, const std::vector<Interval>& excluded);
  void remove_range(Range& range);
  // After many insertions: puts the cursor of every range on its highest endpoint or Swarm address, held or resting.
  void place_cursors();
  // After many insertions: sorts every range's list by the time of rest, then by offset.
  void order_rests();

  // Null when there is no slot: free, or reserved only. Valid until erase() of that offset.
  Slot* find(Uint128 offset);
  // With Holder::rest set the slot rests, as the newest of its range. Precondition: no slot; it may be reserved.
  Slot& insert(Uint128 offset, const Holder& holder, SlotState state);
  // As insert() of a settled slot, at start: until end_loading() nothing is found, nor changed in another way, and
  // cursors and lists have no order.
  void load(Uint128 offset, const Holder& holder);
  void end_loading();
  // With Holder::rest set the slot becomes the newest that rests, also if it rested before. The state stays.
  // Precondition: there is a slot.
  void update(Uint128 offset, const Holder& holder);
  // Precondition: there is a slot. An offset that is reserved or set aside does not become free.
  void erase(Uint128 offset);

  // A reserved offset is never proposed, with a slot or without; it may lie outside any range. Both do nothing where it
  // is so already.
  void set_reserved(Uint128 offset);
  void clear_reserved(Uint128 offset);
  [[nodiscard]] bool reserved(Uint128 offset) const { return reserved_.contains(offset); }

  // An offset that is set aside, for a foreign host answers there, is never proposed either. It may have a slot, or be
  // reserved as well. Both do nothing where it is so already.
  void set_aside(Uint128 offset);
  void clear_aside(Uint128 offset);
  [[nodiscard]] bool aside(Uint128 offset) const { return aside_.contains(offset); }
  // Of the range, and not held.
  [[nodiscard]] uint64_t asides(const Range& range) const;
  // In [from, to], with no slot and not reserved.
  [[nodiscard]] std::optional<Uint128> lowest_aside(Uint128 from, Uint128 to) const;

  // No slot, not reserved and not set aside.
  [[nodiscard]] std::optional<Uint128> first_free(Uint128 from, Uint128 to) const {
    return map_.first_free(from, to);
  }
  // A free offset of the range's open parts: for kLowest the lowest; for kSerial and kLru the next after the cursor,
  // around the end to the first; for kRandom one at a position that `random` decides, uniform over the open parts, or
  // the next free one after it, around the end. The cursor stays.
  [[nodiscard]] std::optional<Uint128> propose(const Range& range, Policy policy, uint64_t random) const;
  // As propose() for kSerial.
  [[nodiscard]] std::optional<Uint128> next_free(const Range& range) const {
    return propose(range, Policy::kSerial, 0);
  }
  // Up to `count` that propose() would give one after the other, then what rested longest. Precondition: not kRandom.
  [[nodiscard]] std::vector<Uint128> upcoming(const Range& range, Policy policy, size_t count) const;
  // What rested longest in the range's open parts; passes slots that a call is changing, and what is reserved or set aside.
  [[nodiscard]] std::optional<Uint128> oldest_rest(const Range& range) const;
  // Of those that are held.
  [[nodiscard]] std::optional<Uint128> lowest_gateway() const;
  // An endpoint's offset in [first, last] with that MAC or name, none of `except`: a held one, else the one that came to
  // rest last.
  [[nodiscard]] std::optional<Uint128> find_mac(const Mac& mac, const Range& within,
                                                const std::set<Uint128>& except) const;
  [[nodiscard]] std::optional<Uint128> find_name(const std::string& name, const Range& within,
                                                 const std::set<Uint128>& except) const;
  [[nodiscard]] const Slot* find(Uint128 offset) const {
    const AddressTable::Number number = table_.find(offset);
    return number == 0 ? nullptr : &table_.at(number);
  }
  // Whether an endpoint with that MAC has a slot, held or resting.
  [[nodiscard]] bool has_mac(const Mac& mac) const;
  // Whether it is free, and lies in the range's open parts.
  [[nodiscard]] bool is_free_in(const Range& range, Uint128 offset) const;
  // How many slots there are, in ranges or outside.
  [[nodiscard]] uint64_t resting() const { return resting_; }
  [[nodiscard]] uint64_t held() const { return table_.size() - resting_; }
  // Held and resting ones, in any order. The visitor changes nothing.
  void for_each(const std::function<void(Uint128, const Slot&)>& visit) const;

 private:
  using Number = AddressTable::Number;

  void count_in(Uint128 offset, Number number);
  void count_out(Uint128 offset, Number number);
  // Where a range stands, or would stand, that holds the offset or is the first behind it.
  [[nodiscard]] Few<Range>::Iterator place_of(Uint128 offset) const;
  Range* range_of(Uint128 offset);
  void advance_cursor(Range& range, Uint128 offset, const Slot& slot);
  void append_rest(Range& range, Number number);
  // Whether the slot of that number may be given to anybody.
  [[nodiscard]] bool up_for_grabs(Number number) const;
  void unlink_rest(Range& range, Number number);
  void sort_rests(Range& range);
  // The first free one of the open parts from `from` on.
  [[nodiscard]] std::optional<Uint128> first_open(const Range& range, Uint128 from) const;

  Prefix prefix_;
  FreeMap map_;  // taken: has a slot, is reserved or set aside
  AddressTable table_;
  uint64_t resting_ = 0;
  std::set<Uint128> gateways_;  // held
  std::set<Uint128> reserved_;
  std::set<Uint128> aside_;
  Few<Range> ranges_;  // ascending
};

}  // namespace viaduct::ipam
