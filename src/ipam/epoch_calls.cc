#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <cerrno>

#include "ipam/ipam_impl.h"

namespace viaduct::ipam {

using store::Table;

uint64_t IpamService::Impl::epoch() const {
  const Lock lock(mutex_);
  return epoch_.local.number;
}

namespace {

constexpr std::chrono::milliseconds kRegistrationPatience{500};

}  // namespace

void IpamService::Impl::registered(const EngineIdentity& engine) {
  change_epoch([&](const EpochState& state) {
    return after_registration(state, engine, engine.visible() ? std::nullopt : engine_listener(),
                              environment_.engine_alive, environment_.engine_began_in_sight);
  });
  // A disk that answers has it before the engine has its answer; one that does not must not cost the engine its driver.
  Lock lock(mutex_);
  changed_.wait_for(lock, kRegistrationPatience, [this] { return !epoch_unsaved_; });
}

EngineListener IpamService::Impl::engine_listener() const {
  return environment_.engine_listener ? environment_.engine_listener() : std::nullopt;
}

bool IpamService::Impl::look_at_engine() {
  {
    const Lock lock(mutex_);
    if (!epoch_.engine.has_value() || epoch_.engine->visible()) return true;
  }
  const EngineListener now = engine_listener();
  if (!now.has_value()) return true;
  change_epoch([&](const EpochState& state) { return after_look(state, now); });
  return !now->empty();
}

namespace {

// Requests that came while the change was thought out count as work after it.
void take_over_notes(const SpaceEpoch& now, SpaceEpoch& next) {
  if (now.number != next.number) return;
  next.used = next.used || now.used;
  next.past_replay = next.past_replay || now.past_replay;
}

}  // namespace

// No registration waits long for the disk: one that fails is never repeated by the engine (trap T7), and what is given
// from now on carries the epoch (load_tables() takes the highest). The change is written in the background.
void IpamService::Impl::change_epoch(const std::function<EpochState(const EpochState&)>& change) {
  Lock lock(mutex_);
  changed_.wait(lock, [this] { return !epoch_changing_; });
  epoch_changing_ = true;
  const EpochState before = epoch_;
  lock.unlock();

  EpochState next = change(before);

  lock.lock();
  epoch_changing_ = false;
  take_over_notes(epoch_.local, next.local);
  take_over_notes(epoch_.global, next.global);
  if (to_json(next) != to_json(before)) {
    epoch_unsaved_ = true;
    save_wanted_.notify_one();
  }
  epoch_ = std::move(next);
  notify_locked();
}

void IpamService::Impl::note_work_locked(const std::string& space, Work work) {
  const SpaceKind kind = kind_of_space(space);
  SpaceEpoch& epoch = epoch_.of(kind);
  epoch.used = true;
  if (work != Work::kAutomatic) return;
  const bool first = !epoch.past_replay;
  note_new_work(epoch);
  if (first && kind == SpaceKind::kGlobal && environment_.leader_has_replayed)
    environment_.leader_has_replayed();
}

namespace {

// fd, 40 random bits, and nothing: RFC 4193 3.1 and 3.2.
Result<Prefix> random_unique_local() {
  std::array<uint8_t, 16> bytes{};
  bytes[0] = 0xfd;
  const ssize_t got = ::getrandom(&bytes[1], 5, 0);
  if (got != 5) return from_errno(got < 0 ? errno : EIO, "read random bits for the unique local prefix");
  return Prefix(IpAddress::from_bytes(bytes), 48);
}

}  // namespace

Result<Prefix> IpamService::Impl::unique_local_prefix(Deadline deadline) {
  Lock lock(mutex_);
  while (unique_local_changing_)
    if (!wait_for_change(lock, deadline))
      return Error{ErrorCode::kBusy, "the unique local prefix is being made by another call; try again"};
  if (unique_local_.has_value()) return *unique_local_;
  unique_local_changing_ = true;
  lock.unlock();

  Result<Prefix> made = random_unique_local();
  Status committed;
  if (made.ok()) {
    const Json value = {{"prefix", made.value().to_string()}};
    committed = store_.commit(
        {{{Table::kMeta, "ula", store::Condition::Kind::kAbsent}}, {put_object(Table::kMeta, "ula", value)}});
  }

  lock.lock();
  unique_local_changing_ = false;
  if (made.ok() && committed.ok()) unique_local_ = made.value();
  notify_locked();
  if (!committed.ok()) return std::move(committed).error();
  return made;
}

}  // namespace viaduct::ipam
