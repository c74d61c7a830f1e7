#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace viaduct::net {

// Makes this process the only viaductd of its network namespace, for as long as the descriptor is open: two
// would undo each other's links and rules. The lock is the abstract unix socket "@viaduct", which the kernel
// keeps per network namespace and drops with the process, however it ends. Errors: kBusy, naming the holder's
// process id (as this process's pid namespace shows it).
Result<UniqueFd> lock_network_namespace();

}  // namespace viaduct::net
