#pragma once

#include <string>

#include "tools/ctl/command.h"

// Commands about single addresses, and those that move the whole state. Each is one request; what changes something
// answers with one line, or with the daemon's own answer for --json.
namespace viaduct::ctl {

Result<std::string> explain_address(const Arguments& arguments, const Daemon& daemon, size_t width);
// `input` is what --file holds: an array of reservations, or an object with that array as `reservations`.
Result<std::string> reserve_address(const Arguments& arguments, const Daemon& daemon,
                                    const std::string& input);
Result<std::string> unreserve_address(const Arguments& arguments, const Daemon& daemon);
Result<std::string> release_address(const Arguments& arguments, const Daemon& daemon);
Result<std::string> list_reservations(const Arguments& arguments, const Daemon& daemon);
Result<std::string> export_state(const Daemon& daemon);
Result<std::string> import_state(const Arguments& arguments, const Daemon& daemon, const std::string& input);

}  // namespace viaduct::ctl
