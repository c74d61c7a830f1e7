#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

// What `viaductctl doctor` knows of a host, and what it makes of that. Pure.
namespace viaduct::ctl {

enum class Level { kOk, kNote, kWarning, kTrouble };

struct Advice {
  Level level = Level::kOk;
  std::string text;    // one sentence
  std::string remedy;  // a command or what to do; empty where there is nothing
};

// What cannot be read is empty.
struct HostFacts {
  std::string ctl_version;
  std::optional<Json> status;             // of the daemon; empty if it does not answer,
  std::string daemon_error;               // and why
  std::optional<Json> check;              // what fsck would say
  std::optional<Json> engine;             // the engine's /version
  std::vector<std::string> vip_services;  // of a Swarm, on viaduct's networks
  std::optional<int64_t> ip_forward;      // /proc/sys/net/ipv4/ip_forward, and so on; empty if there is none
  std::optional<int64_t> ipv6_forwarding;
  std::optional<int64_t> bridge_netfilter;
  std::optional<int64_t> conntrack_count;
  std::optional<int64_t> conntrack_max;
  bool legacy_iptables = false;  // tables of iptables-legacy are in use
  bool ufw = false;
  bool firewalld = false;
  bool clock_synchronized = false;
  std::optional<uint64_t> state_free_bytes;
  std::vector<std::string> plugin_files;  // sockets, .spec and .json whose name is viaduct's
  std::optional<int64_t> uplink_mtu;
  Json networks = Json::array();  // of /v1/networks
};

// Everything worth telling, in the order of the checks; those that found nothing wrong included.
std::vector<Advice> examine(const HostFacts& facts);

std::string_view name_of(Level level);

}  // namespace viaduct::ctl
