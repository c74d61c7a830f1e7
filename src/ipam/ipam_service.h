#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "ipam/epoch.h"
#include "ipam/ipam_types.h"
#include "store/store.h"

namespace viaduct::ipam {

// Who of the other half uses an address.
struct BoundTo {
  std::string what;        // words for people: "endpoint 3f2a… of network 9c1b…"
  std::optional<Mac> mac;  // of the endpoint; a gateway has none
};

// What the IPAM half asks of the rest of the host. Wired in main; both may be called from any thread and must
// not call back into the service.
struct IpamEnvironment {
  // Prefixes that the host's routes and addresses cover now, the default routes left out. Automatic pools
  // avoid them.
  std::function<Result<std::vector<Prefix>>()> host_prefixes;
  // The other half's word for who uses an address of a pool in the local space, empty if nobody of that half
  // does. An address so bound is not given away, whatever is released.
  std::function<std::optional<BoundTo>(const Prefix& pool, const IpAddress& address)> bound_to;
  IsAlive engine_alive;
};

struct IpamConfig {
  std::vector<PoolSource> sources;  // in order of preference
};

// Allocates pools and addresses, and remembers them: propose in memory, commit to the store, answer. All
// calls from any thread; a call on an address or pool that another call is changing waits for it, until the
// deadline (kBusy). A call whose commit fails changes nothing.
class IpamService {
 public:
  // Loads what the store holds. Errors: kCorrupt naming the record; kUnavailable. The references must outlive
  // it.
  static Result<std::unique_ptr<IpamService>> open(store::Store& store, const Clock& clock, IpamConfig config,
                                                   IpamEnvironment environment);
  ~IpamService();

  // A registration call came: Plugin.Activate or IpamDriver.GetCapabilities. May begin an epoch (epoch.h).
  Status registered(const EngineIdentity& engine);

  // Errors: kOverlap, naming the holder; kExhausted, when no automatic pool is left; kInvalidArgument.
  // Two automatic requests never get the same pool while both are held (trap T21).
  Result<PoolReply> request_pool(const PoolRequest& request, Deadline deadline);
  // Drops one reference; the last one gives back the pool and every address in it. Unknown ids succeed.
  Status release_pool(const std::string& id, Deadline deadline);

  // Errors: kConflict, naming the holder; kExhausted, with counts; kNotFound, no such pool; kInvalidArgument,
  // outside the pool or not usable.
  Result<AddressReply> request_address(const AddressRequest& request, Deadline deadline);
  // Unknown pools and addresses succeed: the engine releases gateways that it never requested, and repeats itself. An
  // address that the other half still uses stays held until released again, or until endpoint_gone().
  Status release_address(const std::string& pool_id, const IpAddress& address, Deadline deadline);

  // The other half lost the endpoint that used this address of the local space, with proof (a reboot, a
  // network replaced). Gives the address back if an endpoint held it.
  Status endpoint_gone(const Prefix& pool, const IpAddress& address, Deadline deadline);
  // The other half deleted the endpoint that used this address of the local space. Gives the address back if it was
  // released before, while it was in use; the engine will not release it again.
  Status endpoint_deleted(const Prefix& pool, const IpAddress& address, Deadline deadline);
  // True while the local space, or one of those that --ipam-opt space=NAME makes beside it, holds a pool with exactly
  // this prefix that was made no later than `by` (RFC 3339; empty: whenever). The other half cannot tell them apart:
  // CreateNetwork has "local" for all of them.
  [[nodiscard]] bool holds_pool(const Prefix& pool, const std::string& by = "") const;

  // For operators: a copy as of one moment, ordered by id or address.
  [[nodiscard]] std::vector<PoolView> pools() const;
  [[nodiscard]] std::vector<AddressView> addresses() const;
  [[nodiscard]] uint64_t epoch() const;

 private:
  class Impl;
  explicit IpamService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::ipam
