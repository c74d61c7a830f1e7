#include "net/link_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "net/link_types.h"

namespace viaduct::net {

namespace {

constexpr char kBridgePrefix[] = "vd-";
constexpr char kHostPrefix[] = "ve";
constexpr char kPeerPrefix[] = "vc";
constexpr char kShaperPrefix[] = "vf";
constexpr char kJointPrefix[] = "vj";
constexpr size_t kBridgeTail = kMaxLinkName - 3;
constexpr size_t kVethTail = kMaxLinkName - 2;
// 36^8 is about 2^41: names of one host do not meet twice.
constexpr size_t kHashCharacters = 8;
constexpr char kBase36[] = "0123456789abcdefghijklmnopqrstuvwxyz";

// FNV-1a, 64 bits: any even spread will do, and it must never change, since names are found again by it.
uint64_t hash(const std::string& text) {
  uint64_t value = 0xcbf29ce484222325U;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return value;
}

std::string tail(const std::string& id, size_t length, int attempt) {
  if (attempt == 0) return id.substr(0, length);
  std::string text = id.substr(0, length - kHashCharacters);
  uint64_t rest = hash(fmt::format("{}/{}", id, attempt));
  for (size_t i = 0; i < kHashCharacters; ++i, rest /= 36) text += kBase36[rest % 36];
  return text;
}

Error no_free_name(const char* what, const std::string& id) {
  return Error{
      ErrorCode::kExhausted,
      fmt::format("{} {} gets no link name: all {} that viaduct tries are in use on this host; remove links "
                  "whose names begin with vd-, ve, vc, vf or vj and that nobody needs",
                  what, id, kNameAttempts)};
}

}  // namespace

std::string hashed_tail(const std::string& of, int attempt) {
  constexpr size_t kLength = 12;
  std::string text;
  uint64_t rest = hash(fmt::format("{}/{}", of, attempt));
  for (size_t i = 0; i < kLength; ++i, rest /= 36) text += kBase36[rest % 36];
  return text;
}

Result<std::string> bridge_name(const std::string& network_id, const std::set<std::string>& taken) {
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    std::string name = kBridgePrefix + tail(network_id, kBridgeTail, attempt);
    if (!taken.contains(name)) return name;
  }
  return no_free_name("network", network_id);
}

Result<std::string> further_bridge_name(const std::string& network_id, int number,
                                        const std::set<std::string>& taken) {
  const std::string own = fmt::format("{}#{}", network_id, number);
  for (int attempt = 1; attempt <= kNameAttempts; ++attempt) {
    std::string name = kBridgePrefix + tail(own, kBridgeTail, attempt);
    if (!taken.contains(name)) return name;
  }
  return no_free_name("network", network_id);
}

JointNames joint_names(const std::string& further_bridge) {
  const std::string middle =
      kJointPrefix + further_bridge.substr(std::min(further_bridge.size(), sizeof(kBridgePrefix) - 1));
  return {middle + "a", middle + "b"};
}

Result<VethNames> veth_names(const std::string& endpoint_id, const std::set<std::string>& taken) {
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    const std::string end = tail(endpoint_id, kVethTail, attempt);
    VethNames names{kHostPrefix + end, kPeerPrefix + end};
    if (!taken.contains(names.host) && !taken.contains(names.peer)) return names;
  }
  return no_free_name("endpoint", endpoint_id);
}

std::string shaper_name(const std::string& host_end) {
  return kShaperPrefix + host_end.substr(std::min(host_end.size(), sizeof(kHostPrefix) - 1));
}

}  // namespace viaduct::net
