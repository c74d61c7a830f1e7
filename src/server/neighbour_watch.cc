#include "server/neighbour_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace viaduct::server {

namespace {

using std::chrono::steady_clock;

// As often it looks at what has aged.
constexpr std::chrono::milliseconds kBetweenLooks{15000};
// Hosts of a LAN answer within milliseconds; a call may wait for two windows (ipam::kVerdictPatience).
constexpr std::chrono::milliseconds kWindow{250};
// A subnet full of foreign hosts is not asked without a pause.
constexpr int kRoundsInARow = 8;
constexpr std::chrono::milliseconds kPause{500};

}  // namespace

NeighbourWatch::NeighbourWatch(ipam::IpamService& ipam, net::Kernel& kernel, net::NeighbourProbe& probe,
                               Logger& log, std::function<std::vector<net::LanSubnet>()> lans)
    : ipam_(ipam),
      probe_(probe),
      log_(log),
      survey_(ipam, kernel, std::move(lans), [this] { look_again(); }),
      thread_([this] { run(); }) {}

NeighbourWatch::~NeighbourWatch() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  probe_.cancel();
  thread_.join();
}

void NeighbourWatch::wake() {
  survey_.wake();
  look_again();
}

void NeighbourWatch::lan_joined() {
  survey_.wake_for_all();
}

void NeighbourWatch::look_again() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void NeighbourWatch::run() {
  std::unique_lock lock(mutex_);
  auto next = steady_clock::now();
  while (true) {
    changed_.wait_until(lock, next, [this] { return stopping_ || woken_; });
    if (stopping_) return;
    woken_ = false;
    lock.unlock();
    int rounds = 0;
    while (rounds < kRoundsInARow && look() == More::kYes) ++rounds;
    next = steady_clock::now() + (rounds < kRoundsInARow ? kBetweenLooks : kPause);
    lock.lock();
  }
}

NeighbourWatch::More NeighbourWatch::look() {
  std::vector<Asked> asked;
  std::vector<net::NeighbourQuestion> questions;
  for (auto& target : ipam_.probe_targets()) {
    auto links = survey_.links_of(target.pool_id);
    for (const auto& link : links)
      for (const IpAddress& address : target.addresses) questions.push_back({link, address});
    asked.push_back({std::move(target), std::move(links)});
  }
  if (asked.empty()) return More::kNo;
  const auto outcome = probe_.ask(questions, kWindow);
  for (const auto& [target, links] : asked) {
    if (outcome.ok())
      conclude({target, links}, outcome.value());
    else
      give_up(target.pool_id, outcome.error());
  }
  return outcome.ok() ? More::kYes : More::kNo;
}

// Until the next survey its addresses are given as if nobody could be asked.
void NeighbourWatch::give_up(const std::string& pool_id, const Error& why) {
  ipam_.set_watch(pool_id, {ipam::WatchState::kNone, why.message});
  if (why.message == last_problem_ || why.code == ErrorCode::kUnavailable) return;
  last_problem_ = why.message;
  log_.log(LogLevel::kWarning, "foreign hosts on a pool's subnet are not looked for",
           {{"pool", pool_id}, {"error", why.message}});
}

void NeighbourWatch::conclude(const Asked& asked, const net::NeighbourProbe::Outcome& outcome) {
  const auto& [target, links] = asked;
  if (links.empty())
    return give_up(target.pool_id, not_found("no link of this host reaches the subnet any more"));
  const bool unasked = std::all_of(links.begin(), links.end(), [&](const net::ProbeLink& link) {
    return outcome.failed.contains(link.index);
  });
  if (unasked) return give_up(target.pool_id, outcome.failed.at(links.front().index));
  std::vector<ipam::ProbeAnswer> answers;
  for (const auto& [address, mac] : outcome.answers) {
    const bool of_this =
        std::find(target.addresses.begin(), target.addresses.end(), address) != target.addresses.end();
    if (of_this && !survey_.is_own(mac)) answers.push_back({address, mac});
  }
  tell(target.pool_id, ipam_.probed(target, answers));
}

void NeighbourWatch::tell(const std::string& pool_id, const ipam::ProbeOutcome& outcome) {
  for (const auto& [address, mac] : outcome.set_aside)
    log_.log(LogLevel::kInfo, "a foreign host answers for an address of a pool; set aside",
             {{"pool", pool_id}, {"address", address.to_string()}, {"mac", mac.to_string()}});
  for (const Mac& mac : outcome.proxies)
    log_.log(LogLevel::kWarning, "one MAC answers for many addresses of a pool (proxy ARP?); not believed",
             {{"pool", pool_id}, {"mac", mac.to_string()}});
}

void log_unsure_gift(Logger& log, const ipam::UnsureGift& gift) {
  const bool gateway = gift.owner == ipam::OwnerClass::kGateway;
  std::vector<LogField> fields = {{"pool", gift.pool_id},
                                  {"address", gift.address.to_string()},
                                  {"class", std::string(to_string(gift.owner))}};
  if (gift.answered_by.has_value()) fields.push_back({"mac", gift.answered_by->to_string()});
  log.log(gateway ? LogLevel::kInfo : LogLevel::kWarning,
          gift.answered_by.has_value()
              ? "address given although a foreign host answers for it"
              : "address given without a look for foreign hosts, who could not be asked in time",
          fields);
}

}  // namespace viaduct::server
