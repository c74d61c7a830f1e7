#pragma once

#include <condition_variable>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "net/records.h"
#include "net/segment_book.h"
#include "net/spread.h"

namespace viaduct::net {

// Records as of one moment; in the table another one takes the place of one that changes. A value, cheap to copy.
class NetworkRecords {
 public:
  using Pointers = std::vector<std::shared_ptr<const NetworkRecord>>;
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = NetworkRecord;
    using difference_type = std::ptrdiff_t;
    using pointer = const NetworkRecord*;
    using reference = const NetworkRecord&;
    explicit Iterator(Pointers::const_iterator at) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    bool operator==(const Iterator&) const = default;

   private:
    Pointers::const_iterator at_;
  };
  explicit NetworkRecords(Pointers pointers) : pointers_(std::move(pointers)) {}
  [[nodiscard]] Iterator begin() const { return Iterator(pointers_.begin()); }
  [[nodiscard]] Iterator end() const { return Iterator(pointers_.end()); }
  [[nodiscard]] size_t size() const { return pointers_.size(); }

 private:
  Pointers pointers_;
};

// The networks and endpoints in memory, as the store holds them, and who works on which. Every method may be
// called from any thread; none but lock() waits. Values go in and out as copies: nobody sees a record half
// changed.
class NetworkTable {
 public:
  // What a network with these endpoints wants of its segment; empty if it stands on none. Pure.
  using ShareOf = std::function<std::optional<SegmentShare>(
      const NetworkRecord& network, const std::map<std::string, EndpointRecord>& endpoints)>;
  explicit NetworkTable(ShareOf share_of = {}) : share_of_(std::move(share_of)) {}

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
  // Ordered by id.
  [[nodiscard]] NetworkRecords networks() const;
  [[nodiscard]] std::vector<EndpointRecord> endpoints() const;
  [[nodiscard]] std::vector<EndpointRecord> endpoints_of(const std::string& network_id) const;
  // Endpoints of the network, without `wanted` itself, that have one of its addresses or its MAC; ordered by id. No walk
  // over the others.
  [[nodiscard]] std::vector<EndpointRecord> holders(const EndpointRecord& wanted) const;
  [[nodiscard]] bool has_mac(const std::string& network_id, const Mac& mac) const;

  // How many endpoints are on each bridge of the network. No walk over the endpoints.
  [[nodiscard]] EndpointCounts counts_of(const std::string& network_id) const;

  // As SegmentBook has it, of the networks here. No walk over them.
  [[nodiscard]] SegmentBook::Others others_of_segment(const std::string& network, const std::string& segment,
                                                      const std::set<std::string>& links) const;
  [[nodiscard]] bool segment_has_link(const std::string& segment, const std::string& link) const;

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
    std::shared_ptr<const NetworkRecord> record;  // null while that network is still being made
  };
  // Reserves the subnets for the network, which the caller has locked, until put(), erase_network() or the
  // Lock's end; or returns what is in the way, and reserves nothing.
  std::optional<Overlap> claim(const std::string& id, const std::vector<Prefix>& subnets);
  // The same look without reserving.
  [[nodiscard]] std::optional<Overlap> find_overlap(const std::string& id,
                                                    const std::vector<Prefix>& subnets) const;

 private:
  struct Entry {
    std::shared_ptr<const NetworkRecord> record;  // null: it is locked, and not known
    std::map<std::string, EndpointRecord> endpoints;
    std::map<Mac, std::set<std::string>> macs;  // ids of the endpoints that have one
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

  static void drop_mac(Entry& entry, const EndpointRecord& record);
  // Wants the mutex held.
  void note_share(const Entry& entry);

  void unlock(const std::string& id);
  void forget_if_unused(const std::string& id);
  [[nodiscard]] std::optional<Overlap> overlap_locked(const std::string& id,
                                                      const std::vector<Prefix>& subnets) const;

  const ShareOf share_of_;
  mutable std::mutex mutex_;
  SegmentBook segments_;
  std::map<std::string, Entry> entries_;
  // Subnets of different networks do not overlap, but a record may be written before the one it displaces is erased.
  std::map<IpAddress, std::set<Place>> places_;
};

}  // namespace viaduct::net
