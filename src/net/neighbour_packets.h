#pragma once

#include <cstdint>
#include <vector>

#include "base/ip.h"

// Ethernet frames by which an address tells its neighbours which MAC it has now. Pure.
namespace viaduct::net {

// For IPv4 an ARP announcement (RFC 5227, 1.1 and 3): a broadcast request in which sender and target are the address. For
// IPv6 an unsolicited neighbour advertisement (RFC 4861, 4.4 and 7.2.6): to all nodes, from the address itself, with the
// override flag and the MAC. Neighbours that have an entry for the address replace its MAC; others make none. Not padded
// to Ethernet's 60 bytes, which drivers do where it matters.
std::vector<uint8_t> announcement_of(const IpAddress& address, const Mac& mac);

// The EtherType of such a frame, in host order: 0x0806 or 0x86dd.
uint16_t ether_type_of(const IpAddress& address);

}  // namespace viaduct::net
