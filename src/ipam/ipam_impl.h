#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ipam/claim.h"
#include "ipam/ipam_service.h"
#include "ipam/pool_request.h"
#include "ipam/pool_table.h"

namespace viaduct::ipam {

// How the service keeps its promises. Memory holds what the store holds, plus marks for what a call is
// changing: a call marks (lock held), commits to the store (lock free), then makes the change in memory or
// takes the mark back (lock held). Whoever meets a mark waits for it. The environment is never called with
// the lock held, since the other half may hold its own lock when it asks holds_pool().
class IpamService::Impl {
 public:
  Impl(store::Store& store, const Clock& clock, IpamConfig config, IpamEnvironment environment);

  Status load();  // ipam_service.cc

  Status registered(const EngineIdentity& engine);  // epoch_calls.cc
  [[nodiscard]] uint64_t epoch() const;

  Result<PoolReply> request_pool(const PoolRequest& request, Deadline deadline);  // pool_calls.cc
  Status release_pool(const std::string& id, Deadline deadline);

  Result<AddressReply> request_address(const AddressRequest& request, Deadline deadline);  // address_calls.cc
  Status release_address(const std::string& pool_id, const IpAddress& address, Deadline deadline);
  // `after` says what the end of the endpoint leaves of the holder (claim.h).
  Status endpoint_ended(const Prefix& pool, const IpAddress& address, Deadline deadline,
                        std::optional<Holder> (*after)(const Holder&));

  [[nodiscard]] bool holds_pool(const Prefix& pool, const std::string& by) const;  // views.cc
  [[nodiscard]] std::vector<PoolView> pools() const;
  [[nodiscard]] std::vector<AddressView> addresses() const;

 private:
  // An epoch that began while the disk refused to store it is known from what was given in it.
  void raise_epoch(const std::string& space, uint64_t number);

  using Lock = std::unique_lock<std::mutex>;

  // An address call inside a pool: while it lives, the pool and its parent stay. Without lock held at its
  // end.
  class Visit {
   public:
    Visit(Impl& impl, Pool& pool) : impl_(&impl), pool_(&pool) {}
    Visit(Visit&& other) noexcept : impl_(other.impl_), pool_(std::exchange(other.pool_, nullptr)) {}
    Visit& operator=(Visit&&) = delete;
    ~Visit();
    [[nodiscard]] Pool& pool() const { return *pool_; }
    [[nodiscard]] Parent& parent() const { return *pool_->parent; }

   private:
    Impl* impl_;
    Pool* pool_;
  };

  // An address that this call alone may change: a fresh slot, or a held one that is marked. At its end the
  // mark, and a fresh slot, are taken back unless settle() was reached. Lives within a Visit; without lock
  // held at its end.
  class Hold {
   public:
    Hold(Impl& impl, Parent& parent, Uint128 offset);
    Hold(Hold&& other) noexcept
        : fresh(other.fresh),
          before(std::move(other.before)),
          offset(other.offset),
          impl_(other.impl_),
          parent_(std::exchange(other.parent_, nullptr)) {}
    Hold& operator=(Hold&&) = delete;
    ~Hold();
    [[nodiscard]] Parent& parent() const { return *parent_; }
    [[nodiscard]] IpAddress address() const { return parent_->subnet.address_at(offset); }
    void done() { parent_ = nullptr; }

    bool fresh;
    Holder before;  // as the store has it; of a fresh one, as it was proposed
    Uint128 offset;

   private:
    Impl* impl_;
    Parent* parent_;  // null: settled
  };

  // address_calls.cc, address_holds.cc
  Result<Visit> enter(const std::string& pool_id, Deadline deadline);
  // Through any pool of that prefix in the local space; empty when there is none.
  Result<std::optional<Visit>> enter_local(const Prefix& prefix, Deadline deadline);
  Result<AddressReply> request_explicit(const Visit& visit, const IpAddress& address, const Asker& asker,
                                        Deadline deadline);
  Result<AddressReply> request_automatic(const Visit& visit, const Asker& asker, Deadline deadline);
  Result<Hold> hold_at(const Visit& visit, Uint128 offset, const Asker& asker, Deadline deadline);
  Result<std::optional<Hold>> hold_existing(const Visit& visit, Uint128 offset, Deadline deadline);
  Result<std::optional<Hold>> hold_any(const Visit& visit, const Asker& asker, const std::set<Uint128>& tried,
                                       Deadline deadline);
  // Commits what the address becomes (empty: free) and ends the hold. On error the hold lives on. A fresh address whose
  // commit ended after the deadline is freed again, still marked, and kBusy: the engine has been told that the call
  // failed, and will not release what it does not know of.
  Status settle(Hold& hold, const std::optional<Holder>& after, Deadline deadline);
  void finish(Hold& hold, const std::optional<Holder>& after);
  // Leaves the fresh slot without key, so that nobody takes it for a former address.
  void strip(Hold& hold);
  Status wait_for_slot(Lock& lock, const Visit& visit, Uint128 offset, Deadline deadline);
  [[nodiscard]] Error exhausted(const Visit& visit) const;
  // Who uses the address in the other half; empty outside the local space.
  [[nodiscard]] std::optional<BoundTo> bound_user(const Parent& parent, const IpAddress& address) const;
  [[nodiscard]] Moment moment_locked(const std::string& space, bool bound) const;
  [[nodiscard]] Moment moment(const std::string& space, bool bound) const;

  // pool_calls.cc
  Result<PoolReply> request_explicit_pool(const PoolWish& wish, Deadline deadline);
  Result<PoolReply> request_automatic_pool(const PoolWish& wish, Deadline deadline);
  // Both undo what was committed after the deadline, as settle() does: a new pool, a reference more.
  Result<PoolReply> create_pool(Lock& lock, const PoolWish& wish, const Prefix& prefix, Deadline deadline);
  Status add_reference(Lock& lock, Pool& pool, uint64_t epoch, Deadline deadline);
  Status set_references(Lock& lock, Pool& pool, int refs, uint64_t epoch);
  Status remove_pool(Lock& lock, Pool& pool, Deadline deadline);
  Result<std::vector<PoolSource>> sources_for(Family family, Deadline deadline);

  // epoch_calls.cc
  Status change_epoch(const std::function<EpochState(const EpochState&)>& change);
  enum class Work { kExplicit, kAutomatic };
  void note_work_locked(const std::string& space, Work work);
  Result<Prefix> unique_local_prefix(Deadline deadline);

  // Waits until any call has settled something. False when the deadline has passed.
  bool wait_for_change(Lock& lock, Deadline deadline);
  void notify_locked();

  store::Store& store_;
  const Clock& clock_;
  const IpamConfig config_;
  const IpamEnvironment environment_;

  mutable std::mutex mutex_;  // guards all below; never held across a commit or a call of the environment
  std::condition_variable changed_;
  uint64_t generation_ = 0;  // counts notifications
  PoolTable table_;
  EpochState epoch_;
  bool epoch_changing_ = false;
  bool epoch_unsaved_ = false;  // the store refused it; the next registration tries again
  std::optional<Prefix> unique_local_;
  bool unique_local_changing_ = false;
};

}  // namespace viaduct::ipam
