#include "fault/store/failing_disk.h"

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <new>

namespace viaduct::store {

namespace {

// The real file stands behind this one, in the same block of memory.
struct File {
  sqlite3_file base;
  FailingDisk* disk;
};
constexpr int kHeader =
    (sizeof(File) + alignof(std::max_align_t) - 1) / alignof(std::max_align_t) * alignof(std::max_align_t);

FailingDisk& disk_of(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file)->disk;
}
sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + kHeader);
}
const sqlite3_io_methods& methods(sqlite3_file* file) {
  return *real(file)->pMethods;
}

int on_close(sqlite3_file* f) {
  return methods(f).xClose(real(f));
}
int on_read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  return methods(f).xRead(real(f), to, size, at);
}
int on_write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  if (disk_of(f).strikes()) return SQLITE_IOERR_WRITE;
  return methods(f).xWrite(real(f), from, size, at);
}
int on_truncate(sqlite3_file* f, sqlite3_int64 size) {
  if (disk_of(f).strikes()) return SQLITE_IOERR_TRUNCATE;
  return methods(f).xTruncate(real(f), size);
}
int on_sync(sqlite3_file* f, int flags) {
  if (disk_of(f).strikes()) return SQLITE_IOERR_FSYNC;
  return methods(f).xSync(real(f), flags);
}
int on_file_size(sqlite3_file* f, sqlite3_int64* size) {
  return methods(f).xFileSize(real(f), size);
}
int on_lock(sqlite3_file* f, int level) {
  return methods(f).xLock(real(f), level);
}
int on_unlock(sqlite3_file* f, int level) {
  return methods(f).xUnlock(real(f), level);
}
int on_check_lock(sqlite3_file* f, int* held) {
  return methods(f).xCheckReservedLock(real(f), held);
}
int on_control(sqlite3_file* f, int what, void* argument) {
  return methods(f).xFileControl(real(f), what, argument);
}
int on_sector_size(sqlite3_file* f) {
  return methods(f).xSectorSize(real(f));
}
int on_characteristics(sqlite3_file* f) {
  return methods(f).xDeviceCharacteristics(real(f));
}
int on_shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return methods(f).xShmMap(real(f), page, size, extend, out);
}
int on_shm_lock(sqlite3_file* f, int offset, int count, int flags) {
  return methods(f).xShmLock(real(f), offset, count, flags);
}
void on_shm_barrier(sqlite3_file* f) {
  methods(f).xShmBarrier(real(f));
}
int on_shm_unmap(sqlite3_file* f, int remove) {
  return methods(f).xShmUnmap(real(f), remove);
}

constexpr sqlite3_io_methods make_methods() {
  sqlite3_io_methods out{};
  out.iVersion = 2;
  out.xClose = on_close;
  out.xRead = on_read;
  out.xWrite = on_write;
  out.xTruncate = on_truncate;
  out.xSync = on_sync;
  out.xFileSize = on_file_size;
  out.xLock = on_lock;
  out.xUnlock = on_unlock;
  out.xCheckReservedLock = on_check_lock;
  out.xFileControl = on_control;
  out.xSectorSize = on_sector_size;
  out.xDeviceCharacteristics = on_characteristics;
  out.xShmMap = on_shm_map;
  out.xShmLock = on_shm_lock;
  out.xShmBarrier = on_shm_barrier;
  out.xShmUnmap = on_shm_unmap;
  return out;
}
constexpr sqlite3_io_methods kMethods = make_methods();

int on_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* disk = static_cast<FailingDisk*>(vfs->pAppData);
  auto* ours = new (file) File{.base = {nullptr}, .disk = disk};
  const int code = disk->real()->xOpen(disk->real(), name, real(file), flags, out_flags);
  if (real(file)->pMethods != nullptr) ours->base.pMethods = &kMethods;
  return code;
}

}  // namespace

FailingDisk::FailingDisk(PastCache past_cache)
    : past_cache_(past_cache), real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  vfs_.szOsFile = real_->szOsFile + kHeader;
  vfs_.zName = "failing-disk";
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.xOpen = on_open;
  (void)sqlite3_vfs_register(&vfs_, /*makeDflt=*/1);
  present_ = this;
}

FailingDisk::~FailingDisk() {
  present_ = nullptr;
  (void)sqlite3_vfs_unregister(&vfs_);
  (void)sqlite3_vfs_register(real_, /*makeDflt=*/1);
}

void FailingDisk::fail_at(int n, Length length) {
  fired_ = false;
  lasting_ = length == Length::kFromThenOn;
  countdown_ = n;
}

void FailingDisk::repair() {
  lasting_ = false;
  countdown_ = 0;
}

bool FailingDisk::strikes() {
  int left = countdown_.load();
  do {
    if (left == 0) return fired_ && lasting_;
  } while (!countdown_.compare_exchange_weak(left, left - 1));
  if (left != 1) return false;
  fired_ = true;
  return true;
}

}  // namespace viaduct::store

// Comes before the C library's, of which nothing else in this program makes use.
extern "C" ssize_t pwritev2(int fd, const iovec* pieces, int count, off_t at, int flags) {
  using viaduct::store::FailingDisk;
  FailingDisk* disk = FailingDisk::present();
  iovec first = *pieces;
  if (disk != nullptr) {
    if (disk->past_cache() == FailingDisk::PastCache::kNotKnown) {
      errno = EOPNOTSUPP;
      return -1;
    }
    if (disk->strikes()) {
      errno = EIO;
      return -1;
    }
    if (disk->past_cache() == FailingDisk::PastCache::kHalf)
      first.iov_len = std::min(first.iov_len, size_t{4096});
  }
  return ::syscall(SYS_pwritev2, fd, count == 1 ? &first : pieces, count, at, 0, flags);
}
