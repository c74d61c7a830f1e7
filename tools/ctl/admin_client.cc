#include "tools/ctl/admin_client.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"
#include "tools/ctl/fields.h"

namespace viaduct::ctl {

namespace {

// The daemon ends every call in under a minute, and a large answer takes a moment to arrive.
constexpr int kAnswerSeconds = 70;

std::string remedy(int sys_errno) {
  if (sys_errno == EACCES || sys_errno == EPERM) return "the socket is root's: run this as root";
  return "start viaductd, or name its admin socket with --socket unix:///path";
}

// Why nobody can be reached at `path`: the library keeps errno to itself, so that the system is asked once
// more.
Error unreachable(const std::string& path, std::string_view trouble) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return unavailable(
        fmt::format("no daemon at unix://{}: the path has {} bytes, and a socket's has at most {}; name "
                    "another with --socket",
                    path, path.size(), sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);  // the C API's own cast
  if (probe.valid() && ::connect(probe.get(), generic, sizeof address) == 0)
    return unavailable(fmt::format(
        "no answer from unix://{}: {}; is it the admin socket of a viaductd that works?", path, trouble));
  const int sys_errno = errno;
  return from_errno(sys_errno, fmt::format("no daemon at unix://{}", path));
}

// The port means nothing to a unix socket, but the library wants one.
httplib::Client connect_to(const std::string& socket_path) {
  httplib::Client client(socket_path, 80);
  client.set_address_family(AF_UNIX);
  client.set_connection_timeout(kAnswerSeconds);
  client.set_read_timeout(kAnswerSeconds);
  client.set_write_timeout(kAnswerSeconds);
  return client;
}

Result<Json> read_answer(const std::string& socket_path, std::string_view request,
                         const httplib::Result& result) {
  if (!result) {
    Error error = unreachable(socket_path, httplib::to_string(result.error()));
    if (error.sys_errno != 0) error.message += "; " + remedy(error.sys_errno);
    error.code = ErrorCode::kUnavailable;
    return error;
  }
  Json body = Json::parse(result->body, nullptr, /*allow_exceptions=*/false);
  const std::string reason = text_field(body, "Err");
  if (!reason.empty()) return unsupported(reason);
  if (result->status != 200)
    return unsupported(fmt::format("unix://{} refuses {} with status {}; is it viaduct's admin socket?",
                                   socket_path, request, result->status));
  if (!body.is_object())
    return internal(
        fmt::format("the answer of unix://{} to {} is no JSON object; is it viaduct's admin socket?",
                    socket_path, request));
  return body;
}

}  // namespace

Result<Json> AdminClient::get(const std::string& path) const {
  auto client = connect_to(socket_path_);
  return read_answer(socket_path_, "GET " + path, client.Get(path.c_str(), {{"Host", "viaduct"}}));
}

Result<Json> AdminClient::post(const std::string& path, const std::string& body) const {
  auto client = connect_to(socket_path_);
  return read_answer(socket_path_, "POST " + path,
                     client.Post(path.c_str(), {{"Host", "viaduct"}}, body, "application/json"));
}

}  // namespace viaduct::ctl
