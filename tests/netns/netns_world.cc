#include "netns/netns_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

namespace viaduct::netns {

namespace {

struct SocketAddress {
  sockaddr_storage raw{};
  socklen_t size = 0;
};

SocketAddress socket_address(const std::string& address, uint16_t port) {
  SocketAddress result;
  sockaddr_in6 six{};
  sockaddr_in four{};
  if (inet_pton(AF_INET6, address.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&result.raw, &six, sizeof(six));
    result.size = sizeof(six);
  } else {
    EXPECT_EQ(inet_pton(AF_INET, address.c_str(), &four.sin_addr), 1) << address;
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&result.raw, &four, sizeof(four));
    result.size = sizeof(four);
  }
  return result;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

}  // namespace

Output shell(const std::string& command) {
  Output output;
  FILE* pipe = ::popen(fmt::format("{{ {}\n}} 2>&1", command).c_str(), "re");
  if (pipe == nullptr) return {-1, "cannot start a shell"};
  std::array<char, 4096> buffer{};
  for (size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    output.text.append(buffer.data(), got);
  }
  int status = ::pclose(pipe);
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return output;
}

std::string run(const std::string& command) {
  Output output = shell(command);
  EXPECT_EQ(output.status, 0) << command << "\n" << output.text;
  return output.text;
}

nlohmann::json run_json(const std::string& command) {
  std::string text = run(command);
  auto parsed = nlohmann::json::parse(text, nullptr, false);
  EXPECT_FALSE(parsed.is_discarded()) << command << "\n" << text;
  return parsed.is_discarded() ? nlohmann::json() : parsed;
}

nlohmann::json link_json(const std::string& name) {
  for (auto& link : run_json("ip -j -d link show")) {
    if (link.value("ifname", "") == name) return link;
  }
  return {};
}

bool eventually(std::chrono::milliseconds limit, const std::function<bool()>& is_so) {
  auto end = std::chrono::steady_clock::now() + limit;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::yield();
  }
  return true;
}

Namespace::Namespace() {
  std::thread([this] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << std::strerror(errno);
    fd_.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(fd_.valid());
  }).join();
  run("ip link set lo up");
}

Namespace Namespace::current() {
  return Namespace(UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)));
}

std::string Namespace::path() const {
  return fmt::format("/proc/{}/fd/{}", ::getpid(), fd_.get());
}

std::string Namespace::run(const std::string& command) const {
  return netns::run(fmt::format("nsenter --net={} sh -c {}", path(), quoted(command)));
}

void Namespace::enter(const std::function<void()>& work) const {
  std::thread([&] {
    ASSERT_EQ(::setns(fd_.get(), CLONE_NEWNET), 0) << std::strerror(errno);
    work();
  }).join();
}

Udp::Udp(const Namespace& space, const std::string& address, uint16_t port) {
  SocketAddress here = socket_address(address, port);
  space.enter([&] {
    fd_.reset(::socket(here.raw.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&here.raw), here.size), 0)
        << address << ": " << std::strerror(errno);
  });
}

bool Udp::send(const std::string& address, uint16_t port, const std::string& text) {
  SocketAddress there = socket_address(address, port);
  return ::sendto(fd_.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&there.raw),
                  there.size) == static_cast<ssize_t>(text.size());
}

std::optional<Udp::Datagram> Udp::receive(std::chrono::milliseconds limit) {
  pollfd watched{fd_.get(), POLLIN, 0};
  if (::poll(&watched, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
  std::array<char, 2048> buffer{};
  sockaddr_storage source{};
  socklen_t size = sizeof(source);
  ssize_t got = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                           reinterpret_cast<sockaddr*>(&source), &size);
  if (got < 0) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> text{};
  Datagram datagram;
  datagram.text.assign(buffer.data(), static_cast<size_t>(got));
  if (source.ss_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &source, sizeof(six));
    inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
    datagram.port = ntohs(six.sin6_port);
  } else {
    sockaddr_in four{};
    std::memcpy(&four, &source, sizeof(four));
    inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    datagram.port = ntohs(four.sin_port);
  }
  datagram.source = text.data();
  return datagram;
}

void FreshNetns::SetUp() {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << std::strerror(errno) << "; run the netns tests as root";
  run("ip link set lo up");
}

}  // namespace viaduct::netns
