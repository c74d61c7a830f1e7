#include "server/engine_process.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string_view>

#include "base/files.h"

namespace viaduct::server {

namespace {

// 0 if there is no such process. The second field is the command in parentheses and may hold anything: count behind the
// last ')'.
uint64_t start_ticks_of(int pid) {
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid));
  if (!stat.ok()) return 0;
  std::string_view rest = stat.value();
  const size_t close = rest.rfind(')');
  if (close == std::string_view::npos) return 0;
  rest.remove_prefix(close + 1);
  constexpr int kFieldsAfterCommand = 20;  // starttime is field 22, the first behind ')' is field 3
  for (int field = 0; field < kFieldsAfterCommand; ++field) {
    const size_t start = rest.find_first_not_of(' ');
    if (start == std::string_view::npos) return 0;
    rest.remove_prefix(start);
    if (field == kFieldsAfterCommand - 1) break;
    rest.remove_prefix(std::min(rest.find(' '), rest.size()));
  }
  uint64_t ticks = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), ticks);
  return ticks;
}

}  // namespace

ipam::EngineIdentity identify_engine(int pid, const std::string& boot_id) {
  const uint64_t ticks = pid > 0 ? start_ticks_of(pid) : 0;
  if (ticks == 0) return {};
  return {pid, ticks, boot_id};
}

ipam::EngineListener listener_in(std::string_view sockets) {
  constexpr std::string_view kFolder = "/libnetwork/";
  constexpr std::string_view kEnding = ".sock";
  constexpr std::string_view kListening = " 00010000 ";  // __SO_ACCEPTCON
  std::string found;
  while (!sockets.empty()) {
    const size_t end = std::min(sockets.find('\n'), sockets.size());
    const std::string_view line = sockets.substr(0, end);
    sockets.remove_prefix(std::min(end + 1, sockets.size()));
    const size_t folder = line.rfind(kFolder);
    if (folder == std::string_view::npos || !line.ends_with(kEnding) ||
        line.find(kListening) == std::string_view::npos)
      continue;
    const std::string_view file = line.substr(folder + kFolder.size());
    if (file.find('/') != std::string_view::npos) continue;
    if (!found.empty()) return std::nullopt;
    found = file.substr(0, file.size() - kEnding.size());
  }
  return found;
}

ipam::EngineListener engine_listener() {
  constexpr size_t kMost = size_t{16} << 20;  // some 200,000 sockets
  const auto sockets = read_file("/proc/net/unix", kMost);
  return sockets.ok() ? listener_in(sockets.value()) : std::nullopt;
}

uint64_t ticks_now() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const auto per_second = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  constexpr uint64_t kNanoseconds = 1'000'000'000;
  return static_cast<uint64_t>(now.tv_sec) * per_second +
         static_cast<uint64_t>(now.tv_nsec) * per_second / kNanoseconds;
}

bool engine_alive(const ipam::EngineIdentity& engine, const std::string& boot_id) {
  return engine.visible() && engine.boot_id == boot_id && start_ticks_of(engine.pid) == engine.start_ticks;
}

}  // namespace viaduct::server
