#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/ip.h"

namespace viaduct::ipam {

// Which offsets of a range of up to 2^128 are taken. A 64-way tree of bit words, whose nodes exist only where
// something is taken: cost grows with the depth of the tree (22 levels for IPv6, 4 for a /8), not with the
// size of the range or with its fragmentation. Pure memory; not thread-safe.
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
  struct Node;
  int host_bits_;
  uint64_t count_ = 0;
  std::unique_ptr<Node> root_;
};

}  // namespace viaduct::ipam
