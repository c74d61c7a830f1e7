#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ipam/claim.h"
#include "ipam/ipam_service.h"
#include "ipam/lasting_time.h"
#include "ipam/pool_request.h"
#include "ipam/pool_table.h"
#include "ipam/reservation_book.h"

namespace viaduct::ipam {

// The refusal of a call that came while another one was at work on the pool, for as long as it could wait.
Error busy_pool(const std::string& id);

// How the service keeps its promises. Memory holds what the store holds, plus marks for what a call is
// changing: a call marks (lock held), commits to the store (lock free), then makes the change in memory or
// takes the mark back (lock held). Whoever meets a mark waits for it. The environment is never called with
// the lock held, since the other half may hold its own lock when it asks claim_on().
class IpamService::Impl {
  // How much lasting time a machine that dies can lose, while addresses come to rest.
  static constexpr int64_t kAnchorSeconds = 60;

 public:
  Impl(store::Store& store, const Clock& clock, IpamConfig config, IpamEnvironment environment);
  ~Impl();  // background.cc

  Status load();        // loading.cc
  void start_saving();  // background.cc

  void registered(const EngineIdentity& engine);  // epoch_calls.cc
  bool look_at_engine();
  [[nodiscard]] uint64_t epoch() const;

  Result<PoolReply> request_pool(const PoolRequest& request, Deadline deadline);  // pool_calls.cc
  Status release_pool(const std::string& id, Deadline deadline);

  Result<AddressReply> request_address(const AddressRequest& request, Deadline deadline);  // address_calls.cc
  Status release_address(const std::string& pool_id, const IpAddress& address, Deadline deadline);
  // `after` says what the end of the endpoint leaves of the holder (claim.h).
  using After = std::optional<Holder> (*)(const Holder&, const Moment&);
  Status endpoint_ended(const Prefix& pool, const IpAddress& address, Deadline deadline, After after);

  Result<uint64_t> reclaim_orphans(Deadline deadline);  // orphans.cc
  [[nodiscard]] uint64_t orphans() const;

  [[nodiscard]] std::vector<ProbedPool> pools_to_survey(Survey which);  // probing.cc
  void set_watch(const std::string& pool_id, const Watch& watch);
  [[nodiscard]] std::vector<ProbeTarget> probe_targets();
  ProbeOutcome probed(const ProbeTarget& asked, const std::vector<ProbeAnswer>& answers);

  [[nodiscard]] PoolClaim claim_on(const Prefix& pool, const std::string& by,
                                   int others) const;  // abandoned.cc
  [[nodiscard]] std::vector<PoolView> abandoned_pools() const;
  Result<bool> drop_abandoned(const std::string& pool_id, Deadline deadline);

  [[nodiscard]] std::vector<PoolView> pools() const;  // views.cc
  [[nodiscard]] std::vector<AddressView> addresses() const;
  [[nodiscard]] std::vector<ReservationRecord> reservations() const;
  [[nodiscard]] IpamCounts counts() const;

  [[nodiscard]] Result<PoolMap> map_of(const std::string& pool_id, size_t cells) const;  // stories.cc
  [[nodiscard]] std::vector<AddressStory> why(const IpAddress& address, const std::string& space) const;

  Status reserve(std::vector<ReservationRecord> records);  // operator_calls.cc
  Status unreserve(const std::string& space, const IpAddress& address);
  Status release_by_operator(const std::string& space, const IpAddress& address, Deadline deadline);
  Status remove_pool_by_operator(const std::string& id, Held held, Deadline deadline);

  [[nodiscard]] Json export_state() const;  // transfer.cc
  Status import_state(const Json& state, Deadline deadline);

 private:
  struct Import;  // transfer.cc
  using Lock = std::unique_lock<std::mutex>;
  // An address of a local space that an endpoint has held for longer than kOrphanGrace.
  struct Tenant {
    bool named_space = false;  // not "local" itself
    Prefix pool;
    IpAddress address;
    std::optional<Mac> mac;
  };

  // loading.cc
  Status load_tables();
  // An epoch that began while the disk refused to store it is known from what was given in it.
  void raise_epoch(const std::string& space, uint64_t number);

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

  // An address that this call alone may change: a fresh slot, or a held or resting one that is marked. At its end the
  // mark, and a fresh slot, are taken back unless settle() was reached. Lives within a Visit; without lock held at its
  // end.
  class Hold {
   public:
    Hold(Impl& impl, Parent& parent, Uint128 offset);
    Hold(Hold&& other) noexcept
        : fresh(other.fresh),
          before(std::move(other.before)),
          offset(other.offset),
          outlived(std::move(other.outlived)),
          impl_(other.impl_),
          parent_(std::exchange(other.parent_, nullptr)) {}
    Hold& operator=(Hold&&) = delete;
    ~Hold();
    [[nodiscard]] Parent& parent() const { return *parent_; }
    [[nodiscard]] IpAddress address() const { return parent_->subnet.address_at(offset); }
    // Nobody holds it, as the store has it.
    [[nodiscard]] bool nobodys() const { return fresh || before.rest.has_value(); }
    void done() { parent_ = nullptr; }

    bool fresh;
    Holder before;  // as the store has it; of a fresh one, as it was proposed
    Uint128 offset;
    std::vector<Uint128> outlived;  // rests that are over, marked as well: they are forgotten with the commit

   private:
    Impl* impl_;
    Parent* parent_;  // null: settled
  };

  // address_calls.cc
  Result<Visit> enter(const std::string& pool_id, Deadline deadline);
  // The pool of that id, or, for an address outside of its subnet, the one of its spill list that has it. Errors:
  // kNotFound, no pool of that id.
  Result<Visit> enter_for(const std::string& pool_id, const IpAddress& address, Deadline deadline);
  // Through any pool of that subnet; empty when the space has none.
  Result<std::optional<Visit>> enter_subnet(const std::string& space, const Prefix& prefix,
                                            Deadline deadline);
  Result<AddressReply> request_explicit(const Visit& visit, const IpAddress& address, const Asker& asker,
                                        Deadline deadline);
  Result<AddressReply> request_automatic(const Visit& visit, const Asker& asker, Deadline deadline);
  // Empty when the pool is full. `patience`: until when it waits for verdicts of the wire.
  Result<std::optional<AddressReply>> take_one(const Visit& visit, const Asker& asker, Deadline patience,
                                               Deadline deadline);
  // kConflict for an address that is kept for another endpoint.
  [[nodiscard]] Status refuse_reserved(const Visit& visit, Uint128 offset, const Asker& asker) const;
  [[nodiscard]] std::optional<std::string> local_space_with(const Prefix& prefix) const;
  [[nodiscard]] Error exhausted(const std::vector<std::string>& pool_ids) const;
  // Who uses the address in the other half; "" outside the local spaces.
  [[nodiscard]] std::string bound_user(const Hold& hold) const;

  // address_search.cc, lock held: what an automatic request should try next.
  std::optional<Uint128> seek_locked(Pool& pool, const Asker& asker, const std::set<Uint128>& tried,
                                     std::vector<Uint128>& outlived);
  [[nodiscard]] std::optional<Uint128> former_locked(const Pool& pool, const Asker& asker,
                                                     const std::set<Uint128>& tried) const;
  [[nodiscard]] std::optional<Uint128> reserved_locked(const Pool& pool, const Asker& asker,
                                                       const std::set<Uint128>& tried) const;
  std::optional<Uint128> free_locked(Pool& pool, const Asker& asker, std::vector<Uint128>& outlived);
  [[nodiscard]] std::optional<Uint128> any_silent_locked(const Pool& pool);
  // Marks rests of the pool that are over and need not be remembered.
  std::vector<Uint128> outlived_locked(Pool& pool);
  [[nodiscard]] bool reserved_for_another_locked(const Parent& parent, Uint128 offset,
                                                 const Asker& asker) const;

  // address_holds.cc
  Result<Hold> hold_at(const Visit& visit, Uint128 offset, const Asker& asker, Deadline deadline);
  Result<std::optional<Hold>> hold_existing(const Visit& visit, Uint128 offset, Deadline deadline);
  Result<std::optional<Hold>> hold_any(const Visit& visit, const Asker& asker, const std::set<Uint128>& tried,
                                       Deadline deadline);
  // Commits what the address becomes (empty: free) and ends the hold. On error the hold lives on. An address that was
  // nobody's and whose commit ended after the deadline is given back, still marked, and kBusy: the engine has been told
  // that the call failed, and will not release what it does not know of.
  Status settle(Hold& hold, const std::optional<Holder>& after, Deadline deadline);
  void finish(Hold& hold, const std::optional<Holder>& after);
  void forget_outlived(Hold& hold);
  void note_reuse_locked(const Hold& hold, const Holder& after);
  void add_anchor_if_due(store::Transaction& transaction);
  // Leaves the fresh slot without key, so that nobody takes it for a former address.
  void strip(Hold& hold);
  Status wait_for_slot(Lock& lock, const Visit& visit, Uint128 offset, Deadline deadline);
  [[nodiscard]] Moment moment_locked(const Parent& parent, Uint128 offset, bool bound) const;
  [[nodiscard]] Moment moment(const Hold& hold, bool bound) const;
  [[nodiscard]] int64_t lasting_locked() const { return lasting_at(anchor_, clock_.uptime()); }
  [[nodiscard]] TimeAnchor anchor_now_locked() const;

  // pool_calls.cc
  Result<PoolReply> request_explicit_pool(const PoolWish& wish, Deadline deadline);
  Result<PoolReply> request_automatic_pool(const PoolWish& wish, Deadline deadline);
  // Both undo what was committed after the deadline, as settle() does: a new pool, a reference more.
  Result<PoolReply> create_pool(Lock& lock, const PoolWish& wish, const Prefix& prefix, Deadline deadline);
  // A parent that is new, or has a pool more, takes over what is reserved in it.
  void mark_reservations_locked(Parent& parent);
  Status add_reference(Lock& lock, Pool& pool, uint64_t epoch, Deadline deadline);
  Status set_references(Lock& lock, Pool& pool, int refs, uint64_t epoch);
  Status remove_pool(Lock& lock, Pool& pool, Deadline deadline);
  Result<std::vector<PoolSource>> sources_for(Family family, Deadline deadline);
  // "network 9c1b…" of the other half that stands on the pool; empty: none that is known.
  [[nodiscard]] std::string network_of(const PoolRecord& pool) const;
  [[nodiscard]] EngineListener engine_listener() const;

  // epoch_calls.cc
  void change_epoch(const std::function<EpochState(const EpochState&)>& change);
  enum class Work { kExplicit, kAutomatic };
  void note_work_locked(const std::string& space, Work work);
  Result<Prefix> unique_local_prefix(Deadline deadline);

  // background.cc: what is written without a call that waits for it.
  void save_loop();
  [[nodiscard]] store::Transaction unsaved_locked() const;

  // views.cc
  [[nodiscard]] PoolView view_locked(const Pool& pool) const;
  [[nodiscard]] AddressView view_locked(const Parent& parent, Uint128 offset, const Slot& slot) const;
  // Of an address that is set aside.
  [[nodiscard]] AddressView view_locked(const Parent& parent, Uint128 offset,
                                        const Neighbours::Sighting& seen) const;

  // probing.cc: what the wire says.
  enum class Wire {
    kSilent,   // or nobody looks
    kForeign,  // to be declined: it is set aside
    kUnheard,  // no verdict in time
    kUnasked,  // not to be declined, whatever answers: a gateway, an address that is held or reserved
  };
  // Of an address that is about to be given by itself; waits for the verdict until `patience`.
  Wire ask_wire(const Visit& visit, const Hold& hold, const Asker& asker, Deadline patience);
  // The pool is new in memory: somebody shall look whether it can be watched.
  enum class Reached {
    kMaybe,
    kNot
  };  // by links of this host; what changes later, the next survey of all finds
  void announce_locked(Pool& pool, Reached reached);
  void look_at_wire() const;
  // Logs a gift at which a foreign host answers, as far as is known.
  void tell_if_answered(const Visit& visit, const IpAddress& address, OwnerClass owner) const;
  void tell_unheard(const Visit& visit, const IpAddress& address, OwnerClass owner) const;
  static void expire_locked(Parent& parent, std::chrono::seconds now);
  // What the pool will give next, as far as too little is known of it.
  [[nodiscard]] std::vector<Uint128> ahead_locked(const Pool& pool, std::chrono::seconds now);
  [[nodiscard]] ProbeTarget target_locked(const Pool& pool, std::chrono::seconds now);

  // orphans.cc
  [[nodiscard]] bool is_suspect(const Holder& held) const;
  [[nodiscard]] bool is_suspect_locked(const Holder& held) const;
  [[nodiscard]] std::vector<Uint128> suspects_in(const std::string& space, const Prefix& prefix) const;
  [[nodiscard]] std::vector<Tenant> long_held() const;

  // abandoned.cc
  [[nodiscard]] bool replay_is_over_locked(SpaceKind kind) const;
  [[nodiscard]] bool is_abandoned_locked(const Pool& pool) const;

  // terms.cc
  [[nodiscard]] bool is_of_former_term_locked(const Slot& slot) const;
  [[nodiscard]] bool gives_way_locked(const Pool& pool) const;
  [[nodiscard]] std::vector<Uint128> of_former_term(const Parent& parent) const;
  // Puts to rest what a former term of a Swarm leader held in the parent: no more than `most` addresses. How many.
  Result<uint64_t> end_former_term(const Visit& visit, size_t most, Deadline deadline);
  Result<uint64_t> end_former_terms(Deadline deadline);
  // For an explicit request that a caller repeats later: what it asks for may live, although it was not claimed.
  void note_failed_claim(const Visit& visit);

  // operator_calls.cc
  // Whether it was set aside for a foreign host.
  bool end_aside(const Visit& visit, Uint128 offset);
  [[nodiscard]] Parent* parent_with_locked(const std::string& space, const IpAddress& address) const;

  // transfer.cc
  static Status read_import(const Json& state, Import& import);
  [[nodiscard]] bool import_must_wait_locked(const Import& import) const;
  Status stage_pools_locked(Import& import);
  Status stage_addresses_locked(Import& import);
  Status stage_reservations_locked(Import& import);
  void unstage_locked(Import& import);
  void adopt_locked(const Import& import);

  // stories.cc
  [[nodiscard]] AddressStory story_locked(const std::string& space, const Parent* parent,
                                          const IpAddress& address) const;

  // Waits until any call has settled something. False when the deadline has passed.
  bool wait_for_change(Lock& lock, Deadline deadline);
  void notify_locked();

  store::Store& store_;
  const Clock& clock_;
  const IpamConfig config_;
  const IpamEnvironment environment_;

  std::mutex operators_;      // one change by an operator at a time; taken before mutex_
  mutable std::mutex mutex_;  // guards all below; never held across a commit or a call of the environment
  std::condition_variable changed_;
  uint64_t generation_ = 0;  // counts notifications
  PoolTable table_;
  ReservationBook reservations_;
  EpochState epoch_;
  bool epoch_changing_ = false;
  bool epoch_unsaved_ = false;
  std::optional<Prefix> unique_local_;
  bool unique_local_changing_ = false;
  TimeAnchor anchor_;          // of this process
  int64_t anchor_saved_ = -1;  // lasting time of the last anchor that was written; -1: none yet
  std::mt19937_64 random_{std::random_device{}()};  // whose numbers have all the 64 bits that propose() takes
  std::vector<std::string> unsurveyed_;             // ids of pools whose Watch nobody has set
  std::set<std::string> watched_;                   // ids; may have some that are gone

  std::condition_variable save_wanted_;
  bool stopping_ = false;
  std::thread saver_;
};

}  // namespace viaduct::ipam
