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

  Status replace_all(const std::vector<NetworkRules>& networks) override;
  Status add(const NetworkRules& network) override;
  Status remove(const std::string& bridge) override;
  Result<bool> ensure() override;

 private:
  // Whether the kernel is known to hold what is wanted, so that a difference suffices.
  enum class Known { kNo, kYes };
  struct State {
    std::optional<NftSession> session;
    RulesByBridge wanted;
    // As last written; the engine's networks come and go, and ensure() follows.
    std::set<std::string> engine_bridges;
    Known known = Known::kNo;
  };

  explicit NftFirewall(NftSession session);
  static Status apply(State& state, RulesByBridge wanted);
  static Result<std::string> accept_changes(NftSession& session, const std::set<std::string>& patterns);
  static Result<std::string> commands_for(State& state, const RulesByBridge& wanted,
                                          const std::set<std::string>& engine_bridges);

  Guarded<State> state_;
};

}  // namespace viaduct::net
