#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/guarded.h"
#include "net/firewall.h"
#include "net/nft_ruleset.h"
#include "net/nft_session.h"

namespace viaduct::net {

// The Firewall seam over libnftables, in the network namespace of the thread that opened it: table inet
// viaduct, and accept rules in FORWARD of ip filter and ip6 filter where those chains exist
// (docs/firewall.md). Any thread; one call at a time. After a failed change, what was wanted before is wanted
// still.
class NftFirewall final : public Firewall {
 public:
  // Changes nothing yet. Errors: kUnavailable.
  static Result<std::unique_ptr<NftFirewall>> open();

  Status replace_all(const RuleSet& rules) override;
  Status add(const NetworkRules& network) override;
  Status remove(const std::string& bridge) override;
  Status set_endpoint(const std::string& id, const EndpointRules& rules) override;
  Status forget_flows(const IpAddress& container) override;
  Status forget_flows_to(Protocol protocol, const IpAddress& host, uint16_t port) override;
  Result<bool> ensure() override;
  Result<std::vector<std::string>> inspect() override;
  Result<std::vector<ForwardChain>> forward_chains() override;

 private:
  // Whether the kernel is known to hold what is wanted, so that a difference suffices.
  enum class Known { kNo, kYes };
  struct State {
    std::optional<NftSession> session;
    RuleSet wanted;
    // As last written; the engine's networks come and go, and ensure() follows.
    std::set<std::string> engine_bridges;
    std::set<std::string> matches;
    Known known = Known::kNo;
    size_t senders = 0;  // endpoints with a sender's rule
    GuardTable guard = GuardTable::kAbsent;
  };

  explicit NftFirewall(NftSession session);
  // Writes what is wanted by now: the change from one to the other where the rest is known to be in place.
  static Status write(State& state, const TableSets& from, const TableSets& to);
  // Has other networks, or takes the change back.
  static Status change_networks(State& state, RulesByBridge networks);
  // Of those of viaduct's tables that are there.
  static std::vector<std::string> listings_of(State& state);
  static Result<std::string> accept_changes(NftSession& session, const std::set<std::string>& matches);

  Guarded<State> state_;
};

}  // namespace viaduct::net
