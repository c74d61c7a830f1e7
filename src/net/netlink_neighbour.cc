// NetlinkKernel's part that tells neighbours of an address.
#include <arpa/inet.h>
#include <linux/if_bridge.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/unique_fd.h"
#include "net/neighbour_codec.h"
#include "net/netlink_kernel.h"
#include "net/netlink_read.h"
#include "net/netlink_socket.h"

namespace viaduct::net {

namespace {

// BR_MAX_PORTS (net/bridge/br_private.h).
constexpr size_t kMostPorts = 1024;

Status open_unless_open(UniqueFd& socket) {
  if (socket.valid()) return {};
  socket.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return from_errno(errno, "cannot open a packet socket");
  return {};
}

// Indexes of a bridge's ports. By the bridge's own call (br_dev_siocdevprivate() in net/bridge/br_ioctl.c), which costs
// 0.2 us a port, where a dump of links costs about 10 us for each link of the host (measured 2026-11).
std::vector<int> ports_of(const UniqueFd& socket, const Link& bridge) {
  std::vector<int> ports(kMostPorts);
  std::array<unsigned long, 4> arguments = {BRCTL_GET_PORT_LIST,
                                            reinterpret_cast<unsigned long>(ports.data()), ports.size(), 0};
  ifreq request{};
  bridge.name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  request.ifr_data = reinterpret_cast<char*>(arguments.data());
  if (::ioctl(socket.get(), SIOCDEVPRIVATE, &request) < 0) return {};  // just gone
  std::erase(ports, 0);
  return ports;
}

// Nobody is told of a link that is down or just went, or whose queue is full: the next announcement makes up for it.
void send_from(const UniqueFd& socket, int link, uint16_t ether_type, const std::vector<uint8_t>& frame) {
  sockaddr_ll out{};
  out.sll_family = AF_PACKET;
  out.sll_protocol = htons(ether_type);
  out.sll_ifindex = link;
  (void)::sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&out),
                 sizeof(out));
}

NetlinkMessage about_neighbour(int type, int flags, int bridge, const IpAddress& address, uint16_t state) {
  NetlinkMessage message(type, flags);
  ndmsg header{};
  header.ndm_family = address.family() == Family::kIpv4 ? AF_INET : AF_INET6;
  header.ndm_ifindex = bridge;
  header.ndm_state = state;
  message.put_header(header);
  message.put_ip(NDA_DST, address);
  return message;
}

// An entry of an operator's own stays. Kernels before 5.0 cannot be asked for one entry: there the host learns as any
// host does, by asking again.
void correct_host(NetlinkPool& pool, int bridge, const IpAddress& address, const Mac& mac) {
  std::optional<Neighbour> known;
  NetlinkMessage question = about_neighbour(RTM_GETNEIGH, 0, bridge, address, 0);
  (void)pool.exchange(question, "cannot look for a neighbour",
                      [&](const nlmsghdr* header) { known = neighbour_from(header); });
  if (!known || known->fixed || known->mac == mac) return;
  // Without NLM_F_CREATE: one that is gone meanwhile is not made.
  NetlinkMessage correction = about_neighbour(RTM_NEWNEIGH, NLM_F_REPLACE, bridge, address, NUD_STALE);
  correction.put_mac(NDA_LLADDR, mac);
  (void)pool.exchange(correction, "cannot correct a neighbour");
}

}  // namespace

Result<std::optional<Link>> NetlinkKernel::bridge_of(const Link& port) {
  std::array<char, IF_NAMESIZE> name{};
  if (port.master == 0 || ::if_indextoname(static_cast<unsigned>(port.master), name.data()) == nullptr)
    return std::optional<Link>();
  std::optional<Link> bridge = TRY(find_link(name.data()));
  // Other kinds of master understand other things by SIOCDEVPRIVATE.
  if (bridge && (bridge->kind != "bridge" || bridge->index != port.master)) bridge.reset();
  return bridge;
}

Result<std::vector<NetlinkKernel::Way>> NetlinkKernel::ways_of(const UniqueFd& socket,
                                                               const Announcement& what, const Link& own,
                                                               const Link& bridge,
                                                               std::optional<Memberships>& known) {
  std::vector<Way> ways;
  // Nobody is behind the own port yet: the bridge may send it everywhere, in a third of the time. One that keeps VLANs apart
  // is in none of them itself.
  if (what.vlan == 0 && !own.carrier) return std::vector{Way{bridge.index}};
  for (const int port : ports_of(socket, bridge))
    if (port != own.index) ways.push_back({port});
  if (what.vlan == 0) return ways;
  if (!known) known = TRY(memberships(0, "cannot see the VLANs of the bridges' ports"));
  std::erase_if(ways, [&](Way& way) {
    const auto found = known->find(way.link);
    if (found == known->end()) return true;
    way.is_tagged = found->second.vlans.tagged.contains(what.vlan);
    return !way.is_tagged && found->second.vlans.native != what.vlan;
  });
  return ways;
}

Status NetlinkKernel::announce(const std::vector<Announcement>& all) {
  auto access = packets_.lock();
  UniqueFd& socket = *access;
  TRY(open_unless_open(socket));
  std::optional<Memberships> known;
  for (const Announcement& one : all) {
    const auto own = TRY(find_link(one.port));
    const auto bridge = own && own->group == kLiveGroup ? TRY(bridge_of(*own)) : std::nullopt;
    if (!bridge) continue;
    const auto ways = TRY(ways_of(socket, one, *own, *bridge, known));
    const auto host_end = one.host_end.empty() ? bridge : TRY(find_link(one.host_end));
    for (const IpAddress& address : one.addresses) {
      const auto plain = announcement(one.mac, address);
      const auto with_tag = one.vlan == 0 ? plain : tagged(plain, one.protocol, one.vlan);
      for (const Way& way : ways)
        send_from(socket, way.link,
                  way.is_tagged ? static_cast<uint16_t>(one.protocol) : ether_type_of(address),
                  way.is_tagged ? with_tag : plain);
      if (host_end) correct_host(*pool_, host_end->index, address, one.mac);
    }
  }
  return {};
}

}  // namespace viaduct::net
