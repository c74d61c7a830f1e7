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

// The daemon ends every call in under 10 s.
constexpr int kAnswerSeconds = 10;

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

}  // namespace

Result<Json> AdminClient::get(const std::string& path) const {
  // The port means nothing to a unix socket, but the library wants one.
  httplib::Client client(socket_path_, 80);
  client.set_address_family(AF_UNIX);
  client.set_connection_timeout(kAnswerSeconds);
  client.set_read_timeout(kAnswerSeconds);
  client.set_write_timeout(kAnswerSeconds);
  const auto result = client.Get(path.c_str(), {{"Host", "viaduct"}});
  if (!result) {
    Error error = unreachable(socket_path_, httplib::to_string(result.error()));
    if (error.sys_errno != 0) error.message += "; " + remedy(error.sys_errno);
    error.code = ErrorCode::kUnavailable;
    return error;
  }
  Json body = Json::parse(result->body, nullptr, /*allow_exceptions=*/false);
  if (result->status == 200 && body.is_object()) return body;
  if (result->status == 200)
    return internal(
        fmt::format("the answer of unix://{} to GET {} is no JSON object; is it viaduct's admin socket?",
                    socket_path_, path));
  const std::string reason = text_field(body, "Err");
  return unsupported(fmt::format("unix://{} refuses GET {} with status {}{}{}", socket_path_, path,
                                 result->status, reason.empty() ? "; is it viaduct's admin socket?" : ": ",
                                 reason));
}

}  // namespace viaduct::ctl
