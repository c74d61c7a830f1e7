#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/clip.h"
#include "base/ip.h"

namespace viaduct {

namespace {

// The part before '/', and the length behind it. Strict: digits only, no sign, no leading zero but "0".
struct SplitPrefix {
  IpAddress address;
  int length;
};

Result<SplitPrefix> split(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos)
    return invalid_argument(fmt::format("\"{}\" has no prefix length; write it as {}/{}", clipped(text),
                                        clipped(text), text.find(':') == std::string_view::npos ? 24 : 64));
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address.ok()) return std::move(address).error();
  const std::string_view digits = text.substr(slash + 1);
  int length = -1;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const int most = address_bits(address.value().family());
  const bool whole = problem == std::errc{} && end == digits.data() + digits.size();
  const bool padded = digits.size() > 1 && digits.front() == '0';
  if (!whole || padded || length < 0 || length > most)
    return invalid_argument(fmt::format("\"{}\" has the prefix length \"{}\"; use a number from 0 to {}",
                                        clipped(text), clipped(digits), most));
  return SplitPrefix{address.value(), length};
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<Mac> checked(const std::array<uint8_t, 6>& bytes, std::string_view text) {
  const Mac mac(bytes);
  if (mac == Mac())
    return invalid_argument(fmt::format("MAC address \"{}\" is all zero; choose another", clipped(text)));
  if ((bytes[0] & 1U) != 0)
    return invalid_argument(
        fmt::format("MAC address \"{}\" is a multicast address; its first byte must be even", clipped(text)));
  return mac;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  std::array<uint8_t, 16> raw{};
  if (copy.size() == text.size() && copy.find('\0') == std::string::npos) {
    if (::inet_pton(AF_INET, copy.c_str(), raw.data()) == 1) return from_bytes({raw.data(), 4});
    if (::inet_pton(AF_INET6, copy.c_str(), raw.data()) == 1) return from_bytes({raw.data(), 16});
  }
  return invalid_argument(fmt::format("\"{}\" is not an IP address", clipped(text)));
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const SplitPrefix parts = TRY(split(text));
  const Prefix prefix(parts.address, parts.length);
  if (prefix.first() != parts.address)
    return invalid_argument(
        fmt::format("\"{}\" has host bits set; the network is {}", clipped(text), prefix.to_string()));
  return prefix;
}

Result<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
  const SplitPrefix parts = TRY(split(text));
  return InterfaceAddress{parts.address, parts.length};
}

Result<Mac> Mac::parse(std::string_view text) {
  std::array<uint8_t, 6> bytes{};
  bool well_formed = text.size() == 17;
  for (size_t i = 0; well_formed && i < 6; ++i) {
    const int high = hex_value(text[3 * i]);
    const int low = hex_value(text[3 * i + 1]);
    if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
      well_formed = false;
    else
      bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  if (!well_formed)
    return invalid_argument(
        fmt::format("\"{}\" is not a MAC address; write it as 02:42:ac:11:00:02", clipped(text)));
  return checked(bytes, text);
}

Result<Mac> Mac::parse_base64(std::string_view text) {
  if (text.size() != 8)
    return invalid_argument(fmt::format("\"{}\" is not the base64 of a MAC address", clipped(text)));
  std::array<uint8_t, 6> bytes{};
  for (size_t group = 0; group < 2; ++group) {
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; ++i) {
      const int value = base64_value(text[group * 4 + i]);
      if (value < 0)
        return invalid_argument(fmt::format("\"{}\" is not the base64 of a MAC address", clipped(text)));
      bits = (bits << 6) | static_cast<uint32_t>(value);
    }
    for (size_t i = 0; i < 3; ++i) bytes[group * 3 + i] = static_cast<uint8_t>((bits >> (16 - 8 * i)) & 0xff);
  }
  return checked(bytes, text);
}

}  // namespace viaduct
