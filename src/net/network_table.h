#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "net/records.h"
#include "net/spread.h"

namespace viaduct::net {

// The networks and endpoints in memory, as the store holds them, and who works on which. Every method may be
// called from any thread; none but lock() waits. Values go in and out as copies: nobody sees a record half
// changed.
class NetworkTable {
 public:
  // The right to change one network, its endpoints and their links. Given back at its end.
  class Lock {
   public:
    Lock(Lock&& other) noexcept : table_(std::exchange(other.table_, nullptr)), id_(std::move(other.id_)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock();

   private:
    friend class NetworkTable;
    Lock(NetworkTable& table, std::string id) : table_(&table), id_(std::move(id)) {}
    NetworkTable* table_;  // null after a move
    std::string id_;
  };

  // Waits in line for the network, known or not. Errors: kBusy, the deadline passed.
  Result<Lock> lock(const std::string& id, Deadline deadline);

  [[nodiscard]] std::optional<NetworkRecord> network(const std::string& id) const;
  [[nodiscard]] std::optional<EndpointRecord> endpoint(const std::string& network_id,
                                                       const std::string& endpoint_id) const;
  // Whatever network it is of.
  [[nodiscard]] std::optional<EndpointRecord> find_endpoint(const std::string& endpoint_id) const;
  [[nodiscard]] std::vector<NetworkRecord> networks() const;
  [[nodiscard]] std::vector<EndpointRecord> endpoints() const;
  [[nodiscard]] std::vector<EndpointRecord> endpoints_of(const std::string& network_id) const;
  // Endpoints of the network, without `endpoint_id` itself, that have one of these addresses or this MAC.
  [[nodiscard]] std::vector<EndpointRecord> holders(const EndpointRecord& wanted) const;
  [[nodiscard]] std::set<Mac> macs_of(const std::string& network_id) const;

  // How many endpoints are on each bridge of the network. No walk over the endpoints.
  [[nodiscard]] EndpointCounts counts_of(const std::string& network_id) const;

  // What an address of a subnet that overlaps the pool is used for. Looks into an index of addresses: no walk over
  // networks or endpoints.
  struct Use {
    struct Endpoint {
      std::string id;
      Mac mac;
      bool joined = false;  // a container has it
    };
    std::string network_id;
    std::optional<Endpoint> endpoint;  // empty: it is the network's gateway
  };
  [[nodiscard]] std::optional<Use> use_of(const Prefix& pool, const IpAddress& address) const;
  // The id of a network with exactly this subnet. Walks over the networks: not for a call's path.
  [[nodiscard]] std::optional<std::string> network_on(const Prefix& pool) const;

  void put(const NetworkRecord& record);
  // With its endpoints.
  void erase_network(const std::string& id);
  // The network must be known.
  void put(const EndpointRecord& record);
  void erase_endpoint(const std::string& network_id, const std::string& endpoint_id);

  // Another network with a subnet that overlaps.
  struct Overlap {
    std::string id;
    Prefix wanted;
    Prefix held;
    std::optional<NetworkRecord> record;  // empty while that network is still being made
  };
  // Reserves the subnets for the network, which the caller has locked, until put(), erase_network() or the
  // Lock's end; or returns what is in the way, and reserves nothing.
  std::optional<Overlap> claim(const std::string& id, const std::vector<Prefix>& subnets);
  // The same look without reserving.
  [[nodiscard]] std::optional<Overlap> find_overlap(const std::string& id,
                                                    const std::vector<Prefix>& subnets) const;

 private:
  struct Entry {
    std::optional<NetworkRecord> record;
    std::map<std::string, EndpointRecord> endpoints;
    EndpointCounts counts;
    std::vector<Prefix> claimed;
    // Tickets: calls are served in the order in which they came, so that none starves.
    uint64_t next_ticket = 0;
    std::set<uint64_t> waiting;
    bool held = false;
    std::condition_variable turn;
  };

  // Where a record has an address. Of the gateway the endpoint id is empty.
  struct Place {
    std::string network_id;
    std::string endpoint_id;
    auto operator<=>(const Place&) const = default;
  };

  // Each changes the index for all addresses of the record; all want the mutex held.
  void note(const NetworkRecord& record);
  void note(const EndpointRecord& record);
  void drop(const NetworkRecord& record);
  void drop(const EndpointRecord& record);
  void drop(const IpAddress& address, const Place& place);

  void unlock(const std::string& id);
  void forget_if_unused(const std::string& id);
  [[nodiscard]] std::optional<Overlap> overlap_locked(const std::string& id,
                                                      const std::vector<Prefix>& subnets) const;

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  // Subnets of different networks do not overlap, but a record may be written before the one it displaces is erased.
  std::map<IpAddress, std::set<Place>> places_;
};

}  // namespace viaduct::net
