#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/deadline.h"

namespace viaduct::net {

// Ids that somebody works on. Any thread.
class WorkSet {
 public:
  // Membership, until its end.
  class Stay {
   public:
    Stay(Stay&& other) noexcept : set_(std::exchange(other.set_, nullptr)), id_(std::move(other.id_)) {}
    Stay& operator=(Stay&&) = delete;
    ~Stay() {
      if (set_ != nullptr) set_->leave(id_);
    }

   private:
    friend class WorkSet;
    Stay(WorkSet& set, std::string id) : set_(&set), id_(std::move(id)) {}
    WorkSet* set_;
    std::string id_;
  };

  // Waits until the id is free. Empty when the deadline passed before.
  std::optional<Stay> enter(const std::string& id, Deadline deadline) {
    std::unique_lock guard(mutex_);
    if (!left_.wait_until(guard, deadline.at(), [&] { return !ids_.contains(id); })) return std::nullopt;
    ids_.insert(id);
    return Stay(*this, id);
  }

  // Empty if the id is in already.
  std::optional<Stay> try_enter(const std::string& id) {
    std::lock_guard guard(mutex_);
    if (!ids_.insert(id).second) return std::nullopt;
    return Stay(*this, id);
  }

 private:
  void leave(const std::string& id) {
    std::lock_guard guard(mutex_);
    ids_.erase(id);
    left_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable left_;
  std::set<std::string> ids_;
};

}  // namespace viaduct::net
