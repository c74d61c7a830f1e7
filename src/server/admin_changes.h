#pragma once

#include <string_view>
#include <vector>

#include "base/log.h"
#include "server/services.h"

namespace viaduct::server {

// One thing that operators can change: POST of a JSON object to its path (docs/admin-api.md).
struct Change {
  std::string_view path;
  std::string_view name;  // in the log
  // Adds to `about` what the change is about as soon as it is known, for the log. Durable when it succeeds; nothing is
  // changed when it fails.
  Status (*run)(const Services& services, const Call& call, std::vector<LogField>& about);
};

const std::vector<Change>& admin_changes();

}  // namespace viaduct::server
