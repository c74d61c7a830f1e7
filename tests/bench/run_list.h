#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace viaduct::bench {

// The rival of the free map: a bitmap whose equal blocks of 32 bits are kept as runs in a linked list, the form in which the
// engine's own address manager keeps a pool up to engine 27. Our own code after that form, for comparison only; what the
// engine adds to it (a copy and a write of the whole list for each change) is left out.
class RunList {
 public:
  explicit RunList(int bits) : head_(std::make_unique<Run>()) {
    head_->count = bits <= 5 ? 1 : uint64_t{1} << (bits - 5);
    last_ = (uint64_t{1} << bits) - 1;
  }
  // With the offsets taken for which `is_taken` says so.
  RunList(int bits, const std::function<bool(uint64_t)>& is_taken) : last_((uint64_t{1} << bits) - 1) {
    Run* tail = nullptr;
    for (uint64_t first = 0; first <= last_; first += kBits) {
      uint32_t block = 0;
      for (uint64_t bit = 0; bit < kBits && first + bit <= last_; ++bit)
        if (is_taken(first + bit)) block |= uint32_t{1} << bit;
      if (tail != nullptr && tail->block == block) {
        ++tail->count;
        continue;
      }
      auto& place = tail == nullptr ? head_ : tail->next;
      place = std::make_unique<Run>();
      place->block = block;
      place->count = 1;
      tail = place.get();
    }
  }
  RunList(const RunList&) = delete;
  RunList& operator=(const RunList&) = delete;
  ~RunList() {
    while (head_) head_ = std::move(head_->next);  // not by recursion: the list may be long
  }

  bool take(uint64_t offset) { return set(offset, true); }
  bool give_back(uint64_t offset) { return set(offset, false); }

  // The lowest free offset from `from` on.
  [[nodiscard]] std::optional<uint64_t> first_free(uint64_t from) const {
    uint64_t block = 0;
    for (const Run* run = head_.get(); run != nullptr; block += run->count, run = run->next.get()) {
      if (block + run->count <= from / kBits) continue;
      if (const auto found = free_in(*run, block, from)) return found;
    }
    return std::nullopt;
  }

 private:
  static constexpr uint64_t kBits = 32;
  struct Run {
    uint32_t block = 0;
    uint64_t count = 0;
    std::unique_ptr<Run> next;
  };

  [[nodiscard]] std::optional<uint64_t> free_in(const Run& run, uint64_t first, uint64_t from) const {
    uint64_t block = first;
    uint32_t taken = run.block;
    if (from / kBits >= first) {
      block = from / kBits;
      taken |= static_cast<uint32_t>((uint64_t{1} << (from % kBits)) - 1);
      if (taken == ~uint32_t{0} && block + 1 < first + run.count) {
        ++block;
        taken = run.block;
      }
    }
    if (taken == ~uint32_t{0}) return std::nullopt;
    const uint64_t offset = block * kBits + static_cast<uint64_t>(std::countr_one(taken));
    return offset <= last_ ? std::optional(offset) : std::nullopt;
  }

  bool set(uint64_t offset, bool taken) {
    const uint64_t block = offset / kBits;
    const uint32_t bit = uint32_t{1} << (offset % kBits);
    Run* before = nullptr;
    Run* run = head_.get();
    uint64_t first = 0;
    while (first + run->count <= block) {
      first += run->count;
      before = run;
      run = run->next.get();
    }
    if (((run->block & bit) != 0) == taken) return false;
    run = isolate(*run, block - first, before);
    run->block ^= bit;
    if (run->next && run->next->block == run->block) absorb_next(*run);
    if (before != nullptr && before->block == run->block) absorb_next(*before);
    return true;
  }

  // The block at `index` of the run as a run of its own. `before`, in and out, is the run in front of it.
  static Run* isolate(Run& run, uint64_t index, Run*& before) {
    Run* found = &run;
    if (index > 0) {
      split(*found, index);
      before = found;
      found = found->next.get();
    }
    if (found->count > 1) split(*found, 1);
    return found;
  }
  static void split(Run& run, uint64_t count) {
    auto rest = std::make_unique<Run>();
    rest->block = run.block;
    rest->count = run.count - count;
    rest->next = std::move(run.next);
    run.count = count;
    run.next = std::move(rest);
  }
  static void absorb_next(Run& run) {
    run.count += run.next->count;
    run.next = std::move(run.next->next);
  }

  std::unique_ptr<Run> head_;
  uint64_t last_ = 0;
};

}  // namespace viaduct::bench
