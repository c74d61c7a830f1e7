#pragma once

#include "tools/ctl/command.h"
#include "tools/ctl/doctor.h"

namespace viaduct::ctl {

// Reads what `doctor` looks at: /proc, the engine's plugin folders, the daemon and the engine. What cannot be read is left out.
HostFacts read_host(const Daemon& daemon);

}  // namespace viaduct::ctl
