#pragma once

#include <string>

#include "ipam/epoch.h"

namespace viaduct::server {

// The process behind a connection, from its pid and /proc/<pid>/stat (field 22, starttime: proc(5)). Not visible when
// the pid is 0 or the process has gone.
ipam::EngineIdentity identify_engine(int pid, const std::string& boot_id);

// Now, as a process that starts now would have it in that field.
uint64_t ticks_now();

// True if that very process still runs.
bool engine_alive(const ipam::EngineIdentity& engine, const std::string& boot_id);

}  // namespace viaduct::server
