#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "ipam/epoch.h"
#include "ipam/ipam_types.h"
#include "ipam/probing.h"
#include "ipam/records.h"
#include "store/store.h"

namespace viaduct::ipam {

// Who uses an address in the other half.
struct BoundTo {
  std::string what;        // "endpoint 3f2a… of network 9c1b…"
  std::optional<Mac> mac;  // of the endpoint
};

// What the IPAM half asks of the rest of the host. Wired in main; all may be called from any thread and must
// not call back into the service.
struct IpamEnvironment {
  // Prefixes that the host's routes and addresses cover now, the default routes left out. Automatic pools
  // avoid them.
  std::function<Result<std::vector<Prefix>>()> host_prefixes;
  // The other half's word for which container's endpoint uses an address of a pool in the local space ("endpoint 3f2a… of
  // network 9c1b…"), empty if none does. An address so bound is not given away, whatever is released.
  std::function<std::optional<BoundTo>(const Prefix& pool, const IpAddress& address)> bound_to;
  // The network of the other half whose subnet is exactly this pool of a local space ("network 9c1b…"), empty if there is
  // none: then the pool serves another driver, whose endpoints nobody here can see.
  std::function<std::string(const Prefix& pool)> network_on;
  // The engine gives this address back: an endpoint of the other half that has it, but no container, is none that the engine
  // knows, and goes. Must not tell the service of it.
  std::function<Status(const Prefix& pool, const IpAddress& address, Deadline deadline)> remove_unjoined;
  IsAlive engine_alive;
  BeganInSight engine_began_in_sight;
  // Wakes whoever looks at the wire: pools_to_survey() and probe_targets() have something new. Empty: nobody looks, and no
  // address waits for a verdict.
  std::function<void()> look_at_wire = {};
  // For the log.
  std::function<void(const UnsureGift&)> unsure_gift = {};
  // A Swarm leader's term is past its replay: what it held in a former one and did not claim can go (reclaim_orphans(),
  // abandoned_pools()). Called with the service's mutex held: must not wait, nor ask the service anything.
  std::function<void()> leader_has_replayed = {};
  // Of now. Never called with a lock held.
  std::function<EngineListener()> engine_listener = {};
};

struct IpamConfig {
  std::vector<PoolSource> sources;  // in order of preference
  std::vector<Prefix> avoid;        // no automatic pool overlaps one of these
  std::string boot_id;              // of this boot: tells whether uptimes may be compared
};

// What is known of a pool of a local space, for the network of the other half that stands on it.
enum class PoolClaim {
  kHeld,  // the engine has it, or may still claim it
  kAbandoned,  // held for an engine that no longer knows it, with proof: it began in viaductd's sight, has replayed what it
  // knew, and did not claim this one
  kReleased,  // not held
};

// How many there are now.
struct IpamCounts {
  size_t pools = 0;
  uint64_t held = 0;
  uint64_t resting = 0;
  size_t reservations = 0;
  uint64_t early_reuses = 0;
  size_t watched_pools = 0;  // whose addresses are looked for on the wire
  uint64_t set_aside = 0;    // addresses at which foreign hosts answer
};

// A released address is kept so long before it is taken for an orphan's: no engine lets so much time pass between asking
// for an address and making the endpoint.
inline constexpr std::chrono::seconds kOrphanGrace = std::chrono::minutes(10);

// So many addresses are looked at ahead of a pool's requests.
inline constexpr size_t kLookAhead = 16;
// So long a call waits for a verdict of the wire; then the address is given all the same.
inline constexpr std::chrono::milliseconds kVerdictPatience{900};

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

  // A registration call came: Plugin.Activate or IpamDriver.GetCapabilities. May begin an epoch (epoch.h), which is
  // durable when this returns, unless the disk takes longer than half a second; then it is written as soon as can be.
  void registered(const EngineIdentity& engine);
  // Looks whether an engine that is not visible has finished its start, so that its end will be seen. Not on a call's path.
  // Returns whether that is known, or need not be.
  bool look_at_engine();

  // Errors: kOverlap, naming the holder; kExhausted, when no automatic pool is left; kInvalidArgument.
  // Two automatic requests never get the same pool while both are held (trap T21).
  Result<PoolReply> request_pool(const PoolRequest& request, Deadline deadline);
  // Drops one reference; the last one gives back the pool and every address in it. Unknown ids succeed.
  Status release_pool(const std::string& id, Deadline deadline);

  // In a pool that is watched an automatic address of an endpoint is given only where nothing answered within
  // kSilenceLasts; for that the call waits, kVerdictPatience at most. Errors: kConflict, naming the holder; kExhausted, with
  // counts; kNotFound, no such pool; kInvalidArgument, outside the pool or not usable.
  Result<AddressReply> request_address(const AddressRequest& request, Deadline deadline);
  // Unknown pools and addresses succeed (protocol.md 3.3). An address that the other half still uses stays
  // held until released again, or until endpoint_gone().
  Status release_address(const std::string& pool_id, const IpAddress& address, Deadline deadline);

  // The other half lost the endpoint that used this address of the local space, with proof (a reboot, a
  // network replaced). Gives the address back if an endpoint held it.
  Status endpoint_gone(const Prefix& pool, const IpAddress& address, Deadline deadline);
  // The other half deleted the endpoint that used this address of the local space. Gives the address back if it was
  // released before, while it was in use; the engine will not release it again.
  Status endpoint_deleted(const Prefix& pool, const IpAddress& address, Deadline deadline);
  // What is known of the pools with exactly this prefix that were made no later than `by` (RFC 3339), in the local space or
  // in one of those that --ipam-opt space=NAME makes beside it: the other half cannot tell them apart, CreateNetwork has
  // "local" for all of them. `others`: so many of their claims are known to be other networks'.
  [[nodiscard]] PoolClaim claim_on(const Prefix& pool, const std::string& by, int others) const;

  // Pools of local spaces that are abandoned (PoolClaim) and in which nothing was ever held but gateways and auxiliary
  // addresses: what an engine leaves that dies while it makes a network. And those of the global space that a Swarm's leader
  // did not claim in its term, once nothing in them is held for a task: their network was removed under another leader.
  [[nodiscard]] std::vector<PoolView> abandoned_pools() const;
  // Drops such a pool with its addresses. False, and nothing is changed: it is no such pool (any more). Not on a call's
  // path. Errors: those of the store; kBusy.
  Result<bool> drop_abandoned(const std::string& pool_id, Deadline deadline);

  // Addresses of local spaces that are held for an endpoint, on a subnet of a network of the other half, which has no such
  // endpoint, longer than kOrphanGrace. Those of an older epoch, whose engine has asked for new things without claiming
  // them again, rest from now on: that is proof. The others are only counted. Likewise what a Swarm's leader held for tasks in a
  // former term and did not claim in this one. Not on a call's path. Returns how many were put to rest. Errors: those of the store.
  Result<uint64_t> reclaim_orphans(Deadline deadline);
  // How many such addresses there are now, of any epoch. Walks over all addresses.
  [[nodiscard]] uint64_t orphans() const;

  // For whoever looks at the wire (docs/ipam.md, "Foreign hosts"). Pools of local spaces alone: what a Swarm leader gives
  // is for other hosts' wires.
  [[nodiscard]] std::vector<ProbedPool> pools_to_survey(Survey which);
  void set_watch(const std::string& pool_id, const Watch& watch);
  // Addresses of watched pools that are about to be given, and of whose neighbours too little is known; those for which a
  // call waits first. At most kLookAhead a pool and as many as calls wait.
  [[nodiscard]] std::vector<ProbeTarget> probe_targets();
  // What was asked, and who answered; an address of ours answers with a MAC of ours, which is no foreign host.
  ProbeOutcome probed(const ProbeTarget& asked, const std::vector<ProbeAnswer>& answers);

  // For operators: a copy as of one moment, ordered by id or address.
  [[nodiscard]] std::vector<PoolView> pools() const;
  // What is held, what rests, and what is set aside for a foreign host.
  [[nodiscard]] std::vector<AddressView> addresses() const;
  [[nodiscard]] std::vector<ReservationRecord> reservations() const;
  [[nodiscard]] IpamCounts counts() const;
  [[nodiscard]] uint64_t epoch() const;
  // At most `cells` cells (1 to 65536), all of one size but the last. Errors: kNotFound.
  [[nodiscard]] Result<PoolMap> map_of(const std::string& pool_id, size_t cells) const;
  // One story for each pool whose subnet holds the address and each reservation of it, of every space or of `space` alone.
  [[nodiscard]] std::vector<AddressStory> why(const IpAddress& address, const std::string& space = "") const;

  // Operators' changes; each durable when it returns, and the same again when repeated.
  // Keeps an address for one endpoint, by MAC, by name or both; whether or not a pool has it now. Takes the place of an
  // earlier reservation. All or none of the list. Errors: kInvalidArgument, a record without MAC and name, an unknown
  // space, one address twice.
  Status reserve(std::vector<ReservationRecord> records);
  Status unreserve(const std::string& space, const IpAddress& address);
  // Removes a pool that no network has any more, however many references it has, and every address in it. `held`: whether those
  // that endpoints or a Swarm hold go with it. Errors: kNotFound; kConflict, a network of viaduct's stands on the subnet, or
  // kKeep and addresses are held.
  enum class Held { kKeep, kDrop };
  Status remove_pool_by_operator(const std::string& id, Held held, Deadline deadline);
  // Gives an address back at once, without rest, and ends its time aside for a foreign host. Errors: kConflict, an endpoint
  // uses it or it is a gateway's; kNotFound, nobody holds it, and it neither rests nor is set aside.
  Status release_by_operator(const std::string& space, const IpAddress& address, Deadline deadline);

  // Every pool, address and reservation as one JSON object (docs/ipam.md).
  [[nodiscard]] Json export_state() const;
  // Adds what such an object holds. Checked whole before anything changes; what is there already, equal, is passed over.
  // Errors: kInvalidArgument, kOverlap, kConflict, each naming the record.
  Status import_state(const Json& state, Deadline deadline);

 private:
  class Impl;
  explicit IpamService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::ipam
