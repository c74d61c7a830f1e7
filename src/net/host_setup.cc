#include "net/host_setup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include "base/unique_fd.h"

namespace viaduct::net {

namespace {

namespace fs = std::filesystem;

// The text of a file without its last newline; empty if it cannot be read.
std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  std::string content = text.str();
  while (!content.empty() && content.back() == '\n') content.pop_back();
  return content;
}

// 0 or the errno.
int write_text(const fs::path& file, const std::string& text) {
  UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return errno;
  return ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
}

// A setting beneath /proc/sys/net, with the name that sysctl(8) gives it.
struct Setting {
  fs::path file;
  std::string name;
};

// Sets it if it is not so already, and says what happened.
void set(const HostFiles& host, const Setting& setting, const std::string& value,
         std::vector<std::string>& said) {
  std::string now = text_of(host.proc / "sys/net" / setting.file);
  if (now == value) return;
  int failure = write_text(host.proc / "sys/net" / setting.file, value);
  if (failure == EROFS && fs::exists(host.writable_net))
    failure = write_text(host.writable_net / setting.file, value);
  if (failure == 0) {
    said.push_back(fmt::format("set {} from {} to {}", setting.name, now, value));
    return;
  }
  said.push_back(fmt::format("cannot set {} to {}: {}; run sysctl -w {}={} on the host", setting.name, value,
                             std::generic_category().message(failure), setting.name, value));
}

void keep_router_advertisements(const HostFiles& host, const std::set<std::string>& own,
                                std::vector<std::string>& said) {
  const fs::path conf = "ipv6/conf";
  std::error_code failed;
  std::vector<fs::path> links;
  for (fs::directory_iterator entry(host.proc / "sys/net" / conf, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    links.push_back(entry->path());
  }
  std::sort(links.begin(), links.end());
  for (const fs::path& link : links) {
    std::string name = link.filename().string();
    // "all" has no effect on links of its own; the loopback hears no router. What "default" says would hold for every bridge
    // to come as well, where a container could make itself the host's router.
    if (name == "all" || name == "default" || name == "lo" || own.contains(name)) continue;
    if (text_of(link / "accept_ra") != "1") continue;
    set(host, {conf / name / "accept_ra", fmt::format("net.ipv6.conf.{}.accept_ra", name)}, "2", said);
  }
}

void report_bridge_filter(const fs::path& proc, std::vector<std::string>& said) {
  for (const char* name : {"bridge-nf-call-iptables", "bridge-nf-call-ip6tables"}) {
    if (text_of(proc / "sys/net/bridge" / name) == "1") {
      said.push_back(fmt::format(
          "net.bridge.{} is 1: traffic within a bridge passes the host's packet filter too", name));
    }
  }
}

void report_legacy_filter(const fs::path& proc, std::vector<std::string>& said) {
  struct Legacy {
    const char* list;
    const char* command;
  };
  for (const Legacy& legacy : std::array{Legacy{"net/ip_tables_names", "iptables-legacy"},
                                         Legacy{"net/ip6_tables_names", "ip6tables-legacy"}}) {
    std::istringstream tables(text_of(proc / legacy.list));
    for (std::string table; std::getline(tables, table);) {
      if (table != "filter") continue;
      said.push_back(fmt::format(
          "{0}'s filter table is in use, where viaduct adds no rules; if its FORWARD policy is DROP, switch "
          "the engine "
          "to iptables-nft, or run {0} -A FORWARD -i vd-+ -j ACCEPT and {0} -A FORWARD -o vd-+ -j ACCEPT",
          legacy.command));
    }
  }
}

}  // namespace

std::vector<std::string> set_up_host(const HostFiles& host, const std::set<std::string>& own) {
  std::vector<std::string> said;
  const fs::path forwarding = "ipv6/conf/all/forwarding";
  // A host without IPv6 has nothing to set.
  const fs::path seen = host.proc / "sys/net" / forwarding;
  if (fs::exists(seen) && text_of(seen) != "1") {
    keep_router_advertisements(host, own, said);
    set(host, {forwarding, "net.ipv6.conf.all.forwarding"}, "1", said);
  }
  report_bridge_filter(host.proc, said);
  report_legacy_filter(host.proc, said);
  return said;
}

}  // namespace viaduct::net
