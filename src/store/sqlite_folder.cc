#include "store/sqlite_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <string_view>

#include "base/files.h"

namespace viaduct::store {

namespace {

constexpr std::string_view kMagic{"SQLite format 3\0", 16};

Error folder_error(int sys_errno, std::string_view attempt) {
  Error error = from_errno(sys_errno, attempt);
  if (error.code != ErrorCode::kPermission) error.code = ErrorCode::kUnavailable;
  error.message += "; make it a folder that this process may write, or choose another with --state";
  return error;
}

// -1 when there is no such file.
off_t size_of(const std::string& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 ? info.st_size : -1;
}

Result<UniqueFd> take_lock(const std::string& folder) {
  const std::string file = folder + "/lock";
  UniqueFd lock{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock.valid()) return folder_error(errno, fmt::format("open {}", file));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return folder_error(errno, fmt::format("lock {}", file));
    auto holder = read_file(file, 64);
    std::string who =
        holder.ok() && !holder.value().empty() ? "process " + holder.value() : "another process";
    while (who.back() == '\n') who.pop_back();
    return Error{ErrorCode::kBusy,
                 fmt::format("state folder {} is in use by {}; stop it, or choose another folder with "
                             "--state",
                             folder, who)};
  }
  // The number is for people; a disk too full for it does not stop us.
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock.get(), 0) == 0) [[maybe_unused]]
    const ssize_t put = ::pwrite(lock.get(), pid.data(), pid.size(), 0);
  return lock;
}

}  // namespace

std::string way_out(const std::string& file) {
  return fmt::format(
      "restore a copy of it, or move {} and its -wal away to start empty, knowing that every address and "
      "network given so far is then forgotten",
      file);
}

Result<StateFolder> StateFolder::claim(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return folder_error(errno, fmt::format("make the state folder {}", folder));
  UniqueFd handle{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!handle.valid()) return folder_error(errno, fmt::format("open the state folder {}", folder));
  UniqueFd lock = TRY(take_lock(folder));
  StateFolder claimed(folder, std::move(handle), std::move(lock));
  TRY(claimed.check_database());
  return claimed;
}

Status StateFolder::check_database() const {
  const std::string file = database();
  const off_t size = size_of(file);
  // A first start that was killed leaves an empty file and no WAL: SQLite writes the WAL after the file's
  // first page.
  if (size <= 0 && size_of(file + "-wal") > 0)
    return Error{ErrorCode::kCorrupt, fmt::format("{} is {} although {}-wal holds data; {}", file,
                                                  size < 0 ? "missing" : "empty", file, way_out(file))};
  const UniqueFd fd{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!fd.valid()) return folder_error(errno, fmt::format("open {}", file));
  if (size <= 0) return {};
  char head[16] = {};
  const ssize_t got = ::pread(fd.get(), head, sizeof head, 0);
  if (got < 0) return folder_error(errno, fmt::format("read {}", file));
  if (std::string_view(head, static_cast<size_t>(got)) != kMagic)
    return Error{ErrorCode::kCorrupt, fmt::format("{} is not an SQLite file; {}", file, way_out(file))};
  return {};
}

std::string StateFolder::copy_of_version(int version) const {
  return fmt::format("{}.v{}", database(), version);
}

Status StateFolder::sync() const {
  if (::fsync(folder_.get()) != 0)
    return folder_error(errno, fmt::format("flush the state folder {}", path_));
  return {};
}

}  // namespace viaduct::store
