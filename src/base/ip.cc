#include "base/ip.h"

#include <arpa/inet.h>
#include <fmt/compile.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <cassert>

namespace viaduct {

namespace {

// The bits of an address that belong to the network part of a prefix of `length`.
Uint128 network_mask(Family family, int length) {
  const int bits = address_bits(family);
  if (length == 0) return 0;
  const Uint128 all = family == Family::kIpv4 ? Uint128{0xffffffffU} : ~Uint128{0};
  const int host = bits - length;
  return host == 0 ? all : (all >> host) << host;
}

}  // namespace

IpAddress IpAddress::from_bytes(std::span<const uint8_t> bytes) {
  assert(bytes.size() == 4 || bytes.size() == 16);
  Uint128 value = 0;
  for (const uint8_t byte : bytes) value = (value << 8) | byte;
  return {bytes.size() == 4 ? Family::kIpv4 : Family::kIpv6, value};
}

std::array<uint8_t, 16> IpAddress::bytes() const {
  std::array<uint8_t, 16> out{};
  const size_t count = byte_count();
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<uint8_t>((value_ >> (8 * (count - 1 - i))) & 0xff);
  return out;
}

std::string IpAddress::to_string() const {
  const auto raw = bytes();
  if (family_ == Family::kIpv4)
    return fmt::format(FMT_COMPILE("{}.{}.{}.{}"), raw[0], raw[1], raw[2], raw[3]);
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET6, raw.data(), text, sizeof text);
  return text;
}

Prefix::Prefix(IpAddress address, int length)
    : value_(address.value() & network_mask(address.family(), length)),
      family_(address.family()),
      length_(static_cast<uint8_t>(length)) {
  assert(length >= 0 && length <= address_bits(address.family()));
}

IpAddress Prefix::last() const {
  const Uint128 all = family() == Family::kIpv4 ? Uint128{0xffffffffU} : ~Uint128{0};
  return {family(), value_ | (all & ~network_mask(family(), length_))};
}

bool Prefix::overlaps(const Prefix& other) const {
  return contains(other) || other.contains(*this);
}

std::string Prefix::to_string() const {
  return fmt::format(FMT_COMPILE("{}/{}"), first().to_string(), length_);
}

std::string InterfaceAddress::to_string() const {
  return fmt::format("{}/{}", address.to_string(), length);
}

Mac Mac::from_ipv4(const IpAddress& address) {
  assert(address.family() == Family::kIpv4);
  const auto raw = address.bytes();
  return Mac({0x02, 0x42, raw[0], raw[1], raw[2], raw[3]});
}

Mac Mac::from_text(std::string_view text) {
  // FNV-1a, 64 bits. It must never change, since a container is known by what it gives.
  uint64_t value = 0xcbf29ce484222325U;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  std::array<uint8_t, 6> bytes{};
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(value & 0xffU);
    value >>= 8U;
  }
  bytes[0] = static_cast<uint8_t>((bytes[0] & 0xfcU) | 0x02U);
  return Mac(bytes);
}

Mac Mac::random() {
  std::array<uint8_t, 6> bytes{};
  // Six bytes never block once the kernel's pool is ready, which it is before any container runs.
  [[maybe_unused]] const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
  assert(got == static_cast<ssize_t>(bytes.size()));
  bytes[0] = static_cast<uint8_t>((bytes[0] & 0xfcU) | 0x02U);
  return Mac(bytes);
}

IpAddress Mac::link_local() const {
  const auto& m = bytes_;
  const std::array<uint8_t, 16> bytes{
      0xfe, 0x80, 0,    0,    0,    0,    0,   0, static_cast<uint8_t>(m[0] ^ 2U),
      m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
  return IpAddress::from_bytes(bytes);
}

std::string Mac::to_string() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(17, ':');
  for (size_t i = 0; i < bytes_.size(); ++i) {
    text[3 * i] = kDigits[bytes_[i] >> 4U];
    text[3 * i + 1] = kDigits[bytes_[i] & 15U];
  }
  return text;
}

}  // namespace viaduct
