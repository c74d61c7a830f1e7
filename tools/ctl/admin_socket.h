#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace viaduct::ctl {

// Where a socket may be named or found, the stronger first.
struct SocketSources {
  std::string flag;         // --socket unix:///PATH; empty if not given
  std::string environment;  // $VIADUCT_ADMIN, of the same form; empty counts as unset
  // The daemon's default, used if something is there or nothing is found below.
  std::filesystem::path usual = "/run/viaduct/admin.sock";
  // The engine gives each managed plugin a folder in here, by the plugin's id.
  std::filesystem::path plugins = "/run/docker/plugins";
};

// The path of the socket to dial. Nothing is dialled.
// Errors: kInvalidArgument, an address of another form; kConflict, several managed plugins and none of the
// stronger.
Result<std::string> choose_socket(const SocketSources& sources);

}  // namespace viaduct::ctl
