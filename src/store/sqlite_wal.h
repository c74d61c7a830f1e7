#pragma once

#include <sqlite3.h>

#include <string>

namespace viaduct::store {

// The way of one connection's write-ahead log to the disk: past the page cache. A commit is one durable write (O_DIRECT,
// RWF_DSYNC: pwritev2(2)) where SQLite's own files take two writes a page and a flush, which costs the disk the same and the
// processor more.
//
// It is a VFS over the one that is the default when it is made, and changes nothing but how the WAL is written: from start()
// on, what SQLite appends is collected until SQLite asks for a flush, and then written in whole blocks. The rest of the last
// block is filled with zeros, which end the log as anything does that no frame of it continues (SQLite: wal.c). Where the
// file system refuses such writes, or a transaction is larger than kMostPending, all goes the way of the VFS below.
//
// Others may write to the same WAL, by whatever VFS, when they hold SQLite's lock: begin() and abandon() see to it that what
// is remembered of the file is never written over what they wrote. One thread at a time, as the connection.
class SqliteWal {
 public:
  static constexpr sqlite3_int64 kBlock = 4096;
  static constexpr sqlite3_int64 kMostPending = sqlite3_int64{1} << 20;

  SqliteWal();
  SqliteWal(const SqliteWal&) = delete;
  SqliteWal& operator=(const SqliteWal&) = delete;
  // No connection uses it any more.
  ~SqliteWal();

  // For sqlite3_open_v2(), of one connection.
  [[nodiscard]] const char* vfs_name() const { return name_.c_str(); }

  void start() { started_ = true; }
  // To be called in each write transaction before its first change. `is_stale`: somebody else may have written since the last
  // one, so that the block that the log ends in has to be read again.
  void begin(bool is_stale);
  // After a rollback, by whomever: what it had collected is no part of the log.
  void abandon();
  // Before a checkpoint, which reads what was written: starts to bring it into the page cache.
  void fetch() const;

 private:
  struct File;
  struct Calls;
  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags);

  std::string name_;
  sqlite3_vfs* below_;
  sqlite3_vfs vfs_;
  bool started_ = false;
  File* file_ = nullptr;  // while SQLite has the WAL open
};

}  // namespace viaduct::store
