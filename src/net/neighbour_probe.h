#pragma once

#include <chrono>
#include <map>
#include <vector>

#include "base/result.h"
#include "net/probe_links.h"

namespace viaduct::net {

// Who has this address, on that link?
struct NeighbourQuestion {
  ProbeLink link;
  IpAddress address;
};

struct NeighbourAnswer {
  IpAddress address;
  Mac mac;
  bool operator==(const NeighbourAnswer&) const = default;
};

// The seam to the neighbours on the host's links: asks who has an address, as a host asks before it takes one (RFC 5227,
// RFC 4862), so that no neighbour takes the question for a claim.
class NeighbourProbe {
 public:
  virtual ~NeighbourProbe() = default;

  struct Outcome {
    // Those to the questions, each once; several hosts may have one address.
    std::vector<NeighbourAnswer> answers;
    std::map<int, Error> failed;  // links that could not be asked, by index
  };
  // Asks all of them, twice, and listens for so long; returns sooner when every question is answered. One call at a time.
  // Errors: kPermission without CAP_NET_RAW; kUnavailable after cancel().
  virtual Result<Outcome> ask(const std::vector<NeighbourQuestion>& questions,
                              std::chrono::milliseconds window) = 0;
  // Ends ask() at once, this one and all that come. Any thread.
  virtual void cancel() = 0;
};

}  // namespace viaduct::net
