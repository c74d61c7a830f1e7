#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "net/neighbour_probe.h"

// What neighbours ask, answer and announce, as Ethernet frames: without a VLAN tag and a checksum of the link, and not
// padded to 60 bytes, which drivers do where it matters. Pure.
namespace viaduct::net {

using Frame = std::vector<uint8_t>;

// A broadcast ARP probe (RFC 5227, 2.1.1): the sender has no address, so that nobody learns one. Precondition: IPv4.
Frame arp_probe(const Mac& own, const IpAddress& target);
// A neighbour solicitation (RFC 4861, 4.3) to the solicited-node group of `target`. Without `source` in the form of
// duplicate address detection (RFC 4862, 5.4.2), which is answered to all nodes; with it, an IPv6 address of this host, the
// answer comes to `own`. Precondition: IPv6.
Frame solicitation(const Mac& own, const std::optional<IpAddress>& source, const IpAddress& target);

// By which an address tells its neighbours which MAC it has now. For IPv4 an ARP announcement (RFC 5227, 1.1 and 3): a
// broadcast request in which sender and target are the address. For IPv6 an unsolicited neighbour advertisement (RFC
// 4861, 4.4 and 7.2.6): to all nodes, from the address itself, with the override flag and the MAC. Neighbours that have
// an entry for the address replace its MAC; others make none.
Frame announcement(const Mac& mac, const IpAddress& address);

// The same frame with a VLAN's tag (IEEE 802.1Q, 9.3), of priority 0.
Frame tagged(const Frame& frame, TagProtocol protocol, uint16_t vlan);

// The EtherType of the frames about such an address, in host order: 0x0806 or 0x86dd.
uint16_t ether_type_of(const IpAddress& address);

// Who has which address, as an ARP packet's sender or a neighbour advertisement says (RFC 4861, 7.1.2 holds). Empty for
// every other frame; so for the probes of other hosts, which have no address yet and may be looking ahead as we do.
std::optional<NeighbourAnswer> answer_from(std::span<const uint8_t> frame);

}  // namespace viaduct::net
