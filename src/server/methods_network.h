#pragma once

#include <span>

#include "server/services.h"

namespace viaduct::server {

// Plugin.Activate and every NetworkDriver.* method (moby: daemon/libnetwork/drivers/remote/driver.go).
std::span<const Method> network_methods();

}  // namespace viaduct::server
