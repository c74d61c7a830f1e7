#include "tools/ctl/host_facts.h"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "base/clock.h"
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

std::string text_in(const fs::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::optional<int64_t> setting_of(const std::string& family, const std::string& link, const char* name) {
  return number_in("/proc/sys/net/" + family + "/conf/" + link + "/" + name);
}

void read_uplinks(HostFacts& facts) {
  facts.routes = read_ipv4_routes(text_in("/proc/net/route"));
  const auto ipv6 = read_ipv6_routes(text_in("/proc/net/ipv6_route"));
  facts.routes.insert(facts.routes.end(), ipv6.begin(), ipv6.end());
  for (const std::string& name : uplinks_of(facts.routes)) {
    // optional's order: one that is absent is less than any.
    facts.uplinks.push_back(
        {name, setting_of("ipv6", name, "accept_ra"),
         std::max(setting_of("ipv4", name, "rp_filter"), setting_of("ipv4", "all", "rp_filter"))});
    if (!facts.uplink_mtu) facts.uplink_mtu = number_in("/sys/class/net/" + name + "/mtu");
  }
  facts.route_localnet = setting_of("ipv4", "all", "route_localnet");
}

// Empty where the kernel's lists are not to be seen, as in a container.
std::vector<std::string> missing_modules() {
  struct utsname kernel {};
  if (::uname(&kernel) != 0) return {};
  const fs::path folder = fs::path("/lib/modules") / kernel.release;
  std::error_code unreadable;
  if (!fs::exists(folder / "modules.builtin", unreadable) || !fs::exists(folder / "modules.dep", unreadable))
    return {};
  std::vector<std::string> wanted = kNeededModules;
  wanted.insert(wanted.end(), kModulesForRates.begin(), kModulesForRates.end());
  auto missing = without_module(wanted, text_in("/proc/modules"), text_in(folder / "modules.builtin"),
                                text_in(folder / "modules.dep"));
  std::erase_if(missing,
                [&](const std::string& name) { return fs::exists("/sys/module/" + name, unreadable); });
  return missing;
}

bool socket_unit_missing() {
  std::error_code unreadable;
  if (!fs::exists("/run/systemd/system", unreadable)) return false;
  for (const char* folder : {"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"})
    if (fs::exists(fs::path(folder) / "systemd/system/viaduct.socket", unreadable)) return false;
  return true;
}

// linux/magic.h
std::string file_system_name(long type) {
  switch (static_cast<uint32_t>(type)) {
    case 0x01021994U:
    case 0x858458f6U: return "tmpfs";
    case 0x6969U: return "NFS";
    case 0xff534d42U:
    case 0xfe534d42U: return "SMB";
    case 0x01021997U: return "9p";
    case 0x65735546U: return "FUSE";
    default: return "";
  }
}

void read_state_folder(HostFacts& facts) {
  struct statfs disk {};
  struct stat folder {};
  if (::statfs(facts.state_folder.c_str(), &disk) == 0) {
    facts.state_free_bytes = uint64_t{disk.f_bavail} * static_cast<uint64_t>(disk.f_bsize);
    facts.state_file_system = file_system_name(disk.f_type);
  }
  if (::stat(facts.state_folder.c_str(), &folder) == 0) facts.state_mode = folder.st_mode & 07777U;
}

// The pid is that of the daemon's own pid namespace, where another process may have it here.
void read_files_of(uint64_t pid, HostFacts& facts) {
  const fs::path process = fs::path("/proc") / std::to_string(pid);
  if (text_in(process / "comm") != "viaductd\n") return;
  uint64_t open = 0;
  std::error_code failed;
  for (fs::directory_iterator entry(process / "fd", failed), end; !failed && entry != end;
       entry.increment(failed))
    ++open;
  std::istringstream limits(text_in(process / "limits"));
  const std::string row = "Max open files";
  for (std::string line; !failed && std::getline(limits, line);)
    if (line.starts_with(row)) {
      facts.files_open = open;
      facts.files_most = std::strtoull(line.c_str() + row.size(), nullptr, 10);
    }
}

std::optional<Json> ask(const Daemon& daemon, const std::string& path) {
  auto answer = daemon.get(path);
  return answer.ok() ? std::optional<Json>(std::move(answer).value()) : std::nullopt;
}

// Names of services with a virtual address on networks of viaduct's. Empty where the engine is no manager.
std::vector<std::string> vip_services(const Daemon& daemon, const Json& networks) {
  std::vector<std::string> found;
  const auto services = daemon.engine("/services");
  if (!services.ok() || !services.value().is_array()) return found;
  std::set<std::string> ours;
  for (const auto& network : networks)
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
  if (const auto chains = ask(daemon, "/v1/forwarding")) facts.chains = list_field(*chains, "chains");
  if (const auto pools = ask(daemon, "/v1/pools")) facts.pools = list_field(*pools, "pools");
  facts.a_minute_ago = format_time(SystemClock().now() - std::chrono::minutes(1));
  facts.state_folder = text_field(*facts.status, "state");
  read_state_folder(facts);
  read_files_of(count_field(*facts.status, "pid"), facts);
}

// Before the daemon's pools: what the engine removes meanwhile is then among none of them.
void read_engine(const Daemon& daemon, HostFacts& facts) {
  auto engine = daemon.engine("/version");
  if (!engine.ok()) return;
  facts.engine = std::move(engine).value();
  auto networks = daemon.engine("/networks");
  if (!networks.ok() || !networks.value().is_array()) return;
  facts.vip_services = vip_services(daemon, networks.value());
  facts.engine_networks = std::move(networks).value();
}

}  // namespace

HostFacts read_host(const Daemon& daemon) {
  HostFacts facts;
  facts.ctl_version = VIADUCT_VERSION;
  read_engine(daemon, facts);
  read_daemon(daemon, facts);
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
  std::vector<std::string> sockets;
  for (const std::string& file : facts.plugin_files)
    if (file.ends_with(".sock")) sockets.push_back(file);
  // Not by connecting: that would start a daemon that systemd keeps the socket for.
  if (const std::string listening = text_in("/proc/net/unix"); !listening.empty())
    facts.dead_sockets = without_listener(sockets, listening);
  facts.socket_unit_missing = socket_unit_missing();
  facts.missing_modules = missing_modules();
  read_uplinks(facts);
  return facts;
}

}  // namespace viaduct::ctl
