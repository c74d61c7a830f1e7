#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace viaduct::ipam {

// The words of FreeMap for ranges of at most 2^24, in pages of 64 to 512 words (fewer where the range has fewer) that are
// found by a plain look-up and exist only while a word of them is not 0. As WordTable, but each word is where it is: a walk
// along the range is one along memory, and a word is one cache line away. Owns a few KiB at most beside its pages. Not
// thread-safe.
class WordPages {
 public:
  // Of offsets below 2^bits. Precondition: 0 <= bits <= kMostBits.
  explicit WordPages(int bits) {
    size_t words = words_above(size_t{1} << bits);
    // A power of two, as every range is.
    const int word_bits = std::countr_zero(words);
    page_bits_ = std::clamp(word_bits - kPageCountBits, std::min(word_bits, kLeastPageBits), word_bits);
    size_t first = 0;
    for (size_t& begin : first_page_) {
      begin = first;
      first += ((words - 1) >> page_bits_) + 1;
      words = words_above(words);
    }
    pages_.resize(first);
    in_use_.resize(first);
  }
  static constexpr int kMostBits = 24;

  // 0 where there is none.
  [[nodiscard]] uint64_t get(uint64_t number, int level) const {
    const auto& page = pages_[page_of(number, level)];
    return page == nullptr ? 0 : page[slot_of(number)];
  }
  // The word, 0 where it was not there. The caller makes it other than 0 before the next call.
  uint64_t& add(uint64_t number, int level) {
    const size_t at = page_of(number, level);
    auto& page = pages_[at];
    if (page == nullptr) page = std::make_unique<uint64_t[]>(size_t{1} << page_bits_);
    uint64_t& word = page[slot_of(number)];
    if (word == 0) ++in_use_[at];
    return word;
  }
  // Null where there is none. The caller keeps the word other than 0.
  uint64_t* find(uint64_t number, int level) {
    const auto& page = pages_[page_of(number, level)];
    if (page == nullptr || page[slot_of(number)] == 0) return nullptr;
    return &page[slot_of(number)];
  }
  // Precondition: it is there.
  void erase(uint64_t number, int level) {
    const size_t at = page_of(number, level);
    pages_[at][slot_of(number)] = 0;
    if (--in_use_[at] == 0) pages_[at] = nullptr;
  }

 private:
  static constexpr int kPageCountBits = 9;
  static constexpr int kLeastPageBits = 6;
  // 2^24 offsets fill 2^18 words; 2^12, 2^6 and 1 word say which of those are full, and one more whether that one is.
  static constexpr size_t kLevels = 5;

  static size_t words_above(size_t bits) { return (bits + 63) / 64; }
  [[nodiscard]] size_t slot_of(uint64_t number) const { return number & ((size_t{1} << page_bits_) - 1); }
  [[nodiscard]] size_t page_of(uint64_t number, int level) const {
    return first_page_[static_cast<size_t>(level)] + (number >> page_bits_);
  }

  int page_bits_ = 0;
  std::array<size_t, kLevels> first_page_{};  // by level
  std::vector<std::unique_ptr<uint64_t[]>> pages_;
  std::vector<uint16_t> in_use_;  // words other than 0, by page
};

}  // namespace viaduct::ipam
