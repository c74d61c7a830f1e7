#include "net/neighbour_packets.h"

#include <initializer_list>
#include <span>

namespace viaduct::net {

namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint16_t kArp = 0x0806;
constexpr uint16_t kIpv4 = 0x0800;
constexpr uint16_t kIpv6 = 0x86dd;
constexpr uint8_t kIcmpv6 = 58;
constexpr uint8_t kHopLimit = 255;  // RFC 4861, 7.1.2: receivers drop anything less
constexpr Mac kBroadcast({0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
constexpr Mac kAllNodesMac({0x33, 0x33, 0, 0, 0, 1});        // RFC 2464, 7
constexpr Uint128 kAllNodes = Uint128{0xff02} << 112U | 1U;  // ff02::1

void put(Bytes& out, std::initializer_list<uint8_t> bytes) {
  out.insert(out.end(), bytes);
}

void put16(Bytes& out, uint16_t value) {
  put(out, {static_cast<uint8_t>(value >> 8U), static_cast<uint8_t>(value)});
}

void put(Bytes& out, const Mac& mac) {
  out.insert(out.end(), mac.bytes().begin(), mac.bytes().end());
}

void put(Bytes& out, const IpAddress& address) {
  const auto bytes = address.bytes();
  out.insert(out.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(address.byte_count()));
}

Bytes ethernet(const Mac& to, const Mac& from, uint16_t type) {
  Bytes frame;
  put(frame, to);
  put(frame, from);
  put16(frame, type);
  return frame;
}

// RFC 1071. Precondition: an even number of bytes.
uint16_t internet_checksum(std::span<const uint8_t> bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) sum += uint32_t{bytes[i]} << 8U | bytes[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<uint16_t>(~sum);
}

// The message's checksum is over a pseudo-header as well (RFC 8200, 8.1).
uint16_t icmpv6_checksum(const IpAddress& from, const IpAddress& to, const Bytes& message) {
  Bytes summed;
  put(summed, from);
  put(summed, to);
  put16(summed, 0);
  put16(summed, static_cast<uint16_t>(message.size()));
  put(summed, {0, 0, 0, kIcmpv6});
  summed.insert(summed.end(), message.begin(), message.end());
  return internet_checksum(summed);
}

Bytes arp_announcement(const IpAddress& address, const Mac& mac) {
  Bytes frame = ethernet(kBroadcast, mac, kArp);
  put16(frame, 1);  // Ethernet
  put16(frame, kIpv4);
  put(frame, {6, 4});
  put16(frame, 1);  // request
  put(frame, mac);
  put(frame, address);
  put(frame, {0, 0, 0, 0, 0, 0});
  put(frame, address);
  return frame;
}

Bytes neighbour_advertisement(const IpAddress& address, const Mac& mac) {
  const IpAddress all_nodes(Family::kIpv6, kAllNodes);
  Bytes message;
  put(message, {136, 0, 0, 0});   // type, code; the checksum comes last
  put(message, {0x20, 0, 0, 0});  // override
  put(message, address);
  put(message, {2, 1});  // target link-layer address, in units of 8 bytes
  put(message, mac);
  const uint16_t checksum = icmpv6_checksum(address, all_nodes, message);
  message[2] = static_cast<uint8_t>(checksum >> 8U);
  message[3] = static_cast<uint8_t>(checksum);

  Bytes frame = ethernet(kAllNodesMac, mac, kIpv6);
  put(frame, {0x60, 0, 0, 0});  // version
  put16(frame, static_cast<uint16_t>(message.size()));
  put(frame, {kIcmpv6, kHopLimit});
  put(frame, address);
  put(frame, all_nodes);
  frame.insert(frame.end(), message.begin(), message.end());
  return frame;
}

}  // namespace

std::vector<uint8_t> announcement_of(const IpAddress& address, const Mac& mac) {
  return address.family() == Family::kIpv4 ? arp_announcement(address, mac)
                                           : neighbour_advertisement(address, mac);
}

uint16_t ether_type_of(const IpAddress& address) {
  return address.family() == Family::kIpv4 ? kArp : kIpv6;
}

}  // namespace viaduct::net
