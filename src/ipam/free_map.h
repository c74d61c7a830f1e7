#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/ip.h"

namespace viaduct::ipam {

// Which offsets of a range of up to 2^128 are taken. Words of 64 bits, kept only where something is taken, in pages for
// ranges up to a /8's and in a hash table for larger ones; above them words that say which of the words below are full,
// kept only where one is. An operation looks at one word or two, and at more only where it meets full words: never at
// more than one a level (22 for IPv6, 4 for a /8), whatever the size of the range and its fragmentation. An untouched map
// owns no memory. Pure memory; not thread-safe.
class FreeMap {
 public:
  // Offsets 0 … 2^host_bits - 1. Precondition: 0 <= host_bits <= 128.
  explicit FreeMap(int host_bits);
  ~FreeMap();
  FreeMap(FreeMap&&) noexcept;
  FreeMap& operator=(FreeMap&&) noexcept;

  // False if it was taken already. Precondition for these three: offset is in the range.
  bool take(Uint128 offset);
  // False if it was free already.
  bool give_back(Uint128 offset);
  [[nodiscard]] bool taken(Uint128 offset) const;

  // The lowest free offset in [from, to], both inclusive. Precondition: from <= to, both in the range.
  [[nodiscard]] std::optional<Uint128> first_free(Uint128 from, Uint128 to) const;

  // How many offsets are taken; never more than 2^64 - 1 can be.
  [[nodiscard]] uint64_t count() const { return count_; }

 private:
  class Paged;
  class Narrow;
  class Wide;

  int host_bits_;
  uint64_t count_ = 0;
  // One of them, by host_bits_; all null before the first offset is taken.
  std::unique_ptr<Paged> paged_;
  std::unique_ptr<Narrow> narrow_;
  std::unique_ptr<Wide> wide_;
};

}  // namespace viaduct::ipam
