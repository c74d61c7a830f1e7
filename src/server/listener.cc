#include "server/listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace viaduct::server {

namespace {

// Many clients may dial at once (a burst of container starts); Go reports a full backlog as an error.
constexpr int kBacklog = 4096;

// sd_listen_fds(3): the first descriptor that is passed.
constexpr int kFirstPassedFd = 3;

constexpr std::string_view kUnix = "unix://";

bool somebody_answers(const sockaddr_un& address) {
  const UniqueFd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);  // the C API's own cast
  return probe.valid() && (::connect(probe.get(), generic, sizeof address) == 0 || errno == EAGAIN);
}

Result<Listener> bind_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());

  std::error_code problem;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), problem);
  if (problem) return from_errno(problem.value(), fmt::format("make the folder of the socket {}", path));

  struct stat existing {};
  if (::lstat(path.c_str(), &existing) == 0) {
    if (!S_ISSOCK(existing.st_mode))
      return Error{ErrorCode::kBusy,
                   fmt::format("{} exists and is no socket; move it away, or choose another --listen", path)};
    if (somebody_answers(address))
      return Error{ErrorCode::kBusy,
                   fmt::format("another process answers on {}; stop it (is a viaductd running?), or "
                               "choose another --listen",
                               path)};
    if (::unlink(path.c_str()) != 0)
      return from_errno(errno, fmt::format("remove the stale socket {}", path));
  }

  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd.valid()) return from_errno(errno, "make a socket");
  // Nobody but root may ever connect, also not between bind() and chmod(). Called before there are threads.
  const mode_t former = ::umask(0177);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int bind_errno = errno;
  ::umask(former);
  if (bound != 0) return from_errno(bind_errno, fmt::format("bind {}", path));
  if (::listen(fd.get(), kBacklog) != 0) return from_errno(errno, fmt::format("listen on {}", path));
  return Listener{std::move(fd), SocketFile(path)};
}

int environment_number(const char* name) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before there are threads
  if (text == nullptr) return -1;
  int value = -1;
  const std::string_view view(text);
  std::from_chars(view.data(), view.data() + view.size(), value);
  return value;
}

Result<std::vector<Listener>> inherited() {
  const int count = environment_number("LISTEN_FDS");
  if (environment_number("LISTEN_PID") != ::getpid() || count < 1)
    return invalid_argument(
        "--listen fd://: no socket was passed (LISTEN_PID, LISTEN_FDS); start viaductd through its systemd "
        "socket unit, "
        "or use --listen unix:///path");
  std::vector<Listener> listeners;
  for (int fd = kFirstPassedFd; fd < kFirstPassedFd + count; ++fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
      return from_errno(errno, fmt::format("use the inherited socket {}", fd));
    listeners.push_back({UniqueFd{fd}, SocketFile()});
  }
  return listeners;
}

}  // namespace

SocketFile::~SocketFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Status check_listen_address(const std::string& flag, const std::string& address) {
  if (address == kInherited) return {};
  if (!address.starts_with(kUnix) || address.size() == kUnix.size() || address[kUnix.size()] != '/')
    return invalid_argument(
        fmt::format("{} \"{}\" is of no known form; use unix:///path or fd://", flag, address));
  const size_t length = address.size() - kUnix.size();
  constexpr size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
  if (length > kLongest)
    return invalid_argument(fmt::format("{} {}: the path has {} bytes; at most {} are possible", flag,
                                        address, length, kLongest));
  return {};
}

Result<std::vector<Listener>> open_listeners(const std::string& address) {
  TRY(check_listen_address("--listen", address));
  if (address == kInherited) return inherited();
  std::vector<Listener> listeners;
  listeners.push_back(TRY(bind_unix(address.substr(kUnix.size()))));
  return listeners;
}

}  // namespace viaduct::server
