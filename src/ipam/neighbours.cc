#include "ipam/neighbours.h"

#include <algorithm>

namespace viaduct::ipam {

Neighbours::Verdict Neighbours::verdict(Uint128 offset, Time now) const {
  if (sightings_.contains(offset)) return Verdict::kForeign;
  return silent(offset, now, kSilenceLasts) ? Verdict::kSilent : Verdict::kUnknown;
}

bool Neighbours::silent(Uint128 offset, Time now, std::chrono::seconds age) const {
  const auto found = silent_.find(offset);
  return found != silent_.end() && now - found->second < age;
}

std::vector<Uint128> Neighbours::all_silent(Time now, std::chrono::seconds age) const {
  std::vector<Uint128> out;
  for (const auto& [offset, at] : silent_)
    if (now - at < age) out.push_back(offset);
  return out;
}

const Neighbours::Sighting* Neighbours::sighting(Uint128 offset) const {
  const auto found = sightings_.find(offset);
  return found == sightings_.end() ? nullptr : &found->second;
}

Neighbours::Lesson Neighbours::learn(const std::vector<Uint128>& asked,
                                     const std::multimap<Uint128, Mac>& answers, Moment now) {
  std::erase_if(silent_, [&](const auto& entry) { return now.up - entry.second >= kSilenceLasts; });
  Lesson lesson;
  for (const Uint128 offset : asked) {
    wanted_.erase(offset);
    const auto [first, last] = answers.equal_range(offset);
    const auto believed =
        std::find_if(first, last, [&](const auto& answer) { return !proxies_.contains(answer.second); });
    if (believed == last) {
      if (!sightings_.contains(offset)) silent_[offset] = now.up;
      continue;
    }
    silent_.erase(offset);
    if (sightings_.insert_or_assign(offset, Sighting{believed->second, now}).second)
      lesson.set_aside.emplace_back(offset, believed->second);
    if (!oldest_.has_value()) oldest_ = now.up;
  }
  distrust_proxies(lesson, now.up);
  return lesson;
}

void Neighbours::distrust_proxies(Lesson& lesson, Time now) {
  std::map<Mac, size_t> counts;
  for (const auto& [offset, mac] : lesson.set_aside) counts[mac] = 0;
  if (counts.empty()) return;
  for (const auto& [offset, seen] : sightings_)
    if (const auto found = counts.find(seen.mac); found != counts.end()) ++found->second;
  for (const auto& [mac, count] : counts)
    if (count >= kProxyAnswers) lesson.proxies.push_back(mac);
  for (const Mac& mac : lesson.proxies) {
    proxies_.insert(mac);
    std::erase_if(lesson.set_aside, [&, by = mac](const auto& entry) { return entry.second == by; });
    std::erase_if(sightings_, [&, by = mac](const auto& entry) {
      if (entry.second.mac != by) return false;
      lesson.given_back.push_back(entry.first);
      silent_[entry.first] = now;
      return true;
    });
  }
}

std::vector<Uint128> Neighbours::expire(Time now) {
  std::vector<Uint128> over;
  if (!oldest_.has_value() || now - *oldest_ < kSetAside) return over;
  oldest_.reset();
  std::erase_if(sightings_, [&](const auto& entry) {
    const bool ends = now - entry.second.at.up >= kSetAside;
    if (ends)
      over.push_back(entry.first);
    else
      oldest_ = std::min(oldest_.value_or(entry.second.at.up), entry.second.at.up);
    return ends;
  });
  return over;
}

bool Neighbours::forget(Uint128 offset) {
  return sightings_.erase(offset) > 0;
}

}  // namespace viaduct::ipam
