#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/ip.h"
#include "base/json.h"
#include "base/json_text.h"
#include "ipam/ipam_types.h"

// What the IPAM half keeps in the store, and its form there (JSON objects; docs/state.md shows them to
// operators).
namespace viaduct::ipam {

// Table pool, key = pool id.
struct PoolRecord {
  std::string id;
  std::string space;
  Prefix pool;
  std::optional<Prefix> sub_pool;
  Options options;
  bool automatic = false;
  // RequestPool calls of `epoch` that no ReleasePool has answered. A call of a newer epoch begins again at 1:
  // a replay is never matched by an extra release.
  int refs = 1;
  uint64_t epoch = 0;
  std::chrono::sys_seconds since{};
};

// A rest lies between its negative and itself: slots keep 40 bits of it.
inline constexpr int64_t kMostLasting = int64_t{1} << 38;

// Table address, key = address_key(). Addresses belong to the parent prefix, so that sub-pools of one prefix
// share them.
struct AddressRecord {
  std::string space;
  Prefix pool;  // the parent prefix
  IpAddress address;
  OwnerClass owner = OwnerClass::kEndpoint;
  std::optional<Mac> mac;
  std::string name;
  // Gateways and auxiliary addresses may be claimed by several references of the pool in one epoch. 1 for the
  // rest.
  int claims = 1;
  uint64_t epoch = 0;
  std::chrono::sys_seconds since{};
  // The engine gave it back while an endpoint still used it; it goes with the endpoint, or with the next
  // release.
  bool released = false;
  // Set: nobody holds it. It rests since then, in lasting seconds (lasting_time.h), and the rest of the record is of its
  // former holder.
  std::optional<int64_t> rest;
};

// Table reservation, key = reservation_key(). An address that is kept for one endpoint, whether or not a pool has it now.
struct ReservationRecord {
  std::string space;
  IpAddress address;
  std::optional<Mac> mac;  // one of the two at least
  std::string name;
  std::string note;   // the operator's, may be empty
  std::string since;  // RFC 3339
  bool operator==(const ReservationRecord&) const = default;
};

// "local/10.1.0.0/24" or with the sub-pool behind another slash. Readable, and the same after every restart.
std::string pool_id(const std::string& space, const Prefix& pool, const std::optional<Prefix>& sub_pool);
// "local/10.1.0.0/24/10.1.0.7".
std::string address_key(const std::string& space, const Prefix& pool, const IpAddress& address);

// "local/10.1.0.7".
std::string reservation_key(const std::string& space, const IpAddress& address);

// The reverse of format_time(). Errors: kInvalidArgument.
Result<std::chrono::sys_seconds> parse_since(const std::string& text);

Json to_json(const PoolRecord& record);
ObjectText to_text(const AddressRecord& record);
Json to_json(const ReservationRecord& record);
// A record by itself, wherever it comes from. Errors: kInvalidArgument, naming the member.
Result<PoolRecord> read_pool(const std::string& value);
Result<AddressRecord> read_address(const std::string& value);
Result<ReservationRecord> read_reservation(const std::string& value);

// From the store. Errors: kCorrupt, naming key and member; also when the key is not that of the content.
Result<PoolRecord> pool_from_json(const std::string& key, const std::string& value);
Result<AddressRecord> address_from_json(const std::string& key, const std::string& value);
Result<ReservationRecord> reservation_from_json(const std::string& key, const std::string& value);

}  // namespace viaduct::ipam
