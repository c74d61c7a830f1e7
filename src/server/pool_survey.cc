#include "server/pool_survey.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace viaduct::server {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kBetweenSurveys{15};

std::string names_of(const std::vector<net::ProbeLink>& links) {
  std::string out;
  for (const auto& link : links) out += (out.empty() ? "" : ", ") + words_of(link);
  return out;
}

// Of a Swarm's pool the addresses are for other hosts: what this one's routes say of the subnet does not matter.
net::ProbeLinks::Reach reach_of(const ipam::ProbedPool& pool) {
  if (pool.for_swarm) return net::ProbeLinks::Reach::kLans;
  return pool.probe == ipam::Probe::kOn ? net::ProbeLinks::Reach::kAny : net::ProbeLinks::Reach::kForeign;
}

Result<net::ProbeLinks> picture_of(net::Kernel& kernel, const std::vector<ipam::ProbedPool>& pools,
                                   const std::vector<net::LanSubnet>& lans) {
  net::ProbeLinks picture(TRY(kernel.on_link()));
  const bool any = !lans.empty() || std::any_of(pools.begin(), pools.end(),
                                                [&](const auto& pool) { return picture.reached(pool.pool); });
  if (any) picture.set_links(TRY(kernel.links()));
  for (const net::LanSubnet& lan : lans) picture.add_lan(lan);
  return picture;
}

}  // namespace

PoolSurvey::PoolSurvey(ipam::IpamService& ipam, net::Kernel& kernel,
                       std::function<std::vector<net::LanSubnet>()> lans, std::function<void()> found)
    : ipam_(ipam), kernel_(kernel), lans_(std::move(lans)), found_(std::move(found)), thread_([this] {
        run();
      }) {}

PoolSurvey::~PoolSurvey() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void PoolSurvey::wake() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void PoolSurvey::wake_for_all() {
  {
    const std::scoped_lock lock(mutex_);
    woken_for_all_ = true;
  }
  changed_.notify_one();
}

std::vector<net::ProbeLink> PoolSurvey::links_of(const std::string& pool_id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = links_.find(pool_id);
  return found == links_.end() ? std::vector<net::ProbeLink>() : found->second;
}

bool PoolSurvey::is_own(const Mac& mac) const {
  const std::scoped_lock lock(mutex_);
  return own_macs_.contains(mac);
}

void PoolSurvey::run() {
  auto next = steady_clock::now();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_until(lock, next, [this] { return stopping_ || woken_ || woken_for_all_; });
    if (stopping_) return;
    woken_ = false;
    const bool asked_for_all = std::exchange(woken_for_all_, false);
    lock.unlock();
    const auto now = steady_clock::now();
    const bool all = asked_for_all || now >= next;
    if (all) next = now + kBetweenSurveys;
    look(all ? ipam::Survey::kAll : ipam::Survey::kNew);
    lock.lock();
  }
}

void PoolSurvey::look(ipam::Survey which) {
  const auto pools = ipam_.pools_to_survey(which);
  if (pools.empty() && which == ipam::Survey::kNew) return;
  std::vector<ipam::Watch> watches;
  std::map<std::string, std::vector<net::ProbeLink>> links;
  std::set<Mac> own_macs;
  if (const auto picture = picture_of(kernel_, pools, lans_()); picture.ok()) {
    own_macs = picture.value().own_macs();
    for (const auto& pool : pools) {
      auto found = picture.value().find(pool.pool, reach_of(pool));
      const bool watched = !found.links.empty();
      watches.push_back(watched ? ipam::Watch{ipam::WatchState::kWatched, names_of(found.links)}
                        : pool.for_swarm
                            ? ipam::Watch{ipam::WatchState::kNone, std::string(ipam::kForOtherHosts)}
                            : ipam::Watch{ipam::WatchState::kNone, found.why_none});
      if (watched) links[pool.id] = std::move(found.links);
    }
  } else {
    watches.assign(pools.size(), {ipam::WatchState::kNone, picture.error().message});
  }
  {
    // Before the pools are watched: then somebody asks for their links.
    const std::scoped_lock lock(mutex_);
    if (!own_macs.empty()) own_macs_ = std::move(own_macs);
    if (which == ipam::Survey::kAll) links_.clear();
    for (auto& [id, of_pool] : links) links_[id] = std::move(of_pool);
  }
  for (size_t i = 0; i < pools.size(); ++i) ipam_.set_watch(pools[i].id, watches[i]);
  found_();
}

}  // namespace viaduct::server
