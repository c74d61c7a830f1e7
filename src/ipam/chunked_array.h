#pragma once

#include <bit>
#include <cstddef>
#include <memory>
#include <vector>

namespace viaduct::ipam {

// An array that grows at its end without moving what it holds, and without being much larger than what it holds: chunks
// of 4, 4, 8, 16, … 128, then of 256 elements. Owns no memory while empty. Not thread-safe.
template <typename T>
class ChunkedArray {
 public:
  [[nodiscard]] T& operator[](size_t at) const {
    if (at >= kLargest) return chunks_[kSmallChunks + at / kLargest - 1][at % kLargest];
    if (at < kFirst) return chunks_[0][at];
    const auto width = static_cast<size_t>(std::bit_width(at));
    return chunks_[width - 2][at - (size_t{1} << (width - 1))];
  }
  [[nodiscard]] size_t size() const { return size_; }
  // Appends an element that is made from nothing.
  void push_back() {
    if (size_ >= kLargest ? size_ % kLargest == 0
                          : size_ == 0 || (size_ >= kFirst && std::has_single_bit(size_)))
      chunks_.push_back(std::make_unique<T[]>(size_ == 0 ? kFirst : size_ < kLargest ? size_ : kLargest));
    ++size_;
  }
  void clear() { *this = ChunkedArray(); }

 private:
  static constexpr size_t kFirst = 4;
  static constexpr size_t kLargest = 256;
  static constexpr size_t kSmallChunks = 7;  // 4 4 8 16 32 64 128

  std::vector<std::unique_ptr<T[]>> chunks_;
  size_t size_ = 0;
};

}  // namespace viaduct::ipam
