#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace viaduct::ipam {

// Room for objects of one type, in blocks: making and destroying one costs a few steps, and what is made together lies
// together. Objects do not move. Blocks are given back with the last object of all. The owner destroys every object before
// the slab goes. Not thread-safe.
template <typename T>
class Slab {
 public:
  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  template <typename... Arguments>
  T& make(Arguments&&... arguments) {
    if (spare_ == nullptr) add_block();
    Cell* cell = spare_;
    Cell* next = cell->next;
    T* made = new (cell->room.data()) T(std::forward<Arguments>(arguments)...);
    spare_ = next;
    ++live_;
    return *made;
  }
  void destroy(T& gone) {
    gone.~T();
    spare_ = new (&gone) Cell{.next = spare_};
    if (--live_ > 0) return;
    blocks_.clear();
    spare_ = nullptr;
  }

 private:
  union Cell {
    Cell* next;
    alignas(T) std::array<std::byte, sizeof(T)> room;
  };
  static constexpr size_t kFirst = 2;
  static constexpr size_t kLargest = 64;

  // Twice as large as the last one, up to the largest.
  void add_block() {
    const size_t cells = blocks_.size() < 5 ? kFirst << blocks_.size() : kLargest;
    blocks_.push_back(std::unique_ptr<Cell[]>(new Cell[cells]));
    for (size_t at = cells; at-- > 0;) {
      blocks_.back()[at].next = spare_;
      spare_ = &blocks_.back()[at];
    }
  }

  std::vector<std::unique_ptr<Cell[]>> blocks_;
  Cell* spare_ = nullptr;
  size_t live_ = 0;
};

}  // namespace viaduct::ipam
