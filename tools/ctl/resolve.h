#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace viaduct::ctl {

// What `resolve` looks for, in messages.
struct Wanted {
  std::string_view noun;    // "network"
  std::string_view lister;  // the command that lists them: "network ls"
};

// The object of `objects` whose "id" is `id`, else the only one whose id begins with it, else the only one
// whose id does so after its first '/' ("10.1.0.0/24" for the pool local/10.1.0.0/24). Points into `objects`.
// Errors: kNotFound; kConflict, naming some of the ids that match.
Result<const Json*> resolve(const Json& objects, const std::string& id, const Wanted& wanted);

}  // namespace viaduct::ctl
