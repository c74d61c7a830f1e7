#include <chrono>

#include "ipam/ipam_impl.h"

// What is written although no call waits for it: a new epoch, and the clock's anchor with it. Nothing before the first
// registration, so that a start which the other half refuses leaves the state as it was.
namespace viaduct::ipam {

using store::Table;
using store::Transaction;

namespace {

// After a refusal (full disk, lock of another process).
constexpr std::chrono::seconds kRetry{1};

}  // namespace

IpamService::Impl::~Impl() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  save_wanted_.notify_one();
  if (saver_.joinable()) saver_.join();
}

void IpamService::Impl::start_saving() {
  saver_ = std::thread([this] { save_loop(); });
}

Transaction IpamService::Impl::unsaved_locked() const {
  Transaction transaction;
  if (!epoch_unsaved_) return transaction;
  transaction.writes.push_back(put_object(Table::kMeta, "epoch", to_json(epoch_)));
  transaction.writes.push_back(put_object(Table::kMeta, "clock", to_json(anchor_now_locked())));
  return transaction;
}

void IpamService::Impl::save_loop() {
  Lock lock(mutex_);
  while (true) {
    save_wanted_.wait(lock, [this] { return stopping_ || epoch_unsaved_; });
    const Transaction transaction = unsaved_locked();
    const Json epoch = to_json(epoch_);
    const int64_t now = lasting_locked();
    bool saved = true;
    if (!transaction.writes.empty()) {
      lock.unlock();
      saved = store_.commit(transaction).ok();
      lock.lock();
      // A newer epoch may have begun meanwhile; an anchor that was written since is younger.
      if (saved) epoch_unsaved_ = epoch_unsaved_ && to_json(epoch_) != epoch;
      if (saved && anchor_saved_ < now) anchor_saved_ = now;
      notify_locked();
    }
    // At the end once more for what came while the last change was written; not again and again for a store that refuses.
    if (stopping_ && (!saved || !epoch_unsaved_)) return;
    if (!saved) save_wanted_.wait_for(lock, kRetry, [this] { return stopping_; });
  }
}

}  // namespace viaduct::ipam
