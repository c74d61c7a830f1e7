#include "server/orphan_sweeper.h"

namespace viaduct::server {

namespace {

constexpr std::chrono::seconds kBetweenSweeps{60};
constexpr std::chrono::milliseconds kSweep{5000};

}  // namespace

OrphanSweeper::OrphanSweeper(ipam::IpamService& ipam, Logger& log)
    : ipam_(ipam), log_(log), thread_([this] { run(); }) {}

OrphanSweeper::~OrphanSweeper() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void OrphanSweeper::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kBetweenSweeps, [this] { return stopping_; })) {
    lock.unlock();
    const auto reclaimed = ipam_.reclaim_orphans(Deadline::in(kSweep));
    if (!reclaimed.ok())
      log_.log(LogLevel::kWarning, "orphaned addresses could not be given back",
               {{"error", reclaimed.error().message}});
    else if (reclaimed.value() > 0)
      log_.log(LogLevel::kInfo, "orphaned addresses given back",
               {{"count", std::to_string(reclaimed.value())}});
    lock.lock();
  }
}

}  // namespace viaduct::server
