#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "base/guarded.h"
#include "net/host_ports.h"

namespace viaduct::net {

// The host's ports in memory, for tests of the layer above.
class FakeHostPorts final : public HostPorts {
 public:
  // A program of the host has the port on all addresses.
  void occupy(Protocol protocol, uint16_t port, const std::string& holder);
  void give_up(Protocol protocol, uint16_t port);
  void set_automatic(PortRange range);
  // "0.0.0.0:8080/tcp" of what is held now, in order.
  [[nodiscard]] std::set<std::string> held();

  Result<std::unique_ptr<HeldPort>> hold(Protocol protocol, const IpAddress& host, uint16_t port) override;
  std::string holder_of(Protocol protocol, uint16_t port) override;
  PortRange automatic() override;

 private:
  using Key = std::pair<Protocol, uint16_t>;
  struct State {
    std::map<Key, std::string> occupied;
    std::multiset<std::tuple<Protocol, uint16_t, IpAddress>> held;
    PortRange range{32768, 60999};
  };
  class Held;
  Guarded<State> state_;
};

}  // namespace viaduct::net
