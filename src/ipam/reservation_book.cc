#include "ipam/reservation_book.h"

#include <algorithm>

namespace viaduct::ipam {

bool is_for(const ReservationRecord& reservation, const Asker& asker) {
  if (!reservation.name.empty() && !asker.name.empty()) return reservation.name == asker.name;
  return reservation.mac.has_value() && reservation.mac == asker.mac;
}

std::string reserved_for(const ReservationRecord& reservation) {
  std::string out = reservation.name.empty() ? "" : "name " + reservation.name;
  if (reservation.mac.has_value()) out += (out.empty() ? "MAC " : ", MAC ") + reservation.mac->to_string();
  return out;
}

namespace {

template <class Index, class Key, class Place>
void forget(Index& index, const Key& key, const Place& place) {
  const auto found = index.find(key);
  if (found == index.end()) return;
  found->second.erase(place);
  if (found->second.empty()) index.erase(found);
}

}  // namespace

void ReservationBook::put(const ReservationRecord& record) {
  remove(record.space, record.address);
  const Place place{record.space, record.address};
  if (record.mac.has_value()) by_mac_[*record.mac].insert(place);
  if (!record.name.empty()) by_name_[record.name].insert(place);
  by_address_.emplace(place, record);
}

void ReservationBook::remove(const std::string& space, const IpAddress& address) {
  const Place place{space, address};
  const auto found = by_address_.find(place);
  if (found == by_address_.end()) return;
  if (found->second.mac.has_value()) forget(by_mac_, *found->second.mac, place);
  forget(by_name_, found->second.name, place);
  by_address_.erase(found);
}

const ReservationRecord* ReservationBook::find(const std::string& space, const IpAddress& address) const {
  const auto found = by_address_.find({space, address});
  return found == by_address_.end() ? nullptr : &found->second;
}

std::vector<IpAddress> ReservationBook::for_asker(const std::string& space, const Prefix& prefix,
                                                  const Asker& asker) const {
  std::vector<IpAddress> out;
  if (by_address_.empty()) return out;
  const auto take = [&](const std::set<Place>& places) {
    for (const auto& [in, address] : places)
      if (in == space && prefix.contains(address) && is_for(by_address_.at({in, address}), asker) &&
          std::find(out.begin(), out.end(), address) == out.end())
        out.push_back(address);
  };
  if (const auto named = by_name_.find(asker.name); !asker.name.empty() && named != by_name_.end())
    take(named->second);
  if (!asker.mac.has_value()) return out;
  if (const auto known = by_mac_.find(*asker.mac); known != by_mac_.end()) take(known->second);
  return out;
}

std::vector<IpAddress> ReservationBook::within(const std::string& space, const Prefix& prefix) const {
  std::vector<IpAddress> out;
  for (auto at = by_address_.lower_bound({space, prefix.first()});
       at != by_address_.end() && at->first.first == space && at->first.second <= prefix.last(); ++at)
    out.push_back(at->first.second);
  return out;
}

std::vector<ReservationRecord> ReservationBook::all() const {
  std::vector<ReservationRecord> out;
  for (const auto& [place, record] : by_address_) out.push_back(record);
  return out;
}

}  // namespace viaduct::ipam
