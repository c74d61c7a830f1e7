#include "ipam/free_map.h"

#include <bit>
#include <utility>

namespace viaduct::ipam {

namespace {

constexpr int kBits = 6;  // a node has 64 slots
constexpr uint64_t kAllSlots = ~uint64_t{0};

constexpr uint64_t bit(unsigned slot) {
  return uint64_t{1} << slot;
}
constexpr uint64_t below(unsigned slot) {
  return bit(slot) - 1;
}

unsigned slot_of(Uint128 rest, int level) {
  return static_cast<unsigned>(rest >> (kBits * level)) & 63U;
}
Uint128 rest_below(Uint128 rest, int level) {
  return rest & ((Uint128{1} << (kBits * level)) - 1);
}

// The slots that exist in a node whose own part of the offset is `bits` wide.
uint64_t slots_for(int bits) {
  return bits >= kBits ? kAllSlots : below(1U << bits);
}

}  // namespace

// A slot is free (neither bit set), full (bit in `full`, no child) or in between (bit in `present`, one
// child). On level 0 a slot is one offset, and only `full` counts. A child of one taken offset is that
// offset, without a node: scattered IPv6 addresses would else cost a chain of ten nodes each.
struct FreeMap::Node {
  struct Child {
    std::unique_ptr<Node> node;  // null: `lone` is the only offset taken below
    uint64_t lone_high = 0;      // two halves: Uint128 would align the children to 16 bytes
    uint64_t lone_low = 0;
    [[nodiscard]] Uint128 lone() const { return (Uint128{lone_high} << 64) | lone_low; }
    void set_lone(Uint128 rest) {
      lone_high = static_cast<uint64_t>(rest >> 64);
      lone_low = static_cast<uint64_t>(rest);
    }
  };

  uint64_t present = 0;
  uint64_t full = 0;
  std::unique_ptr<Child[]> children;  // one a bit of `present`, in its order

  [[nodiscard]] unsigned index(unsigned slot) const {
    return static_cast<unsigned>(std::popcount(present & below(slot)));
  }
  [[nodiscard]] Child& child(unsigned slot) const { return children[index(slot)]; }

  Child& add_child(unsigned slot) {
    resize(present | bit(slot));
    return child(slot);
  }
  void remove_child(unsigned slot) { resize(present & ~bit(slot)); }

  bool take(Uint128 rest, int level);
  bool give_back(Uint128 rest, int level);
  [[nodiscard]] std::optional<Uint128> next_free(Uint128 from, int level, uint64_t slots) const;

 private:
  // Moves the children of slots that stay into an array that fits `next`.
  void resize(uint64_t next) {
    const auto count = static_cast<unsigned>(std::popcount(next));
    auto moved = count == 0 ? nullptr : std::make_unique<Child[]>(count);
    const uint64_t kept = present & next;
    unsigned from = 0;
    unsigned to = 0;
    for (uint64_t rest = present | next; rest != 0; rest &= rest - 1) {
      const uint64_t lowest = rest & (~rest + 1);
      if ((kept & lowest) != 0) moved[to] = std::move(children[from]);
      from += (present & lowest) != 0 ? 1U : 0U;
      to += (next & lowest) != 0 ? 1U : 0U;
    }
    children = std::move(moved);
    present = next;
  }
};

bool FreeMap::Node::take(Uint128 rest, int level) {
  const unsigned slot = slot_of(rest, level);
  if ((full & bit(slot)) != 0) return false;
  if (level == 0) {
    full |= bit(slot);
    return true;
  }
  const Uint128 inner = rest_below(rest, level);
  if ((present & bit(slot)) == 0) {
    add_child(slot).set_lone(inner);
    return true;
  }
  Child& below_slot = child(slot);
  if (below_slot.node == nullptr) {
    if (below_slot.lone() == inner) return false;
    below_slot.node = std::make_unique<Node>();
    below_slot.node->take(below_slot.lone(), level - 1);
  }
  if (!below_slot.node->take(inner, level - 1)) return false;
  if (below_slot.node->full == kAllSlots) {
    remove_child(slot);
    full |= bit(slot);
  }
  return true;
}

bool FreeMap::Node::give_back(Uint128 rest, int level) {
  const unsigned slot = slot_of(rest, level);
  if (level == 0) {
    if ((full & bit(slot)) == 0) return false;
    full &= ~bit(slot);
    return true;
  }
  const Uint128 inner = rest_below(rest, level);
  if ((full & bit(slot)) != 0) {
    full &= ~bit(slot);
    add_child(slot).node = std::make_unique<Node>();
    child(slot).node->full = kAllSlots;
  }
  if ((present & bit(slot)) == 0) return false;
  Child& below_slot = child(slot);
  if (below_slot.node == nullptr) {
    if (below_slot.lone() != inner) return false;
    remove_child(slot);
    return true;
  }
  if (!below_slot.node->give_back(inner, level - 1)) return false;
  if (below_slot.node->full == 0 && below_slot.node->present == 0) remove_child(slot);
  return true;
}

std::optional<Uint128> FreeMap::Node::next_free(Uint128 from, int level, uint64_t slots) const {
  Uint128 inner = level == 0 ? 0 : rest_below(from, level);
  uint64_t open = slots & ~full & ~below(slot_of(from, level));
  for (; open != 0; open &= open - 1) {
    const auto slot = static_cast<unsigned>(std::countr_zero(open));
    const Uint128 base = Uint128{slot} << (kBits * level);
    if (slot != slot_of(from, level)) inner = 0;
    if (level == 0 || (present & bit(slot)) == 0) return base + inner;
    const Child& below_slot = child(slot);
    if (below_slot.node == nullptr) {
      if (below_slot.lone() != inner) return base + inner;
      if (rest_below(inner + 1, level) != 0) return base + inner + 1;
    } else if (const auto found = below_slot.node->next_free(inner, level - 1, kAllSlots)) {
      return base + *found;
    }
  }
  return std::nullopt;
}

namespace {

int top_level(int host_bits) {
  return host_bits <= kBits ? 0 : (host_bits - 1) / kBits;
}

}  // namespace

FreeMap::FreeMap(int host_bits) : host_bits_(host_bits), root_(std::make_unique<Node>()) {}
FreeMap::~FreeMap() = default;
FreeMap::FreeMap(FreeMap&&) noexcept = default;
FreeMap& FreeMap::operator=(FreeMap&&) noexcept = default;

bool FreeMap::take(Uint128 offset) {
  const bool changed = root_->take(offset, top_level(host_bits_));
  count_ += changed ? 1 : 0;
  return changed;
}

bool FreeMap::give_back(Uint128 offset) {
  const bool changed = root_->give_back(offset, top_level(host_bits_));
  count_ -= changed ? 1 : 0;
  return changed;
}

bool FreeMap::taken(Uint128 offset) const {
  const Node* node = root_.get();
  for (int level = top_level(host_bits_);; --level) {
    const unsigned slot = slot_of(offset, level);
    if ((node->full & bit(slot)) != 0) return true;
    if (level == 0 || (node->present & bit(slot)) == 0) return false;
    const Node::Child& child = node->child(slot);
    if (child.node == nullptr) return child.lone() == rest_below(offset, level);
    node = child.node.get();
  }
}

std::optional<Uint128> FreeMap::first_free(Uint128 from, Uint128 to) const {
  const int level = top_level(host_bits_);
  const auto found = root_->next_free(from, level, slots_for(host_bits_ - kBits * level));
  return found.has_value() && *found <= to ? found : std::nullopt;
}

}  // namespace viaduct::ipam
