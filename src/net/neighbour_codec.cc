#include "net/neighbour_codec.h"

#include <algorithm>
#include <array>

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
constexpr uint8_t kSourceLinkLayer = 1;
constexpr uint8_t kTargetLinkLayer = 2;
constexpr uint8_t kLinkLayerOption = 8;  // bytes of the option
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
  Frame out(6, 0xff);
  put(out, own.bytes());
  put16(out, kArp);
  put(out, kArpForIpv4);
  put16(out, 1);  // a request
  put(out, own.bytes());
  put_ip(out, IpAddress(Family::kIpv4, 0));
  put(out, std::array<uint8_t, 6>{});
  put_ip(out, target);
  return out;
}

Frame solicitation(const Mac& own, const std::optional<IpAddress>& source, const IpAddress& target) {
  const auto wanted = target.bytes();
  const std::array<uint8_t, 6> group_mac = {0x33, 0x33, 0xff, wanted[13], wanted[14], wanted[15]};
  // ff02::1:ff00:0/104 and the last 24 bits (RFC 4291, 2.7.1).
  const std::array<uint8_t, 16> group = {0xff, 2, 0, 0, 0,    0,          0,          0,
                                         0,    0, 0, 1, 0xff, wanted[13], wanted[14], wanted[15]};
  Frame message = {kSolicit, 0, 0, 0, 0, 0, 0, 0};
  put_ip(message, target);
  if (source.has_value()) {
    put(message, std::array<uint8_t, 2>{kSourceLinkLayer, 1});
    put(message, own.bytes());
  }
  Frame addresses;
  put_ip(addresses, source.value_or(IpAddress(Family::kIpv6, 0)));
  put(addresses, group);
  const uint16_t sum = checksum(addresses, message);
  message[2] = static_cast<uint8_t>(sum >> 8U);
  message[3] = static_cast<uint8_t>(sum & 0xffU);

  Frame out(group_mac.begin(), group_mac.end());
  put(out, own.bytes());
  put16(out, kIpv6);
  put(out, std::array<uint8_t, 4>{0x60, 0, 0, 0});
  put16(out, static_cast<uint16_t>(message.size()));
  put(out, std::array<uint8_t, 2>{kIcmpv6, kHopLimit});
  put(out, addresses);
  put(out, message);
  return out;
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
