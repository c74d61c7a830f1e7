#include "tools/ctl/host_tables.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <set>
#include <sstream>

namespace viaduct::ctl {

namespace {

// linux/route.h and linux/ipv6_route.h
constexpr uint32_t kUp = 0x0001;
constexpr uint32_t kReject = 0x0200;
constexpr uint32_t kAnycast = 0x00100000;
constexpr uint32_t kLocal = 0x80000000;
// __SO_ACCEPTCON of linux/net.h: it listens.
constexpr uint32_t kListens = 0x00010000;

bool read_hex(const std::string& text, uint32_t& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number, 16);
  return problem == std::errc{} && stop == end;
}

bool in_force(const std::string& text, uint32_t unwanted) {
  uint32_t flags = 0;
  return read_hex(text, flags) && (flags & kUp) != 0 && (flags & unwanted) == 0;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

template <class Visit>
void each_line(const std::string& text, const Visit& visit) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) visit(words_of(line));
}

// "kernel/net/bridge/br_netfilter.ko.zst:" to "br_netfilter".
std::string module_name(std::string path) {
  path.erase(0, path.rfind('/') + 1);
  path = path.substr(0, path.find_first_of(".:"));
  std::replace(path.begin(), path.end(), '-', '_');
  return path;
}

}  // namespace

std::vector<HostRoute> read_ipv4_routes(const std::string& text) {
  std::vector<HostRoute> routes;
  // Iface Destination Gateway Flags RefCnt Use Metric Mask …; numbers as they lie in memory.
  each_line(text, [&](const std::vector<std::string>& words) {
    uint32_t destination = 0;
    uint32_t mask = 0;
    if (words.size() < 8 || !in_force(words[3], kReject) || !read_hex(words[1], destination) ||
        !read_hex(words[7], mask))
      return;
    std::array<uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &destination, bytes.size());
    routes.push_back({Prefix(IpAddress::from_bytes(bytes), std::popcount(mask)), words[0]});
  });
  return routes;
}

std::vector<HostRoute> read_ipv6_routes(const std::string& text) {
  std::vector<HostRoute> routes;
  // destination length source length gateway metric count use flags link
  each_line(text, [&](const std::vector<std::string>& words) {
    uint32_t length = 0;
    if (words.size() < 10 || words[0].size() != 32 || !read_hex(words[1], length) || length > 128 ||
        !in_force(words[8], kReject | kAnycast | kLocal))
      return;
    std::array<uint8_t, 16> bytes{};
    for (size_t at = 0; at < bytes.size(); ++at) {
      uint32_t byte = 0;
      if (!read_hex(words[0].substr(at * 2, 2), byte)) return;
      bytes[at] = static_cast<uint8_t>(byte);
    }
    const bool link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    if (link_local || bytes[0] == 0xff) return;
    routes.push_back({Prefix(IpAddress::from_bytes(bytes), static_cast<int>(length)), words[9]});
  });
  return routes;
}

std::vector<std::string> uplinks_of(const std::vector<HostRoute>& routes) {
  std::vector<std::string> links;
  for (const HostRoute& route : routes)
    if (route.destination.length() == 0 && std::find(links.begin(), links.end(), route.link) == links.end())
      links.push_back(route.link);
  return links;
}

std::vector<std::string> without_listener(const std::vector<std::string>& sockets, const std::string& text) {
  std::set<std::string> listening;
  // Num RefCount Protocol Flags Type St Inode Path
  each_line(text, [&](const std::vector<std::string>& words) {
    uint32_t flags = 0;
    if (words.size() == 8 && read_hex(words[3], flags) && (flags & kListens) != 0) listening.insert(words[7]);
  });
  std::vector<std::string> dead;
  for (const std::string& socket : sockets) {
    // The same folder under its older name.
    if (!listening.contains(socket) && !listening.contains("/var" + socket)) dead.push_back(socket);
  }
  return dead;
}

std::vector<std::string> without_module(const std::vector<std::string>& wanted, const std::string& loaded,
                                        const std::string& builtin, const std::string& loadable) {
  std::set<std::string> known;
  for (const std::string* list : {&loaded, &builtin, &loadable})
    each_line(*list, [&](const std::vector<std::string>& words) {
      if (!words.empty()) known.insert(module_name(words[0]));
    });
  std::vector<std::string> missing;
  for (const std::string& name : wanted)
    if (!known.contains(name)) missing.push_back(name);
  return missing;
}

}  // namespace viaduct::ctl
