#include "server/end_pacer.h"

#include <algorithm>

namespace viaduct::server {

EndPacer::Moment EndPacer::turn(const std::string& network_id, Moment now) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(next_, [&](const auto& entry) { return entry.second <= now; });
  const auto known = next_.find(network_id);
  const Moment when = known == next_.end() ? now : std::min(known->second, now + kLongest);
  next_[network_id] = when + kApart;
  return when;
}

}  // namespace viaduct::server
