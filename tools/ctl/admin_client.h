#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace viaduct::ctl {

// The daemon's admin API (docs/admin-api.md) over its unix socket. One connection for each call; one thread.
class AdminClient {
 public:
  explicit AdminClient(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  // The answer to GET `path` and to POST of `body` to it, an object. Both wait for as long as the daemon may take.
  // Errors: kUnavailable, nobody answers there (the message says why and what to do); kUnsupported, the
  // daemon refuses, in its own words; kInternal, an answer that is no JSON object.
  [[nodiscard]] Result<Json> get(const std::string& path) const;
  [[nodiscard]] Result<Json> post(const std::string& path, const std::string& body) const;

 private:
  const std::string socket_path_;
};

}  // namespace viaduct::ctl
