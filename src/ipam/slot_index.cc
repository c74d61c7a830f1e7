#include "ipam/slot_index.h"

#include <algorithm>
#include <bit>

namespace viaduct::ipam {

namespace {

// Of 15 places a bucket has 12 filled on average at most.
constexpr size_t kFill = 12;
// Where the number of entries is known before, a bucket has that many on average, as one has on average between growths.
constexpr size_t kFillAtFirst = 10;
// A power of two of numbers beyond the greatest, so that the bits are not outgrown at once.
uint32_t bits_for(size_t numbers) {
  return std::min<uint32_t>(32, static_cast<uint32_t>(std::bit_width(numbers)));
}

}  // namespace

bool SlotIndex::full_for(uint32_t number) const {
  if (buckets_.empty() || (number >> (number_bits_ - 1)) > 1) return true;
  // A single bucket may be filled to its last place.
  return count_ >= (buckets_.size() == 1 ? 15 : buckets_.size() * kFill);
}

void SlotIndex::grow(uint32_t number) {
  const bool crowded = count_ >= (buckets_.size() == 1 ? 15 : buckets_.size() * kFill);
  make(crowded ? std::max(buckets_.size() + 1, buckets_.size() * 3 / 2) : buckets_.size(), number);
}

void SlotIndex::reserve(size_t count, uint32_t highest) {
  if (count == 0) return clear();
  make((count + kFillAtFirst - 1) / kFillAtFirst, highest);
}

void SlotIndex::make(size_t buckets, uint32_t highest) {
  buckets_ = std::vector<Bucket>();
  buckets_.resize(buckets);
  number_bits_ = bits_for(std::max<size_t>(buckets * 15 * 2, highest));
  count_ = 0;
}

void SlotIndex::insert(uint64_t hash, uint32_t number) {
  for (size_t at = home(hash);; at = after(at)) {
    for (uint32_t& entry : buckets_[at].entries) {
      if (entry != 0) continue;
      entry = static_cast<uint32_t>(tag(hash)) | number;
      ++count_;
      return;
    }
    ++buckets_[at].passed;
  }
}

void SlotIndex::erase(uint64_t hash, uint32_t number) {
  const uint32_t wanted = static_cast<uint32_t>(tag(hash)) | number;
  for (size_t at = home(hash);; at = after(at)) {
    for (uint32_t& entry : buckets_[at].entries) {
      if (entry != wanted) continue;
      entry = 0;
      --count_;
      return;
    }
    --buckets_[at].passed;
  }
}

}  // namespace viaduct::ipam
