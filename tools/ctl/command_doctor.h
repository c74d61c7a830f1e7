#pragma once

#include "tools/ctl/command.h"
#include "tools/ctl/doctor.h"

namespace viaduct::ctl {

// `doctor`: what `examine` makes of a host's facts, as text of that width or as JSON. Exit code kExitTrouble where something is amiss
// (warnings and troubles), whether the daemon answers or not.
Answer doctor_answer(const Arguments& arguments, const HostFacts& facts, size_t width);

}  // namespace viaduct::ctl
