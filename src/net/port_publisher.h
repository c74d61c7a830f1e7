#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/host_ports.h"
#include "net/port_plan.h"

namespace viaduct::net {

// Which endpoint has which port of the host, and the hold on each. What stands in the records is for the caller to say; this is
// the part that ends with the process. Any thread; one call at a time.
class PortPublisher {
 public:
  explicit PortPublisher(HostPorts& host) : host_(host) {}

  // Chooses and takes host ports for an endpoint in the place of those it has. Those that serve a wish are kept, so that a call
  // repeated is a call answered the same. `label` is for others' messages ("endpoint 3f2a… of network 9c1b…"). Errors, after
  // which the endpoint has what it had: kConflict, naming the holder; kExhausted, no port of a range is free; kNotFound, an
  // address that the host does not have; kPermission, kUnavailable.
  Result<std::vector<PublishedPort>> publish(const std::string& endpoint_id, const std::string& label,
                                             const std::vector<PortWish>& wishes);
  // Takes the ports of a record that was made before this process began; those that it holds already it goes on holding. What cannot be had is named, a sentence each; the
  // endpoint counts as its holder all the same, for it was promised to it.
  std::vector<std::string> take_back(const std::string& endpoint_id, const std::string& label,
                                     const std::vector<PublishedPort>& ports);
  // Ports that are promised and not held, a sentence each.
  std::vector<std::string> not_held();
  // Unknown ids are passed over.
  void withdraw(const std::string& endpoint_id);

 private:
  struct Holding {
    PublishedPort port;
    std::unique_ptr<HeldPort> held;  // null if somebody else has it by now
  };
  struct Holder {
    std::string label;
    std::vector<Holding> ports;
  };

  // Takes one port for all ways of a wish, or nothing.
  Result<std::vector<Holding>> take(const PortWish& wish, uint16_t host_port);
  Result<std::vector<Holding>> choose(const PortWish& wish);
  // Of those that have it on one of the wish's addresses; empty if none of viaduct's endpoints does.
  [[nodiscard]] std::string holder_among_endpoints(const PortWish& wish, uint16_t host_port) const;
  Error in_use(const PortWish& wish, uint16_t host_port);

  HostPorts& host_;
  std::mutex mutex_;
  std::map<std::string, Holder> holders_;
  uint16_t next_ = 0;  // where the search for an automatic port goes on
};

}  // namespace viaduct::net
