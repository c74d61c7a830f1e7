#include "ipam/free_map.h"

#include <bit>

#include "ipam/word_table.h"

namespace viaduct::ipam {

namespace {

constexpr int kBits = 6;  // a word has 64 slots
constexpr int kLevelBits = 5;
constexpr uint64_t kFull = ~uint64_t{0};

}  // namespace

// The words of all levels. A bit of level 0 is an offset that is taken; a bit of a level above is a full word of the
// level below. `at` is a bit's place in its level: an offset without its last 6 bits for each level. No word is kept
// that is 0. A range whose size is no power of 64 ends within a word, which then never gets full: nobody asks beyond.
template <typename Index>
class BitLevels {
 public:
  bool take(Index at) {
    for (int level = 0;; ++level, at = at >> kBits) {
      uint64_t& word = words_.add(key(at, level));
      if ((word & bit(at)) != 0) return false;
      word |= bit(at);
      if (word != kFull) return true;
    }
  }

  bool give_back(Index at) {
    for (int level = 0;; ++level, at = at >> kBits) {
      uint64_t* word = words_.find(key(at, level));
      if (word == nullptr || (*word & bit(at)) == 0) return false;
      const bool was_full = *word == kFull;
      if (*word == bit(at))
        words_.erase(key(at, level));
      else
        *word &= ~bit(at);
      if (!was_full) return true;
    }
  }

  [[nodiscard]] bool taken(Index at) const { return (words_.get(key(at, 0)) & bit(at)) != 0; }

  [[nodiscard]] std::optional<Index> first_free(Index from, Index to) const {
    Index at = from;
    int level = 0;
    // Up, until a word is not full behind `at`: at most to the level that has one word for the whole range.
    for (;; ++level, at = (at >> kBits) + 1) {
      if (at > to >> (kBits * level)) return std::nullopt;
      const uint64_t open = ~words_.get(key(at, level)) & ~(bit(at) - 1);
      if (open == 0) continue;
      at = with_slot(at, open);
      break;
    }
    // Down again, to the first free bit of a word that is not full.
    for (;; --level) {
      if (at > to >> (kBits * level)) return std::nullopt;
      if (level == 0) return at;
      at = at << kBits;
      at = with_slot(at, ~words_.get(key(at, level - 1)));
    }
  }

 private:
  static uint64_t bit(Index at) { return uint64_t{1} << (static_cast<unsigned>(at) & 63U); }
  static Index with_slot(Index at, uint64_t open) {
    return ((at >> kBits) << kBits) | static_cast<unsigned>(std::countr_zero(open));
  }
  // The key of the word that holds the bit.
  static Index key(Index at, int level) {
    return ((at >> kBits) << kLevelBits) | static_cast<unsigned>(level);
  }

  WordTable<Index> words_;
};

FreeMap::FreeMap(int host_bits) : host_bits_(host_bits) {}
FreeMap::~FreeMap() = default;
FreeMap::FreeMap(FreeMap&&) noexcept = default;
FreeMap& FreeMap::operator=(FreeMap&&) noexcept = default;

bool FreeMap::take(Uint128 offset) {
  if (narrow() && narrow_ == nullptr) narrow_ = std::make_unique<BitLevels<uint64_t>>();
  if (!narrow() && wide_ == nullptr) wide_ = std::make_unique<BitLevels<Uint128>>();
  const bool changed = narrow() ? narrow_->take(static_cast<uint64_t>(offset)) : wide_->take(offset);
  count_ += changed ? 1 : 0;
  return changed;
}

bool FreeMap::give_back(Uint128 offset) {
  if (count_ == 0) return false;
  const bool changed =
      narrow() ? narrow_->give_back(static_cast<uint64_t>(offset)) : wide_->give_back(offset);
  count_ -= changed ? 1 : 0;
  return changed;
}

bool FreeMap::taken(Uint128 offset) const {
  if (count_ == 0) return false;
  return narrow() ? narrow_->taken(static_cast<uint64_t>(offset)) : wide_->taken(offset);
}

std::optional<Uint128> FreeMap::first_free(Uint128 from, Uint128 to) const {
  if (count_ == 0) return from;
  if (!narrow()) return wide_->first_free(from, to);
  const auto found = narrow_->first_free(static_cast<uint64_t>(from), static_cast<uint64_t>(to));
  return found.has_value() ? std::optional<Uint128>(*found) : std::nullopt;
}

}  // namespace viaduct::ipam
