#include "tools/ctl/host_facts.h"

#include <sys/statvfs.h>
#include <sys/timex.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "tools/ctl/fields.h"

namespace viaduct::ctl {

namespace {

namespace fs = std::filesystem;

std::optional<int64_t> number_in(const std::string& file) {
  std::ifstream stream(file);
  int64_t number = 0;
  return stream >> number ? std::optional<int64_t>(number) : std::nullopt;
}

bool has_text(const std::string& file, const std::string& text = "") {
  std::ifstream stream(file);
  std::string line;
  while (std::getline(stream, line))
    if (line.find(text) != std::string::npos && !line.empty()) return true;
  return false;
}

// Where engines look for plugins (moby: pkg/plugins/discovery.go).
std::vector<std::string> plugin_files() {
  std::vector<std::string> found;
  for (const char* folder : {"/run/docker/plugins", "/etc/docker/plugins", "/usr/lib/docker/plugins"})
    for (const char* ending : {".sock", ".spec", ".json"}) {
      const fs::path file = fs::path(folder) / (std::string("viaduct") + ending);
      std::error_code unreadable;
      if (fs::exists(file, unreadable)) found.push_back(file.string());
    }
  return found;
}

// "Iface Destination Gateway …" in /proc/net/route; the way out has destination 0 and mask 0.
std::optional<int64_t> uplink_mtu() {
  std::ifstream routes("/proc/net/route");
  std::string line;
  std::getline(routes, line);
  while (std::getline(routes, line)) {
    std::istringstream words(line);
    std::string link;
    std::string destination;
    if (words >> link >> destination && destination == "00000000")
      return number_in("/sys/class/net/" + link + "/mtu");
  }
  return std::nullopt;
}

std::optional<Json> ask(const Daemon& daemon, const std::string& path) {
  auto answer = daemon.get(path);
  return answer.ok() ? std::optional<Json>(std::move(answer).value()) : std::nullopt;
}

// Names of services with a virtual address on networks of viaduct's. Empty where the engine is no manager.
std::vector<std::string> vip_services(const Daemon& daemon) {
  std::vector<std::string> found;
  const auto services = daemon.engine("/services");
  const auto networks = daemon.engine("/networks");
  if (!services.ok() || !services.value().is_array() || !networks.ok()) return found;
  std::set<std::string> ours;
  for (const auto& network : networks.value())
    if (text_field(network, "Driver").starts_with("viaduct")) ours.insert(text_field(network, "Id"));
  for (const auto& service : services.value())
    for (const auto& vip : list_field(object_field(service, "Endpoint"), "VirtualIPs"))
      if (ours.contains(text_field(vip, "NetworkID"))) {
        found.push_back(text_field(object_field(service, "Spec"), "Name"));
        break;
      }
  return found;
}

void read_daemon(const Daemon& daemon, HostFacts& facts) {
  auto status = daemon.get("/v1/status");
  if (!status.ok()) {
    facts.daemon_error = status.error().message;
    return;
  }
  facts.status = std::move(status).value();
  facts.check = ask(daemon, "/v1/check");
  if (const auto networks = ask(daemon, "/v1/networks")) facts.networks = list_field(*networks, "networks");
  struct statvfs disk {};
  if (::statvfs(text_field(*facts.status, "state").c_str(), &disk) == 0)
    facts.state_free_bytes = uint64_t{disk.f_bavail} * disk.f_frsize;
}

}  // namespace

HostFacts read_host(const Daemon& daemon) {
  HostFacts facts;
  facts.ctl_version = VIADUCT_VERSION;
  read_daemon(daemon, facts);
  if (auto engine = daemon.engine("/version"); engine.ok()) {
    facts.engine = std::move(engine).value();
    facts.vip_services = vip_services(daemon);
  }
  facts.ip_forward = number_in("/proc/sys/net/ipv4/ip_forward");
  facts.ipv6_forwarding = number_in("/proc/sys/net/ipv6/conf/all/forwarding");
  facts.bridge_netfilter = number_in("/proc/sys/net/bridge/bridge-nf-call-iptables");
  facts.conntrack_count = number_in("/proc/sys/net/netfilter/nf_conntrack_count");
  facts.conntrack_max = number_in("/proc/sys/net/netfilter/nf_conntrack_max");
  std::error_code unreadable;
  facts.legacy_iptables = has_text("/proc/net/ip_tables_names") || has_text("/proc/net/ip6_tables_names");
  facts.firewalld = fs::exists("/run/firewalld.pid", unreadable);
  facts.ufw = has_text("/etc/ufw/ufw.conf", "ENABLED=yes");
  struct timex clock {};
  facts.clock_synchronized = ::adjtimex(&clock) != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
  facts.plugin_files = plugin_files();
  facts.uplink_mtu = uplink_mtu();
  return facts;
}

}  // namespace viaduct::ctl
