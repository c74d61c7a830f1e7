#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "tools/ctl/arguments.h"

namespace viaduct::ctl {

inline constexpr int kExitWell = 0;
inline constexpr int kExitTrouble = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnreachable = 3;

// The daemon's answer to GET of a path.
using Fetch = std::function<Result<Json>(const std::string& path)>;

// The text to print, with its last newline.
// Errors: those of `fetch`; kNotFound and kConflict for an id that names nothing, or several objects.
Result<std::string> run_command(const Arguments& arguments, const Fetch& fetch);

// The process's exit code for what a command ended with.
int exit_code_of(const Error& error);

}  // namespace viaduct::ctl
