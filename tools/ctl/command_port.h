#pragma once

#include <string>

#include "tools/ctl/command.h"

namespace viaduct::ctl {

// `port [CONTAINER|ENDPOINT]`: the published ports, all or one's. A container is known by name or id where the engine answers, an
// endpoint by its id or the beginning of it. Errors: kNotFound, kConflict: a name that means nothing, or several endpoints.
Result<std::string> show_ports(const Arguments& arguments, const Daemon& daemon);

}  // namespace viaduct::ctl
