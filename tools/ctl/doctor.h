#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "tools/ctl/host_tables.h"

// What `viaductctl doctor` knows of a host, and what it makes of that. Pure.
namespace viaduct::ctl {

enum class Level { kOk, kNote, kWarning, kTrouble };

struct Advice {
  Level level = Level::kOk;
  std::string text;    // one sentence
  std::string remedy;  // a command or what to do; empty where there is nothing
};

// Settings of a link that leads out of the host.
struct Uplink {
  std::string name;
  std::optional<int64_t> accept_ra;
  std::optional<int64_t> rp_filter;  // the stricter of its own and that of all
};

// What the kernel must have, and what options of networks need.
inline const std::vector<std::string> kNeededModules = {"bridge", "veth", "nf_tables"};
inline const std::vector<std::string> kModulesForRates = {"ifb", "sch_tbf", "sch_ingress", "cls_u32",
                                                          "act_mirred"};

// What cannot be read is empty.
struct HostFacts {
  std::string ctl_version;
  std::optional<Json> status;             // of the daemon; empty if it does not answer,
  std::string daemon_error;               // and why
  std::optional<Json> check;              // what fsck would say
  std::optional<Json> engine;             // the engine's /version
  std::vector<std::string> vip_services;  // of a Swarm, on viaduct's networks
  std::optional<Json> engine_networks;    // the engine's /networks
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
  std::vector<std::string> dead_sockets;  // of these, sockets that nobody listens at
  bool socket_unit_missing = false;       // systemd runs the host, and has no viaduct.socket
  std::vector<std::string> missing_modules;
  std::vector<Uplink> uplinks;
  std::optional<int64_t> route_localnet;  // of all links
  std::optional<uint64_t> files_open;     // of the daemon, and how many it may have
  std::optional<uint64_t> files_most;
  std::string state_folder;
  std::string state_file_system;       // "tmpfs", "NFS", …; empty where it is none to speak of
  std::optional<uint32_t> state_mode;  // permission bits of the folder
  std::vector<HostRoute> routes;
  std::optional<int64_t> uplink_mtu;
  Json networks = Json::array();  // of /v1/networks
  Json pools = Json::array();     // of /v1/pools
  Json chains = Json::array();    // of /v1/forwarding
  // RFC 3339. Pools that are younger may be of a network that the engine is making.
  std::string a_minute_ago;
};

// Everything worth telling, in the order of the checks; those that found nothing wrong included.
std::vector<Advice> examine(const HostFacts& facts);

std::string_view name_of(Level level);

}  // namespace viaduct::ctl
