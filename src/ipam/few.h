#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

namespace viaduct::ipam {

// A list of pointers in two words that owns no memory while it holds one of them or none, as it mostly does. Iterators are
// valid until the next change. Not thread-safe.
template <typename T>
class Few {
 public:
  using Iterator = T* const*;

  [[nodiscard]] Iterator begin() const { return more_ == nullptr ? &only_ : more_->data(); }
  [[nodiscard]] Iterator end() const { return begin() + size(); }
  [[nodiscard]] size_t size() const { return more_ != nullptr ? more_->size() : only_ != nullptr ? 1 : 0; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] T& front() const { return **begin(); }

  void insert(Iterator before, T* added) {
    const auto place = before - begin();
    if (empty()) {
      only_ = added;
      return;
    }
    if (more_ == nullptr) more_ = std::make_unique<std::vector<T*>>(1, only_);
    more_->insert(more_->begin() + place, added);
  }
  // Does nothing where it is not.
  void erase(const T* gone) {
    if (more_ == nullptr) {
      if (only_ == gone) only_ = nullptr;
      return;
    }
    std::erase(*more_, gone);
    if (more_->size() > 1) return;
    only_ = more_->front();
    more_.reset();
  }

 private:
  T* only_ = nullptr;
  std::unique_ptr<std::vector<T*>> more_;  // of two and more
};

}  // namespace viaduct::ipam
