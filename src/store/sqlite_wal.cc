#include "store/sqlite_wal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "base/unique_fd.h"

namespace viaduct::store {

namespace {

using Offset = sqlite3_int64;

constexpr Offset kBlock = SqliteWal::kBlock;

Offset block_of(Offset at) {
  return at / kBlock * kBlock;
}

}  // namespace

// What SQLite has for the WAL; the file of the VFS below stands behind it in the same piece of memory.
struct SqliteWal::File {
  struct Freed {
    void operator()(char* block) const { std::free(block); }
  };

  sqlite3_file base;
  SqliteWal* wal;
  UniqueFd past_cache;                 // invalid: all goes below
  std::unique_ptr<char, Freed> bytes;  // of the WAL, from `first` on
  Offset first = 0;                    // a block's beginning
  Offset from = 0;                     // [from, end) is collected and not in the file yet
  Offset end = 0;
  bool known = false;        // bytes holds [first, end) of the file
  bool below_wrote = false;  // something since the last flush

  sqlite3_file* below();
  const sqlite3_io_methods& methods() { return *below()->pMethods; }
  [[nodiscard]] bool pending() const { return from < end; }

  int read(char* to, Offset size, Offset at);
  int write(const char* what, Offset size, Offset at);
  int sync(int flags);
  // Gives what is collected to the VFS below, which from now on gets all until the next flush.
  int spill();
  int write_below(const char* what, Offset size, Offset at);
  void abandon();
  // Begins to collect at `at`.
  int collect_from(Offset at);
  int write_blocks();
};

namespace {

constexpr Offset kHeader = 256;
// SQLite's own files take at most 128 KiB in one write (seekAndWriteFd() in os_unix.c).
constexpr Offset kMostAtOnce = 64 << 10;

}  // namespace

sqlite3_file* SqliteWal::File::below() {
  static_assert(sizeof(File) <= kHeader);
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(this) + kHeader);
}

int SqliteWal::File::read(char* to, Offset size, Offset at) {
  if (pending() && at < end && at + size > from) {
    if (at >= first && at + size <= end) {
      std::memcpy(to, bytes.get() + (at - first), static_cast<size_t>(size));
      return SQLITE_OK;
    }
    if (const int code = spill(); code != SQLITE_OK) return code;
  }
  return methods().xRead(below(), to, static_cast<int>(size), at);
}

// A piece is a page at most, so that the first one always has room.
int SqliteWal::File::write(const char* what, Offset size, Offset at) {
  if (!wal->started_ || !past_cache.valid() || below_wrote) return write_below(what, size, at);
  const bool appends = !pending() || at == end;
  const bool within = pending() && at >= from && at + size <= end;
  if ((!appends && !within) || (pending() && at + size - first > kMostPending)) {
    if (const int code = spill(); code != SQLITE_OK) return code;
    return write_below(what, size, at);
  }
  if (!pending()) {
    if (const int code = collect_from(at); code != SQLITE_OK) return code;
  }
  std::memcpy(bytes.get() + (at - first), what, static_cast<size_t>(size));
  end = std::max(end, at + size);
  return SQLITE_OK;
}

int SqliteWal::File::collect_from(Offset at) {
  if (!known || at != end) {
    known = false;
    first = block_of(at);
    if (at > first) {
      const int code = methods().xRead(below(), bytes.get(), static_cast<int>(at - first), first);
      if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) return code;
    }
    known = true;
  }
  from = end = at;
  return SQLITE_OK;
}

int SqliteWal::File::write_below(const char* what, Offset size, Offset at) {
  known = false;
  below_wrote = true;
  return methods().xWrite(below(), what, static_cast<int>(size), at);
}

void SqliteWal::File::abandon() {
  if (!pending()) return;
  from = end;
  known = false;
}

int SqliteWal::File::spill() {
  Offset at = std::exchange(from, end);
  while (at < end) {
    const Offset size = std::min(end - at, kMostAtOnce);
    if (const int code = write_below(bytes.get() + (at - first), size, at); code != SQLITE_OK) return code;
    at += size;
  }
  return SQLITE_OK;
}

int SqliteWal::File::sync(int flags) {
  if (pending()) {
    const int code = write_blocks();
    if (code != SQLITE_OK || !below_wrote) return code;
  }
  const int code = methods().xSync(below(), flags);
  if (code == SQLITE_OK) below_wrote = false;
  return code;
}

// On SQLITE_OK nothing is pending: the bytes are durable, or below.
int SqliteWal::File::write_blocks() {
  const Offset size = block_of(end - first + kBlock - 1);
  std::memset(bytes.get() + (end - first), 0, static_cast<size_t>(size - (end - first)));
  for (Offset done = 0; done < size;) {
    const iovec rest{bytes.get() + done, static_cast<size_t>(size - done)};
    const ssize_t put = ::pwritev2(past_cache.get(), &rest, 1, first + done, RWF_DSYNC);
    if (put > 0 && put % kBlock == 0) {
      done += put;
    } else if (put < 0 && errno == EINTR) {
      continue;
    } else if (put >= 0 || errno == EINVAL || errno == EOPNOTSUPP) {
      past_cache.reset();  // not on this file system
      return spill();
    } else {
      abandon();
      return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
    }
  }
  from = end;
  const Offset last = block_of(end);
  std::memcpy(bytes.get(), bytes.get() + (last - first), static_cast<size_t>(end - last));
  first = last;
  return SQLITE_OK;
}

// SQLite's calls, to the object that they are about.
struct SqliteWal::Calls {
  static File& file(sqlite3_file* f) { return *reinterpret_cast<File*>(f); }

  static int close(sqlite3_file* f) {
    File& self = file(f);
    if (self.wal->file_ == &self) self.wal->file_ = nullptr;
    sqlite3_file* below = self.below();
    self.~File();
    return below->pMethods->xClose(below);
  }
  static int read(sqlite3_file* f, void* to, int size, Offset at) {
    return file(f).read(static_cast<char*>(to), size, at);
  }
  static int write(sqlite3_file* f, const void* what, int size, Offset at) {
    return file(f).write(static_cast<const char*>(what), size, at);
  }
  static int truncate(sqlite3_file* f, Offset size) {
    File& self = file(f);
    if (const int code = self.spill(); code != SQLITE_OK) return code;
    self.known = false;
    return self.methods().xTruncate(self.below(), size);
  }
  static int sync(sqlite3_file* f, int flags) { return file(f).sync(flags); }
  static int file_size(sqlite3_file* f, Offset* size) {
    File& self = file(f);
    if (const int code = self.spill(); code != SQLITE_OK) return code;
    return self.methods().xFileSize(self.below(), size);
  }
  static int lock(sqlite3_file* f, int level) { return file(f).methods().xLock(file(f).below(), level); }
  static int unlock(sqlite3_file* f, int level) { return file(f).methods().xUnlock(file(f).below(), level); }
  static int check_lock(sqlite3_file* f, int* held) {
    return file(f).methods().xCheckReservedLock(file(f).below(), held);
  }
  static int control(sqlite3_file* f, int what, void* argument) {
    return file(f).methods().xFileControl(file(f).below(), what, argument);
  }
  static int sector_size(sqlite3_file* f) { return file(f).methods().xSectorSize(file(f).below()); }
  static int characteristics(sqlite3_file* f) {
    return file(f).methods().xDeviceCharacteristics(file(f).below());
  }

  static constexpr sqlite3_io_methods table() {
    sqlite3_io_methods out{};
    out.iVersion = 1;
    out.xClose = close;
    out.xRead = read;
    out.xWrite = write;
    out.xTruncate = truncate;
    out.xSync = sync;
    out.xFileSize = file_size;
    out.xLock = lock;
    out.xUnlock = unlock;
    out.xCheckReservedLock = check_lock;
    out.xFileControl = control;
    out.xSectorSize = sector_size;
    out.xDeviceCharacteristics = characteristics;
    return out;
  }
};

int SqliteWal::open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  static constexpr sqlite3_io_methods kMethods = Calls::table();
  auto* self = static_cast<SqliteWal*>(vfs->pAppData);
  if ((flags & SQLITE_OPEN_WAL) == 0) return self->below_->xOpen(self->below_, name, file, flags, out_flags);
  auto* wal = new (file) File{.base = {nullptr}, .wal = self, .past_cache = {}, .bytes = {}};
  const int code = self->below_->xOpen(self->below_, name, wal->below(), flags, out_flags);
  if (wal->below()->pMethods == nullptr) {
    wal->~File();
    return code;
  }
  wal->bytes.reset(
      static_cast<char*>(std::aligned_alloc(kBlock, static_cast<size_t>(kMostPending + kBlock))));
  if (wal->bytes != nullptr) wal->past_cache.reset(::open(name, O_RDWR | O_DIRECT | O_CLOEXEC));
  wal->base.pMethods = &kMethods;
  self->file_ = wal;
  return code;
}

SqliteWal::SqliteWal()
    : name_(fmt::format("viaduct-wal-{}", static_cast<const void*>(this))),
      below_(sqlite3_vfs_find(nullptr)),
      vfs_(*below_) {
  vfs_.szOsFile = below_->szOsFile + static_cast<int>(kHeader);
  vfs_.zName = name_.c_str();
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.xOpen = open;
  (void)sqlite3_vfs_register(&vfs_, /*makeDflt=*/0);
}

SqliteWal::~SqliteWal() {
  (void)sqlite3_vfs_unregister(&vfs_);
}

void SqliteWal::begin(bool is_stale) {
  abandon();
  if (file_ != nullptr && is_stale) file_->known = false;
}

void SqliteWal::abandon() {
  if (file_ != nullptr) file_->abandon();
}

void SqliteWal::fetch() const {
  if (file_ != nullptr && file_->past_cache.valid())
    (void)::posix_fadvise(file_->past_cache.get(), 0, 0, POSIX_FADV_WILLNEED);
}

}  // namespace viaduct::store
