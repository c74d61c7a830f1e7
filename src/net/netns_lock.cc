#include "net/netns_lock.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace viaduct::net {

namespace {

constexpr std::string_view kName{"\0viaduct", 8};

struct Address {
  sockaddr_un raw{};
  socklen_t size = 0;
};

Address lock_address() {
  Address address;
  address.raw.sun_family = AF_UNIX;
  std::memcpy(address.raw.sun_path, kName.data(), kName.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + kName.size());
  return address;
}

Result<UniqueFd> open_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return from_errno(errno, "cannot open a unix socket");
  return fd;
}

// "pid 123", or "pid unknown" if the holder is in another pid namespace or answers no more.
std::string holder() {
  Address address = lock_address();
  Result<UniqueFd> probe = open_socket();
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (!probe.ok() ||
      ::connect(probe.value().get(), reinterpret_cast<const sockaddr*>(&address.raw), address.size) != 0 ||
      ::getsockopt(probe.value().get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0) {
    return "pid unknown";
  }
  return fmt::format("pid {}", peer.pid);
}

}  // namespace

Result<UniqueFd> lock_network_namespace() {
  Address address = lock_address();
  UniqueFd fd = TRY(open_socket());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.raw), address.size) != 0) {
    if (errno != EADDRINUSE) return from_errno(errno, "cannot lock the network namespace");
    return Error{ErrorCode::kBusy,
                 fmt::format("another viaductd ({}) serves this network namespace; stop it first", holder()),
                 EADDRINUSE};
  }
  // Nobody is accepted: a connection serves to learn the holder's pid only.
  if (::listen(fd.get(), SOMAXCONN) != 0) return from_errno(errno, "cannot lock the network namespace");
  return fd;
}

}  // namespace viaduct::net
