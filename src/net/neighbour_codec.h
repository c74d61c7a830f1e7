#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "net/neighbour_probe.h"

// Questions and answers as Ethernet frames, without a VLAN tag and a checksum of the link. Pure.
namespace viaduct::net {

using Frame = std::vector<uint8_t>;

// A broadcast ARP probe (RFC 5227, 2.1.1): the sender has no address, so that nobody learns one. Precondition: IPv4.
Frame arp_probe(const Mac& own, const IpAddress& target);
// A neighbour solicitation (RFC 4861, 4.3) to the solicited-node group of `target`. Without `source` in the form of
// duplicate address detection (RFC 4862, 5.4.2), which is answered to all nodes; with it, an IPv6 address of this host, the
// answer comes to `own`. Precondition: IPv6.
Frame solicitation(const Mac& own, const std::optional<IpAddress>& source, const IpAddress& target);

// Who has which address, as an ARP packet's sender or a neighbour advertisement says (RFC 4861, 7.1.2 holds). Empty for
// every other frame; so for the probes of other hosts, which have no address yet and may be looking ahead as we do.
std::optional<NeighbourAnswer> answer_from(std::span<const uint8_t> frame);

}  // namespace viaduct::net
