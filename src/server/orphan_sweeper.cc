#include "server/orphan_sweeper.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ipam/pool_request.h"

namespace viaduct::server {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kBetweenSweeps{60};
// Until the engine is seen to have finished its start.
constexpr std::chrono::seconds kUntilEngineIsSeen{3};
constexpr std::chrono::milliseconds kSweep{5000};
// An engine joins an endpoint straight after it has made it.
constexpr std::chrono::minutes kUnjoinedGrace{10};

}  // namespace

OrphanSweeper::OrphanSweeper(ipam::IpamService& ipam, net::NetworkService& network, Logger& log)
    : ipam_(ipam), network_(network), log_(log), thread_([this] { run(); }) {}

OrphanSweeper::~OrphanSweeper() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void OrphanSweeper::wake() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void OrphanSweeper::run() {
  auto next = steady_clock::now() + kBetweenSweeps;
  bool engine_known = false;
  std::unique_lock lock(mutex_);
  while (true) {
    const auto until = engine_known ? next : std::min(next, steady_clock::now() + kUntilEngineIsSeen);
    changed_.wait_until(lock, until, [this] { return stopping_ || woken_; });
    if (stopping_) return;
    const bool due = std::exchange(woken_, false) || steady_clock::now() >= next;
    lock.unlock();
    engine_known = ipam_.look_at_engine();
    if (due) {
      sweep();
      next = steady_clock::now() + kBetweenSweeps;
    }
    lock.lock();
  }
}

void OrphanSweeper::sweep() {
  sweep_endpoints();
  sweep_addresses();
  sweep_pools();
}

void OrphanSweeper::tell(const std::string& what, const Result<uint64_t>& swept) {
  if (!swept.ok())
    log_.log(LogLevel::kWarning, what + " could not be given back", {{"error", swept.error().message}});
  else if (swept.value() > 0)
    log_.log(LogLevel::kInfo, what + " given back", {{"count", std::to_string(swept.value())}});
}

void OrphanSweeper::sweep_endpoints() {
  tell("endpoints that no container joined", network_.sweep_unjoined(kUnjoinedGrace, Deadline::in(kSweep)));
  tell("endpoints whose container is gone", network_.forget_ended(Deadline::in(kSweep)));
}

void OrphanSweeper::sweep_addresses() {
  tell("orphaned addresses", ipam_.reclaim_orphans(Deadline::in(kSweep)));
}

void OrphanSweeper::sweep_pools() {
  for (const ipam::PoolView& pool : ipam_.abandoned_pools()) {
    const auto complain = [&](const Error& error) {
      log_.log(LogLevel::kWarning, "a pool that no engine knows could not be given back",
               {{"pool", pool.id}, {"error", error.message}});
    };
    // The network first: it is found by its pool, should this be interrupted. On a Swarm leader's pool there is none.
    if (ipam::kind_of_space(pool.space) == ipam::SpaceKind::kLocal) {
      const auto cleared = network_.remove_abandoned(pool.pool, Deadline::in(kSweep));
      if (!cleared.ok()) complain(cleared.error());
      if (!cleared.ok() || !cleared.value()) continue;
    }
    const auto dropped = ipam_.drop_abandoned(pool.id, Deadline::in(kSweep));
    if (!dropped.ok()) complain(dropped.error());
    if (dropped.ok() && dropped.value())
      log_.log(LogLevel::kInfo, "a pool that no engine knows was given back", {{"pool", pool.id}});
  }
}

}  // namespace viaduct::server
