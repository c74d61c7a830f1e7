#include "net/announcer.h"

namespace viaduct::net {

Announcer::Announcer(Kernel& kernel, std::vector<std::chrono::milliseconds> after,
                     std::function<void(const Error&)> failed)
    : kernel_(kernel), after_(std::move(after)), failed_(std::move(failed)), thread_([this] { run(); }) {}

Announcer::~Announcer() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Announcer::announce(Announcement what) {
  bool earliest = false;
  {
    const std::lock_guard guard(mutex_);
    erase_locked(what.port);
    const Time now = std::chrono::steady_clock::now();
    const auto added = due_.emplace(now + after_.front(), what.port).first;
    earliest = added == due_.begin();
    std::string port = what.port;
    entries_.emplace(std::move(port), Entry{std::move(what), now});
  }
  if (earliest) changed_.notify_all();
}

void Announcer::cancel(const std::string& port) {
  const std::lock_guard guard(mutex_);
  erase_locked(port);
}

size_t Announcer::waiting() const {
  const std::lock_guard guard(mutex_);
  return entries_.size();
}

void Announcer::erase_locked(const std::string& port) {
  const auto found = entries_.find(port);
  if (found == entries_.end()) return;
  due_.erase({found->second.since + after_[found->second.next], port});
  entries_.erase(found);
}

std::vector<Announcement> Announcer::take_due_locked(Time now) {
  std::vector<Announcement> round;
  // Each port once: of one that is late, the next announcement is of the next round.
  std::vector<std::string> ports;
  while (!due_.empty() && due_.begin()->first <= now) {
    ports.push_back(due_.begin()->second);
    due_.erase(due_.begin());
  }
  for (const std::string& port : ports) {
    const auto found = entries_.find(port);
    Entry& entry = found->second;
    round.push_back(entry.what);
    if (++entry.next < after_.size())
      due_.emplace(entry.since + after_[entry.next], port);
    else
      entries_.erase(found);
  }
  return round;
}

void Announcer::run() {
  std::unique_lock guard(mutex_);
  bool told = false;
  while (!stopping_) {
    if (due_.empty()) {
      changed_.wait(guard);
      continue;
    }
    const Time now = std::chrono::steady_clock::now();
    if (const Time first = due_.begin()->first; first > now) {
      changed_.wait_until(guard, first);
      continue;
    }
    const auto round = take_due_locked(now);
    guard.unlock();
    const Status sent = kernel_.announce(round);
    if (!sent.ok() && !told && failed_) {
      told = true;
      failed_(sent.error());
    }
    guard.lock();
  }
}

}  // namespace viaduct::net
