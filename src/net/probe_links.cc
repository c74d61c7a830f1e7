#include "net/probe_links.h"

#include <fmt/format.h>

#include <algorithm>

namespace viaduct::net {

namespace {

// Shorter ones are ways to everywhere, such as a default route into a tunnel.
constexpr int kLeastNetworkLength = 8;

bool is_link_local_ipv6(const IpAddress& address) {
  return address.family() == Family::kIpv6 && address.bytes()[0] == 0xfe &&
         (address.bytes()[1] & 0xc0) == 0x80;
}

}  // namespace

ProbeLinks::ProbeLinks(std::vector<Link> links, std::vector<OnLink> on_link) : on_link_(std::move(on_link)) {
  for (const Link& link : links)
    if (link.master != 0 && link.kind != "veth") open_bridges_.insert(link.master);
  for (Link& link : links) {
    if (link.mac.has_value()) own_macs_.insert(*link.mac);
    links_.emplace(link.index, std::move(link));
  }
  for (const OnLink& entry : on_link_)
    if (entry.own.has_value() && is_link_local_ipv6(*entry.own)) link_local_[entry.link] = *entry.own;
  std::erase_if(on_link_, [](const OnLink& entry) { return entry.network.length() < kLeastNetworkLength; });
}

bool ProbeLinks::containers_only(const Link& link) const {
  return link.kind == "bridge" && !open_bridges_.contains(link.index);
}

ProbeLinks::Found ProbeLinks::find(const Prefix& pool, Reach reach) const {
  int longest = 0;
  std::set<int> reaching;
  for (const OnLink& entry : on_link_) {
    if (!entry.network.overlaps(pool)) continue;
    const int shared = std::min(entry.network.length(), pool.length());
    if (shared > longest) reaching.clear();
    longest = std::max(longest, shared);
    if (shared == longest) reaching.insert(entry.link);
  }
  Found found;
  found.why_none = "no link of this host reaches the subnet directly";
  for (const int index : reaching) {
    const auto at = links_.find(index);
    if (at == links_.end()) continue;
    const Link& link = at->second;
    if (!link.ethernet || !link.mac.has_value())
      found.why_none = fmt::format("link {} carries no ARP", link.name);
    else if (!link.up)
      found.why_none = fmt::format("link {} is down", link.name);
    else if (reach == Reach::kForeign && containers_only(link))
      found.why_none = fmt::format("only containers are on bridge {}", link.name);
    else
      found.links.push_back({.index = index, .name = link.name, .mac = *link.mac, .link_local = {}});
  }
  for (ProbeLink& link : found.links)
    if (const auto own = link_local_.find(link.index); own != link_local_.end())
      link.link_local = own->second;
  if (!found.links.empty()) found.why_none.clear();
  return found;
}

}  // namespace viaduct::net
