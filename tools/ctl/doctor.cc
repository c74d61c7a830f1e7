#include "tools/ctl/doctor.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "tools/ctl/fields.h"
#include "tools/ctl/text.h"

namespace viaduct::ctl {

namespace {

// Below it a commit may fail soon.
constexpr uint64_t kLittleSpace = uint64_t{64} << 20;
constexpr int kNearlyFullPercent = 80;
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
  else
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

void check_host(const HostFacts& facts, Advices& out) {
  if (!facts.clock_synchronized)
    out.push_back({Level::kNote,
                   "the clock is not synchronized: times in the state and in logs may be wrong (rests go by "
                   "the time since the boot)",
                   "timedatectl set-ntp true"});
  if (facts.state_free_bytes && *facts.state_free_bytes < kLittleSpace)
    out.push_back({Level::kWarning,
                   fmt::format("{} MiB are free where the state lies", *facts.state_free_bytes >> 20),
                   "free space there: without it every call fails"});
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
  check_host(facts, out);
  return out;
}

}  // namespace viaduct::ctl
