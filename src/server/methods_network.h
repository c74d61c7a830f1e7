#pragma once

#include <span>

#include "server/services.h"

namespace viaduct::server {

// Plugin.Activate and every NetworkDriver.* method (protocol.md 1.6, 2.2).
std::span<const Method> network_methods();

}  // namespace viaduct::server
