#pragma once

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "netns/netns_world.h"

// One end of an SCTP association's first two packets (RFC 9260), over a raw socket: what passes and how it is translated is up
// to the packet filter, and this needs no kernel that speaks the protocol.
namespace viaduct::netns {

class Sctp {
 public:
  static constexpr int kProtocol = 132;
  enum class Chunk : uint8_t { kInit = 1, kInitAck = 2 };
  struct Packet {
    std::string source;
    uint16_t from = 0;
    uint16_t to = 0;
    Chunk chunk = Chunk::kInit;
    bool intact = false;  // its checksum is that of what it holds
  };

  // All of the protocol that comes to the address.
  Sctp(const Namespace& space, const std::string& address)
      : is_ipv6_(address.find(':') != std::string::npos) {
    space.enter([&] {
      fd_.reset(::socket(is_ipv6_ ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, kProtocol));
      const Where here = where(address);
      ASSERT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&here.raw), here.size), 0) << address;
    });
  }

  void send(const std::string& address, uint16_t from, uint16_t to, Chunk chunk) {
    std::vector<uint8_t> bytes;
    const auto put = [&](uint64_t value, int width) {
      while (width > 0) bytes.push_back(static_cast<uint8_t>(value >> (8 * --width)));
    };
    const bool answer = chunk == Chunk::kInitAck;
    put(from, 2);
    put(to, 2);
    put(answer ? kTag : 0, 4);  // an INIT bears no verification tag
    put(0, 4);                  // the checksum, below
    put(static_cast<uint8_t>(chunk), 1);
    put(0, 1);
    put(answer ? 28 : 20, 2);
    put(kTag, 4);   // initiate tag
    put(65536, 4);  // window
    put(1, 2);      // streams, out
    put(1, 2);      // and in
    put(1, 4);      // TSN
    if (answer) {
      put(7, 2);  // a cookie
      put(8, 2);
      put(0, 4);
    }
    const uint32_t sum = checksum(bytes);
    for (size_t i = 0; i < 4; ++i) bytes[8 + i] = static_cast<uint8_t>(sum >> (8 * i));
    const Where there = where(address);
    EXPECT_EQ(::sendto(fd_.get(), bytes.data(), bytes.size(), 0,
                       reinterpret_cast<const sockaddr*>(&there.raw), there.size),
              static_cast<ssize_t>(bytes.size()));
  }

  // Waits for one, for `limit`.
  std::optional<Packet> receive(std::chrono::milliseconds limit) {
    pollfd watched{fd_.get(), POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
    std::vector<uint8_t> bytes(2048);
    sockaddr_storage source{};
    socklen_t size = sizeof(source);
    const ssize_t got = ::recvfrom(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT,
                                   reinterpret_cast<sockaddr*>(&source), &size);
    const size_t ahead = is_ipv6_ ? 0 : sizeof(iphdr);  // of IPv4 the header is handed over as well
    if (got < static_cast<ssize_t>(ahead + 16)) return std::nullopt;
    bytes.resize(static_cast<size_t>(got));
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(ahead));
    Packet packet;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_ipv6_) {
      sockaddr_in6 six{};
      std::memcpy(&six, &source, sizeof(six));
      inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
    } else {
      sockaddr_in four{};
      std::memcpy(&four, &source, sizeof(four));
      inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    }
    packet.source = text.data();
    packet.from = static_cast<uint16_t>(bytes[0] << 8U | bytes[1]);
    packet.to = static_cast<uint16_t>(bytes[2] << 8U | bytes[3]);
    packet.chunk = static_cast<Chunk>(bytes[12]);
    uint32_t sum = 0;
    for (size_t i = 0; i < 4; ++i) sum |= uint32_t{bytes[8 + i]} << (8 * i);
    for (size_t i = 0; i < 4; ++i) bytes[8 + i] = 0;
    packet.intact = sum == checksum(bytes);
    return packet;
  }

 private:
  static constexpr uint32_t kTag = 0x11223344;
  struct Where {
    sockaddr_storage raw{};
    socklen_t size = 0;
  };
  [[nodiscard]] Where where(const std::string& address) const {
    Where out;
    if (is_ipv6_) {
      sockaddr_in6 six{};
      six.sin6_family = AF_INET6;
      EXPECT_EQ(inet_pton(AF_INET6, address.c_str(), &six.sin6_addr), 1) << address;
      std::memcpy(&out.raw, &six, sizeof(six));
      out.size = sizeof(six);
    } else {
      sockaddr_in four{};
      four.sin_family = AF_INET;
      EXPECT_EQ(inet_pton(AF_INET, address.c_str(), &four.sin_addr), 1) << address;
      std::memcpy(&out.raw, &four, sizeof(four));
      out.size = sizeof(four);
    }
    return out;
  }
  // CRC-32C (RFC 9260, appendix A), as it stands in the packet: its least byte first.
  static uint32_t checksum(const std::vector<uint8_t>& bytes) {
    uint32_t sum = ~uint32_t{0};
    for (const uint8_t byte : bytes) {
      sum ^= byte;
      for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1U) ^ ((sum & 1U) != 0 ? 0x82f63b78U : 0U);
    }
    return ~sum;
  }

  bool is_ipv6_;
  UniqueFd fd_;
};

}  // namespace viaduct::netns
