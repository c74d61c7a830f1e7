#include "tools/ctl/engine_client.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <string_view>

namespace viaduct::ctl {

namespace {

constexpr int kPatienceSeconds = 2;
constexpr std::string_view kUnix = "unix://";

}  // namespace

EngineClient::EngineClient(const std::string& docker_host)
    : socket_path_(docker_host.starts_with(kUnix) ? docker_host.substr(kUnix.size())
                                                  : "/var/run/docker.sock") {}

Result<Json> EngineClient::get(const std::string& path) const {
  // The port means nothing to a unix socket, but the library wants one.
  httplib::Client client(socket_path_, 80);
  client.set_address_family(AF_UNIX);
  client.set_connection_timeout(kPatienceSeconds);
  client.set_read_timeout(kPatienceSeconds);
  const auto answer = client.Get(path.c_str(), {{"Host", "docker"}});
  if (!answer || answer->status != 200)
    return unavailable(fmt::format(
        "the engine does not answer at unix://{}; name its socket with DOCKER_HOST", socket_path_));
  Json body = Json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded())
    return unavailable(fmt::format("what answers at unix://{} is no engine", socket_path_));
  return body;
}

}  // namespace viaduct::ctl
