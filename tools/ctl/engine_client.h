#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace viaduct::ctl {

// The engine's API over its unix socket, for what only the engine knows: names of containers. An operator's command may ask it; the
// daemon never does. One connection for each call; one thread.
class EngineClient {
 public:
  // `docker_host`: the value of $DOCKER_HOST; empty or not a unix socket's for /var/run/docker.sock.
  explicit EngineClient(const std::string& docker_host);

  // The answer to GET `path`, of any JSON type. Gives up after two seconds. Errors: kUnavailable.
  [[nodiscard]] Result<Json> get(const std::string& path) const;

 private:
  std::string socket_path_;
};

}  // namespace viaduct::ctl
