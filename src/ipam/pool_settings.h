#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ipam/ipam_types.h"

// What --ipam-opt says of a pool. Pure.
namespace viaduct::ipam {

// First and last address, both inclusive, of one family.
struct AddressSpan {
  IpAddress first;
  IpAddress last;
  bool operator==(const AddressSpan&) const = default;
};

inline constexpr uint32_t kMostParts = 1024;
inline constexpr std::chrono::seconds kDefaultQuarantine = std::chrono::seconds(60);
inline constexpr std::chrono::seconds kDefaultRetention = std::chrono::hours(24);

struct PoolSettings {
  std::string space;             // space=NAME; empty: none
  std::optional<int> size;       // size=N: prefix length of an automatic pool
  Policy policy = Policy::kLru;  // policy=
  // quarantine=: how long a released address is given to nobody but its former owner, while others are left.
  std::chrono::seconds quarantine = kDefaultQuarantine;
  // sticky=: how long a released address is kept for its former owner, known by name or MAC, while others are left.
  std::chrono::seconds retention = kDefaultRetention;
  // exclude=: never given by itself, of either family. What lies outside a pool means nothing there: the engine sends
  // the same options with each subnet of a network.
  std::vector<AddressSpan> exclude;
  // slice=K/N: automatic addresses come from the K-th of N equal parts of the range, so that nodes that do not speak to one
  // another give none twice.
  struct Slice {
    uint32_t part = 1;   // from 1
    uint32_t parts = 1;  // to kMostParts
    bool operator==(const Slice&) const = default;
  };
  std::optional<Slice> slice;
  Probe probe = Probe::kAuto;  // probe=
  // spill=: other subnets of the same network, used in this order when the pool is full.
  std::vector<Prefix> spill;

  // Whether a released address is remembered.
  [[nodiscard]] bool keeps_former() const { return quarantine.count() > 0 || retention.count() > 0; }
  bool operator==(const PoolSettings&) const = default;
};

// Options that the engine and Swarm mix in (RequestAddressType, com.docker.network.*) are passed over. Errors:
// kInvalidArgument naming the option and the remedy; an unknown one comes with the nearest known one.
Result<PoolSettings> read_pool_settings(const Options& options);

// "60s", "5m", "24h", "7d", "0"; at most ten years. Errors: kInvalidArgument, naming `option`.
Result<std::chrono::seconds> read_duration(const std::string& option, const std::string& text);

}  // namespace viaduct::ipam
