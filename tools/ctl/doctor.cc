#include "tools/ctl/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "tools/ctl/engine_networks.h"
#include "tools/ctl/fields.h"
#include "tools/ctl/text.h"

namespace viaduct::ctl {

namespace {

// Below it a commit may fail soon.
constexpr uint64_t kLittleSpace = uint64_t{64} << 20;
constexpr int kNearlyFullPercent = 80;
constexpr int64_t kUnremarkableSeconds = 5;
// The oldest engine that viaduct is tested with.
constexpr int kOldestEngine = 20;

using Advices = std::vector<Advice>;

void check_daemon(const HostFacts& facts, Advices& out) {
  if (!facts.status) {
    out.push_back({Level::kTrouble, "viaductd does not answer: " + facts.daemon_error,
                   "systemctl start viaduct, or docker plugin enable viaduct; then journalctl -u viaduct"});
    return;
  }
  const std::string version = text_field(*facts.status, "version");
  out.push_back({Level::kOk, fmt::format("viaductd {} answers", ascii(version)), ""});
  if (version != facts.ctl_version)
    out.push_back({Level::kNote,
                   fmt::format("viaductctl is {}, viaductd {}", facts.ctl_version, ascii(version)),
                   "install both from one build"});
}

void check_findings(const HostFacts& facts, Advices& out) {
  if (!facts.check) return;
  const size_t count = list_field(*facts.check, "findings").size();
  if (count == 0)
    out.push_back({Level::kOk, "state, kernel and rules agree", ""});
  else
    out.push_back({Level::kTrouble, fmt::format("state, kernel and rules differ in {} points", count),
                   "viaductctl fsck"});
}

void check_engine(const HostFacts& facts, Advices& out) {
  if (!facts.engine) {
    out.push_back({Level::kWarning, "the engine's socket does not answer",
                   "systemctl start docker, or name it with DOCKER_HOST"});
    return;
  }
  const std::string version = text_field(*facts.engine, "Version");
  const int major = std::atoi(version.c_str());
  if (major < kOldestEngine)
    out.push_back({Level::kWarning,
                   fmt::format("engine {} is older than those that viaduct is tested with", ascii(version)),
                   "use engine 20.10 or newer"});
  else
    out.push_back({Level::kOk, fmt::format("engine {} answers", ascii(version)), ""});
  for (const std::string& service : facts.vip_services)
    out.push_back(
        {Level::kWarning,
         fmt::format(
             "service {} has a virtual address on a network of viaduct's, which no engine serves for drivers "
             "that are not its own",
             ascii(service)),
         fmt::format("docker service update --endpoint-mode dnsrr {}", ascii(service))});
}

void check_forwarding(const HostFacts& facts, Advices& out) {
  if (facts.ip_forward == 0)
    out.push_back(
        {Level::kTrouble, "the host does not forward IPv4: containers reach nothing beyond it",
         "sysctl -w net.ipv4.ip_forward=1 (the engine does so when it starts, unless --ip-forward=false)"});
  else if (facts.ip_forward)
    out.push_back({Level::kOk, "the host forwards IPv4", ""});
  if (facts.ipv6_forwarding == 0)
    out.push_back({Level::kWarning, "the host does not forward IPv6",
                   "sysctl -w net.ipv6.conf.all.forwarding=1; viaductd does so when it starts"});
  if (facts.bridge_netfilter == 1)
    out.push_back({Level::kNote,
                   "net.bridge.bridge-nf-call-iptables is 1: what containers of one network say to each "
                   "other passes the packet filter",
                   "as engines set it; sysctl -w net.bridge.bridge-nf-call-iptables=0 spares that where "
                   "nothing needs it"});
}

void check_filter(const HostFacts& facts, Advices& out) {
  if (facts.legacy_iptables)
    out.push_back(
        {Level::kWarning,
         "tables of iptables-legacy are in use beside nftables: viaduct cannot keep its accept rules there",
         "update-alternatives --set iptables /usr/sbin/iptables-nft, or iptables-legacy -I FORWARD -i vd-+ "
         "-j ACCEPT and -o vd-+"});
  if (facts.firewalld)
    out.push_back({Level::kNote, "firewalld runs: its zones decide as well",
                   "firewall-cmd --permanent --zone=trusted --add-interface=vd-+ if traffic is dropped"});
  if (facts.ufw)
    out.push_back({Level::kNote, "ufw is enabled: its policy for routed traffic decides as well",
                   "ufw route allow in on vd-+ if traffic is dropped"});
  if (facts.conntrack_count && facts.conntrack_max && *facts.conntrack_max > 0 &&
      *facts.conntrack_count * 100 / *facts.conntrack_max >= kNearlyFullPercent)
    out.push_back(
        {Level::kWarning,
         fmt::format("{} of {} connections that the kernel can track are in use: new ones will be dropped",
                     *facts.conntrack_count, *facts.conntrack_max),
         fmt::format("sysctl -w net.netfilter.nf_conntrack_max={}", *facts.conntrack_max * 2)});
}

void check_chains(const HostFacts& facts, Advices& out) {
  for (const auto& chain : facts.chains) {
    if (flag_field(chain, "refuses") == Flag::kOff) continue;
    const std::string where = ascii(text_field(chain, "family")) + " " + ascii(text_field(chain, "table")) +
                              " " + ascii(text_field(chain, "chain"));
    const std::string text = fmt::format("chain {} refuses to forward what no rule of it accepts", where);
    if (flag_field(chain, "lets_pass") == Flag::kOn) {
      out.push_back({Level::kOk, text + "; viaduct's networks are accepted there", ""});
      continue;
    }
    const bool jumps = flag_field(chain, "jumps") == Flag::kOn;
    out.push_back({jumps ? Level::kNote : Level::kWarning,
                   text + (jumps ? ", and accepts viaduct's networks only if a chain that it leads to does"
                                 : ": nothing gets out of viaduct's networks, nor into them"),
                   fmt::format("nft insert rule {0} iifname \"vd-*\" accept; nft insert rule {0} oifname "
                               "\"vd-*\" accept; and the same where the rules are kept",
                               where)});
  }
}

void check_modules(const HostFacts& facts, Advices& out) {
  const auto is_among = [](const std::string& name, const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (const std::string& name : facts.missing_modules) {
    const std::string remedy = "install the package of this kernel that has it, or another kernel";
    if (is_among(name, kNeededModules))
      out.push_back({Level::kTrouble,
                     fmt::format("the kernel has no {}, without which viaduct makes no network", name),
                     remedy});
    else
      out.push_back(
          {Level::kNote, fmt::format("the kernel has no {}, which rate_in and rate_out need", name), remedy});
  }
}

void check_uplinks(const HostFacts& facts, Advices& out) {
  for (const Uplink& link : facts.uplinks) {
    const std::string name = ascii(link.name);
    if (link.accept_ra == 1 && facts.ipv6_forwarding == 1)
      out.push_back({Level::kWarning,
                     fmt::format("{} believes no router any more, for the host forwards IPv6 and its "
                                 "accept_ra is 1: a default route by advertisement will end",
                                 name),
                     fmt::format("sysctl -w net.ipv6.conf.{}.accept_ra=2", name)});
    if (link.rp_filter == 1)
      out.push_back(
          {Level::kNote, fmt::format("{} drops packets whose way back is another one (rp_filter is 1)", name),
           fmt::format("sysctl -w net.ipv4.conf.{}.rp_filter=2 where a host has several ways out", name)});
  }
  if (facts.route_localnet == 1)
    out.push_back({Level::kNote,
                   "net.ipv4.conf.all.route_localnet is 1: every link takes packets to 127.0.0.0/8; viaduct "
                   "sets that for bridges of its own alone",
                   "sysctl -w net.ipv4.conf.all.route_localnet=0 unless something else needs it"});
}

// A network's own route is by its bridge; another one came later, or viaduct would have refused the subnet.
void check_overlaps(const HostFacts& facts, Advices& out) {
  for (const auto& network : facts.networks)
    for (const auto& subnet : list_field(network, "subnets")) {
      const auto pool = Prefix::parse(text_field(subnet, "pool"));
      if (!pool.ok()) continue;
      for (const HostRoute& route : facts.routes) {
        const bool by_itself = route.link == text_field(network, "bridge");
        if (by_itself || route.destination.length() < 8 || !route.destination.overlaps(pool.value()))
          continue;
        const bool wider = route.destination.length() < pool.value().length();
        out.push_back({wider ? Level::kNote : Level::kWarning,
                       fmt::format("the host's route to {} by {} overlaps {} of network {}: {}",
                                   route.destination.to_string(), ascii(route.link), pool.value().to_string(),
                                   ascii(text_field(network, "id").substr(0, 12)),
                                   wider ? "what is there behind that link is not reached"
                                         : "containers there may not be reached"),
                       fmt::format("make the network on another subnet, or ip route del {} dev {}",
                                   route.destination.to_string(), ascii(route.link))});
      }
    }
}

// An engine releases nothing that was not there when a network was removed: viaductd was stopped then.
void check_pools(const HostFacts& facts, Advices& out) {
  if (!facts.engine_networks) return;
  for (const auto& pool : facts.pools) {
    // A Swarm's pools are its leader's, whichever node that is.
    if (!text_field(pool, "space").starts_with("local")) continue;
    const std::string subnet = text_field(pool, "pool");
    if (text_field(pool, "since") > facts.a_minute_ago || !network_on(*facts.engine_networks, subnet).empty())
      continue;
    out.push_back({Level::kWarning,
                   fmt::format("pool {} is held since {}, and the engine has no network on that subnet",
                               ascii(text_field(pool, "id")), ascii(text_field(pool, "since"))),
                   fmt::format("viaductctl pool rm {}", ascii(text_field(pool, "id")))});
  }
}

// What an adjusted clock may have gained or lost without anybody's setting it: 500 parts of a million (adjtimex(2)).
void check_clock(const HostFacts& facts, Advices& out) {
  if (!facts.clock_synchronized)
    out.push_back({Level::kNote,
                   "the clock is not synchronized: times in the state and in logs may be wrong (rests go by "
                   "the time since the boot)",
                   "timedatectl set-ntp true"});
  if (!facts.status) return;
  const int64_t set_by = integer_field(*facts.status, "clock_set_by_seconds");
  const auto drift = static_cast<int64_t>(count_field(*facts.status, "uptime_seconds") / 2000);
  if (std::abs(set_by) <= kUnremarkableSeconds + drift) return;
  out.push_back({Level::kNote,
                 fmt::format("the clock was set {} by {} s since viaductd started: times in the state and in "
                             "logs from before are off by as much (rests go by the time since the boot)",
                             set_by > 0 ? "forward" : "back", std::abs(set_by)),
                 "nothing, once; where it happens again, look after what sets the clock"});
}

void check_state_folder(const HostFacts& facts, Advices& out) {
  if (facts.state_free_bytes && *facts.state_free_bytes < kLittleSpace)
    out.push_back({Level::kWarning,
                   fmt::format("{} MiB are free where the state lies", *facts.state_free_bytes >> 20),
                   "free space there: without it every call fails"});
  if (!facts.state_file_system.empty())
    out.push_back(
        {Level::kWarning,
         fmt::format("the state lies on {}: {}", facts.state_file_system,
                     facts.state_file_system == "tmpfs" ? "after a reboot viaduct knows no network any more"
                                                        : "locks and flushes may not hold there"),
         "stop viaductd and move the folder to a file system of a local disk (--state)"});
  if (facts.state_mode && (*facts.state_mode & 022U) != 0)
    out.push_back({Level::kWarning,
                   fmt::format("others may write to the state folder (mode {:04o})", *facts.state_mode),
                   fmt::format("chmod 0700 {}", ascii(facts.state_folder))});
  if (facts.files_open && facts.files_most && *facts.files_most > 0 &&
      *facts.files_open * 100 / *facts.files_most >= kNearlyFullPercent)
    out.push_back({Level::kWarning,
                   fmt::format("viaductd has {} of the {} files open that it may have", *facts.files_open,
                               *facts.files_most),
                   fmt::format("LimitNOFILE={} in viaduct.service, and restart it", *facts.files_most * 2)});
}

void check_host(const HostFacts& facts, Advices& out) {
  for (const std::string& socket : facts.dead_sockets)
    out.push_back({Level::kWarning,
                   fmt::format("nobody listens at {}: an engine that starts waits for it", ascii(socket)),
                   fmt::format("systemctl start viaduct, or rm {}", ascii(socket))});
  if (facts.socket_unit_missing)
    out.push_back({Level::kNote,
                   "systemd has no viaduct.socket: an engine that starts before viaductd waits for it",
                   "install viaduct.socket and viaduct.service, then systemctl enable --now viaduct.socket"});
  if (facts.plugin_files.size() > 1) {
    std::string files;
    for (const std::string& file : facts.plugin_files) files += (files.empty() ? "" : ", ") + ascii(file);
    out.push_back({Level::kWarning,
                   fmt::format("the engine finds viaduct in several places ({}) and takes the first", files),
                   "remove what is left of an earlier installation"});
  }
  if (!facts.uplink_mtu) return;
  for (const auto& network : facts.networks) {
    const uint64_t mtu = count_field(network, "mtu");
    if (mtu > static_cast<uint64_t>(*facts.uplink_mtu) && flag_field(network, "internal") != Flag::kOn)
      out.push_back(
          {Level::kNote,
           fmt::format("network {} has MTU {}, its way out {}: large packets depend on path MTU discovery",
                       ascii(text_field(network, "id").substr(0, 12)), mtu, *facts.uplink_mtu),
           fmt::format("make the network with -o mtu={}, or without mtu=", *facts.uplink_mtu)});
  }
}

}  // namespace

std::string_view name_of(Level level) {
  switch (level) {
    case Level::kOk: return "ok";
    case Level::kNote: return "note";
    case Level::kWarning: return "warning";
    case Level::kTrouble: return "trouble";
  }
  return "?";
}

std::vector<Advice> examine(const HostFacts& facts) {
  Advices out;
  check_daemon(facts, out);
  check_findings(facts, out);
  check_engine(facts, out);
  check_forwarding(facts, out);
  check_filter(facts, out);
  check_chains(facts, out);
  check_modules(facts, out);
  check_uplinks(facts, out);
  check_overlaps(facts, out);
  check_pools(facts, out);
  check_clock(facts, out);
  check_state_folder(facts, out);
  check_host(facts, out);
  return out;
}

}  // namespace viaduct::ctl
