#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace viaduct {

Result<std::string> read_file(const std::string& path, size_t limit) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd.valid()) return from_errno(errno, fmt::format("read {}", path));
  std::string content;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return from_errno(errno, fmt::format("read {}", path));
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > limit)
      return invalid_argument(fmt::format("{} holds more than {} bytes", path, limit));
  }
}

Status write_file(const std::string& path, const std::string& content) {
  const UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd.valid()) return from_errno(errno, fmt::format("write {}", path));
  const ssize_t put = ::write(fd.get(), content.data(), content.size());
  if (put < 0) return from_errno(errno, fmt::format("write {}", path));
  if (static_cast<size_t>(put) != content.size())
    return unavailable(fmt::format("write {}: only {} of {} bytes were taken", path, put, content.size()));
  return {};
}

Result<std::string> boot_id() {
  std::string id = TRY(read_file("/proc/sys/kernel/random/boot_id"));
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

}  // namespace viaduct
