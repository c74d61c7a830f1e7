#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "net/firewall.h"
#include "net/host_ports.h"
#include "net/kernel.h"
#include "net/neighbour_probe.h"
#include "server/config.h"
#include "store/store.h"

namespace viaduct::server {

// The concrete seams that main chose. All outlive the daemon.
struct Seams {
  store::Store& store;
  net::Kernel& kernel;
  net::Firewall& firewall;
  net::HostPorts& ports;
  net::NeighbourProbe& neighbours;
  const Clock& clock;
  Logger& log;
};

// The services, joined: from a loaded state to answering sockets.
class Daemon {
 public:
  // In this order: sockets bound (calls wait in the backlog, and a living one is refused), state loaded, kernel and
  // firewall made to hold what the state promises, sockets served. `notes` are for the operator.
  // Errors: those of the parts; nothing is served then.
  static Result<std::unique_ptr<Daemon>> start(const Config& config, const Seams& seams,
                                               std::vector<std::string> notes);
  // Stops; see stop().
  ~Daemon();

  // The host's uplink may have changed: networks follow its MTU, and the log says so. Any one thread, until stop().
  void follow_uplink();

  // Answers what is in flight and takes the sockets away, within two seconds. False if a call is stuck: the process must
  // then end without waiting for its threads.
  bool stop();

 private:
  struct Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace viaduct::server
