#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "net/driver.h"
#include "net/finding.h"
#include "net/firewall.h"
#include "net/host_ports.h"
#include "net/kernel.h"
#include "net/network_types.h"
#include "net/probe_links.h"
#include "net/records.h"
#include "store/store.h"

namespace viaduct::net {

// What viaduct's own IPAM knows of the pool that a network stands on.
enum class PoolClaim {
  kHeld,       // the engine has it, or may; also said of another IPAM's pools, of which nothing is known
  kAbandoned,  // held for an engine that no longer knows it, with proof
  kReleased,  // once held, and no more. A pool made after the network is another network's: the first one's was released
};

// What the network half asks of the rest of the process. Wired in main.
struct NetworkEnvironment {
  std::string instance;  // of the state folder, for link marks
  std::string boot_id;
  // An endpoint is gone, with proof, though no DeleteEndpoint came: its address may be given back.
  std::function<void(const Prefix& pool, const IpAddress& address)> endpoint_gone;
  // An endpoint was deleted as the engine asked. An address that was released before may go now; one that was not is
  // released next.
  std::function<void(const Prefix& pool, const IpAddress& address)> endpoint_deleted;
  // The claim that a network made at `since` (RFC 3339) has on this pool of a local space (the named ones included), where
  // `others` claims are known to be other networks'.
  std::function<PoolClaim(const std::string& space, const Prefix& pool, const std::string& since, int others)>
      pool_claim;
  // An endpoint's addresses could not be announced (Kernel::announce); told once.
  std::function<void(const Error&)> cannot_announce;
  // When an endpoint is announced, counted from its Join; ascending, not empty. First when Join has been answered, whose
  // reply it would hold up; again for a frame that is lost on the way to another host (RFC 5227, 2.3, and RFC 4861, 7.2.6,
  // want more than one, apart).
  std::vector<std::chrono::milliseconds> announce_after = {std::chrono::milliseconds(10),
                                                           std::chrono::seconds(1), std::chrono::seconds(3)};
  // There is one more among lan_subnets() since now.
  std::function<void()> lan_joined = {};
};

// What start-up found and repaired, for the log and for operators.
struct ReconcileReport {
  int networks = 0;
  int endpoints = 0;
  std::vector<std::string> repaired;  // one sentence each
  std::vector<std::string>
      problems;  // what could not be repaired, and what was found and left alone; likewise
};

// The life of networks and endpoints: create: kernel, then store, then answer; delete: kernel, store, answer.
// Calls on one network wait in line for each other, until the deadline (kBusy); calls on different networks
// run in parallel. A call whose kernel or store step fails leaves nothing behind.
class NetworkService {
 public:
  // Loads what the store holds; touches nothing. Errors: kCorrupt, kUnsupported, kUnavailable. References
  // must outlive it.
  static Result<std::unique_ptr<NetworkService>> open(store::Store& store, Kernel& kernel, Firewall& firewall,
                                                      HostPorts& ports, const Clock& clock,
                                                      NetworkEnvironment environment);
  ~NetworkService();

  // Makes kernel and firewall hold what the store promises: bridges, addresses, ports, rules; removes links
  // that carry this instance's mark and have no record; forgets endpoints that are
  // proven gone, and has their addresses given back: those without links that were made in an earlier boot, or had been
  // joined. Before the socket listens. What fails for one network does not stop the
  // others and stands in the report. Errors: kUnavailable, kPermission: the kernel does not even list its
  // links.
  Result<ReconcileReport> reconcile();
  // The same while calls come, until the deadline: what a call may be making is left alone. Not on a call's path.
  Result<ReconcileReport> repair(Deadline deadline);

  // Every difference between store, kernel, rules and ports, changing nothing. Errors: as reconcile().
  Result<std::vector<Finding>> inspect();

  // What else decides about what this host forwards (firewall.h). Errors: the packet filter's.
  Result<std::vector<ForwardChain>> forward_chains();

  // Networks without an MTU of their own take the uplink's of now (uplink_follower.h). Sentences for the log, one for each
  // change and each failure. Not on a call's path. Errors: the kernel does not even list its links.
  Result<std::vector<std::string>> follow_uplink(Deadline deadline);

  // Of Swarm's leader, which makes nothing: the options that the nodes are to have. From now on the network's LAN, if it is on
  // one, is among lan_subnets(). Errors: kUnsupported, as check_cluster_subnets().
  Result<Options> allocate(const CreateNetworkRequest& request);
  // The end of it.
  void free(const std::string& network_id);
  Result<GatewayNeed> gateway_need(const GatewayQuestion& question) const;

  // A known id with equal parameters succeeds, and takes back endpoints whose links are gone; with other
  // parameters the old network is torn down first (the engine forgot it). Errors: kInvalidArgument,
  // kUnsupported, kOverlap (a network with an overlapping subnet is on this host, named), kUnavailable.
  Status create_network(const CreateNetworkRequest& request, Deadline deadline);
  // Removes its endpoints as well. Unknown ids succeed.
  Status delete_network(const std::string& id, Deadline deadline);
  // Removes the networks on exactly this subnet that an engine left which died before it wrote them down: never used, and
  // their pools abandoned. False: a network remains there. Not on a call's path.
  Result<bool> remove_abandoned(const Prefix& subnet, Deadline deadline);
  // For an operator, who knows that the engine no longer has the network (its DeleteNetwork was lost): as
  // delete_network(), and has the addresses of its endpoints given back. `id`: a whole id, or the beginning of one, such
  // as the 12 characters that are shown to people. Errors: kInvalidArgument, no id, or the beginning of several; kNotFound;
  // kConflict, naming them: endpoints of the network have links in service.
  Status remove_by_operator(const std::string& id, Deadline deadline);

  // A known id with equal parameters gets the first answer. Errors: kNotFound, the network; kConflict, an
  // address or MAC that another endpoint of the network has, and, where it has both, still has a second later: its sandbox
  // may be on its way out; kInvalidArgument.
  Result<CreateEndpointReply> create_endpoint(const CreateEndpointRequest& request, Deadline deadline);
  Status delete_endpoint(const std::string& network_id, const std::string& endpoint_id, Deadline deadline);
  // Errors: kNotFound.
  Result<JoinReply> join(const JoinRequest& request, Deadline deadline);
  // Takes the links away, and keeps the record: another join makes them anew. Unknown ids succeed.
  Status leave(const std::string& network_id, const std::string& endpoint_id, Deadline deadline);
  // The endpoint is its container's way to the outside: its ports are published, in the place of those that were. Repeated, it
  // keeps the host ports that were chosen. Errors, after which all is as before: kNotFound; kConflict, a host port is in use,
  // by whom; kExhausted, none of a range is free; kInvalidArgument.
  Status program_external_connectivity(const ExternalConnectivityRequest& request, Deadline deadline);
  // It is no more. Leave and the deletion of the endpoint do the same, since this may never come. Unknown ids succeed.
  Status revoke_external_connectivity(const std::string& network_id, const std::string& endpoint_id,
                                      Deadline deadline);

  // The endpoint in a container, or else the network by its gateway, that has this address of a subnet that overlaps
  // the pool. A look into an index: its cost does not grow with the number of endpoints.
  [[nodiscard]] std::optional<AddressUser> bound_to(const Prefix& pool, const IpAddress& address) const;
  // Removes the endpoint that has such an address if no container has joined it: the engine gives the address back, so
  // that it does not know of the endpoint. Nothing to remove succeeds. The IPAM half is not told.
  Status remove_unjoined(const Prefix& pool, const IpAddress& address, Deadline deadline);
  // Removes the endpoints that every call of this saw unjoined for so long, by the time since the boot; their engine died,
  // or gave up, in between. How many. Not on a call's path, and from one thread; addresses become orphans.
  Result<uint64_t> sweep_unjoined(std::chrono::seconds grace, Deadline deadline);
  // Forgets the endpoints that a container had joined and whose links are gone: their sandbox ended, and both Leave and
  // DeleteEndpoint failed (a full disk), which the engine never repeats. Their addresses are given back. How many. Not on
  // a call's path.
  Result<uint64_t> forget_ended(Deadline deadline);
  // "network 9c1b…" with exactly this subnet; empty if there is none. Walks over the networks.
  [[nodiscard]] std::string network_on(const Prefix& pool) const;

  // Of networks of mode=vlan, and of those that a Swarm's leader is told of.
  [[nodiscard]] std::vector<LanSubnet> lan_subnets() const;

  // For operators: copies as of one moment, ordered by id.
  [[nodiscard]] std::vector<NetworkRecord> networks() const;
  [[nodiscard]] std::vector<EndpointRecord> endpoints() const;

 private:
  class Impl;
  explicit NetworkService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::net
