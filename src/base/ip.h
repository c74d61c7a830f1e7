#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

// IP arithmetic on values. Pure; nothing here does I/O. Addresses are kept in host order.
namespace viaduct {

__extension__ using Uint128 = unsigned __int128;

enum class Family : uint8_t { kIpv4, kIpv6 };

// 32 or 128.
constexpr int address_bits(Family family) {
  return family == Family::kIpv4 ? 32 : 128;
}

class IpAddress {
 public:
  constexpr IpAddress() = default;
  // `value` in host order; for IPv4 only the low 32 bits count.
  constexpr IpAddress(Family family, Uint128 value)
      : value_(family == Family::kIpv4 ? value & 0xffffffffU : value), family_(family) {}

  // From 4 or 16 bytes in network order. Precondition: bytes.size() is 4 or 16.
  static IpAddress from_bytes(std::span<const uint8_t> bytes);
  // Strict dotted quad, or RFC 4291 text without zone. Errors: kInvalidArgument.
  static Result<IpAddress> parse(std::string_view text);

  [[nodiscard]] constexpr Family family() const { return family_; }
  [[nodiscard]] constexpr Uint128 value() const { return value_; }
  // Network order; the first 4 bytes count for IPv4, 16 for IPv6.
  [[nodiscard]] std::array<uint8_t, 16> bytes() const;
  // 4 or 16.
  [[nodiscard]] size_t byte_count() const { return family_ == Family::kIpv4 ? 4 : 16; }
  // RFC 5952 for IPv6.
  [[nodiscard]] std::string to_string() const;

  // The address `offset` further on. Precondition: it does not pass the end of the family's space.
  [[nodiscard]] constexpr IpAddress plus(Uint128 offset) const { return {family_, value_ + offset}; }

  // IPv4 before IPv6, then by value.
  constexpr std::strong_ordering operator<=>(const IpAddress& other) const {
    if (family_ != other.family_) return family_ <=> other.family_;
    return value_ < other.value_   ? std::strong_ordering::less
           : value_ > other.value_ ? std::strong_ordering::greater
                                   : std::strong_ordering::equal;
  }
  constexpr bool operator==(const IpAddress&) const = default;

 private:
  Uint128 value_ = 0;
  Family family_ = Family::kIpv4;
};

// A network: host bits are zero. Ordered by address, then by length (the wider first).
class Prefix {
 public:
  constexpr Prefix() = default;
  // Clears the host bits. Precondition: 0 <= length <= address_bits(address.family()).
  Prefix(IpAddress address, int length);

  // "10.0.0.0/24". Errors: kInvalidArgument; host bits that are set are one, and the message names the network meant.
  static Result<Prefix> parse(std::string_view text);

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] int length() const { return length_; }
  [[nodiscard]] IpAddress first() const { return {family_, value_}; }
  [[nodiscard]] IpAddress last() const;
  // Bits that tell hosts apart: 8 for an IPv4 /24.
  [[nodiscard]] int host_bits() const { return address_bits(family()) - length_; }
  [[nodiscard]] bool contains(const IpAddress& address) const {
    return address.family() == family_ &&
           (length_ == 0 || (address.value() ^ value_) >> (address_bits(family_) - length_) == 0);
  }
  [[nodiscard]] bool contains(const Prefix& other) const {
    return other.length_ >= length_ && contains(other.first());
  }
  [[nodiscard]] bool overlaps(const Prefix& other) const;
  [[nodiscard]] std::string to_string() const;

  std::strong_ordering operator<=>(const Prefix& other) const {
    const auto order = first() <=> other.first();
    return order != std::strong_ordering::equal ? order : length_ <=> other.length_;
  }
  bool operator==(const Prefix&) const = default;

 private:
  Uint128 value_ = 0;  // of the first address
  Family family_ = Family::kIpv4;
  uint8_t length_ = 0;
};

// An address as an interface carries it: 10.0.0.2/24. Host bits are kept.
struct InterfaceAddress {
  IpAddress address;
  int length = 0;

  // Errors: kInvalidArgument.
  static Result<InterfaceAddress> parse(std::string_view text);
  [[nodiscard]] Prefix network() const { return {address, length}; }
  [[nodiscard]] std::string to_string() const;
  bool operator==(const InterfaceAddress&) const = default;
};

// A 48-bit hardware address.
class Mac {
 public:
  constexpr Mac() = default;
  constexpr explicit Mac(std::array<uint8_t, 6> bytes) : bytes_(bytes) {}

  // "02:42:ac:11:00:02", any case. Errors: kInvalidArgument; a multicast or all-zero address is one.
  static Result<Mac> parse(std::string_view text);
  // base64 of the 6 bytes, the form of net.HardwareAddr in the engine's Options. Errors: as parse().
  static Result<Mac> parse_base64(std::string_view text);
  // Locally administered and unicast: 02:42 and the four bytes of an IPv4 address, so that an address which moves to
  // another container does not leave a stale neighbour entry behind. Precondition: address is IPv4.
  static Mac from_ipv4(const IpAddress& address);
  // Locally administered and unicast, the same for the same text in every version of viaduct.
  static Mac from_text(std::string_view text);
  // Locally administered and unicast, from the kernel's random numbers.
  static Mac random();

  [[nodiscard]] const std::array<uint8_t, 6>& bytes() const { return bytes_; }
  // fe80::/64 with the modified EUI-64 of it (RFC 4291, appendix A).
  [[nodiscard]] IpAddress link_local() const;
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const Mac&) const = default;

 private:
  std::array<uint8_t, 6> bytes_{};
};

}  // namespace viaduct
