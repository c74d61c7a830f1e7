#pragma once

#include "base/unique_fd.h"
#include "net/neighbour_probe.h"

namespace viaduct::net {

// The NeighbourProbe seam over packet sockets (packet(7)), in the network namespace of the thread that calls ask(). Sockets
// live as long as a question; between questions the links' traffic costs nothing. Meanwhile a bridge's port hands all that comes
// in to a filter in the kernel.
class PacketProbe final : public NeighbourProbe {
 public:
  PacketProbe();

  Result<Outcome> ask(const std::vector<NeighbourQuestion>& questions,
                      std::chrono::milliseconds window) override;
  void cancel() override;

 private:
  UniqueFd cancelled_;  // an eventfd, readable for ever once cancelled
};

}  // namespace viaduct::net
