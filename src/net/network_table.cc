#include "net/network_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "net/object_id.h"
#include "net/subnets.h"

namespace viaduct::net {

namespace {

Error busy(const std::string& id) {
  return Error{ErrorCode::kBusy,
               fmt::format("network {} is busy: another call on it has not ended; try again", short_id(id))};
}

std::vector<Prefix> prefixes_of(const NetworkRecord& record) {
  std::vector<Prefix> prefixes;
  for (const Subnet& subnet : subnets_of(record.request)) prefixes.push_back(subnet.prefix);
  return prefixes;
}

std::vector<IpAddress> addresses_of(const NetworkRecord& record) {
  std::vector<IpAddress> gateways;
  for (const Subnet& subnet : subnets_of(record.request))
    if (subnet.gateway) gateways.push_back(*subnet.gateway);
  return gateways;
}

std::vector<IpAddress> addresses_of(const EndpointRecord& record) {
  std::vector<IpAddress> addresses;
  for (const auto& held : {record.request.ipv4, record.request.ipv6})
    if (held) addresses.push_back(held->address);
  return addresses;
}

}  // namespace

NetworkTable::Lock::~Lock() {
  if (table_ != nullptr) table_->unlock(id_);
}

Result<NetworkTable::Lock> NetworkTable::lock(const std::string& id, Deadline deadline) {
  std::unique_lock guard(mutex_);
  Entry& entry = entries_[id];
  const uint64_t ticket = entry.next_ticket++;
  entry.waiting.insert(ticket);
  const bool mine = entry.turn.wait_until(guard, deadline.at(),
                                          [&] { return !entry.held && *entry.waiting.begin() == ticket; });
  entry.waiting.erase(ticket);
  if (!mine || deadline.expired()) {
    entry.turn.notify_all();
    forget_if_unused(id);
    return busy(id);
  }
  entry.held = true;
  return Lock(*this, id);
}

void NetworkTable::unlock(const std::string& id) {
  std::lock_guard guard(mutex_);
  Entry& entry = entries_.at(id);
  entry.held = false;
  entry.claimed.clear();
  entry.turn.notify_all();
  forget_if_unused(id);
}

// Calls on unknown ids must not make the table grow.
void NetworkTable::forget_if_unused(const std::string& id) {
  const auto found = entries_.find(id);
  const Entry& entry = found->second;
  if (!entry.record && !entry.held && entry.waiting.empty()) entries_.erase(found);
}

std::optional<NetworkRecord> NetworkTable::network(const std::string& id) const {
  std::lock_guard guard(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second.record) return std::nullopt;
  return *found->second.record;
}

std::optional<EndpointRecord> NetworkTable::endpoint(const std::string& network_id,
                                                     const std::string& endpoint_id) const {
  std::lock_guard guard(mutex_);
  const auto entry = entries_.find(network_id);
  if (entry == entries_.end()) return std::nullopt;
  const auto found = entry->second.endpoints.find(endpoint_id);
  if (found == entry->second.endpoints.end()) return std::nullopt;
  return found->second;
}

std::optional<EndpointRecord> NetworkTable::find_endpoint(const std::string& endpoint_id) const {
  std::lock_guard guard(mutex_);
  for (const auto& [id, entry] : entries_) {
    const auto found = entry.endpoints.find(endpoint_id);
    if (found != entry.endpoints.end()) return found->second;
  }
  return std::nullopt;
}

NetworkRecords NetworkTable::networks() const {
  std::lock_guard guard(mutex_);
  NetworkRecords::Pointers all;
  for (const auto& [id, entry] : entries_)
    if (entry.record) all.push_back(entry.record);
  return NetworkRecords(std::move(all));
}

std::vector<EndpointRecord> NetworkTable::endpoints() const {
  std::lock_guard guard(mutex_);
  std::vector<EndpointRecord> all;
  for (const auto& [id, entry] : entries_)
    for (const auto& [endpoint_id, endpoint] : entry.endpoints) all.push_back(endpoint);
  return all;
}

std::vector<EndpointRecord> NetworkTable::endpoints_of(const std::string& network_id) const {
  std::lock_guard guard(mutex_);
  std::vector<EndpointRecord> all;
  const auto entry = entries_.find(network_id);
  if (entry == entries_.end()) return all;
  for (const auto& [endpoint_id, endpoint] : entry->second.endpoints) all.push_back(endpoint);
  return all;
}

std::vector<EndpointRecord> NetworkTable::holders(const EndpointRecord& wanted) const {
  std::lock_guard guard(mutex_);
  std::vector<EndpointRecord> found;
  const auto entry = entries_.find(wanted.request.network_id);
  if (entry == entries_.end()) return found;
  std::set<std::string> ids;
  if (const auto same = entry->second.macs.find(wanted.mac); same != entry->second.macs.end())
    ids = same->second;
  for (const IpAddress& address : addresses_of(wanted)) {
    const auto places = places_.find(address);
    if (places == places_.end()) continue;
    for (const Place& place : places->second)
      if (place.network_id == wanted.request.network_id && !place.endpoint_id.empty())
        ids.insert(place.endpoint_id);
  }
  ids.erase(wanted.request.endpoint_id);
  for (const std::string& id : ids) found.push_back(entry->second.endpoints.at(id));
  return found;
}

bool NetworkTable::has_mac(const std::string& network_id, const Mac& mac) const {
  std::lock_guard guard(mutex_);
  const auto entry = entries_.find(network_id);
  return entry != entries_.end() && entry->second.macs.contains(mac);
}

EndpointCounts NetworkTable::counts_of(const std::string& network_id) const {
  std::lock_guard guard(mutex_);
  const auto entry = entries_.find(network_id);
  return entry == entries_.end() ? EndpointCounts() : entry->second.counts;
}

std::optional<NetworkTable::Use> NetworkTable::use_of(const Prefix& pool, const IpAddress& address) const {
  std::lock_guard guard(mutex_);
  const auto places = places_.find(address);
  if (places == places_.end()) return std::nullopt;
  std::optional<Use> use;
  for (const Place& place : places->second) {
    const Entry& entry = entries_.at(place.network_id);
    if (!entry.record) continue;
    const auto subnets = subnets_of(entry.record->request);
    const Subnet* subnet = subnet_of(subnets, address);
    if (subnet == nullptr || !subnet->prefix.overlaps(pool)) continue;
    if (!place.endpoint_id.empty()) {
      const EndpointRecord& endpoint = entry.endpoints.at(place.endpoint_id);
      return Use{place.network_id,
                 Use::Endpoint{place.endpoint_id, endpoint.mac, !endpoint.sandbox_key.empty()}};
    }
    use = Use{place.network_id, std::nullopt};
  }
  return use;
}

std::optional<std::string> NetworkTable::network_on(const Prefix& pool) const {
  std::lock_guard guard(mutex_);
  for (const auto& [id, entry] : entries_) {
    if (!entry.record) continue;
    const auto subnets = subnets_of(entry.record->request);
    if (std::any_of(subnets.begin(), subnets.end(),
                    [&](const Subnet& subnet) { return subnet.prefix == pool; }))
      return id;
  }
  return std::nullopt;
}

void NetworkTable::note(const NetworkRecord& record) {
  for (const IpAddress& address : addresses_of(record)) places_[address].insert({record.request.id, ""});
}

void NetworkTable::note(const EndpointRecord& record) {
  for (const IpAddress& address : addresses_of(record))
    places_[address].insert({record.request.network_id, record.request.endpoint_id});
}

void NetworkTable::drop(const NetworkRecord& record) {
  for (const IpAddress& address : addresses_of(record)) drop(address, {record.request.id, ""});
}

void NetworkTable::drop(const EndpointRecord& record) {
  for (const IpAddress& address : addresses_of(record))
    drop(address, {record.request.network_id, record.request.endpoint_id});
}

void NetworkTable::drop_mac(Entry& entry, const EndpointRecord& record) {
  const auto holders = entry.macs.find(record.mac);
  if (holders == entry.macs.end()) return;
  holders->second.erase(record.request.endpoint_id);
  if (holders->second.empty()) entry.macs.erase(holders);
}

void NetworkTable::drop(const IpAddress& address, const Place& place) {
  const auto places = places_.find(address);
  if (places == places_.end()) return;
  places->second.erase(place);
  if (places->second.empty()) places_.erase(places);
}

void NetworkTable::put(const NetworkRecord& record) {
  std::lock_guard guard(mutex_);
  Entry& entry = entries_[record.request.id];
  if (entry.record) drop(*entry.record);
  entry.record = std::make_shared<const NetworkRecord>(record);
  note(record);
  note_share(entry);
  entry.claimed.clear();
}

void NetworkTable::erase_network(const std::string& id) {
  std::lock_guard guard(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  if (found->second.record) drop(*found->second.record);
  for (const auto& [endpoint_id, endpoint] : found->second.endpoints) drop(endpoint);
  segments_.erase(id);
  found->second.record.reset();
  found->second.endpoints.clear();
  found->second.macs.clear();
  found->second.counts.clear();
  found->second.claimed.clear();
  forget_if_unused(id);
}

void NetworkTable::put(const EndpointRecord& record) {
  std::lock_guard guard(mutex_);
  Entry& entry = entries_[record.request.network_id];
  const auto known = entry.endpoints.find(record.request.endpoint_id);
  if (known != entry.endpoints.end()) {
    drop(known->second);
    drop_mac(entry, known->second);
    --entry.counts[known->second.bridge];
  }
  ++entry.counts[record.bridge];
  entry.endpoints[record.request.endpoint_id] = record;
  entry.macs[record.mac].insert(record.request.endpoint_id);
  note(record);
  // VLANs of its own are options of it.
  if (!record.request.driver_options.empty()) note_share(entry);
}

void NetworkTable::erase_endpoint(const std::string& network_id, const std::string& endpoint_id) {
  std::lock_guard guard(mutex_);
  const auto entry = entries_.find(network_id);
  if (entry == entries_.end()) return;
  const auto found = entry->second.endpoints.find(endpoint_id);
  if (found == entry->second.endpoints.end()) return;
  drop(found->second);
  drop_mac(entry->second, found->second);
  --entry->second.counts[found->second.bridge];
  const bool had_options = !found->second.request.driver_options.empty();
  entry->second.endpoints.erase(found);
  if (had_options) note_share(entry->second);
}

void NetworkTable::note_share(const Entry& entry) {
  if (!share_of_ || !entry.record) return;
  if (auto share = share_of_(*entry.record, entry.endpoints))
    segments_.put(entry.record->request.id, std::move(*share));
  else
    segments_.erase(entry.record->request.id);
}

SegmentBook::Others NetworkTable::others_of_segment(const std::string& network, const std::string& segment,
                                                    const std::set<std::string>& links) const {
  std::lock_guard guard(mutex_);
  return segments_.others(network, segment, links);
}

bool NetworkTable::segment_has_link(const std::string& segment, const std::string& link) const {
  std::lock_guard guard(mutex_);
  return segments_.has_link(segment, link);
}

std::optional<NetworkTable::Overlap> NetworkTable::claim(const std::string& id,
                                                         const std::vector<Prefix>& subnets) {
  std::lock_guard guard(mutex_);
  if (auto overlap = overlap_locked(id, subnets)) return overlap;
  entries_[id].claimed = subnets;
  return std::nullopt;
}

std::optional<NetworkTable::Overlap> NetworkTable::find_overlap(const std::string& id,
                                                                const std::vector<Prefix>& subnets) const {
  std::lock_guard guard(mutex_);
  return overlap_locked(id, subnets);
}

std::optional<NetworkTable::Overlap> NetworkTable::overlap_locked(const std::string& id,
                                                                  const std::vector<Prefix>& subnets) const {
  for (const auto& [other, entry] : entries_) {
    if (other == id) continue;
    const auto held = entry.record ? prefixes_of(*entry.record) : entry.claimed;
    for (const Prefix& theirs : held)
      for (const Prefix& ours : subnets)
        if (ours.overlaps(theirs)) return Overlap{other, ours, theirs, entry.record};
  }
  return std::nullopt;
}

}  // namespace viaduct::net
