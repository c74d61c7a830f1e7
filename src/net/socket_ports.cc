#include "net/socket_ports.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace viaduct::net {

namespace {

class HeldSocket final : public HeldPort {
 public:
  explicit HeldSocket(UniqueFd socket) : socket_(std::move(socket)) {}

 private:
  UniqueFd socket_;
};

// What stands for a port that no socket can hold.
class HeldByNobody final : public HeldPort {};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const IpAddress& host, uint16_t port) {
  SocketAddress address;
  const auto bytes = host.bytes();
  if (host.family() == Family::kIpv4) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&four.sin_addr, bytes.data(), sizeof(four.sin_addr));
    std::memcpy(&address.storage, &four, sizeof(four));
    address.size = sizeof(four);
  } else {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&six.sin6_addr, bytes.data(), sizeof(six.sin6_addr));
    std::memcpy(&address.storage, &six, sizeof(six));
    address.size = sizeof(six);
  }
  return address;
}

int kind_of(Protocol protocol) {
  return protocol == Protocol::kUdp ? SOCK_DGRAM : SOCK_STREAM;
}

bool is_unsupported(int code) {
  return code == EPROTONOSUPPORT || code == ESOCKTNOSUPPORT || code == EAFNOSUPPORT;
}

// A line of /proc/net/tcp and its like: "0: 0100007F:1F90 00000000:0000 0A … uid timeout inode".
struct SocketLine {
  uint16_t port = 0;
  int state = 0;
  uint64_t inode = 0;
};

constexpr int kTimeWait = 6;  // TCP_TIME_WAIT (net/tcp_states.h)

std::vector<SocketLine> sockets_of(Protocol protocol) {
  std::vector<SocketLine> all;
  if (protocol == Protocol::kSctp) return all;
  for (const char* family : {"", "6"}) {
    std::ifstream file(fmt::format("/proc/self/net/{}{}", to_string(protocol), family));
    std::string line;
    std::getline(file, line);  // the names of the columns
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::vector<std::string> fields;
      for (std::string word; words >> word;) fields.push_back(word);
      if (fields.size() < 10) continue;
      const size_t colon = fields[1].find(':');
      if (colon == std::string::npos) continue;
      SocketLine socket;
      socket.port = static_cast<uint16_t>(std::strtoul(fields[1].c_str() + colon + 1, nullptr, 16));
      socket.state = static_cast<int>(std::strtol(fields[3].c_str(), nullptr, 16));
      socket.inode = std::strtoull(fields[9].c_str(), nullptr, 10);
      all.push_back(socket);
    }
  }
  return all;
}

// Whether what has the port is nobody any more: connections of a program that has ended, which the kernel remembers for a minute.
bool only_remembered(Protocol protocol, uint16_t port) {
  bool found = false;
  for (const SocketLine& socket : sockets_of(protocol)) {
    if (socket.port != port) continue;
    if (socket.state != kTimeWait) return false;
    found = true;
  }
  return found;
}

Result<UniqueFd> bound(Protocol protocol, const IpAddress& host, uint16_t port, bool over_remembered) {
  const bool six = host.family() == Family::kIpv6;
  UniqueFd socket(
      ::socket(six ? AF_INET6 : AF_INET, kind_of(protocol) | SOCK_CLOEXEC, static_cast<int>(protocol)));
  if (!socket.valid()) return from_errno(errno, "open a socket");
  const int on = 1;
  if (six) (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  if (over_remembered) (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const SocketAddress address = socket_address(host, port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0)
    return from_errno(errno, fmt::format("bind port {}", port));
  return socket;
}

std::string process_of(const std::set<std::string>& sockets) {
  namespace fs = std::filesystem;
  std::error_code failed;
  for (const auto& process : fs::directory_iterator("/proc", failed)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code hidden;
    for (const auto& descriptor : fs::directory_iterator(process.path() / "fd", hidden)) {
      std::error_code gone;
      if (!sockets.contains(fs::read_symlink(descriptor.path(), gone).string())) continue;
      std::ifstream file(process.path() / "comm");
      std::string name;
      std::getline(file, name);
      return fmt::format("process {} (pid {})", name, pid);
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<HeldPort>> SocketPorts::hold(Protocol protocol, const IpAddress& host, uint16_t port) {
  auto socket = bound(protocol, host, port, false);
  if (!socket.ok() && socket.error().sys_errno == EADDRINUSE && protocol == Protocol::kTcp &&
      only_remembered(protocol, port))
    socket = bound(protocol, host, port, true);
  if (socket.ok()) {
    // Nobody reads it: what is not translated is not kept either.
    const int least = 0;
    (void)::setsockopt(socket.value().get(), SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
    return std::unique_ptr<HeldPort>(new HeldSocket(std::move(socket).value()));
  }
  const int code = socket.error().sys_errno;
  if (is_unsupported(code) && protocol == Protocol::kSctp) return std::unique_ptr<HeldPort>(new HeldByNobody);
  if (code == EADDRINUSE) return conflict(fmt::format("port {} is in use", port));
  if (code == EADDRNOTAVAIL || is_unsupported(code))
    return not_found(fmt::format("{} is no address of this host", host.to_string()));
  return std::move(socket).error();
}

std::string SocketPorts::holder_of(Protocol protocol, uint16_t port) {
  std::set<std::string> links;
  for (const SocketLine& socket : sockets_of(protocol))
    if (socket.port == port && socket.inode != 0) links.insert(fmt::format("socket:[{}]", socket.inode));
  return links.empty() ? std::string() : process_of(links);
}

PortRange SocketPorts::automatic() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  unsigned low = 0;
  unsigned high = 0;
  if (file >> low >> high && low > 0 && low <= high && high <= 65535)
    return {static_cast<uint16_t>(low), static_cast<uint16_t>(high)};
  return {32768, 60999};  // the kernel's own (net/ipv4/af_inet.c)
}

}  // namespace viaduct::net
