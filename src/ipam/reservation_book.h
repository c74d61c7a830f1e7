#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ipam/claim.h"
#include "ipam/records.h"

namespace viaduct::ipam {

// Whether the reservation is for who asks: the same name where both sides have one, else the same MAC.
bool is_for(const ReservationRecord& reservation, const Asker& asker);

// "name db", "MAC 02:42:…" or both, for messages.
std::string reserved_for(const ReservationRecord& reservation);

// Every reservation, by address, MAC and name. No I/O and no locking: the caller holds the service's mutex.
class ReservationBook {
 public:
  // Takes the place of one for the same address.
  void put(const ReservationRecord& record);
  void remove(const std::string& space, const IpAddress& address);

  // Null when the address is not reserved. Valid until put() or remove() of that address.
  [[nodiscard]] const ReservationRecord* find(const std::string& space, const IpAddress& address) const;
  // Those in `prefix` of the space that are for who asks; by name before by MAC, then by address.
  [[nodiscard]] std::vector<IpAddress> for_asker(const std::string& space, const Prefix& prefix,
                                                 const Asker& asker) const;
  // Those in `prefix`, ascending.
  [[nodiscard]] std::vector<IpAddress> within(const std::string& space, const Prefix& prefix) const;
  // By space, then by address.
  [[nodiscard]] std::vector<ReservationRecord> all() const;

 private:
  using Place = std::pair<std::string, IpAddress>;  // space and address
  std::map<Place, ReservationRecord> by_address_;
  std::map<Mac, std::set<Place>> by_mac_;
  std::map<std::string, std::set<Place>> by_name_;
};

}  // namespace viaduct::ipam
