#pragma once

#include <string>

#include "base/json.h"

// What the engine's list of networks (GET /networks) says of viaduct's pools. Pure.
namespace viaduct::ctl {

// The name of the network that has the subnet; empty if none has. `subnet` as the daemon writes it.
std::string network_on(const Json& networks, const std::string& subnet);

}  // namespace viaduct::ctl
