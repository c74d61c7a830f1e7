#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace viaduct::ipam {

// 64-bit words other than 0 by their number in a level, of 64 or 128 bits, for FreeMap: a hash table with open
// addressing whose entries are the words themselves. A number has at most 6 bits less than its type, a level at most 5.
// Four neighbours share a cache line, so that a walk along a range is a walk along memory. Memory follows the number of
// words in both directions. Not thread-safe.
template <typename Key>
class WordTable {
 public:
  // 0 where there is none.
  [[nodiscard]] uint64_t get(Key number, int level) const {
    if (count_ == 0) return 0;
    return entries_[position(key_of(number, level))].word;
  }

  // The word, 0 where it was not there. The caller makes it other than 0 before the next call. Valid until the next
  // call.
  uint64_t& add(Key number, int level) {
    const Key key = key_of(number, level);
    if ((count_ + 1) * 4 > entries_.size() * 3) resize(std::max<size_t>(kGroup, entries_.size() * 3 / 2));
    Entry& entry = entries_[position(key)];
    if (entry.word != 0) return entry.word;
    ++count_;
    entry.set_key(key);
    return entry.word;
  }

  // Null where there is none. The caller keeps the word other than 0. Valid until the next call.
  uint64_t* find(Key number, int level) {
    if (count_ == 0) return nullptr;
    Entry& entry = entries_[position(key_of(number, level))];
    return entry.word == 0 ? nullptr : &entry.word;
  }

  // Precondition: it is there.
  void erase(Key number, int level) {
    size_t hole = position(key_of(number, level));
    // Who was pushed past the hole moves into it.
    for (size_t next = after(hole); entries_[next].word != 0; next = after(next)) {
      const size_t wanted = home(entries_[next].key());
      const bool stays = hole <= next ? hole < wanted && wanted <= next : hole < wanted || wanted <= next;
      if (stays) continue;
      entries_[hole] = entries_[next];
      hole = next;
    }
    entries_[hole].word = 0;
    --count_;
    if (entries_.size() > kGroup * 4 && count_ * 8 < entries_.size()) resize(entries_.size() / 4);
  }

 private:
  static constexpr size_t kGroup = 4;
  static constexpr int kLevelBits = 5;

  static Key key_of(Key number, int level) { return (number << kLevelBits) | static_cast<unsigned>(level); }

  template <typename K, typename Unused = void>
  struct EntryOf {
    uint64_t number = 0;
    uint64_t word = 0;  // 0: the entry is empty
    [[nodiscard]] K key() const { return number; }
    void set_key(K key) { number = key; }
  };
  // Two halves: Uint128 would align the entry to 16 bytes.
  template <typename Unused>
  struct EntryOf<Uint128, Unused> {
    uint64_t high = 0;
    uint64_t low = 0;
    uint64_t word = 0;
    [[nodiscard]] Uint128 key() const { return (Uint128{high} << 64) | low; }
    void set_key(Uint128 key) {
      high = static_cast<uint64_t>(key >> 64);
      low = static_cast<uint64_t>(key);
    }
  };
  using Entry = EntryOf<Key>;

  static uint64_t mix(uint64_t number) {
    number *= 0x9e3779b97f4a7c15U;
    return (number ^ (number >> 32)) * 0xd6e8feb86659fd93U;
  }
  static uint64_t hash(uint64_t number) { return mix(number); }
  static uint64_t hash(Uint128 number) {
    return mix(static_cast<uint64_t>(number) + mix(static_cast<uint64_t>(number >> 64)));
  }

  // Where the search for the key begins: its group by hash, its place in the group by the lowest bits.
  [[nodiscard]] size_t home(Key key) const {
    const uint64_t groups = entries_.size() / kGroup;
    const uint64_t group = ((hash(static_cast<Key>(key / kGroup)) >> 32) * groups) >> 32;
    return group * kGroup + static_cast<size_t>(key % kGroup);
  }
  [[nodiscard]] size_t after(size_t at) const { return at + 1 == entries_.size() ? 0 : at + 1; }

  // Of the key's entry, or of the empty one where it belongs. Precondition: an entry is empty.
  [[nodiscard]] size_t position(Key key) const {
    size_t at = home(key);
    while (entries_[at].word != 0 && entries_[at].key() != key) at = after(at);
    return at;
  }

  // Precondition: size is larger than count_ and at least a group.
  void resize(size_t size) {
    std::vector<Entry> old =
        std::exchange(entries_, std::vector<Entry>((size + kGroup - 1) / kGroup * kGroup));
    for (const Entry& entry : old)
      if (entry.word != 0) entries_[position(entry.key())] = entry;
  }

  std::vector<Entry> entries_;
  size_t count_ = 0;
};

}  // namespace viaduct::ipam
