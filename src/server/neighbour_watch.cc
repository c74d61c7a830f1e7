#include "server/neighbour_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace viaduct::server {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kBetweenSurveys{15};
// Hosts of a LAN answer within milliseconds; a call may wait for two windows (ipam::kVerdictPatience).
constexpr std::chrono::milliseconds kWindow{250};
// A subnet full of foreign hosts is not asked without a pause.
constexpr int kRoundsInARow = 8;
constexpr std::chrono::milliseconds kPause{500};

std::string names_of(const std::vector<net::ProbeLink>& links) {
  std::string out;
  for (const auto& link : links) out += (out.empty() ? "" : ", ") + link.name;
  return out;
}

net::ProbeLinks::Reach reach_of(ipam::Probe probe) {
  return probe == ipam::Probe::kOn ? net::ProbeLinks::Reach::kAny : net::ProbeLinks::Reach::kForeign;
}

Result<net::ProbeLinks> picture_of(net::Kernel& kernel, const std::vector<ipam::ProbedPool>& pools) {
  net::ProbeLinks picture(TRY(kernel.on_link()));
  const bool any =
      std::any_of(pools.begin(), pools.end(), [&](const auto& pool) { return picture.reached(pool.pool); });
  if (any) picture.set_links(TRY(kernel.links()));
  return picture;
}

}  // namespace

NeighbourWatch::NeighbourWatch(ipam::IpamService& ipam, net::Kernel& kernel, net::NeighbourProbe& probe,
                               Logger& log)
    : ipam_(ipam), kernel_(kernel), probe_(probe), log_(log), thread_([this] { run(); }) {}

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
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void NeighbourWatch::run() {
  auto next_survey = steady_clock::now();
  auto next_look = next_survey;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_until(lock, std::min(next_survey, next_look), [this] { return stopping_ || woken_; });
    if (stopping_) return;
    woken_ = false;
    lock.unlock();
    const auto now = steady_clock::now();
    const bool due = now >= next_survey;
    if (due) next_survey = now + kBetweenSurveys;
    survey(due ? ipam::Survey::kAll : ipam::Survey::kNew);
    next_look = next_survey;
    for (int round = 0; look() == More::kYes; survey(ipam::Survey::kNew))
      if (++round == kRoundsInARow) {
        next_look = steady_clock::now() + kPause;
        break;
      }
    lock.lock();
  }
}

void NeighbourWatch::survey(ipam::Survey which) {
  const auto pools = ipam_.pools_to_survey(which);
  if (which == ipam::Survey::kAll) links_.clear();
  if (pools.empty()) return;
  const auto picture = picture_of(kernel_, pools);
  if (!picture.ok()) {
    for (const auto& pool : pools)
      ipam_.set_watch(pool.id, {ipam::WatchState::kNone, picture.error().message});
    return;
  }
  if (const auto& macs = picture.value().own_macs(); !macs.empty()) own_macs_ = macs;
  for (const auto& pool : pools) {
    auto found = picture.value().find(pool.pool, reach_of(pool.probe));
    if (found.links.empty()) {
      ipam_.set_watch(pool.id, {ipam::WatchState::kNone, found.why_none});
      continue;
    }
    ipam_.set_watch(pool.id, {ipam::WatchState::kWatched, names_of(found.links)});
    links_[pool.id] = std::move(found.links);
  }
}

NeighbourWatch::More NeighbourWatch::look() {
  const auto targets = ipam_.probe_targets();
  if (targets.empty()) return More::kNo;
  std::vector<net::NeighbourQuestion> questions;
  for (const auto& target : targets)
    for (const auto& link : links_[target.pool_id])
      for (const IpAddress& address : target.addresses) questions.push_back({link, address});
  const auto outcome = probe_.ask(questions, kWindow);
  if (outcome.ok())
    conclude(targets, outcome.value());
  else
    give_up(targets, outcome.error());
  return outcome.ok() ? More::kYes : More::kNo;
}

// Until the next survey their addresses are given as if nobody could be asked.
void NeighbourWatch::give_up(const std::vector<ipam::ProbeTarget>& targets, const Error& why) {
  for (const auto& target : targets) ipam_.set_watch(target.pool_id, {ipam::WatchState::kNone, why.message});
  if (why.message == last_problem_ || why.code == ErrorCode::kUnavailable) return;
  last_problem_ = why.message;
  log_.log(LogLevel::kWarning, "foreign hosts on pools' subnets are not looked for",
           {{"error", why.message}});
}

void NeighbourWatch::conclude(const std::vector<ipam::ProbeTarget>& targets,
                              const net::NeighbourProbe::Outcome& outcome) {
  for (const auto& target : targets) {
    const auto& links = links_[target.pool_id];
    const bool unasked = std::all_of(links.begin(), links.end(), [&](const net::ProbeLink& link) {
      return outcome.failed.contains(link.index);
    });
    if (unasked) {
      const std::string why = links.empty() ? "its link is gone" : outcome.failed.at(links[0].index).message;
      give_up({target}, {ErrorCode::kInternal, why});
      continue;
    }
    std::vector<ipam::ProbeAnswer> answers;
    for (const auto& [address, mac] : outcome.answers) {
      const auto& asked = target.addresses;
      if (!own_macs_.contains(mac) && std::find(asked.begin(), asked.end(), address) != asked.end())
        answers.push_back({address, mac});
    }
    tell(target.pool_id, ipam_.probed(target, answers));
  }
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
