#include "store/sqlite_open.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "store/sqlite_schema.h"

namespace viaduct::store {

namespace {

Error damaged(const std::string& file, const std::string& cause) {
  return Error{ErrorCode::kCorrupt, fmt::format("{} {}; {}", file, cause, way_out(file))};
}

// Damage met while checking gets the longer remedy.
Error at_open(Error error, const std::string& file) {
  if (error.code != ErrorCode::kCorrupt || error.message.ends_with(way_out(file))) return error;
  return damaged(file, fmt::format("is damaged ({})", error.message));
}

// Every page and every row, but not whether the values are JSON (CHECK constraints, four times as slow as the rest): who
// loads them reads them all, and refuses what it cannot read.
Status check_structure(sqlite3* db, const std::string& file, const std::string& attempt) {
  TRY(run_sql(db, "PRAGMA ignore_check_constraints=ON", attempt));
  const std::string verdict = TRY(query_text(db, "PRAGMA integrity_check(1)", attempt));
  TRY(run_sql(db, "PRAGMA ignore_check_constraints=OFF", attempt));
  if (verdict != "ok") return damaged(file, fmt::format("is damaged ({})", verdict));
  return {};
}

// Version 0 for a first start. Changes nothing but what SQLite's own recovery does.
Result<int> check_content(sqlite3* db, const std::string& file) {
  const std::string attempt = fmt::format("check {}", file);
  const std::string id = TRY(query_text(db, "PRAGMA application_id", attempt));
  const int version = TRY(schema_version(db));
  const std::string objects = TRY(query_text(db, "SELECT count(*) FROM sqlite_schema", attempt));
  // A first start that was killed before its only transaction: the file may hold an empty first page.
  if (id == "0" && version == 0 && objects == "0") return 0;
  if (id != std::to_string(kApplicationId) || version < 1)
    return damaged(file, "is an SQLite file but not a state of viaduct");
  if (version > kSchemaVersion)
    return unsupported(
        fmt::format("{} was written by a newer viaduct (schema {}, this one knows {}); install that "
                    "version, or restore {}.v{}",
                    file, version, kSchemaVersion, file, kSchemaVersion));
  TRY(check_structure(db, file, attempt));
  return version;
}

Status flush_file(const std::string& file) {
  const UniqueFd fd{::open(file.c_str(), O_RDWR | O_CLOEXEC)};
  if (!fd.valid() || ::fsync(fd.get()) != 0) return from_errno(errno, fmt::format("flush {}", file));
  return {};
}

// A complete copy of the state as it is now, WAL included, under its version's name; replaces an older one of
// that name.
Status keep_copy(sqlite3* db, const StateFolder& folder, int version) {
  const std::string copy = folder.copy_of_version(version);
  const std::string draft = copy + ".part";
  if (::unlink(draft.c_str()) != 0 && errno != ENOENT)
    return from_errno(errno, fmt::format("remove {}", draft));
  const std::string attempt = fmt::format("keep the copy {}", copy);
  Statement statement = TRY(Statement::prepare(db, "VACUUM INTO ?1"));
  statement.bind(1, draft);
  if (statement.step() != SQLITE_DONE) return from_sqlite(db, attempt);
  TRY(flush_file(draft));
  if (::rename(draft.c_str(), copy.c_str()) != 0) return from_errno(errno, attempt);
  return folder.sync();
}

Status use_wal(sqlite3* db, const std::string& file) {
  const std::string attempt = fmt::format("switch {} to write-ahead logging", file);
  const std::string mode = TRY(query_text(db, "PRAGMA journal_mode=WAL", attempt));
  if (mode == "wal") return {};
  return unavailable(fmt::format(
      "{}: the journal mode stays \"{}\"; put the state folder on a local file system", attempt, mode));
}

Status bring_up_to_date(sqlite3* db, const StateFolder& folder, int version) {
  TRY(use_wal(db, folder.database()));
  if (version == 0) {
    TRY(create_schema(db, kSchemaVersion));
    return folder.sync();
  }
  if (version < kSchemaVersion) TRY(keep_copy(db, folder, version));
  for (; version < kSchemaVersion; ++version) TRY(step_forward(db, version));
  return {};
}

// The WAL between two checkpoints (sqlite_writer.cc), with some frames to spare.
constexpr off_t kWalBytes = 1040 * (4096 + 24);
// With less free space on the disk, what there is is left to the commits.
constexpr uint64_t kAmpleBytes = 64 << 20;

// Makes the WAL as long as it will get, with zeros, which SQLite takes for the end of its frames. Else every commit up to
// the first checkpoint makes the file longer, and its flush then has to wait for the file system's journal, too. Nothing
// depends on it, so that a failure is not reported.
void lengthen_wal(const std::string& file) {
  // Not state.db itself: to close a descriptor of that would drop the locks that SQLite holds on it.
  const UniqueFd wal{::open((file + "-wal").c_str(), O_RDWR | O_CLOEXEC)};
  struct stat now {};
  struct statvfs disk {};
  if (!wal.valid() || ::fstat(wal.get(), &now) != 0 || ::fstatvfs(wal.get(), &disk) != 0) return;
  if (now.st_size >= kWalBytes || uint64_t{disk.f_bavail} * disk.f_frsize < kAmpleBytes) return;
  const std::string zeros(static_cast<size_t>(kWalBytes - now.st_size), '\0');
  const ssize_t put = ::pwrite(wal.get(), zeros.data(), zeros.size(), now.st_size);
  if (put < 0 || static_cast<size_t>(put) < zeros.size()) [[maybe_unused]]
    const int undone = ::ftruncate(wal.get(), now.st_size);
  (void)::fsync(wal.get());
}

struct Connections {
  std::unique_ptr<SqliteWal> wal;
  SqliteHandle writer;
  SqliteHandle reader;
};

Result<Connections> connect(const StateFolder& folder) {
  const std::string file = folder.database();
  auto wal = std::make_unique<SqliteWal>();
  SqliteHandle writer = TRY(open_connection(file, wal->vfs_name()));
  const int version = TRY(check_content(writer.get(), file));
  TRY(bring_up_to_date(writer.get(), folder, version));
  lengthen_wal(file);
  SqliteHandle reader = TRY(open_connection(file));
  return Connections{std::move(wal), std::move(writer), std::move(reader)};
}

Status convert_back(const StateFolder& folder) {
  const std::string file = folder.database();
  const SqliteHandle db = TRY(open_connection(file));
  const int version = TRY(check_content(db.get(), file));
  if (version == 0) return not_found(fmt::format("{} holds no state; there is nothing to step back", file));
  if (version == 1)
    return unsupported(fmt::format("{} has schema 1, the oldest; there is no step back", file));
  TRY(keep_copy(db.get(), folder, version));
  TRY(step_back(db.get(), version));
  checkpoint_at_close(db.get());
  return {};
}

}  // namespace

Result<OpenedState> open_state(const std::string& folder) {
  StateFolder claimed = TRY(StateFolder::claim(folder));
  auto connections = connect(claimed);
  if (!connections.ok()) return at_open(std::move(connections).error(), claimed.database());
  Connections ready = std::move(connections).value();
  return OpenedState{std::move(claimed), std::move(ready.wal), std::move(ready.writer),
                     std::move(ready.reader)};
}

Result<std::vector<std::string>> find_damages(const std::string& file) {
  std::vector<std::string> found;
  const auto look = [&]() -> Status {
    const std::string attempt = fmt::format("check {}", file);
    const SqliteHandle db = TRY(open_connection(file));
    TRY(run_sql(db.get(), "PRAGMA ignore_check_constraints=ON", attempt));
    Statement check = TRY(Statement::prepare(db.get(), "PRAGMA integrity_check(10)"));
    int code = check.step();
    for (; code == SQLITE_ROW; code = check.step())
      if (check.view(0) != "ok") found.push_back(check.text(0));
    if (code != SQLITE_DONE) return from_sqlite(db.get(), attempt);
    return {};
  };
  const Status done = look();
  if (done.ok()) return found;
  if (done.error().code != ErrorCode::kCorrupt) return done.error();
  found.push_back(done.error().message);
  return found;
}

Status step_back_state(const std::string& folder) {
  const StateFolder claimed = TRY(StateFolder::claim(folder));
  Status done = convert_back(claimed);
  if (!done.ok()) return at_open(std::move(done).error(), claimed.database());
  return {};
}

}  // namespace viaduct::store
