#include "net/neighbour_codec.h"

#include <algorithm>
#include <array>
#include <utility>

namespace viaduct::net {

namespace {

constexpr uint16_t kArp = 0x0806;
constexpr uint16_t kIpv6 = 0x86dd;
constexpr size_t kEthernetHeader = 14;
constexpr size_t kArpPacket = 28;
constexpr size_t kIpv6Header = 40;
constexpr size_t kAdvertisement = 24;  // with the target, without options
constexpr uint8_t kIcmpv6 = 58;
constexpr uint8_t kSolicit = 135;
constexpr uint8_t kAdvertise = 136;
constexpr uint8_t kHopLimit = 255;  // proof that no router passed it on
constexpr uint8_t kOverride = 0x20;
constexpr uint8_t kSourceLinkLayer = 1;
constexpr uint8_t kTargetLinkLayer = 2;
constexpr uint8_t kLinkLayerOption = 8;  // bytes of the option
constexpr Uint128 kLinkLocalGroups = Uint128{0xff02} << 112U;
constexpr Uint128 kAllNodes = kLinkLocalGroups | 1U;                  // ff02::1
constexpr Uint128 kSolicitedNodes = kLinkLocalGroups | 0x1ff000000U;  // ff02::1:ff00:0/104 (RFC 4291, 2.7.1)
// Ethernet, IPv4, and the lengths of their addresses (RFC 826).
constexpr std::array<uint8_t, 6> kArpForIpv4 = {0, 1, 0x08, 0, 6, 4};

using Bytes = std::span<const uint8_t>;

void put16(Frame& out, uint16_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8U));
  out.push_back(static_cast<uint8_t>(value & 0xffU));
}

void put(Frame& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void put_ip(Frame& out, const IpAddress& address) {
  const auto bytes = address.bytes();
  put(out, Bytes(bytes).first(address.byte_count()));
}

uint16_t get16(Bytes bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

std::optional<Mac> unicast_mac(Bytes bytes) {
  std::array<uint8_t, 6> raw{};
  std::copy_n(bytes.begin(), raw.size(), raw.begin());
  if ((raw[0] & 1U) != 0 || raw == std::array<uint8_t, 6>{}) return std::nullopt;
  return Mac(raw);
}

// Of the pseudo header (RFC 8200, 8.1) and the message; 0 for a message that holds its own right checksum.
uint16_t checksum(Bytes addresses, Bytes message) {
  uint32_t sum = kIcmpv6 + static_cast<uint32_t>(message.size());
  for (const Bytes part : {addresses, message})
    for (size_t i = 0; i < part.size(); ++i) sum += i % 2 == 0 ? uint32_t{part[i]} << 8U : uint32_t{part[i]};
  while (sum > 0xffffU) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<uint16_t>(~sum & 0xffffU);
}

// Broadcast.
Frame arp_request(const Mac& own, const IpAddress& sender, const IpAddress& target) {
  Frame out(6, 0xff);
  put(out, own.bytes());
  put16(out, kArp);
  put(out, kArpForIpv4);
  put16(out, 1);  // a request
  put(out, own.bytes());
  put_ip(out, sender);
  put(out, std::array<uint8_t, 6>{});
  put_ip(out, target);
  return out;
}

struct Ends {
  std::array<uint8_t, 6> to;
  Mac from;
};

// Around a message whose checksum is 0 yet.
Frame icmpv6_frame(const Ends& ends, const IpAddress& from, const IpAddress& to, Frame message) {
  Frame addresses;
  put_ip(addresses, from);
  put_ip(addresses, to);
  const uint16_t sum = checksum(addresses, message);
  message[2] = static_cast<uint8_t>(sum >> 8U);
  message[3] = static_cast<uint8_t>(sum & 0xffU);
  Frame out(ends.to.begin(), ends.to.end());
  put(out, ends.from.bytes());
  put16(out, kIpv6);
  put(out, std::array<uint8_t, 4>{0x60, 0, 0, 0});
  put16(out, static_cast<uint16_t>(message.size()));
  put(out, std::array<uint8_t, 2>{kIcmpv6, kHopLimit});
  put(out, addresses);
  put(out, message);
  return out;
}

std::optional<NeighbourAnswer> arp_answer(Bytes packet) {
  if (packet.size() < kArpPacket || !std::equal(kArpForIpv4.begin(), kArpForIpv4.end(), packet.begin()))
    return std::nullopt;
  const auto mac = unicast_mac(packet.subspan(8, 6));
  const IpAddress sender = IpAddress::from_bytes(packet.subspan(14, 4));
  if (!mac.has_value() || sender.value() == 0) return std::nullopt;
  return NeighbourAnswer{sender, *mac};
}

std::optional<NeighbourAnswer> advertisement(Bytes frame) {
  const Bytes packet = frame.subspan(kEthernetHeader);
  if (packet.size() < kIpv6Header + kAdvertisement) return std::nullopt;
  const size_t length = get16(packet, 4);
  if (packet[6] != kIcmpv6 || packet[7] != kHopLimit || length < kAdvertisement ||
      length > packet.size() - kIpv6Header)
    return std::nullopt;
  const Bytes message = packet.subspan(kIpv6Header, length);
  if (message[0] != kAdvertise || message[1] != 0 || checksum(packet.subspan(8, 32), message) != 0)
    return std::nullopt;
  const IpAddress target = IpAddress::from_bytes(message.subspan(8, 16));
  auto mac = unicast_mac(frame.subspan(6, 6));
  for (Bytes options = message.subspan(kAdvertisement); options.size() >= 2;) {
    const size_t size = size_t{options[1]} * 8;
    if (size == 0 || size > options.size()) return std::nullopt;
    if (options[0] == kTargetLinkLayer && size == kLinkLayerOption) mac = unicast_mac(options.subspan(2, 6));
    options = options.subspan(size);
  }
  if (!mac.has_value()) return std::nullopt;
  return NeighbourAnswer{target, *mac};
}

}  // namespace

Frame arp_probe(const Mac& own, const IpAddress& target) {
  return arp_request(own, IpAddress(Family::kIpv4, 0), target);
}

Frame solicitation(const Mac& own, const std::optional<IpAddress>& source, const IpAddress& target) {
  const auto wanted = target.bytes();
  const IpAddress group(Family::kIpv6, kSolicitedNodes | (target.value() & 0xffffffU));
  Frame message = {kSolicit, 0, 0, 0, 0, 0, 0, 0};
  put_ip(message, target);
  if (source.has_value()) {
    put(message, std::array<uint8_t, 2>{kSourceLinkLayer, 1});
    put(message, own.bytes());
  }
  return icmpv6_frame({{0x33, 0x33, 0xff, wanted[13], wanted[14], wanted[15]}, own},
                      source.value_or(IpAddress(Family::kIpv6, 0)), group, std::move(message));
}

Frame announcement(const Mac& mac, const IpAddress& address) {
  if (address.family() == Family::kIpv4) return arp_request(mac, address, address);
  Frame message = {kAdvertise, 0, 0, 0, kOverride, 0, 0, 0};
  put_ip(message, address);
  put(message, std::array<uint8_t, 2>{kTargetLinkLayer, 1});
  put(message, mac.bytes());
  return icmpv6_frame({{0x33, 0x33, 0, 0, 0, 1}, mac}, address, IpAddress(Family::kIpv6, kAllNodes),
                      std::move(message));
}

Frame tagged(const Frame& frame, TagProtocol protocol, uint16_t vlan) {
  constexpr size_t kAddresses = 12;
  Frame out(frame.begin(), frame.begin() + kAddresses);
  put16(out, static_cast<uint16_t>(protocol));
  put16(out, vlan);
  out.insert(out.end(), frame.begin() + kAddresses, frame.end());
  return out;
}

uint16_t ether_type_of(const IpAddress& address) {
  return address.family() == Family::kIpv4 ? kArp : kIpv6;
}

std::optional<NeighbourAnswer> answer_from(std::span<const uint8_t> frame) {
  if (frame.size() < kEthernetHeader) return std::nullopt;
  switch (get16(frame, 12)) {
    case kArp: return arp_answer(frame.subspan(kEthernetHeader));
    case kIpv6: return advertisement(frame);
    default: return std::nullopt;
  }
}

}  // namespace viaduct::net
