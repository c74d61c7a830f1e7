#pragma once

#include <span>

#include "server/services.h"

namespace viaduct::server {

// Every IpamDriver.* method (moby: daemon/libnetwork/ipams/remote/remote.go).
std::span<const Method> ipam_methods();

// Tells the epoch keeper of a registration call. The call itself never fails for it: a driver whose first
// GetCapabilities fails stays unregistered until the engine restarts (trap T7).
void note_registration(const Services& services, const Call& call);

}  // namespace viaduct::server
