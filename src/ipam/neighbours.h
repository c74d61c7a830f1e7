#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace viaduct::ipam {

// For so long after nothing answered at an address it may be given.
inline constexpr std::chrono::seconds kSilenceLasts{60};
// Who looks ahead asks again when what it knows is that old.
inline constexpr std::chrono::seconds kSilenceAges{40};
// For so long an address at which a foreign host answered is given to nobody by itself.
inline constexpr std::chrono::seconds kSetAside = std::chrono::minutes(10);
// A MAC that answers at so many addresses of a subnet is taken for a router that answers for others (proxy ARP).
inline constexpr size_t kProxyAnswers = 8;

// What the wire said of the addresses of one subnet: at which a foreign host answered, at which nobody did. Kept in memory
// alone. Pure; the caller holds the service's mutex. Times are of Clock::uptime(); addresses are offsets.
class Neighbours {
 public:
  using Time = std::chrono::seconds;
  // The same moment by both clocks.
  struct Moment {
    Time up{};
    std::chrono::sys_seconds wall{};
  };
  struct Sighting {
    Mac mac;
    Moment at;
  };
  enum class Verdict { kUnknown, kSilent, kForeign };

  [[nodiscard]] Verdict verdict(Uint128 offset, Time now) const;
  // Nothing answered there, no longer than `age` ago.
  [[nodiscard]] bool silent(Uint128 offset, Time now, std::chrono::seconds age) const;
  // Silent ones no older than that, in order.
  [[nodiscard]] std::vector<Uint128> all_silent(Time now, std::chrono::seconds age) const;
  // Null: not set aside.
  [[nodiscard]] const Sighting* sighting(Uint128 offset) const;
  [[nodiscard]] const std::map<Uint128, Sighting>& sightings() const { return sightings_; }
  // Whose answers are not believed, until the subnet has no pool any more.
  [[nodiscard]] const std::set<Mac>& proxies() const { return proxies_; }

  // What a round of questions changes.
  struct Lesson {
    std::vector<std::pair<Uint128, Mac>> set_aside;
    std::vector<Uint128> given_back;  // set aside before, for a MAC that is not believed any more
    std::vector<Mac> proxies;         // not believed from now on
  };
  // `asked`, and who answered; what was asked and is not among the answers was silent. The first answer counts.
  Lesson learn(const std::vector<Uint128>& asked, const std::multimap<Uint128, Mac>& answers, Moment now);
  // Forgets what was seen longer than kSetAside ago, and returns where.
  std::vector<Uint128> expire(Time now);
  // By hand. False: it was not set aside.
  bool forget(Uint128 offset);

  // Addresses for whose verdict a call waits now; each by one call alone.
  void want(Uint128 offset) { wanted_.insert(offset); }
  void unwant(Uint128 offset) { wanted_.erase(offset); }
  [[nodiscard]] const std::set<Uint128>& wanted() const { return wanted_; }

 private:
  void distrust_proxies(Lesson& lesson, Time now);

  std::map<Uint128, Time> silent_;
  std::map<Uint128, Sighting> sightings_;
  std::optional<Time> oldest_;  // no sighting is older
  std::set<Mac> proxies_;
  std::set<Uint128> wanted_;
};

}  // namespace viaduct::ipam
