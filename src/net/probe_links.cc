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

std::string words_of(const ProbeLink& link) {
  return link.lane.vlan == 0 ? link.name : fmt::format("VLAN {} of {}", link.lane.vlan, link.name);
}

ProbeLinks::ProbeLinks(const std::vector<OnLink>& on_link) {
  for (const auto& [link, network, own] : on_link) {
    if (own.has_value() && is_link_local_ipv6(*own)) link_local_[link] = *own;
    if (network.length() >= kLeastNetworkLength) networks_[network].insert({link, {}, false});
  }
}

void ProbeLinks::set_links(std::vector<Link> links) {
  for (const Link& link : links)
    if (link.master != 0 && link.kind != "veth") open_bridges_.insert(link.master);
  for (Link& link : links) {
    if (link.mac.has_value()) own_macs_.insert(*link.mac);
    links_.emplace(link.index, std::move(link));
  }
}

void ProbeLinks::add_lan(const LanSubnet& lan) {
  const auto at = std::find_if(links_.begin(), links_.end(),
                               [&](const auto& entry) { return entry.second.name == lan.link; });
  if (at == links_.end() || lan.subnet.length() < kLeastNetworkLength) return;
  networks_[lan.subnet].insert({at->first, lan.lane, true});
  open_bridges_.insert(at->first);
}

bool ProbeLinks::containers_only(const Link& link) const {
  return link.kind == "bridge" && !open_bridges_.contains(link.index);
}

std::set<ProbeLinks::Way> ProbeLinks::reaching(const Prefix& pool) const {
  // Those as long as the pool or longer stand behind it, up to its last address.
  std::set<Way> links;
  for (auto at = networks_.lower_bound(pool); at != networks_.end() && pool.contains(at->first.first()); ++at)
    if (at->first.length() >= pool.length()) links.insert(at->second.begin(), at->second.end());
  for (int length = pool.length() - 1; links.empty() && length >= kLeastNetworkLength; --length)
    if (const auto at = networks_.find(Prefix(pool.first(), length)); at != networks_.end())
      links = at->second;
  return links;
}

ProbeLinks::Found ProbeLinks::find(const Prefix& pool, Reach reach) const {
  Found found;
  found.why_none = "no link of this host reaches the subnet directly";
  for (const Way& way : reaching(pool)) {
    if (reach == Reach::kLans && !way.is_lan) continue;
    const auto at = links_.find(way.link);
    if (at == links_.end()) continue;
    const Link& link = at->second;
    if (!link.ethernet || !link.mac.has_value())
      found.why_none = fmt::format("link {} carries no ARP", link.name);
    else if (!link.up)
      found.why_none = fmt::format("link {} is down", link.name);
    else if (reach == Reach::kForeign && containers_only(link))
      found.why_none = fmt::format("only containers are on bridge {}", link.name);
    else
      found.links.push_back(
          {.index = way.link, .name = link.name, .mac = *link.mac, .link_local = {}, .lane = way.lane});
  }
  for (ProbeLink& link : found.links)
    // A port's own address is not known in its VLANs.
    if (const auto own = link_local_.find(link.index); !link.lane.is_port && own != link_local_.end())
      link.link_local = own->second;
  if (!found.links.empty()) found.why_none.clear();
  return found;
}

}  // namespace viaduct::net
