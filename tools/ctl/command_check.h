#pragma once

#include <string>

#include "tools/ctl/command.h"

namespace viaduct::ctl {

// `fsck [--repair]`: what differs between state, kernel and rules, and what became of it. Exit code kExitTrouble where something
// is left that differs.
Result<Answer> check_state(const Arguments& arguments, const Daemon& daemon);

}  // namespace viaduct::ctl
