#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "net/network_types.h"

namespace viaduct::net {

enum class Reach {
  kOutside,   // may open connections to other hosts
  kInternal,  // nothing passes between the network and anything beyond its bridge
  kBridged,  // likewise, and the host itself takes nothing in from there, nor says anything: the network is part of a LAN
  kOthers,  // a bridge of the host's own: what passes it is let through, and nothing else is viaduct's business
};
enum class InterContainer { kAllowed, kDenied };

// Sources that leave with one address of the host's, instead of the one that the way out has.
struct SourceRule {
  Prefix sources;
  IpAddress host;
  bool operator==(const SourceRule&) const = default;
};

// What the firewall must know of one network.
struct NetworkRules {
  std::string bridge;
  Reach reach = Reach::kOutside;
  InterContainer inter_container = InterContainer::kAllowed;
  // Sources that are hidden behind the host's address on their way out; empty without masquerade.
  std::vector<Prefix> masquerade = {};
  // Its subnets: what its containers say to a published port of one another goes by the host.
  std::vector<Prefix> subnets = {};
  std::vector<SourceRule> sources = {};  // prefixes that are not in `masquerade`
  GatewayMode gateway_mode_ipv4 = GatewayMode::kNat;
  GatewayMode gateway_mode_ipv6 = GatewayMode::kNat;
  // Links of the host from which published ports are reached at the container's own address as well.
  std::vector<std::string> trusted = {};
  // Bridges beside it, which are joined to it (spread.h). What passes them passes the first one as well, and is judged there.
  std::vector<std::string> further = {};
  // Ports of the bridge that lead to a LAN: the host itself says nothing by them.
  std::vector<std::string> uplinks = {};
  bool operator==(const NetworkRules&) const = default;
};

// Who may send from behind a port of a bridge; anything else that comes in there is dropped.
struct SenderRule {
  std::string link;
  Mac mac;
  std::vector<IpAddress> addresses;
  bool operator==(const SenderRule&) const = default;
};

// What the firewall must know of one endpoint; empty for most.
struct EndpointRules {
  std::vector<PublishedPort> ports;
  std::optional<SenderRule> sender;
  [[nodiscard]] bool empty() const { return ports.empty() && !sender; }
  bool operator==(const EndpointRules&) const = default;
};

// A chain of somebody else's that what the host forwards passes.
struct ForwardChain {
  std::string family;  // "ip", "ip6", "inet"
  std::string table;
  std::string name;
  bool refuses = false;    // what no rule before accepts: by its policy, or by a rule without a condition
  bool lets_pass = false;  // rules before that accept all that viaduct's networks send and get
  bool jumps = false;      // chains that it leads to, which are not looked at, may let it pass as well
  bool operator==(const ForwardChain&) const = default;
};

using RulesByBridge = std::map<std::string, NetworkRules>;

// All that a firewall holds: networks by bridge, endpoints by id (those without rules left out).
struct RuleSet {
  RulesByBridge networks;
  std::map<std::string, EndpointRules> endpoints;
  bool operator==(const RuleSet&) const = default;
};

// The seam to the packet filter: a table of viaduct's own, and a fixed handful of accept rules in the engine's.
// Each change is one transaction. Any thread; blocks.
class Firewall {
 public:
  virtual ~Firewall() = default;

  // Makes the table hold exactly these rules, whatever it held before. After a failure they are still what ensure()
  // restores.
  virtual Status replace_all(const RuleSet& rules) = 0;
  // Adds one network; one that is there already is replaced.
  virtual Status add(const NetworkRules& network) = 0;
  // Removes one network by its bridge's name; one that is not there is no error.
  virtual Status remove(const std::string& bridge) = 0;
  // Replaces what there is for one endpoint; with empty rules nothing is left of it, which is no error if nothing was. Its
  // cost does not grow with the number of endpoints.
  virtual Status set_endpoint(const std::string& id, const EndpointRules& rules) = 0;
  // Ends the flows that were translated to this address of a container: the next packet of each is looked at as a first one.
  // Without it a sender of datagrams that never rests would be sent to an address that another container has by now.
  virtual Status forget_flows(const IpAddress& container) = 0;
  // Likewise the flows towards a port of one address of the host's, which began before the port was published.
  virtual Status forget_flows_to(Protocol protocol, const IpAddress& host, uint16_t port) = 0;
  // Looks whether the table and the accept rules are still as they were set, and restores what is missing (the engine
  // was started, somebody flushed the rule set). Returns whether it had to.
  virtual Result<bool> ensure() = 0;
  // The same look, changing nothing: what is not as it was set, a sentence each; empty if all is well.
  virtual Result<std::vector<std::string>> inspect() = 0;
  // What else decides about what is forwarded, as it is now.
  virtual Result<std::vector<ForwardChain>> forward_chains() = 0;
};

}  // namespace viaduct::net
