#include "ipam/free_map.h"

#include <bit>

#include "ipam/word_pages.h"
#include "ipam/word_table.h"

namespace viaduct::ipam {

namespace {

constexpr int kBits = 6;  // a word has 64 slots
constexpr int kNarrowBits = 64;
constexpr uint64_t kFull = ~uint64_t{0};

}  // namespace

// The words of all levels. A bit of level 0 is an offset that is taken; a bit of a level above is a full word of the
// level below. `at` is a bit's place in its level: an offset without its last 6 bits for each level. No word is kept
// that is 0. A range whose size is no power of 64 ends within a word, which then never gets full: nobody asks beyond.
// `Words` keeps them by number and level: WordTable or WordPages.
template <typename Index, typename Words>
class BitLevels {
 public:
  explicit BitLevels(Words words) : words_(std::move(words)) {}

  bool take(Index at) {
    for (int level = 0;; ++level, at = at >> kBits) {
      uint64_t& word = words_.add(at >> kBits, level);
      if ((word & bit(at)) != 0) return false;
      word |= bit(at);
      if (word != kFull) return true;
    }
  }

  bool give_back(Index at) {
    for (int level = 0;; ++level, at = at >> kBits) {
      uint64_t* word = words_.find(at >> kBits, level);
      if (word == nullptr || (*word & bit(at)) == 0) return false;
      const bool was_full = *word == kFull;
      if (*word == bit(at))
        words_.erase(at >> kBits, level);
      else
        *word &= ~bit(at);
      if (!was_full) return true;
    }
  }

  [[nodiscard]] bool taken(Index at) const { return (words_.get(at >> kBits, 0) & bit(at)) != 0; }

  [[nodiscard]] std::optional<Index> first_free(Index from, Index to) const {
    Index at = from;
    int level = 0;
    // Up, until a word is not full behind `at`: at most to the level that has one word for the whole range.
    for (;; ++level, at = (at >> kBits) + 1) {
      if (at > to >> (kBits * level)) return std::nullopt;
      const uint64_t open = ~words_.get(at >> kBits, level) & ~(bit(at) - 1);
      if (open == 0) continue;
      at = with_slot(at, open);
      break;
    }
    // Down again, to the first free bit of a word that is not full.
    for (;; --level) {
      if (at > to >> (kBits * level)) return std::nullopt;
      if (level == 0) return at;
      at = at << kBits;
      at = with_slot(at, ~words_.get(at >> kBits, level - 1));
    }
  }

 private:
  static uint64_t bit(Index at) { return uint64_t{1} << (static_cast<unsigned>(at) & 63U); }
  static Index with_slot(Index at, uint64_t open) {
    return ((at >> kBits) << kBits) | static_cast<unsigned>(std::countr_zero(open));
  }

  Words words_;
};

class FreeMap::Paged : public BitLevels<uint64_t, WordPages> {
  using BitLevels::BitLevels;
};
class FreeMap::Narrow : public BitLevels<uint64_t, WordTable<uint64_t>> {
  using BitLevels::BitLevels;
};
class FreeMap::Wide : public BitLevels<Uint128, WordTable<Uint128>> {
  using BitLevels::BitLevels;
};

FreeMap::FreeMap(int host_bits) : host_bits_(host_bits) {}
FreeMap::~FreeMap() = default;
FreeMap::FreeMap(FreeMap&&) noexcept = default;
FreeMap& FreeMap::operator=(FreeMap&&) noexcept = default;

bool FreeMap::take(Uint128 offset) {
  bool changed = false;
  if (host_bits_ <= WordPages::kMostBits) {
    if (paged_ == nullptr) paged_ = std::make_unique<Paged>(WordPages(host_bits_));
    changed = paged_->take(static_cast<uint64_t>(offset));
  } else if (host_bits_ <= kNarrowBits) {
    if (narrow_ == nullptr) narrow_ = std::make_unique<Narrow>(WordTable<uint64_t>());
    changed = narrow_->take(static_cast<uint64_t>(offset));
  } else {
    if (wide_ == nullptr) wide_ = std::make_unique<Wide>(WordTable<Uint128>());
    changed = wide_->take(offset);
  }
  count_ += changed ? 1 : 0;
  return changed;
}

bool FreeMap::give_back(Uint128 offset) {
  if (count_ == 0) return false;
  const bool changed = paged_ != nullptr    ? paged_->give_back(static_cast<uint64_t>(offset))
                       : narrow_ != nullptr ? narrow_->give_back(static_cast<uint64_t>(offset))
                                            : wide_->give_back(offset);
  count_ -= changed ? 1 : 0;
  return changed;
}

bool FreeMap::taken(Uint128 offset) const {
  if (count_ == 0) return false;
  if (paged_ != nullptr) return paged_->taken(static_cast<uint64_t>(offset));
  return narrow_ != nullptr ? narrow_->taken(static_cast<uint64_t>(offset)) : wide_->taken(offset);
}

std::optional<Uint128> FreeMap::first_free(Uint128 from, Uint128 to) const {
  if (count_ == 0) return from;
  if (wide_ != nullptr) return wide_->first_free(from, to);
  const auto low = static_cast<uint64_t>(from);
  const auto high = static_cast<uint64_t>(to);
  const auto found = paged_ != nullptr ? paged_->first_free(low, high) : narrow_->first_free(low, high);
  return found.has_value() ? std::optional<Uint128>(*found) : std::nullopt;
}

}  // namespace viaduct::ipam
