#pragma once

#include <set>
#include <string>

#include "base/result.h"

// Names of links: 15 characters at most (IFNAMSIZ - 1), while ids have 64. The alias carries the whole id;
// the name is for people, and need only be free.
namespace viaduct::net {

// So many names are tried for one object before it is refused.
inline constexpr int kNameAttempts = 16;

// 12 characters of a hash, for names that shall not show what they are of.
std::string hashed_tail(const std::string& of, int attempt);

struct VethNames {
  std::string host;
  std::string peer;
};

// "vd-" and 12 characters of the id. When that is taken: "vd-", 4 characters of the id, 8 of a hash of id and
// attempt. The same arguments give the same name. Errors: kExhausted, all attempts are taken.
Result<std::string> bridge_name(const std::string& network_id, const std::set<std::string>& taken);

// "ve" and "vc" with 13 characters of the id, or 5 and 8 of the hash; both move when one is taken. Errors: as
// above.
Result<VethNames> veth_names(const std::string& endpoint_id, const std::set<std::string>& taken);

// Of a bridge that the network has beside its first one: "vd-", 4 characters of the id, 8 of a hash of id, number and attempt.
// `number`: from 2. Errors: as above.
Result<std::string> further_bridge_name(const std::string& network_id, int number,
                                        const std::set<std::string>& taken);

// The ends of the pair that joins it to the first bridge: "vj" and what follows "vd-" in its name, so that they move with it,
// then "a" for the end on the first bridge and "b" for its own.
struct JointNames {
  std::string first;
  std::string further;
};
JointNames joint_names(const std::string& further_bridge);

// "vf" and what follows "ve" in the host end's name, so that it moves with it.
std::string shaper_name(const std::string& host_end);

}  // namespace viaduct::net
