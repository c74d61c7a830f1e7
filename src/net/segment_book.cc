#include "net/segment_book.h"

#include <utility>

namespace viaduct::net {

namespace {

void add(std::vector<uint32_t>& counts, const VlanSet& vlans, bool more) {
  for (const auto& [first, last] : vlans.ranges())
    for (size_t vlan = first; vlan <= last; ++vlan) counts[vlan] += more ? 1U : ~0U;
}

// Those that others than the one with `own` want.
VlanSet wanted(const std::vector<uint32_t>& counts, const VlanSet* own) {
  VlanSet vlans;
  for (uint16_t vlan = kLeastVlan; vlan <= kMostVlan; ++vlan)
    if (counts[vlan] > (own != nullptr && own->contains(vlan) ? 1U : 0U)) vlans.insert(vlan);
  return vlans;
}

}  // namespace

void SegmentBook::put(const std::string& network, SegmentShare share) {
  erase(network);
  Sum& sum = sums_[share.segment];
  ++sum.networks;
  add(sum.vlans, share.vlans, true);
  add(sum.host_vlans, share.host_vlans, true);
  for (const std::string& link : share.links) ++sum.links[link];
  shares_.insert_or_assign(network, std::move(share));
}

void SegmentBook::erase(const std::string& network) {
  const auto found = shares_.find(network);
  if (found == shares_.end()) return;
  const SegmentShare& share = found->second;
  const auto at = sums_.find(share.segment);
  Sum& sum = at->second;
  add(sum.vlans, share.vlans, false);
  add(sum.host_vlans, share.host_vlans, false);
  for (const std::string& link : share.links)
    if (--sum.links[link] == 0) sum.links.erase(link);
  if (--sum.networks == 0) sums_.erase(at);
  shares_.erase(found);
}

SegmentBook::Others SegmentBook::others(const std::string& network, const std::string& segment,
                                        const std::set<std::string>& links) const {
  Others others;
  const auto at = sums_.find(segment);
  if (at == sums_.end()) return others;
  const Sum& sum = at->second;
  const auto found = shares_.find(network);
  const SegmentShare* own =
      found != shares_.end() && found->second.segment == segment ? &found->second : nullptr;
  others.any = sum.networks > (own != nullptr ? 1U : 0U);
  if (!others.any) return others;
  others.vlans = wanted(sum.vlans, own != nullptr ? &own->vlans : nullptr);
  others.host_vlans = wanted(sum.host_vlans, own != nullptr ? &own->host_vlans : nullptr);
  for (const std::string& link : links) {
    const auto count = sum.links.find(link);
    if (count != sum.links.end() && count->second > (own != nullptr && own->links.contains(link) ? 1U : 0U))
      others.links.insert(link);
  }
  return others;
}

bool SegmentBook::has_link(const std::string& segment, const std::string& link) const {
  const auto at = sums_.find(segment);
  return at != sums_.end() && at->second.links.contains(link);
}

}  // namespace viaduct::net
