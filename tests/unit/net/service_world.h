#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/fake_firewall.h"
#include "net/fake_host_ports.h"
#include "net/fake_kernel.h"
#include "net/network_service.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace viaduct::net {

// Ids as the engine makes them: 64 characters, each the one given.
std::string id_of(char c);
// The network of id 'a', its bridge, and the host's link of its endpoint '1'.
inline const std::string kNetwork(64, 'a');
inline const std::string kBridge = "vd-aaaaaaaaaaaa";
inline const std::string kHost = "ve1111111111111";

Prefix prefix(const std::string& text);
InterfaceAddress address(const std::string& text);
Deadline soon();

// A network with one IPv4 subnet, whose first address is the gateway.
CreateNetworkRequest network_request(const std::string& id, const std::string& subnet = "10.1.0.0/24");
CreateEndpointRequest endpoint_request(const std::string& network_id, const std::string& endpoint_id,
                                       const std::string& ipv4 = "10.1.0.2/24");

// Waits for a condition that another thread brings about. Returns whether it came, within 10 s.
bool eventually(const std::function<bool()>& condition);

// A network service on fakes, with all that they hold.
class ServiceWorld {
 public:
  ServiceWorld();

  // Ends the service, and opens another on what store and kernel hold: a restart of the daemon.
  void reopen();
  // The links vanish and the boot id changes; the store stays.
  void reboot();

  // Links with the mark of this instance that are in service.
  std::vector<std::string> marked_links();
  // After the reaper's rounds: nothing of a viaduct's is left in the kernel and in the firewall.
  bool empty_after_reaping();
  bool reaped();
  std::optional<Link> link(const std::string& name);
  int stored(store::Table table);
  std::vector<std::string> given_back();

  store::MemoryStore memory;
  store::FaultStore store{memory};
  FakeKernel kernel;
  FakeFirewall firewall;
  FakeHostPorts ports;
  ManualClock clock{std::chrono::sys_seconds{std::chrono::seconds{1790000000}}};
  std::string boot = "boot-1";
  std::function<PoolClaim(const std::string&, const Prefix&, const std::string&, int)> pool_claim =
      [](const auto&, const auto&, const auto&, int) { return PoolClaim::kHeld; };
  std::vector<std::chrono::milliseconds> announce_after = NetworkEnvironment().announce_after;
  std::unique_ptr<NetworkService> service;

 private:
  std::mutex mutex_;
  std::vector<std::string> given_back_;
};

}  // namespace viaduct::net
