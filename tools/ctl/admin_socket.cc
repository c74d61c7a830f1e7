#include "tools/ctl/admin_socket.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace viaduct::ctl {

namespace {

constexpr const char* kPluginSocket = "viaduct-admin.sock";

Result<std::string> path_of(const std::string& address, std::string_view source) {
  constexpr std::string_view kUnix = "unix://";
  if (address.starts_with(kUnix) && address.substr(kUnix.size()).starts_with('/'))
    return address.substr(kUnix.size());
  return invalid_argument(fmt::format("{} \"{}\" is of no known form; use unix:///path", source, address));
}

std::vector<std::string> plugin_sockets(const std::filesystem::path& folder) {
  std::vector<std::string> found;
  std::error_code problem;
  for (std::filesystem::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    const auto candidate = entry->path() / kPluginSocket;
    std::error_code ignored;
    if (std::filesystem::exists(candidate, ignored)) found.push_back(candidate.string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<std::string> choose_socket(const SocketSources& sources) {
  if (!sources.flag.empty()) return path_of(sources.flag, "--socket");
  if (!sources.environment.empty()) return path_of(sources.environment, "VIADUCT_ADMIN");
  std::error_code ignored;
  if (std::filesystem::exists(sources.usual, ignored)) return sources.usual.string();
  const auto found = plugin_sockets(sources.plugins);
  if (found.empty()) return sources.usual.string();
  if (found.size() == 1) return found.front();
  return conflict(fmt::format("{} managed plugins have an admin socket (unix://{}); name one with --socket",
                              found.size(), fmt::join(found, ", unix://")));
}

}  // namespace viaduct::ctl
