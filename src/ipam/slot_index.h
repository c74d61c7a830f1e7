#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace viaduct::ipam {

// Slot numbers (from 1 on) by a hash of what they hold: 4 bytes an entry in buckets of one cache line. What the number
// does not need of an entry carries further bits of the hash, so that a search looks at hardly any slot in vain. Several
// slots may have one hash; cost grows with their number. The owner rebuilds a full index, for it alone can hash slots
// again. Owns no memory while empty. Not thread-safe.
class SlotIndex {
 public:
  // The first number of that hash that `accept(number)` takes; 0: none.
  template <typename Accept>
  [[nodiscard]] uint32_t find(uint64_t hash, Accept&& accept) const {
    if (buckets_.empty()) return 0;
    size_t at = home(hash);
    for (size_t looked = 0; looked < buckets_.size(); ++looked, at = after(at)) {
      for (const uint32_t entry : buckets_[at].entries)
        if (((entry ^ tag(hash)) >> number_bits_) == 0 && entry != 0 && accept(number_of(entry)))
          return number_of(entry);
      if (buckets_[at].passed == 0) break;
    }
    return 0;
  }

  // Whether the index must be rebuilt before that number is inserted.
  [[nodiscard]] bool full_for(uint32_t number) const;
  // Empties the index and makes room for the number, and for more entries than it had.
  void grow(uint32_t number);
  // Empties the index and makes room for that many entries, of numbers up to `highest`.
  void reserve(size_t count, uint32_t highest);
  // Precondition: not full_for(number).
  void insert(uint64_t hash, uint32_t number);
  // Before an insertion some time later. Precondition: not empty.
  void prefetch(uint64_t hash) const { __builtin_prefetch(&buckets_[home(hash)], 1); }
  // Precondition: inserted with that hash.
  void erase(uint64_t hash, uint32_t number);
  void clear() { *this = SlotIndex(); }

 private:
  struct alignas(64) Bucket {
    uint32_t passed = 0;  // entries that would belong here, but were put further on
    std::array<uint32_t, 15> entries{};
  };

  [[nodiscard]] size_t home(uint64_t hash) const { return ((hash >> 32) * buckets_.size()) >> 32; }
  [[nodiscard]] size_t after(size_t at) const { return at + 1 == buckets_.size() ? 0 : at + 1; }
  // 64 bits wide, so that a shift by 32 is no trap.
  [[nodiscard]] uint64_t tag(uint64_t hash) const {
    return static_cast<uint32_t>((hash & 0xffffffffU) << number_bits_) >> number_bits_ << number_bits_;
  }
  [[nodiscard]] uint32_t number_of(uint32_t entry) const {
    return static_cast<uint32_t>(entry & ((uint64_t{1} << number_bits_) - 1));
  }

  void make(size_t buckets, uint32_t highest);

  std::vector<Bucket> buckets_;
  uint32_t count_ = 0;
  uint32_t number_bits_ = 0;
};

}  // namespace viaduct::ipam
