#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace viaduct::server {

// A socket's file; unlinked at its end. Empty for an inherited socket, whose file is systemd's. Move-only.
class SocketFile {
 public:
  SocketFile() = default;
  explicit SocketFile(std::string path) : path_(std::move(path)) {}
  SocketFile(SocketFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  SocketFile& operator=(SocketFile&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;
  ~SocketFile();

 private:
  std::string path_;
};

// A bound and listening socket, and the file that belongs to it.
struct Listener {
  UniqueFd fd;
  SocketFile file;
};

inline constexpr const char* kInherited = "fd://";

// Whether open_listeners() understands it, without opening anything. `flag` names it in messages.
// Errors: kInvalidArgument.
Status check_listen_address(const std::string& flag, const std::string& address);

// Opens what one --listen names:
//   unix:///path  the socket file, mode 0600; the folder is made when missing. A stale file is replaced; one behind which a
//                 process answers is refused. At most 107 bytes (sun_path).
//   fd://         every socket that systemd passed (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS).
// Errors: kInvalidArgument, another form; kBusy, somebody answers there; kUnavailable, kPermission.
Result<std::vector<Listener>> open_listeners(const std::string& address);

}  // namespace viaduct::server
